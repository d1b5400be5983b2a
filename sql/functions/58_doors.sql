-- What the doors ask first: who am I, what is there to read.

CREATE OR REPLACE FUNCTION velo.request() RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_request';
COMMENT ON FUNCTION velo.request() IS
'What the gateway says about the request that this transaction serves: {"id", "addr", "pid", "door", "at"}; NULL if there is none, or if the setting velo.request was not signed by the gateway for this session.';

CREATE OR REPLACE FUNCTION velo.client_address() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(velo.request() ->> 'addr', host(inet_client_addr())) $$;
COMMENT ON FUNCTION velo.client_address() IS
'Address of whoever asks: behind the gateway that of its client, else that of the connection; NULL on a Unix-domain socket.';

-- For everybody: who lacks velo_user is to be told so, not to be left at a closed door.
CREATE OR REPLACE FUNCTION velo.session() RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT jsonb_build_object(
    'user', current_user,
    'session_user', session_user,
    'database', current_database(),
    'server_version', current_setting('server_version'),
    'version', (SELECT extversion FROM pg_extension WHERE extname = 'velostream'),
    'is_user', pg_has_role('velo_user', 'USAGE'),
    'is_admin', pg_has_role('velo_admin', 'USAGE'),
    'request', velo.request())
$$;
COMMENT ON FUNCTION velo.session() IS
'Who the caller is: user, database, versions, membership of velo_user (is_user) and velo_admin (is_admin), and the gateway''s request if it comes through one.';
SELECT velo._route('GET', '/api/session', 'velo.session()', result => 'value');

-- --- streams, tables and relations ------------------------------------------------------

-- A view, so that velo.stream is read with our rights and the caller is who asks.
CREATE OR REPLACE VIEW velo._stream_list AS
SELECT s.relation, n.nspname::text AS schema, c.relname::text AS name,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS sql_name, s.kind, s.type,
       s.options ->> 'topic' AS topic, s.is_derived, s.key_columns,
       s.options ->> 'event.time.field' AS event_time_field, j.name AS job,
       pg_catalog.obj_description(s.relation, 'pg_class') AS description, s.storage
FROM velo.stream s
JOIN pg_catalog.pg_class c ON c.oid = s.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN velo.job j ON j.relation = s.relation
WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND (pg_catalog.has_table_privilege(s.relation, 'SELECT')
    OR pg_catalog.has_any_column_privilege(s.relation, 'SELECT'));
COMMENT ON VIEW velo._stream_list IS 'Internal: what velo.stream_list shows.';
GRANT SELECT ON velo._stream_list TO velo_user;

CREATE OR REPLACE FUNCTION velo.stream_list(pattern text DEFAULT NULL)
    RETURNS TABLE (schema text, name text, sql_name text, kind text, type text, topic text,
                   is_derived boolean, key_columns text[], event_time_field text, job text,
                   description text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT s.schema, s.name, s.sql_name, s.kind, s.type, s.topic, s.is_derived, s.key_columns,
       s.event_time_field, s.job, s.description
FROM velo._stream_list s
WHERE stream_list.pattern IS NULL OR s.name LIKE stream_list.pattern
   OR s.sql_name LIKE stream_list.pattern
ORDER BY 1, 2
$$;
COMMENT ON FUNCTION velo.stream_list(text) IS
'Streams and tables of the dialect that the caller may read, with their type, key columns, event time field and the job that writes them. pattern: a LIKE pattern for the name.';
REVOKE ALL ON FUNCTION velo.stream_list(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.stream_list(text) TO velo_user;
SELECT velo._route('GET', '/api/streams', 'velo.stream_list(text)');
SELECT velo._tool('list_streams', 'List streams', 'velo.stream_list(text)',
    input_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "pattern": {
            "type": "string",
            "description": "Only streams whose name is LIKE this pattern of SQL (% stands for any text). Leave it out to list all."
        }
    },
    "required": []
}',
    output_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "streams": {"type": "array", "items": {"type": "object", "properties": {
            "schema": {"type": "string"},
            "name": {"type": "string"},
            "sql_name": {"type": "string", "description": "name to be used in SQL and by describe_stream"},
            "kind": {"type": "string", "enum": ["stream", "table"]},
            "type": {"type": "string", "description": "where the records are: native, kafka, generator, table"},
            "topic": {"type": ["string", "null"]},
            "is_derived": {"type": "boolean", "description": "written by a job only"},
            "key_columns": {"type": "array", "items": {"type": "string"}},
            "event_time_field": {"type": ["string", "null"]},
            "job": {"type": ["string", "null"], "description": "job that writes it"},
            "description": {"type": ["string", "null"]}
        }, "required": ["schema", "name", "sql_name", "kind", "type", "is_derived", "key_columns"]}}
    },
    "required": ["streams"]
}',
    result_key => 'streams');

