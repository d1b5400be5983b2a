"""Does every job over a topic give what a plain PostgreSQL query over the producer's log gives?

Each seed writes a random log to a topic of many partitions, as JSON: event times out of
order within the bound that the stream declares, NULL keys, tombstones, headers, several
transactions, some of them aborted.  Random queries over it run all at once into tables,
native streams and topics, and some are stopped and started again on the way.  Queries, rows
and the comparison are those of tests/oracle.  VELO_ORACLE_SEEDS=100-120 runs other seeds.
"""

import json
import os
import pathlib
import random
import re
import sys

import psycopg
import pytest
from kafkalib import Out

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "oracle"))

from oracle_cluster import wait_for  # noqa: E402
from oracle_jobs import Jobs  # noqa: E402
from oracle_queries import differences, parse, random_query  # noqa: E402
from oracle_rows import COLUMNS, DISORDER_MS, TYPES, row, times  # noqa: E402

QUERIES = 8
ROWS = 500
# Where partitions may fall idle the clock moves the watermark on: declared is more than is used.
IDLE_DISORDER_MS = 120_000
IDLE_TIMEOUT_S = 4
TOPIC_SECONDS = 30
FAR_MS = 86_400_000
EVENT_TIMES = ["field", "timestamp", "header"]


def seeds():
    first, _, last = os.environ.get("VELO_ORACLE_SEEDS", "1-4").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.fixture(scope="module")
def dbname():
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    name = "velo_kafka_oracle"
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(dbname=name, autocommit=True) as session:
            session.execute("CREATE EXTENSION velostream")
            session.execute(TYPES)
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def jobs(dbname, request):
    options = "-c timezone=UTC -c client_min_messages=warning"
    with psycopg.connect(dbname=dbname, autocommit=True, options=options) as session:
        jobs = Jobs(session, re.sub(r"\W", "_", request.node.name.removeprefix("test_")))
        jobs.create_schema()
        yield jobs
        jobs.drop_schema()


