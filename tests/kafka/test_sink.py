"""Does a job's output get into Kafka exactly once, and as Kafka's own clients would have put it?"""

import json
import os
import signal
import time

import psycopg
import pytest
from chaoslib.cluster import process_start
from kafkalib.wait import wait_for

INPUT = "CREATE STREAM ticks (id bigint, name text, amount numeric, at timestamptz) WITH ('event.time.field' = 'at')"
WORKER = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
STATE = "SELECT status, last_sqlstate, last_error FROM velo.job WHERE name = %s"
CONTROL = "_velo_control"

# From Kafka's own tests of its hash function.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def murmur2(data):
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if len(data) > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def java_partition(key, partitions):
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def velo(cluster, text):
    with cluster.connect() as session:
        session.execute(f"DO LANGUAGE velo $velo$ {text} $velo$")


def start_job(cluster, broker, name, topic, query, **properties):
    """A job whose output goes to a topic; properties with _ for dots."""
    given = {"type": "kafka", "topic": topic, "bootstrap.servers": broker.bootstrap}
    given |= {key.replace("_", "."): value for key, value in properties.items()}
    job = given.pop("delivery.guarantee", None)
    texts = [f"'sink.{key}' = '{value}'" for key, value in given.items()]
    if job:
        texts.append(f"'delivery.guarantee' = '{job}'")
    velo(cluster, f"CREATE STREAM {name} AS {query} WITH ({', '.join(texts)})")
    wait_for(f"{name} runs", lambda: status(cluster, name)[0] == "running")


def status(cluster, name):
    return cluster.ask(STATE, name)[0]


def worker(cluster, name):
    rows = cluster.ask(WORKER, f"velo job {name}")
    return rows[0][0] if rows else None


def insert(cluster, first, last):
    """One transaction.  A worker that is killed at once takes the session's answer along."""
    try:
        with cluster.connect() as session:
            session.execute(
                "INSERT INTO ticks "
                "SELECT i, 'n' || i %% 7, i, now() FROM generate_series(%s::int, %s::int) i",
                (first, last),
            )
    except psycopg.OperationalError:
        cluster.wait_ready()
        if cluster.ask("SELECT count(*) FROM ticks WHERE id = %s", last) == [(0,)]:
            insert(cluster, first, last)


def ids(broker, topic):
    if not broker.partitions(topic):
        return []
    return [json.loads(r.value)["id"] for r in broker.consume_all(topic) if r.value]


def wait_ids(broker, topic, last):
    """Until the topic has all ids from 1 to last; returns all it has, sorted."""
    wait_for(f"{last} ids are in {topic}", lambda: set(range(1, last + 1)) <= set(ids(broker, topic)))
    return sorted(ids(broker, topic))


def arm(cluster, point, name, action="kill", passes=0):
    with cluster.connect() as session:
        session.execute(
            "SELECT velo._testpoint_arm(%s, %s, %s, %s)",
            (point, action, passes, f"velo job {name}"),
        )


@pytest.fixture
def ticks(cluster):
    velo(cluster, INPUT)
    return cluster


# --- what records look like ------------------------------------------------------------


def test_partitions_are_those_of_java(ticks, broker, topic):
    assert {key: murmur2(key) - (murmur2(key) >> 31 << 32) for key in MURMUR2} == MURMUR2
    broker.create_topic(topic, 5)
    start_job(ticks, broker, "out", topic, "SELECT id, name FROM ticks EMIT CHANGES", key_field="name")
    insert(ticks, 1, 500)
    wait_ids(broker, topic, 500)
    records = broker.consume_all(topic)
    assert len({r.partition for r in records}) > 1
    for record in records:
        value = json.loads(record.value)
        assert record.key == value["name"].encode()
        assert record.partition == java_partition(record.key, 5)


def test_records_without_key_are_spread(ticks, broker, topic):
    broker.create_topic(topic, 3)
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    for part in range(30):
        insert(ticks, part * 10 + 1, part * 10 + 10)
        time.sleep(0.02)
    assert wait_ids(broker, topic, 300) == list(range(1, 301))
    records = broker.consume_all(topic)
    assert {r.key for r in records} == {None}
    assert {r.partition for r in records} == {0, 1, 2}