-- Columns of a relation that the caller may read.  A stream is a view, whose columns are
-- never NOT NULL; those of its storage are.
CREATE OR REPLACE FUNCTION velo._columns(relation oid, storage oid, keys text[]) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
           'nullable', NOT (a.attnotnull OR coalesce(s.attnotnull, false)),
           'key', a.attname = ANY (keys), 'system', false,
           'description', col_description(a.attrelid, a.attnum)) ORDER BY a.attnum), '[]')
FROM pg_attribute a
LEFT JOIN pg_attribute s ON s.attrelid = storage AND s.attname = a.attname
WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
$$;
COMMENT ON FUNCTION velo._columns(oid, oid, text[]) IS 'Internal: columns that the caller may read, as JSON.';
REVOKE ALL ON FUNCTION velo._columns(oid, oid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo._columns(oid, oid, text[]) TO velo_user;

-- Which jobs read a relation, of those that the caller may see.
CREATE OR REPLACE VIEW velo._readers AS
SELECT s.relation, j.name AS job
FROM velo.job j
LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation
CROSS JOIN LATERAL unnest(j.sources) AS s (relation)
WHERE velo._job_visible(coalesce(c.relowner, j.owner::oid));
COMMENT ON VIEW velo._readers IS 'Internal: jobs and what they read, of jobs that the caller may see.';
GRANT SELECT ON velo._readers TO velo_user;

CREATE OR REPLACE FUNCTION velo._describe(relation regclass) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT jsonb_build_object(
    'schema', n.nspname, 'name', c.relname, 'sql_name', format('%I.%I', n.nspname, c.relname),
    'kind', coalesce(s.kind, 'relation'), 'type', s.type, 'topic', s.topic,
    'is_derived', coalesce(s.is_derived, false), 'key_columns', coalesce(s.key_columns, '{}'),
    'event_time_field', s.event_time_field, 'owner', pg_get_userbyid(c.relowner),
    'description', obj_description(c.oid, 'pg_class'),
    'columns', velo._columns(c.oid, s.storage, coalesce(s.key_columns, '{}')) ||
        CASE WHEN s.kind = 'stream' THEN
            (SELECT jsonb_agg(jsonb_build_object('name', y.name, 'type', y.type, 'nullable', true,
                        'key', false, 'system', true, 'description', y.description))
             FROM velo._system_columns() y)
        ELSE '[]' END,
    'properties', CASE WHEN s.kind IS NULL THEN '[]' ELSE
        (SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]') FROM velo.properties(c.oid) p) END,
    'job', (SELECT to_jsonb(j) || jsonb_build_object('sql', v.sql_text)
            FROM velo.job_list() j
            LEFT JOIN velo.job_versions v ON v.job_name = j.name AND v.state = 'active'
            WHERE j.name = s.job LIMIT 1),
    'read_by', (SELECT coalesce(jsonb_agg(DISTINCT r.job), '[]') FROM velo._readers r
                WHERE r.relation = c.oid))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN velo._stream_list s ON s.relation = c.oid
WHERE c.oid = $1
$$;
COMMENT ON FUNCTION velo._describe(regclass) IS 'Internal: what velo.stream_describe returns.';
REVOKE ALL ON FUNCTION velo._describe(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo._describe(regclass) TO velo_user;

CREATE OR REPLACE FUNCTION velo.stream_describe(name text) RETURNS jsonb
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'velo_stream_describe';
COMMENT ON FUNCTION velo.stream_describe(text) IS
'All about one stream, table or other relation: columns with types, keys and system columns, properties, the job that writes it with its status, and the jobs that read it. name is resolved as in SQL: "rides", "public.rides", "\"Rides\"".';
REVOKE ALL ON FUNCTION velo.stream_describe(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.stream_describe(text) TO velo_user;
SELECT velo._route('GET', '/api/streams/{name}', 'velo.stream_describe(text)', result => 'value');
SELECT velo._tool('describe_stream', 'Describe a stream', 'velo.stream_describe(text)',
    input_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "description": "Name of the stream, table or view as it stands in SQL; take sql_name of list_streams, such as public.rides."
        }
    },
    "required": ["name"]
}',
    output_schema => '{
    "type": "object",
    "properties": {
        "schema": {"type": "string"},
        "name": {"type": "string"},
        "sql_name": {"type": "string", "description": "name to be used in SQL"},
        "kind": {"type": "string", "enum": ["stream", "table", "relation"],
                 "description": "relation: an ordinary table or view of PostgreSQL"},
        "type": {"type": ["string", "null"]},
        "topic": {"type": ["string", "null"]},
        "is_derived": {"type": "boolean", "description": "written by a job only"},
        "key_columns": {"type": "array", "items": {"type": "string"}},
        "event_time_field": {"type": ["string", "null"]},
        "owner": {"type": "string"},
        "description": {"type": ["string", "null"]},
        "columns": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"},
            "type": {"type": "string", "description": "type of PostgreSQL"},
            "nullable": {"type": "boolean"},
            "key": {"type": "boolean"},
            "system": {"type": "boolean",
                       "description": "every stream has it; it can be used in queries with EMIT"},
            "description": {"type": ["string", "null"]}
        }, "required": ["name", "type", "nullable", "key", "system"]}},
        "properties": {"type": "array", "items": {"type": "object", "properties": {
            "property": {"type": "string"},
            "value": {"type": ["string", "null"]},
            "origin": {"type": "string"}
        }, "required": ["property"]}},
        "job": {"type": ["object", "null"], "description": "the job that writes it, with its status and SQL"},
        "read_by": {"type": "array", "items": {"type": "string"}, "description": "jobs that read it"}
    },
    "required": ["schema", "name", "sql_name", "kind", "columns", "properties", "read_by"]
}');

