-- Registering what the doors offer, and what of it the caller may use.  A function's
-- comment is its description at every door; a right to execute is the right to call.

-- The files behind this one register all anew: what an older version offered is gone.
DELETE FROM velo.route;
DELETE FROM velo.tool;
DELETE FROM velo.resource;

-- By this and not by a cast: a function that was dropped is NULL and not an error, and a
-- caller's search_path does not change what types are meant.
CREATE OR REPLACE FUNCTION velo._procedure(signature text) RETURNS regprocedure
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT to_regprocedure(signature) $$;
COMMENT ON FUNCTION velo._procedure(text) IS 'Internal: the function of that signature, or NULL.';

CREATE OR REPLACE FUNCTION velo._route(method text, path text, function regprocedure,
    result text DEFAULT 'rows', read_only boolean DEFAULT true, runs_sql boolean DEFAULT false,
    audit text DEFAULT NULL, content_type text DEFAULT 'application/json') RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
INSERT INTO velo.route (method, path, function, result, content_type, read_only, runs_sql, audit)
VALUES (_route.method, _route.path, _route.function::text, _route.result, _route.content_type,
        _route.read_only, _route.runs_sql, _route.audit)
ON CONFLICT ON CONSTRAINT route_pkey DO UPDATE
SET (function, result, content_type, read_only, runs_sql, audit) =
    (excluded.function, excluded.result, excluded.content_type, excluded.read_only,
     excluded.runs_sql, excluded.audit);
-- Gateways that run already read the routes again.
SELECT pg_notify('velo_routes', '')
$$;
COMMENT ON FUNCTION velo._route(text, text, regprocedure, text, boolean, boolean, text, text) IS
'Internal: registers an HTTP route, beside its function.';
REVOKE ALL ON FUNCTION velo._route(text, text, regprocedure, text, boolean, boolean, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION velo._tool(name text, title text, function regprocedure,
    input_schema jsonb, output_schema jsonb, result_key text DEFAULT NULL,
    annotations jsonb DEFAULT '{"readOnlyHint": true, "openWorldHint": false}',
    read_only boolean DEFAULT true, audit text DEFAULT NULL) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
INSERT INTO velo.tool (name, title, function, result_key, input_schema, output_schema,
                       annotations, read_only, audit)
VALUES (_tool.name, _tool.title, _tool.function::text, _tool.result_key, _tool.input_schema,
        _tool.output_schema, _tool.annotations, _tool.read_only, _tool.audit)
ON CONFLICT ON CONSTRAINT tool_pkey DO UPDATE
SET (title, function, result_key, input_schema, output_schema, annotations, read_only, audit) =
    (excluded.title, excluded.function, excluded.result_key, excluded.input_schema,
     excluded.output_schema, excluded.annotations, excluded.read_only, excluded.audit)
$$;
COMMENT ON FUNCTION velo._tool(text, text, regprocedure, jsonb, jsonb, text, jsonb, boolean, text) IS
'Internal: registers a tool for AI agents, beside its function.';
REVOKE ALL ON FUNCTION velo._tool(text, text, regprocedure, jsonb, jsonb, text, jsonb, boolean, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION velo._resource(uri_template text, name text, title text,
    function regprocedure, list_function regprocedure DEFAULT NULL,
    mime_type text DEFAULT 'application/json') RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
INSERT INTO velo.resource (uri_template, name, title, function, list_function, mime_type)
VALUES (_resource.uri_template, _resource.name, _resource.title, _resource.function::text,
        _resource.list_function::text, _resource.mime_type)
ON CONFLICT ON CONSTRAINT resource_pkey DO UPDATE
SET (name, title, function, list_function, mime_type) =
    (excluded.name, excluded.title, excluded.function, excluded.list_function, excluded.mime_type)
$$;
COMMENT ON FUNCTION velo._resource(text, text, text, regprocedure, regprocedure, text) IS
'Internal: registers a resource for AI agents, beside its function.';
REVOKE ALL ON FUNCTION velo._resource(text, text, text, regprocedure, regprocedure, text) FROM PUBLIC;

-- [{"name": "sql", "type": "text", "required": true}, …], in the function's order.
CREATE OR REPLACE FUNCTION velo._arguments(function regprocedure) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'name', p.proargnames[a.n],
           'type', format_type(a.type, NULL),
           'required', a.n <= p.pronargs - p.pronargdefaults) ORDER BY a.n), '[]')
FROM pg_proc p, unnest(p.proargtypes) WITH ORDINALITY AS a (type, n)
WHERE p.oid = function
$$;
COMMENT ON FUNCTION velo._arguments(regprocedure) IS 'Internal: input arguments of a function as JSON.';

-- schema.name without arguments, quoted, ready to stand before a parenthesis.
CREATE OR REPLACE FUNCTION velo._callable(function regprocedure) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT format('%I.%I', n.nspname, p.proname)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function
$$;
COMMENT ON FUNCTION velo._callable(regprocedure) IS 'Internal: a function''s qualified and quoted name.';

CREATE OR REPLACE VIEW velo.routes AS
SELECT r.method, r.path, velo._callable(f.function) AS function,
       velo._arguments(f.function) AS arguments, r.result, r.content_type, r.read_only,
       r.runs_sql, r.audit, pg_catalog.obj_description(f.function, 'pg_proc') AS description,
       pg_catalog.has_function_privilege(f.function, 'EXECUTE') AS allowed
FROM velo.route r CROSS JOIN LATERAL (SELECT velo._procedure(r.function) AS function) f
WHERE f.function IS NOT NULL;
COMMENT ON VIEW velo.routes IS 'HTTP routes of the gateway; allowed: may the caller call it?';

CREATE OR REPLACE VIEW velo.tools AS
SELECT t.name, t.title, velo._callable(f.function) AS function,
       velo._arguments(f.function) AS arguments, t.result_key, t.input_schema,
       t.output_schema, t.annotations, t.read_only, t.audit,
       pg_catalog.obj_description(f.function, 'pg_proc') AS description
FROM velo.tool t CROSS JOIN LATERAL (SELECT velo._procedure(t.function) AS function) f
WHERE pg_catalog.has_function_privilege(f.function, 'EXECUTE');
COMMENT ON VIEW velo.tools IS 'Tools for AI agents that the caller may use.';

CREATE OR REPLACE VIEW velo.resources AS
SELECT r.uri_template, r.name, r.title, velo._callable(f.function) AS function,
       velo._arguments(f.function) AS arguments,
       velo._callable(velo._procedure(r.list_function)) AS list_function,
       r.mime_type, pg_catalog.obj_description(f.function, 'pg_proc') AS description
FROM velo.resource r CROSS JOIN LATERAL (SELECT velo._procedure(r.function) AS function) f
WHERE pg_catalog.has_function_privilege(f.function, 'EXECUTE');
COMMENT ON VIEW velo.resources IS 'Resources for AI agents that the caller may read.';

GRANT SELECT ON velo.routes, velo.tools, velo.resources TO PUBLIC;
GRANT EXECUTE ON FUNCTION velo._arguments(regprocedure), velo._callable(regprocedure),
    velo._procedure(text) TO PUBLIC;
