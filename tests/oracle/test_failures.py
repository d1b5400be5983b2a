"""Does a bad record cost only itself, whatever fails and wherever?"""

import random

import psycopg
import pytest
from oracle_cluster import wait_for

FUNCTIONS = """
CREATE FUNCTION public.add_good(state bigint, x integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF x = 13 THEN RAISE EXCEPTION 'unlucky' USING ERRCODE = '22000'; END IF;
    RETURN state + coalesce(x, 0);
END $$;
CREATE AGGREGATE public.sum_good (integer) (SFUNC = add_good, STYPE = bigint, INITCOND = '0');
-- What fails depends on what came before.
CREATE AGGREGATE public.sum_int (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE DOMAIN public.small AS integer CHECK (VALUE < 100);
"""


@pytest.fixture(scope="module", autouse=True)
def functions(server, dbname):
    with server.connect(dbname) as session:
        session.execute(FUNCTIONS)


def send(jobs, rows, rng=None, columns=("id", "at", "k", "i", "t")):
    """Rows in transactions of random size."""
    rest = list(rows)
    while rest:
        size = rng.choice([1, 3, 40, len(rest)]) if rng else len(rest)
        part, rest = rest[:size], rest[size:]
        with jobs.session.transaction(), jobs.session.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO events ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
                part,
            )


def create_events(jobs):
    jobs.velo(
        "CREATE STREAM events (id bigint, at timestamptz, k text, i integer, t text) "
        "WITH ('event.time.field' = 'at', 'watermark.idle.timeout' = '0', "
        "'watermark.max_out_of_orderness' = '0')"
    )
    # Arrival order and time order are the same: nothing is late.
    jobs.execute(
        "CREATE TABLE log (id bigint PRIMARY KEY, at timestamptz, k text, i integer, t text)"
    )


def random_rows(rng, count):
    at = 1772323200
    for number in range(count):
        at += rng.randrange(4)
        yield (
            number,
            f"epoch {at}",
            rng.choice(["a", "b", "c", None]),
            rng.choice([0, 13, *range(1, 12)]) if rng.random() < 0.4 else rng.randrange(1, 12),
            rng.choice(["1", "2", "x", ""]) if rng.random() < 0.1 else "7",
        )


def load(jobs, rows):
    with jobs.session.transaction(), jobs.session.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO log VALUES (%s, to_timestamp(split_part(%s, ' ', 2)::bigint), %s, %s, %s)",
            rows,
        )


def send_log(jobs, rng, count):
    sent = 0
    while sent < count:
        upto = min(count, sent + rng.choice([1, 2, 30, 500]))
        jobs.execute("INSERT INTO events SELECT * FROM log WHERE id >= %s AND id < %s ORDER BY id", (sent, upto))
        sent = upto


# (name, aggregate of the query, how the same is computed over good rows, which rows are bad)
KINDS = {
    "before_state": ("sum(60 / i)", "sum(60 / i)", "i = 0"),
    "cast": ("sum(t::integer)", "sum(t::integer)", "t IN ('x', '')"),
    "filter": ("count(*) FILTER (WHERE 1 / i >= 0)", "count(*)", "i = 0"),
    "transition": ("sum_good(i)", "sum(i)", "i = 13"),
    "replayed_argument": ("array_agg(60 / i ORDER BY id)", "array_agg(60 / i ORDER BY id)", "i = 0"),
    "two_kinds": ("sum_good(60 / i * 0 + i)", "sum(i)", "i IN (0, 13)"),
    "late_aggregate": ("count(*), sum_good(i)", "count(*), sum(i)", "i = 13"),
}

SHAPES = {
    "no_window": ("", "", ""),
    "tumbling": ("WINDOW TUMBLING(20s)", ", LATERAL (SELECT floor(extract(epoch FROM at) / 20)) w (ws)", ", ws"),
    "sliding": (
        "WINDOW SLIDING(20s, 5s)",
        ", LATERAL (SELECT ws FROM generate_series(floor(extract(epoch FROM at) / 5), "
        "floor(extract(epoch FROM at) / 5) - 3, -1) ws) w (ws)",
        ", ws",
    ),
}


