"""Servers and databases of the tests that compare jobs with plain PostgreSQL.

Which server: PGHOST, PGPORT and PGUSER (make test sets them; a test build with
velostream preloaded), else a temporary cluster from VELO_PREFIX/bin.  Tests that need
other settings, restarts or an empty cluster make clusters of their own from VELO_PREFIX.
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from oracle_cluster import Cluster, Server, prefix  # noqa: E402
from oracle_jobs import Jobs  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if "PGHOST" in os.environ:
        yield Server(
            os.environ["PGHOST"],
            os.environ.get("PGPORT", "5432"),
            os.environ.get("PGUSER", "postgres"),
        )
        return
    cluster = Cluster(prefix(), {"max_worker_processes": 32, "max_prepared_transactions": 20})
    try:
        cluster.start()
        yield cluster.server
    finally:
        cluster.remove()


@pytest.fixture
def new_cluster():
    """Makes clusters with settings of their own, removed when the test ends."""
    clusters = []

    def make(settings=None, **more):
        clusters.append(Cluster(prefix(), settings or {}, **more))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.remove()


@pytest.fixture(scope="module")
def dbname(server, request):
    """A new database with the extension, for each file of tests."""
    name = "oracle_" + request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
    with server.connect() as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    with server.connect(name) as session:
        session.execute("CREATE EXTENSION velostream")
    yield name
    with server.connect() as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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
def jobs(server, dbname, request):
    """The test's own schema and what it does with jobs in it; dropped at its end."""
    name = "".join(c if c.isalnum() else "_" for c in request.node.name.removeprefix("test_"))
    with server.connect(dbname) as session:
        jobs = Jobs(session, name[:40].rstrip("_").lower())
        jobs.create_schema()
        yield jobs
        jobs.drop_schema()
