"""Starting, losing the database, reloading, draining, and what is said about requests."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

import gatewaylib
from gatewaylib import PASSWORD, USER, basic, wait_for


def sleeping(database):
    with gatewaylib.connect(database) as admin:
        return admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'velo-gateway'"
            " AND state = 'active' AND query LIKE '%sleep%'"
        ).fetchone()[0]


class Relay:
    """A TCP port before PostgreSQL that can be closed and opened again."""

    def __init__(self):
        self.server = None
        self.port = None
        self.pairs = []

    def open(self):
        self.server = socket.create_server(("127.0.0.1", self.port or 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            target = socket.create_connection(("127.0.0.1", int(os.environ.get("PGPORT", "5432"))))
            self.pairs += [client, target]
            for source, sink in ((client, target), (target, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for end in self.pairs:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.pairs.clear()


@pytest.fixture
def relay():
    relay = Relay()
    relay.open()
    yield relay
    relay.close()


def test_the_database_goes_away_and_comes_back(start, database, relay):
    gateway = start(auth="password", environment={"PGPASSWORD": PASSWORD},
                    database=f"host=127.0.0.1 port={relay.port} dbname={database} user={USER}")  # fmt: skip
    user = {"Authorization": basic(USER, PASSWORD)}
    assert gateway.get("/api/session", **user).status == 200
    relay.close()
    wait_for(lambda: gateway.get("/ready").status == 503)
    answer = gateway.get("/api/session", **user)
    assert answer.status == 503
    assert answer.json()["code"].startswith(("08", "57"))
    assert "127.0.0.1" not in answer.body.decode(), "says nothing of hosts"
    assert gateway.get("/health").status == 200
    relay.open()
    gateway.wait_ready()
    assert gateway.get("/api/session", **user).status == 200


def test_a_start_without_the_database(start, database, relay):
    relay.close()
    gateway = start(is_ready=False, auth="password", environment={"PGPASSWORD": PASSWORD},
                    database=f"host=127.0.0.1 port={relay.port} dbname={database} user={USER}")  # fmt: skip
    assert gateway.get("/ready").status == 503
    assert gateway.get("/api/session").status == 503
    relay.open()
    gateway.wait_ready()
    assert gateway.get("/api/session", Authorization=basic(USER, PASSWORD)).status == 200


def test_metrics_stay_without_the_database(start):
    gateway = start(is_ready=False, database="host=/nonexistent")
    text = gateway.get("/metrics").body.decode()
    assert "velo_gateway_database_up 0" in text
    assert "velo_gateway_ready 0" in text


def test_a_killed_connection_is_replaced(start, database):
    gateway = start(pool_size="1")
    first = gateway.get("/api/try/request").json()["pid"]
    with gatewaylib.connect(database) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
    assert gateway.get("/api/try/request").json()["pid"] != first


def test_sighup_reads_the_routes_again(start, database):
    gateway = start()
    with gatewaylib.connect(database) as admin:
        admin.execute("SELECT velo._route('GET', '/api/try/hup', 'try.json_rows()')")
        try:
            assert gateway.get("/api/try/hup").status == 404
            gateway.signal(signal.SIGHUP)
            wait_for(lambda: gateway.get("/api/try/hup").status == 200)
        finally:
            admin.execute("DELETE FROM velo.route WHERE path = '/api/try/hup'")


# --- ending ---------------------------------------------------------------------------


def test_running_requests_are_finished(start, database):
    gateway = start()
    busy, idle = gateway.client(), gateway.client()
    assert idle.get("/health").status == 200
    busy.send("POST", "/api/try/sleep", {"seconds": 1})
    wait_for(lambda: sleeping(database))
    gateway.signal(signal.SIGTERM)
    wait_for(lambda: cannot_connect(gateway))
    answer = gatewaylib.Answer(busy.connection.getresponse())
    assert (answer.status, answer.body, answer.headers["Connection"]) == (200, b"slept", "close")
    assert gateway.process.wait(10) == 0
    assert gateway.lines()[-1]["msg"] == "stopped"


def cannot_connect(gateway):
    try:
        socket.create_connection(("127.0.0.1", gateway.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_what_takes_longer_is_cancelled(start, database):
    gateway = start(drain_timeout="200ms")
    client = gateway.client()
    client.send("POST", "/api/try/sleep", {"seconds": 60})
    wait_for(lambda: sleeping(database))
    begun = time.monotonic()
    gateway.signal(signal.SIGTERM)
    assert gatewaylib.Answer(client.connection.getresponse()).status in (503, 504)
    assert gateway.process.wait(10) == 0
    assert time.monotonic() - begun < 4
    assert not sleeping(database)


def test_connections_to_postgresql_end_with_it(start, database):
    gateway = start()
    pid = gateway.get("/api/try/request").json()["pid"]
    assert gateway.stop() == 0
    with gatewaylib.connect(database) as admin:
        wait_for(lambda: admin.execute("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s",
                                       (pid,)).fetchone()[0])  # fmt: skip


# --- the request's context ------------------------------------------------------------


def test_request_context_is_signed(start, tmp_path):
    key = b"0123456789abcdef0123456789abcdef!"
    key_file = tmp_path / "key"
    key_file.write_bytes(key + b"\n")
    key_file.chmod(0o600)
    gateway = start(request_key_file=str(key_file))
    answer = gateway.get("/api/try/request")
    signed, signature = answer.json()["setting"].rsplit(".", 1)
    assert signature == hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
    version, content = signed.split(".")
    content = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    assert version == "v1"
    assert abs(content.pop("at") - time.time()) < 30
    assert content == {"id": answer.headers["X-Request-Id"], "addr": "127.0.0.1",
                       "pid": answer.json()["pid"], "door": "http"}  # fmt: skip


def test_without_a_key_there_is_no_context(open_gateway):
    assert open_gateway.get("/api/try/request").json()["setting"] == ""


def test_log_lines(start):
    gateway = start()
    answer = gateway.get("/api/none?x=secret")
    lines = wait_for(lambda: [line for line in gateway.lines() if line["msg"] == "request"
                              and line["path"] == "/api/none"])  # fmt: skip
    line = lines[0]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["status"], line["method"], line["level"], line["address"]) == ("404", "GET", "info", "127.0.0.1")
    assert float(line["ms"]) < 10_000
    assert "secret" not in gateway.log()


def test_open_files_are_asked_for(start):
    """As many as connections_max needs, whatever the shell said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        gateway = start(connections_max="600")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text(encoding="ascii")
    files = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(files.split()[3]) >= 600


def test_a_port_that_is_taken(open_gateway, database):
    process = subprocess.run([gatewaylib.program(), f"--port={open_gateway.port}"],
                             capture_output=True, text=True, timeout=20, check=False)  # fmt: skip
    assert process.returncode == 1
    assert "Address already in use" in process.stderr
