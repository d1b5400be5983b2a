"""Servers of the Model Context Protocol for tests, over HTTP and over stdio.

The PostgreSQL is that of PGHOST, PGPORT and PGUSER; the programs those of VELO_PROGRAMS or
VELO_HOME/build/programs (scripts/programs); the official clients those of
VELO_HOME/mcp-clients/current (scripts/mcp_clients).
"""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import time

import psycopg
import psycopg.conninfo
import pytest

LEGACY = ["2025-03-26", "2025-06-18", "2025-11-25"]
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
TIMEOUT = 20

ids = itertools.count(1)


def home():
    folder = os.environ.get("VELO_HOME")
    if not folder or "PGHOST" not in os.environ:
        pytest.skip("VELO_HOME or PGHOST is not set")
    return pathlib.Path(folder)


def program(name):
    folder = os.environ.get("VELO_PROGRAMS") or home() / "build/programs"
    path = pathlib.Path(folder) / name
    if not path.exists():
        pytest.skip(f"no {path}: run scripts/programs")
    return str(path)


def clients():
    folder = home() / "mcp-clients/current"
    if not folder.exists():
        pytest.skip(f"no {folder}: run scripts/mcp_clients")
    return folder.resolve()


def wait_for(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"did not happen in {TIMEOUT} s: {what}")


def make_database(name, *files):
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    with psycopg.connect(dbname=name, autocommit=True) as session:
        session.execute("CREATE EXTENSION velostream")
        for file in files:
            session.execute(pathlib.Path(file).read_text(encoding="utf-8"))


def conninfo(database):
    """Of a name, or of what is a connection string already."""
    return database if "=" in database or "://" in database else f"dbname={database}"


def by_tcp(dbname):
    """A connection string that asks for passwords, which sockets of tests do not."""
    if "VELO_DSN" not in os.environ:
        pytest.skip("VELO_DSN is not set")
    return psycopg.conninfo.make_conninfo(os.environ["VELO_DSN"], dbname=dbname)


def drop_database(name):
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


# --- messages ---------------------------------------------------------------------------


def meta(revision=MODERN, capabilities=None, **more):
    return {
        META + "protocolVersion": revision,
        META + "clientCapabilities": capabilities or {},
        **more,
    }


def message(method, params=None, revision=MODERN, **parts):
    """A request as a client of the revision sends it; parts replace or add members."""
    params = dict(params or {})
    if revision == MODERN:
        params.setdefault("_meta", meta())
    whole = {"jsonrpc": "2.0", "id": next(ids), "method": method, "params": params}
    whole.update(parts)
    return {key: value for key, value in whole.items() if value is not ...}


def headers_for(body, revision):
    headers = {"MCP-Protocol-Version": revision}
    if revision == MODERN:
        headers["Mcp-Method"] = body["method"]
        name = body["params"].get("name") or body["params"].get("uri")
        if name and body["method"] in ("tools/call", "resources/read", "prompts/get"):
            headers["Mcp-Name"] = name
    return headers


class Http:
    """POST /mcp of a gateway."""

    def __init__(self, dbname, *flags):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.process = subprocess.Popen(
            [program("velo-gateway"), f"--port={self.port}", f"--database={conninfo(dbname)}", *flags],
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.is_up, "the gateway answers")

    def is_up(self):
        assert self.process.poll() is None, "the gateway ended"
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def raw(self, body, headers=None, method="POST"):
        """(status, headers, body) of one HTTP request; body: bytes or text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **(headers or {}),
        }
        sent = {name: value for name, value in sent.items() if value is not None}
        # What is too long is refused before it has come; the answer is there to be read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, "/mcp", body, sent)
        response = connection.getresponse()
        answer = response.read().decode()
        connection.close()
        return response.status, response.headers, answer

    def send(self, body, revision=MODERN, headers=None):
        """(status, answer) of a message; of a stream of events the last one."""
        text = json.dumps(body)
        all_headers = {**headers_for(body, revision), **(headers or {})}
        status, received, answer = self.raw(text, all_headers)
        if received.get_content_type() == "text/event-stream":
            return status, events(answer)[-1]
        return status, json.loads(answer) if answer else None

    def ask(self, method, params=None, revision=MODERN):
        return self.send(message(method, params, revision), revision)[1]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT) == 0


def events(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


class Stdio:
    """velo mcp."""

    def __init__(self, dbname, *arguments, **environment):
        self.process = subprocess.Popen(
            [program("velo"), "mcp", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PGDATABASE": dbname, **environment},
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def write(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.lines.get(timeout=TIMEOUT)
        assert line is not None, self.process.stderr.read().decode()
        return json.loads(line)

    def send(self, body):
        self.write(json.dumps(body))
        return self.receive()

    def hello(self, revision):
        answer = self.send(message("initialize", initialize(revision), revision))
        self.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        return answer["result"]

    def ask(self, method, params=None, revision=MODERN):
        return self.send(message(method, params, revision))

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(TIMEOUT) == 0, self.process.stderr.read().decode()


def initialize(revision):
    return {
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }


def call(tool, **arguments):
    return {"name": tool, "arguments": arguments}
