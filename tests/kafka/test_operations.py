"""What an operator sees of jobs on Kafka, and where they can send them."""

import json

import pytest
from kafkalib.client import Out
from kafkalib.wait import wait_for

READ = """
CREATE STREAM readings (id bigint, v integer)
    WITH ('type' = 'kafka', 'bootstrap.servers' = '{bootstrap}', 'topic' = '{topic}',
          'auto.offset.reset' = 'earliest');
CREATE STREAM copied AS SELECT id, _partition AS p, _offset AS o FROM readings EMIT CHANGES;
"""
STATUS = "SELECT status, condition, last_sqlstate, last_error FROM velo.job_status('copied')"


def velo(cluster, text):
    with cluster.connect() as session:
        session.execute(f"DO LANGUAGE velo $velo$ {text} $velo$")


def status(cluster):
    return cluster.ask(STATUS)[0]


@pytest.fixture
def readings(cluster, broker, topic):
    broker.create_topic(topic, 2)
    for partition in range(2):
        broker.produce(topic, [record(partition, i) for i in range(10)])
    velo(cluster, READ.format(bootstrap=broker.bootstrap, topic=topic))
    wait_for("all is read", lambda: len(rows(cluster)) == 20)
    return cluster


def record(partition, i):
    value = json.dumps({"id": 100 * partition + i, "v": i}).encode()
    return Out(value, partition=partition)


def rows(cluster):
    return cluster.ask("SELECT p, o FROM copied ORDER BY 1, 2")


def test_reset_to_offsets(readings):
    velo(readings, "STOP JOB copied")
    wait_for("it stops", lambda: status(readings)[0] == "stopped")
    velo(readings, """RESET JOB copied TO OFFSETS '{"1": 7}'""")
    assert rows(readings) == []
    velo(readings, "START JOB copied")
    # A partition that is not named begins at its first record.
    expected = [(0, o) for o in range(10)] + [(1, o) for o in range(7, 10)]
    wait_for("it has read again", lambda: len(rows(readings)) >= len(expected))
    assert rows(readings) == expected


def test_a_broker_that_is_away_is_said_and_waited_for(readings, broker, topic):
    broker.node.kill()
    wait_for("the status says so", lambda: status(readings)[1] == "retrying", 30)
    state, _, sqlstate, error = status(readings)
    assert (state, sqlstate) == ("running", "08006")
    assert "failed" in error or "Disconnected" in error or "refused" in error
    broker.node.start()
    broker.produce(topic, [record(0, 99)])
    wait_for("it goes on", lambda: len(rows(readings)) == 21, 60)
    wait_for("the status is well again", lambda: status(readings)[1] == "ok", 30)


def test_show_topics_and_partitions(readings, topic):
    shown = readings.ask(
        "SELECT topic_name, registered, partitions, earliest_offset, latest_offset "
        "FROM velo.topics WHERE topic_name = %s",
        topic,
    )
    assert shown == [(topic, True, 2, 0, 10)]
    with readings.connect() as session:
        answer = session.execute("SELECT velo.execute('SHOW PARTITIONS readings')").fetchall()
    assert [
        (row["partition"], row["committed_offset"], row["lag"], row["worker"]) for (row,) in answer
    ] == [(0, 10, 0, "copied/0"), (1, 10, 0, "copied/0")]
