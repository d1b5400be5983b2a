-- Seeing streams and tables.

CREATE OR REPLACE VIEW velo._objects AS
SELECT s.relation, s.kind, n.nspname AS schema_name, c.relname AS object_name,
       coalesce(s.options ->> 'topic', '') AS topic, s.type, s.is_derived, s.key_columns,
       s.options, j.name AS job_name
FROM velo.stream s
JOIN pg_catalog.pg_class c ON c.oid = s.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN velo.job j ON j.relation = s.relation
WHERE pg_catalog.has_table_privilege(s.relation, 'SELECT')
   OR pg_catalog.has_any_column_privilege(s.relation, 'SELECT')
   OR pg_catalog.pg_has_role(c.relowner, 'USAGE');
COMMENT ON VIEW velo._objects IS 'Internal: streams and tables the caller may read.';

CREATE OR REPLACE VIEW velo.streams AS
SELECT object_name AS stream_name, nullif(topic, '') AS topic, NULL::integer AS schema_id, type,
       CASE WHEN is_derived THEN 'derived' ELSE 'declared' END AS source_type, key_columns,
       options ->> 'event.time.field' AS event_time_field, job_name,
       CASE WHEN type = 'native'
            THEN pg_catalog.make_interval(secs => coalesce((options ->> 'retention')::bigint, 604800000) / 1000.0)
       END AS retention
FROM velo._objects WHERE kind = 'stream';
COMMENT ON VIEW velo.streams IS 'Streams the caller may read: SHOW STREAMS.';

CREATE OR REPLACE VIEW velo.tables AS
SELECT object_name AS table_name, nullif(topic, '') AS topic, NULL::integer AS schema_id, type,
       CASE WHEN is_derived THEN 'derived' ELSE 'declared' END AS source_type, key_columns,
       options ->> 'event.time.field' AS event_time_field, job_name, NULL::interval AS retention
FROM velo._objects WHERE kind = 'table';
COMMENT ON VIEW velo.tables IS 'Tables of the dialect that the caller may read: SHOW TABLES.';

CREATE OR REPLACE FUNCTION velo._system_columns()
    RETURNS TABLE (name text, type text, description text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$ VALUES ('_timestamp', 'timestamp with time zone', 'append time'),
                 ('_event_time', 'timestamp with time zone', 'event time; append time where unknown'),
                 ('_window_start', 'timestamp with time zone', 'start of the row''s window'),
                 ('_window_end', 'timestamp with time zone', 'end of the row''s window'),
                 ('_key', 'text', 'message key'),
                 ('_topic', 'text', 'name of the stream or topic'),
                 ('_partition', 'integer', 'source partition'),
                 ('_offset', 'bigint', 'position in the partition'),
                 ('_headers', 'jsonb', 'message headers') $$;
COMMENT ON FUNCTION velo._system_columns() IS 'Internal: the system columns of the dialect.';

CREATE OR REPLACE FUNCTION velo.describe(object regclass)
    RETURNS TABLE (column_name text, data_type text, nullable boolean, is_key boolean,
                   is_system boolean, topic text, schema_id integer, description text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
-- A stream is a view, whose columns are never NOT NULL; those of its storage are.
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
       NOT (a.attnotnull OR coalesce(n.attnotnull, false)),
       coalesce(a.attname = ANY (s.key_columns), false), false, s.topic,
       NULL::integer, col_description(a.attrelid, a.attnum)
FROM pg_attribute a
LEFT JOIN velo._stream_list s ON s.relation = a.attrelid
LEFT JOIN pg_attribute n ON n.attrelid = s.storage AND n.attname = a.attname
WHERE a.attrelid = object AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT c.name, c.type, true, false, true, NULL, NULL, c.description
FROM velo._system_columns() c
WHERE EXISTS (SELECT FROM velo._stream_list s WHERE s.relation = object AND s.kind = 'stream')
$$;
COMMENT ON FUNCTION velo.describe(regclass) IS 'Columns of a stream or table with types, keys and system columns: DESCRIBE.';

-- A view, so that velo.stream and velo.job are read with our rights and the caller is who asks.
CREATE OR REPLACE VIEW velo._properties AS
SELECT l.relation, p.key AS property,
       CASE WHEN p.key ~ '(password|secret|token|jaas\.config)$' THEN '***' ELSE p.value END AS value
FROM velo._stream_list l
CROSS JOIN LATERAL (
    SELECT s.options FROM velo.stream s WHERE s.relation = l.relation
    UNION ALL
    SELECT j.options FROM velo.job j WHERE j.relation = l.relation) o
CROSS JOIN LATERAL pg_catalog.jsonb_each_text(o.options) p;
COMMENT ON VIEW velo._properties IS 'Internal: what velo.properties shows, of streams the caller may read.';
GRANT SELECT ON velo._properties TO velo_user;

CREATE OR REPLACE FUNCTION velo.properties(object regclass)
    RETURNS TABLE (property text, value text, origin text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT p.property, p.value, 'statement' FROM velo._properties p
WHERE p.relation = object ORDER BY 1
$$;
COMMENT ON FUNCTION velo.properties(regclass) IS 'Properties given to a stream or table and its job: SHOW PROPERTIES.';

CREATE OR REPLACE VIEW velo.functions AS
SELECT p.proname::text AS function_name,
       CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END AS category,
       pg_catalog.obj_description(p.oid, 'pg_proc') AS description,
       p.proname || '(' || pg_catalog.pg_get_function_arguments(p.oid) || ')' AS signature,
       pg_catalog.pg_get_function_result(p.oid) AS returns
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'velo'::pg_catalog.regnamespace AND p.proname NOT LIKE '\_%';
COMMENT ON VIEW velo.functions IS 'Functions of schema velo: SHOW FUNCTIONS.';

GRANT SELECT ON velo.streams, velo.tables, velo.functions TO velo_user;
REVOKE ALL ON FUNCTION velo.describe(regclass), velo.properties(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.describe(regclass), velo.properties(regclass) TO velo_user;
