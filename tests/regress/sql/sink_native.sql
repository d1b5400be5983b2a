-- Do result rows reach a native stream's storage, with the rights of the stream?
\set SHOW_CONTEXT never
CREATE SCHEMA sink_native;
SET search_path = sink_native;
SET client_min_messages = warning;
CREATE FUNCTION sink_open(type text, target regclass, columns text[], keys text[] DEFAULT '{}')
    RETURNS int LANGUAGE c AS '$libdir/velostream', 'velo_sink_check_open';
CREATE FUNCTION sink_write(sink int, target_rows jsonb) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_write';
CREATE FUNCTION sink_fill(sink int, n int, distinct_keys int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_fill';
CREATE FUNCTION sink_close(sink int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_close';

-- A stream by hand, with storage that has partitions, a wake-up trigger and the
-- columns that the view hides.
CREATE ROLE regress_stream_owner;
CREATE ROLE regress_stream_writer;
GRANT USAGE ON SCHEMA sink_native TO regress_stream_owner, regress_stream_writer;
CREATE TABLE storage (
    "k ey" bigint,
    dropped int,
    v text DEFAULT 'none',
    _timestamp timestamptz NOT NULL DEFAULT now(),
    _xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    _seq bigint GENERATED ALWAYS AS IDENTITY,
    _tombstone boolean,
    CONSTRAINT v_good CHECK (v <> 'bad')
) PARTITION BY RANGE (_timestamp);
ALTER TABLE storage DROP COLUMN dropped;
CREATE TABLE storage_old PARTITION OF storage FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE storage_new (_seq bigint NOT NULL, v text, "k ey" bigint, _tombstone boolean,
    _timestamp timestamptz NOT NULL, _xid xid8 NOT NULL, CONSTRAINT v_good CHECK (v <> 'bad'));
ALTER TABLE storage ATTACH PARTITION storage_new DEFAULT;
CREATE INDEX ON storage (_xid, _seq);
CREATE TABLE wakeups (n int);
INSERT INTO wakeups VALUES (0);
CREATE FUNCTION wake_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE sink_native.wakeups SET n = n + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER wake_up AFTER INSERT ON storage FOR EACH STATEMENT EXECUTE FUNCTION wake_up();
CREATE VIEW events AS SELECT "k ey", v FROM storage;
ALTER TABLE storage OWNER TO regress_stream_owner;
ALTER VIEW events OWNER TO regress_stream_owner;
INSERT INTO velo.stream (relation, kind, type, storage) VALUES ('events', 'stream', 'native', 'storage');

SELECT sink_open('native', 'events', '{"k ey",v}') AS sink,
       sink_open('native', 'events', '{v}') AS part \gset
SELECT sink_write(:sink, '[{"k ey": "1", "v": "a"}, {"k ey": "2"}, {"k ey": "2", "v": "b", "_tombstone": "true"}]');
SELECT sink_write(:part, '[{"v": "c"}]');
SELECT "k ey", v, _tombstone, _xid IS NOT NULL AS xid, _timestamp <= now() AS at, tableoid::regclass
FROM storage ORDER BY _seq;
SELECT n FROM wakeups;

-- A row that cannot be stored.
\set VERBOSITY terse
SELECT sink_write(:sink, '[{"k ey": "3", "v": "a"}, {"k ey": "3", "v": "bad"}]');
\set VERBOSITY default

-- Many rows, in the order of writing, found by index.
SELECT sink_fill(:sink, 100000, 1);
SELECT count(*), count(DISTINCT _seq), sum("k ey"),
       bool_and("k ey" = before + 1) AS in_order
FROM (SELECT *, lag("k ey") OVER (ORDER BY _seq) AS before FROM storage WHERE v LIKE 'row%') rows;
SET enable_seqscan = off;
SELECT count(*) FROM storage WHERE _xid = (SELECT max(_xid) FROM storage);
RESET enable_seqscan;

-- Rights are those of the stream, never of the storage.
SET ROLE regress_stream_writer;
SELECT sink_write(:part, '[{"v": "denied"}]');
RESET ROLE;
GRANT INSERT (v) ON events TO regress_stream_writer;
SET ROLE regress_stream_writer;
SELECT sink_write(:part, '[{"v": "granted"}]');
SELECT sink_write(:sink, '[{"k ey": "1", "v": "denied"}]');
SELECT count(*) FROM storage;
RESET ROLE;
SELECT v FROM storage WHERE v IN ('granted', 'denied');

-- Storage with a row trigger: through a statement, with the same result.
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.v := upper(NEW.v);
    RETURN NEW;
END $$;
CREATE TRIGGER shout BEFORE INSERT ON storage FOR EACH ROW EXECUTE FUNCTION shout();
SET ROLE regress_stream_writer;
SELECT sink_write(:part, '[{"v": "quiet"}, {"v": "gone", "_tombstone": "true"}]');
RESET ROLE;
SELECT v, _tombstone FROM storage WHERE v IN ('QUIET', 'GONE') ORDER BY _seq;
SELECT sink_close(:sink), sink_close(:part);

-- Not a native stream.
SELECT sink_open('native', 'storage', '{v}');

DELETE FROM velo.stream WHERE relation = 'sink_native.events'::regclass;
DROP SCHEMA sink_native CASCADE;
DROP ROLE regress_stream_owner, regress_stream_writer;
