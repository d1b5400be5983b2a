"""Databases, gateways and command lines that speak the Model Context Protocol."""

import pathlib
import sys

import psycopg
import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import mcplib  # noqa: E402


@pytest.fixture(scope="session")
def dbname():
    """A database with the extension, a stream of two rides and no fixtures."""
    mcplib.home()
    name = "velo_mcp"
    mcplib.make_database(name)
    with psycopg.connect(dbname=name, autocommit=True) as session:
        session.execute(
            "DO LANGUAGE velo 'CREATE STREAM rides (zone text, fare double precision)'"
        )
        session.execute("INSERT INTO rides (zone, fare) VALUES ('Mitte', 7.5), ('Zoo', 12)")
    yield name
    mcplib.drop_database(name)


@pytest.fixture(scope="session")
def fixtures():
    """A database with the conformance suite's fixtures."""
    mcplib.home()
    name = "velo_mcp_fixtures"
    mcplib.make_database(name, HERE / "fixtures.sql")
    yield name
    mcplib.drop_database(name)


@pytest.fixture
def db(dbname):
    """A superuser's session in the database."""
    with psycopg.connect(dbname=dbname, autocommit=True) as session:
        yield session


@pytest.fixture(scope="session")
def http(dbname):
    server = mcplib.Http(dbname)
    yield server
    server.close()


@pytest.fixture(scope="session")
def fixture_http(fixtures):
    server = mcplib.Http(fixtures)
    yield server
    server.close()


@pytest.fixture
def stdio(dbname):
    server = mcplib.Stdio(dbname)
    yield server
    if server.process.poll() is None:
        server.close()


@pytest.fixture(params=["http", "stdio"])
def server(request):
    """Each test is asked once through each transport."""
    return request.getfixturevalue(request.param)