def test_key_can_be_left_out_of_the_value(ticks, broker, topic):
    start_job(
        ticks, broker, "out", topic, "SELECT id, name, amount FROM ticks EMIT CHANGES",
        key_field="name", key_in_value="false", partitions=2,
    )  # fmt: skip
    insert(ticks, 1, 3)
    wait_ids(broker, topic, 3)
    assert len(broker.partitions(topic)) == 2
    records = sorted(broker.consume_all(topic), key=lambda r: r.value)
    assert [(r.key, json.loads(r.value)) for r in records] == [
        (b"n1", {"id": 1, "amount": 1}),
        (b"n2", {"id": 2, "amount": 2}),
        (b"n3", {"id": 3, "amount": 3}),
    ]


def test_a_group_that_goes_leaves_a_tombstone(ticks, broker, topic):
    start_job(
        ticks, broker, "out", topic,
        "SELECT name, count(*) AS n FROM ticks GROUP BY name HAVING count(*) < 3 EMIT CHANGES",
        key_field="name",
    )  # fmt: skip
    for first in (1, 8, 15):
        insert(ticks, first, first + 6)
        key = f"n{first % 7}".encode()
        wait_for(
            "the change is there",
            lambda n=first // 7 + 1, k=key: len(
                [r for r in broker.consume_all(topic) if r.key == k]
            )
            == n,
        )
    found = [(r.key, r.value and json.loads(r.value)) for r in broker.consume_all(topic)]
    one = [value for key, value in found if key == b"n1"]
    assert one == [{"name": "n1", "n": 1}, {"name": "n1", "n": 2}, None]


def test_windows_come_once_each(ticks, broker, topic):
    start_job(
        ticks, broker, "out", topic,
        "SELECT name, count(*) AS n, _window_start AS since FROM ticks "
        "WINDOW TUMBLING(1m) GROUP BY name EMIT FINAL",
        key_field="name",
    )  # fmt: skip
    with ticks.connect() as session:
        for minute in range(5):
            session.execute(
                "INSERT INTO ticks SELECT i, 'a', 1, timestamptz '2026-01-01 00:00:00+00' "
                "+ make_interval(mins => %s::int, secs => i) FROM generate_series(0, 9) i",
                (minute,),
            )
    wait_for("four windows are there", lambda: len(broker.partitions(topic) and broker.consume_all(topic)) >= 4)
    time.sleep(0.5)
    windows = [json.loads(r.value) for r in broker.consume_all(topic)]
    assert [w["n"] for w in windows[:4]] == [10] * 4
    assert len({w["since"] for w in windows}) == len(windows)


def test_a_record_that_is_too_large_fails_alone(ticks, broker, topic):
    start_job(
        ticks, broker, "out", topic,
        "SELECT id, repeat(name, CASE WHEN id = 2 THEN 1000000 ELSE 1 END) AS name FROM ticks EMIT CHANGES",
    )  # fmt: skip
    insert(ticks, 1, 3)
    wait_for("the others are there", lambda: sorted(ids(broker, topic)) == [1, 3])
    rows = ticks.ask("SELECT error_message FROM velo.dead_letter")
    assert [row[0] for row in rows] == ["record is too large for the topic"]


# --- once, whatever happens -----------------------------------------------------------

POINTS = [
    "sink_kafka_written", "outbox_written", "commit_about_to", "commit_done", "kafka_begun",
    "kafka_produced", "kafka_control_produced", "kafka_about_to_commit", "kafka_committed",
]  # fmt: skip
RECOVERY_POINTS = [
    "kafka_fenced", "kafka_produced_again", "kafka_control_produced", "kafka_about_to_commit",
    "kafka_committed", "kafka_recovered",
]  # fmt: skip


