-- Behind SHOW PARTITIONS: what each job that reads a stream has committed.

CREATE OR REPLACE VIEW velo._positions AS
SELECT s.relation, p.partition,
       CASE WHEN s.type = 'kafka' THEN split_part(p.position, ' ', 1)::bigint END AS committed,
       p.watermark, j.name || '/' || p.task AS worker
FROM velo.stream s
JOIN velo.job j ON s.relation = ANY (j.sources)
LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation
JOIN velo.position p ON p.job_id = j.job_id AND j.sources[p.source + 1] = s.relation
WHERE velo._job_visible(coalesce(c.relowner, j.owner::oid));
COMMENT ON VIEW velo._positions IS 'Internal: positions of the jobs that the caller may see.';
GRANT SELECT ON velo._positions TO velo_user;
