"""Do the brokers that the tests of Kafka rely on do what those tests expect of them?"""

import time

import confluent_kafka
import pytest
from confluent_kafka import KafkaError
from kafkalib import Out, Producer
from kafkalib.proxy import TO_CLIENT
from kafkalib.wait import wait_for


def values(records):
    return [record.value for record in records]


def refusal(settings, topic):
    """The names of the errors that a client meets there; an empty set: none."""
    seen = set()
    producer = confluent_kafka.Producer(
        {
            **settings,
            "message.timeout.ms": 2000,
            "error_cb": lambda error: seen.add(error.name()),
            "log_level": 0,
        }
    )
    failed = []
    producer.produce(topic, b"x", on_delivery=lambda error, _: error and failed.append(error))
    producer.flush(10)
    if failed:
        seen.add(failed[0].name())
    return seen if failed else set()


def test_what_is_written_is_read(broker, topic):
    broker.create_topic(topic, 2)
    broker.produce(
        topic,
        [
            Out("ä\n", "k", [("h", b"\x00\xff"), ("h", None)], 1_000, 1),
            Out(None, b"\xff", (), 2_000, 1),
            Out(b"", None, (), 3_000, 0),
        ],
    )
    records = broker.consume_all(topic)
    assert [tuple(record[:6]) for record in records] == [
        (0, 0, 3_000, None, b"", []),
        (1, 0, 1_000, b"k", "ä\n".encode(), [("h", b"\x00\xff"), ("h", None)]),
        (1, 1, 2_000, b"\xff", None, []),
    ]
    assert {record.timestamp_type for record in records} == {"CreateTime"}


def test_aborted_and_open_transactions_are_not_seen(broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, ["a"], transactional_id="one")
    broker.produce(topic, ["b"], transactional_id="one", abort=True)
    broker.produce(topic, ["c"], transactional_id="one")
    assert values(broker.consume_all(topic)) == [b"a", b"c"]
    assert values(broker.consume_all(topic, "read_uncommitted")) == [b"a", b"b", b"c"]

    producer = broker.producer("two")
    producer.begin()
    producer.send(topic, ["d"])
    broker.produce(topic, ["e"])
    # Nothing behind the first open transaction is stable.
    assert values(broker.consume_all(topic)) == [b"a", b"c"]
    producer.commit()
    assert values(broker.consume_all(topic)) == [b"a", b"c", b"d", b"e"]


def test_topics_change(broker, topic):
    broker.create_topic(topic, 1, {"retention.ms": 86400000})
    broker.add_partitions(topic, 3)
    assert len(broker.partitions(topic)) == 3
    broker.produce(topic, [Out(str(i), partition=2) for i in range(5)])
    broker.delete_records(topic, 2, 3)
    assert [record.offset for record in broker.consume_all(topic)] == [3, 4]
    broker.alter_topic(topic, {"message.timestamp.type": "LogAppendTime"})
    broker.produce(topic, [Out("x", timestamp=1, partition=0)])
    assert broker.consume_all(topic)[0].timestamp > 1
    broker.delete_topic(topic)
    assert broker.partitions(topic) == {}


def test_a_cut_network_heals(broker, topic):
    broker.create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.proxied_bootstrap})
    producer.send(topic, ["a"])
    assert broker.proxy.connections > 0
    broker.proxy.cut()
    assert KafkaError(KafkaError._MSG_TIMED_OUT).name() in refusal(
        {"bootstrap.servers": broker.proxied_bootstrap}, topic
    )
    broker.proxy.heal()
    producer.send(topic, ["b"])
    assert values(broker.consume_all(topic)) == [b"a", b"b"]


def test_an_answer_that_is_held_back_does_not_undo_the_request(broker, topic):
    broker.create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.proxied_bootstrap})
    producer.send(topic, ["a"])
    broker.proxy.stall(TO_CLIENT)
    acknowledged = []
    producer._producer.produce(topic, b"b", on_delivery=lambda *_: acknowledged.append(True))
    wait_for("the broker has it", lambda: len(broker.consume_all(topic)) == 2)
    producer._producer.poll(0)
    assert not acknowledged
    # Sent again over a new connection, and not stored a second time.
    broker.proxy.cut()
    broker.proxy.heal()
    assert producer._producer.flush(30) == 0
    assert values(broker.consume_all(topic)) == [b"a", b"b"]


def test_a_killed_broker_keeps_its_records(broker, topic):
    broker.create_topic(topic)
    broker.produce(topic, ["a"])
    broker.node.kill()
    broker.node.start()
    broker.produce(topic, ["b"])
    assert values(broker.consume_all(topic)) == [b"a", b"b"]


def test_another_broker_takes_over(brokers, topic):
    brokers.create_topic(topic)
    first = brokers.leader(topic)
    # A leader that hangs is only left when the request to it has timed out.
    producer = brokers.producer(request_timeout_ms=2000, socket_timeout_ms=2000)
    producer.send(topic, ["a"])
    began = time.monotonic()
    first.kill()
    producer.send(topic, ["b"])
    print(f"gap {time.monotonic() - began:.1f} s")
    second = brokers.wait_other_leader(topic, 0, first)
    first.start()
    brokers.wait_in_sync(topic)
    second.pause()
    third = brokers.wait_other_leader(topic, 0, second)
    assert third is not second
    producer.send(topic, ["c"])
    second.resume()
    brokers.wait_in_sync(topic)
    assert values(brokers.consume_all(topic)) == [b"a", b"b", b"c"]


@pytest.fixture
def guarded(secure, topic):
    secure.create_topic(topic)
    secure.add_user("alice", "alice-secret")
    return secure


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_lets_in(guarded, topic, mechanism, tls):
    guarded.allow("alice", topic=topic)
    assert refusal(guarded.as_user("alice", mechanism, tls=tls), topic) == set()
    assert KafkaError(KafkaError._AUTHENTICATION).name() in refusal(
        guarded.as_user("alice", mechanism, "wrong", tls=tls), topic
    )
    assert values(guarded.consume_all(topic)) == [b"x"]


def test_plain_needs_a_right(guarded, topic):
    bob = guarded.as_user("bob", "PLAIN")
    assert KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED).name() in refusal(bob, topic)
    guarded.allow("bob", "WRITE", topic=topic[:-1] + "*")
    assert refusal(bob, topic) == set()
    guarded.forbid("bob", "WRITE", topic=topic[:-1] + "*")


def test_only_a_valid_certificate_lets_in(guarded, topic):
    guarded.allow("CN=client", topic=topic)
    assert refusal(guarded.as_certificate(), topic) == set()
    locked = {
        **guarded.as_certificate(),
        "ssl.key.location": str(guarded.certificates.path("client-locked.key")),
        "ssl.key.password": "key-secret",
    }
    assert refusal(locked, topic) == set()
    for name, authority in [
        (None, "ca"),
        ("expired", "ca"),
        ("stranger", "ca"),
        ("client", "other_ca"),
    ]:
        assert refusal(guarded.as_certificate(name, authority), topic), (name, authority)
    assert len(guarded.consume_all(topic)) == 2


def test_a_cluster_has_the_extension(cluster):
    assert cluster.ask("SELECT count(*) FROM pg_extension WHERE extname = 'velostream'") == [(1,)]
