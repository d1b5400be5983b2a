"""Do jobs with the aggregates of schema velo give what a batch gives, restarts or not?

One stream of random rows, read by a job with all aggregates; its worker is killed and the
job stopped and started while rows come.  What is exact must be what plain PostgreSQL
computes from the same rows; the sketches must keep within what they promise, for many
seeds and sizes.
"""

import math
import random

import pytest

SIZES = [10, 100, 1000, 10_000, 100_000, 1_000_000]
SEEDS = range(10)
# Standard error 0.81 %: of 60 counts none may be off by more than five of it.
COUNT_ERROR = 0.0081
PERCENTILE_ERROR = 0.01

EXACT = {
    "cd": "count(DISTINCT v)",
    "cdt": "count(DISTINCT t)",
    "m": "percentile_cont(0.5) WITHIN GROUP (ORDER BY v)",
    "d": "max(i) - min(i)",
    "top": "(array_agg(i ORDER BY i DESC) FILTER (WHERE i IS NOT NULL))[1:5]",
    "topd": "(array_agg(DISTINCT i ORDER BY i DESC) FILTER (WHERE i IS NOT NULL))[1:5]",
    "topt": "(array_agg(t ORDER BY t DESC) FILTER (WHERE t IS NOT NULL))[1:3]",
    "list": "string_agg(t, ',' ORDER BY id)",
    "lists": "string_agg(i::text, ' | ' ORDER BY id)",
    "f": "(array_agg(t ORDER BY at, id) FILTER (WHERE t IS NOT NULL))[1]",
    "l": "(array_agg(t ORDER BY at DESC, id DESC) FILTER (WHERE t IS NOT NULL))[1]",
}

JOB = """
CREATE TABLE states AS SELECT k, count(*) AS n, count_distinct(v) AS cd, count_distinct(t) AS cdt,
    median(v) AS m, delta(i) AS d, topk(i, 5) AS top, topk_distinct(i, 5) AS topd, topk(t, 3) AS topt,
    listagg(t) AS list, collect(i, ' | ') AS lists, first(t, at) AS f, last(t, at) AS l,
    approx_count_distinct(id) AS acd, approx_percentile(v, ARRAY[0, 0.25, 0.5, 0.99, 1]) AS p
    FROM events GROUP BY k EMIT CHANGES
"""

CREATE = "(id bigint, k text, v double precision, i integer, t text, at timestamptz)"

ROWS = """
SELECT g, 'k' || g %% 7, CASE WHEN g %% 11 = 0 THEN NULL ELSE (random() - 0.2) * 10 ^ (g %% 9) END,
    CASE WHEN g %% 13 = 0 THEN NULL ELSE (random() * 200)::integer END,
    CASE WHEN g %% 17 = 0 THEN NULL ELSE substr(md5(random()::text), 1, 1 + (g %% 3)::integer) END,
    timestamptz '2026-01-01' + (random() * 500)::integer * interval '1 s'
FROM generate_series(%s::bigint, %s) g
"""


def send(jobs, first, last):
    jobs.execute(f"CREATE TEMP TABLE part (id, k, v, i, t, at) ON COMMIT DROP AS {ROWS}", (first, last))
    jobs.execute("INSERT INTO log TABLE part")
    jobs.execute("INSERT INTO events SELECT * FROM part ORDER BY id")


def check_exact(jobs):
    columns = ", ".join(f"{expression} AS {name}" for name, expression in EXACT.items())
    expected = f"SELECT k, count(*) AS n, {columns} FROM log GROUP BY k"
    for name in EXACT:
        differing = jobs.rows(
            f"SELECT k, s.{name}, e.{name} FROM states s FULL JOIN ({expected}) e USING (k) "
            f"WHERE s.{name} IS DISTINCT FROM e.{name} LIMIT 3"
        )
        assert differing == [], f"{name}: group, of the job, of the batch"


def check_sketches(jobs):
    for group, found, count in jobs.rows(
        "SELECT k, s.acd, e.n FROM states s JOIN (SELECT k, count(DISTINCT id) AS n FROM log GROUP BY k) e USING (k)"
    ):
        assert abs(found / count - 1) <= 5 * COUNT_ERROR, f"group {group}: {found} for {count}"
    for group, found, values in jobs.rows(
        "SELECT k, p, e.v FROM states s JOIN "
        "(SELECT k, array_agg(v ORDER BY v) FILTER (WHERE v IS NOT NULL) AS v FROM log GROUP BY k) e USING (k)"
    ):
        for p, value in zip([0, 0.25, 0.5, 0.99, 1], found, strict=True):
            check_percentile(values, p, value, f"group {group}")


def check_percentile(values, p, found, where):
    expected = values[math.floor(p * (len(values) - 1))]
    error = abs(found - expected)
    assert error <= PERCENTILE_ERROR * abs(expected) * (1 + 1e-9), (
        f"{where}, {len(values)} values, p {p}: {found} for {expected}, "
        f"off by {error / abs(expected) if expected else error:.4%}"
    )


