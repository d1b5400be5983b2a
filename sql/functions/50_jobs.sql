-- Controlling and seeing jobs.

CREATE OR REPLACE FUNCTION velo.job_start(name text, sql text DEFAULT NULL, options jsonb DEFAULT NULL)
    RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_start';
COMMENT ON FUNCTION velo.job_start(text, text, jsonb) IS
'Starts a stopped or failed job from its positions; with sql, starts that statement as a new job of this name. Returns the name.';

CREATE OR REPLACE FUNCTION velo.job_stop(name text, force boolean DEFAULT false) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_stop';
COMMENT ON FUNCTION velo.job_stop(text, boolean) IS
'Stops a job after its running batch; force rolls that batch back. State and positions stay.';

CREATE OR REPLACE FUNCTION velo.job_pause(name text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_pause';
COMMENT ON FUNCTION velo.job_pause(text) IS 'Makes a job stop reading at a batch boundary; its worker stays.';

CREATE OR REPLACE FUNCTION velo.job_resume(name text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_resume';
COMMENT ON FUNCTION velo.job_resume(text) IS 'Lets a paused job go on.';

CREATE OR REPLACE FUNCTION velo.job_reset(name text, target jsonb) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_reset';
COMMENT ON FUNCTION velo.job_reset(text, jsonb) IS
'Gives a stopped job a new start: "earliest", "latest", {"timestamp": "…"} or, of Kafka streams, {"offsets": {"0": 1200}}. Its state is discarded, and what it has written too unless the job has keep.output.';

REVOKE ALL ON FUNCTION velo.job_start(text, text, jsonb), velo.job_stop(text, boolean),
    velo.job_pause(text), velo.job_resume(text), velo.job_reset(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.job_start(text, text, jsonb), velo.job_stop(text, boolean),
    velo.job_pause(text), velo.job_resume(text), velo.job_reset(text, jsonb) TO velo_user;

SELECT velo._route('POST', '/api/jobs/{name}/start', 'velo.job_start(text,text,jsonb)',
                   result => 'value', read_only => false, runs_sql => true, audit => 'job');
SELECT velo._route('POST', '/api/jobs/{name}/stop', 'velo.job_stop(text,boolean)',
                   result => 'value', read_only => false, audit => 'job');
SELECT velo._route('POST', '/api/jobs/{name}/pause', 'velo.job_pause(text)',
                   result => 'value', read_only => false, audit => 'job');
SELECT velo._route('POST', '/api/jobs/{name}/resume', 'velo.job_resume(text)',
                   result => 'value', read_only => false, audit => 'job');
SELECT velo._route('POST', '/api/jobs/{name}/reset', 'velo.job_reset(text,jsonb)',
                   result => 'value', read_only => false, audit => 'job');

CREATE OR REPLACE FUNCTION velo._job_live(job_id integer, OUT condition text, OUT state_bytes bigint,
    OUT watermark timestamptz, OUT last_commit_at timestamptz, OUT lag_records bigint,
    OUT pid integer, OUT records_in bigint, OUT records_out bigint, OUT trouble text)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_job_live';
COMMENT ON FUNCTION velo._job_live(integer) IS 'Internal: what shared memory knows of a job.';

-- May the caller see a job?  Its owner, velo_admin and pg_monitor may.
CREATE OR REPLACE FUNCTION velo._job_visible(owner oid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT pg_catalog.pg_has_role(owner, 'USAGE')
              OR pg_catalog.pg_has_role('velo_admin', 'USAGE')
              OR pg_catalog.pg_has_role('pg_monitor', 'USAGE') $$;
COMMENT ON FUNCTION velo._job_visible(oid) IS 'Internal: may the caller see a job of that owner?';

CREATE OR REPLACE VIEW velo.jobs AS
SELECT j.name AS job_name, j.application,
       CASE WHEN j.desired = 'stopped' AND j.status IN ('starting', 'running', 'paused')
            THEN 'stopping' ELSE j.status END AS status,
       j.version, j.kind, j.target::text AS target,
       pg_catalog.pg_get_userbyid(coalesce(c.relowner, j.owner::oid)) AS owner, j.started_at,
       coalesce(t.records_in, 0) AS records_in, coalesce(t.records_out, 0) AS records_out,
       coalesce(t.records_failed, 0) AS records_failed, l.lag_records AS lag
FROM velo.job j
LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation
LEFT JOIN velo.task t ON t.job_id = j.job_id AND t.task = 0
LEFT JOIN LATERAL velo._job_live(j.job_id) l ON true
WHERE velo._job_visible(coalesce(c.relowner, j.owner::oid));
COMMENT ON VIEW velo.jobs IS 'Jobs the caller may see: SHOW JOBS.';

-- A view, so that the catalog is read with our rights and the caller is who asks.
CREATE OR REPLACE VIEW velo._job_status AS
SELECT j.name AS job_name, v.status,
       CASE WHEN v.status = 'starting' AND l.pid IS NULL AND l.condition IS NULL
            THEN 'no_worker_slot'
            -- A job that runs and whose broker is gone waits for it, without an end.
            WHEN l.trouble IS NOT NULL THEN 'retrying'
            ELSE coalesce(l.condition, 'ok') END AS condition,
       j.status_since, j.restarts, coalesce(l.trouble, j.last_error) AS last_error,
       CASE WHEN l.trouble IS NULL THEN j.last_sqlstate ELSE '08006' END AS last_sqlstate,
       coalesce(l.watermark, t.watermark) AS watermark,
       coalesce(l.last_commit_at, t.last_commit_at) AS last_commit_at, l.lag_records,
       CASE WHEN coalesce(l.lag_records, 0) = 0 THEN 0
            ELSE extract(epoch FROM clock_timestamp() - coalesce(l.last_commit_at, t.last_commit_at))
       END::double precision AS lag_seconds,
       coalesce(l.state_bytes, 0) AS state_bytes
FROM velo.job j
JOIN velo.jobs v ON v.job_name = j.name
LEFT JOIN velo.task t ON t.job_id = j.job_id AND t.task = 0
LEFT JOIN LATERAL velo._job_live(j.job_id) l ON true;
COMMENT ON VIEW velo._job_status IS 'Internal: what velo.job_status shows, of the jobs the caller may see.';
GRANT SELECT ON velo._job_status TO velo_user;

CREATE OR REPLACE FUNCTION velo.job_status(name text DEFAULT NULL)
    RETURNS TABLE (job_name text, status text, condition text, status_since timestamptz,
                   restarts integer, last_error text, last_sqlstate text, watermark timestamptz,
                   last_commit_at timestamptz, lag_records bigint, lag_seconds double precision,
                   state_bytes bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT * FROM velo._job_status s WHERE job_status.name IS NULL OR s.job_name = job_status.name
$$;
COMMENT ON FUNCTION velo.job_status(text) IS
'Status, condition, last error, watermark, lag and state size of one job or of all the caller may see: SHOW STATUS.';
REVOKE ALL ON FUNCTION velo.job_status(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.job_status(text) TO velo_user;
SELECT velo._route('GET', '/api/jobs/{name}', 'velo.job_status(text)', result => 'row');

CREATE OR REPLACE VIEW velo.job_versions AS
SELECT j.name AS job_name, v.version, v.state, v.strategy, v.percent, v.created_at,
       pg_catalog.pg_get_userbyid(v.created_by) AS created_by, v.sql AS sql_text
FROM velo.job_version v
JOIN velo.job j USING (job_id)
LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation
WHERE velo._job_visible(coalesce(c.relowner, j.owner::oid));
COMMENT ON VIEW velo.job_versions IS 'Versions of jobs with their statements: SHOW VERSIONS.';

GRANT SELECT ON velo.jobs, velo.job_versions TO velo_user;
