"""What becomes of records that come after their window has closed?"""

import random

import pytest

DECLARE = "CREATE STREAM events (id integer, k text, at timestamptz) WITH ('event.time.field' = 'at')"
BASE = "timestamptz '2026-03-01 08:00Z'"
UPDATES = "'late.data.strategy' = 'update_previous', 'watermark.allowed_lateness' = '%s'"


def send(jobs, rows):
    """rows: (id, key, seconds after eight)"""
    jobs.session.cursor().executemany(
        f"INSERT INTO events VALUES (%s, %s, {BASE} + %s * interval '1 second')", rows
    )


def wait_for_watermark(jobs, name, records, seconds):
    text = jobs.value(f"SELECT ({BASE} + %s::int * interval '1 second')::text", (seconds,))
    jobs.wait_for_input(name, records, text)


def expected(having, until):
    return (
        f"SELECT date_bin('1 minute', at, '2026-01-01Z') AS since, k, count(*), sum(id) FROM events "
        f"WHERE date_bin('1 minute', at, '2026-01-01Z') + interval '1 minute' <= {BASE} + {until} * interval '1 second' "
        f"GROUP BY 1, 2 {having}"
    )


def check(jobs, table, having, until):
    batch = expected(having, until)
    found = f"SELECT since, k, n, s FROM {table}"
    assert jobs.rows(f"({found}) EXCEPT ({batch})") == []
    assert jobs.rows(f"({batch}) EXCEPT ({found})") == []


@pytest.mark.parametrize("emit", ["FINAL", "CHANGES"])
@pytest.mark.parametrize("budget", ["256", "1"])
@pytest.mark.parametrize("seed", [1, 2])
def test_late_records_update(jobs, emit, budget, seed):
    """Kept for an hour, nothing is too late: the tables are what all records say.

    The job is stopped and started between batches, and with the small budget its state does
    not fit into memory, so groups of closed windows come back from the store.
    """
    rng = random.Random(seed)
    jobs.velo(DECLARE)
    for name, having in (("plain", ""), ("small", "HAVING count(*) < 3")):
        jobs.velo(
            f"CREATE TABLE {name} AS SELECT _window_start AS since, k, count(*) AS n, sum(id) AS s, "
            # What fills memory without being in the batch query.
            f"length(string_agg(repeat(k, 100), '')) > 0 AS long FROM events WINDOW TUMBLING(1m) GROUP BY k {having} "
            f"EMIT {emit} WITH ({UPDATES % '1h'}, 'max.memory.mb' = '{budget}')"
        )
    total = 0
    for batch in range(4):
        newest = 60 * (batch + 1) * 4
        rows = []
        for _ in range(2500):
            total += 1
            at = rng.choice([rng.randint(0, newest - 60), rng.randint(newest - 60, newest - 1)])
            rows.append((total, f"k{rng.randint(0, 400)}", at))
        total += 1
        rows.append((total, "mark", newest + 5))  # the watermark is five seconds behind
        send(jobs, rows)
        for name in ("plain", "small"):
            wait_for_watermark(jobs, name, total, newest)
        if batch % 2:
            for name in ("plain", "small"):
                jobs.velo(f"STOP JOB {name}")
                jobs.wait_for_status(name, "stopped")
                jobs.velo(f"START JOB {name}")
    until = newest if emit == "FINAL" else newest + 3600
    check(jobs, "plain", "", until)
    check(jobs, "small", "HAVING count(*) < 3", until)
    assert jobs.status("plain")["records_late"] == 0
    assert jobs.value("SELECT count(*) FROM small") > 50


def test_too_late_even_for_an_update(jobs):
    jobs.velo(DECLARE)
    jobs.velo(
        "CREATE TABLE result AS SELECT _window_start AS since, k, count(*) AS n FROM events "
        f"WINDOW TUMBLING(1m) GROUP BY k EMIT FINAL WITH ({UPDATES % '2m'})"
    )
    send(jobs, [(1, "a", 10), (2, "a", 70)])
    wait_for_watermark(jobs, "result", 2, 65)
    send(jobs, [(3, "a", 20)])
    jobs.wait_for_input("result", 3)
    assert jobs.rows("SELECT k, n FROM result") == [("a", 2)]
    send(jobs, [(4, "a", 185)])  # the first window ended two minutes before the watermark
    wait_for_watermark(jobs, "result", 4, 180)
    send(jobs, [(5, "a", 30), (6, "a", 100)])
    jobs.wait_for_input("result", 6)
    assert jobs.rows("SELECT k, n FROM result ORDER BY since") == [("a", 2), ("a", 2)]
    assert jobs.status("result")["records_late"] == 1


def test_an_update_is_a_second_row_of_a_stream(jobs):
    jobs.velo(DECLARE)
    jobs.velo(
        "CREATE STREAM result AS SELECT k, count(*) AS n FROM events "
        f"WINDOW TUMBLING(1m) GROUP BY k EMIT FINAL WITH ({UPDATES % '10m'})"
    )
    send(jobs, [(1, "a", 10), (2, "b", 20), (3, "a", 70)])
    wait_for_watermark(jobs, "result", 3, 65)
    send(jobs, [(4, "a", 20), (5, "a", 21)])
    jobs.wait_for_input("result", 5)
    assert jobs.rows("SELECT k, n FROM result ORDER BY k, n") == [("a", 1), ("a", 3), ("b", 1)]


def test_late_records_count_in_the_next_window(jobs):
    jobs.velo(DECLARE)
    options = "'late.data.strategy' = 'include_in_next_window'"
    jobs.velo(
        "CREATE TABLE tumbling AS SELECT _window_start AS since, count(*) AS n, sum(id) AS s FROM events "
        f"WINDOW TUMBLING(1m) EMIT FINAL WITH ({options})"
    )
    jobs.velo(
        "CREATE TABLE sliding AS SELECT _window_start AS since, count(*) AS n, sum(id) AS s FROM events "
        f"WINDOW SLIDING(2m, 1m) EMIT FINAL WITH ({options})"
    )
    send(jobs, [(1, "a", 10), (2, "a", 70)])
    for name in ("tumbling", "sliding"):
        wait_for_watermark(jobs, name, 2, 65)
    send(jobs, [(4, "a", 20), (8, "a", 80)])  # 4 is late: it counts at the watermark, 65
    send(jobs, [(16, "a", 600)])
    for name in ("tumbling", "sliding"):
        wait_for_watermark(jobs, name, 5, 595)
    minutes = f"extract(epoch FROM since - {BASE})::int / 60"
    assert jobs.rows(f"SELECT {minutes}, n, s FROM tumbling ORDER BY 1") == [(0, 1, 1), (1, 3, 14)]
    assert jobs.rows(f"SELECT {minutes}, n, s FROM sliding ORDER BY 1") == [(-1, 1, 1), (0, 4, 15), (1, 3, 14)]
    assert jobs.status("tumbling")["records_late"] == 0