class Log:
    """The table "log" with all rows, and the topic behind the stream "events"."""

    def __init__(self, jobs, rng, broker, topic, seed):
        self.jobs, self.rng, self.broker, self.topic = jobs, rng, broker, topic
        self.event_time = EVENT_TIMES[seed % len(EVENT_TIMES)]
        # One case of each kind: an idle partition, or one that is added on the way.
        self.has_idle = seed % 4 == 1
        self.adds = seed % 4 != 1
        self.partitions = rng.choice([3, 7]) if self.adds else 12
        self.disorder_ms = IDLE_DISORDER_MS if self.has_idle else DISORDER_MS
        self.active = self.partitions - 1 if self.has_idle else self.partitions
        self.records, self.sent = [], 0
        self.places, self.deleted = [], set()
        broker.create_topic(topic, self.partitions)
        self._declare()
        self._fill()

    def _declare(self):
        columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        self.jobs.execute(f"CREATE TABLE log (ord bigint PRIMARY KEY, {columns})")
        options = {
            "type": "kafka",
            "topic": self.topic,
            "bootstrap.servers": self.broker.bootstrap,
            "key.field": "id",
            "auto.offset.reset": "earliest",
            "watermark.idle.timeout": f"{IDLE_TIMEOUT_S}s" if self.has_idle else "0",
            "watermark.max_out_of_orderness": f"{self.disorder_ms}ms",
        }
        if self.event_time == "field":
            options["event.time.field"] = self.rng.choice(["at", "at_ms"])
        text = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
        self.jobs.velo(f"CREATE STREAM events ({columns}) WITH ({text})")

    def _fill(self):
        rows = [row(self.rng, number, at) for number, at in enumerate(times(self.rng, ROWS))]
        # One row for each partition moves the watermark past all that came before.
        self.last_ms = max(r[1] for r in rows) + IDLE_DISORDER_MS + self.rng.randrange(FAR_MS)
        self.last = len(rows)
        ends = self.active + (1 if self.adds else 0)
        rows += [row(self.rng, self.last + n, self.last_ms) for n in range(ends)]
        self.watermark_ms = self.last_ms - self.disorder_ms
        self.watermark = self.jobs.value(
            "SELECT to_timestamp(%s::numeric / 1000)::text", (self.watermark_ms,)
        )
        placed = ", ".join(
            {"at": "to_timestamp(%s::numeric / 1000), %s", "at_ms": ""}.get(name)
            or ("to_timestamp(%s::numeric / 1000)" if name == "k_time" else f"%s::{type_}")
            for name, type_ in COLUMNS.items()
            if name != "at_ms"
        )
        with self.jobs.session.transaction(), self.jobs.session.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO log VALUES (%s, {placed})",
                [[r[0], r[0], r[1], r[1], *r[2:]] for r in rows],
            )
        # JSON has one null, and it is SQL's.
        self.jobs.execute("UPDATE log SET j = NULL WHERE j = 'null'")
        self.jobs.execute("ANALYZE log")
        self.times = [r[1] for r in rows]
        self.values = [
            found[0]
            for found in self.jobs.rows(
                "SELECT (to_jsonb(l) - 'ord' || jsonb_build_object('k_bytes', "
                "encode(k_bytes, 'base64')))::text FROM log l ORDER BY ord"
            )
        ]

    def _record(self, number, partition):
        value, at_ms = self.values[number], self.times[number]
        if self.rng.random() < 0.3:
            # What is missing is NULL too; numbers keep their digits.
            value = re.sub(r'"k?_?[a-z]+": null, ', "", value)
        headers = [(f"h{i}", b"v%d" % number) for i in range(self.rng.randrange(3))]
        if self.event_time == "header":
            headers.append(("_event_time", str(at_ms).encode()))
        # What does not say the event time says something else.
        stamp = at_ms if self.event_time == "timestamp" else 1_000_000_000_000 + number
        key = None if self.rng.random() < 0.15 else f"{number}"
        return Out(value, key, headers, stamp, partition)

    def _tombstone(self):
        """For a row that is there already, behind it in its partition."""
        number, partition = self.rng.choice(self.places)
        at_ms = self.times[self.sent]
        headers = [("_event_time", str(at_ms).encode())] if self.event_time == "header" else []
        self.deleted.add(number)
        return Out(None, f"{number}", headers, at_ms, partition)

    def send(self, upto):
        """Rows up to a number, some in transactions, beside others that are aborted."""
        batch = []
        for number in range(self.sent, upto):
            self.sent = number
            partition = self.rng.randrange(self.active)
            batch.append(self._record(number, partition))
            self.places.append((number, partition))
            if self.rng.random() < 0.03:
                batch.append(self._tombstone())
        self.sent = upto
        self._produce(batch)

    def _produce(self, batch):
        # Should these be seen they would close all windows.
        lost = self.rng.sample(range(self.last), 5)
        if self.rng.random() < 0.6:
            self.broker.produce(
                self.topic,
                [self._far(number) for number in lost],
                transactional_id=f"{self.topic}-lost",
                abort=True,
            )
        name = f"{self.topic}-{self.rng.randrange(2)}" if self.rng.random() < 0.5 else None
        self.broker.produce(self.topic, batch, transactional_id=name)
        self.records += batch

    def _far(self, number):
        far = self.last_ms + 100 * FAR_MS
        members = json.loads(self.values[number])
        members.update(at=far, at_ms=far)
        headers = [("_event_time", str(far).encode())]
        return Out(json.dumps(members), "lost", headers, far, number % self.active)

    def add_partition(self):
        """Its first row is there before any that the others' rows might make late."""
        self.broker.add_partitions(self.topic, self.partitions + 1)
        self.active = self.partitions = self.partitions + 1
        number = self.sent
        self.sent += 1
        self.places.append((number, self.active - 1))
        self._produce([self._record(number, self.active - 1)])

    def end(self):
        self._produce([self._record(self.last + n, n) for n in range(self.active)])


