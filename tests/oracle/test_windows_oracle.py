"""Does every job give what a plain PostgreSQL query over the producer's log gives?

Each seed makes a log, a stream that gets its rows in transactions of random size, and
QUERIES queries over it, all running at once as jobs; some are stopped and started again
on the way.  VELO_ORACLE_SEEDS=100-120 runs other seeds than CI does.
"""

import os
import random

import pytest
from oracle_queries import differences, parse, random_query
from oracle_rows import TYPES, Log

QUERIES = 20
ROWS = 700


def seeds():
    first, _, last = os.environ.get("VELO_ORACLE_SEEDS", "1-9").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.fixture(scope="module", autouse=True)
def types(server, dbname):
    with server.connect(dbname) as session:
        session.execute(TYPES)


class Case:
    def __init__(self, rng, number):
        self.name, self.query, self.error = f"q{number}", random_query(rng), None

    def create(self, jobs):
        if self.query.sink != "pull" and not self.query.bounded:
            jobs.velo(f"CREATE {self.query.sink} {self.name} AS {self.query.dialect()}")

    def finish(self, jobs, log):
        """Bounded queries begin when all rows are there; the others must have read them."""
        if self.query.sink != "pull" and self.query.bounded:
            jobs.velo(f"CREATE {self.query.sink} {self.name} AS {self.query.dialect()}")
            jobs.wait_for_status(self.name, "finished")
        elif self.query.sink != "pull":
            jobs.wait_for_input(self.name, log.count, log.watermark)

    def result(self, jobs):
        names = ", ".join(self.query.names)
        if self.query.sink == "pull":
            return jobs.rows("SELECT velo.query(%s)::text", (self.query.dialect(),))
        if self.query.sink == "table" or self.query.emit == "FINAL":
            return jobs.rows(f"SELECT to_jsonb(r)::text FROM (SELECT {names} FROM {self.name}) r")
        # A changelog: of each key the latest row counts, unless it says the key is gone.
        keys = ", ".join([n for n in self.query.names if n[0] != "a"] or ["true"])
        return jobs.rows(
            f"SELECT to_jsonb(r)::text FROM (SELECT {names} FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY {keys} ORDER BY _seq DESC) AS nth FROM velo_storage.{self.name}_rows) c "
            "WHERE nth = 1 AND _tombstone IS NOT TRUE) r"
        )

    def check(self, jobs, watermark_ms):
        batch = self.query.batch(watermark_ms)
        expected = jobs.rows(f"SELECT to_jsonb(r)::text FROM ({batch}) r")
        self.rows = len(expected)
        wrong = differences(
            self.query,
            [parse(r[0]) for r in self.result(jobs)],
            [parse(r[0]) for r in expected],
        )
        if wrong:
            return f"{self.query.sink} {self.name}: {wrong}\n  {self.query.dialect()}\n  {batch}"
        return None


def interrupt(jobs, rng, name):
    """Its state must come back from the store."""
    kind = rng.choice(["stop", "stop", "force", "terminate", "pause"])
    if kind == "terminate":
        pid = jobs.worker_pid(name)
        jobs.execute("SELECT pg_terminate_backend(%s)", (pid,))
    elif kind == "pause":
        jobs.velo(f"PAUSE JOB {name}; RESUME JOB {name}")
    else:
        jobs.velo(f"STOP JOB {name}{' FORCE' if kind == 'force' else ''}")
        jobs.wait_for_status(name, "stopped")
        jobs.velo(f"START JOB {name}")


@pytest.mark.parametrize("seed", seeds())
def test_jobs_equal_batch_queries(jobs, seed):
    rng = random.Random(seed)
    log = Log(jobs, rng, ROWS)
    cases = [Case(rng, number) for number in range(QUERIES)]
    running = [c for c in cases if c.query.sink != "pull" and not c.query.bounded]
    for case in cases:
        case.create(jobs)
    while log.sent < log.count:
        log.send(min(log.count, log.sent + rng.choice([1, 20, 150, 400])))
        watched = rng.choice(running)
        if rng.random() < 0.7:
            jobs.wait_for_input(watched.name, log.sent)
        if rng.random() < 0.3:
            interrupt(jobs, rng, watched.name)
    for case in cases:
        case.finish(jobs, log)
    wrong = [w for case in cases if (w := case.check(jobs, log.watermark_ms))]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} queries", *wrong])
    rows = [case.rows for case in cases]
    assert sum(1 for n in rows if n) > len(cases) / 2, "most queries had no result to compare"
    print(f"{len(cases)} queries over {log.count} rows, {sum(rows)} rows compared")
