-- What SHOW TOPICS shows.

CREATE OR REPLACE FUNCTION velo.kafka_topics(connection text DEFAULT NULL)
    RETURNS TABLE (topic text, partitions integer, replication integer, topic_id text)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'velo_kafka_topics_list';
COMMENT ON FUNCTION velo.kafka_topics(text) IS
    'Topics of a Kafka cluster, without internal ones: of a connection (a server of the foreign-data wrapper velo_kafka), or of a broker given as host:port; without an argument of localhost:9092.';
REVOKE ALL ON FUNCTION velo.kafka_topics(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.kafka_topics(text) TO velo_user;
