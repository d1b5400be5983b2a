"""What tests of GET /api/live need: gateways of their own, and two kinds of clients.

Live speaks JSON, as a page does; Raw sends any bytes it likes.  The gateways' settings
are small, so that limits are met soon.  VELO_SANITIZE=1 takes the build with sanitizers;
where server and program are: gatewaylib.
"""

import base64
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time
import urllib.parse

import gatewaylib
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
TIMEOUT = 10


# --- the database -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def dbname(request):
    """A new database with the extension."""
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    name = "velo_" + request.module.__name__.rsplit(".", 1)[-1]
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    with psycopg.connect(dbname=name, autocommit=True) as session:
        session.execute("CREATE EXTENSION velostream")
    yield name
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def db(dbname):
    """A session of a superuser's."""
    with psycopg.connect(dbname=dbname, autocommit=True) as session:
        yield session


@pytest.fixture(scope="module")
def roles(db):
    """Two roles that can log in with the password "secret"."""
    names = ["velo_live_one", "velo_live_two"]
    for name in names:
        db.execute(f"DROP ROLE IF EXISTS {name}")
        db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    yield names
    for name in names:
        db.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def stream(db, request):
    """A native stream (n bigint, value text)."""
    name = f"live_{abs(hash(request.node.name)) % 10**8}"
    db.execute(f"DO LANGUAGE velo $$CREATE STREAM {name} (n bigint, value text) WITH ('type' = 'native')$$")
    yield name
    db.execute(f"DO LANGUAGE velo $$DROP STREAM {name}$$")


def insert(db, stream, first, last):
    db.execute(f"INSERT INTO {stream} SELECT n, 'v' || n FROM generate_series({first}, {last}) n")


def backends(db, stream):
    """Process ids of live queries over this stream."""
    rows = db.execute(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()"
        " AND state = 'active'",
        (f"DO LANGUAGE velo%{stream}%",),
    )
    return [pid for (pid,) in rows]


# --- gateways ---------------------------------------------------------------------------


class Gateway:
    """A running velo-gateway; options are its settings, with _ for -."""

    def __init__(self, dbname, log, host=None, password=None, **options):
        path = gatewaylib.program("sanitized" if os.environ.get("VELO_SANITIZE") == "1" else "plain")
        port, host = os.environ.get("PGPORT", "5432"), host or os.environ["PGHOST"]
        user = os.environ.get("PGUSER", "postgres")
        database = f"host={host} port={port} dbname={dbname} user={user}"
        if password:
            database += f" password={password}"
        settings = {
            "port": "0",
            "connections_per_address": "4000",
            "connections_max": "4000",
            **options,
        }
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self.log = log
        with open(log, "ab") as stderr:
            self.process = subprocess.Popen(
                [path, *flags],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                # not on the command line, which everybody sees
                env={**os.environ, "VELO_GATEWAY_DATABASE": database},
            )
        line = self.process.stdout.readline()
        assert " listens on " in line, pathlib.Path(log).read_text(encoding="utf-8")
        url = urllib.parse.urlparse(line.split()[-1])
        self.host, self.port, self.pid = url.hostname, url.port, self.process.pid

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        self.process.kill()

    def wait(self, timeout=20):
        return self.process.wait(timeout)

    def stop(self):
        """Ends it; a sanitizer that found something makes this fail."""
        if self.process.poll() is None:
            self.terminate()
            assert self.wait() == 0, pathlib.Path(self.log).read_text(encoding="utf-8")[-5000:]
        self.process.stdout.close()


@pytest.fixture(scope="module")
def gateway(dbname, tmp_path_factory):
    """In open mode."""
    program = Gateway(dbname, tmp_path_factory.mktemp("gateway") / "log", live_per_user="100")
    yield program
    program.stop()


@pytest.fixture
def start_gateway(dbname, tmp_path):
    """start_gateway(**settings) starts one for this test."""
    started = []

    def start(**options):
        started.append(Gateway(dbname, tmp_path / f"log{len(started)}", **options))
        return started[-1]

    yield start
    for program in started:
        program.stop()


@pytest.fixture
def small_gateway(start_gateway):
    """One with small limits."""
    return start_gateway(
        live_per_user="2",
        live_sockets_per_user="4",
        live_idle_timeout="1s",
        live_ping_interval="200ms",
        live_peer_timeout="2s",
    )


@pytest.fixture
def password_gateway(start_gateway):
    """One to which users log in; the server asks for passwords on TCP only."""
    password = urllib.parse.urlparse(os.environ["VELO_DSN"]).password
    return start_gateway(auth="password", host="127.0.0.1", password=password)


