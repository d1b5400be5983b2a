"""A database with the set-ups of statements.txt, each in a schema of its own.

Which server: PGHOST, PGPORT and PGUSER, as make test sets them.
"""

import os
import pathlib
import sys
import time

import psycopg
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from error_statements import TABLE, read_table  # noqa: E402

DATABASE = "velo_errors"
GUEST = "velo_errors_guest"  # may use the dialect, and owns nothing

# Every object, job and property row that a statement could leave behind.
EVERYTHING = """
SELECT pg_catalog.md5(string_agg(x, ' ' ORDER BY x)) FROM (
    SELECT 'c' || oid FROM pg_catalog.pg_class
    UNION ALL SELECT 'j' || j.job_id || j.desired FROM velo.job j
    UNION ALL SELECT 's' || s::text FROM velo.stream s
) everything (x)
"""


def dsn(database=DATABASE):
    return psycopg.conninfo.make_conninfo(
        host=os.environ["PGHOST"],
        port=os.environ.get("PGPORT", "5432"),
        user=os.environ.get("PGUSER", "postgres"),
        dbname=database,
    )


def wait_for(connection, query):
    """Until the query's answer is true: a condition with a deadline."""
    deadline = time.monotonic() + 60
    while not connection.execute(query).fetchone()[0]:
        assert time.monotonic() < deadline, f"not within a minute: {query}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def database():
    if "PGHOST" not in os.environ:
        pytest.skip("PGHOST is not set")
    setups, _ = read_table(TABLE)
    with psycopg.connect(dsn("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION velostream")
            connection.execute(f"DROP ROLE IF EXISTS {GUEST}")
            connection.execute(f"CREATE ROLE {GUEST} IN ROLE velo_user")
            for name, sql in setups.items():
                connection.execute(f"CREATE SCHEMA {name}")
                connection.execute(f"SET search_path = {name}")
                connection.execute(sql)
            # A job's state is in the messages: none may be on its way to another.
            wait_for(
                connection,
                "SELECT bool_and(status = desired) FROM velo.job",
            )
        yield dsn()
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        admin.execute(f"DROP ROLE {GUEST}")


@pytest.fixture(scope="session")
def connection(database):
    with psycopg.connect(database) as connection:
        yield connection


@pytest.fixture(scope="session")
def fingerprint():
    """Whatever there is, to be compared with what there was."""

    def everything(connection):
        role = connection.execute("SELECT current_setting('role')").fetchone()[0]
        connection.execute("RESET ROLE")
        found = connection.execute(EVERYTHING).fetchone()[0]
        connection.execute(f"SET LOCAL ROLE {role}")
        return found

    return everything
