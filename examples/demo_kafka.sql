-- Taxi rides from Kafka and back to Kafka.  `make run-kafka` starts a broker, a program
-- that writes twenty rides a second to its topic rides, and loads this file into the
-- database velo.

DO LANGUAGE velo $$

-- A topic as a stream: JSON records, the time of the ride is the event's time.
CREATE STREAM IF NOT EXISTS rides (
    ride    bigint,
    driver  integer,
    city    text,
    km      double precision,
    fare    numeric(10,2),
    at      timestamptz
) WITH (
    'type' = 'kafka',
    'bootstrap.servers' = '127.0.0.1:9499',
    'topic' = 'rides',
    'format' = 'json',
    'auto.offset.reset' = 'earliest',
    'event.time.field' = 'at'
);

-- What each city paid, in windows of ten seconds: an ordinary table, kept up to date by a
-- job.  Where the job is in the topic is stored with the table, in the same transaction:
-- no ride is counted twice, whatever is killed when.
CREATE TABLE IF NOT EXISTS fares AS
    SELECT _window_start AS since, _window_end AS until, city,
           count(*) AS rides, sum(fare) AS fares
    FROM rides
    WINDOW TUMBLING(10s)
    GROUP BY city
    EMIT CHANGES;

-- Long rides into another topic, in Kafka's transactions: who reads it read_committed
-- sees each exactly once.
CREATE STREAM IF NOT EXISTS long_rides AS
    SELECT ride, driver, city, km, fare, at
    FROM rides
    WHERE km > 15
    WITH (
        'long_rides.type' = 'kafka_sink',
        'long_rides.bootstrap.servers' = '127.0.0.1:9499',
        'long_rides.topic' = 'long_rides',
        'long_rides.format' = 'json',
        'long_rides.key.field' = 'city'
    );

$$;

-- Now look, in psql:
--
--   Rides as they come, until you press Ctrl-C
--     DO LANGUAGE velo $$ SELECT * FROM rides EMIT CHANGES $$;
--
--   What the jobs have written
--     SELECT * FROM fares WHERE since > now() - interval '30 s' ORDER BY since, city;
--     SELECT * FROM long_rides ORDER BY at DESC LIMIT 10;
--
--   The same topic with what Kafka knows of each record
--     SELECT _partition, _offset, _timestamp, _key, ride, km FROM velo_storage.long_rides_topic
--     ORDER BY _timestamp DESC LIMIT 10;
--
--   How far each job has come
--     SELECT * FROM velo.partitions('rides');
--     SELECT * FROM velo.job_status();
--
-- and from outside, with Kafka's own tools:
--
--     scripts/kafka_server tool .run/broker org.apache.kafka.tools.consumer.ConsoleConsumer \
--         --topic long_rides --from-beginning --isolation-level read_committed
