"""Kills, one after the other, and the account of what each life in between did.

A life begins when the server lets sessions in and ends with a kill.  Of most lives a
kill waits until every job has committed something; the others are cut short at any
moment, also while the workers start.

Two victims: a job's worker, whose death makes the postmaster end all sessions and
recover, and the postmaster, whose orphans have to end before it can start again.
"""

import collections
import contextlib
import dataclasses
import os
import random
import signal
import time

import psycopg

from chaoslib.cluster import Deadline, wait_for
from chaoslib.jobs import JOBS, process_of

VICTIMS = ["worker", "postmaster"]
READY_SECONDS = 60
REACHED_SECONDS = 40
SHORT_LIVES = 0.1  # part of the lives that are not waited for
COMMITTING_LIVES_MIN = 0.8

# Points that only some jobs pass; all others are passed by every job's commits.
POINT_JOBS = {
    "sink_native_written": lambda job: job.sink == "native",
    "sink_table_written": lambda job: job.sink == "table",
    "sink_table_updated": lambda job: job.sink == "table" and job.has_key,
    "state_spill_written": lambda job: job.spills,
    "state_spill_read": lambda job: job.spills,
    # Only where megabytes are logged the log is shortened.
    "state_snapshot_slice": lambda job: job.logs_much,
    "state_segments_switched": lambda job: job.logs_much,
    "state-truncated": lambda job: job.logs_much,
    "native-poll": lambda job: job.source == "native",
    "kafka-poll": lambda job: job.source == "kafka",
    "commit_by_sink_done": lambda job: job.sink == "leading",
    "sink_kafka_written": lambda job: job.is_to_kafka,
    "kafka_fenced": lambda job: job.is_to_kafka,
    "kafka_begun": lambda job: job.is_to_kafka,
    "kafka_produced": lambda job: job.is_to_kafka,
    "kafka_control_produced": lambda job: job.is_to_kafka,
    "kafka_about_to_commit": lambda job: job.is_to_kafka,
    "kafka_committed": lambda job: job.is_to_kafka,
    "kafka_recovered": lambda job: job.is_to_kafka,
    "kafka_produced_again": lambda job: job.sink == "outbox",
    "outbox_written": lambda job: job.sink == "outbox",
    # tests/kafka/test_sink.py: it takes 16 MB, an INSERT, another delivery to pass these.
    "outbox_truncated": lambda job: False,
    "kafka_insert_sent": lambda job: False,
    "kafka_delivered": lambda job: False,
}
# Points passed when a worker starts or looks at what the catalog wants.
START_POINTS = {"worker_lease_taken", "worker_built", "kafka_fenced", "kafka_recovered"}
# Passed by a worker that begins after one that failed with output it had not sent.
AGAIN_POINTS = {"kafka_produced_again"}
LOOK_POINTS = {"job_status_written"}
BURST_ROWS = 2000  # at a time, until a point of the state is passed

LIFE = """
SELECT j.name, t.commits, t.epoch,
       (SELECT string_agg(p.position, ' ' ORDER BY p.partition) FROM velo.position p
        WHERE p.job_id = j.job_id)
FROM velo.job j JOIN velo.task t USING (job_id)
"""
WORKER = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"


@dataclasses.dataclass
class Kill:
    victim: str
    point: str | None  # None: at a random moment
    job: str | None
    flowing: bool


