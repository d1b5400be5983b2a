-- Relations with columns, for editors.

-- JSON is put together as text and parsed once: with jsonb_build_object a database of ten
-- thousand relations takes three times as long.
CREATE OR REPLACE FUNCTION velo.schema() RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    -- Compiling takes longer than running.
    SET jit = off
    AS $$
WITH space AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('information_schema', 'velo_storage', 'velo_state')
      AND (nspname NOT LIKE 'pg\_%' OR oid = pg_my_temp_schema())
      AND has_schema_privilege(oid, 'USAGE')
), relation AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT') AS is_whole
    FROM pg_class c JOIN space n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND (n.nspname <> 'velo' OR c.relname NOT LIKE '\_%')
      AND has_any_column_privilege(c.oid, 'SELECT')
), stream AS MATERIALIZED (
    SELECT s.relation::oid, s.kind, s.type, s.topic, s.event_time_field, s.is_derived,
           s.key_columns, s.job,
           -- A stream is a view, whose columns are never NOT NULL; those of its storage are.
           ARRAY(SELECT n.attname FROM pg_attribute n
                 WHERE n.attrelid = s.storage AND n.attnum > 0 AND n.attnotnull) AS required
    FROM velo._stream_list s
), description AS MATERIALIZED (
    SELECT objoid, objsubid, description FROM pg_description
    WHERE classoid = 'pg_class'::regclass
), field AS MATERIALIZED (
    SELECT a.attrelid,
           '[' || string_agg(concat('{"name":', to_json(a.attname), ',"type":',
               to_json(format_type(a.atttypid, a.atttypmod)),
               ',"nullable":', CASE WHEN a.attnotnull OR a.attname = ANY (s.required) THEN 'false' ELSE 'true' END,
               ',"key":', CASE WHEN a.attname = ANY (s.key_columns) THEN 'true' ELSE 'false' END,
               ',"description":', coalesce(to_json(d.description)::text, 'null'), '}'),
               ',' ORDER BY a.attnum) || ']' AS list
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid
    LEFT JOIN stream s ON s.relation = r.oid
    LEFT JOIN description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
      AND (r.is_whole OR has_column_privilege(a.attrelid, a.attnum, 'SELECT'))
    GROUP BY a.attrelid
)
SELECT concat('{"relations":[', (
        SELECT string_agg(concat('{"schema":', to_json(r.nspname), ',"name":', to_json(r.relname),
            ',"sql_name":', to_json(format('%I.%I', r.nspname, r.relname)),
            ',"kind":', to_json(coalesce(s.kind, 'relation')),
            ',"type":', coalesce(to_json(s.type)::text, 'null'),
            ',"topic":', coalesce(to_json(s.topic)::text, 'null'),
            ',"event_time_field":', coalesce(to_json(s.event_time_field)::text, 'null'),
            ',"is_derived":', CASE WHEN s.is_derived THEN 'true' ELSE 'false' END,
            ',"key_columns":', to_json(coalesce(s.key_columns, '{}')),
            ',"job":', coalesce(to_json(s.job)::text, 'null'),
            ',"description":', coalesce(to_json(d.description)::text, 'null'),
            ',"columns":', coalesce(f.list, '[]'), '}'), ',' ORDER BY r.nspname, r.relname)
        FROM relation r
        LEFT JOIN stream s ON s.relation = r.oid
        LEFT JOIN description d ON d.objoid = r.oid AND d.objsubid = 0
        LEFT JOIN field f ON f.attrelid = r.oid),
    '],"system_columns":', (SELECT json_agg(c) FROM velo._system_columns() c),
    ',"functions":', (
        SELECT json_agg(json_build_object('name', f.function_name, 'signature', f.signature,
                   'returns', f.returns, 'description', f.description) ORDER BY f.signature)
        FROM velo.functions f),
    '}')::jsonb
$$;
COMMENT ON FUNCTION velo.schema() IS
'What an editor completes: relations the caller may read ("kind" stream, table or, of PostgreSQL''s own, relation) with their columns, the system columns that every stream has besides, and the functions of schema velo.';
REVOKE ALL ON FUNCTION velo.schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.schema() TO velo_user;
SELECT velo._route('GET', '/api/schema', 'velo.schema()', result => 'value');
