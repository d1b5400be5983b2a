"""A broker, a cluster, jobs between them at work, and the comparison at the end."""

import contextlib
import json
import threading
import time

import confluent_kafka
import kafkalib

from chaoslib import kafka_jobs
from chaoslib.cluster import Cluster, wait_for
from chaoslib.kafka_producers import PARTITIONS, KafkaProducers
from chaoslib.kafka_series import RIVALS, KafkaSeries
from chaoslib.oracle import DIFFERENCE

DRAINED_SECONDS = 180
SETTLED_SECONDS = 60

# Records of the input that a job has not read; the barrier's come all the time.
READ = """
SELECT coalesce(bool_and(p.committed_offset >= %s[p.partition + 1]), false)
FROM velo.partitions('kin') p WHERE p.worker LIKE %s
"""
WATERMARK = """
SELECT t.watermark >= %s FROM velo.task t JOIN velo.job j USING (job_id) WHERE j.name = %s
"""
# Of each key a number that grows from record to record; where it does not, one came twice
# or in the wrong place.
STEPS_BACK = """
SELECT count(*) FROM (
    SELECT n, lag(n) OVER (PARTITION BY key ORDER BY o) AS before,
           p <> lag(p) OVER (PARTITION BY key ORDER BY o) AS moved
    FROM (SELECT key, (value ->> '{grows}')::numeric AS n, p, o FROM out_{name}
          WHERE key <> 'end') r) s
WHERE n <= before OR moved
"""
LETTERS = """
SELECT record ->> 'k', (record ->> 'n')::bigint FROM velo.dead_letter
WHERE job = '{job}' AND record ->> 'k' <> 'end'
"""


