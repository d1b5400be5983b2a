-- The HTTP interface described by OpenAPI 3.1, made from velo.routes.

-- As it stands in an answer: what has no type of its own in JSON is text.
CREATE OR REPLACE FUNCTION velo._json_schema(type oid) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT CASE
    WHEN t.typelem <> 0 AND t.typcategory = 'A'
        THEN jsonb_build_object('type', 'array', 'items', velo._json_schema(t.typelem))
    ELSE (CASE t.typname
        WHEN 'bool' THEN '{"type": "boolean"}'
        WHEN 'int2' THEN '{"type": "integer"}'
        WHEN 'int4' THEN '{"type": "integer", "format": "int32"}'
        WHEN 'int8' THEN '{"type": "integer", "format": "int64"}'
        WHEN 'float4' THEN '{"type": "number", "format": "float"}'
        WHEN 'float8' THEN '{"type": "number", "format": "double"}'
        WHEN 'numeric' THEN '{"type": "number"}'
        WHEN 'timestamptz' THEN '{"type": "string", "format": "date-time"}'
        WHEN 'date' THEN '{"type": "string", "format": "date"}'
        WHEN 'uuid' THEN '{"type": "string", "format": "uuid"}'
        WHEN 'interval' THEN '{"type": "string", "examples": ["5 seconds"]}'
        WHEN 'json' THEN '{}'
        WHEN 'jsonb' THEN '{}'
        ELSE '{"type": "string"}' END)::jsonb
    END
FROM pg_type t WHERE t.oid = type
$$;
COMMENT ON FUNCTION velo._json_schema(oid) IS 'Internal: JSON Schema of a value of that type.';