class Case:
    """One random query with its sink."""

    def __init__(self, rng, number, broker, topic):
        self.name, self.broker = f"q{number}", broker
        self.query = random_query(rng)
        # The order of arrival is not defined between partitions.
        while any(a[1] and re.search(r"\bord\b", a[1]) for a in self.query.aggregates):
            self.query = random_query(rng)
        self.topic = None
        if self.query.sink != "pull" and rng.random() < 0.5:
            self._to_topic(rng, f"{topic}_{self.name}")

    def _to_topic(self, rng, topic):
        self.topic, self.query.sink = topic, "stream"
        if "k_bytes" in self.query.keys:
            self.query.keys[self.query.keys.index("k_bytes")] = "k_int"
            self.query.having = ""
        # Without a key records are spread, and which came last is not known.
        self.broker.create_topic(topic, 3 if self.query.keys else 1)
        for key, value in {
            "type": "kafka_sink",
            "topic": topic,
            "bootstrap.servers": self.broker.bootstrap,
        }.items():
            self.query.options.append(f"'{self.name}.{key}' = '{value}'")

    @property
    def is_early(self):
        return self.query.sink != "pull" and not self.query.bounded

    def create(self, jobs):
        jobs.velo(f"CREATE {self.query.sink} {self.name} AS {self.query.dialect()}")

    def finish(self, jobs, log):
        if self.is_early:
            jobs.wait_for_input(self.name, len(log.records), log.watermark)
        elif self.query.sink != "pull":
            self.create(jobs)
            jobs.wait_for_status(self.name, "finished")

    def result(self, jobs, batch):
        names = ", ".join(self.query.names)
        if self.query.sink == "pull":
            return jobs.rows("SELECT velo.query(%s)::text", (self.query.dialect(),))
        if self.topic:
            return self._from_topic(jobs, batch)
        if self.query.sink == "table" or self.query.emit == "FINAL":
            return jobs.rows(f"SELECT to_jsonb(r)::text FROM (SELECT {names} FROM {self.name}) r")
        # A changelog: of each key the latest row counts, unless it says the key is gone.
        keys = ", ".join([n for n in self.query.names if n[0] != "a"] or ["true"])
        return jobs.rows(
            f"SELECT to_jsonb(r)::text FROM (SELECT {names} FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY {keys} ORDER BY _seq DESC) AS nth FROM velo_storage.{self.name}_rows) c "
            "WHERE nth = 1 AND _tombstone IS NOT TRUE) r"
        )

    def _from_topic(self, jobs, batch):
        records = self.broker.consume_all(self.topic)
        if self.query.emit != "FINAL":
            latest = {(r.partition, r.key): r for r in records}
            assert len(latest) == len({r.key for r in records}), "a key is in two partitions"
            records = latest.values()
        values = [r.value.decode() for r in records if r.value is not None]
        # With the types of the batch query, so that 1e2 and "2026-01-01T00:00:00Z" compare.
        jobs.execute(f"DROP TABLE IF EXISTS shape; CREATE TABLE shape AS {batch} LIMIT 0")
        return jobs.rows(
            "SELECT to_jsonb(jsonb_populate_record(NULL::shape, v::jsonb))::text "
            "FROM unnest(%s::text[]) v",
            (values,),
        )

    def wrong(self, jobs, log):
        batch = self.query.batch(log.watermark_ms)
        expected = [parse(r[0]) for r in jobs.rows(f"SELECT to_jsonb(r)::text FROM ({batch}) r")]
        self.rows = len(expected)

        def compared():
            return differences(
                self.query, [parse(r[0]) for r in self.result(jobs, batch)], expected
            )

        wrong = compared()
        if wrong and self.topic:
            # The outbox is sent after the commit.
            try:
                wait_for(lambda: not compared(), "", TOPIC_SECONDS)
                wrong = ""
            except AssertionError:
                wrong = compared()
        if wrong:
            where = self.topic or self.query.sink
            return f"{where} {self.name}: {wrong}\n  {self.query.dialect()}\n  {batch}"
        return None


