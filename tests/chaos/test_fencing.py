"""Can two workers of one task both commit?"""

import os
import signal

import psycopg
import pytest
from chaoslib.cluster import process_start, wait_for
from chaoslib.jobs import process_of

WORKER = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
TAKE_LEASE = """
UPDATE velo.task SET epoch = epoch + 1 FROM velo.job j
WHERE task.job_id = j.job_id AND j.name = %s RETURNING epoch
"""


def worker_of(scene, job):
    rows = scene.cluster.ask(WORKER, process_of(job))
    return rows[0][0] if rows else None


def wait_replaced(scene, job, pid):
    """Until the worker has ended and another one has the lease."""
    wait_for(f"{job}'s old worker ends", lambda: process_start(pid) is None, 60)
    new = wait_for(f"{job} has a new worker", lambda: worker_of(scene, job), 60)
    assert new != pid
    return new


def test_fencing(scene):
    take_leases_of_running_workers(scene)
    take_leases_of_stopped_workers(scene)
    scene.assert_exact()


def take_leases_of_running_workers(scene):
    """Whoever raises the epoch fences the worker; its batch is done again by the next."""
    scene.wait_busy()
    for job in ("o_rows", "o_spill", "o_final"):
        pid = worker_of(scene, job)
        with scene.cluster.connect() as session:
            epoch = session.execute(TAKE_LEASE, (job,)).fetchone()[0]
        wait_replaced(scene, job, pid)
        wait_for(f"{job} has a newer lease", lambda j=job, e=epoch: scene.state()[j][1] > e, 60)
        scene.wait_commits_after({job: scene.state()[job]})
    log = scene.cluster.log.read_text(encoding="utf-8")
    assert log.count("it has been replaced") >= 3


def take_leases_of_stopped_workers(scene):
    """A worker falls asleep during a batch, and wakes up when its lease has been taken.

    Asleep in its commit it holds the lock of the lease's row, and the take-over waits
    for it: one of the two goes first, and the other one sees it.
    """
    job = "o_groups"
    pid = stop_at(scene, job, "commit_ready")
    with scene.cluster.connect() as session:
        session.execute("SET lock_timeout = '500ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            session.execute(TAKE_LEASE, (job,))
    os.kill(pid, signal.SIGCONT)
    scene.wait_commits_after({job: scene.state()[job]})

    pid = stop_at(scene, job, "batch_processed")
    with scene.cluster.connect() as session:
        session.execute(TAKE_LEASE, (job,))
    os.kill(pid, signal.SIGCONT)
    wait_replaced(scene, job, pid)
    scene.wait_commits_after({job: scene.state()[job]})


def stop_at(scene, job, point):
    pid = worker_of(scene, job)
    with scene.cluster.connect() as session:
        session.execute("SELECT velo._testpoint_arm(%s, 'stop', 0, %s)", (point, process_of(job)))
    wait_for(f"{job} stops at {point}", lambda: is_stopped(pid), 30)
    return pid


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"
