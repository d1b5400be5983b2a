"""Slow, paused, vanished and many clients of GET /api/live: no row is lost, memory stays.

VELO_STALL_S: how long the client that does not read sleeps (default 10).
"""

import os
import pathlib
import random
import socket
import statistics
import sys
import time

import psycopg
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from livelib import *  # noqa: E402,F403  fixtures too
from livelib import MEASURES_MEMORY, Live, Raw, backends, insert, private_kb, wait_for  # noqa: E402

STALL_S = float(os.environ.get("VELO_STALL_S", "10"))
MEMORY_KB = 8 * 1024
CLOSINGS = 20
CLOSING_MS = 100


def in_order(rows, count):
    return [row[0] for row in rows] == list(range(1, count + 1))


def test_a_paused_query_goes_on_where_it_stopped(gateway, db, stream):
    with Live(gateway) as live:
        live.query(f"SELECT n, value FROM {stream} EMIT CHANGES")
        insert(db, stream, 1, 1000)
        rows = live.rows(1000)
        live.say("pause")
        while (frame := live.frame())["type"] != "paused":
            rows += frame.get("rows", []) if frame["type"] == "rows" else []
        for first in range(1001, 200_000, 1000):
            insert(db, stream, first, first + 999)
        with pytest.raises(TimeoutError):
            live.frame(timeout=1.5)  # not even progress
        live.say("resume")
        assert live.frame() == {"type": "resumed"}
        rows += live.rows(200_000 - len(rows), timeout=30)
        assert in_order(rows, 200_000)
        live.say("cancel")
        assert live.until("complete")["rows"] == 200_000


def test_pausing_again_and_again_loses_nothing(gateway, db, stream):
    insert(db, stream, 1, 300_000)
    with Live(gateway) as live:
        live.query(f"SELECT n FROM {stream} EMIT CHANGES LIMIT 300000")
        rows, pauses = [], 0
        while (frame := live.frame())["type"] != "complete":
            if frame["type"] == "rows":
                rows += frame["rows"]
                if len(rows) // 20_000 > pauses:
                    pauses += 1
                    live.say("pause")
                    live.say("resume")
        assert pauses >= 10
        assert in_order(rows, 300_000)


def test_a_client_that_does_not_read_costs_no_memory(gateway, db, stream, capsys):
    """Neither here nor in PostgreSQL; then it reads on and gets every row."""
    count = 2_000_000
    insert(db, stream, 1, count)
    with Raw(gateway, receive_buffer=65536) as raw:
        raw.say("query", sql=f"SELECT n, value FROM {stream} EMIT CHANGES LIMIT {count}")
        (pid,) = wait_for(lambda: backends(db, stream))
        rows = raw.until("rows")["rows"]
        wait_for(lambda: is_blocked(db, pid))
        before = private_kb(gateway.pid), private_kb(pid)
        most = [0, 0]
        end = time.monotonic() + STALL_S
        while time.monotonic() < end:
            insert(db, stream, count + 1, count + 1000)
            for n, process in enumerate((gateway.pid, pid)):
                most[n] = max(most[n], private_kb(process) - before[n])
            time.sleep(0.2)
        with capsys.disabled():
            print(
                f"\nstalled {STALL_S:g} s: gateway {before[0]} kB {most[0]:+} kB, "
                f"backend {before[1]} kB {most[1]:+} kB"
            )
        assert not MEASURES_MEMORY or (most[0] < MEMORY_KB and most[1] < MEMORY_KB)
        began = time.monotonic()
        while (message := raw.message())["type"] != "complete":
            if message["type"] == "rows":
                rows += message["rows"]
        seconds = time.monotonic() - began
        assert in_order(rows, count)
        assert message["rows"] == count
        with capsys.disabled():
            print(f"then {count} rows in {seconds:.1f} s, {count / seconds:.0f} rows/s")


def is_blocked(db, pid):
    return db.execute(
        "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = %s", (pid,)
    ).fetchone()[0]


# --- closing --------------------------------------------------------------------------


def start_waiting(raw, db, stream):
    raw.say("query", sql=f"SELECT n FROM {stream} WHERE n < 0 EMIT CHANGES")
    wait_for(lambda: backends(db, stream))
    raw.until("progress")


def start_streaming(raw, db, stream):
    raw.say("query", sql=f"SELECT n, value FROM {stream} EMIT CHANGES")
    for _ in range(20):
        raw.until("rows")


def start_stalled(raw, db, stream):
    raw.say("query", sql=f"SELECT n, value FROM {stream} EMIT CHANGES")
    (pid,) = wait_for(lambda: backends(db, stream))
    wait_for(lambda: is_blocked(db, pid))


