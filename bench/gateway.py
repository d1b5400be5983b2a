"""What the gateway costs: calls by HTTP (wrk), and live queries by WebSocket.

The WebSocket client is ours and does nothing but take frames apart, so that the numbers are
the gateway's.
"""

import base64
import json
import os
import re
import socket
import statistics
import subprocess
import time
import urllib.parse

SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", 32))
ROWS = int(os.environ.get("BENCH_LIVE_ROWS", 1_000_000))
# More backends than that on few processors only take turns, which the slowest calls pay for.
WORKERS = int(os.environ.get("BENCH_WORKERS", 8))
ASKED = 100  # times, of which the median and the worst are shown
USER, PASSWORD = "bench_caller", "bench"

FUNCTIONS = f"""
CREATE FUNCTION bench_small() RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT '{{"a": 1}}'::jsonb $$;
CREATE FUNCTION bench_rows() RETURNS TABLE (n integer, text text) LANGUAGE sql STABLE AS
    $$ SELECT n, repeat('x', 20) FROM generate_series(1, 100) n $$;
SELECT velo._route('GET', '/api/bench/small', 'bench_small()', result => 'value');
SELECT velo._route('GET', '/api/bench/rows', 'bench_rows()');
DROP ROLE IF EXISTS {USER};
CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}';
"""


class Gateway:
    """In password mode, so that every call is authenticated."""

    def __enter__(self):
        settings = {
            "auth": "password",
            "port": "0",
            "log-requests": "off",
            "workers": str(WORKERS),
            "pool-size": str(WORKERS),
            "database": f"host=127.0.0.1 port={os.environ['PGPORT']} dbname=bench user={USER}",
            "static": os.environ["BENCH_PAGE"],
        }
        self.process = subprocess.Popen(
            [os.environ["BENCH_GATEWAY"], *(f"--{name}={value}" for name, value in settings.items())],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PGPASSWORD": PASSWORD},
        )  # fmt: skip
        self.url = self.process.stdout.readline().split()[-1]
        self.basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        deadline = time.monotonic() + 30
        while b" 200 " not in self.get("/ready"):
            assert time.monotonic() < deadline, "the gateway does not become ready"
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def connect(self):
        address = urllib.parse.urlparse(self.url)
        return socket.create_connection((address.hostname, address.port), timeout=60)

    def get(self, path, accept="identity"):
        with self.connect() as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {accept}\r\nConnection: close\r\n\r\n".encode()
            )
            return connection.makefile("rb").read()

    def page(self):
        """Bytes and requests of the page's first load: what its HTML names, compressed."""
        html = self.get("/").split(b"\r\n\r\n", 1)[1].decode()
        paths = ["/", *re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', html)]
        return sum(len(self.get(path, "br").split(b"\r\n\r\n", 1)[1]) for path in paths), len(paths)

    def wrk(self, path):
        """Calls a second, median and 99th percentile in ms."""
        text = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency",
             "-H", f"Authorization: {self.basic}", self.url + path],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert "Non-2xx" not in text, text
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        return [f"{rate:,.0f}", milliseconds(text, "50%"), milliseconds(text, "99%")]


def milliseconds(text, name):
    number, unit = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", text).groups()
    return f"{float(number) * {'us': 0.001, 'ms': 1, 's': 1000}[unit]:.2f}"


class Socket:
    """A WebSocket that takes frames apart and no more."""

    def __init__(self, gateway):
        self.connection = gateway.connect()
        self.file = self.connection.makefile("rb", buffering=1 << 20)
        self.connection.sendall(
            f"GET /api/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: {gateway.basic}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
        )
        head = self.file.readline()
        assert b" 101 " in head, head
        while self.file.readline() != b"\r\n":
            pass

    def send(self, message):
        text = json.dumps(message).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        # a mask of zeros is a mask
        self.connection.sendall(b"\x81" + size + b"\0\0\0\0" + text)

    def frame(self):
        _, size = self.file.read(2)
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return self.file.read(size)

    def query(self, sql):
        """Seconds to the first rows and to the end, and how many rows came."""
        begun = time.monotonic()
        first = None
        self.send({"type": "query", "sql": sql})
        while True:
            frame = self.frame()
            if first is None and frame.startswith(b'{"type":"rows"'):
                first = time.monotonic() - begun
            if frame.startswith((b'{"type":"complete"', b'{"type":"error"')):
                last = json.loads(frame)
                assert last["type"] == "complete", last
                return first, time.monotonic() - begun, last["rows"]

    def close(self):
        self.file.close()
        self.connection.close()


def live(gateway):
    live_socket = Socket(gateway)
    sql = f"SELECT n, md5(n::text) AS hash, n * 0.5::float8 AS half FROM generate_series(1, {ROWS}) n"
    _, seconds, rows = live_socket.query(sql)
    assert rows == ROWS
    latencies = sorted(live_socket.query("SELECT 1 AS a")[0] * 1000 for _ in range(ASKED))
    live_socket.close()
    return f"{rows / seconds:,.0f}", f"{statistics.median(latencies):.2f}", f"{latencies[-2]:.2f}"


def measure(connect, report):
    """connect() gives a superuser's session of the database bench; report as in bench.py."""
    connect().execute(FUNCTIONS)
    with Gateway() as gateway:
        rows = [
            ["calls: /health, no database", *gateway.wrk("/health")],
            ["calls: authenticated, one small value", *gateway.wrk("/api/bench/small")],
            ["calls: authenticated, 100 rows", *gateway.wrk("/api/bench/rows")],
        ]
        rate, median, worst = live(gateway)
        size, requests = gateway.page()
    rows.append([f"live: {ROWS:,} rows of three columns on one WebSocket", rate, "", ""])
    rows.append(["live: first row of a small query", "", median, worst])
    report(
        "gateway",
        f"The gateway, {CONNECTIONS} connections, {WORKERS} workers",
        "wrk (one thread), PostgreSQL and the gateway share the machine. Every call logs in by a "
        "password in its header and is one transaction of that role. Log lines of requests are off.\n\n"
        f"First load of the page: {size:,} bytes in {requests} requests, compressed by Brotli; the editor and\n"
        "the chart come when they are needed.",
        ["", "a second", "median ms", "p99 ms"],
        rows,
    )
