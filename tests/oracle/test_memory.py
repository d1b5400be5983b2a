"""Is memory bounded by settings and not by what comes through?

Shared buffers are no worker's own: what counts is private memory minus the state that
the job reports.
"""

import os
import time

import psycopg
import pytest
from oracle_cluster import wait_for

MORE_THAN_STATE_MB = 8
ROWS = int(os.environ.get("VELO_ORACLE_MEMORY_ROWS", "1000000"))


SHARED = ("/dev/zero", "/dev/shm/", "/SYSV")


def private_bytes(pid):
    """Memory of this process alone.  Pages of shared memory that only it has touched
    count as private for the kernel, but they are the server's buffers."""
    total, shared = 0, False
    with open(f"/proc/{pid}/smaps", encoding="ascii") as file:
        for line in file:
            field = line.split()
            if not field[0].endswith(":"):
                shared = len(field) > 5 and field[5].startswith(SHARED)
            elif not shared and field[0] in ("Private_Clean:", "Private_Dirty:"):
                total += 1024 * int(field[1])
    return total


@pytest.fixture
def own_processes(jobs):
    """Servers of this user on this machine only: we read /proc."""
    pid = jobs.value("SELECT pg_backend_pid()")
    try:
        private_bytes(pid)
    except OSError:
        pytest.skip("the server's processes cannot be read in /proc")


def feed(jobs, first, rows, keys):
    jobs.execute(
        "INSERT INTO events SELECT g, 'k' || g %% %s, g %% 1000, repeat('x', 20) "
        "FROM generate_series(%s::bigint, %s) g",
        (keys, first, first + rows - 1),
    )


def feed_all(jobs, first, last):
    for start in range(first, last, 100_000):
        feed(jobs, start, min(100_000, last + 1 - start), 1000)
    jobs.wait_for_input("result", last)


QUERIES = {
    "rows": "CREATE STREAM result AS SELECT n, k, v FROM events",
    "groups": "CREATE TABLE result AS SELECT k, count(*) AS c, sum(v) AS s FROM events GROUP BY k",
    "windows": "CREATE TABLE result AS SELECT k, count(*) AS c FROM events WINDOW SLIDING(2s, 1s) "
    "GROUP BY k EMIT FINAL",
    "subquery_functions": "CREATE TABLE result AS SELECT k, max(upper(t) || v) AS m, sum(v::numeric) AS s "
    "FROM events WHERE length(t) > 3 GROUP BY k HAVING count(*) > 1",
}


@pytest.mark.usefixtures("own_processes")
@pytest.mark.parametrize("query", QUERIES)
def test_memory_does_not_grow_with_rows(jobs, query):
    """After ten times as many rows a worker has what its state needs, and little more."""
    small, large = ROWS // 10, ROWS
    jobs.velo("CREATE STREAM events (n bigint, k text, v integer, t text) WITH ('retention' = '60s')")
    jobs.velo(QUERIES[query])
    feed_all(jobs, 1, small)
    pid = jobs.worker_pid("result")
    before = private_bytes(pid) - jobs.status("result")["state_bytes"]
    feed_all(jobs, small + 1, large)
    assert jobs.worker_pid("result") == pid
    after = private_bytes(pid) - jobs.status("result")["state_bytes"]
    print(f"{query}: {before / 2**20:.1f} MB, then {after / 2**20:.1f} MB beside the state")
    assert after - before < MORE_THAN_STATE_MB * 2**20


GROUPS, BUDGET_MB = 200_000, 4


@pytest.mark.usefixtures("own_processes")
@pytest.mark.parametrize("emit", ["CHANGES", "FINAL"])
def test_state_larger_than_the_budget(jobs, emit):
    """State of more than five times the budget finishes by spilling, with the right answer."""
    jobs.velo(
        "CREATE STREAM events (id bigint, at timestamptz, g integer, v bigint) "
        "WITH ('event.time.field' = 'at', 'watermark.max_out_of_orderness' = '0', "
        "'watermark.idle.timeout' = '0')"
    )
    jobs.velo(
        "CREATE TABLE result AS SELECT g, count(*) AS n, sum(v) AS s, max(v) AS m "
        f"FROM events WINDOW TUMBLING(1h) GROUP BY g EMIT {emit} WITH ('max.memory.mb' = '{BUDGET_MB}')"
    )
    largest = 0
    # Each key comes twice, the second time in another order.
    for step, expression in ((0, "g"), (1, f"(g * 7919::bigint %% {GROUPS})::integer")):
        jobs.execute(
            f"INSERT INTO events SELECT g, '2026-03-01 10:00+00'::timestamptz + %s * interval '1 second', "
            f"{expression}, g FROM generate_series(0, {GROUPS - 1}) g",
            (step,),
        )
        jobs.wait_for_input("result", GROUPS * (step + 1), deadline_s=240)
        largest = max(largest, private_bytes(jobs.worker_pid("result")))
    # A restart finds the groups that were set aside.
    jobs.velo("STOP JOB result")
    jobs.wait_for_status("result", "stopped")
    jobs.velo("START JOB result")
    jobs.execute("INSERT INTO events VALUES (0, '2026-03-01 10:30+00', 7, 5), (0, '2026-03-01 11:00+00', -1, 5)")
    jobs.wait_for_input("result", 2 * GROUPS + 2, "2026-03-01 11:00+00", deadline_s=240)
    wrong = jobs.value(
        "SELECT count(*) FROM (SELECT g, count(*) AS n, sum(v) AS s, max(v) AS m FROM events "
        "WHERE g >= 0 GROUP BY g) e FULL JOIN (SELECT * FROM result WHERE g >= 0) r USING (g) "
        "WHERE (e.n, e.s, e.m) IS DISTINCT FROM (r.n, r.s, r.m)"
    )
    assert wrong == 0
    assert jobs.value("SELECT count(*) FROM result WHERE g >= 0") == GROUPS
    print(f"{emit}: {largest / 2**20:.1f} MB private for a budget of {BUDGET_MB} MB")
    # Beside the state: what one batch writes to the table.
    assert largest < (BUDGET_MB * 2 + 40) * 2**20


