-- A job that bears its object's name is renamed with it.
CREATE OR REPLACE FUNCTION velo._after_rename() RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    UPDATE velo.job j SET name = c.relname
    FROM pg_catalog.pg_event_trigger_ddl_commands() d
    JOIN pg_catalog.pg_class c ON c.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND j.relation = c.oid
      AND j.is_named_by_relation AND j.name <> c.relname
      AND NOT EXISTS (SELECT FROM velo.job other WHERE other.name = c.relname);
END
$$;
COMMENT ON FUNCTION velo._after_rename() IS 'Internal: renames the job of a renamed stream or table.';
REVOKE ALL ON FUNCTION velo._after_rename() FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'velo_after_rename') THEN
        CREATE EVENT TRIGGER velo_after_rename ON ddl_command_end
            WHEN TAG IN ('ALTER VIEW', 'ALTER TABLE')
            EXECUTE FUNCTION velo._after_rename();
    END IF;
END
$$;

-- A database in which the extension has just been made gets its launcher at once.
CREATE OR REPLACE FUNCTION velo._jobs_changed() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'velo_jobs_changed';
COMMENT ON FUNCTION velo._jobs_changed() IS 'Internal: makes launchers look at the catalog when the transaction commits.';
REVOKE ALL ON FUNCTION velo._jobs_changed() FROM PUBLIC;
SELECT velo._jobs_changed();
