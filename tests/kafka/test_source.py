"""Is each record of a topic read exactly once, whatever happens to topic, broker and job?"""

import json
import os
import re

import psycopg
import pytest
from kafkalib import Out
from kafkalib.node import tool
from kafkalib.wait import wait_for

COLUMNS = "id bigint, name text, amount numeric, at timestamptz"
SECONDS = 60


class Kafka:
    """A session in a schema of its own, and streams over topics of the broker."""

    def __init__(self, session, schema, bootstrap):
        self.session, self.schema, self.bootstrap = session, schema, bootstrap
        session.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        session.execute(f'CREATE SCHEMA "{schema}"')
        session.execute(f'SET search_path = "{schema}", public')

    def velo(self, text):
        self.session.execute("SELECT velo.execute(%s)", (text,))

    def rows(self, text, values=None):
        return self.session.execute(text, values).fetchall()

    def value(self, text, values=None):
        return self.rows(text, values)[0][0]

    def stream(self, name, topic, columns=COLUMNS, **options):
        given = {
            "type": "kafka",
            "topic": topic,
            "bootstrap.servers": self.bootstrap,
            **{key.replace("_", "."): value for key, value in options.items()},
        }
        text = ", ".join(f"'{key}' = '{value}'" for key, value in given.items())
        self.velo(f"CREATE STREAM {name} ({columns}) WITH ({text})")

    def copy(self, table, stream, select="id, name, amount", job="", **options):
        """A job that copies a stream to a table keyed by id."""
        given = {"auto.offset.reset": "earliest"}
        given.update({key.replace("_", "."): value for key, value in options.items()})
        text = ", ".join(f"'{key}' = '{value}'" for key, value in given.items())
        self.velo(
            f"CREATE TABLE {table} AS SELECT id PRIMARY KEY, {select.removeprefix('id, ')} "
            f"FROM {stream} EMIT CHANGES WITH ({text})"
        )

    def status(self, job):
        return self.value(
            "SELECT to_jsonb(j) || coalesce(to_jsonb(t), '{}') FROM velo.job j "
            "LEFT JOIN velo.task t USING (job_id) WHERE j.name = %s",
            (job,),
        )

    def wait(self, query, wanted, what=None):
        def is_so():
            return [tuple(row) for row in self.rows(query)] == wanted

        try:
            wait_for(what or query, is_so, SECONDS)
        except AssertionError:
            assert self.rows(query) == wanted, self.rows(
                "SELECT name, status, last_sqlstate, last_error FROM velo.job"
            )

    def wait_status(self, job, wanted):
        wait_for(
            f"{job} is {wanted}: {self.status(job)}",
            lambda: self.status(job)["status"] == wanted,
            SECONDS,
        )

    def positions(self, job):
        return self.rows(
            "SELECT partition, split_part(position, ' ', 1)::bigint FROM velo.position "
            "JOIN velo.job USING (job_id) WHERE name = %s ORDER BY 1",
            (job,),
        )


@pytest.fixture(scope="module")
def dbname():
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    name = "velo_kafka_source"
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(dbname=name, autocommit=True) as session:
            session.execute("CREATE EXTENSION velostream")
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def kafka(dbname, broker, request):
    schema = re.sub(r"\W", "_", request.node.name.removeprefix("test_"))[-50:]
    with psycopg.connect(dbname=dbname, autocommit=True) as session:
        yield Kafka(session, schema, broker.bootstrap)
        session.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def record(number, **more):
    return json.dumps({"id": number, "name": f"n{number}", "amount": number / 4, **more})


def records(numbers, partitions=1):
    return [Out(record(n), f"k{n}", partition=n % partitions) for n in numbers]


# --- what a record is ---------------------------------------------------------------------


