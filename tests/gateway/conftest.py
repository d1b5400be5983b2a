"""A database with the extension and two roles, and gateways before it."""

import os
import pathlib
import sys

import psycopg
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import gatewaylib  # noqa: E402

DATABASE = "velo_gateway"

# Functions that only tests need, and their routes.
FUNCTIONS = """
CREATE SCHEMA try;
CREATE FUNCTION try.echo(a text, b integer DEFAULT 7, c jsonb DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE AS $$ SELECT pg_catalog.jsonb_build_object('a', a, 'b', b, 'c', c) $$;
CREATE FUNCTION try.sleep(seconds float8) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.pg_sleep(seconds); RETURN 'slept'; END $$;
CREATE FUNCTION try.rows(count integer, width integer DEFAULT 10)
    RETURNS TABLE (n integer, text text) LANGUAGE sql STABLE AS
    $$ SELECT n, pg_catalog.repeat('x', width) FROM pg_catalog.generate_series(1, count) n $$;
CREATE FUNCTION try.json_rows() RETURNS SETOF jsonb LANGUAGE sql STABLE AS
    $$ VALUES ('{"k": 1}'::jsonb), ('[2]'), (NULL) $$;
CREATE FUNCTION try.one(found boolean) RETURNS TABLE (n integer, m integer)
    LANGUAGE sql STABLE AS $$ SELECT 1, NULL::integer WHERE found $$;
CREATE FUNCTION try.nothing() RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION try.request() RETURNS jsonb LANGUAGE sql STABLE AS
    $$ SELECT pg_catalog.jsonb_build_object('setting', pg_catalog.current_setting('velo.request'),
        'pid', pg_catalog.pg_backend_pid(), 'user', current_user) $$;
CREATE FUNCTION try.raise(state text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = 'as asked',
        DETAIL = 'the detail', HINT = 'the hint'; END $$;
CREATE TABLE try.written (note text, CONSTRAINT late_check CHECK (note <> ''));
CREATE FUNCTION try.write(note text) RETURNS text LANGUAGE sql VOLATILE AS
    $$ INSERT INTO try.written VALUES (write.note) RETURNING note $$;
GRANT USAGE ON SCHEMA try TO PUBLIC;
GRANT ALL ON try.written TO PUBLIC;
SELECT velo._route('POST', '/api/try/echo', 'try.echo(text,integer,jsonb)', result => 'value');
SELECT velo._route('GET', '/api/try/echo/{a}', 'try.echo(text,integer,jsonb)', result => 'value');
SELECT velo._route('POST', '/api/try/sleep', 'try.sleep(float8)', result => 'text',
    content_type => 'text/plain');
SELECT velo._route('GET', '/api/try/rows', 'try.rows(integer,integer)');
SELECT velo._route('GET', '/api/try/json_rows', 'try.json_rows()');
SELECT velo._route('GET', '/api/try/one', 'try.one(boolean)', result => 'row');
SELECT velo._route('GET', '/api/try/nothing', 'try.nothing()', result => 'value');
SELECT velo._route('GET', '/api/try/request', 'try.request()', result => 'value');
SELECT velo._route('POST', '/api/try/raise', 'try.raise(text)', result => 'text');
SELECT velo._route('POST', '/api/try/write', 'try.write(text)', result => 'value',
    read_only => false, audit => 'test');
SELECT velo._route('POST', '/api/try/write_read_only', 'try.write(text)', result => 'value');
"""


@pytest.fixture(scope="session")
def database():
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    with gatewaylib.connect("postgres") as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        for role in (gatewaylib.USER, gatewaylib.OTHER):
            admin.execute(f"DROP ROLE IF EXISTS {role}")
            create = psycopg.sql.SQL(f"CREATE ROLE {role} LOGIN PASSWORD {{}} IN ROLE velo_user")
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'velo_user'").fetchone():
                create = psycopg.sql.SQL(f"CREATE ROLE {role} LOGIN PASSWORD {{}}")
            admin.execute(create.format(gatewaylib.PASSWORD))
        with gatewaylib.connect(DATABASE) as connection:
            connection.execute("CREATE EXTENSION velostream")
            connection.execute(FUNCTIONS)
        yield DATABASE
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        for role in (gatewaylib.USER, gatewaylib.OTHER):
            admin.execute(f"DROP ROLE {role}")


@pytest.fixture(scope="module")
def build():
    """Which build of the gateway: plain or sanitized."""
    return "plain"


@pytest.fixture
def start(database, build, tmp_path):
    """start(setting=value…) starts a gateway for this test, in open mode."""
    started = []

    def start_one(is_ready=True, environment=None, **options):
        options.setdefault("database", gatewaylib.superuser_dsn(database))
        started.append(gatewaylib.Gateway(tmp_path, build, environment, **options))
        return started[-1].wait_ready() if is_ready else started[-1]

    yield start_one
    for gateway in started:
        gateway.stop()


def run_for_module(options, build, folder):
    gateway = gatewaylib.Gateway(folder, build, **options).wait_ready()
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(scope="module")
def open_gateway(database, build, tmp_path_factory):
    """In open mode."""
    options = {"database": gatewaylib.superuser_dsn(database)}
    yield from run_for_module(options, build, tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def password_gateway(database, build, tmp_path_factory):
    """In password mode; its own connection needs none."""
    options = {
        "auth": "password",
        "database": gatewaylib.tcp_dsn(database) + f" user={gatewaylib.OTHER}",
        "login_failures_max": "1000",
    }
    environment = {"PGPASSWORD": gatewaylib.PASSWORD}
    gateway = gatewaylib.Gateway(tmp_path_factory.mktemp("password"), build, environment, **options)
    yield gateway.wait_ready()
    assert gateway.stop() == 0
