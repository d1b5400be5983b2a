-- What the doors offer: HTTP routes, and tools and resources of the Model Context
-- Protocol.  Each is a row that stands beside its function in sql/functions; the gateway
-- and the command line read them, and have no list of their own.  Functions are text,
-- "velo.f(text,integer)": pg_upgrade refuses tables with columns of type regprocedure.

CREATE TABLE velo.route (
    method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    path text NOT NULL CHECK (path ~ '^/'),
    function text NOT NULL,
    result text NOT NULL CHECK (result IN ('rows', 'row', 'value', 'text')),
    content_type text NOT NULL,
    read_only boolean NOT NULL,
    runs_sql boolean NOT NULL,
    audit text,
    PRIMARY KEY (method, path),
    CHECK (read_only OR audit IS NOT NULL)
);
COMMENT ON TABLE velo.route IS 'HTTP routes of the gateway, each a function of SQL; see velo.routes.';
COMMENT ON COLUMN velo.route.path IS 'path below the server''s root; {name} is the argument of that name';
COMMENT ON COLUMN velo.route.result IS 'rows: an array of objects; row: the only row as an object; value: one value as JSON; text: one value as it is, of content_type';
COMMENT ON COLUMN velo.route.read_only IS 'runs in a read-only transaction';
COMMENT ON COLUMN velo.route.runs_sql IS 'runs the caller''s own SQL, so the session is cleaned afterwards';
COMMENT ON COLUMN velo.route.audit IS 'class under which calls are recorded; required unless read_only';

CREATE TABLE velo.tool (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    title text NOT NULL,
    function text NOT NULL,
    result_key text,
    input_schema jsonb NOT NULL,
    output_schema jsonb NOT NULL,
    annotations jsonb NOT NULL,
    read_only boolean NOT NULL,
    audit text,
    CHECK (read_only OR audit IS NOT NULL)
);
COMMENT ON TABLE velo.tool IS 'Tools for AI agents (Model Context Protocol), each a function of SQL; see velo.tools.';
COMMENT ON COLUMN velo.tool.result_key IS 'of a function that returns rows: the key of the array in the result; NULL: the function returns one jsonb object';
COMMENT ON COLUMN velo.tool.read_only IS 'runs in a read-only transaction';

CREATE TABLE velo.resource (
    uri_template text PRIMARY KEY CHECK (uri_template ~ '^[a-z]+://'),
    name text NOT NULL UNIQUE,
    title text NOT NULL,
    function text NOT NULL,
    list_function text,
    mime_type text NOT NULL
);
COMMENT ON TABLE velo.resource IS 'Resources for AI agents; a template''s {name} is the argument of that name; see velo.resources.';
COMMENT ON COLUMN velo.resource.function IS 'returns the text or jsonb of one resource';
COMMENT ON COLUMN velo.resource.list_function IS 'returns rows (uri, name, title, description) of those that the caller may read';
