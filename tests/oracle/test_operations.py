"""Do jobs survive what happens to servers, databases, roles and the extension?

Most of these need a cluster of their own: other settings, restarts, roles.
"""

import os

import psycopg
import pytest
from oracle_cluster import wait_for
from oracle_jobs import Jobs

DECLARE = "CREATE STREAM events (k text, v integer)"
COUNT = "CREATE TABLE result AS SELECT k, count(*) AS n, sum(v) AS s FROM events GROUP BY k"


@pytest.fixture
def cluster(new_cluster):
    made = new_cluster({"max_worker_processes": 12, "max_prepared_transactions": 5})
    made.start()
    return made


def in_database(cluster, name, create=True):
    if create:
        with cluster.connect() as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
    session = cluster.connect(name)
    if create:
        session.execute("CREATE EXTENSION velostream")
    return Jobs(session, "public")


def workers(cluster):
    with cluster.connect() as admin:
        return admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'velostream job%'"
        ).fetchone()[0]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_jobs_survive_a_restart(cluster, mode):
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    jobs.velo(COUNT)
    jobs.velo("CREATE STREAM stays AS SELECT v FROM events; CREATE STREAM halted AS SELECT v FROM events")
    jobs.velo("STOP JOB halted")
    jobs.execute("INSERT INTO events SELECT 'k' || g % 3, g FROM generate_series(1, 1000) g")
    jobs.wait_for_input("result", 1000)
    jobs.wait_for_input("stays", 1000)
    cluster.restart(mode)
    jobs = in_database(cluster, "a", create=False)
    jobs.execute("INSERT INTO events SELECT 'k' || g % 3, g FROM generate_series(1001, 2000) g")
    jobs.wait_for_input("result", 2000)
    jobs.wait_for_input("stays", 2000)
    assert jobs.rows(
        "TABLE result EXCEPT SELECT k, count(*), sum(v) FROM events GROUP BY k"
    ) == []
    assert jobs.value("SELECT count(*) FROM result") == 3
    assert jobs.value("SELECT count(*) FROM stays") == 2000
    assert jobs.status("halted")["status"] == "stopped"
    jobs.session.close()


def test_no_free_worker_slot_is_shown(new_cluster):
    cluster = new_cluster({"max_worker_processes": 7, "max_parallel_workers": 0})
    cluster.start()
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    for number in range(6):
        jobs.velo(f"CREATE STREAM s{number} AS SELECT v FROM events")
    jobs.execute("INSERT INTO events VALUES ('a', 1)")

    def waiting():
        return jobs.value(
            "SELECT array_agg(job_name ORDER BY job_name) FROM velo.job_status() "
            "WHERE condition = 'no_worker_slot'"
        )

    found = wait_for(waiting, "condition no_worker_slot")
    assert 1 <= len(found) < 6
    # Jobs that go make room for those that wait.
    running = jobs.rows("SELECT job_name FROM velo.jobs WHERE status = 'running'")
    assert running
    for (name,) in running:
        jobs.velo(f"DROP STREAM {name}")
    for name in found:
        jobs.wait(name, lambda s: s["status"] == "running" or s.get("records_in") == 1, "running")
    jobs.session.close()


def test_drop_database_with_running_jobs(cluster):
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    jobs.velo(COUNT)
    jobs.wait_for_status("result", "running")
    jobs.session.close()
    with cluster.connect() as admin:
        admin.execute("DROP DATABASE a")
    wait_for(lambda: workers(cluster) == 0, "no worker of the dropped database")


def test_database_as_template(cluster):
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    jobs.velo(COUNT)
    jobs.execute("INSERT INTO events VALUES ('a', 1)")
    jobs.wait_for_input("result", 1)
    jobs.session.close()
    with cluster.connect() as admin:
        admin.execute("CREATE DATABASE b TEMPLATE a")
    # Each goes on with what is its own.
    for name, value in (("a", 10), ("b", 100)):
        jobs = in_database(cluster, name, create=False)
        jobs.execute("INSERT INTO events VALUES ('a', %s)", (value,))
        jobs.wait_for_input("result", 2)
        assert jobs.rows("SELECT n, s FROM result") == [(2, value + 1)]
        jobs.session.close()


def test_drop_extension_leaves_nothing(cluster):
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    jobs.velo(COUNT)
    jobs.wait_for_status("result", "running")
    jobs.execute("DROP EXTENSION velostream CASCADE")
    wait_for(lambda: workers(cluster) == 0, "no worker")
    left = jobs.rows(
        """SELECT 'function ' || p.oid::regprocedure FROM pg_proc p
            WHERE p.prosrc LIKE 'velo%%' OR p.probin LIKE '%%velostream%%'
        UNION ALL SELECT 'type ' || t.oid::regtype FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
            WHERE nspname LIKE 'velo%%'
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'velo%%'
        UNION ALL SELECT 'language ' || lanname FROM pg_language WHERE lanname = 'velo'
        UNION ALL SELECT 'trigger ' || evtname FROM pg_event_trigger WHERE evtname LIKE 'velo%%'
        UNION ALL SELECT 'stream ' || oid::regclass FROM pg_class WHERE relname = 'events'"""
    )
    assert left == []
    # What a table job has made is a table like others.
    assert jobs.value("SELECT count(*) FROM result") == 0
    jobs.execute("INSERT INTO result VALUES ('x', 1, 1)")
    jobs.execute("CREATE EXTENSION velostream")
    jobs.velo(DECLARE)
    jobs.session.close()


