-- SHOW TOPICS: the clusters that the caller's streams are in.

CREATE OR REPLACE VIEW velo.topics AS
WITH registered AS (
    SELECT s.relation, coalesce(s.options ->> 'topic', c.relname::text) AS topic,
           coalesce(s.options ->> 'connection', s.options ->> 'bootstrap.servers', 'localhost:9092') AS connection
    FROM velo.stream s
    JOIN pg_catalog.pg_class c ON c.oid = s.relation
    WHERE s.type = 'kafka' AND pg_catalog.has_table_privilege(s.relation, 'SELECT')
)
SELECT t.topic AS topic_name, r.relation IS NOT NULL AS registered, t.partitions,
       t.replication AS replication_factor, o.earliest_offset, o.latest_offset
FROM (SELECT DISTINCT connection FROM registered) b
CROSS JOIN LATERAL velo.kafka_topics(b.connection) t
LEFT JOIN LATERAL (
    SELECT relation FROM registered r
    WHERE r.connection = b.connection AND r.topic = t.topic ORDER BY relation LIMIT 1) r ON true
LEFT JOIN LATERAL (
    SELECT min(p.earliest_offset) AS earliest_offset, max(p.latest_offset) AS latest_offset
    FROM velo._topic_ranges(r.relation) p) o ON true;
COMMENT ON VIEW velo.topics IS
    'Topics of the Kafka clusters that the caller''s streams are in: SHOW TOPICS. Offsets are known of topics that a stream stands for: the smallest and the greatest of all partitions. Asks the brokers.';
GRANT SELECT ON velo.topics TO velo_user;
