-- Single records of topics, as they are.

CREATE OR REPLACE FUNCTION velo.produce(
        stream regclass, value jsonb, key text DEFAULT NULL, headers jsonb DEFAULT NULL,
        to_partition integer DEFAULT NULL,
        OUT "partition" integer, OUT "offset" bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_produce';
COMMENT ON FUNCTION velo.produce(regclass, jsonb, text, jsonb, integer) IS
    'Writes one record to the topic of a Kafka stream, at once and whatever becomes of the transaction, and says where it stands. value NULL: a tombstone; headers: an object of texts; to_partition NULL: chosen by the key. Needs INSERT on the stream.';
REVOKE ALL ON FUNCTION velo.produce(regclass, jsonb, text, jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.produce(regclass, jsonb, text, jsonb, integer) TO velo_user;

CREATE OR REPLACE FUNCTION velo._consume(
        stream regclass, max_rows integer, start text,
        OUT "partition" integer, OUT "offset" bigint, OUT "timestamp" timestamptz, OUT key text,
        OUT value text, OUT headers jsonb)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_consume';
COMMENT ON FUNCTION velo._consume(regclass, integer, text) IS
    'Internal: records of a topic; with start latest the last max_rows of each partition.';
REVOKE ALL ON FUNCTION velo._consume(regclass, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo._consume(regclass, integer, text) TO velo_user;

CREATE OR REPLACE FUNCTION velo.consume(
        stream regclass, max_rows integer DEFAULT 10, start text DEFAULT 'earliest')
    RETURNS TABLE ("partition" integer, "offset" bigint, "timestamp" timestamptz, key text,
                   value text, headers jsonb)
    LANGUAGE sql VOLATILE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$
SELECT r.*
FROM (SELECT c.*
      FROM velo._consume(stream, max_rows, start) c
      ORDER BY CASE WHEN lower(start) = 'latest' THEN c."timestamp" END DESC NULLS LAST,
               CASE WHEN lower(start) = 'latest' THEN c."offset" END DESC
      LIMIT max_rows) r
ORDER BY r."timestamp", r.partition, r."offset"
$$;
COMMENT ON FUNCTION velo.consume(regclass, integer, text) IS
    'Records in the topic of a Kafka stream as they are, without decoding: earliest (the default) from the beginning, latest the last ones, or from a timestamp on. Bytes that are no text are shown as bytea prints them. Needs SELECT on the stream.';
REVOKE ALL ON FUNCTION velo.consume(regclass, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.consume(regclass, integer, text) TO velo_user;
