"""Kills around Kafka: of what part 1 kills, and of what lies between a worker and its topics.

worker      kill -9                 postmaster  kill -9
broker      kill -9, and a start some time later; of several one that leads a partition
network     connections cut, or stalled in one or both directions, for some seconds
sleeper     a worker that is stopped, loses its lease and its transactional id to another
            one, and wakes up

The last three let the worker live.  At a test point it is stopped there first, so that the
broker dies, the network breaks or the lease goes at that very step.
"""

import contextlib
import os
import signal
import time

import confluent_kafka
import psycopg
from kafkalib.client import Producer
from kafkalib.proxy import TO_BROKER, TO_CLIENT

from chaoslib.cluster import Deadline, process_start, wait_for
from chaoslib.jobs import process_of
from chaoslib.kafka_jobs import JOBS
from chaoslib.series import READY_SECONDS, REACHED_SECONDS, SHORT_LIVES, Kill, Series

SERVER_VICTIMS = ["worker", "postmaster"]
TAKE_LEASE = """
UPDATE velo.task SET epoch = epoch + 1 FROM velo.job j
WHERE task.job_id = j.job_id AND j.name = %s
"""
WRITER_ID = "SELECT writer FROM velo.outbox o JOIN velo.job j USING (job_id) WHERE j.name = %s"
NETWORK_SECONDS = 2.5
BROKER_SECONDS = 1.5
TAKEN_OVER = 0.8  # of the sleepers
REPLACED_SECONDS = 30
RIVALS = "rivals"  # a topic that nobody reads
FENCED = (
    confluent_kafka.KafkaError._FENCED,
    confluent_kafka.KafkaError.PRODUCER_FENCED,
    confluent_kafka.KafkaError.INVALID_PRODUCER_EPOCH,
)


