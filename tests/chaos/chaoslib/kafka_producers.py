"""Who writes while brokers and servers die: Kafka transactions, and a native stream.

Each producer has keys of its own and numbers the records of a key, so that lost, doubled
and misplaced ones can be told apart.  It keeps account of what was committed, of what was
aborted, and of the rare transaction whose end nobody could say: the input topic, read by
an independent client, has to have all of the first, none of the second, and decides the
third.
"""

import collections
import json
import logging
import random
import threading
import time

import confluent_kafka
import psycopg

PARTITIONS = 4
KEYS = 12  # of each producer
COMMIT_SECONDS = 10
# How long a commit is tried while no broker answers.
COMMIT_TRIES = 12
ABORTED = 0.15
# Fatal errors are printed by the library whatever log_level is; we begin again after them.
SILENT = logging.getLogger("chaos kafka")
SILENT.disabled = True

NATIVE = """
WITH rows AS (INSERT INTO log_nev SELECT * FROM unnest(%s::text[], %s::bigint[], %s::numeric[])
              RETURNING *)
INSERT INTO nev SELECT * FROM rows
"""


class Writer(threading.Thread):
    """Transactions until told to stop."""

    def __init__(self, pool, name, seed):
        super().__init__(name=name, daemon=True)
        self.pool = pool
        self.random = random.Random(f"{seed} {name}")
        self.numbers = collections.Counter()
        self.error = None

    def rows(self):
        """[(key's number, key, n)] of a transaction."""
        rows = []
        for _ in range(self.random.randint(1, 24)):
            key = self.random.randrange(KEYS)
            self.numbers[key] += 1
            rows.append((key, f"{self.name}-{key}", self.numbers[key]))
        return rows

    def run(self):
        try:
            while not self.pool.stopping.is_set():
                self.transaction()
                self.pool.stopping.wait(self.random.uniform(0, 0.2))
        except Exception as error:  # shown at the end
            self.error = error
        self.close()

    def close(self):
        pass


class ToKafka(Writer):
    def __init__(self, pool, name, seed):
        super().__init__(pool, name, seed)
        self.producer = None
        self.committed, self.aborted, self.unknown = [], [], []

    def ready(self):
        if self.producer is None:
            producer = confluent_kafka.Producer(
                {
                    **self.pool.broker.client_settings(),
                    "transactional.id": f"chaos-{self.name}",
                    "linger.ms": 1,
                    "log_level": 0,
                },
                logger=SILENT,
            )
            producer.init_transactions(COMMIT_SECONDS)
            self.producer = producer

    def transaction(self):
        rows = self.rows()
        pairs = [(key, n) for _, key, n in rows]
        try:
            self.ready()
            self.producer.begin_transaction()
            for number, key, n in rows:
                value = json.dumps({"k": key, "n": n, "v": n % 1000 / 4})
                self.producer.produce("kin", value, key, partition=number % PARTITIONS)
            self.producer.poll(0)
            if self.random.random() < ABORTED:
                self.producer.flush(0.1)
                self.producer.abort_transaction(COMMIT_SECONDS)
                self.aborted += pairs
                return
        except confluent_kafka.KafkaException:
            # Nobody has asked for a commit; the next init_transactions() aborts it.
            self.producer = None
            self.aborted += pairs
            time.sleep(0.1)
            return
        self.commit(pairs)

    def commit(self, pairs):
        for _ in range(COMMIT_TRIES):
            try:
                self.producer.commit_transaction(COMMIT_SECONDS)
                self.committed += pairs
                self.pool.wrote()
                return
            except confluent_kafka.KafkaException as exception:
                error = exception.args[0]
                if error.retriable():
                    continue
                if error.txn_requires_abort():
                    self.abort_after_error(pairs)
                    return
                break
        self.producer = None
        self.unknown += pairs

    def abort_after_error(self, pairs):
        try:
            self.producer.abort_transaction(COMMIT_SECONDS)
        except confluent_kafka.KafkaException:
            self.producer = None
        self.aborted += pairs


class ToNative(Writer):
    """Writes the same rows into a stream and into an ordinary table, its log."""

    session = None

    def transaction(self):
        rows = self.rows()
        try:
            if self.session is None:
                self.session = self.pool.cluster.connect()
            self.session.execute(
                NATIVE,
                (
                    [key for _, key, _ in rows],
                    [n for _, _, n in rows],
                    [n % 1000 / 4 for _, _, n in rows],
                ),
            )
            self.pool.wrote_native()
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self.session = None
            time.sleep(0.05)

    def close(self):
        if self.session is not None:
            self.session.close()


class KafkaProducers:
    def __init__(self, cluster, broker, seed):
        self.cluster = cluster
        self.broker = broker
        self.stopping = threading.Event()
        self.transactions = 0
        self.last_at = self.last_native_at = 0.0
        self.to_kafka = [ToKafka(self, f"k{i}", seed) for i in range(2)]
        self.writers = [*self.to_kafka, ToNative(self, "n0", seed)]

    def wrote(self):
        self.transactions += 1
        self.last_at = time.monotonic()

    def wrote_native(self):
        self.last_native_at = time.monotonic()

    def start(self):
        for writer in self.writers:
            writer.start()

    def is_flowing(self):
        """Has each kind of input got something within the last half second?"""
        for writer in self.writers:
            if writer.error:
                raise writer.error
        return time.monotonic() - min(self.last_at, self.last_native_at) < 0.5

    def stop(self):
        self.stopping.set()
        for writer in self.writers:
            writer.join(COMMIT_TRIES * COMMIT_SECONDS + 30)
            assert not writer.is_alive(), f"producer {writer.name} does not end"
            if writer.error:
                raise writer.error

    def account(self, records):
        """(lost, doubled) of the input topic itself, against what the producers know."""
        count = collections.Counter(records)
        committed = [pair for w in self.to_kafka for pair in w.committed]
        unknown = {pair for w in self.to_kafka for pair in w.unknown}
        lost = sum(1 for pair in committed if pair not in count)
        expected = set(committed) | unknown
        doubled = sum(n if pair not in expected else n - 1 for pair, n in count.items())
        return lost, doubled
