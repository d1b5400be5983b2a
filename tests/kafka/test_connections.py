"""Does a connection let in whom the broker lets in, say why not, and keep its secrets?"""

import datetime
import os
import pathlib
import threading
import time

import psycopg
import pytest
from chaoslib.cluster import Cluster, wait_for
from kafkalib import Out
from psycopg import errors
from psycopg.types.json import Jsonb

FUNCTIONS = pathlib.Path(__file__).with_name("functions.sql")
# What must never be seen; each test that has another one adds it.
SECRETS = {"alice-secret", "bob-secret", "key-secret", "admin-secret", "wrong-secret"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX, an installation with the extension, is not set")
    folder = tmp_path_factory.mktemp("connections")
    (folder / "secrets").mkdir(mode=0o700)
    cluster = Cluster(folder, pathlib.Path(prefix) / "bin")
    cluster.secrets = folder / "secrets"
    cluster.init(f"velo.secrets_dir = '{cluster.secrets}'\nvelo.kafka_timeout = '20s'\n")
    cluster.start()
    with cluster.connect() as session:
        session.execute("CREATE EXTENSION velostream")
        session.execute(FUNCTIONS.read_text(encoding="utf-8"))
        session.execute("CREATE ROLE alice LOGIN IN ROLE velo_user")
        session.execute("CREATE ROLE bob LOGIN IN ROLE velo_user")
    yield cluster
    cluster.destroy()


@pytest.fixture
def session(server):
    with server.connect() as session:
        yield session


@pytest.fixture
def guarded(secure, topic):
    """The broker, with a topic that alice, bob and the certificate CN=client may use."""
    secure.create_topic(topic, 2)
    secure.add_user("alice", "alice-secret")
    for user in ("alice", "bob", "CN=client"):
        secure.allow(user, topic=topic)
    return secure


def literal(value):
    return "'" + str(value).replace("'", "''") + "'"


def options(values):
    return ", ".join(f'"{name}" {literal(value)}' for name, value in values.items())


def connect(session, name, server_options, mapping=None, user="CURRENT_USER"):
    """Makes the connection anew."""
    session.execute(f"DROP SERVER IF EXISTS {name} CASCADE")
    session.execute(
        f"CREATE SERVER {name} FOREIGN DATA WRAPPER velo_kafka OPTIONS ({options(server_options)})"
    )
    if mapping:
        session.execute(
            f"CREATE USER MAPPING FOR {user} SERVER {name} OPTIONS ({options(mapping)})"
        )
    return {"connection": name}


def topics(session, name):
    found = session.execute("SELECT * FROM velo.kafka_topics(%s)", (name,))
    return {row[0]: row[1:] for row in found}


def pem(broker, name):
    return broker.certificates.path(name).read_text(encoding="ascii")


def refused(session, name, error):
    """The whole text of the error."""
    began = time.monotonic()
    with pytest.raises(error) as caught:
        topics(session, name)
    # Nobody waits for the time-out to learn that a log-in is wrong.
    assert time.monotonic() - began < 10
    diag = caught.value.diag
    text = "\n".join(filter(None, [diag.message_primary, diag.message_detail, diag.message_hint]))
    assert not [secret for secret in SECRETS if secret in text]
    return text


def sasl_ssl(broker, mechanism):
    return {
        "bootstrap.servers": broker.sasl_ssl,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "ssl.ca.pem": pem(broker, "ca.crt"),
    }


def alice(password="alice-secret"):
    return {"sasl.username": "alice", "sasl.password": password}


def test_anybody_gets_in_without_security(broker, session, topic):
    broker.create_topic(topic, 3)
    connect(session, "open_to_all", {"bootstrap.servers": broker.bootstrap})
    assert topics(session, "open_to_all")[topic][:2] == (3, 1)
    assert topics(session, broker.bootstrap)[topic][:2] == (3, 1)
    # Internal topics are none of ours.
    assert not [name for name in topics(session, "open_to_all") if name.startswith("__")]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_scram_password_lets_in(guarded, session, topic, mechanism):
    connect(session, "scram", sasl_ssl(guarded, mechanism), alice())
    assert topics(session, "scram")[topic][:2] == (2, 1)
    without_tls = {
        "bootstrap.servers": guarded.sasl,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
    }
    connect(session, "scram", without_tls, alice())
    assert topic in topics(session, "scram")


def test_a_plain_password_lets_in(guarded, session, topic):
    connect(
        session,
        "plain",
        sasl_ssl(guarded, "PLAIN"),
        {"sasl.username": "bob", "sasl.password": "bob-secret"},
    )
    assert topic in topics(session, "plain")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said_at_once(guarded, session, mechanism):
    connect(session, "wrong", sasl_ssl(guarded, mechanism), alice("wrong-secret"))
    text = refused(session, "wrong", errors.SqlclientUnableToEstablishSqlconnection)
    assert "could not list topics" in text
    assert "uthentication" in text
    assert "Check the user name, the password" in text


def test_a_changed_password_is_taken_by_the_next_client(guarded, session, topic):
    connect(session, "changed", sasl_ssl(guarded, "SCRAM-SHA-256"), alice("wrong-secret"))
    refused(session, "changed", errors.SqlclientUnableToEstablishSqlconnection)
    session.execute(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER changed "
        "OPTIONS (SET \"sasl.password\" 'alice-secret')"
    )
    assert topic in topics(session, "changed")


def mtls(broker, authority="ca"):
    return {
        "bootstrap.servers": broker.ssl,
        "security.protocol": "SSL",
        "ssl.ca.pem": pem(broker, f"{authority}.crt"),
    }


def key_pair(broker, name, key=None):
    return {
        "ssl.certificate.pem": pem(broker, f"{name}.crt"),
        "ssl.key.pem": pem(broker, f"{key or name}.key"),
    }


def test_a_certificate_lets_in(guarded, session, topic):
    connect(session, "tls", mtls(guarded), key_pair(guarded, "client"))
    assert topic in topics(session, "tls")
    locked = {**key_pair(guarded, "client", "client-locked"), "ssl.key.password": "key-secret"}
    connect(session, "tls", mtls(guarded), locked)
    assert topic in topics(session, "tls")


@pytest.mark.parametrize("name", [None, "expired", "stranger"])
def test_only_a_valid_certificate_lets_in(guarded, session, name):
    connect(session, "tls", mtls(guarded), key_pair(guarded, name) if name else None)
    text = refused(session, "tls", errors.SqlclientUnableToEstablishSqlconnection)
    assert "SSL" in text or "certificate" in text


def test_only_a_known_authority_is_believed(guarded, session):
    connect(session, "tls", mtls(guarded, "other_ca"), key_pair(guarded, "client"))
    text = refused(session, "tls", errors.SqlclientUnableToEstablishSqlconnection)
    assert "certificate verify failed" in text
    assert "ssl.ca.pem" in text


def test_a_key_that_cannot_be_read_is_no_certificate(guarded, session):
    locked = {**key_pair(guarded, "client", "client-locked"), "ssl.key.password": "wrong-secret"}
    connect(session, "tls", mtls(guarded), locked)
    assert "ssl.key.pem" in refused(session, "tls", errors.InvalidParameterValue)


@pytest.mark.parametrize("listener", ["sasl_ssl", "ssl", "sasl"])
def test_the_wrong_protocol_is_recognised(guarded, session, listener):
    session.execute("SET velo.kafka_timeout = '2s'")
    connect(session, "bare", {"bootstrap.servers": getattr(guarded, listener)})
    text = refused(session, "bare", errors.SqlclientUnableToEstablishSqlconnection)
    assert "security.protocol" in text


def test_the_brokers_own_rights_hold(guarded, session, topic):
    closed = f"{topic}_closed"
    guarded.create_topic(closed)
    own = Jsonb(connect(session, "acl", sasl_ssl(guarded, "SCRAM-SHA-512"), alice()))
    assert closed not in topics(session, "acl")
    for call in (
        "SELECT probe.offsets(%s, %s, now())",
        "SELECT probe.send(%s, %s, 'x', 10000)",
        "SELECT probe.create_topic(%s, %s || '_new', 1, 1, '{}')",
    ):
        with pytest.raises(errors.InsufficientPrivilege) as caught:
            session.execute(call, (own, closed))
        assert "ACL" in caught.value.diag.message_hint
    assert session.execute("SELECT probe.send(%s, %s, 'x', 10000)", (own, topic)).fetchone() == (0,)
    assert [record.value for record in guarded.consume_all(topic)] == [b"x"]


# --- secrets ---------------------------------------------------------------------------


def test_a_secret_is_read_from_its_file(guarded, server, session, topic):
    (server.secrets / "kafka_password").write_text("wrong-secret\n", encoding="ascii")
    (server.secrets / "ca.pem").write_text(pem(guarded, "ca.crt"), encoding="ascii")
    connect(
        session,
        "by_file",
        {**sasl_ssl(guarded, "SCRAM-SHA-512"), "ssl.ca.pem": "${secret:ca.pem}"},
        alice("${secret:kafka_password}"),
    )
    refused(session, "by_file", errors.SqlclientUnableToEstablishSqlconnection)
    # The next client sees what is in the file then.
    (server.secrets / "kafka_password").write_text("alice-secret\n", encoding="ascii")
    assert topic in topics(session, "by_file")
    (server.secrets / "kafka_password").unlink()
    assert "kafka_password" in refused(session, "by_file", errors.UndefinedFile)
    (server.secrets / "kafka_password").mkdir()
    refused(session, "by_file", errors.InvalidParameterValue)
    (server.secrets / "kafka_password").rmdir()


def test_a_shared_connection_is_used_with_its_own_secrets_only(guarded, server, session, topic):
    (server.secrets / "shared").write_text("alice-secret", encoding="ascii")
    connect(
        session, "shared", sasl_ssl(guarded, "SCRAM-SHA-512"), alice("${secret:shared}"), "PUBLIC"
    )
    session.execute("SET ROLE bob")
    refused(session, "shared", errors.InsufficientPrivilege)
    session.execute("RESET ROLE")
    session.execute("GRANT USAGE ON FOREIGN SERVER shared TO bob")
    session.execute("SET ROLE bob")
    assert topic in topics(session, "shared")
    with pytest.raises(errors.InvalidParameterValue):
        session.execute(
            "SELECT probe.properties(%s)",
            (Jsonb({"connection": "shared", "bootstrap.servers": "127.0.0.1:1"}),),
        )
    # Sent to a broker of one's own, a secret is known.
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute(
            "SELECT probe.properties(%s)",
            (
                Jsonb(
                    {
                        "security.protocol": "SASL_PLAINTEXT",
                        "sasl.mechanism": "PLAIN",
                        "sasl.password": "${secret:shared}",
                    }
                ),
            ),
        )
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute(
            "CREATE USER MAPPING FOR bob SERVER shared "
            "OPTIONS (\"sasl.password\" '${secret:shared}')"
        )


def test_only_its_owner_sees_a_password(guarded, session):
    connect(session, "seen", sasl_ssl(guarded, "SCRAM-SHA-512"), alice(), "alice")
    session.execute("GRANT USAGE ON FOREIGN SERVER seen TO alice, bob")
    query = "SELECT umoptions::text FROM pg_user_mappings WHERE srvname = 'seen'"
    session.execute("SET ROLE alice")
    assert "alice-secret" in session.execute(query).fetchone()[0]
    session.execute("SET ROLE bob")
    assert session.execute(query).fetchone() == (None,)
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute("SELECT umoptions FROM pg_user_mapping")


def test_a_literal_password_is_moved(guarded, session, topic):
    session.execute("DROP SERVER IF EXISTS orders_connection CASCADE")
    given = {
        **sasl_ssl(guarded, "SCRAM-SHA-512"),
        **alice(),
        "topic": topic,
        "kafka.fetch.wait.max.ms": "20",
        "format": "json",
    }
    session.execute("SET ROLE alice")
    left = session.execute("SELECT probe.hide(%s, 'orders')", (Jsonb(given),)).fetchone()[0]
    assert left == {
        "topic": topic,
        "format": "json",
        "kafka.fetch.wait.max.ms": "20",
        "connection": "orders_connection",
    }
    assert topic in topics(session, "orders_connection")
    session.execute("RESET ROLE")
    owner, shown = session.execute(
        "SELECT srvowner::regrole::text, srvoptions::text FROM pg_foreign_server "
        "WHERE srvname = 'orders_connection'"
    ).fetchone()
    assert owner == "alice"
    assert "secret" not in shown
    # The name is taken now; and the connection goes with what it was made for.
    second = session.execute("SELECT probe.hide(%s, 'orders')", (Jsonb(given),)).fetchone()[0]
    assert second["connection"] == "orders_connection2"
    session.execute("DROP SERVER orders_connection2 CASCADE")
    session.execute("CREATE VIEW orders AS SELECT 1")
    session.execute("SELECT probe.own('orders_connection', 'orders')")
    session.execute("DROP VIEW orders")
    assert not session.execute(
        "SELECT FROM pg_foreign_server WHERE srvname = 'orders_connection'"
    ).fetchone()


# --- the client ------------------------------------------------------------------------


@pytest.fixture
def admin(guarded, session):
    """Options of a connection that may do everything."""
    own = connect(
        session,
        "admin",
        {
            "bootstrap.servers": guarded.sasl,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
        },
        {"sasl.username": "admin", "sasl.password": "admin-secret"},
    )
    return Jsonb(own)


def offsets(session, admin, topic, at="infinity"):
    return session.execute("SELECT * FROM probe.offsets(%s, %s, %s)", (admin, topic, at)).fetchall()


def test_offsets_are_those_of_committed_records(guarded, session, admin, topic):
    def when(ms):
        return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)

    guarded.alter_topic(topic, {"retention.ms": "-1"})
    guarded.produce(topic, [Out(str(i), None, (), 1_000 * i, 0) for i in range(1, 6)])
    guarded.produce(topic, [Out("x", None, (), 9_000, 1)], transactional_id=topic)
    # The broker's own record that ends the transaction comes after its word.
    wanted = [(0, 0, 5, 5), (1, 0, 2, 2)]
    wait_for("it is over", lambda: offsets(session, admin, topic) == wanted, 10)
    assert offsets(session, admin, topic, when(2_000))[0] == (0, 0, 5, 1)
    assert offsets(session, admin, topic, when(2_000.5))[0] == (0, 0, 5, 2)
    assert offsets(session, admin, topic, "-infinity")[0] == (0, 0, 5, 0)
    assert offsets(session, admin, topic, when(6_000))[0] == (0, 0, 5, 5)
    guarded.delete_records(topic, 0, 3)
    assert offsets(session, admin, topic, "-infinity")[0] == (0, 3, 5, 3)
    # Records behind the first open transaction may never come to be.
    producer = guarded.producer(f"{topic}_open")
    producer.begin()
    producer.send(topic, [Out("y", partition=0)])
    guarded.produce(topic, [Out("z", partition=0)])
    assert offsets(session, admin, topic)[0] == (0, 3, 5, 5)
    producer.commit()
    wait_for("the transaction is seen", lambda: offsets(session, admin, topic)[0][2] > 5, 10)