-- --- resources ---------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION velo._uri_encode(part text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT string_agg(CASE WHEN c.char ~ '^[A-Za-z0-9._~-]$' THEN c.char
                       ELSE regexp_replace(upper(encode(convert_to(c.char, 'UTF8'), 'hex')),
                                           '(..)', '%\1', 'g') END, '' ORDER BY c.n)
FROM regexp_split_to_table(part, '') WITH ORDINALITY AS c (char, n)
$$;
COMMENT ON FUNCTION velo._uri_encode(text) IS 'Internal: a text as a part of a URI, percent-encoded.';

CREATE OR REPLACE FUNCTION velo.stream_resources()
    RETURNS TABLE (uri text, name text, title text, description text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT 'streams://' || velo._uri_encode(s.sql_name), s.sql_name,
       concat(initcap(s.kind), ' ', s.name), s.description
FROM velo._stream_list s ORDER BY s.sql_name
$$;
COMMENT ON FUNCTION velo.stream_resources() IS
'Streams and tables that the caller may read, as resources for AI agents: streams://public.rides and so on.';
REVOKE ALL ON FUNCTION velo.stream_resources() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.stream_resources() TO velo_user;
SELECT velo._resource('streams://{name}', 'stream', 'Stream', 'velo.stream_describe(text)',
                      list_function => 'velo.stream_resources()');