@pytest.mark.parametrize("strategy", ["LogAndContinue", "SendToDLQ"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_good_rows_count_once(jobs, kind, shape, strategy):
    rng = random.Random(f"{kind} {shape} {strategy}")
    count = 600
    create_events(jobs)
    load(jobs, list(random_rows(rng, count)))
    aggregate, batch, bad = KINDS[kind]
    window, lateral, group = SHAPES[shape]
    aggregate = ", ".join(f"{a} AS a{n}" for n, a in enumerate(split(aggregate)))
    jobs.velo(
        f"CREATE TABLE result AS SELECT k, {aggregate} FROM events {window} GROUP BY k EMIT CHANGES "
        f"WITH ('failure_strategy' = '{strategy}', 'max_batch_size' = '{rng.choice([50, 200000])}')"
    )
    send_log(jobs, rng, count)
    jobs.wait("result", lambda s: s.get("records_in", 0) >= count, "all read", 60)
    names = ", ".join(f"a{n}" for n in range(len(split(aggregate))))
    found = jobs.rows(f"SELECT k, {names} FROM result")
    expected = jobs.rows(f"SELECT k, {batch} FROM log {lateral} WHERE NOT ({bad}) GROUP BY k{group}")
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    bad_ids = [r[0] for r in jobs.rows(f"SELECT id FROM log WHERE {bad} ORDER BY id")]
    assert [letter["record"]["id"] for letter in jobs.dead_letters("result")] == bad_ids
    status = jobs.status("result")
    assert status["records_failed"] == len(bad_ids)
    assert status["records_in"] == count


def split(aggregates):
    return aggregates.split(", ")


def test_state_dependent_error(jobs):
    """Overflow of a sum: the row that overflows is refused, later ones still fit."""
    rng = random.Random(5)
    create_events(jobs)
    rows = [(n, f"epoch {1772323200 + n}", "a", rng.randrange(-(2**31), 2**31), "7") for n in range(400)]
    load(jobs, rows)
    jobs.velo("CREATE TABLE result AS SELECT k, sum_int(i) AS s, count(*) AS n FROM events GROUP BY k")
    send_log(jobs, rng, len(rows))
    jobs.wait("result", lambda s: s.get("records_in", 0) >= len(rows), "all read", 60)
    total, refused = 0, []
    for number, _, _, i, _ in rows:
        if -(2**31) <= total + i < 2**31:
            total += i
        else:
            refused.append(number)
    assert refused
    assert jobs.rows("SELECT s, n FROM result") == [(total, len(rows) - len(refused))]
    letters = jobs.dead_letters("result")
    assert [letter["record"]["id"] for letter in letters] == refused
    assert {(x["sqlstate"], x["error_class"]) for x in letters} == {("22003", "type_conversion")}


def test_contents_of_dead_letters(jobs):
    create_events(jobs)
    jobs.velo("CREATE STREAM result AS SELECT id, 1 / i AS x, t::integer AS y FROM events")
    jobs.execute(
        "INSERT INTO events VALUES (1, '2026-03-01 10:00+00', 'a', 1, '5'), "
        "(2, '2026-03-01 10:00+00', 'b', 0, '5'), (3, '2026-03-01 10:01+00', NULL, 1, 'five')"
    )
    jobs.wait_for_input("result", 3)
    assert jobs.rows("SELECT * FROM result") == [(1, 1, 5)]
    offsets = [r[0] for r in jobs.rows("SELECT _seq FROM velo_storage.events_rows ORDER BY id")]
    first, second = jobs.dead_letters("result")
    assert first["record"] == {
        "id": 2, "at": "2026-03-01T10:00:00+00:00", "k": "b", "i": 0, "t": "5",
    }
    assert (first["sqlstate"], first["error_message"]) == ("22012", "division by zero")
    assert first["error_class"] == "sql_execution"
    assert first["source_offset"] == offsets[1]
    assert first["event_time"].isoformat() == "2026-03-01T10:00:00+00:00"
    assert second["record"]["t"] == "five"
    assert (second["sqlstate"], second["error_class"]) == ("22P02", "type_conversion")
    assert second["source_offset"] == offsets[2]


def test_error_of_an_output_row(jobs):
    """An output row that cannot be computed is the failing unit: key and aggregates."""
    create_events(jobs)
    jobs.velo(
        "CREATE STREAM result AS SELECT k, 100 / sum(i) AS x, _window_start AS ws FROM events "
        "WINDOW TUMBLING(10s) GROUP BY k HAVING 100 / count(i) > 0 EMIT FINAL"
    )
    jobs.execute(
        "INSERT INTO events VALUES (1, 'epoch', 'a', 5, ''), (2, 'epoch', 'b', 3, ''), "
        "(3, 'epoch', 'b', -3, ''), (4, 'epoch', 'c', NULL, ''), (5, 'epoch', NULL, 20, ''), "
        "(6, '1970-01-01 00:00:10+00', 'a', 1, '')"
    )
    jobs.wait_for_input("result", 6, "1970-01-01 00:00:10+00")
    assert sorted(map(repr, jobs.rows("SELECT k, x FROM result"))) == ["('a', 20)", "(None, 5)"]
    letters = jobs.dead_letters("result")
    assert [letter["sqlstate"] for letter in letters] == ["22012", "22012"]
    assert sorted(letter["record"]["k"] for letter in letters) == ["b", "c"]
    assert {letter["operator"] for letter in letters} == {"aggregate"}


def test_null_in_primary_key_of_rows(jobs):
    create_events(jobs)
    jobs.velo("CREATE TABLE result AS SELECT k PRIMARY KEY, i FROM events")
    send(jobs, [(1, "epoch", "a", 1, ""), (2, "epoch", None, 2, ""), (3, "epoch", "a", 3, "")])
    jobs.wait_for_input("result", 3)
    assert jobs.rows("SELECT * FROM result") == [("a", 3)]
    (letter,) = jobs.dead_letters("result")
    assert (letter["sqlstate"], letter["error_class"]) == ("23502", "null_value")
    assert letter["record"]["id"] == 2 if "id" in letter["record"] else letter["record"]["i"] == 2


def test_check_of_the_target(jobs):
    """What the target refuses, the others of the same batch are kept."""
    create_events(jobs)
    jobs.velo("CREATE TABLE result AS SELECT id PRIMARY KEY, i, k FROM events")
    jobs.wait_for_status("result", "running")
    jobs.execute("ALTER TABLE result ADD CONSTRAINT positive CHECK (i > 0)")
    jobs.execute("INSERT INTO events SELECT g, 'epoch', 'a', g % 7, '' FROM generate_series(1, 500) g")
    jobs.wait_for_input("result", 500)
    assert jobs.value("SELECT count(*) FROM result") == 500 - 500 // 7
    letters = jobs.dead_letters("result")
    assert len(letters) == 500 // 7
    assert {letter["sqlstate"] for letter in letters} == {"23514"}
    assert {letter["operator"] for letter in letters} <= {"deliver", "sink"}


def test_insert_job_into_a_plain_table(jobs):
    create_events(jobs)
    jobs.execute(
        "CREATE TABLE other (k text NOT NULL, i small, n serial, CONSTRAINT odd CHECK (i % 2 = 1))"
    )
    jobs.velo("INSERT INTO other (k, i) SELECT k, i FROM events EMIT CHANGES")
    name = jobs.value("SELECT name FROM velo.job WHERE kind = 'insert' AND name LIKE '%%other%%'")
    values = [("a", 1), ("a", 2), (None, 3), ("b", 101), ("b", 5), ("b", None), ("c", 7)]
    send(jobs, [(n, "epoch", k, i, "") for n, (k, i) in enumerate(values)])
    jobs.wait_for_input(name, len(values))
    assert jobs.rows("SELECT k, i FROM other ORDER BY n") == [("a", 1), ("b", 5), ("b", None), ("c", 7)]
    found = [letter["sqlstate"] for letter in jobs.dead_letters(name)]
    assert sorted(found) == ["23502", "23514", "23514"]


@pytest.mark.parametrize("strategy", ["FailBatch", "RetryWithBackoff"])
@pytest.mark.parametrize("aggregate", ["60 / i", "sum_good(i)"])
def test_data_error_fails_the_batch(jobs, strategy, aggregate):
    create_events(jobs)
    what = f"id PRIMARY KEY, {aggregate} AS x FROM events" if "/" in aggregate else f"k, {aggregate} AS x FROM events GROUP BY k"
    jobs.velo(f"CREATE TABLE result AS SELECT {what} WITH ('failure_strategy' = '{strategy}')")
    send(jobs, [(1, "epoch", "a", 1, "")])
    jobs.wait_for_input("result", 1)
    before = jobs.rows("SELECT position FROM velo.position p JOIN velo.job j USING (job_id) WHERE j.name = 'result'")
    send(jobs, [(2, "epoch", "a", 5, ""), (3, "epoch", "a", 0 if "/" in aggregate else 13, ""), (4, "epoch", "a", 6, "")])
    status = jobs.wait("result", lambda s: s["status"] == "failed", "failed", may_fail=True)
    assert status["last_sqlstate"] == ("22012" if "/" in aggregate else "22000")
    assert status["records_in"] == 1
    assert jobs.rows("SELECT position FROM velo.position p JOIN velo.job j USING (job_id) WHERE j.name = 'result'") == before
    assert jobs.value("SELECT count(*) FROM result") == 1
    assert jobs.dead_letters("result") == []
    # Mended (the function, here the data cannot be), it goes on where it was.
    if "/" not in aggregate:
        jobs.execute("CREATE OR REPLACE FUNCTION public.add_good(state bigint, x integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT state + coalesce(x, 0)'")
        try:
            jobs.velo("START JOB result")
            jobs.wait("result", lambda s: s.get("records_in", 0) >= 4, "read on", may_fail=True)
            assert jobs.rows("SELECT x FROM result") == [(25,)]
        finally:
            jobs.execute(FUNCTIONS.split("CREATE AGGREGATE", maxsplit=1)[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def test_retry_outlasts_a_passing_error(jobs, connect):
    """A lock that goes away: class 55 is tried again, nothing is lost or doubled."""
    create_events(jobs)
    jobs.execute("CREATE TABLE gate (open boolean); INSERT INTO gate VALUES (false)")
    jobs.execute(
        "CREATE FUNCTION passes(x integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT (SELECT open FROM {jobs.schema}.gate) THEN RAISE 'not now' USING ERRCODE = '55P03'; END IF; "
        "RETURN x; END $$"
    )
    jobs.velo(
        "CREATE TABLE result AS SELECT k, sum(passes(i)) AS s FROM events GROUP BY k "
        "WITH ('failure_strategy' = 'RetryWithBackoff', 'retry.initial.delay' = '50ms', "
        "'retry.max.delay' = '100ms', 'retry.max.attempts' = '1000')"
    )
    send(jobs, [(n, "epoch", "a", n, "") for n in range(10)])
    jobs.wait("result", lambda s: s["restarts"] >= 3 and s["last_sqlstate"] == "55P03", "retrying", may_fail=True)
    assert jobs.value("SELECT count(*) FROM result") == 0
    jobs.execute("UPDATE gate SET open = true")
    jobs.wait("result", lambda s: s.get("records_in", 0) == 10, "read", may_fail=True)
    assert jobs.rows("SELECT s FROM result") == [(45,)]
    assert jobs.dead_letters("result") == []


def test_dead_letters_are_bounded(jobs):
    create_events(jobs)
    jobs.velo(
        "CREATE STREAM result AS SELECT 1 / i AS x FROM events "
        "WITH ('failure_strategy' = 'SendToDLQ', 'dlq_max_size' = '5')"
    )
    send(jobs, [(n, "epoch", "a", 0, "") for n in range(20)] + [(99, "epoch", "a", 1, "")])
    jobs.wait_for_input("result", 21)
    assert len(jobs.dead_letters("result")) == 5
    assert jobs.status("result")["records_failed"] == 20
    assert jobs.rows("SELECT x FROM result") == [(1,)]


def test_dead_letters_can_be_off(jobs):
    create_events(jobs)
    jobs.velo("CREATE STREAM result AS SELECT 1 / i AS x FROM events WITH ('enable_dlq' = 'false')")
    send(jobs, [(1, "epoch", "a", 0, ""), (2, "epoch", "a", 1, "")])
    jobs.wait_for_input("result", 2)
    assert jobs.dead_letters("result") == []
    assert jobs.status("result")["records_failed"] == 1


def test_bad_event_times_do_not_move_the_watermark(jobs):
    """A time that cannot be read, or none, is the record's own failure."""
    jobs.velo(
        "CREATE STREAM events (id bigint, at text) WITH ('event.time.field' = 'at', "
        "'watermark.max_out_of_orderness' = '0', 'watermark.idle.timeout' = '0')"
    )
    jobs.velo("CREATE STREAM result AS SELECT count(*) AS n, _window_start AS ws FROM events WINDOW TUMBLING(10s)")
    jobs.execute(
        "INSERT INTO events VALUES (1, '2026-03-01 10:00'), (2, 'tomorrow morning'), (3, NULL), "
        "(4, '2026-03-01 10:00:05'), (5, '2026-03-01 10:00:10')"
    )
    jobs.wait_for_input("result", 5, "2026-03-01 10:00:10+00")
    assert jobs.rows("SELECT n, ws::text FROM result") == [(2, "2026-03-01 10:00:00+00")]
    assert [letter["sqlstate"] for letter in jobs.dead_letters("result")] == ["22007", "22004"]


@pytest.mark.parametrize("emit", ["CHANGES", "FINAL"])
def test_bad_rows_while_state_is_spilled(jobs, emit):
    """Rows that fail when their groups have been set aside: careful mode reads them back."""
    create_events(jobs)
    groups, rows = 30_000, 90_000
    jobs.velo(
        "CREATE TABLE result AS SELECT id % 30000 AS g, sum_good(i) AS s, array_agg(i ORDER BY id) AS a "
        f"FROM events WINDOW TUMBLING(1h) GROUP BY id % 30000 EMIT {emit} "
        "WITH ('max.memory.mb' = '2', 'max_batch_size' = '20000')"
    )
    jobs.execute(
        "INSERT INTO events SELECT g, '2026-03-01 10:00+00'::timestamptz, 'k', "
        f"CASE WHEN g % 9999 = 17 THEN 13 ELSE g % 7 END, '' FROM generate_series(1, {rows}) g"
    )
    jobs.execute("INSERT INTO events VALUES (0, '2026-03-01 11:00+00', 'k', 1, '')")
    jobs.wait_for_input("result", rows + 1, "2026-03-01 11:00:00+00")
    wrong = jobs.value(
        f"""SELECT count(*) FROM (SELECT g % {groups} AS g, sum(g % 7) AS s, array_agg(g % 7 ORDER BY g) AS a
        FROM generate_series(1, {rows}) g WHERE g % 9999 <> 17 GROUP BY 1) e
        FULL JOIN (SELECT * FROM result WHERE _window_start = '2026-03-01 10:00+00') r USING (g)
        WHERE (e.s, e.a) IS DISTINCT FROM (r.s, r.a)"""
    )
    assert wrong == 0
    assert len(jobs.dead_letters("result")) == len([g for g in range(1, rows + 1) if g % 9999 == 17])


def test_late_rows_are_dropped_and_counted(jobs):
    create_events(jobs)
    jobs.velo("CREATE TABLE result AS SELECT k, count(*) AS n FROM events WINDOW TUMBLING(10s) GROUP BY k EMIT CHANGES")
    late(jobs)
    assert jobs.dead_letters("result") == []


def test_late_rows_become_dead_letters(jobs):
    create_events(jobs)
    jobs.velo(
        "CREATE TABLE result AS SELECT k, count(*) AS n FROM events WINDOW TUMBLING(10s) GROUP BY k "
        "EMIT CHANGES WITH ('late.data.strategy' = 'dead_letter')"
    )
    late(jobs)
    (letter,) = jobs.dead_letters("result")
    assert (letter["sqlstate"], letter["error_class"]) == ("VE002", "late")
    assert (letter["record"]["id"], letter["operator"]) == (3, "window")


def late(jobs):
    send(jobs, [(1, "2026-03-01 10:00:05+00", "a", 1, ""), (2, "2026-03-01 10:00:10+00", "a", 1, "")])
    # The barrier: only when the watermark has passed the window's end is a row of it late.
    jobs.wait("result", lambda s: s["watermark"] and s["watermark"] >= "2026-03-01T10:00:10", "watermark")
    send(jobs, [(3, "2026-03-01 10:00:09+00", "a", 1, ""), (4, "2026-03-01 10:00:10+00", "a", 1, "")])
    jobs.wait_for_input("result", 4)
    assert jobs.rows("SELECT k, n FROM result ORDER BY _window_start") == [("a", 1), ("a", 2)]
    assert jobs.status("result")["records_late"] == 1


def test_sliding_row_may_be_late_for_some_windows(jobs):
    create_events(jobs)
    jobs.velo("CREATE TABLE result AS SELECT count(*) AS n FROM events WINDOW SLIDING(10s, 5s) EMIT CHANGES")
    send(jobs, [(1, "2026-03-01 10:00:05+00", "a", 1, ""), (2, "2026-03-01 10:00:10+00", "a", 1, "")])
    jobs.wait("result", lambda s: s["watermark"] and s["watermark"] >= "2026-03-01T10:00:10", "watermark")
    # In [10:00:00, :10), which has closed, and in [10:00:05, :15), which has not.
    send(jobs, [(3, "2026-03-01 10:00:09+00", "a", 1, "")])
    jobs.wait_for_input("result", 3)
    assert jobs.rows("SELECT n FROM result ORDER BY _window_start") == [(1,), (3,), (1,)]
    assert jobs.status("result")["records_late"] == 1


def test_dead_letters_go_with_their_batch(jobs, connect):
    """A worker that dies after it wrote dead letters writes them again, once."""
    create_events(jobs)
    jobs.velo("CREATE STREAM result AS SELECT 1 / i AS x FROM events WITH ('failure_strategy' = 'SendToDLQ')")
    jobs.wait_for_status("result", "running")
    try:
        jobs.execute("SELECT velo._testpoint_arm('commit_positions_written', 'error')")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("the server was built without test points")
    send(jobs, [(1, "epoch", "a", 0, ""), (2, "epoch", "a", 1, "")])
    wait_for(lambda: jobs.status("result").get("records_in") == 2, "the records")
    assert len(jobs.dead_letters("result")) == 1
    assert jobs.rows("SELECT x FROM result") == [(1,)]