class Copies:
    """Row queries: a table by key, and a topic that gets all there is with its headers."""

    def __init__(self, jobs, broker, topic):
        self.jobs, self.broker, self.topic = jobs, broker, f"{topic}_copy"
        broker.create_topic(self.topic, 4)
        jobs.velo(
            "CREATE TABLE kept AS SELECT id PRIMARY KEY, k_num, f, k_bytes, j, t FROM events EMIT CHANGES"
        )
        jobs.velo(
            "CREATE STREAM copied AS SELECT id PRIMARY KEY, i, at_ms FROM events WITH "
            f"('copied.type' = 'kafka_sink', 'copied.topic' = '{self.topic}', "
            f"'copied.bootstrap.servers' = '{broker.bootstrap}')"
        )

    def check(self, log):
        self.jobs.wait_for_input("kept", len(log.records))
        where = f"WHERE NOT id = ANY ('{{{','.join(map(str, log.deleted))}}}')"
        columns = "id, k_num::text, f::text, k_bytes, j::text, t"
        kept = self.jobs.rows(f"SELECT {columns} FROM kept ORDER BY id")
        assert kept == self.jobs.rows(f"SELECT {columns} FROM log {where} ORDER BY id")
        records = wait_for(
            lambda: (found := self.broker.consume_all(self.topic))[len(log.records) - 1 :] and found,
            lambda: f"{len(log.records)} copies; there are "
            f"{len(self.broker.consume_all(self.topic))}, {self.jobs.status('copied')}",
            TOPIC_SECONDS,
        )
        assert sorted(map(self.got, records)) == sorted(self.wanted(log, r) for r in log.records)

    @staticmethod
    def got(record):
        value = "" if record.value is None else str(json.loads(record.value))
        return record.key.decode(), value, sorted(record.headers), record.timestamp

    def wanted(self, log, record):
        if record.value is None:
            number, value = int(record.key), ""
        else:
            found = json.loads(record.value)
            number = found["id"]
            value = str({"id": number, "i": found.get("i"), "at_ms": found["at_ms"]})
        at_ms = record.timestamp
        if log.event_time != "timestamp" and record.value is not None:
            at_ms = log.times[number]
        return str(number), value, sorted(record.headers), at_ms


def interrupt(jobs, rng, name):
    """Its state and positions must come back."""
    if rng.random() < 0.4:
        jobs.execute("SELECT pg_terminate_backend(%s)", (jobs.worker_pid(name),))
        return
    jobs.velo(f"STOP JOB {name}{rng.choice(['', ' FORCE'])}")
    jobs.wait_for_status(name, "stopped")
    jobs.velo(f"START JOB {name}")


def feed(jobs, rng, log, watched):
    """All rows but the last ones, in several steps; while jobs run, or before."""
    adds_at = rng.randrange(ROWS // 4, ROWS // 2) if log.adds else ROWS + 1
    while log.sent < log.last:
        log.send(min(log.last, log.sent + rng.choice([20, 60, 150])))
        if log.sent >= adds_at and log.sent < log.last:
            for name in watched:
                jobs.wait_for_input(name, len(log.records))
            log.add_partition()
            adds_at = ROWS + 1
            for name in watched:
                jobs.wait_for_input(name, len(log.records))
        if not log.has_idle and rng.random() < 0.4:
            interrupt(jobs, rng, rng.choice(watched))


@pytest.mark.parametrize("seed", seeds())
def test_jobs_over_topics_equal_batch_queries(jobs, broker, topic, seed):
    rng = random.Random(seed)
    log = Log(jobs, rng, broker, topic, seed)
    cases = [Case(rng, number, broker, topic) for number in range(QUERIES)]
    early = [case for case in cases if case.is_early]
    if log.has_idle:
        # All is there before the time-out of the idle partition begins.
        feed(jobs, rng, log, [])
        log.end()
    copies = Copies(jobs, broker, topic)
    for case in early:
        case.create(jobs)
    if not log.has_idle:
        feed(jobs, rng, log, [case.name for case in early])
        log.end()
    for case in cases:
        case.finish(jobs, log)
    copies.check(log)
    wrong = [w for case in cases if (w := case.wrong(jobs, log))]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} queries", *wrong])
    rows = [case.rows for case in cases]
    assert sum(1 for n in rows if n) > len(cases) / 2, "most queries had no result to compare"
    print(f"{len(cases)} queries over {len(log.records)} records, {sum(rows)} rows compared")