def start_paused(raw, db, stream):
    raw.say("query", sql=f"SELECT n, value FROM {stream} EMIT CHANGES")
    raw.until("rows")
    raw.say("pause")
    raw.until("paused")


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("start", [start_waiting, start_streaming, start_stalled, start_paused])
def test_closing_the_socket_ends_the_query_at_once(gateway, db, stream, start, how, capsys):
    insert(db, stream, 1, 300_000)
    times = []
    for _ in range(CLOSINGS):
        raw = Raw(gateway, receive_buffer=65536)
        start(raw, db, stream)
        assert backends(db, stream)
        if how == "reset":
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        began = time.monotonic()
        raw.socket.close()
        wait_for(lambda: not backends(db, stream), pause=0.002)
        times.append((time.monotonic() - began) * 1000)
    with capsys.disabled():
        print(
            f"\n{start.__name__} {how}: median {statistics.median(times):.1f} ms, "
            f"most {max(times):.1f} ms"
        )
    assert statistics.median(times) < CLOSING_MS


def test_cancel_ends_a_query_whose_rows_nobody_reads(gateway, db, stream):
    insert(db, stream, 1, 1_000_000)
    with Raw(gateway, receive_buffer=65536) as raw:
        start_stalled(raw, db, stream)
        raw.say("cancel")
        wait_for(lambda: not backends(db, stream), timeout=1)
        rows = []
        while (message := raw.message())["type"] != "complete":
            rows += message["rows"] if message["type"] == "rows" else []
        assert message == {"type": "complete", "rows": len(rows), "reason": "cancelled"}
        assert in_order(rows, len(rows))


# --- many -----------------------------------------------------------------------------


def test_a_thousand_idle_sockets(start_gateway, capsys):
    gateway = start_gateway(live_sockets_max="1000", live_sockets_per_user="1000")
    with Raw(gateway):
        pass
    before = private_kb(gateway.pid)
    sockets = [Raw(gateway) for _ in range(1000)]
    try:
        assert {raw.status for raw in sockets} == {101}
        used = private_kb(gateway.pid) - before
        with capsys.disabled():
            print(f"\n1000 idle sockets: {used} kB, {used / 1000:.1f} kB each")
        assert not MEASURES_MEMORY or used < 64 * 1024
        with Raw(gateway) as one_more:
            assert one_more.status == 429
        for raw in sockets[::100]:
            raw.say("query", sql="SELECT 1 AS n")
            assert raw.until("rows")["rows"] == [[1]]
    finally:
        for raw in sockets:
            raw.socket.close()


def test_one_that_does_not_read_does_not_hold_up_others(gateway, db, stream):
    insert(db, stream, 1, 300_000)
    with Raw(gateway, receive_buffer=65536) as stalled, Live(gateway) as live:
        start_stalled(stalled, db, stream)
        times = []
        for n in range(50):
            began = time.monotonic()
            assert live.all(f"SELECT {n} AS n")[1] == [[n]]
            times.append(time.monotonic() - began)
        assert statistics.median(times) < 0.1


def test_live_queries_hold_no_snapshot_while_a_client_stalls(gateway, db, dbname, stream):
    insert(db, stream, 1, 300_000)
    with Raw(gateway, receive_buffer=65536) as raw:
        start_stalled(raw, db, stream)
        (pid,) = backends(db, stream)
        with psycopg.connect(dbname=dbname, autocommit=True) as session:
            assert session.execute(
                "SELECT backend_xmin FROM pg_stat_activity WHERE pid = %s", (pid,)
            ).fetchone() == (None,)


def test_whatever_clients_do_at_random_nothing_is_left_behind(gateway, db, stream):
    """Orders in any sequence, noise, and connections cut at any moment."""
    insert(db, stream, 1, 20_000)
    chance = random.Random(20261123)
    orders = [
        {"kind": "query", "sql": f"SELECT n, value FROM {stream} EMIT CHANGES"},
        {"kind": "query", "sql": f"SELECT n FROM {stream} EMIT CHANGES LIMIT 700"},
        {"kind": "query", "sql": "SELECT 1 AS n, 'x'::varchar(3); SELECT nothing"},
        {"kind": "pause"},
        {"kind": "resume"},
        {"kind": "cancel"},
    ]
    clients = []
    end = time.monotonic() + 8
    while time.monotonic() < end:
        if len(clients) < 20:
            clients.append(Raw(gateway))
            clients[-1].socket.settimeout(0.01)
        client = chance.choice(clients)
        deed = chance.random()
        try:
            if deed < 0.6:
                client.say(**chance.choice(orders))
            elif deed < 0.9:
                client.socket.recv(chance.choice([10, 100_000]))
            else:
                if deed < 0.95:
                    client.send(chance.randbytes(chance.randrange(40)))
                clients.remove(client)
                client.socket.close()
        except TimeoutError:
            pass
        except OSError:
            clients.remove(client)
            client.socket.close()
    for client in clients:
        client.socket.close()
    wait_for(lambda: not backends(db, stream), timeout=2)
    with Live(gateway) as live:
        assert live.all("SELECT 1 AS n")[1] == [[1]]
