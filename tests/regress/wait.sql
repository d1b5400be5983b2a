-- Procedures for regress files that wait for jobs: \i in the schema of the test.
CREATE PROCEDURE wait_until(condition text) LANGUAGE plpgsql AS $$
DECLARE
    is_so boolean;
BEGIN
    FOR i IN 1 .. 3000 LOOP
        EXECUTE 'SELECT ' || condition INTO is_so;
        IF is_so THEN RETURN; END IF;
        COMMIT;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RAISE 'waited in vain for %', condition;
END $$;
-- All that was inserted has been read by the job, and what became of it is committed.
CREATE PROCEDURE wait_for(job text, records bigint) LANGUAGE plpgsql AS $$
BEGIN
    CALL wait_until(format('EXISTS (SELECT FROM velo.job_status(%1$L) s JOIN velo.jobs j ON j.job_name = s.job_name '
        'WHERE j.records_in >= %2$s OR s.status = ''failed'')', job, records));
END $$;