class Barrier(threading.Thread):
    """Later records for every partition: windows close only when some come."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.producer = confluent_kafka.Producer(
            {**broker.client_settings(), "enable.idempotence": True, "log_level": 0}
        )
        self.done = threading.Event()

    def run(self):
        number = 0
        while not self.done.wait(0.3):
            number += 1
            for partition in range(PARTITIONS):
                value = json.dumps({"k": "end", "n": number * 97 + 1, "v": 0})
                self.producer.produce("kin", value, "end", partition=partition)
            self.producer.flush(10)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join(60)


class KafkaScene:
    def __init__(self, folder, bindir, seed, say=print, brokers=1):
        self.say = say
        self.cluster = Cluster(folder / "primary", bindir)
        self.broker = kafkalib.Broker() if brokers == 1 else kafkalib.Cluster(brokers)
        self.producers = None
        try:
            self.broker.start()
            self.broker.create_topic(
                "kin", PARTITIONS, {"message.timestamp.type": "LogAppendTime"}
            )
            self.broker.create_topic(RIVALS)
            self.cluster.init()
            self.cluster.start()
            self.producers = KafkaProducers(self.cluster, self.broker, seed)
            with self.cluster.connect() as session:
                session.execute("CREATE EXTENSION velostream")
                kafka_jobs.create_all(session, self.broker)
            self.producers.start()
            self.series = KafkaSeries(self.cluster, self.broker, self.producers, seed, say)
            self.series.begin_life()
        except BaseException:
            self.destroy()
            raise

    def destroy(self):
        if self.producers:
            self.producers.stopping.set()
        self.cluster.destroy()
        self.broker.close()

    # --- the end -------------------------------------------------------------------------

    def judge(self, drained=DRAINED_SECONDS, settled=SETTLED_SECONDS):
        """(lost, doubled, faults) when everything has been read.

        drained: seconds a job may take to read all; settled: seconds that what has been
        read may still be on its way to an output."""
        self.producers.stop()
        records = self.broker.consume_all("kin")
        lost, doubled = self.load_input(records)
        self.say(f"{'kin':<20} source  {len(records):>9} rows  lost {lost}  doubled {doubled}")
        faults = []
        with Barrier(self.broker):
            try:
                self.drain(records, drained)
            except AssertionError as error:
                faults.append(str(error))
        more = self.settle(settled)
        return lost + more[0], doubled + more[1], faults + self.check_jobs()

    def load_input(self, records):
        rows = []
        for record in records:
            value = json.loads(record.value)
            place = (record.timestamp, record.partition, record.offset)
            rows.append((value["k"], value["n"], value["v"], *place))
        with self.cluster.connect(autocommit=False) as session:
            session.execute(
                "CREATE TEMP TABLE came "
                "(k text, n bigint, v numeric, ms bigint, p integer, o bigint)"
            )
            with session.cursor().copy("COPY came FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            session.execute(
                "INSERT INTO log_kin SELECT k, n, v, "
                "timestamptz '1970-01-01 00:00:00+00' + ms * interval '1 ms', p, o FROM came"
            )
            session.commit()
        return self.producers.account([(row[0], row[1]) for row in rows])

    def ends_of(self, records):
        ends = [0] * PARTITIONS
        for record in records:
            ends[record.partition] = max(ends[record.partition], record.offset + 1)
        return ends

    def drain(self, records, seconds):
        ends = self.ends_of(records)
        last = (max((r.timestamp for r in records), default=0) // 1000 + 2) * 1000
        with self.cluster.connect() as session:

            def ask(sql, *args):
                row = session.execute(sql, args).fetchone()
                return row and row[0]

            for job in kafka_jobs.JOBS:
                if job.source == "kafka":
                    wait_for(
                        f"{job.name} has read all",
                        lambda n=job.name: ask(READ, ends, f"%{n}%"),
                        seconds,
                        0.2,
                    )
                if job.is_final:
                    at = ask("SELECT to_timestamp(%s / 1000.0)", last)
                    wait_for(
                        f"{job.name} has closed its windows",
                        lambda n=job.name, at=at: ask(WATERMARK, at, n),
                        seconds,
                        0.2,
                    )

    def settle(self, seconds):
        """Compares until nothing is missing any more, or it has had time enough."""
        end = time.monotonic() + seconds
        while self.compare(lambda _: None)[0] and time.monotonic() < end:
            time.sleep(2)
        return self.compare(self.say)

    def load_output(self, session, name):
        session.execute(f"TRUNCATE out_{name}")
        with session.cursor().copy(f"COPY out_{name} FROM STDIN") as copy:
            for record in self.broker.consume_all(name):
                copy.write_row(
                    (record.key.decode(), record.value and record.value.decode(),
                     record.partition, record.offset)
                )  # fmt: skip

    def compare(self, say):
        self.wrong = []
        lost_all = doubled_all = 0
        for job in kafka_jobs.JOBS:
            lost, doubled = self.compare_one(job, say)
            lost_all += lost
            doubled_all += doubled
        return lost_all, doubled_all

    def compare_one(self, job, say):
        pairs = [(job.sink, job.output, job.oracle)]
        if job.fails_at:
            right = f"SELECT k, n FROM log_kin WHERE k <> 'end' AND {job.fails_at}"
            pairs.append(("letters", LETTERS.format(job=job.name), right))
        lost_all = doubled_all = 0
        with self.cluster.connect(autocommit=False) as session:
            if job.is_to_kafka:
                self.load_output(session, job.name)
            for kind, output, oracle in pairs:
                rows, lost, doubled = session.execute(
                    DIFFERENCE.format(output=output, oracle=oracle)
                ).fetchone()
                back = 0
                if job.grows and kind == job.sink:
                    sql = STEPS_BACK.format(grows=job.grows, name=job.name)
                    back = session.execute(sql).fetchone()[0]
                say(
                    f"{job.name:<20} {kind:<7} {rows:>9} rows  lost {lost}  doubled {doubled}"
                    f"  out of order {back}"
                )
                counts = [("-", lost), ("+", doubled), ("~", back)]
                if any(count for _, count in counts):
                    signs = [f"{sign}{count}" for sign, count in counts if count]
                    self.wrong.append(f"{job.name} {kind} {' '.join(signs)}")
                lost_all += lost
                # A record in the wrong place is one that came twice, or one too late.
                doubled_all += max(doubled, back)
            session.commit()
        return lost_all, doubled_all

    def check_jobs(self):
        """Every job runs; nothing was late, nothing failed that should not."""
        faults = []
        rows = []

        def all_run():
            rows[:] = self.cluster.ask(
                "SELECT j.name, j.status, j.last_error, t.records_late, t.records_in "
                "FROM velo.job j JOIN velo.task t USING (job_id) ORDER BY 1"
            )
            return all(row[1] == "running" for row in rows)

        with contextlib.suppress(AssertionError):
            wait_for("all jobs run", all_run, 60, 0.5)
        for name, status, error, late, records in rows:
            if status != "running":
                faults.append(f"job {name} is {status}: {error}")
            if late:
                faults.append(f"job {name}: {late} of {records} records late")
            if records == 0:
                faults.append(f"job {name} has read nothing")
        if {job.name for job in kafka_jobs.JOBS} - {row[0] for row in rows}:
            faults.append("jobs are missing")
        return faults
