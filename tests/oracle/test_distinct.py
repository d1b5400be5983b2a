"""Does SELECT DISTINCT give each row once, whatever happens to the job?"""

import random

import pytest

DECLARE = "CREATE STREAM events (id integer, k text, n numeric, at timestamptz) WITH ('event.time.field' = 'at')"
LONG = "k || repeat('-', 200)"  # so that state does not fit the small budget


@pytest.mark.parametrize("budget", ["256", "1"])
@pytest.mark.parametrize("window", ["", "WINDOW TUMBLING(1m)"])
def test_each_row_once(jobs, window, budget):
    rng = random.Random(f"{window}{budget}")
    bounds = "_window_start AS since, " if window else ""
    options = f"WITH ('max.memory.mb' = '{budget}')"
    jobs.velo(DECLARE)
    jobs.velo(f"CREATE STREAM rows AS SELECT DISTINCT {bounds}{LONG} AS k, n FROM events {window} EMIT CHANGES {options}")
    jobs.velo(f"CREATE TABLE kept AS SELECT DISTINCT {bounds}{LONG} AS k, n FROM events {window} EMIT CHANGES {options}")
    total = 0
    for batch in range(4):
        rows = []
        for _ in range(6000):
            total += 1
            key = None if rng.random() < 0.05 else f"k{rng.randint(0, 3000)}"
            number = rng.choice(["1.0", "1.00", "2", None])  # equal numbers are one
            rows.append((total, key, number, f"2026-03-01 08:{rng.randint(4 * batch, 4 * batch + 3):02}:00Z"))
        rows.sort(key=lambda row: row[3])
        jobs.session.cursor().executemany("INSERT INTO events VALUES (%s, %s, %s, %s)", rows)
        for name in ("rows", "kept"):
            jobs.wait_for_input(name, total)
            if batch % 2 == 0:
                jobs.velo(f"STOP JOB {name}")
                jobs.wait_for_status(name, "stopped")
                jobs.velo(f"START JOB {name}")
    since = "date_bin('1 minute', at, '2026-01-01Z') AS since, " if window else ""
    batch = f"SELECT DISTINCT {since}{LONG} AS k, n FROM events"
    columns = "since, k, n" if window else "k, n"
    for name in ("rows", "kept"):
        found = f"SELECT {columns} FROM {name}"
        assert jobs.rows(f"({found}) EXCEPT ALL ({batch})") == []
        assert jobs.rows(f"({batch}) EXCEPT ALL ({found})") == []
    assert jobs.value("SELECT count(*) FROM rows") > 5000
