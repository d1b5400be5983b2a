"""The real velo against a database of its own, and terminals to run it in.

Which server: PGHOST, PGPORT and PGUSER, as make test sets them.  Which program: that of
scripts/programs in VELO_HOME, built here when that folder is ours to write into.
"""

import os
import pathlib
import subprocess
import sys

import psycopg
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from velo_helpers import (  # noqa: E402
    DATABASE, PASSWORD, ROOT, STRANGER, USER, WAIT_SECONDS_MAX, wait_for,
)
from velo_terminal import Terminal  # noqa: E402

SETUP = """
DO LANGUAGE velo $$
CREATE STREAM rides (zone text, fare numeric(8,2), at timestamptz) WITH ('event.time.field' = 'at');
CREATE STREAM "Odd name" (page text);
CREATE STREAM made (id bigint, city text) WITH ('type' = 'generator', 'rows_per_second' = '50',
    'data.id.sequential' = 'true', 'data.city.enum' = '["Rome","Oslo"]');
CREATE TABLE takings AS SELECT zone, count(*) AS n, sum(fare) AS fares FROM rides GROUP BY zone;
$$;
INSERT INTO rides VALUES ('north', 10.50, '2026-03-01 08:00Z'), ('south', 7, '2026-03-01 08:01Z');
"""


def dsn(**parts):
    parts = {
        "host": os.environ["PGHOST"],
        "port": os.environ.get("PGPORT", "5432"),
        "user": os.environ.get("PGUSER", "postgres"),
        "dbname": DATABASE,
    } | parts
    return psycopg.conninfo.make_conninfo(**parts)


@pytest.fixture(scope="session")
def program():
    home = pathlib.Path(os.environ.get("VELO_HOME", ROOT / ".run"))
    sanitized = os.environ.get("VELO_SANITIZE") == "1"
    folder = pathlib.Path(os.environ.get("VELO_PROGRAMS", home / "build/programs"))
    if sanitized:
        folder = folder.with_name(folder.name + "-sanitized")
    writable = folder if folder.exists() else home
    if os.access(writable, os.W_OK):
        subprocess.run([ROOT / "scripts/programs", "cli"], check=True)
    assert (folder / "velo").exists(), f"no velo in {folder}: run scripts/programs"
    return str(folder / "velo")


@pytest.fixture(scope="session")
def database():
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    with psycopg.connect(dsn(dbname="postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        for role in USER, STRANGER:
            admin.execute(f"DROP ROLE IF EXISTS {role}")
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION velostream")
            connection.execute(SETUP)
            connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}' IN ROLE velo_user")
            connection.execute(f"CREATE ROLE {STRANGER} LOGIN PASSWORD '{PASSWORD}'")
            wait_for(
                lambda: connection.execute("SELECT count(*) = 2 FROM takings").fetchone()[0],
                "the job's first rows",
            )
        yield dsn()
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        for role in USER, STRANGER:
            admin.execute(f"DROP ROLE {role}")


@pytest.fixture(scope="session")
def connection(database):
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def environment(program, database):
    """What velo sees: nothing of ours but the server."""
    keep = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    return {name: os.environ[name] for name in keep if name in os.environ} | {
        "PATH": os.path.dirname(program) + ":" + os.environ["PATH"],
        "HOME": "/nonexistent",
        "TERM": "xterm",
        "LC_ALL": "C",
        "TZ": "UTC",
        "PGTZ": "UTC",
        "PGHOST": os.environ["PGHOST"],
        "PGPORT": os.environ.get("PGPORT", "5432"),
        "PGUSER": os.environ.get("PGUSER", "postgres"),
        "PGDATABASE": DATABASE,
    }


@pytest.fixture(scope="session")
def velo(program, environment):
    """Runs velo without a terminal; returns what subprocess.run does."""

    def run(*words, stdin="", env=None, code=0):
        done = subprocess.run(
            [program, *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment | (env or {}),
            timeout=WAIT_SECONDS_MAX,
        )
        if code is not None:
            assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture
def start(program, environment):
    """Starts velo with pipes; it is gone when the test is."""
    running = []

    def begin(*words, **options):
        process = subprocess.Popen(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            **options,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def terminal(program, environment):
    """Starts a program (velo, unless it is told) on a terminal of its own."""
    running = []

    def begin(*words, command=None, env=None, rows=24, columns=80):
        one = Terminal(command or [program, *words], environment | (env or {}), rows, columns)
        running.append(one)
        return one

    yield begin
    for one in running:
        one.close()


@pytest.fixture(scope="session")
def password_server(database):
    """Variables for logging in by TCP, where make test's cluster wants passwords."""
    if "VELO_DSN" in os.environ:
        parts = psycopg.conninfo.conninfo_to_dict(os.environ["VELO_DSN"])
    else:
        parts = {"host": "127.0.0.1", "port": os.environ.get("PGPORT", "5432")}
    return {"PGHOST": parts["host"], "PGPORT": str(parts["port"]), "PGUSER": USER}
