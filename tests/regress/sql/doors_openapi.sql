-- The HTTP interface is described as it is registered, and as far as the caller may use it.
SET client_min_messages = warning;
SET TIMEZONE = 'UTC';
CREATE ROLE regress_door_api IN ROLE velo_user;
SET ROLE regress_door_api;
SELECT p.path, o.method, o.operation ->> 'operationId' AS operation, o.operation -> 'tags' ->> 0 AS tag
FROM jsonb_each(velo.openapi() -> 'paths') AS p (path, item), jsonb_each(p.item) AS o (method, operation)
ORDER BY p.path COLLATE "C", o.method;
SELECT jsonb_pretty(velo.openapi() #> ARRAY['paths', '/api/jobs/{name}/stop', 'post']);
SELECT jsonb_pretty(velo.openapi() #> ARRAY['paths', '/api/query', 'post', 'requestBody']);
SELECT velo.openapi() #> ARRAY['paths', '/api/streams', 'get', 'parameters'] AS parameters,
       velo.openapi() #>> ARRAY['paths', '/api/streams', 'get', 'summary'] AS summary;
SELECT i.* FROM jsonb_each(velo.openapi() #> ARRAY['paths', '/api/streams', 'get', 'responses', '200', 'content', 'application/json', 'schema', 'items', 'properties']) i;
SELECT velo.openapi() #> ARRAY['paths', '/api/streams/{name}', 'get', 'parameters'];
SELECT velo.openapi() #> ARRAY['paths', '/metrics', 'get', 'responses', '200'];
SELECT velo.openapi() #> ARRAY['paths', '/api/jobs/{name}', 'get', 'responses', '200', 'content', 'application/json', 'schema', 'properties', 'restarts'];
RESET ROLE;
-- What one may not call is not there.
REVOKE EXECUTE ON FUNCTION velo.job_stop(text, boolean) FROM velo_user;
SET ROLE regress_door_api;
SELECT velo.openapi() -> 'paths' ? '/api/jobs/{name}/stop' AS is_there;
SELECT allowed FROM velo.routes WHERE path = '/api/jobs/{name}/stop';
RESET ROLE;
GRANT EXECUTE ON FUNCTION velo.job_stop(text, boolean) TO velo_user;
-- Routes are registered by the extension's scripts alone, and each is announced.
SET ROLE regress_door_api;
SELECT velo._route('GET', '/api/mine', 'pg_catalog.version()');
INSERT INTO velo.route SELECT * FROM velo.route;
RESET ROLE;
BEGIN;
LISTEN velo_routes;
SELECT velo._route('GET', '/api/mine', 'pg_catalog.version()', result => 'value');
SELECT path, function, arguments FROM velo.routes WHERE path = '/api/mine';
SELECT velo._route('POST', '/api/mine', 'pg_catalog.version()', result => 'value', read_only => false);
ROLLBACK;
-- A function that is gone is no route any more, and no error.
BEGIN;
CREATE FUNCTION public.passing() RETURNS integer LANGUAGE sql RETURN 1;
SELECT velo._route('GET', '/api/passing', 'public.passing()', result => 'value');
SELECT function FROM velo.routes WHERE path = '/api/passing';
DROP FUNCTION public.passing();
SELECT function FROM velo.routes WHERE path = '/api/passing';
SELECT velo.openapi() -> 'paths' ? '/api/passing' AS is_there;
ROLLBACK;
DROP ROLE regress_door_api;
