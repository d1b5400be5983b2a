"""HTTP: the gateway, with a log-in for each request."""

import base64
import http.client
import json
import os
import pathlib
import signal
import subprocess
import urllib.parse

import pytest
from chaoslib.cluster import wait_for
from doorslib.door import Door, Refused
from doorslib.world import PASSWORDS

TIMEOUT_SECONDS = 60
STOP_SECONDS = 30


def program():
    folder = os.environ.get("VELO_PROGRAMS") or pathlib.Path(
        os.environ.get("VELO_HOME", ".run"), "build/programs"
    )
    return pathlib.Path(folder, "velo-gateway")


class HttpDoor(Door):
    name = "http"

    def __init__(self, cluster, folder):
        self.log = folder / "gateway.log"
        settings = {
            # Its own role may do nothing but read the routes.
            "database": f"host=127.0.0.1 port={cluster.port} dbname=postgres user=gateway",
            "port": 0,
            "auth": "password",
            "request-key-file": cluster.key_file,
            "connections-per-address": 1024,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program(), *(f"--{name}={value}" for name, value in settings.items())],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PGPASSWORD": PASSWORDS["gateway"]},
            )
        line = self.process.stdout.readline()
        assert " listens on " in line, self.log.read_text(encoding="utf-8")[-5000:]
        self.server = urllib.parse.urlparse(line.split()[-1]).netloc
        self.routes = {}

    def start(self):
        """Until it has read its routes; then what they are."""
        wait_for("the gateway is ready", lambda: self.send("GET", "/ready")[0] == 200, STOP_SECONDS)
        self.routes = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in self.ask("ann", "GET", "/openapi.json")["paths"].items()
            for method, operation in item.items()
        }

    def token(self, role):
        return "Basic " + base64.b64encode(f"{role}:{PASSWORDS[role]}".encode()).decode()

    def ask(self, role, method, path, body=None):
        headers = {"Authorization": self.token(role), "Content-Type": "application/json"}
        status, answer = self.send(method, path, body, headers)
        if status >= 400:
            raise Refused(answer["code"], answer["message"])
        return answer

    def send(self, method, path, body=None, headers=None):
        """Status and content of the answer."""
        connection = http.client.HTTPConnection(self.server, timeout=TIMEOUT_SECONDS)
        body = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        is_json = (reply.getheader("Content-Type") or "").startswith("application/json")
        return reply.status, json.loads(text) if is_json else text

    def call(self, role, function, **arguments):
        method, path, operation = self.routes[function]
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                value = urllib.parse.quote(arguments.pop(parameter["name"]), safe="")
                path = path.replace("{" + parameter["name"] + "}", value)
        if method == "GET":
            query = urllib.parse.urlencode(arguments)
            return self.ask(role, method, f"{path}?{query}" if query else path)
        return self.ask(role, method, path, arguments)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self.log.read_text(encoding="utf-8")[-5000:]
        self.process.stdout.close()


def open_door(cluster, tmp_path_factory):
    if not program().exists():
        pytest.skip(f"{program()} is not there: scripts/programs gateway")
    door = HttpDoor(cluster, tmp_path_factory.mktemp("gateway"))
    try:
        door.start()
    except BaseException:
        door.close()
        raise
    return door
