"""Does every committed row come through running jobs exactly once, whoever writes how?

Three jobs read one stream while transactions of every kind write to it: rows into a
stream, rows into a table with a primary key (an INSERT that is done twice would show in
the stream), and a count of windows shorter than the longest transaction, over append
time.  VELO_ORACLE_COPY_ROWS=10000000 makes the load as large as one likes.
"""

import os
import random
import threading
import time

import pytest
from oracle_cluster import Cluster, prefix, wait_for

SECONDS = float(os.environ.get("VELO_ORACLE_SECONDS", "8"))
COPY_ROWS = int(os.environ.get("VELO_ORACLE_COPY_ROWS", "1000000"))


@pytest.fixture(scope="module")
def server(server):
    """One that allows two-phase commit."""
    with server.connect() as session:
        allows = session.execute("SHOW max_prepared_transactions").fetchone()[0] != "0"
    if allows:
        yield server
        return
    cluster = Cluster(prefix(), {"max_prepared_transactions": 20, "max_worker_processes": 32})
    try:
        cluster.start()
        yield cluster.server
    finally:
        cluster.remove()


JOBS = ["copied", "keyed", "counted", "counted_final"]


def create_jobs(jobs):
    jobs.velo("CREATE STREAM events (writer integer, n bigint, value text) WITH ('retention' = '2s')")
    # What was committed: written by the same transactions.
    jobs.execute("CREATE TABLE log (writer integer, n bigint, value text)")
    jobs.velo(
        """
        CREATE STREAM copied AS SELECT writer, n, value FROM events;
        CREATE TABLE keyed AS SELECT writer PRIMARY KEY, n PRIMARY KEY, value, _offset AS seq FROM events;
        CREATE TABLE counted AS SELECT writer, count(*) AS n, sum(n) AS total
            FROM events WINDOW TUMBLING(1s) GROUP BY writer EMIT CHANGES;
        CREATE STREAM counted_final AS SELECT writer, count(*) AS n, sum(n) AS total
            FROM events WINDOW TUMBLING(1s) GROUP BY writer EMIT FINAL
        """
    )


class Writer(threading.Thread):
    def __init__(self, session, number, transaction, stop):
        super().__init__()
        self.session, self.number, self.transaction, self.stop = session, number, transaction, stop
        self.random, self.next, self.error = random.Random(number), 0, None

    def run(self):
        try:
            while not self.stop.is_set():
                self.transaction(self)
        except Exception as error:  # shown by the test
            self.error = error

    def insert(self, rows):
        for table in ("events", "log"):
            self.session.execute(
                f"INSERT INTO {table} SELECT %s, g, 'v' || g FROM generate_series(%s::bigint, %s) g",
                (self.number, self.next, self.next + rows - 1),
            )
        self.next += rows


def short(writer):
    writer.insert(writer.random.randint(1, 5))
    writer.session.commit()
    time.sleep(0.005)


def long(writer):
    """Longer than the windows."""
    for _ in range(4):
        writer.insert(3)
        time.sleep(0.9)
    writer.session.commit()


def rolled_back(writer):
    writer.insert(writer.random.randint(1, 20))
    writer.session.rollback() if writer.random.random() < 0.7 else writer.session.commit()


def subtransactions(writer):
    writer.insert(2)
    for _ in range(3):
        try:
            with writer.session.transaction():
                writer.insert(2)
                if writer.random.random() < 0.5:
                    raise InterruptedError
        except InterruptedError:
            pass
    writer.insert(1)
    time.sleep(0.01)
    writer.session.commit()


def copied(writer):
    rows = writer.random.randint(200, 3000)
    for table in ("events", "log"):
        with writer.session.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for i in range(rows):
                copy.write_row((writer.number, writer.next + i, f"v{i}"))
    writer.next += rows
    writer.session.commit()
    time.sleep(0.1)


def two_phase(writer):
    xid = writer.session.xid(1, f"velo-{writer.number}-{time.monotonic_ns()}", "b")
    writer.session.tpc_begin(xid)
    writer.insert(4)
    writer.session.tpc_prepare()
    time.sleep(1.2)
    if writer.random.random() < 0.7:
        writer.session.tpc_commit()
    else:
        writer.session.tpc_rollback()




