"""What tests do with topics: through Confluent's client, and read by Kafka's own."""

import abc
import base64
import contextlib
import json
import subprocess
import threading
from typing import NamedTuple

import confluent_kafka
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from kafkalib.node import java
from kafkalib.wait import wait_for

REQUEST_SECONDS = 30
# Connections that break are what many tests are about.
QUIET = {"log_level": 0, "log.connection.close": False}


class Record(NamedTuple):
    """What is in a topic.  key, value and the values of headers: bytes or None."""

    partition: int
    offset: int
    timestamp: int  # milliseconds since 1970
    key: bytes | None
    value: bytes | None
    headers: list  # of (name, value)
    timestamp_type: str  # CreateTime or LogAppendTime


class Out(NamedTuple):
    """What to write.  timestamp: milliseconds since 1970; None: now."""

    value: bytes | str | None
    key: bytes | str | None = None
    headers: list = ()
    timestamp: int | None = None
    partition: int | None = None


class Producer:
    """Writes records; with a transactional id only between begin() and commit() or abort().

    One that is dropped in the middle leaves its transaction open, as a process that died.
    """

    def __init__(self, settings, transactional_id=None):
        settings = {"enable.idempotence": True, "linger.ms": 1, **QUIET, **settings}
        if transactional_id is not None:
            settings["transactional.id"] = transactional_id
        self._producer = confluent_kafka.Producer(settings)
        if transactional_id is not None:
            self._producer.init_transactions(REQUEST_SECONDS)

    def begin(self):
        self._producer.begin_transaction()

    def commit(self):
        self._producer.commit_transaction(REQUEST_SECONDS)

    def abort(self):
        self._producer.abort_transaction(REQUEST_SECONDS)

    def send(self, topic, records):
        """Writes Outs (or plain values) and waits for the broker; [(partition, offset)]."""
        places, errors = [], []

        def delivered(error, message):
            if error:
                errors.append(error)
            else:
                places.append((message.partition(), message.offset()))

        for record in records:
            out = record if isinstance(record, Out) else Out(record)
            more = {"headers": list(out.headers)} if out.headers else {}
            if out.timestamp is not None:
                more["timestamp"] = out.timestamp
            if out.partition is not None:
                more["partition"] = out.partition
            self._send_one(topic, out, delivered, more)
        left = self._producer.flush(REQUEST_SECONDS)
        if errors:
            raise confluent_kafka.KafkaException(errors[0])
        assert left == 0, f"{left} records were not delivered within {REQUEST_SECONDS} s"
        return places

    def _send_one(self, topic, out, delivered, more):
        while True:
            try:
                self._producer.produce(
                    topic, value=out.value, key=out.key, on_delivery=delivered, **more
                )
                return
            except BufferError:
                self._producer.poll(0.1)


