-- What monitoring reads: Prometheus's text format.

CREATE OR REPLACE FUNCTION velo._metric_label(name text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT concat(name, '="', replace(replace(replace(value, '\', '\\'), '"', '\"'), E'\n', '\n'), '"')
$$;
COMMENT ON FUNCTION velo._metric_label(text, text) IS 'Internal: a label of the Prometheus format.';

-- One row a sample; metrics in the order of "place", samples in that of labels.  The label
-- is not called job: Prometheus gives that name to what it reads from.
CREATE OR REPLACE VIEW velo._metrics AS
SELECT m.place, m.name, m.type, m.help,
       concat('{', velo._metric_label('job_name', j.name), m.labels, '}') AS labels, m.value
FROM velo._job_list j
CROSS JOIN LATERAL (VALUES
    (1, 'velo_job_info', 'gauge', 'What the job is; always 1.',
     concat(',', velo._metric_label('application', coalesce(j.application, '')), ',',
            velo._metric_label('version', j.version), ',', velo._metric_label('kind', j.kind), ',',
            velo._metric_label('owner', j.owner)), 1::double precision),
    (3, 'velo_job_condition', 'gauge', 'The condition the job is in is 1.',
     concat(',', velo._metric_label('condition', j.condition)), 1),
    (4, 'velo_job_records_in_total', 'counter', 'Records that the job has read and committed.',
     '', j.records_in),
    (5, 'velo_job_records_out_total', 'counter', 'Records that the job has written and committed.',
     '', j.records_out),
    (6, 'velo_job_records_failed_total', 'counter', 'Records that the job could not process.',
     '', j.records_failed),
    (7, 'velo_job_records_late_total', 'counter', 'Records that came after their window had closed.',
     '', j.records_late),
    (8, 'velo_job_restarts_total', 'counter', 'How often the job has been restarted after an error.',
     '', j.restarts),
    (9, 'velo_job_lag_records', 'gauge', 'Records in the sources that the job has not read yet.',
     '', j.lag_records),
    (10, 'velo_job_lag_seconds', 'gauge', 'Age of the last commit while records wait, else 0.',
     '', j.lag_seconds),
    (11, 'velo_job_state_bytes', 'gauge', 'Size of the job''s state.', '', j.state_bytes),
    (12, 'velo_job_watermark_age_seconds', 'gauge', 'How far the watermark is behind the clock.',
     '', CASE WHEN isfinite(j.watermark)
              THEN extract(epoch FROM pg_catalog.clock_timestamp() - j.watermark) END),
    (13, 'velo_job_last_commit_timestamp_seconds', 'gauge', 'When the job committed last, in Unix time.',
     '', extract(epoch FROM j.last_commit_at))
) AS m (place, name, type, help, labels, value)
WHERE m.value IS NOT NULL
UNION ALL
SELECT 2, 'velo_job_status', 'gauge', 'The status the job has is 1, the others are 0.',
       concat('{', velo._metric_label('job_name', j.name), ',', velo._metric_label('status', s.status), '}'),
       (s.status = j.status)::integer
FROM velo._job_list j
CROSS JOIN (VALUES ('starting'), ('running'), ('paused'), ('stopping'), ('stopped'), ('finished'),
                   ('failed')) AS s (status);
COMMENT ON VIEW velo._metrics IS 'Internal: samples of velo.metrics_text, of the jobs the caller may see.';
GRANT SELECT ON velo._metrics TO velo_user;

CREATE OR REPLACE FUNCTION velo.metrics_text() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
    AS $$
SELECT concat(
    E'# HELP velo_extension_info Version of the extension; always 1.\n',
    E'# TYPE velo_extension_info gauge\n',
    'velo_extension_info{', velo._metric_label('version',
        (SELECT extversion FROM pg_extension WHERE extname = 'velostream')), E'} 1\n',
    (SELECT string_agg(concat('# HELP ', m.name, ' ', m.help, E'\n# TYPE ', m.name, ' ', m.type,
                              E'\n', m.samples), '' ORDER BY m.place)
     FROM (SELECT s.place, s.name, s.type, s.help,
                  string_agg(concat(s.name, s.labels, ' ', s.value, E'\n'), ''
                             ORDER BY s.labels) AS samples
           FROM velo._metrics s GROUP BY s.place, s.name, s.type, s.help) m))
$$;
COMMENT ON FUNCTION velo.metrics_text() IS
'Figures of the jobs the caller may see, in Prometheus''s text format, version 0.0.4.';
REVOKE ALL ON FUNCTION velo.metrics_text() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.metrics_text() TO velo_user;
SELECT velo._route('GET', '/metrics', 'velo.metrics_text()', result => 'text',
                   content_type => 'text/plain; version=0.0.4; charset=utf-8');
