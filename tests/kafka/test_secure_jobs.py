"""Do jobs work with a broker that asks who they are, say what is wrong, and go on when it is mended?

Nothing is restarted by hand anywhere here: a password, a right, a certificate or the broker
itself comes back, and the job must notice.
"""

import json
import os
import pathlib
import re

import pytest
from chaoslib.cluster import Cluster
from kafkalib import Out
from kafkalib.wait import Deadline, wait_for

SECONDS = 45
CONTROL = "_velo_control"
# What must never be seen outside user mappings.
SECRETS = {"carol-secret", "carol-changed", "bob-secret", "key-secret", "wrong-secret"}
# Tests do not wait for long delays.
PATIENCE = {"kafka.reconnect.backoff.max.ms": "300"}
QUICK = {"retry.max.delay": "500ms", "retry.max.attempts": "1000", "auto.offset.reset": "earliest"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    prefix = os.environ.get("VELO_PREFIX")
    if not prefix:
        pytest.skip("VELO_PREFIX, an installation with the extension, is not set")
    cluster = Cluster(tmp_path_factory.mktemp("secure"), pathlib.Path(prefix) / "bin")
    cluster.secrets = tmp_path_factory.mktemp("secrets")
    cluster.init(f"velo.kafka_timeout = '2s'\nvelo.secrets_dir = '{cluster.secrets}'\n")
    cluster.start()
    with cluster.connect() as session:
        session.execute("CREATE EXTENSION velostream")
        # A role that is no superuser; what it may do is what users get.
        session.execute("CREATE ROLE carol LOGIN IN ROLE velo_user")
        session.execute("GRANT USAGE ON FOREIGN DATA WRAPPER velo_kafka TO carol")
        session.execute("GRANT CREATE ON DATABASE postgres TO carol")
    yield cluster
    cluster.destroy()


class Secure:
    """A session of carol's, two topics, and a connection to the broker."""

    def __init__(self, server, broker, topic):
        self.server, self.broker, self.topic = server, broker, topic
        self.output = f"{topic}_out"
        self.session = server.connect()
        self.admin = server.connect()
        self.session.execute("SET ROLE carol")
        self.schema = re.sub(r"\W", "_", topic)[-50:].strip("_")
        self.session.execute(f'CREATE SCHEMA "{self.schema}"')
        self.session.execute(f'SET search_path = "{self.schema}", public')
        self.connection = f"c_{self.schema}"

    def connect(self, options, mapping):
        self.session.execute(
            f'CREATE SERVER "{self.connection}" FOREIGN DATA WRAPPER velo_kafka '
            f"OPTIONS ({described(options)})"
        )
        self.session.execute(
            f'CREATE USER MAPPING FOR carol SERVER "{self.connection}" OPTIONS ({described(mapping)})'
        )

    def change(self, **mapping):
        values = {name.replace("_", "."): value for name, value in mapping.items()}
        self.session.execute(
            f'ALTER USER MAPPING FOR carol SERVER "{self.connection}" '
            f"OPTIONS ({described(values, 'SET ')})"
        )

    def velo(self, text):
        self.session.execute("SELECT velo.execute(%s)", (text,))

    def stream(self, **more):
        given = {"type": "kafka", "topic": self.topic, "connection": self.connection, **more}
        self.velo(f"CREATE STREAM s (id bigint, name text) WITH ({properties(given)})")

    def kept(self):
        """A job from the topic to a table."""
        self.velo(
            f"CREATE TABLE kept AS SELECT id PRIMARY KEY, name FROM s EMIT CHANGES WITH ({properties(QUICK)})"
        )

    def copied(self):
        """A job from the topic to the other one: Kafka leads."""
        given = {**QUICK, **self._sink("copied", self.output)}
        self.velo(f"CREATE STREAM copied AS SELECT id, name FROM s WITH ({properties(given)})")

    def counted(self):
        """A job with state from the topic to a topic: PostgreSQL leads."""
        given = {**QUICK, **self._sink("counted", f"{self.output}_counted")}
        self.velo(
            "CREATE STREAM counted AS SELECT name, count(*) AS n FROM s GROUP BY name "
            f"EMIT CHANGES WITH ({properties(given)})"
        )

    def _sink(self, name, topic):
        return {
            f"{name}.type": "kafka_sink",
            f"{name}.topic": topic,
            f"{name}.connection": self.connection,
        }

    def produce(self, first, last):
        values = [json.dumps({"id": n, "name": f"n{n % 3}"}) for n in range(first, last)]
        self.broker.produce(
            self.topic, [Out(value, partition=n % 2) for n, value in enumerate(values)]
        )

    # --- what is seen ----------------------------------------------------------------

    def status(self, job):
        """As carol sees it."""
        return self.session.execute(
            "SELECT to_jsonb(j) FROM velo.job_status(%s) j", (job,)
        ).fetchone()[0]

    def wait_trouble(self, job, sqlstate, *words):
        """Until the status says what is wrong, and is clear about it."""

        def said():
            found = self.status(job)
            # Of two troubles, one after the other, the second counts.
            text = found["last_error"] or ""
            is_it = found["last_sqlstate"] == sqlstate and all(word in text for word in words)
            return found if is_it else None

        try:
            found = wait_for(f"{job} has trouble {sqlstate}", said, SECONDS)
        except Deadline as error:
            raise Deadline(f"{error}: {self.status(job)}") from None
        assert found["condition"] == "retrying", found
        assert found["status"] in ("starting", "running"), found
        shown = self.session.execute("SELECT velo.execute('SHOW JOBS')::text").fetchall()
        assert not [s for s in SECRETS if s in f"{found}{shown}"]
        return found

    def wait_well(self, job):
        def is_well():
            found = self.status(job)
            return found["status"] == "running" and found["condition"] == "ok"

        try:
            wait_for(f"{job} is well", is_well, SECONDS)
        except Deadline as error:
            raise Deadline(f"{error}: {self.status(job)}") from None

    def wait_kept(self, count):
        def all_kept():
            found = self.session.execute("SELECT count(*), count(DISTINCT id) FROM kept")
            return found.fetchone() == (count, count)

        try:
            wait_for(f"{count} rows are kept", all_kept, SECONDS)
        except Deadline as error:
            raise Deadline(f"{error}: {self.status('kept')}") from None

    def wait_copied(self, count):
        def ids():
            if not self.broker.partitions(self.output):
                return []
            return sorted(json.loads(r.value)["id"] for r in self.broker.consume_all(self.output))

        try:
            wait_for(f"{count} rows are copied", lambda: len(ids()) >= count, SECONDS)
        except Deadline as error:
            raise Deadline(f"{error}: {self.status('copied')}") from None
        assert ids() == list(range(count))

    def wait_counted(self, count):
        def total():
            latest = {}
            for r in self.broker.consume_all(f"{self.output}_counted"):
                latest[r.key] = json.loads(r.value)["n"]
            return sum(latest.values()) == count

        wait_for(f"{count} rows are counted", total, SECONDS)

    def check_secrets(self):
        """In the log, in what everybody may read, in the catalog of streams and jobs."""
        log = self.server.log.read_text(encoding="utf-8", errors="replace")
        found = {"log": [s for s in SECRETS if s in log]}
        for table in ("velo.stream", "velo.job", "velo.job_version", "pg_foreign_server",
                      "pg_foreign_table", "velo.position", "velo.dead_letter"):  # fmt: skip
            text = str(self.admin.execute(f"SELECT t::text FROM {table} t").fetchall())
            found[table] = [s for s in SECRETS if s in text]
        for text in ("SHOW JOBS", "SHOW PROPERTIES STREAM s"):
            shown = str(self.session.execute("SELECT velo.execute(%s)::text", (text,)).fetchall())
            found[text] = [s for s in SECRETS if s in shown]
        assert not [place for place, secrets in found.items() if secrets], found

    def close(self):
        self.session.execute("RESET ROLE")
        self.session.execute(f'DROP SCHEMA "{self.schema}" CASCADE')
        self.session.close()
        self.admin.close()


def literal(value):
    return "'" + str(value).replace("'", "''") + "'"


def described(values, verb=""):
    return ", ".join(f'{verb}"{name}" {literal(value)}' for name, value in values.items())


def properties(values):
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in values.items())


