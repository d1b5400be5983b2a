-- Topics seen from SQL.

CREATE OR REPLACE FUNCTION velo._topic_ranges(
        stream regclass,
        OUT "partition" integer, OUT earliest_offset bigint, OUT latest_offset bigint)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'velo_topic_ranges';
COMMENT ON FUNCTION velo._topic_ranges(regclass) IS
    'Internal: partitions of the topic behind a stream; none for streams that are no topics.';
REVOKE ALL ON FUNCTION velo._topic_ranges(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo._topic_ranges(regclass) TO velo_user;

CREATE OR REPLACE FUNCTION velo.partitions(stream regclass)
    RETURNS TABLE (object_name text, "partition" integer, earliest_offset bigint,
                   latest_offset bigint, committed_offset bigint, lag bigint,
                   watermark timestamptz, idle boolean, worker text)
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT c.relname::text, coalesce(r.partition, p.partition), r.earliest_offset, r.latest_offset,
       p.committed,
       greatest(r.latest_offset - p.committed, 0),
       p.watermark,
       r.latest_offset = p.committed,
       p.worker
FROM velo._topic_ranges(stream) r
FULL JOIN (SELECT * FROM velo._positions WHERE relation = stream) p ON p.partition = r.partition
JOIN pg_class c ON c.oid = stream
ORDER BY 2, 9
$$;
COMMENT ON FUNCTION velo.partitions(regclass) IS
    'Partitions of a stream, once for each job that reads it: first and last offset in the topic, how far the job has committed, what is left, and its watermark: SHOW PARTITIONS. Asks the broker.';
REVOKE ALL ON FUNCTION velo.partitions(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.partitions(regclass) TO velo_user;

CREATE OR REPLACE FUNCTION velo.infer_schema(
        source jsonb,
        OUT column_name text, OUT data_type text, OUT nullable boolean, OUT samples bigint)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'velo_infer_schema';
COMMENT ON FUNCTION velo.infer_schema(jsonb) IS
    'Columns that the last records of a source have, at most velo.infer_sample of them: {"type": "kafka", "topic": "rides", "connection": "…"}. samples: how many had a value. JSON integers are bigint, other numbers double precision, RFC 3339 texts timestamptz, objects and arrays jsonb.';
REVOKE ALL ON FUNCTION velo.infer_schema(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.infer_schema(jsonb) TO velo_user;
