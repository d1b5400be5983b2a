-- Who am I, for the doors; and what the gateway says, which nobody else can say.
SET client_min_messages = warning;
CREATE ROLE regress_door_user IN ROLE velo_user;
CREATE ROLE regress_door_admin IN ROLE velo_admin;
CREATE ROLE regress_door_none;

SELECT velo.session() - 'server_version' - 'version' - 'database' - 'session_user' - 'user' AS session;
SELECT velo.session() ->> 'version' = extversion AS version,
       velo.session() ->> 'database' = current_database() AS database,
       velo.session() ->> 'server_version' = current_setting('server_version') AS server_version,
       velo.session() ->> 'session_user' = session_user AS session_user
FROM pg_extension WHERE extname = 'velostream';
SET ROLE regress_door_user;
SELECT velo.session() ->> 'user' AS "user", velo.session() -> 'is_user' AS is_user,
       velo.session() -> 'is_admin' AS is_admin;
SET ROLE regress_door_admin;
SELECT velo.session() -> 'is_user' AS is_user, velo.session() -> 'is_admin' AS is_admin;
-- Whoever lacks velo_user is told so.
SET ROLE regress_door_none;
SELECT velo.session() -> 'is_user' AS is_user, velo.session() -> 'is_admin' AS is_admin;
SELECT velo.openapi();
SELECT * FROM velo.stream_list();
SELECT count(*) FROM velo.tools;
SELECT path FROM velo.routes WHERE allowed;
RESET ROLE;

-- No gateway: no request; the address is the connection's, and a socket has none.
SELECT velo.request();
SELECT velo.client_address() IS NOT DISTINCT FROM host(inet_client_addr()) AS address;
-- Whatever is wrong with the setting is no error.  There is no key here.
SET velo.request = 'v1.eyJpZCI6MX0.0000000000000000000000000000000000000000000000000000000000000000';
SELECT velo.request();
SET velo.request = 'v1.';
SELECT velo.request();
SET velo.request = 'v1..';
SELECT velo.request();
SET velo.request = 'v2.e30.00';
SELECT velo.request();
SELECT set_config('velo.request', repeat('v1.', 10000), false) IS NOT NULL;
SELECT velo.request();
RESET velo.request;
-- The key's place is the administrator's business.
SET ROLE regress_door_user;
SET velo.request_key_file = '/tmp/x';
\set VERBOSITY sqlstate
SHOW velo.request_key_file;
\set VERBOSITY default
RESET ROLE;
DROP ROLE regress_door_user, regress_door_admin, regress_door_none;
