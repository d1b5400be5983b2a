-- Storage of native streams: defaults of its system columns, its partitions, and
-- the triggers that let it follow its stream.

CREATE OR REPLACE FUNCTION velo._append_time(storage regclass) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_append_time';
COMMENT ON FUNCTION velo._append_time(regclass) IS
    'Internal: default of _timestamp in the storage of streams; the moment at which the transaction first wrote to the stream.';
-- Column defaults are evaluated with the rights of whoever inserts.
GRANT EXECUTE ON FUNCTION velo._append_time(regclass) TO PUBLIC;

CREATE OR REPLACE FUNCTION velo._native_is_past("position" text, last xid8) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_native_is_past';
COMMENT ON FUNCTION velo._native_is_past(text, xid8) IS
    'Internal: has a job that stands at this position read every transaction up to that one?';
REVOKE EXECUTE ON FUNCTION velo._native_is_past(text, xid8) FROM PUBLIC;

-- Table, partitions: all that ALTER TABLE … OWNER does not do by itself.
CREATE OR REPLACE FUNCTION velo._native_set_owner(storage regclass, role oid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        SELECT t.relid
        FROM (SELECT p.relid FROM pg_catalog.pg_partition_tree(storage) p
              UNION SELECT storage) t
        JOIN pg_catalog.pg_class c ON c.oid = t.relid
        WHERE c.relowner <> role
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', part, pg_catalog.pg_get_userbyid(role));
    END LOOP;
END
$$;
COMMENT ON FUNCTION velo._native_set_owner(regclass, oid) IS
    'Internal: gives the storage of a stream, with its partitions, to a role.';
REVOKE EXECUTE ON FUNCTION velo._native_set_owner(regclass, oid) FROM PUBLIC;

-- Time partitions of a storage, in order.
CREATE OR REPLACE FUNCTION velo._native_partitions(
        storage regclass,
        OUT part regclass, OUT lower timestamptz, OUT upper timestamptz, OUT is_default boolean)
    RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'
    AS $$
SELECT i.inhrelid::pg_catalog.regclass,
       pg_catalog.substring(b.bound, 'FROM \(''([^'']+)''\)')::pg_catalog.timestamptz,
       pg_catalog.substring(b.bound, 'TO \(''([^'']+)''\)')::pg_catalog.timestamptz,
       b.bound = 'DEFAULT'
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound) b
WHERE i.inhparent = storage
ORDER BY 3 NULLS LAST
$$;
COMMENT ON FUNCTION velo._native_partitions(regclass) IS
    'Internal: partitions of the storage of a stream with their bounds.';
REVOKE EXECUTE ON FUNCTION velo._native_partitions(regclass) FROM PUBLIC;

-- Makes the partitions of the present and of one width ahead.  A range of which
-- the default partition already holds rows is left to it: PostgreSQL would refuse
-- the partition, and moving rows would lock out whoever reads.
CREATE OR REPLACE FUNCTION velo._native_extend(
        storage regclass, retention_ms bigint, at timestamptz,
        OUT created integer, OUT is_waiting boolean)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'
    SET lock_timeout = '20ms'
    AS $$
DECLARE
    origin CONSTANT timestamptz := '2000-01-01 00:00:00+00';
    width interval;
    next_lower timestamptz;
    next_upper timestamptz;
    rest regclass;
    has_rows boolean;
    name text;