def may_read(broker, user, topic):
    broker.allow(user, "READ", topic=topic)


def may_write(broker, user, topic):
    """What the documentation of the sink asks for."""
    broker.allow(user, "WRITE", topic=topic)
    for operation in ("READ", "WRITE", "CREATE"):
        broker.allow(user, operation, topic=CONTROL)
    broker.allow(user, "WRITE", transactional_id="velo-*")


def pem(broker, name):
    return broker.certificates.path(name).read_text(encoding="ascii")


def sasl(broker, mechanism="SCRAM-SHA-512"):
    return {
        "bootstrap.servers": broker.sasl_ssl,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "ssl.ca.pem": pem(broker, "ca.crt"),
        **PATIENCE,
    }


def password(user, text):
    return {"sasl.username": user, "sasl.password": text}


def tls(broker):
    return {
        "bootstrap.servers": broker.ssl,
        "security.protocol": "SSL",
        "ssl.ca.pem": pem(broker, "ca.crt"),
        **PATIENCE,
    }


def key_pair(broker, name, key=None):
    return {
        "ssl.certificate.pem": pem(broker, f"{name}.crt"),
        "ssl.key.pem": pem(broker, f"{key or name}.key"),
    }


@pytest.fixture
def place(server, secure, topic):
    if not secure.node.is_running():
        secure.node.start()
    place = Secure(server, secure, topic)
    for name in (topic, place.output, f"{place.output}_counted"):
        secure.create_topic(name, 2)
    secure.add_user("carol", "carol-secret")
    yield place
    if not secure.node.is_running():
        secure.node.start()
    place.close()