def test_a_topic_is_made_once_and_known_again(guarded, session, admin, topic):
    def make(name, partitions=2, configs=None):
        return session.execute(
            "SELECT probe.create_topic(%s, %s, %s, 1, %s)",
            (admin, name, partitions, Jsonb(configs or {})),
        ).fetchone()[0]

    new = f"{topic}_new"
    assert make(new, 3, {"cleanup.policy": "compact"})
    assert not make(new)
    before = topics(session, "admin")[new]
    assert before[:2] == (3, 1)
    guarded.delete_topic(new)
    assert make(new, -1)
    assert topics(session, "admin")[new][2] != before[2]
    with pytest.raises(errors.InvalidParameterValue):
        make(f"{topic}_other", 1, {"cleanup.policy": "sometimes"})
    with pytest.raises(errors.InvalidName):
        make("no topic")


def test_a_fenced_producer_is_told(session, admin, topic):
    with pytest.raises(psycopg.Error) as caught:
        session.execute("SELECT probe.fence(%s, %s, %s)", (admin, topic, topic))
    assert caught.value.sqlstate == "VE004"


def test_waiting_can_be_cancelled(session):
    session.execute("SET statement_timeout = '300ms'")
    began = time.monotonic()
    with pytest.raises(errors.QueryCanceled):
        topics(session, "127.0.0.1:1")
    assert time.monotonic() - began < 3