def test_dump_and_restore(cluster, tmp_path):
    jobs = in_database(cluster, "a")
    jobs.velo(DECLARE)
    jobs.velo(COUNT)
    jobs.velo("CREATE STREAM big AS SELECT k, v FROM events WHERE v > 500")
    jobs.execute("INSERT INTO events SELECT 'k' || g % 3, g FROM generate_series(1, 1000) g")
    jobs.wait_for_input("result", 1000)
    jobs.wait_for_input("big", 1000)
    before = jobs.rows("SELECT * FROM result ORDER BY k")
    jobs.session.close()
    dump = str(tmp_path / "dump.sql")
    cluster.server.program("pg_dump", "-d", "a", "-f", dump)
    with cluster.connect() as admin:
        admin.execute("CREATE DATABASE b")
    cluster.server.program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "b", "-f", dump)
    jobs = in_database(cluster, "b", create=False)
    assert jobs.rows("SELECT job_name, status FROM velo.jobs ORDER BY 1") == [
        ("big", "stopped"),
        ("result", "stopped"),
    ]
    assert jobs.rows("SELECT * FROM result ORDER BY k") == before
    assert jobs.value("SELECT count(*) FROM events") == 1000
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="position|RESET"):
        jobs.velo("START JOB result")
    for name in ("result", "big"):
        jobs.velo(f"RESET JOB {name} TO EARLIEST; START JOB {name}")
    # The restored rows are read once, and new ones behind them.
    jobs.execute("INSERT INTO events SELECT 'k' || g % 3, g FROM generate_series(1001, 1500) g")
    for name in ("result", "big"):
        jobs.wait_for_input(name, 1500)
    assert jobs.rows("SELECT * FROM result ORDER BY k") == jobs.rows(
        "SELECT k, count(*), sum(v) FROM events GROUP BY k ORDER BY k"
    )
    assert jobs.value("SELECT count(*) FROM big") == 1000
    assert jobs.status("result")["records_in"] == 1500
    jobs.session.close()


def test_error_without_preload(new_cluster):
    cluster = new_cluster({}, preload="")
    cluster.start()
    with cluster.connect() as session, pytest.raises(psycopg.errors.Error) as raised:
        session.execute("CREATE EXTENSION velostream")
        session.execute(f"SELECT velo.execute('{DECLARE}')")
        session.execute(f"SELECT velo.execute('{COUNT}')")
    assert raised.value.sqlstate == "55000"
    assert "shared_preload_libraries" in raised.value.diag.message_hint


# --- roles ---------------------------------------------------------------------------


@pytest.fixture
def shared(server, dbname):
    """The database of this file on the shared server, and roles that go again."""
    jobs = Jobs(server.connect(dbname), "public")
    roles = [f"velo_test_{os.getpid()}_{name}" for name in ("one", "two")]
    with server.connect(dbname) as admin:
        for role in roles:
            admin.execute(f"CREATE ROLE {role} LOGIN; GRANT velo_user TO {role}")
            admin.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    sessions = [server.connect(dbname, user=role) for role in roles]
    try:
        yield jobs, roles, [
            Jobs(session, role, jobs.session) for session, role in zip(sessions, roles, strict=True)
        ]
    finally:
        for session in sessions:
            session.close()
        for role in roles:
            jobs.execute(f"DROP OWNED BY {role} CASCADE")
            jobs.execute(f"DROP ROLE {role}")
        jobs.session.close()


def test_job_runs_as_its_owner(shared):
    """Rights that are taken away fail the job; row security is the owner's."""
    admin, (one, _), (mine, _) = shared
    mine.velo(DECLARE)
    mine.velo(COUNT)
    mine.execute(
        "CREATE FUNCTION who(text) RETURNS text LANGUAGE sql AS 'SELECT current_user::text'"
    )
    mine.velo("CREATE STREAM runs_as AS SELECT who(k) AS who FROM events")
    mine.execute("INSERT INTO events VALUES ('a', 1)")
    mine.wait_for_input("runs_as", 1)
    assert mine.rows("SELECT * FROM runs_as") == [(one,)]


