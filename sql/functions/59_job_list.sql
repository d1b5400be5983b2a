-- Jobs with all that is known of them.

CREATE OR REPLACE VIEW velo._job_list AS
SELECT s.job_name AS name, v.application, s.status, s.condition, s.status_since, v.version,
       v.kind, v.target, v.owner::text AS owner, v.started_at, s.restarts, s.last_error,
       s.last_sqlstate, v.records_in, v.records_out, v.records_failed,
       coalesce(t.records_late, 0) AS records_late, s.lag_records, s.lag_seconds, s.watermark,
       s.last_commit_at, s.state_bytes
FROM velo._job_status s
JOIN velo.jobs v USING (job_name)
JOIN velo.job j ON j.name = s.job_name
LEFT JOIN velo.task t ON t.job_id = j.job_id AND t.task = 0;
COMMENT ON VIEW velo._job_list IS 'Internal: what velo.job_list shows, of the jobs the caller may see.';
GRANT SELECT ON velo._job_list TO velo_user;

CREATE OR REPLACE FUNCTION velo.job_list()
    RETURNS TABLE (name text, application text, status text, condition text,
                   status_since timestamptz, version text, kind text, target text, owner text,
                   started_at timestamptz, restarts integer, last_error text, last_sqlstate text,
                   records_in bigint, records_out bigint, records_failed bigint,
                   records_late bigint, lag_records bigint, lag_seconds double precision,
                   watermark timestamptz, last_commit_at timestamptz, state_bytes bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM velo._job_list j ORDER BY j.name $$;
COMMENT ON FUNCTION velo.job_list() IS
'Jobs the caller may see, with status, condition, last error, record counts, lag, watermark and state size.';
REVOKE ALL ON FUNCTION velo.job_list() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.job_list() TO velo_user;
SELECT velo._route('GET', '/api/jobs', 'velo.job_list()');
