"""The end of a series: everything is read, and outputs are compared with the truth."""

import threading

from chaoslib.cluster import wait_for
from chaoslib.jobs import BY_NAME, JOBS

DRAINED_SECONDS = 240

# Windows close only when later rows come: these, until all is out.
BARRIER = """
INSERT INTO ev VALUES (-1000, -1, 0, NULL, clock_timestamp());
INSERT INTO plain VALUES (-1000, -1, 0);
"""

# What a job has read whole: the first part of its position.
HAS_READ = """
SELECT pg_visible_in_snapshot(%s::xid8, split_part(p.position, '/', 1)::pg_snapshot)
FROM velo.position p JOIN velo.job j USING (job_id) WHERE j.name = %s
"""
WATERMARK = """
SELECT t.watermark >= %s FROM velo.task t JOIN velo.job j USING (job_id) WHERE j.name = %s
"""

# Every row once on both sides, or as often as on the other one.
DIFFERENCE = """
WITH mine AS ({output}), right_ones AS ({oracle})
SELECT (SELECT count(*) FROM mine),
       (SELECT count(*) FROM (TABLE right_ones EXCEPT ALL TABLE mine) d),
       (SELECT count(*) FROM (TABLE mine EXCEPT ALL TABLE right_ones) d)
"""


LETTERS = "SELECT (record ->> 'id')::bigint FROM velo.dead_letter WHERE job = '{job}'"


class Barrier(threading.Thread):
    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.session = cluster.connect()
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.5):
            self.session.execute(BARRIER)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join(60)
        self.session.close()


def drain(cluster):
    """Until every job has read all that was committed and closed all its windows."""
    with cluster.connect() as session:

        def ask(sql, *args):
            row = session.execute(sql, args or None).fetchone()
            return row and row[0]

        def wait_read(name, xid):
            wait_for(f"{name} has read all", lambda: ask(HAS_READ, xid, name), DRAINED_SECONDS, 0.1)

        xid = ask("SELECT pg_current_xact_id()::text")
        last_window = ask(
            "SELECT greatest(max(at), clock_timestamp()) + interval '11s' FROM log_ev WHERE k <> -1"
        )
        two_step = ["o_steps", "o_nested"]
        for job in JOBS:
            if job.name not in two_step:
                wait_read(job.name, xid)
        for job in JOBS:
            if job.is_final and job.name not in two_step:
                wait_for(
                    f"{job.name} has closed its windows",
                    lambda name=job.name: ask(WATERMARK, last_window, name),
                    DRAINED_SECONDS,
                    0.2,
                )
        xid = ask("SELECT pg_current_xact_id()::text")
        for name in two_step:
            wait_read(name, xid)


def compare_all(cluster, say=print):
    """(lost, doubled) over all outputs and the streams the producers wrote."""
    lost_all = doubled_all = 0
    pairs = [
        ("ev", "source", "SELECT * FROM ev WHERE k <> -1", "SELECT * FROM log_ev WHERE k <> -1"),
        ("plain", "source", "SELECT * FROM plain WHERE k <> -1",
         "SELECT * FROM log_plain WHERE k <> -1"),
    ]  # fmt: skip
    for job in JOBS:
        pairs.append((job.name, job.sink, job.output, job.oracle))
        if job.fails_at:
            pairs.append((job.name, "letters", LETTERS.format(job=job.name),
                          f"SELECT id FROM log_ev WHERE {job.fails_at}"))  # fmt: skip
    with cluster.connect(autocommit=False) as session:
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.execute("SET work_mem = '64MB'")
        for name, kind, output, oracle in pairs:
            rows, lost, doubled = session.execute(
                DIFFERENCE.format(output=output, oracle=oracle)
            ).fetchone()
            say(f"{name:<20} {kind:<7} {rows:>9} rows  lost {lost}  doubled {doubled}")
            lost_all += lost
            doubled_all += doubled
    return lost_all, doubled_all


def check_counters(cluster):
    """Nothing was late, nothing failed that should not, no job gave up."""
    faults = []
    letters = dict(cluster.ask("SELECT job, count(*) FROM velo.dead_letter GROUP BY 1"))
    for name, status, error, late, failed, records in cluster.ask(
        "SELECT j.name, j.status, j.last_error, t.records_late, t.records_failed, t.records_in "
        "FROM velo.job j JOIN velo.task t USING (job_id) ORDER BY 1"
    ):
        if status != "running":
            faults.append(f"job {name} is {status}: {error}")
        elif error is not None:
            faults.append(f"job {name} has met an error: {error}")
        if late:
            faults.append(f"job {name}: {late} of {records} records late")
        dead = letters.get(name, 0)
        if failed != dead:
            faults.append(f"job {name}: {failed} failed records, {dead} dead letters")
        if dead and not BY_NAME[name].fails_at:
            faults.append(f"job {name} has dead letters")
    if BY_NAME.keys() - {row[0] for row in cluster.ask("SELECT name FROM velo.job")}:
        faults.append("jobs are missing")
    return faults


def judge(cluster, producers, say=print):
    """Stops the producers, drains and compares: (lost, doubled, faults)."""
    producers.stop()
    with Barrier(cluster):
        drain(cluster)
    faults = check_counters(cluster)
    lost, doubled = compare_all(cluster, say)
    return lost, doubled, faults