def test_states_survive_restarts(jobs):
    jobs.velo(f"CREATE STREAM events {CREATE}")
    jobs.execute(f"CREATE TABLE log {CREATE}")
    jobs.execute("SELECT setseed(0.5)")
    jobs.velo(JOB)
    rng = random.Random(7)
    sent = 0
    for round_ in range(8):
        size = rng.choice([1, 50, 700, 3000])
        with jobs.session.transaction():
            send(jobs, sent + 1, sent + size)
        sent += size
        if round_ % 3 != 2:
            jobs.wait_for_input("states", sent)
        if round_ % 2:
            jobs.execute("SELECT pg_terminate_backend(%s)", (jobs.worker_pid("states"),))
        else:
            jobs.velo("STOP JOB states")
            jobs.wait_for_status("states", "stopped")
            jobs.velo("START JOB states")
    jobs.wait_for_input("states", sent)
    check_exact(jobs)
    check_sketches(jobs)


def test_small_memory(jobs):
    """States are set aside and read back when there is no room for all."""
    jobs.velo(f"CREATE STREAM events {CREATE}")
    jobs.execute(f"CREATE TABLE log {CREATE}")
    jobs.velo(
        "CREATE TABLE states AS SELECT id % 400 AS k, count(*) AS n, approx_count_distinct(id) AS acd, "
        "count_distinct(id) AS cd, median(v) AS m FROM events GROUP BY id % 400 EMIT CHANGES "
        "WITH ('max.memory.mb' = '1')"
    )
    rows = 60_000
    for first in range(1, rows, 20_000):
        with jobs.session.transaction():
            send(jobs, first, first + 19_999)
    jobs.wait_for_input("states", rows, deadline_s=120)
    assert jobs.rows(
        "SELECT s.k, s.cd, s.acd, s.m, e.n, e.m FROM states s FULL JOIN (SELECT id % 400 AS k, count(*) AS n, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY v) AS m FROM log GROUP BY 1) e USING (k) "
        "WHERE s.cd <> e.n OR s.acd <> e.n OR s.m IS DISTINCT FROM e.m OR s.n IS NULL LIMIT 3"
    ) == []


@pytest.mark.parametrize("size", SIZES)
def test_count_error(connect, size):
    """Different keys for each seed; the mean over seeds must be near the promised error too."""
    session = connect()
    errors = []
    for seed in SEEDS:
        found = session.execute(
            "SELECT velo.approx_count_distinct(g::bigint * 10 + %s), velo.approx_count_distinct(g || '-' || %s::text) "
            "FROM generate_series(1, %s) g",
            (seed, seed, size),
        ).fetchone()
        errors += [value / size - 1 for value in found]
    shown = ", ".join(f"{error:+.3%}" for error in errors)
    assert max(map(abs, errors)) <= 5 * COUNT_ERROR, shown
    root_mean_square = math.sqrt(sum(error**2 for error in errors) / len(errors))
    print(f"{size}: root mean square {root_mean_square:.3%}: {shown}")
    assert root_mean_square <= 1.6 * COUNT_ERROR, f"{root_mean_square:.3%}: {shown}"
    if size <= 1000:
        assert errors == [0] * len(errors), shown


DISTRIBUTIONS = [
    "random() * 1000",
    "exp(random() * 30 - 15)",
    "(random() - 0.5) * 1e6",
    "floor(random() * 50)",
    "-ln(1 - random())",
]


@pytest.mark.parametrize("size", SIZES)
def test_percentile_error(connect, size):
    session = connect()
    fractions = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0]
    ranks = [math.floor(p * (size - 1)) + 1 for p in fractions]
    for seed in SEEDS:
        session.execute("SELECT setseed(%s)", (seed / 10,))
        expression = DISTRIBUTIONS[seed % len(DISTRIBUTIONS)]
        session.execute("DROP TABLE IF EXISTS sample")
        session.execute(
            f"CREATE TEMP TABLE sample AS SELECT {expression} AS x FROM generate_series(1, {size})"
        )
        found = session.execute(
            "SELECT velo.approx_percentile(x, %s::float8[]) FROM sample", (fractions,)
        ).fetchone()[0]
        true = session.execute(
            "SELECT array_agg(x ORDER BY r) FROM (SELECT x, row_number() OVER (ORDER BY x) AS r FROM sample) s "
            "WHERE r = ANY(%s)",
            (ranks,),
        ).fetchone()[0]
        true = dict(zip(sorted(set(ranks)), true, strict=True))
        for p, rank, value in zip(fractions, ranks, found, strict=True):
            error = abs(value - true[rank])
            assert error <= PERCENTILE_ERROR * abs(true[rank]) * (1 + 1e-9), (
                f"seed {seed}, {size} of {expression}, p {p}: {value} for {true[rank]}"
            )