# --- clients ----------------------------------------------------------------------------


class Live:
    """A client as a page is one."""

    def __init__(self, gateway, user=None, password=None, **options):
        headers = dict(options.pop("headers", {}))
        if user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        self.connected = connect(
            f"ws://{gateway.host}:{gateway.port}/api/live",
            additional_headers=headers,
            max_size=None,
            compression=None,
            close_timeout=2,
            **options,
        )
        self.ws = self.connected.__enter__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close()

    def say(self, kind, **more):
        self.ws.send(json.dumps({"type": kind, **more}))

    def query(self, sql, **more):
        self.say("query", sql=sql, **more)

    def frame(self, timeout=TIMEOUT):
        return json.loads(self.ws.recv(timeout=timeout))

    def until(self, *kinds, timeout=TIMEOUT):
        """The next frame of one of these kinds; all others before it are left out."""
        end = time.monotonic() + timeout
        while True:
            frame = self.frame(max(0, end - time.monotonic()))
            if frame["type"] in kinds:
                return frame

    def all(self, sql, **more):
        """A whole query: its columns, its rows, its last frame."""
        self.query(sql, **more)
        columns, rows = None, []
        while True:
            frame = self.frame()
            if frame["type"] == "columns":
                columns = frame["columns"]
            elif frame["type"] == "rows":
                rows += frame["rows"]
            elif frame["type"] in ("complete", "error"):
                return columns, rows, frame

    def rows(self, count, timeout=TIMEOUT):
        rows = []
        while len(rows) < count:
            rows += self.until("rows", timeout=timeout)["rows"]
        return rows

    def close_code(self, timeout=TIMEOUT):
        """What the server closes with; frames before that are left out."""
        try:
            while True:
                self.ws.recv(timeout=timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None, form=None):
    """One frame; length: what it claims, form: 126 or 127 for that form of the length."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    form = form or (size if size < 126 else 126 if size < 65536 else 127)
    head = struct.pack("!BB", first, (0x80 if masked else 0) | form)
    head += struct.pack("!H", size) if form == 126 else b""
    head += struct.pack("!Q", size) if form == 127 else b""
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def request(gateway, **headers):
    """The text of a handshake; a header given as None is left out."""
    wanted = {
        "Host": f"{gateway.host}:{gateway.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    wanted.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}\r\n" for name, value in wanted.items() if value is not None]
    return ("GET /api/live HTTP/1.1\r\n" + "".join(lines) + "\r\n").encode()


class Raw:
    """A client that sends any bytes it likes."""

    def __init__(self, gateway, more=b"", receive_buffer=None, **headers):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect((gateway.host, gateway.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request(gateway, **headers) + more)
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self.fill()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        self.head = head.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.bytes += data

    def take(self, size):
        while len(self.bytes) < size:
            self.fill()
        data, self.bytes = self.bytes[:size], self.bytes[size:]
        return data

    def send(self, data, chop=None):
        for at in range(0, len(data), chop or len(data) or 1):
            self.socket.sendall(data[at : at + (chop or len(data))])

    def say(self, kind, **more):
        self.send(frame(TEXT, json.dumps({"type": kind, **more}).encode()))

    def frame(self):
        """(opcode, payload) of the next frame, which must be whole and not masked."""
        first, second = self.take(2)
        assert first & 0xF0 == 0x80, "neither fragments nor reserved bits are expected"
        assert second < 128, "a server does not mask"
        size = second
        if second == 126:
            (size,) = struct.unpack("!H", self.take(2))
        elif second == 127:
            (size,) = struct.unpack("!Q", self.take(8))
        return first & 0x0F, self.take(size)

    def message(self):
        """The next text message; pings are left out."""
        while True:
            opcode, payload = self.frame()
            if opcode != PING:
                assert opcode == TEXT, (opcode, payload)
                return json.loads(payload)

    def until(self, *kinds):
        while True:
            message = self.message()
            if message["type"] in kinds:
                return message

    def close_code(self):
        """The code of the server's close frame, None when it has none; then the end."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                break
        try:
            while True:
                self.fill()
        except EOFError:
            pass
        return struct.unpack("!H", payload[:2])[0] if payload else None


def wait_for(condition, timeout=TIMEOUT, pause=0.01):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(pause)
    return value


# A sanitizer keeps what was freed.
MEASURES_MEMORY = os.environ.get("VELO_SANITIZE") != "1"


def private_kb(pid):
    """Memory that only this process has, and has written: its own."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if "Private_Dirty" in line)