BEGIN
    created := 0;
    is_waiting := false;
    -- The widest that still gives about seven partitions.
    SELECT w INTO width
    FROM pg_catalog.unnest('{1h,2h,3h,4h,6h,8h,12h,24h}'::interval[]) w
    ORDER BY w > pg_catalog.make_interval(secs => retention_ms / 7000.0),
             pg_catalog.abs(EXTRACT(epoch FROM w) - retention_ms / 7000.0)
    LIMIT 1;
    SELECT p.part INTO rest FROM velo._native_partitions(storage) p WHERE p.is_default;
    SELECT pg_catalog.max(p.upper) INTO next_lower FROM velo._native_partitions(storage) p;
    next_lower := GREATEST(next_lower, pg_catalog.date_bin(width, at, origin));

    WHILE next_lower <= at + width LOOP
        -- An older partition may have had another width, so bounds fall back into step.
        next_upper := pg_catalog.date_bin(width, next_lower, origin) + width;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE _timestamp >= $1 AND _timestamp < $2)',
                       rest)
            INTO has_rows USING next_lower, next_upper;
        IF NOT has_rows THEN
            SELECT c.relname || pg_catalog.to_char(next_lower AT TIME ZONE 'UTC', '_YYYYMMDD_HH24MI')
            INTO name
            FROM pg_catalog.pg_class c WHERE c.oid = storage;
            BEGIN
                EXECUTE format('CREATE TABLE velo_storage.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                               name, storage, next_lower, next_upper);
                EXECUTE format('ALTER TABLE velo_storage.%I OWNER TO %I', name,
                               (SELECT pg_catalog.pg_get_userbyid(c.relowner)
                                FROM pg_catalog.pg_class c WHERE c.oid = storage));
                created := created + 1;
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected OR check_violation THEN
                    -- Somebody reads or writes the default partition; next time.
                    is_waiting := true;
                    RETURN;
            END;
        END IF;
        next_lower := next_upper;
    END LOOP;
END
$$;
COMMENT ON FUNCTION velo._native_extend(regclass, bigint, timestamptz) IS
    'Internal: makes the time partitions of the near future.';
REVOKE EXECUTE ON FUNCTION velo._native_extend(regclass, bigint, timestamptz) FROM PUBLIC;

-- Must rows of transactions up to that one be kept for a job?
CREATE OR REPLACE FUNCTION velo._native_is_held(stream oid, last xid8) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
SELECT EXISTS (
    SELECT
    FROM velo.job j
    LEFT JOIN velo.position p
        ON p.job_id = j.job_id AND j.sources[p.source + 1]::pg_catalog.oid = stream
    WHERE stream = ANY (j.sources::pg_catalog.oid[])
        AND j.desired IN ('running', 'paused')
        AND j.status <> 'finished'
        AND CASE
            -- A job that has saved nothing yet starts at the beginning, unless told otherwise.
            WHEN p.position IS NULL THEN j.start_from <> 'latest'
            ELSE NOT velo._native_is_past(p.position, last)
        END
)
$$;
COMMENT ON FUNCTION velo._native_is_held(oid, xid8) IS
    'Internal: has some running or paused job not read everything up to that transaction?';
REVOKE EXECUTE ON FUNCTION velo._native_is_held(oid, xid8) FROM PUBLIC;

-- Drops the partitions, and deletes some of the default partition's rows, that are
-- older than the retention and that every job has read.
CREATE OR REPLACE FUNCTION velo._native_expire(
        storage regclass, retention_ms bigint, at timestamptz, stream oid,
        OUT dropped integer, OUT deleted bigint, OUT is_waiting boolean)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'
    SET lock_timeout = '20ms'
    AS $$
DECLARE
    rows_max CONSTANT integer := 10000;
    expired_before timestamptz := at - pg_catalog.make_interval(secs => retention_ms / 1000.0);
    p record;
    last xid8;
BEGIN
    dropped := 0;
    deleted := 0;
    is_waiting := false;
    FOR p IN SELECT * FROM velo._native_partitions(storage) LOOP
        IF p.is_default THEN
            EXECUTE format(
                'SELECT max(_xid) FROM (SELECT _xid FROM %s WHERE _timestamp < $1 '
                'ORDER BY _timestamp LIMIT $2) r', p.part)
                INTO last USING expired_before, rows_max;
            IF last IS NULL OR velo._native_is_held(stream, last) THEN
                CONTINUE;
            END IF;
            EXECUTE format(
                'DELETE FROM %1$s WHERE ctid = ANY (ARRAY('
                'SELECT ctid FROM %1$s WHERE _timestamp < $1 ORDER BY _timestamp LIMIT $2))', p.part)
                USING expired_before, rows_max;
            GET DIAGNOSTICS deleted = ROW_COUNT;
            is_waiting := is_waiting OR deleted = rows_max;
        ELSIF p.upper <= expired_before THEN
            EXECUTE format('SELECT _xid FROM %s ORDER BY _xid DESC, _seq DESC LIMIT 1', p.part)
                INTO last;
            IF last IS NOT NULL AND velo._native_is_held(stream, last) THEN
                CONTINUE;
            END IF;
            BEGIN
                EXECUTE format('DROP TABLE %s', p.part);
                dropped := dropped + 1;
            EXCEPTION
                WHEN lock_not_available OR deadlock_detected THEN
                    -- Writers have it; whoever waits for a lock makes others wait.
                    is_waiting := true;
            END;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION velo._native_expire(regclass, bigint, timestamptz, oid) IS
    'Internal: removes what is older than a stream''s retention and read by all its jobs.';
REVOKE EXECUTE ON FUNCTION velo._native_expire(regclass, bigint, timestamptz, oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION velo.stream_maintain(
        stream regclass,
        OUT created integer, OUT dropped integer, OUT deleted bigint, OUT is_waiting boolean)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_stream_maintain';
COMMENT ON FUNCTION velo.stream_maintain(regclass) IS
    'Makes the coming time partitions of a native stream and removes what is past its retention and read by every job. A background worker does this every few minutes; call it to see the effect at once. is_waiting: something is left to do, call again. For the owner of the stream and velo_admin.';
GRANT EXECUTE ON FUNCTION velo.stream_maintain(regclass) TO PUBLIC;

-- --- velo.stream --------------------------------------------------------------

CREATE OR REPLACE FUNCTION velo._streams_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'velo_streams_changed';
COMMENT ON FUNCTION velo._streams_changed() IS
    'Internal: tells every backend that velo.stream has changed.';
REVOKE EXECUTE ON FUNCTION velo._streams_changed() FROM PUBLIC;

CREATE OR REPLACE TRIGGER streams_changed
    AFTER INSERT OR UPDATE OR DELETE ON velo.stream
    FOR EACH STATEMENT EXECUTE FUNCTION velo._streams_changed();

-- --- following the stream -----------------------------------------------------

-- A stream that is dropped, by whatever statement, takes its storage along.
CREATE OR REPLACE FUNCTION velo._after_drop() RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    gone oid[];
    dropped oid;
    storage oid;
BEGIN
    SELECT pg_catalog.array_agg(d.objid) INTO gone
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0;
    -- The extension itself is going, or there is nothing of ours.
    IF gone IS NULL OR pg_catalog.to_regclass('velo.stream') IS NULL THEN
        RETURN;
    END IF;
    PERFORM velo._jobs_dropped(gone);
    -- Most drops are none of our business and must not make backends reload anything.
    FOR dropped, storage IN
        SELECT s.relation::oid, s.storage::oid FROM velo.stream s WHERE s.relation::oid = ANY (gone)
    LOOP
        DELETE FROM velo.stream s WHERE s.relation::oid = dropped;
        IF EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = storage) THEN
            -- A topic's is a foreign table.
            EXECUTE format('DROP %s %s',
                           (SELECT CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END
                            FROM pg_catalog.pg_class c WHERE c.oid = storage),
                           storage::regclass);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION velo._after_drop() IS
    'Internal: drops the storage and stops the jobs of dropped streams and tables.';
REVOKE EXECUTE ON FUNCTION velo._after_drop() FROM PUBLIC;

-- A stream that changes hands takes its storage along.
CREATE OR REPLACE FUNCTION velo._after_alter() RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    s record;
BEGIN
    FOR s IN
        SELECT DISTINCT t.storage, c.relowner
        FROM pg_catalog.pg_event_trigger_ddl_commands() d
        JOIN velo.stream t ON t.relation::oid = d.objid
        JOIN pg_catalog.pg_class c ON c.oid = d.objid
        JOIN pg_catalog.pg_class r ON r.oid = t.storage
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND r.relowner <> c.relowner
    LOOP
        PERFORM velo._native_set_owner(s.storage, s.relowner);
    END LOOP;
END
$$;
COMMENT ON FUNCTION velo._after_alter() IS
    'Internal: gives the storage of a stream to the stream''s new owner.';
REVOKE EXECUTE ON FUNCTION velo._after_alter() FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'velo_after_drop') THEN
        CREATE EVENT TRIGGER velo_after_drop ON sql_drop
            EXECUTE FUNCTION velo._after_drop();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'velo_after_alter') THEN
        CREATE EVENT TRIGGER velo_after_alter ON ddl_command_end
            WHEN TAG IN ('ALTER VIEW', 'ALTER TABLE')
            EXECUTE FUNCTION velo._after_alter();
    END IF;
END
$$;
