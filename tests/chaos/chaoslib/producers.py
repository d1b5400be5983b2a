"""Sessions that write all the time, and begin again when the server comes back.

Every transaction writes the same rows into a stream and into an ordinary table, the
stream's log: whatever happens to the transaction, and whether or not its session
learns what has happened, the log has exactly what was committed.
"""

import contextlib
import logging
import random
import threading
import time

import psycopg

# It reports every rollback that a dead server cannot do.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

SCHEMA = """
CREATE TABLE log_ev (id bigint, k integer, v numeric, label text, at timestamptz);
CREATE TABLE log_plain (id bigint, k integer, v numeric);
DO LANGUAGE velo $$
CREATE STREAM ev (id bigint, k integer, v numeric, label text, at timestamptz)
    WITH ('event.time.field' = 'at', 'watermark.max_out_of_orderness' = '8s');
CREATE STREAM plain (id bigint, k integer, v numeric) WITH ('type' = 'native');
$$;
"""

# Event times are up to 3 s old: rows come out of order, none of them late.
EVENTS = """
WITH rows AS (
    INSERT INTO log_ev
    SELECT g, g * 7919 %% 20, (g %% 1000) / 4.0, CASE WHEN g %% 13 > 0 THEN 'l' || g %% 101 END,
           clock_timestamp() - random() * interval '3s'
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) g
    RETURNING *)
INSERT INTO ev SELECT * FROM rows
"""
PLAIN = """
WITH rows AS (
    INSERT INTO log_plain
    SELECT g, g * 7919 %% 20, (g %% 1000) / 4.0
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) g
    RETURNING *)
INSERT INTO plain SELECT * FROM rows
"""

IDS_PER_PRODUCER = 10**9


class Producer(threading.Thread):
    """Transactions of one kind until told to stop; its numbers are unique for ever."""

    def __init__(self, pool, number, kind, seed):
        super().__init__(daemon=True)
        self.pool = pool
        self.kind = kind
        self.random = random.Random(f"{seed} producer {number}")
        self.next_id = (number + 1) * IDS_PER_PRODUCER
        self.gid = f"chaos-{number}"
        self.session = None
        self.error = None

    def run(self):
        while not self.pool.stopping.is_set():
            try:
                if self.session is None:
                    self.session = self.pool.cluster.connect(autocommit=False)
                self.kind(self)
                self.pool.committed()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                # The server is gone.  Was the last transaction committed?  The log knows.
                self.drop_session()
                time.sleep(0.05)
            except Exception as error:  # shown at the end
                self.error = error
                self.drop_session()
                return
        self.drop_session()

    def drop_session(self):
        if self.session is not None:
            with contextlib.suppress(psycopg.Error):
                self.session.close()
        self.session = None

    def insert(self, rows, statement=EVENTS):
        first = self.next_id
        self.next_id += rows
        self.session.execute(statement, {"first": first, "last": self.next_id - 1})

    def rest(self, seconds):
        self.pool.stopping.wait(self.random.uniform(0, 2 * seconds))


def short(producer):
    producer.insert(producer.random.randint(1, 10))
    producer.session.commit()
    producer.rest(0.05)


def unflushed(producer):
    """Readers see it before it is on disk; a crash may take it away from all of them."""
    producer.session.execute("SET LOCAL synchronous_commit = off")
    producer.insert(producer.random.randint(1, 10))
    producer.session.commit()
    producer.rest(0.05)


def long(producer):
    """Open for a while, so that others with later numbers commit before it."""
    for _ in range(3):
        producer.insert(producer.random.randint(1, 8))
        producer.rest(0.25)
    producer.insert(1, PLAIN)
    producer.session.commit()


def rolled_back(producer):
    producer.insert(producer.random.randint(1, 40))
    if producer.random.random() < 0.6:
        producer.session.rollback()
    else:
        producer.session.commit()
    producer.rest(0.1)


def savepoints(producer):
    producer.insert(2)
    for _ in range(3):
        with contextlib.suppress(InterruptedError), producer.session.transaction():
            producer.insert(3)
            producer.insert(1, PLAIN)
            if producer.random.random() < 0.5:
                raise InterruptedError
    producer.insert(1)
    producer.session.commit()
    producer.rest(0.1)


def bulk(producer):
    producer.insert(producer.random.randint(200, 2000))
    producer.session.commit()
    producer.rest(1.5)


def copied(producer):
    """COPY goes to the storage by another way than INSERT."""
    rows = producer.random.randint(20, 200)
    first = producer.next_id
    producer.next_id += rows
    for table in ("log_plain", "plain"):
        with producer.session.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for number in range(first, first + rows):
                copy.write_row((number, number % 20, number % 1000))
    producer.session.commit()
    producer.rest(0.5)


def plain(producer):
    producer.insert(producer.random.randint(1, 10), PLAIN)
    producer.session.commit()
    producer.rest(0.05)


def two_phase(producer):
    """Prepared transactions outlive a crash; what has been left is finished first."""
    producer.session.autocommit = True
    finish_prepared(producer.session, producer.gid, producer)
    producer.session.autocommit = False
    producer.insert(3)
    producer.insert(1, PLAIN)
    producer.session.execute(f"PREPARE TRANSACTION '{producer.gid}'")
    producer.rest(0.4)


def finish_prepared(session, gid, producer=None):
    for (left,) in session.execute("SELECT gid FROM pg_prepared_xacts WHERE gid LIKE %s", (gid,)):
        if producer:
            producer.rest(0.3)
        verb = "ROLLBACK" if producer and producer.random.random() < 0.3 else "COMMIT"
        session.execute(f"{verb} PREPARED '{left}'")


KINDS = [
    short,
    short,
    unflushed,
    long,
    long,
    rolled_back,
    savepoints,
    two_phase,
    bulk,
    copied,
    plain,
]


class Producers:
    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.stopping = threading.Event()
        self.transactions = 0
        self.last_at = 0.0
        self.next_burst_id = (len(KINDS) + 1) * IDS_PER_PRODUCER
        self.producers = [Producer(self, i, kind, seed) for i, kind in enumerate(KINDS)]

    def committed(self):
        self.transactions += 1  # near enough: it only says that there is input
        self.last_at = time.monotonic()

    def burst(self, session, rows):
        """Much at once, in somebody's session."""
        first = self.next_burst_id
        self.next_burst_id += rows
        session.execute(EVENTS, {"first": first, "last": first + rows - 1})

    def start(self):
        for producer in self.producers:
            producer.start()

    def is_flowing(self):
        """Has one of them committed within the last half second?"""
        for producer in self.producers:
            if producer.error:
                raise producer.error
        return time.monotonic() - self.last_at < 0.5

    def stop(self):
        self.stopping.set()
        for producer in self.producers:
            producer.join(60)
            assert not producer.is_alive(), f"producer {producer.kind.__name__} does not end"
            if producer.error:
                raise producer.error
        with self.cluster.connect() as session:
            finish_prepared(session, "chaos-%")