def test_killed_everywhere_nothing_is_lost_or_doubled(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id, name FROM ticks EMIT CHANGES", key_field="name", partitions=3)
    last = 0
    for point in POINTS:
        before = worker(ticks, "out")
        arm(ticks, point, "out")
        insert(ticks, last + 1, last + 1000)
        last += 1000
        wait_for(f"the worker dies at {point}", lambda b=before: process_start(b) is None)
        ticks.wait_ready()
        wait_ids(broker, topic, last)
    assert sorted(ids(broker, topic)) == list(range(1, last + 1))


def test_killed_in_recovery_nothing_is_lost_or_doubled(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id, name FROM ticks EMIT CHANGES")
    last = 0
    for point in RECOVERY_POINTS:
        wait_for("there is a worker", lambda: worker(ticks, "out"))
        # First it dies with a batch in the outbox that Kafka does not have …
        before = worker(ticks, "out")
        arm(ticks, "commit_done", "out", "stop")
        insert(ticks, last + 1, last + 1000)
        last += 1000
        wait_for("it stops behind the commit", lambda b=before: is_stopped(b))
        arm(ticks, point, "out")
        with ticks.connect() as session:
            session.execute("SELECT pg_terminate_backend(%s)", (before,))
        os.kill(before, signal.SIGCONT)
        wait_for("it is gone", lambda b=before: process_start(b) is None)
        # … and the next one dies while it sends it.
        wait_ids(broker, topic, last)
        ticks.wait_ready()
    assert sorted(ids(broker, topic)) == list(range(1, last + 1))


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def test_a_replaced_worker_is_fenced(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    insert(ticks, 1, 100)
    wait_ids(broker, topic, 100)
    old = worker(ticks, "out")
    arm(ticks, "kafka_produced", "out", "stop")
    insert(ticks, 101, 200)
    wait_for("it stops in its transaction", lambda: is_stopped(old))
    # Somebody else takes its transactional id, as the worker of another node would.
    name = ticks.ask("SELECT writer FROM velo.outbox")[0][0]
    broker.producer(name)
    os.kill(old, signal.SIGCONT)
    wait_for("the old worker ends", lambda: process_start(old) is None)
    assert wait_ids(broker, topic, 200) == list(range(1, 201))
    assert "VE004" in ticks.log.read_text() or "replaced" in ticks.log.read_text()


def test_a_worker_without_lease_ends(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    old = worker(ticks, "out")
    arm(ticks, "kafka_produced", "out", "stop")
    insert(ticks, 1, 100)
    wait_for("it stops behind its commit", lambda: is_stopped(old))
    with ticks.connect() as session:
        session.execute("UPDATE velo.task SET epoch = epoch + 1")
    os.kill(old, signal.SIGCONT)
    insert(ticks, 101, 200)
    wait_for("the old worker ends", lambda: process_start(old) is None)
    assert wait_ids(broker, topic, 200) == list(range(1, 201))


def test_a_broker_that_is_restarted_delays_only(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    insert(ticks, 1, 100)
    wait_ids(broker, topic, 100)
    broker.node.kill()
    insert(ticks, 101, 200)
    time.sleep(1)
    broker.node.start()
    insert(ticks, 201, 300)
    assert wait_ids(broker, topic, 300) == list(range(1, 301))


def test_at_least_once_loses_nothing(ticks, broker, topic):
    start_job(
        ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES",
        delivery_guarantee="at_least_once", acks="1",
    )  # fmt: skip
    assert ticks.ask("SELECT count(*) FROM velo.outbox") == [(0,)]
    last = 0
    for point in ("sink_kafka_written", "kafka_delivered", "commit_about_to", "commit_done"):
        before = worker(ticks, "out")
        arm(ticks, point, "out")
        insert(ticks, last + 1, last + 500)
        last += 500
        wait_for(f"the worker dies at {point}", lambda b=before: process_start(b) is None)
        ticks.wait_ready()
        wait_ids(broker, topic, last)
    assert set(ids(broker, topic)) == set(range(1, last + 1))


# --- what cannot be mended ---------------------------------------------------------------


def end_worker(cluster, name):
    pid = worker(cluster, name)
    with cluster.connect() as session:
        session.execute("SELECT pg_terminate_backend(%s)", (pid,))
    wait_for("the worker ends", lambda: process_start(pid) is None)


def test_kafka_ahead_of_postgresql_stops_the_job(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    for first in (1, 11):
        insert(ticks, first, first + 9)
        wait_ids(broker, topic, first + 9)
    with ticks.connect() as session:
        session.execute("UPDATE velo.outbox SET sequence = sequence - 1, sent = sequence - 1")
    end_worker(ticks, "out")
    wait_for("the job has failed", lambda: status(ticks, "out")[0] == "failed")
    assert status(ticks, "out")[1] == "VE009"


def test_a_deleted_control_topic_stops_the_job(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id FROM ticks EMIT CHANGES")
    for first in (1, 11):
        insert(ticks, first, first + 9)
        wait_ids(broker, topic, first + 9)
    broker.delete_topic(CONTROL)
    end_worker(ticks, "out")
    wait_for("the job has failed", lambda: status(ticks, "out")[0] == "failed")
    assert "lost output" in status(ticks, "out")[2]


def test_the_outbox_is_emptied(ticks, broker, topic):
    start_job(ticks, broker, "out", topic, "SELECT id, repeat('x', 500) AS x FROM ticks EMIT CHANGES")
    most = 0
    for part in range(12):
        insert(ticks, part * 10000 + 1, part * 10000 + 10000)
        wait_for("it is read", lambda p=part: ticks.ask("SELECT records_in FROM velo.task") == [((p + 1) * 10000,)])
        size = ticks.ask(
            "SELECT pg_table_size(c.oid) FROM pg_class c JOIN velo.outbox o "
            "ON relname = format('outbox_%s_%s', o.job_id, o.task) "
            "AND relnamespace = 'velo_state'::regnamespace"
        )
        most = max(most, size[0][0])
    assert len(set(wait_ids(broker, topic, 120000))) == 120000
    assert most < 32 * 1024 * 1024
    velo(ticks, "DROP STREAM out")
    assert ticks.ask("SELECT count(*) FROM velo.outbox") == [(0,)]


# --- without a job --------------------------------------------------------------------------

TOPIC = """
CREATE FOREIGN TABLE {name} (id bigint NOT NULL, name text, _timestamp timestamptz, _key text,
    _topic text, _partition int, _offset bigint, _headers jsonb)
SERVER velo_kafka OPTIONS (topic '{topic}', "bootstrap.servers" '{servers}', "key.field" 'name')
"""


@pytest.fixture
def sink_table(cluster, broker, topic):
    broker.create_topic(topic, 2)
    with cluster.connect() as session:
        session.execute(TOPIC.format(name="sink_table", topic=topic, servers=broker.bootstrap))
    return cluster


def test_insert_is_sent_at_commit(sink_table, broker, topic):
    with sink_table.connect(autocommit=False) as session:
        session.execute("INSERT INTO sink_table (id, name) VALUES (1, 'a'), (2, 'b')")
        assert broker.consume_all(topic) == []
        session.execute("SAVEPOINT one")
        session.execute("INSERT INTO sink_table (id, name) VALUES (3, 'c')")
        session.execute("SAVEPOINT two")
        session.execute("INSERT INTO sink_table (id, name) VALUES (4, 'd')")
        session.execute("RELEASE two")
        session.execute("ROLLBACK TO one")
        session.execute(
            "INSERT INTO sink_table (id, name, _timestamp, _headers) VALUES "
            "(5, 'e', '2020-01-01 00:00:00.5+00', '{\"a\": \"x\", \"b\": [\"1\", null], \"c\": \"\\\\x00ff\"}')"
        )
        session.commit()
        session.execute("INSERT INTO sink_table (id, name) VALUES (6, 'f')")
        session.rollback()
    records = sorted(broker.consume_all(topic), key=lambda r: r.key)
    assert [json.loads(r.value)["id"] for r in records] == [1, 2, 5]
    assert [r.key for r in records] == [b"a", b"b", b"e"]
    assert records[2].timestamp == 1577836800500
    assert records[2].headers == [("a", b"x"), ("b", b"1"), ("b", None), ("c", b"\x00\xff")]
    for record in records:
        assert record.partition == java_partition(record.key, 2)


def test_insert_refuses_what_it_cannot_keep(sink_table, broker, topic):
    with sink_table.connect() as session:
        refusals = {
            "INSERT INTO sink_table (name) VALUES ('x')": "23502",
            "INSERT INTO sink_table (id, _offset) VALUES (1, 1)": "0A000",
            "UPDATE sink_table SET id = 1": "0A000",
            "INSERT INTO sink_table (id) VALUES (1) ON CONFLICT DO NOTHING": "0A000",
        }
        for sql, code in refusals.items():
            with pytest.raises(psycopg.Error) as error:
                session.execute(sql)
            assert error.value.sqlstate == code, sql
        session.execute("SET velo.kafka_insert_limit = '64kB'")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            session.execute("INSERT INTO sink_table (id, name) SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i")
        session.execute("BEGIN")
        session.execute("INSERT INTO sink_table (id) VALUES (1)")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            session.execute("PREPARE TRANSACTION 'x'")
    assert broker.consume_all(topic) == []


def test_insert_without_broker_aborts_the_transaction(sink_table, broker, topic):
    with sink_table.connect() as session:
        session.execute("SET velo.kafka_timeout = '3s'")
        session.execute("INSERT INTO sink_table (id) VALUES (1)")
        session.execute("CREATE TABLE beside (id int)")
        broker.node.kill()
        with pytest.raises(psycopg.Error), session.transaction():
            session.execute("INSERT INTO beside VALUES (1)")
            session.execute("INSERT INTO sink_table (id) VALUES (2)")
        broker.node.start()
        session.execute("RESET velo.kafka_timeout")
        session.execute("INSERT INTO sink_table (id) VALUES (3)")
        assert session.execute("SELECT count(*) FROM beside").fetchone() == (0,)
    assert sorted(ids(broker, topic)) == [1, 3]


# --- from Kafka to Kafka ----------------------------------------------------------------------

LEADING_POINTS = [
    "sink_kafka_written", "kafka_begun", "kafka_produced", "commit_done",
    "kafka_control_produced", "kafka_about_to_commit", "kafka_committed",
]  # fmt: skip


def wal(cluster):
    return int(cluster.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")[0][0])


def test_from_kafka_to_kafka_postgresql_writes_nothing(cluster, broker, topic):
    source = f"{topic}_in"
    broker.create_topic(source, 2)
    velo(
        cluster,
        "CREATE STREAM arrivals (id bigint, name text) WITH ('type' = 'kafka', "
        f"'topic' = '{source}', 'bootstrap.servers' = '{broker.bootstrap}', "
        "'auto.offset.reset' = 'earliest')",
    )
    query = "SELECT id, name FROM arrivals EMIT CHANGES"
    start_job(cluster, broker, "out", topic, query, key_field="name", partitions=3)
    last = 0

    def send(count):
        nonlocal last
        rows = [json.dumps({"id": last + i + 1, "name": f"n{i % 7}"}) for i in range(count)]
        broker.produce(source, rows)
        last += count

    for point in LEADING_POINTS:
        before = wait_for("there is a worker", lambda: worker(cluster, "out"))
        arm(cluster, point, "out")
        send(500)
        wait_for(f"the worker dies at {point}", lambda b=before: process_start(b) is None)
        cluster.wait_ready()
        wait_ids(broker, topic, last)
    assert sorted(ids(broker, topic)) == list(range(1, last + 1))
    assert cluster.ask("SELECT sequence FROM velo.outbox") == [(0,)]
    start = wal(cluster)
    send(50000)
    wait_for("all are there", lambda: len(ids(broker, topic)) >= last)
    assert (wal(cluster) - start) / 50000 < 20