def push_session(connect, jobs):
    session = connect(options=f"-c search_path={jobs.schema},public -c client_min_messages=warning")
    return session.pgconn


def read_rows(pgconn, wanted, deadline_s=60):
    """Reads rows of a push query that goes on for ever, then cancels it."""
    rows = 0
    pgconn.set_single_row_mode()
    end = time.monotonic() + deadline_s
    while rows < wanted:
        assert time.monotonic() < end, f"{rows} of {wanted} rows came"
        result = pgconn.get_result()
        assert result is not None
        if result.status == psycopg.pq.ExecStatus.SINGLE_TUPLE:
            rows += result.ntuples
        else:
            raise AssertionError(result.error_message.decode() or result.status)
    return rows


def cancel(pgconn):
    pgconn.get_cancel().cancel()
    while pgconn.get_result() is not None:
        pass


@pytest.mark.usefixtures("own_processes")
def test_push_query_with_a_stalled_reader(jobs, connect):
    """A client that does not read makes its query wait; nothing piles up in the server."""
    jobs.velo("CREATE STREAM events (n bigint, k text, v integer, t text)")
    pgconn = push_session(connect, jobs)
    pid = pgconn.backend_pid
    pgconn.send_query(b"DO LANGUAGE velo $$ SELECT n, k, v, t FROM events EMIT CHANGES $$")
    feed(jobs, 1, 50_000, 10)
    # Its socket is full and it waits for the client.
    stalled = (
        "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = %s"
    )
    wait_for(lambda: jobs.value(stalled, (pid,)), "the query to wait for its client")
    before = private_bytes(pid)
    for step in range(1, 10):
        feed(jobs, 1 + step * 50_000, 50_000, 10)
    assert jobs.value(stalled, (pid,))
    after = private_bytes(pid)
    print(f"push query: {before / 2**20:.1f} MB, then {after / 2**20:.1f} MB")
    assert after - before < MORE_THAN_STATE_MB * 2**20
    assert read_rows(pgconn, 500_000) == 500_000
    assert private_bytes(pid) - before < MORE_THAN_STATE_MB * 2**20
    cancel(pgconn)


def test_push_queries_hold_no_snapshot(jobs, connect):
    """While rows flow through five live queries none of them keeps old row versions."""
    jobs.velo("CREATE STREAM events (n bigint, k text, v integer, t text)")
    jobs.velo("CREATE TABLE result AS SELECT k, count(*) AS c FROM events GROUP BY k")
    jobs.wait_for_status("result", "running")
    queries = [
        "SELECT n, k FROM events EMIT CHANGES",
        "SELECT k, count(*) AS c FROM events GROUP BY k EMIT CHANGES",
        "SELECT k, sum(v) AS s FROM events WINDOW TUMBLING(1s) GROUP BY k EMIT FINAL",
        "SELECT n FROM events WHERE v = 1 EMIT CHANGES",
        "SELECT k, count(*) AS c FROM events WINDOW SLIDING(4s, 1s) GROUP BY k EMIT CHANGES",
    ]
    sessions = []
    for query in queries:
        pgconn = push_session(connect, jobs)
        pgconn.send_query(f"DO LANGUAGE velo $$ {query} $$".encode())
        pgconn.set_single_row_mode()
        pgconn.nonblocking = 1
        sessions.append(pgconn)
    pids = [pgconn.backend_pid for pgconn in sessions]
    received = [0] * len(sessions)
    held, longest, samples = {}, 0.0, 0
    end = time.monotonic() + 60
    step = 0
    while min(received) < 3 or step < 40:
        assert time.monotonic() < end, f"rows received: {received}"
        feed(jobs, 1 + step * 200, 200, 10)
        step += 1
        for number, pgconn in enumerate(sessions):
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                assert result.status == psycopg.pq.ExecStatus.SINGLE_TUPLE, result.error_message
                received[number] += result.ntuples
        # One that is just working has a snapshot for the length of its batch.
        samples += 1
        xmins = dict(
            jobs.rows(
                "SELECT pid, backend_xmin::text FROM pg_stat_activity WHERE pid = ANY(%s) "
                "AND backend_xmin IS NOT NULL",
                (pids,),
            )
        )
        now = time.monotonic()
        held = {pid: held[pid] if held.get(pid, (0, 0))[0] == xmin else (xmin, now)
                for pid, xmin in xmins.items()}
        longest = max([longest, *(now - since for _, since in held.values())])
        time.sleep(0.02)
    print(f"rows received: {received}, {samples} samples, a snapshot for at most {longest:.2f} s")
    assert longest < 1
    # Nothing flows: none of them has any.
    wait_for(
        lambda: jobs.value(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ANY(%s) AND "
            "(backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)",
            (pids,),
        ),
        "push queries without a snapshot",
        10,
    )
    for pgconn in sessions:
        pgconn.nonblocking = 0
        cancel(pgconn)
    jobs.wait_for_input("result", step * 200)
    assert jobs.status("result")["last_error"] is None