def test_right_taken_away(shared):
    admin, (one, two), (mine, other) = shared
    mine.velo(DECLARE)
    mine.execute(f"GRANT USAGE ON SCHEMA {one} TO {two}; GRANT SELECT ON events TO {two}")
    other.velo(f"CREATE STREAM reader AS SELECT v FROM {one}.events")
    mine.execute("INSERT INTO events VALUES ('a', 1)")
    other.wait_for_input("reader", 1)
    mine.execute(f"REVOKE SELECT ON events FROM {two}")
    mine.execute("INSERT INTO events VALUES ('b', 2)")
    status = other.wait("reader", lambda s: s["status"] == "failed", "failed", may_fail=True)
    assert status["last_sqlstate"] == "42501"
    assert other.rows("SELECT v FROM reader") == [(1,)]
    # Given back, it goes on where it was.
    mine.execute(f"GRANT SELECT ON events TO {two}")
    other.velo("START JOB reader")
    other.wait("reader", lambda s: s.get("records_in") == 2, "read on", may_fail=True)
    assert other.rows("SELECT v FROM reader ORDER BY v") == [(1,), (2,)]


def test_row_security_of_the_target(shared):
    admin, (one, two), (mine, other) = shared
    other.velo(DECLARE)
    admin.execute(
        f"CREATE TABLE {one}.target (k text, v integer); GRANT USAGE ON SCHEMA {one} TO {two}; "
        f"GRANT INSERT, SELECT ON {one}.target TO {two}; ALTER TABLE {one}.target ENABLE ROW LEVEL SECURITY; "
        f"CREATE POLICY p ON {one}.target TO {two} USING (true) WITH CHECK (v < 10)"
    )
    other.velo(f"INSERT INTO {one}.target SELECT k, v FROM events EMIT CHANGES")
    name = other.value("SELECT job_name FROM velo.jobs WHERE kind = 'insert'")
    other.execute("INSERT INTO events VALUES ('a', 1)")
    other.wait_for_input(name, 1)
    other.execute("INSERT INTO events VALUES ('b', 11)")
    status = other.wait(
        name, lambda s: s["status"] == "failed" or s.get("records_in") == 2, "done", may_fail=True
    )
    assert other.rows(f"SELECT v FROM {one}.target") == [(1,)]
    assert status["last_sqlstate"] == "42501" or [
        letter["sqlstate"] for letter in admin.dead_letters(name)
    ] == ["42501"]


@pytest.mark.parametrize("command", ["STOP JOB result", "PAUSE JOB result", "RESET JOB result TO EARLIEST"])
def test_only_owners_control_jobs(shared, command):
    _, _, (mine, other) = shared
    mine.velo(DECLARE)
    mine.velo(COUNT)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.velo(command)
    assert other.rows("SELECT * FROM velo.jobs") == []


def test_settings_of_the_role_do_not_stop_jobs(shared):
    """Time-outs are for people; what changes the meaning of text is frozen."""
    admin, (one, _), (mine, _) = shared
    mine.velo(DECLARE)
    mine.execute("SET DateStyle = 'German'")
    mine.velo(
        "CREATE STREAM result AS SELECT pg_sleep(0.02 * v)::text AS slept, '2026-03-01'::date::text AS d, "
        "current_setting('search_path') AS path FROM events"
    )
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        admin.execute(f"ALTER ROLE {one} SET {name} = '10ms'")
    admin.execute(f"ALTER ROLE {one} SET search_path = pg_catalog")
    mine.velo("STOP JOB result")
    mine.wait_for_status("result", "stopped")
    mine.velo("START JOB result")
    mine.execute("INSERT INTO events SELECT 'a', 3 FROM generate_series(1, 5)")
    mine.wait_for_input("result", 5)
    assert mine.rows("SELECT DISTINCT d FROM result") == [("01.03.2026",)]
    assert one in mine.value("SELECT path FROM result LIMIT 1") or '"$user"' in mine.value(
        "SELECT path FROM result LIMIT 1"
    )


def test_owner_changes(shared):
    """ALTER OWNER and REASSIGN OWNED make the job another's; DROP OWNED removes it."""
    admin, (one, two), (mine, other) = shared
    mine.velo(DECLARE)
    mine.velo("CREATE STREAM result AS SELECT current_user::text AS who, v FROM events")
    mine.execute("INSERT INTO events VALUES ('a', 1)")
    mine.wait_for_input("result", 1)
    admin.execute(f"GRANT ALL ON SCHEMA {one} TO {two}")
    admin.execute(f"REASSIGN OWNED BY {one} TO {two}")
    assert admin.value("SELECT owner FROM velo.jobs WHERE job_name = 'result'") == two
    other.execute(f"INSERT INTO {one}.events VALUES ('a', 2)")
    admin.wait_for_input("result", 2)
    assert admin.rows(f"SELECT who, v FROM {one}.result ORDER BY v") == [(one, 1), (two, 2)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mine.velo("STOP JOB result")
    admin.execute(f"DROP OWNED BY {two} CASCADE")
    assert admin.rows("SELECT * FROM velo.jobs") == []
    assert admin.rows("SELECT * FROM velo.stream") == []
    admin.execute(f"GRANT velo_user TO {two}")