-- A column of an answer may be null.
CREATE OR REPLACE FUNCTION velo._nullable_schema(schema jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT CASE WHEN schema ? 'type'
            THEN jsonb_set(schema, '{type}', jsonb_build_array(schema -> 'type', 'null'))
            ELSE schema END
$$;
COMMENT ON FUNCTION velo._nullable_schema(jsonb) IS 'Internal: the same schema, or null.';

-- [{"name", "required", "schema"}, …] of a function's arguments, in order.
CREATE OR REPLACE FUNCTION velo._argument_schemas(function regprocedure)
    RETURNS TABLE (n bigint, name text, required boolean, schema jsonb)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT a.n, p.proargnames[a.n], a.n <= p.pronargs - p.pronargdefaults,
       velo._json_schema(a.type) || CASE
           WHEN d.text ~ '^(-?[0-9]+|true|false)$' THEN jsonb_build_object('default', d.text::jsonb)
           WHEN d.text ~ '^''\{\}''::jsonb$' THEN '{"type": "object", "default": {}}'
           WHEN d.text ~ '^''[^''\\]*''::(text|interval)$'
               THEN jsonb_build_object('default', substring(d.text FROM '^''([^'']*)'''))
           ELSE '{}' END
FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY AS a (type, n)
CROSS JOIN LATERAL (SELECT pg_get_function_arg_default(p.oid, a.n::integer) AS text) d
WHERE p.oid = function
$$;
COMMENT ON FUNCTION velo._argument_schemas(regprocedure) IS 'Internal: arguments of a function with their JSON Schemas.';

-- One row, or the value, that a function returns.
CREATE OR REPLACE FUNCTION velo._result_schema(function regprocedure) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(
    (SELECT jsonb_build_object('type', 'object',
                'properties', jsonb_object_agg(p.proargnames[a.n],
                    velo._nullable_schema(velo._json_schema(a.type))),
                'required', jsonb_agg(p.proargnames[a.n] ORDER BY a.n))
     FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY AS a (type, mode, n)
     WHERE a.mode IN ('o', 't', 'b') HAVING count(*) > 0),
    velo._json_schema(p.prorettype))
FROM pg_proc p WHERE p.oid = function
$$;
COMMENT ON FUNCTION velo._result_schema(regprocedure) IS 'Internal: JSON Schema of what a function returns.';

CREATE OR REPLACE FUNCTION velo._operation(method text, path text, function regprocedure,
                                           id text, content_type text, answer jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
WITH argument AS (
    SELECT a.*, position(format('{%s}', a.name) IN _operation.path) > 0 AS in_path
    FROM velo._argument_schemas(_operation.function) a
)
SELECT jsonb_strip_nulls(jsonb_build_object(
    'operationId', _operation.id,
    'tags', jsonb_build_array(coalesce(substring(_operation.path FROM '^/api/([a-z_]+)'), 'gateway')),
    'summary', substring(d.description FROM '^.*?(?=[.:](?:\s|$))'),
    'description', d.description,
    'parameters', (
        SELECT jsonb_agg(jsonb_build_object('name', a.name,
                   'in', CASE WHEN a.in_path THEN 'path' ELSE 'query' END,
                   'required', a.required OR a.in_path, 'schema', a.schema) ORDER BY a.n)
        FROM argument a WHERE a.in_path OR _operation.method = 'GET'),
    'requestBody', (
        SELECT jsonb_build_object('required', bool_or(a.required),
                   'content', jsonb_build_object('application/json', jsonb_build_object('schema',
                       jsonb_build_object('type', 'object', 'additionalProperties', false,
                           'properties', jsonb_object_agg(a.name, a.schema),
                           'required', coalesce(jsonb_agg(a.name ORDER BY a.n)
                                                FILTER (WHERE a.required), '[]')))))
        FROM argument a WHERE NOT a.in_path AND _operation.method <> 'GET' HAVING count(*) > 0),
    'responses', jsonb_build_object(
        '200', jsonb_build_object('description', 'done',
            'content', jsonb_build_object(split_part(_operation.content_type, ';', 1),
                jsonb_build_object('schema', answer))),
        'default', '{"$ref": "#/components/responses/Error"}'::jsonb)))
FROM (SELECT obj_description(_operation.function, 'pg_proc') AS description) d
$$;
COMMENT ON FUNCTION velo._operation(text, text, regprocedure, text, text, jsonb) IS
'Internal: a route as an operation of OpenAPI.';

-- A view, so that routes are read with our rights and the caller is who asks.
CREATE OR REPLACE VIEW velo._operations AS
SELECT r.path, lower(r.method) AS method,
       velo._operation(r.method, r.path, f.function,
           -- The function's name; of one that has several routes, with what tells them apart.
           p.proname || CASE WHEN row_number() OVER (PARTITION BY p.proname ORDER BY r.path, r.method) > 1
                             THEN '_' || lower(r.method) || pg_catalog.regexp_replace(r.path, '[^a-z0-9]+', '_', 'g')
                             ELSE '' END,
           r.content_type,
           CASE r.result
               WHEN 'rows' THEN pg_catalog.jsonb_build_object('type', 'array', 'items', s.schema)
               WHEN 'text' THEN '{"type": "string"}'
               ELSE s.schema END) AS operation
FROM velo.route r
CROSS JOIN LATERAL (SELECT velo._procedure(r.function) AS function) f
JOIN pg_catalog.pg_proc p ON p.oid = f.function
LEFT JOIN velo.tool t ON t.function = r.function AND t.result_key IS NULL
CROSS JOIN LATERAL (SELECT coalesce(t.output_schema, velo._result_schema(f.function)) AS schema) s
WHERE pg_catalog.has_function_privilege(f.function, 'EXECUTE');
COMMENT ON VIEW velo._operations IS 'Internal: operations of velo.openapi that the caller may call.';
GRANT SELECT ON velo._operations TO velo_user;

-- Defaults of arguments are text that PostgreSQL makes, in the caller's style if we let it.
CREATE OR REPLACE FUNCTION velo.openapi() RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET intervalstyle = postgres
    AS $$
SELECT jsonb_build_object(
    'openapi', '3.1.0',
    'info', jsonb_build_object('title', 'Velostream',
        'version', (SELECT extversion FROM pg_extension WHERE extname = 'velostream'),
        'description', 'Streaming SQL on PostgreSQL. Each operation is a function of PostgreSQL, called as the user who has logged in; /api/v1/... is this version of /api/..., for good.'),
    'servers', '[{"url": "/"}]'::jsonb,
    'security', '[{"password": []}, {"session": []}]'::jsonb,
    'paths', (SELECT jsonb_object_agg(o.path, o.item)
              FROM (SELECT path, jsonb_object_agg(method, operation) AS item
                    FROM velo._operations GROUP BY path) o),
    'components', jsonb_build_object(
        'securitySchemes', '{
            "password": {"type": "http", "scheme": "basic",
                         "description": "user and password of PostgreSQL"},
            "session": {"type": "apiKey", "in": "cookie", "name": "velo_session",
                        "description": "as POST /api/login has set it"}}'::jsonb,
        'responses', '{
            "Error": {"description": "it was not done, and why",
                      "content": {"application/json":
                          {"schema": {"$ref": "#/components/schemas/Error"}}}}}'::jsonb,
        'schemas', '{
            "Error": {"type": "object", "required": ["code", "message"], "properties": {
                "code": {"type": "string", "pattern": "^[0-9A-Z]{5}$", "description": "SQLSTATE"},
                "message": {"type": "string"},
                "detail": {"type": "string"},
                "hint": {"type": "string"},
                "line": {"type": "integer", "minimum": 1,
                         "description": "line of the SQL text that the error is in"},
                "column": {"type": "integer", "minimum": 1, "description": "in characters"},
                "request_id": {"type": "string", "description": "as in the gateway''s log"}}}}'::jsonb))
$$;
COMMENT ON FUNCTION velo.openapi() IS
'The HTTP interface, as far as the caller may use it, described by OpenAPI 3.1.';
REVOKE ALL ON FUNCTION velo.openapi() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.openapi() TO velo_user;
SELECT velo._route('GET', '/openapi.json', 'velo.openapi()', result => 'value');
