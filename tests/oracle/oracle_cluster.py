"""PostgreSQL clusters, and waiting for a condition."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import psycopg
import pytest

DEADLINE_S = 120


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Waits until condition() is true and returns what it gave."""
    end = time.monotonic() + deadline_s
    pause = 0.01
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            shown = what() if callable(what) else what
            raise AssertionError(f"waited {deadline_s} s in vain for {shown}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def prefix():
    """The installation whose programs make clusters."""
    found = os.environ.get("VELO_PREFIX")
    if not found:
        pytest.skip("VELO_PREFIX, an installation with the extension, is not set")
    return pathlib.Path(found)


class Server:
    """Where a server is, for psycopg and for PostgreSQL's own programs."""

    def __init__(self, host, port, user, bindir=None):
        self.host, self.port, self.user, self.bindir = str(host), str(port), user, bindir

    def connect(self, dbname="postgres", autocommit=True, **more):
        more.setdefault("options", "-c timezone=UTC -c client_min_messages=warning")
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=more.pop("user", self.user),
            dbname=dbname,
            autocommit=autocommit,
            **more,
        )

    def program(self, name, *arguments, **more):
        path = str(self.bindir / name) if self.bindir else name
        where = ["-h", self.host, "-p", self.port, "-U", self.user]
        return subprocess.run(
            [path, *where, *arguments], check=True, capture_output=True, text=True, **more
        )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A cluster of a test's own, without network, in a temporary folder."""

    def __init__(self, prefix, settings, preload="velostream"):
        self.bindir = pathlib.Path(prefix) / "bin"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="velo-oracle-"))
        self.data = self.folder / "data"
        self.server = Server(self.folder, free_port(), "postgres", self.bindir)
        self.program(
            "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
        )
        values = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "port": self.server.port,
            "shared_preload_libraries": preload,
            "fsync": "off",
            **settings,
        }
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in values.items())

    def program(self, name, *arguments):
        # With its output in a file: the postmaster would keep a pipe open.
        with open(self.folder / f"{name}.log", "ab") as log:
            subprocess.run([self.bindir / name, *arguments], check=True, stdout=log, stderr=log)

    def start(self):
        self.program("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "start")
        return self.server

    def stop(self, mode="fast"):
        self.program("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def connect(self, dbname="postgres", **more):
        return self.server.connect(dbname, **more)

    def remove(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
