"""A database of its own for each file of these tests, with the extension in it.

Which server: PGHOST, PGPORT and PGUSER (make test sets them; a test build with
velostream preloaded), else a temporary cluster from VELO_TEST_PREFIX/bin.
"""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import psycopg
import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))  # source.py, beside the tests
NUMBERS = itertools.count(1)


class Server:
    """Where the server is, for psycopg and for PostgreSQL's own programs."""

    def __init__(self, host, port, user, bindir=None):
        self.host, self.port, self.user, self.bindir = host, port, user, bindir

    def connect(self, dbname="postgres", autocommit=True, **more):
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            dbname=dbname,
            autocommit=autocommit,
            **more,
        )

    def program(self, name, *arguments, **more):
        path = str(pathlib.Path(self.bindir) / name) if self.bindir else name
        where = ["-h", str(self.host), "-p", str(self.port), "-U", self.user]
        return subprocess.run(
            [path, *where, *arguments], check=True, capture_output=True, text=True, **more
        )


@pytest.fixture(scope="session")
def server():
    prefix = os.environ.get("VELO_TEST_PREFIX")
    if prefix:
        yield from temporary_server(pathlib.Path(prefix) / "bin")
    elif "PGHOST" in os.environ:
        yield Server(
            os.environ["PGHOST"],
            os.environ.get("PGPORT", "5432"),
            os.environ.get("PGUSER", "postgres"),
        )
    else:
        pytest.skip("neither PGHOST nor VELO_TEST_PREFIX is set")


def temporary_server(bindir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="velo-native-"))
    data = folder / "data"
    control = [bindir / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    try:
        subprocess.run(
            [bindir / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
            check=True,
            capture_output=True,
        )
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n"
                "shared_preload_libraries = 'velostream'\n"
                "max_prepared_transactions = 20\nfsync = off\n"
            )
        subprocess.run([*control, "start"], check=True, capture_output=True)
        yield Server(str(folder), "5432", "postgres", bindir)
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def dbname(server, request):
    """A new database with the extension and the functions of functions.sql."""
    name = "velo_" + request.module.__name__.rsplit(".", 1)[-1]
    with server.connect() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    text = (HERE / "functions.sql").read_text(encoding="utf-8")
    with server.connect(name) as session:
        session.execute("CREATE EXTENSION velostream")
        session.execute("\n".join(line for line in text.splitlines() if not line.startswith("\\")))
    yield name
    with server.connect() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def connect(server, dbname):
    """Opens sessions that are closed when the test ends."""
    sessions = []

    def open_session(**more):
        sessions.append(server.connect(dbname, **more))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


@pytest.fixture
def session(connect):
    return connect()


@pytest.fixture
def stream(session, request):
    """A native stream (writer integer, value text) named after the test."""
    name = re.sub(r"\W.*", "", request.node.name.removeprefix("test_"))[:30] + f"_{next(NUMBERS)}"
    session.execute(f"CREATE TABLE {name}_columns (writer integer, value text)")
    session.execute("SELECT probe.native_create('public', %s, %s)", (name, f"{name}_columns"))
    return name


@pytest.fixture
def allows_prepared(session):
    if session.execute("SHOW max_prepared_transactions").fetchone()[0] == "0":
        pytest.skip("the server has max_prepared_transactions = 0")
