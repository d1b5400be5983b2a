"""A broker, and a cluster of three, each with a network that can be cut."""

import base64
import pathlib
import shutil
import tempfile
import uuid

from kafkalib.client import Client
from kafkalib.node import Node
from kafkalib.proxy import CutProxy
from kafkalib.wait import free_port, wait_for

# Small, and quick to notice that a broker is gone.
COMMON = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": 1,
    "offsets.topic.num.partitions": 2,
    "transaction.state.log.num.partitions": 2,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "replica.lag.time.max.ms": 3000,
    # A producer that died holds readers up until its transaction times out.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "num.network.threads": 1,
    "num.io.threads": 2,
    "background.threads": 2,
    "log.cleaner.dedupe.buffer.size": 8388608,
    # Tests bring timestamps of their own, old ones too: nothing may expire by itself.
    "log.retention.ms": -1,
    "log.segment.bytes": 16777216,
}


def replicated(count):
    """The settings that say how often internal topics are stored."""
    least = 1 if count == 1 else count - 1
    return {
        "default.replication.factor": count,
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": count,
        "transaction.state.log.replication.factor": count,
        "transaction.state.log.min.isr": least,
        "share.coordinator.state.topic.replication.factor": count,
        "share.coordinator.state.topic.min.isr": least,
    }


def new_id():
    """A cluster's id, as StorageTool random-uuid makes them but without a JVM."""
    # The tool takes one that begins with a dash for an option.
    return "v" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


class Member:
    """A node of a cluster without security, by two ways: directly and through its proxy."""

    def __init__(self, folder, node_id, voters, controller_port, settings):
        self.id = node_id
        self.port, through = free_port(), free_port()
        self.proxy = CutProxy()
        self.proxy.target = through
        where = "127.0.0.1"
        self.node = Node(
            folder,
            {
                **COMMON,
                "node.id": node_id,
                "controller.quorum.voters": voters,
                "listeners": f"DIRECT://{where}:{self.port},PROXIED://{where}:{through},"
                f"CONTROLLER://{where}:{controller_port}",
                "advertised.listeners": f"DIRECT://{where}:{self.port},"
                f"PROXIED://{where}:{self.proxy.port}",
                "listener.security.protocol.map": "DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,"
                "CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name": "DIRECT",
                **settings,
            },
        )

    # What tests do to it.
    def start(self):
        self.node.start()

    def stop(self):
        self.node.stop()

    def kill(self):
        self.node.kill()

    def pause(self):
        self.node.pause()

    def resume(self):
        self.node.resume()

    def is_running(self):
        return self.node.is_running()


class Cluster(Client):
    """Brokers that are controllers as well; ids 1 to count.

    bootstrap            addresses of all, directly
    proxied_bootstrap    the same through their proxies: members[i].proxy cuts one off
    """

    def __init__(self, count=3, settings=None):
        super().__init__()
        self.replication = count
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="velo-kafka-"))
        controllers = [free_port() for _ in range(count)]
        voters = ",".join(f"{n + 1}@127.0.0.1:{port}" for n, port in enumerate(controllers))
        self.members = [
            Member(
                self.folder / str(n + 1),
                n + 1,
                voters,
                port,
                {**replicated(count), **(settings or {})},
            )
            for n, port in enumerate(controllers)
        ]
        self.bootstrap = ",".join(f"127.0.0.1:{m.port}" for m in self.members)
        self.proxied_bootstrap = ",".join(f"127.0.0.1:{m.proxy.port}" for m in self.members)

    def client_settings(self):
        return {"bootstrap.servers": self.bootstrap}

    java_settings = client_settings

    def start(self):
        cluster_id = new_id()
        for member in self.members:
            member.node.format(cluster_id)
        for member in self.members:
            member.node.launch()
        for member in self.members:
            member.node.wait_ready()
        self.wait_members()
        return self

    def wait_members(self):
        """Until all brokers know of each other."""
        count = len(self.members)
        wait_for(
            f"{count} brokers are registered",
            lambda: len(self.metadata().brokers) == count,
        )

    def close(self):
        self.close_clients()
        for member in self.members:
            member.node.kill()
            member.proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # --- who leads -------------------------------------------------------------------

    def member(self, node_id):
        return self.members[node_id - 1]

    def leader(self, topic, partition=0):
        """The member that leads a partition; waits until there is one."""
        found = wait_for(
            f"{topic}/{partition} has a leader",
            lambda: max(self.partitions(topic).get(partition, -1), 0),
        )
        return self.member(found)

    def wait_other_leader(self, topic, partition, than):
        """Until another member than that leads, and runs."""

        def other():
            found = self.leader(topic, partition)
            return found if found is not than and found.is_running() else None

        return wait_for(f"{topic}/{partition} is led by another than {than.id}", other)

    def wait_in_sync(self, topic):
        """Until every partition is on all brokers again."""

        def whole():
            found = self.metadata().topics[topic]
            return all(len(p.isrs) == len(p.replicas) for p in found.partitions.values())

        wait_for(f"{topic} is in sync", whole)

    # --- the network, for all ----------------------------------------------------------

    def cut(self):
        for member in self.members:
            member.proxy.cut()

    def stall(self, *directions):
        for member in self.members:
            member.proxy.stall(*directions)

    def heal(self):
        for member in self.members:
            member.proxy.heal()


class Broker(Cluster):
    """A single one."""

    def __init__(self, settings=None):
        super().__init__(1, settings)
        self.proxy = self.members[0].proxy
        self.node = self.members[0].node