def check(jobs, connect):
    session = jobs.session
    count = jobs.value("SELECT count(*) FROM log")
    for job in JOBS:
        jobs.wait_for_input(job, count)
    assert session.execute(
        "SELECT count(*), count(DISTINCT (writer, n)) FROM copied"
    ).fetchone() == (count, count)
    assert jobs.rows("(TABLE copied EXCEPT ALL TABLE log) LIMIT 1") == []
    assert jobs.rows(
        "((SELECT writer, n, value FROM keyed) EXCEPT ALL TABLE log) LIMIT 1"
    ) == []
    assert jobs.value("SELECT count(*) FROM keyed") == count
    expected = jobs.rows("SELECT writer, count(*), sum(n) FROM log GROUP BY 1 ORDER BY 1")
    sums = "SELECT writer, sum(n)::bigint, sum(total) FROM {} GROUP BY 1 ORDER BY 1"
    assert jobs.rows(sums.format("counted")) == expected
    # The clock closes the last windows.
    wait_for(
        lambda: jobs.value("SELECT sum(n) FROM counted_final") == count,
        lambda: f"{count} rows in closed windows; they are {jobs.rows(sums.format('counted_final'))}",
        30,
    )
    assert jobs.rows(sums.format("counted_final")) == expected
    # A window that is emitted twice would be two rows.
    assert jobs.value("SELECT count(*) FROM counted") == jobs.value("SELECT count(*) FROM counted_final")
    for job in JOBS:
        status = jobs.status(job)
        assert (status["records_in"], status["records_failed"], status["records_late"]) == (count, 0, 0)
    return count


def test_concurrent_transactions(jobs, connect):
    kinds = [short, short, long, long, rolled_back, subtransactions, copied, two_phase]
    create_jobs(jobs)
    stop = threading.Event()
    writers = []
    for number, kind in enumerate(kinds):
        session = connect(autocommit=False, options=f"-c search_path={jobs.schema}")
        writers.append(Writer(session, number, kind, stop))
    for writer in writers:
        writer.start()
    end = time.monotonic() + SECONDS
    rng = random.Random(1)
    while time.monotonic() < end:
        # A job that stops and starts, or whose worker is lost, goes on where it was.
        name = rng.choice(JOBS)
        if rng.random() < 0.5:
            jobs.execute("SELECT pg_terminate_backend(%s)", (jobs.worker_pid(name),))
        else:
            jobs.velo(f"STOP JOB {name}")
            jobs.wait_for_status(name, "stopped")
            jobs.velo(f"START JOB {name}")
        time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join()
        assert writer.error is None, writer.error
    count = check(jobs, connect)
    print(f"{count} rows by {len(kinds)} kinds of transactions")
    assert count > 5000


@pytest.mark.parametrize("rows", [COPY_ROWS])
def test_one_large_copy(jobs, connect, rows):
    """One COPY whose rows all become visible at once, while others write."""
    create_jobs(jobs)
    stop = threading.Event()
    session = connect(autocommit=False, options=f"-c search_path={jobs.schema}")
    writer = Writer(session, 1, short, stop)
    writer.start()
    began = time.monotonic()
    with jobs.session.cursor().copy("COPY events FROM STDIN") as copy:
        for i in range(0, rows, 1000):
            copy.write("".join(f"7\t{n}\tv\n" for n in range(i, min(rows, i + 1000))))
    loaded = time.monotonic()
    stop.set()
    writer.join()
    assert writer.error is None, writer.error
    jobs.execute("INSERT INTO log SELECT 7, g, 'v' FROM generate_series(0, %s - 1) g", (rows,))
    pids = {job: jobs.worker_pid(job) for job in JOBS}
    count = jobs.value("SELECT count(*) FROM log")
    for job in JOBS:
        jobs.wait_for_input(job, count, deadline_s=120 + rows / 5000)
    done = time.monotonic()
    memory = {job: private_mb(pid) for job, pid in pids.items()}
    check(jobs, connect)
    print(
        f"COPY of {rows} rows {loaded - began:.1f} s, all jobs {done - loaded:.1f} s more; "
        f"private memory of the workers in MB: {memory}"
    )


def private_mb(pid):
    """Memory of a process that is its own (shared buffers are not)."""
    kb = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    kb += int(line.split()[1])
    except OSError:
        return None
    return round(kb / 1024, 1)