WAYS = {
    "scram": ("carol", lambda b: (sasl(b), password("carol", "carol-secret"))),
    "plain": ("bob", lambda b: (sasl(b, "PLAIN"), password("bob", "bob-secret"))),
    "mtls": (
        "CN=client",
        lambda b: (
            tls(b),
            {**key_pair(b, "client", "client-locked"), "ssl.key.password": "key-secret"},
        ),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_jobs_read_and_write(place, secure, topic, way):
    user, connection = WAYS[way]
    may_read(secure, user, topic)
    may_write(secure, user, f"{topic}_out*")
    place.connect(*connection(secure))
    place.produce(0, 20)
    place.stream()
    place.kept()
    place.copied()
    place.counted()
    place.wait_kept(20)
    place.wait_copied(20)
    place.wait_counted(20)
    place.produce(20, 40)
    place.wait_kept(40)
    place.wait_copied(40)
    place.wait_counted(40)
    for job in ("kept", "copied", "counted"):
        place.wait_well(job)
        assert place.status(job)["restarts"] == 0
    place.check_secrets()


def test_a_wrong_password_is_waited_out(place, secure, topic):
    may_read(secure, "carol", topic)
    may_write(secure, "carol", place.output)
    place.connect(sasl(secure), password("carol", "wrong-secret"))
    place.produce(0, 10)
    place.stream()
    place.kept()
    place.copied()
    for job in ("kept", "copied"):
        place.wait_trouble(job, "08001", "uthentication")
    place.change(sasl_password="carol-secret")
    place.wait_kept(10)
    place.wait_copied(10)
    # In flight: the broker has a new one, and asks for it when the connection is made again.
    secure.add_user("carol", "carol-changed")
    secure.node.kill()
    secure.node.start()
    place.produce(10, 20)
    place.wait_trouble("kept", "08006", "uthentication")
    place.change(sasl_password="carol-changed")
    place.wait_kept(20)
    place.wait_copied(20)
    for job in ("kept", "copied"):
        place.wait_well(job)
    place.check_secrets()


def test_a_password_in_a_file_is_waited_out(place, secure, topic):
    """Nobody tells the job that the file has changed."""
    secret = place.server.secrets / "carol.kafka"
    secret.write_text("carol-secret\n")
    may_read(secure, "carol", topic)
    place.connect(sasl(secure), password("carol", "${secret:carol.kafka}"))
    place.produce(0, 10)
    place.stream()
    place.kept()
    place.wait_kept(10)
    secure.add_user("carol", "carol-changed")
    secure.node.kill()
    secure.node.start()
    place.produce(10, 20)
    place.wait_trouble("kept", "08006", "uthentication")
    secret.write_text("carol-changed\n")
    place.wait_kept(20)
    place.wait_well("kept")
    place.check_secrets()


def test_a_missing_right_is_waited_out(place, secure, topic):
    place.connect(sasl(secure), password("carol", "carol-secret"))
    secure.allow("carol", "DESCRIBE", topic=topic)
    place.produce(0, 10)
    place.stream()
    place.kept()
    place.copied()
    place.wait_trouble("kept", "42501", topic, "authorization failed")
    place.wait_trouble("copied", "42501")
    secure.allow("carol", "READ", topic=topic)
    place.wait_kept(10)
    place.wait_trouble("copied", "42501")
    may_write(secure, "carol", place.output)
    place.wait_copied(10)
    # In flight.
    secure.forbid("carol", "READ", topic=topic)
    secure.forbid("carol", "WRITE", topic=place.output)
    place.produce(10, 20)
    place.wait_trouble("kept", "42501")
    place.wait_trouble("copied", "42501")
    secure.allow("carol", "READ", topic=topic)
    place.wait_kept(20)
    place.wait_trouble("copied", "42501")
    secure.allow("carol", "WRITE", topic=place.output)
    place.wait_copied(20)
    for job in ("kept", "copied"):
        place.wait_well(job)


def test_an_expired_certificate_is_waited_out(place, secure, topic):
    may_read(secure, "CN=client", topic)
    place.connect(tls(secure), key_pair(secure, "expired"))
    place.produce(0, 10)
    place.stream()
    place.kept()
    place.wait_trouble("kept", "08001", "certificate")
    place.change(
        ssl_certificate_pem=pem(secure, "client.crt"), ssl_key_pem=pem(secure, "client.key")
    )
    place.wait_kept(10)
    place.wait_well("kept")
    place.check_secrets()


def test_a_broker_that_is_away_is_waited_for(place, secure, topic):
    may_read(secure, "carol", topic)
    may_write(secure, "carol", place.output)
    place.connect(sasl(secure), password("carol", "carol-secret"))
    place.produce(0, 10)
    place.stream()
    secure.node.stop()
    place.kept()
    place.copied()
    place.wait_trouble("kept", "08001")
    place.wait_trouble("copied", "08001")
    secure.node.start()
    place.wait_kept(10)
    place.wait_copied(10)
    place.wait_well("kept")
    restarts = place.status("kept")["restarts"]
    # In flight.
    secure.node.kill()
    place.wait_trouble("kept", "08006")
    secure.node.start()
    place.produce(10, 20)
    place.wait_kept(20)
    place.wait_copied(20)
    for job in ("kept", "copied"):
        place.wait_well(job)
    assert place.status("kept")["restarts"] == restarts


def test_literal_passwords_are_moved(place, secure, topic):
    may_read(secure, "carol", topic)
    may_write(secure, "carol", place.output)
    place.produce(0, 10)
    given = {"type": "kafka", "topic": topic, **sasl(secure), **password("carol", "carol-secret")}
    place.velo(f"CREATE STREAM s (id bigint, name text) WITH ({properties(given)})")
    place.kept()
    sink = {"type": "kafka_sink", "topic": place.output, **sasl(secure)}
    sink.update(password("carol", "carol-secret"))
    sink = {f"copied.{name}": value for name, value in sink.items()}
    place.velo(
        f"CREATE STREAM copied AS SELECT id, name FROM s WITH ({properties({**QUICK, **sink})})"
    )
    place.wait_kept(10)
    place.wait_copied(10)
    place.check_secrets()
    mappings = place.session.execute(
        "SELECT srvname FROM pg_user_mappings WHERE usename = 'carol' "
        "AND umoptions::text LIKE '%carol-secret%' AND srvname IN ('s_connection', 'copied_connection') "
        "ORDER BY 1"
    ).fetchall()
    assert mappings == [("copied_connection",), ("s_connection",)]
    shown = place.admin.execute("SELECT sql FROM velo.job WHERE name = 'copied'").fetchone()[0]
    assert "***" in shown
    # The text that is stored is run again when the job is.
    place.velo("STOP JOB copied")
    wait_for("it stops", lambda: place.status("copied")["status"] == "stopped", SECONDS)
    place.velo("START JOB copied")
    place.produce(10, 20)
    place.wait_copied(20)
    place.velo("DROP STREAM copied")
    place.velo("DROP TABLE kept")
    place.velo("DROP STREAM s")
    left = place.admin.execute(
        "SELECT srvname FROM pg_foreign_server WHERE srvname IN ('s_connection', 'copied_connection')"
    ).fetchall()
    assert left == []
