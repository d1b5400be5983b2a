-- What test_connections.py calls; test builds have these functions.
CREATE SCHEMA probe;
CREATE FUNCTION probe.hide(options jsonb, stream text) RETURNS jsonb
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_hide';
CREATE FUNCTION probe.own(connection text, relation regclass) RETURNS void
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_own';
CREATE FUNCTION probe.check(options jsonb) RETURNS void
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_check';
CREATE FUNCTION probe.properties(options jsonb) RETURNS jsonb
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_properties';
CREATE FUNCTION probe.offsets(options jsonb, topic text, since timestamptz)
    RETURNS TABLE (partition integer, low bigint, high bigint, "at" bigint)
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_offsets';
CREATE FUNCTION probe.create_topic(options jsonb, topic text, partitions integer,
                                   replication integer, configs jsonb) RETURNS boolean
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_create';
CREATE FUNCTION probe.send(options jsonb, topic text, value text, wait_ms integer) RETURNS integer
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_send';
CREATE FUNCTION probe.fence(options jsonb, transactional_id text, topic text) RETURNS void
    LANGUAGE c STRICT AS 'velostream', 'velo_test_kafka_fence';
GRANT USAGE ON SCHEMA probe TO PUBLIC;
