-- For tests of the extension itself; a release build refuses them.

CREATE OR REPLACE FUNCTION velo._testpoint_arm(name text, action text DEFAULT 'kill', passes integer DEFAULT 0,
    process text DEFAULT '')
    RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'velo_testpoint_arm';
COMMENT ON FUNCTION velo._testpoint_arm(text, text, integer, text) IS
'For tests: the next process that passes the point is killed (kill), takes the postmaster with it (kill_postmaster), is stopped (stop) or gets an error. process: only one with this application_name.';
REVOKE ALL ON FUNCTION velo._testpoint_arm(text, text, integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION velo._testpoints() RETURNS SETOF text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'velo_testpoints';
COMMENT ON FUNCTION velo._testpoints() IS 'For tests: names of all test points.';
REVOKE ALL ON FUNCTION velo._testpoints() FROM PUBLIC;