class Reader:
    """Kafka's own consumer, in a process that answers one question after the other."""

    def __init__(self, settings):
        self._lock = threading.Lock()
        self._process = java(
            "ReadCommitted",
            *(f"{name}={value}" for name, value in settings.items()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def read(self, topic):
        """All Records that are visible now, ordered by partition and offset."""
        with self._lock:
            self._process.stdin.write(topic + "\n")
            self._process.stdin.flush()
            records = []
            for line in self._process.stdout:
                if line == "end\n":
                    return sorted(records, key=lambda r: (r.partition, r.offset))
                if not line.startswith("{"):
                    raise AssertionError(f"reading {topic}: {line}")
                records.append(_record(json.loads(line)))
        raise AssertionError("Kafka's consumer has ended")

    def close(self):
        self._process.kill()
        self._process.communicate()


def _bytes(text):
    return None if text is None else base64.b64decode(text)


def _record(found):
    return Record(
        found["partition"],
        found["offset"],
        found["timestamp"],
        _bytes(found["key"]),
        _bytes(found["value"]),
        [(_bytes(name).decode(), _bytes(value)) for name, value in found["headers"]],
        found["timestamp_type"],
    )


class Client(abc.ABC):
    """Topics and records of whatever has client_settings() and java_settings()."""

    def __init__(self):
        self._admin = None
        self._readers = {}

    @abc.abstractmethod
    def client_settings(self):
        """Of librdkafka, for somebody who may do everything."""

    @abc.abstractmethod
    def java_settings(self):
        """The same for Kafka's own clients."""

    @property
    def admin(self):
        if self._admin is None:
            # A broker that hangs is given up soon, and the next one asked.
            quick = {"socket.timeout.ms": 3000}
            self._admin = AdminClient({**QUIET, **quick, **self.client_settings()})
        return self._admin

    def close_clients(self):
        for reader in self._readers.values():
            reader.close()
        self._readers = {}
        self._admin = None

    # --- topics --------------------------------------------------------------------

    def create_topic(self, name, partitions=1, config=None, replication=None):
        """Returns when every partition has a leader."""
        topic = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=replication or self.replication,
            config={key: str(value) for key, value in (config or {}).items()},
        )
        self.admin.create_topics([topic], operation_timeout=REQUEST_SECONDS)[name].result()
        self._wait_partitions(name, partitions)

    def delete_topic(self, name):
        self.admin.delete_topics([name], operation_timeout=REQUEST_SECONDS)[name].result()
        wait_for(f"topic {name} is gone", lambda: not self.partitions(name))

    def add_partitions(self, name, total):
        """Until the topic has that many."""
        self.admin.create_partitions([NewPartitions(name, total)])[name].result()
        self._wait_partitions(name, total)

    def delete_records(self, topic, partition, before_offset):
        """Makes before_offset the partition's first; -1: its end."""
        place = TopicPartition(topic, partition, before_offset)
        self.admin.delete_records([place])[place].result()

    def alter_topic(self, name, config):
        """Changes settings of a topic, and those only."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        for key, value in config.items():
            resource.add_incremental_config(_entry(key, value))
        self.admin.incremental_alter_configs([resource])[resource].result()

    def partitions(self, name):
        """{partition: id of the leading broker}; -1: none.  Empty: no such topic."""
        found = self.metadata().topics.get(name)
        if found is None or found.error:
            return {}
        return {number: metadata.leader for number, metadata in found.partitions.items()}

    def metadata(self):
        """What the brokers say of themselves and of all topics; waits for one that answers."""

        def asked():
            with contextlib.suppress(confluent_kafka.KafkaException):
                return self.admin.list_topics(timeout=5)
            return None

        return wait_for("a broker answers", asked)

    def _wait_partitions(self, name, count):
        def all_led():
            leaders = self.partitions(name)
            return len(leaders) == count and -1 not in leaders.values()

        wait_for(f"the {count} partitions of {name} have leaders", all_led)

    # --- records -------------------------------------------------------------------

    def producer(self, transactional_id=None, **settings):
        """Settings with _ for dots."""
        more = {name.replace("_", "."): value for name, value in settings.items()}
        return Producer({**self.client_settings(), **more}, transactional_id)

    def produce(self, topic, records, transactional_id=None, abort=False, **settings):
        """Writes Outs or plain values; with an id in one transaction, committed or aborted.

        Returns [(partition, offset)]."""
        producer = self.producer(transactional_id, **settings)
        if transactional_id is None:
            return producer.send(topic, records)
        producer.begin()
        places = producer.send(topic, records)
        if abort:
            producer.abort()
        else:
            producer.commit()
        return places

    def consume_all(self, topic, isolation="read_committed"):
        """All Records that are visible now, ordered by partition and offset."""
        if isolation not in self._readers:
            settings = {**self.java_settings(), "isolation.level": isolation}
            self._readers[isolation] = Reader(settings)
        return self._readers[isolation].read(topic)


def _entry(key, value):
    if value is None:
        return ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
    return ConfigEntry(key, str(value), incremental_operation=AlterConfigOpType.SET)