def test_records_have_columns_key_headers_and_time(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(
        topic,
        [
            Out(
                '{"id": 1, "name": "ä", "amount": 1.50, "at": "2026-03-01T12:00:00Z"}',
                "k|1",
                [("a", b"x"), ("b", b"1"), ("b", b"2"), ("n", None), ("raw", b"\xff\x00")],
                1_700_000_000_123,
            ),
            Out('{"id": 2}', None, (), 1_700_000_001_000),
        ],
    )
    kafka.stream("s", topic)
    query = "SELECT id, name, amount, at, _key, _headers, _timestamp, _topic, _partition, _offset FROM s"
    kafka.copy(
        "copied",
        "s",
        "name, amount, at, _key AS k, _headers AS h, _timestamp AS ts, _topic AS t, "
        "_partition AS p, _offset AS o",
    )
    wait_for("both are there", lambda: kafka.value("SELECT count(*) FROM copied") == 2, SECONDS)
    first, second = kafka.rows(
        "SELECT id, name, amount::text, at = '2026-03-01 12:00Z', k, h, "
        "round(extract(epoch FROM ts) * 1000), t, p, o FROM copied ORDER BY id"
    )
    headers = {"a": "x", "b": ["1", "2"], "n": None, "raw": "\\xff00"}
    assert first == (1, "ä", "1.50", True, "k|1", headers, 1_700_000_000_123, topic, 0, 0)
    assert second == (2, None, None, None, None, None, 1_700_000_001_000, topic, 0, 1)
    # A pull query sees the same.
    pulled = [row[0] for row in kafka.rows("SELECT velo.query(%s)", (query,))]
    assert [(r["id"], r["_key"], r["_headers"], r["_topic"], r["_offset"]) for r in pulled] == [
        (1, "k|1", headers, topic, 0),
        (2, None, None, topic, 1),
    ]


def test_a_header_can_say_the_event_time(kafka, broker, topic):
    broker.create_topic(topic)
    said = [None, b"1700000000123", b"2026-01-01T00:00:00Z", b"never", b"1" * 30]
    broker.produce(
        topic,
        [
            Out(record(n), headers=[("_event_time", value)] if value else (), timestamp=1000)
            for n, value in enumerate(said)
        ],
    )
    kafka.stream("s", topic)
    kafka.copy("copied", "s", "extract(epoch FROM _event_time) AS t")
    kafka.wait(
        "SELECT id, t::float8 FROM copied ORDER BY id",
        [(0, 1.0), (1, 1_700_000_000.123), (2, 1_767_225_600.0)],
    )
    assert kafka.status("copied")["records_failed"] == 2


def test_a_record_without_value_deletes(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, [Out(record(n), str(n)) for n in (1, 2, 3)])
    kafka.stream("s", topic, "id bigint PRIMARY KEY, name text, amount numeric")
    kafka.copy("copied", "s")
    kafka.wait("SELECT id FROM copied ORDER BY 1", [(1,), (2,), (3,)])
    broker.produce(topic, [Out(None, "2")])
    kafka.wait("SELECT id FROM copied ORDER BY 1", [(1,), (3,)])
    # Plain SQL does not show it.
    assert kafka.value("SELECT count(*) FROM s") == 3


def test_keys_that_are_in_no_value(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, [Out('{"name": "a"}', "7"), Out('{"name": "b"}', "8")])
    kafka.stream("s", topic, "id bigint, name text", key_field="id", key_in_value="false")
    assert kafka.rows("SELECT id, name FROM s ORDER BY 1") == [(7, "a"), (8, "b")]
    kafka.copy("copied", "s", "name")
    kafka.wait("SELECT id, name FROM copied ORDER BY 1", [(7, "a"), (8, "b")])


# --- exactly once ---------------------------------------------------------------------------


def test_aborted_and_open_transactions_are_not_read(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(topic, records(range(10), 2), transactional_id=topic)
    broker.produce(topic, records(range(10, 20), 2), transactional_id=topic, abort=True)
    broker.produce(topic, records(range(20, 30), 2), transactional_id=topic)
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    wanted = [(n,) for n in [*range(10), *range(20, 30)]]
    kafka.wait("SELECT id FROM copied ORDER BY 1", wanted)
    assert kafka.rows("SELECT id FROM s ORDER BY 1") == wanted

    producer = broker.producer(topic)
    producer.begin()
    producer.send(topic, records(range(30, 40), 2))
    assert kafka.value("SELECT count(*) FROM s") == 20
    producer.commit()
    kafka.wait("SELECT count(*) FROM copied", [(30,)])

    # Control records lie behind the last ones; a restart goes on behind them.
    kafka.velo("STOP JOB copied")
    kafka.wait_status("copied", "stopped")
    broker.produce(topic, records(range(40, 50), 2))
    kafka.velo("START JOB copied")
    kafka.wait("SELECT count(*) FROM copied", [(40,)])
    assert kafka.status("copied")["records_in"] == 40


def test_a_job_goes_on_where_it_was(kafka, broker, topic):
    broker.create_topic(topic, 3)
    broker.produce(topic, records(range(1000), 3))
    kafka.stream("s", topic)
    kafka.velo(
        "CREATE TABLE counted AS SELECT name, count(*) AS n FROM s GROUP BY name "
        "EMIT CHANGES WITH ('auto.offset.reset' = 'earliest')"
    )
    kafka.wait("SELECT count(*), sum(n) FROM counted", [(1000, 1000)])
    for start in (1000, 2000):
        pid = kafka.value(
            "SELECT l.pid FROM velo.job j, velo._job_live(j.job_id) l WHERE name = 'counted'"
        )
        kafka.session.execute("SELECT pg_terminate_backend(%s)", (pid,))
        broker.produce(topic, records(range(start, start + 1000), 3))
    kafka.wait("SELECT count(*), sum(n) FROM counted", [(3000, 3000)])
    assert kafka.positions("counted") == [(0, 1000), (1, 1000), (2, 1000)]


def test_latest_begins_with_what_comes_after(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(5)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s", auto_offset_reset="latest")
    # At once: the position is that of the statement, not that of the worker's first look.
    broker.produce(topic, records(range(5, 8)))
    kafka.wait("SELECT id FROM copied ORDER BY 1", [(5,), (6,), (7,)])


def test_partitions_that_are_added_are_read_from_their_begin(kafka, broker, topic):
    broker.create_topic(topic, 1)
    broker.produce(topic, records(range(10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s", auto_offset_reset="latest")
    broker.produce(topic, records(range(10, 20)))
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    broker.add_partitions(topic, 3)
    broker.produce(topic, records(range(20, 50), 3))
    kafka.wait("SELECT count(*) FROM copied", [(40,)])
    assert [place[0] for place in kafka.positions("copied")] == [0, 1, 2]


def test_windows_close_although_a_partition_is_idle(kafka, broker, topic):
    broker.create_topic(topic, 4)
    base = 1_767_225_600_000  # 2026-01-01
    broker.produce(
        topic,
        [Out(record(n), partition=0, timestamp=base + n * 1000) for n in range(120)],
    )
    kafka.stream("s", topic, **{"watermark_idle_timeout": "1s"})
    kafka.velo(
        "CREATE TABLE minutes AS SELECT _window_start AS start, count(*) AS n FROM s "
        "WINDOW TUMBLING(1m) GROUP BY _window_start EMIT FINAL "
        "WITH ('auto.offset.reset' = 'earliest')"
    )
    kafka.wait("SELECT n FROM minutes", [(60,)])


# --- what needs a decision --------------------------------------------------------------------


def wait_lost(kafka, job):
    kafka.wait_status(job, "failed")
    status = kafka.status(job)
    assert status["last_sqlstate"] == "VE008"
    return status["last_error"]


def test_a_topic_that_was_made_anew_is_not_the_old_one(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    kafka.velo("STOP JOB copied")
    kafka.wait_status("copied", "stopped")
    broker.delete_topic(topic)
    broker.create_topic(topic)
    broker.produce(topic, records(range(100, 120)))
    kafka.velo("START JOB copied")
    assert "made again" in wait_lost(kafka, "copied")
    kafka.velo("RESET JOB copied TO EARLIEST")
    kafka.velo("START JOB copied")
    kafka.wait("SELECT min(id), count(*) FROM copied", [(100, 20)])


@pytest.mark.parametrize("count", [5, 50])
def test_a_topic_made_anew_under_a_running_job(kafka, broker, topic, count):
    """The new one may be shorter or longer than the old one was."""
    broker.create_topic(topic)
    broker.produce(topic, records(range(10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    broker.delete_topic(topic)
    broker.create_topic(topic)
    broker.produce(topic, records(range(100, 100 + count)))
    wait_lost(kafka, "copied")
    assert kafka.value("SELECT count(*) FROM copied WHERE id >= 100") == 0


def test_records_removed_before_they_were_read(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(topic, records(range(10), 2))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    kafka.velo("STOP JOB copied")
    kafka.wait_status("copied", "stopped")
    broker.produce(topic, records(range(10, 30), 2))
    broker.delete_records(topic, 1, 12)
    kafka.velo("START JOB copied")
    assert "partition 1" in wait_lost(kafka, "copied")
    assert kafka.value("SELECT count(*) FROM copied") == 10
    kafka.velo("RESET JOB copied TO EARLIEST")
    kafka.velo("START JOB copied")
    kafka.wait("SELECT count(*) FROM copied", [(15 + 3,)])


def test_a_topic_that_does_not_exist(kafka, topic):
    kafka.stream("s", topic)
    with pytest.raises(psycopg.errors.UndefinedTable, match="does not exist"):
        kafka.rows("SELECT * FROM s")


# --- bad records --------------------------------------------------------------------------------


def test_bad_records_become_dead_letters(kafka, broker, topic):
    broker.create_topic(topic, 2)
    bad = [
        Out("{broken", b"k\xff", [("h", b"v")], partition=1),
        Out('{"id": "x", "name": "a"}', "k2", partition=1),
        Out('{"id": 99999999999999999999}', "k3", partition=1),
    ]
    broker.produce(topic, records(range(5)) + bad + records(range(5, 10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT id FROM copied ORDER BY 1", [(n,) for n in range(10)])
    letters = kafka.rows(
        "SELECT source_topic, source_partition, source_offset, key, value, headers "
        "FROM velo.dead_letter WHERE source_topic = %s ORDER BY source_offset",
        (topic,),
    )
    assert [(t, p, o, bytes(k), bytes(v), h) for t, p, o, k, v, h in letters] == [
        (topic, 1, 0, b"k\xff", b"{broken", {"h": "v"}),
        (topic, 1, 1, b"k2", bad[1].value.encode(), None),
        (topic, 1, 2, b"k3", bad[2].value.encode(), None),
    ]
    assert kafka.status("copied")["records_failed"] == 3
    with pytest.raises(psycopg.errors.DataError) as raised:
        kafka.rows("SELECT sum(id) FROM s")
    assert topic in raised.value.diag.message_detail or topic in raised.value.diag.context


def test_a_type_that_raises_costs_only_its_record(kafka, broker, topic):
    """Types without a decoder of ours use PostgreSQL's input function, which raises."""
    broker.create_topic(topic)
    values = [
        {"id": n, "place": "(1,2)" if n % 3 else "nowhere", "spans": "[1,5)"} for n in range(30)
    ]
    broker.produce(topic, [json.dumps(value) for value in values])
    kafka.stream("s", topic, "id bigint, place point, spans int4range")
    kafka.copy("copied", "s", "place[0] AS x, spans")
    kafka.wait("SELECT id FROM copied ORDER BY 1", [(n,) for n in range(30) if n % 3])
    assert kafka.value("SELECT count(*) FROM velo.dead_letter WHERE source_topic = %s", (topic,)) == 10


# --- bounded ----------------------------------------------------------------------------------------


def test_bounded_jobs_finish(kafka, broker, topic):
    broker.create_topic(topic, 3)
    broker.produce(topic, records(range(30), 3), transactional_id=topic)
    broker.produce(topic, records(range(30, 33), 3), transactional_id=topic, abort=True)
    kafka.stream("s", topic)
    kafka.copy("copied", "s", bounded="true")
    kafka.wait_status("copied", "finished")
    assert kafka.value("SELECT count(*) FROM copied") == 30


def test_an_empty_topic_is_read_to_its_end(kafka, broker, topic):
    broker.create_topic(topic, 2)
    kafka.stream("s", topic)
    kafka.copy("copied", "s", bounded="true")
    kafka.wait_status("copied", "finished")
    assert kafka.rows("SELECT * FROM s") == []


# --- plain SQL ----------------------------------------------------------------------------------------

CONDITIONS = [
    "true",
    "_partition = 1",
    "_partition IN (0, 2)",
    "_partition > 0 AND _offset < 20",
    "_offset BETWEEN 5 AND 9",
    "_offset = ANY (ARRAY[3, 30, 300]::bigint[])",
    "7 <= _offset AND _partition <> 2",
    "_timestamp >= to_timestamp(1700000020)",
    "_timestamp > to_timestamp(1700000020) AND _timestamp < to_timestamp(1700000060)",
    "_timestamp <= to_timestamp(1700000020)",
    "_timestamp = to_timestamp(1700000020)",
    "_timestamp > now()",
    "_offset < 0",
    "_partition = NULL",
    "_partition = 1 OR _offset = 2",
]


def foreign_table(kafka, topic, name="t"):
    kafka.session.execute(
        f"CREATE FOREIGN TABLE {name} (id bigint, name text, _partition integer, _offset bigint, "
        f"_timestamp timestamptz, _key text) SERVER velo_kafka "
        f"OPTIONS (topic '{topic}', \"bootstrap.servers\" '{kafka.bootstrap}')"
    )


@pytest.mark.parametrize("config", [{}, {"message.timestamp.type": "LogAppendTime"}])
def test_conditions_choose_what_is_read(kafka, broker, topic, config):
    broker.create_topic(topic, 3, config)
    # Times that do not grow with the offsets.
    broker.produce(
        topic,
        [
            Out(record(n), f"k{n}", partition=n % 3, timestamp=1_700_000_000_000 + n * 7919 % 100_000)
            for n in range(300)
        ],
    )
    foreign_table(kafka, topic)
    kafka.session.execute("CREATE TABLE full_copy AS SELECT * FROM t")
    assert kafka.value("SELECT count(*) FROM full_copy") == 300
    for condition in CONDITIONS:
        found, wanted = (
            kafka.rows(f"SELECT id, name, _partition, _offset FROM {name} WHERE {condition} ORDER BY id")
            for name in ("t", "full_copy")
        )
        assert found == wanted, condition


def test_explain_says_what_is_read(kafka, broker, topic):
    broker.create_topic(topic, 3)
    broker.produce(topic, records(range(300), 3))
    foreign_table(kafka, topic)
    plan = kafka.value(
        "EXPLAIN (ANALYZE, FORMAT json) SELECT id FROM t WHERE _partition = 1 AND _offset >= 90"
    )[0]["Plan"]
    assert plan["Kafka Topic"] == topic
    assert plan["Kafka Partitions"] == "_partition = 1"
    assert plan["Kafka Offsets"] == "_offset >= 90"
    assert plan["Kafka Offsets Read"] == "1: 90-100"
    assert plan["Actual Rows"] == 10


def test_a_scan_can_be_repeated(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(topic, records(range(20), 2))
    foreign_table(kafka, topic)
    kafka.session.execute("SET enable_material = off")
    kafka.session.execute("SET enable_hashjoin = off")
    kafka.session.execute("SET enable_mergejoin = off")
    rows = kafka.rows(
        "SELECT g, s.n FROM generate_series(0, 2) g, LATERAL (SELECT count(*) AS n FROM t "
        "WHERE _partition = g OFFSET 0) s ORDER BY 1"
    )
    assert rows == [(0, 10), (1, 10), (2, 0)]


def test_planning_needs_no_broker(kafka):
    kafka.session.execute(
        "CREATE FOREIGN TABLE nowhere (id bigint) SERVER velo_kafka "
        "OPTIONS (topic 'x', \"bootstrap.servers\" '127.0.0.1:1')"
    )
    plan = "\n".join(row[0] for row in kafka.rows("EXPLAIN SELECT * FROM nowhere"))
    assert "Kafka Topic: x" in plan
    kafka.session.execute("SET velo.kafka_timeout = 500")
    with pytest.raises(psycopg.OperationalError):
        kafka.rows("SELECT * FROM nowhere")


def test_the_relation_follows_its_stream(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(3)))
    kafka.stream("s", topic)
    kafka.session.execute("ALTER VIEW s RENAME COLUMN name TO title")
    assert kafka.rows("SELECT title FROM s ORDER BY id") == [("n0",), ("n1",), ("n2",)]
    kafka.copy("copied", "s", "title")
    kafka.wait("SELECT title FROM copied ORDER BY id", [("n0",), ("n1",), ("n2",)])
    storage = kafka.value("SELECT storage FROM velo.stream WHERE relation = 's'::regclass")
    kafka.velo("DROP STREAM s CASCADE")
    assert kafka.value("SELECT to_regclass(%s)", (storage,)) is None


def test_others_read_with_the_owners_rights(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(3)))
    kafka.stream("s", topic)
    storage = kafka.value("SELECT storage::text FROM velo.stream WHERE relation = 's'::regclass")
    kafka.session.execute("DROP ROLE IF EXISTS velo_kafka_reader")
    kafka.session.execute("CREATE ROLE velo_kafka_reader")
    kafka.session.execute(f'GRANT USAGE ON SCHEMA "{kafka.schema}" TO velo_kafka_reader')
    kafka.session.execute("GRANT SELECT ON s TO velo_kafka_reader")
    try:
        kafka.session.execute("SET ROLE velo_kafka_reader")
        assert kafka.value("SELECT count(*) FROM s") == 3
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            kafka.rows(f"SELECT * FROM {storage}")
        kafka.session.execute("RESET ROLE")
        # The topic's table goes with its stream.
        kafka.session.execute("ALTER VIEW s OWNER TO velo_kafka_reader")
        assert kafka.value(
            "SELECT relowner::regrole::text FROM pg_class WHERE oid = %s::regclass", (storage,)
        ) == "velo_kafka_reader"
    finally:
        kafka.session.execute("RESET ROLE")
        kafka.session.execute("DROP OWNED BY velo_kafka_reader CASCADE")
        kafka.session.execute("DROP ROLE velo_kafka_reader")
    assert kafka.value("SELECT to_regclass(%s)", (storage,)) is None


def test_a_query_can_be_cancelled(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(3)))
    kafka.stream("s", topic)
    broker.node.pause()
    kafka.session.execute("SET statement_timeout = '500ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        kafka.rows("SELECT * FROM s")
    broker.node.resume()
    kafka.session.execute("RESET statement_timeout")
    assert kafka.value("SELECT count(*) FROM s") == 3


def test_columns_are_inferred(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(
        topic,
        [
            json.dumps({"id": n, "price": n / 4, "at": "2026-01-01T00:00:00Z", "tags": ["a"]})
            for n in range(50)
        ]
        + ['{"id": 50, "note": "x"}', "broken", Out(None, "k")],
    )
    source = json.dumps({"type": "kafka", "topic": topic, "brokers": kafka.bootstrap})
    # Partitions are read in no particular order, and so are fields met.
    assert kafka.rows("SELECT * FROM velo.infer_schema(%s) ORDER BY 1", (source,)) == [
        ("at", "timestamp with time zone", True, 50),
        ("id", "bigint", False, 51),
        ("note", "text", True, 1),
        ("price", "double precision", True, 50),
        ("tags", "jsonb", True, 50),
    ]


def test_a_stream_is_no_target_of_update(kafka, broker, topic):
    broker.create_topic(topic)
    kafka.stream("s", topic)
    for statement in ("UPDATE s SET id = 1", "DELETE FROM s", "TRUNCATE s"):
        with pytest.raises(psycopg.Error):
            kafka.session.execute(statement)


# --- the broker goes and comes ---------------------------------------------------------------------------


def test_a_broker_that_is_away_is_waited_for(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    restarts = kafka.status("copied")["restarts"]
    broker.node.stop()
    kafka.session.execute("SELECT pg_sleep(3)")
    assert kafka.status("copied")["status"] == "running"
    broker.node.start()
    broker.produce(topic, records(range(10, 20)))
    kafka.wait("SELECT count(*) FROM copied", [(20,)])
    assert kafka.status("copied")["restarts"] == restarts
    assert kafka.status("copied")["records_in"] == 20


def test_a_job_that_finds_no_broker_tries_again(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(10)))
    kafka.stream("s", topic)
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(10,)])
    kafka.velo("STOP JOB copied")
    kafka.wait_status("copied", "stopped")
    broker.produce(topic, records(range(10, 20)))
    kafka.session.execute("ALTER SYSTEM SET velo.kafka_timeout = '500ms'")
    kafka.session.execute("SELECT pg_reload_conf()")
    try:
        broker.node.stop()
        kafka.velo("START JOB copied")
        wait_for(
            "the job says why it does not run",
            lambda: kafka.status("copied")["last_sqlstate"] == "08001",
            SECONDS,
        )
        broker.node.start()
        kafka.wait("SELECT count(*) FROM copied", [(20,)])
        assert kafka.status("copied")["status"] == "running"
    finally:
        kafka.session.execute("ALTER SYSTEM RESET velo.kafka_timeout")
        kafka.session.execute("SELECT pg_reload_conf()")


def test_uncommitted_records_can_be_asked_for(kafka, broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, records(range(3)), transactional_id=topic)
    broker.produce(topic, records(range(3, 6)), transactional_id=topic, abort=True)
    kafka.stream("s", topic, isolation_level="read_uncommitted")
    kafka.stream("c", topic)
    assert kafka.rows("SELECT count(*) FROM s UNION ALL SELECT count(*) FROM c") == [(6,), (3,)]


def test_positions_are_shown_to_the_brokers_tools(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(topic, records(range(20), 2))
    kafka.stream("s", topic, group_id=f"shown-{topic}")
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(20,)])

    def described():
        return tool(
            "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
            "--bootstrap-server",
            broker.bootstrap,
            "--describe",
            "--group",
            f"shown-{topic}",
        )

    def lags():
        lines = [line.split() for line in described().splitlines() if topic in line]
        return sorted((line[2], line[3], line[5]) for line in lines if line[1] == topic)

    wait_for("the group has both", lambda: lags() == [("0", "10", "0"), ("1", "10", "0")], SECONDS)


def test_partitions_are_shown(kafka, broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(topic, records(range(20), 2))
    kafka.stream("s", topic)
    assert kafka.rows(
        "SELECT object_name, partition, earliest_offset, latest_offset, committed_offset "
        "FROM velo.partitions('s')"
    ) == [("s", 0, 0, 10, None), ("s", 1, 0, 10, None)]
    kafka.copy("copied", "s")
    kafka.wait("SELECT count(*) FROM copied", [(20,)])
    assert kafka.rows(
        "SELECT partition, committed_offset, lag, worker FROM velo.partitions('s')"
    ) == [(0, 10, 0, "copied/0"), (1, 10, 0, "copied/0")]
