"""What tests of the gateway need: a database, gateways of their own, and clients.

The server is that of PGHOST, PGPORT and PGUSER (tests/README.md); log-ins with a password
go by TCP to the same server.  Programs are those of VELO_PROGRAMS or
VELO_HOME/build/programs, "-sanitized" behind it for the build with sanitizers; they are
built when the folder may be written to.
"""

import base64
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[3]
PASSWORD = "correct horse: 'battery' \"ü\""
USER = "velo_gateway_analyst"
OTHER = "velo_gateway_other"
# A report of a sanitizer; they write to standard error and change the exit code.
REPORT = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:")


def socket_dsn(database):
    """Trusted: no password is asked for."""
    return f"host={os.environ['PGHOST']} port={os.environ.get('PGPORT', '5432')} dbname={database}"


def tcp_dsn(database):
    """A password is asked for."""
    return f"host=127.0.0.1 port={os.environ.get('PGPORT', '5432')} dbname={database}"


def superuser_dsn(database):
    return socket_dsn(database) + f" user={os.environ.get('PGUSER', 'postgres')}"


def connect(database):
    return psycopg.connect(superuser_dsn(database), autocommit=True)


def wait_for(condition, timeout=20):
    """Until condition() is true; returns what it returned."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s"
        time.sleep(0.02)
    return value


def program(build="plain"):
    """Path of velo-gateway, built if that is possible."""
    folder = os.environ.get("VELO_PROGRAMS") or f"{os.environ['VELO_HOME']}/build/programs"
    environment = dict(os.environ)
    if build == "sanitized":
        environment["VELO_SANITIZE"] = "1"
        folder += "-sanitized"
    path = pathlib.Path(folder, "velo-gateway")
    nearest = next(parent for parent in path.parents if parent.exists())
    if os.access(nearest, os.W_OK):
        subprocess.run([ROOT / "scripts/programs", "gateway"], check=True, env=environment)
    return path


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Client:
    """One connection; HTTP headers are given as they are."""

    def __init__(self, gateway, timeout=20, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=timeout)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {**self.headers, **headers}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body, headers)

    def ask(self, method, path, body=None, **headers):
        self.send(method, path, body, **headers)
        return Answer(self.connection.getresponse())

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, body if body is not None else {}, **headers)


def basic(user, password):
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {text}"


class Gateway:
    """A running velo-gateway; options are its settings."""

    def __init__(self, folder, build="plain", environment=None, **options):
        settings = {"port": "0", **options}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self.log_path = pathlib.Path(folder, f"gateway-{time.monotonic_ns()}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [program(build), *flags],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        line = self.process.stdout.readline()
        assert " listens on " in line, self.log()
        self.url = line.split()[-1]
        self.port = urllib.parse.urlparse(self.url).port

    def log(self):
        return self.log_path.read_text(encoding="utf-8")

    def lines(self):
        """The log's lines that are whole."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def client(self, **options):
        return Client(self, **options)

    def get(self, path, **headers):
        with self.client() as client:
            return client.get(path, **headers)

    def post(self, path, body=None, **headers):
        with self.client() as client:
            return client.post(path, body, **headers)

    def metric(self, name):
        """Of the gateway's own figures; needs open mode."""
        text = self.get("/metrics").body.decode()
        values = [line.split()[-1] for line in text.splitlines() if line.startswith(name + " ")]
        return int(values[0])

    def wait_ready(self):
        wait_for(lambda: self.get("/ready").status == 200)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=30):
        """Ends it in order and returns its exit code; a sanitizer's report is an error."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.process.stdout.close()
        log = self.log()
        assert not any(report in log for report in REPORT), log[-8000:]
        return code

    def raw(self, data, timeout=10):
        """Sends bytes, and reads until the gateway closes or is silent for the time-out.
        Returns what came and whether it closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except TimeoutError:
                return answer, False
            except ConnectionResetError:
                pass
            return answer, True