def blocked_signals(pid):
    """Masks of all threads but the backend's own."""
    masks = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if task.name != str(pid):
            lines = (task / "status").read_text(encoding="ascii").splitlines()
            masks += [int(line.split()[1], 16) for line in lines if line.startswith("SigBlk")]
    return masks


def test_threads_take_no_signals_and_end_with_the_session(server, broker):
    session = server.connect()
    pid = session.info.backend_pid
    name = Jsonb({"bootstrap.servers": broker.bootstrap})

    def wait_for_ever():
        with pytest.raises(psycopg.Error):
            # No such topic: the record waits for it.
            session.execute("SELECT probe.send(%s, 'no_such_topic', 'x', 60000)", (name,))

    thread = threading.Thread(target=wait_for_ever)
    thread.start()
    masks = wait_for("there are threads", lambda: blocked_signals(pid), 20)
    # Every signal that PostgreSQL uses: HUP, INT, QUIT, USR1, USR2, ALRM, TERM, CHLD.
    wanted = sum(1 << (number - 1) for number in (1, 2, 3, 10, 12, 14, 15, 17))
    assert all(mask & wanted == wanted for mask in masks)
    server.ask("SELECT pg_terminate_backend(%s)", pid)
    thread.join(20)
    assert not thread.is_alive()
    wait_for("the process is gone", lambda: not pathlib.Path(f"/proc/{pid}").exists(), 10)
    log = server.log.read_text(encoding="utf-8", errors="replace")
    assert "terminated by signal" not in log
    assert "left behind" not in log


def test_nothing_secret_was_written_down(server, session):
    """Runs last: looks at what all tests before have left."""
    tables = session.execute(
        "SELECT format('SELECT t::text FROM %I.%I t', n.nspname, c.relname) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v') AND n.nspname IN ('velo', 'velo_state', 'velo_storage')"
    ).fetchall()
    found = [row[0] for (query,) in tables for row in session.execute(query).fetchall()]
    # Only the owner of a mapping may read it; everybody reads these.
    for query in (
        "SELECT s::text FROM pg_foreign_server s",
        "SELECT t::text FROM pg_foreign_table t",
        "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    ):
        found += [row[0] for row in session.execute(query).fetchall()]
    found.append(server.log.read_text(encoding="utf-8", errors="replace"))
    assert len(found) > 3
    for text in filter(None, found):
        assert not [secret for secret in SECRETS if secret in text]
