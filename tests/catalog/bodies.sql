-- Function bodies are sound: inside extension scripts PostgreSQL does not check them
-- (it turns check_function_bodies off), so the first caller would find out.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid, l.lanvalidator::regproc AS validator
        FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang
        JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'velostream'
        WHERE l.lanname IN ('sql', 'plpgsql', 'c')
    LOOP
        BEGIN
            EXECUTE format('SELECT %s(%s)', f.validator, f.oid);
        EXCEPTION WHEN OTHERS THEN
            CREATE TEMP TABLE IF NOT EXISTS fault (message text);
            INSERT INTO fault VALUES (f.oid::regprocedure || ': ' || SQLERRM);
        END;
    END LOOP;
    CREATE TEMP TABLE IF NOT EXISTS fault (message text);
END
$$;
SELECT message FROM fault ORDER BY 1;