class Series:
    victims = VICTIMS
    jobs = JOBS

    def __init__(self, cluster, producers, seed, say=print):
        self.by_name = {job.name: job for job in self.jobs}
        self.sinks = list(dict.fromkeys(job.sink for job in self.jobs))
        self.cluster = cluster
        self.producers = producers
        self.random = random.Random(f"{seed} series")
        self.say = say
        self.kills = []
        self.lives = collections.defaultdict(list)  # job: commits of each life
        self.positions = collections.defaultdict(list)  # job: where each life resumed
        self.epochs = collections.defaultdict(list)
        self.unreached = []
        self.state = None

    # --- lives -------------------------------------------------------------------

    def begin_life(self):
        """After a recovery: what was committed when the last life ended."""
        state = {name: row for name, *row in self.cluster.ask(LIFE)}
        for name, (commits, epoch, position) in state.items():
            if self.state and name in self.state:
                self.lives[name].append(commits - self.state[name][0])
            self.positions[name].append(position)
            self.epochs[name].append(epoch)
        self.state = state

    def idle_jobs(self):
        """Jobs that have committed nothing in this life."""
        now = {name: commits for name, commits, _, _ in self.cluster.ask(LIFE)}
        return [name for name in self.by_name if now.get(name, 0) <= self.state.get(name, [0])[0]]

    def wait_busy(self):
        wait_for("input flows", self.producers.is_flowing, READY_SECONDS)
        try:
            wait_for("all jobs commit", lambda: not self.idle_jobs(), READY_SECONDS, 0.1)
        except Deadline as error:
            raise Deadline(f"{error}; idle: {', '.join(self.idle_jobs())}") from None

    def died(self, kill):
        """The kill has been done or is sure to come: until the server is back."""
        if kill.victim == "postmaster":
            self.cluster.wait_gone()
            self.cluster.start()
        else:
            self.cluster.wait_ready()
        self.begin_life()
        self.kills.append(kill)

    def has_lost_session(self, session):
        with contextlib.suppress(psycopg.Error):
            session.execute("SELECT 1")
            return False
        return True

    # --- at random moments ---------------------------------------------------------

    def worker_pid(self, job):
        rows = self.cluster.ask(WORKER, process_of(job))
        return rows[0][0] if rows else None

    def kill_at_random(self, victim, sink):
        job = self.random.choice([job.name for job in self.jobs if job.sink == sink])
        is_short = self.random.random() < SHORT_LIVES
        if not is_short:
            self.wait_busy()
        time.sleep(self.random.uniform(0, 1.5))
        self.kill_now(victim, job)

    def kill_now(self, victim, job):
        wait_for("input flows", self.producers.is_flowing, READY_SECONDS)
        with self.cluster.connect() as session:
            kill = Kill(victim, None, job, True)
            self.cluster.note_children()
            if victim == "postmaster":
                self.cluster.postmaster.kill()
            else:
                pid = wait_for(f"{job} has a worker", lambda: self.worker_pid(job), READY_SECONDS)
                os.kill(pid, signal.SIGKILL)
            wait_for("sessions end", lambda: self.has_lost_session(session), 30)
        self.died(kill)

    # --- at test points ------------------------------------------------------------

    def points(self):
        return sorted(row[0] for row in self.cluster.ask("SELECT velo._testpoints()"))

    def sinks_of(self, point):
        return [sink for sink in self.sinks if self.jobs_at(point, sink)]

    def jobs_at(self, point, sink):
        """Jobs with that kind of output, or of that name."""
        passes = POINT_JOBS.get(point, lambda job: True)
        return [job.name for job in self.jobs if sink in (job.sink, job.name) and passes(job)]

    def provoke(self, session, point, job):
        """Makes a worker pass points that it does not pass with every commit."""
        if point in START_POINTS:
            # Whoever finds its lease taken ends, and is replaced.
            session.execute(
                "UPDATE velo.task SET epoch = epoch + 1 FROM velo.job j "
                "WHERE task.job_id = j.job_id AND j.name = %s",
                (job,),
            )
        elif point in AGAIN_POINTS:
            session.execute(
                "SELECT velo._testpoint_arm('commit_done', 'error', 0, %s)", (process_of(job),)
            )
        elif point in LOOK_POINTS:
            session.execute("SELECT velo.job_pause(%s), velo.job_resume(%s)", (job, job))

    def passes_before(self, point):
        """How often a point is passed before its kill."""
        if point in START_POINTS | LOOK_POINTS | AGAIN_POINTS or point.startswith("state"):
            return 0
        return self.random.randint(0, 5)

    def kill_at_point(self, victim, point, sink):
        """False if nobody came by in time; then a kill at a random moment is done instead."""
        job = self.random.choice(self.jobs_at(point, sink))
        self.wait_busy()
        passes = self.passes_before(point)
        action = "kill" if victim == "worker" else "kill_postmaster"
        with self.cluster.connect() as session:
            self.cluster.note_children()
            armed_at = self.producers.transactions
            try:
                session.execute(
                    "SELECT velo._testpoint_arm(%s, %s, %s, %s)",
                    (point, action, passes, process_of(job)),
                )
                self.provoke(session, point, job)
                end = time.monotonic() + REACHED_SECONDS
                while not self.has_lost_session(session):
                    if time.monotonic() > end:
                        self.unreached.append((victim, point, job))
                        break
                    if point.startswith("state"):
                        self.producers.burst(session, BURST_ROWS)
                        time.sleep(0.2)
                    time.sleep(0.02)
            except psycopg.Error:
                pass  # it was quick: dead before we had our answer
            if not self.has_lost_session(session):
                # The point is still armed; a crash forgets it.
                self.kill_now("worker", job)
                return False
        self.died(Kill(victim, point, job, self.producers.transactions > armed_at or
                       self.producers.is_flowing()))  # fmt: skip
        return True

    def kill_at_points(self, times, points=None, choose=None):
        """Each point so many times for each victim and sink; or some of all that, by chance."""
        plan = [
            (victim, point, sink)
            for victim in self.victims
            for point in points or self.points()
            for sink in self.sinks_of(point)
        ] * times
        self.random.shuffle(plan)
        for victim, point, sink in plan[:choose]:
            for _ in range(3):
                reached = self.kill_at_point(victim, point, sink)
                self.progress()
                if reached:
                    break

    def kill_randomly(self, times):
        """So many kills of each victim for each kind of output."""
        plan = [(victim, sink) for victim in self.victims for sink in self.sinks] * times
        self.random.shuffle(plan)
        for victim, sink in plan:
            self.kill_at_random(victim, sink)
            self.progress()

    def progress(self):
        kill = self.kills[-1]
        self.say(
            f"{len(self.kills):>4}  {kill.victim:<10} {kill.point or 'random':<26} {kill.job or ''}"
        )

    # --- the account -----------------------------------------------------------------

    def faults(self):
        """What makes the series worthless even if nothing was lost."""
        faults = []
        if not all(kill.flowing for kill in self.kills):
            faults.append("some kills came without input")
        for name, commits in sorted(self.lives.items()):
            lives = len(commits)
            committing = sum(1 for n in commits if n > 0)
            distinct = len(set(self.positions[name]))
            self.say(
                f"{name:<20} {lives} lives, {committing} committed, "
                f"{distinct} resume positions, {sum(commits)} commits"
            )
            if any(n < 0 for n in commits):
                faults.append(f"{name}: commits went backwards")
            if self.epochs[name] != sorted(self.epochs[name]):
                faults.append(f"{name}: epochs went backwards")
            if committing < COMMITTING_LIVES_MIN * lives:
                faults.append(f"{name}: only {committing} of {lives} lives committed anything")
            if distinct < COMMITTING_LIVES_MIN * lives:
                faults.append(f"{name}: only {distinct} resume positions of {lives} lives")
        return faults

    def report_kills(self):
        counts = collections.Counter((k.victim, k.point or "random") for k in self.kills)
        for (victim, point), n in sorted(counts.items()):
            self.say(f"{victim:<10} {point:<26} {n} kills")
        for victim, point, job in self.unreached:
            self.say(f"{victim:<10} {point:<26} not passed by {job} in {REACHED_SECONDS} s")

    def missing(self, times):
        """Points that were killed at less often than asked for."""
        done = collections.Counter(
            (k.victim, k.point, self.by_name[k.job].sink) for k in self.kills if k.point
        )
        return [
            f"{victim} at {point} of a {sink} job: {done[victim, point, sink]} of {times} kills"
            for victim in self.victims
            for point in self.points()
            for sink in self.sinks_of(point)
            if done[victim, point, sink] < times
        ]


