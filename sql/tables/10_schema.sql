-- Schemas and roles.  Roles belong to the cluster: they may exist already and
-- stay when the extension is dropped.
CREATE SCHEMA velo;
COMMENT ON SCHEMA velo IS 'Velostream: functions, catalog and views of streaming SQL.';

-- Rows of native streams.  Tables in here belong to the streams' owners and are
-- not members of the extension, so that pg_dump keeps them.
CREATE SCHEMA velo_storage;
COMMENT ON SCHEMA velo_storage IS 'Velostream: storage behind native streams; use the streams themselves.';

-- State of jobs: members of the extension, so that pg_dump leaves them out (state
-- without the positions it belongs to would be wrong).
CREATE SCHEMA velo_state;
COMMENT ON SCHEMA velo_state IS 'Velostream: state of running jobs; never touched by hand.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'velo_user') THEN
        CREATE ROLE velo_user NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'velo_admin') THEN
        CREATE ROLE velo_admin NOLOGIN;
        GRANT velo_user TO velo_admin;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA velo TO PUBLIC;