def is_stopped(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return False


def signal_process(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_fenced(rival):
    """Has the sleeper taken the transactional id in its turn?

    It does, rightly, if it fell asleep before it had been to Kafka for the first time."""
    if rival is None:
        return False
    try:
        rival.begin()
        rival.send(RIVALS, ["x"])
        rival.abort()
    except (confluent_kafka.KafkaException, SystemError) as error:
        # A fatal error comes up in the middle of the client's own callback.
        told = error.__cause__ if isinstance(error, SystemError) else error
        if not isinstance(told, confluent_kafka.KafkaException) or told.args[0].code() not in FENCED:
            raise
        return True
    return False


class KafkaSeries(Series):
    victims = [*SERVER_VICTIMS, "broker", "network", "sleeper"]
    jobs = JOBS

    def __init__(self, cluster, broker, producers, seed, say=print):
        super().__init__(cluster, producers, seed, say)
        self.broker = broker
        self.fenced = 0

    # --- at random moments ---------------------------------------------------------------

    def kill_at_random(self, victim, sink):
        if victim in SERVER_VICTIMS:
            super().kill_at_random(victim, sink)
            return
        job = self.random.choice([job.name for job in self.jobs if job.sink == sink])
        if self.random.random() >= SHORT_LIVES:
            self.wait_busy()
        time.sleep(self.random.uniform(0, 1))
        wait_for("input flows", self.producers.is_flowing, READY_SECONDS)
        self.harm(victim, job)
        self.survived(Kill(victim, None, job, True))

    def survived(self, kill):
        """The worker may have lived on: a new life begins with what it has got back."""
        self.begin_life()
        self.kills.append(kill)

    # --- at test points --------------------------------------------------------------------

    def kill_at_point(self, victim, point, sink):
        if victim in SERVER_VICTIMS:
            return super().kill_at_point(victim, point, sink)
        job = self.random.choice(self.jobs_at(point, sink))
        self.wait_busy()
        with self.cluster.connect() as session:
            session.execute(
                "SELECT velo._testpoint_arm(%s, 'stop', %s, %s)",
                (point, self.passes_before(point), process_of(job)),
            )
            self.provoke(session, point, job)
        try:
            pid = wait_for(f"{job} stops", lambda: self.stopped_pid(job), REACHED_SECONDS)
        except Deadline:
            self.unreached.append((victim, point, job))
            # The point is still armed; a crash forgets it.
            self.kill_now("worker", job)
            return False
        self.harm(victim, job, pid)
        self.survived(Kill(victim, point, job, True))
        return True

    def stopped_pid(self, job):
        pid = self.worker_pid(job)
        return pid if pid and is_stopped(pid) else None

    def report_kills(self):
        super().report_kills()
        self.say(f"sleepers that woke up replaced: {self.fenced}")

    def faults(self):
        faults = super().faults()
        if any(kill.victim == "sleeper" for kill in self.kills[5:]) and not self.fenced:
            faults.append("no worker was ever replaced in its sleep")
        return faults

    # --- what is done ------------------------------------------------------------------------

    def harm(self, victim, job, pid=None):
        """pid: the worker, if it has been stopped at a test point; it goes on afterwards."""
        getattr(self, f"harm_{victim}")(job, pid)

    def broker_of(self, job):
        """Who leads a partition that the job needs; of a cluster's brokers."""
        topics = ["kin", "_velo_control"]
        if self.by_name[job].is_to_kafka:
            topics.append(job)
        topic = self.random.choice(topics)
        partition = self.random.randrange(len(self.broker.partitions(topic)) or 1)
        return self.broker.leader(topic, partition)

    def harm_broker(self, job, pid):
        is_single = len(self.broker.members) == 1
        member = self.broker.members[0] if is_single else self.broker_of(job)
        member.kill()
        wakes_before = pid and self.random.random() < 0.5
        if wakes_before:
            signal_process(pid, signal.SIGCONT)
        time.sleep(self.random.uniform(0, BROKER_SECONDS))
        member.start()
        if pid and not wakes_before:
            signal_process(pid, signal.SIGCONT)
        if not is_single:
            # Another one may go only when this one has all again: two are needed to write.
            self.broker.wait_in_sync("kin")

    def harm_network(self, job, pid):
        del job
        break_it = self.random.choice(
            [
                self.broker.cut,
                self.broker.stall,
                lambda: self.broker.stall(TO_CLIENT),
                lambda: self.broker.stall(TO_BROKER),
            ]
        )
        break_it()
        if pid:
            signal_process(pid, signal.SIGCONT)
        time.sleep(self.random.uniform(0.1, NETWORK_SECONDS))
        self.broker.heal()

    def harm_sleeper(self, job, pid):
        if pid is None:
            pid = wait_for(f"{job} has a worker", lambda: self.worker_pid(job), READY_SECONDS)
            os.kill(pid, signal.SIGSTOP)
        born = process_start(pid)
        is_taken, rival = False, None
        try:
            time.sleep(self.random.uniform(0, 0.5))
            if self.random.random() < TAKEN_OVER:
                is_taken, rival = self.take_over(job)
        finally:
            signal_process(pid, signal.SIGCONT)
        if is_taken:
            wait_for(
                f"{job}'s worker sees that it has been replaced",
                lambda: process_start(pid) != born or is_fenced(rival),
                REPLACED_SECONDS,
            )
            self.fenced += process_start(pid) != born

    def take_over(self, job):
        """What another worker would do first: lease and transactional id are its own.

        Whether it was done, and where Kafka leads the producer that has its transactional id.
        A worker that sleeps in its commit may be first, and nobody can take its lease."""
        rival = None
        if self.by_name[job].is_to_kafka:
            writer = self.cluster.ask(WRITER_ID, job)[0][0]
            rival = Producer(self.broker.client_settings(), writer)
            # Kafka's fence alone, where Kafka leads: PostgreSQL's is passed once a second.
            if self.by_name[job].sink == "leading":
                return True, rival
        with self.cluster.connect() as session:
            session.execute("SET lock_timeout = '500ms'")
            try:
                session.execute(TAKE_LEASE, (job,))
            except psycopg.errors.LockNotAvailable:
                return self.by_name[job].is_to_kafka, None
        return True, None
