"""Are the final rows of windows right, also where rows of their keys are there already?

The job inserts them as new without looking, because nobody else writes its table; a reset
that keeps the output is how rows can be there all the same.
"""

DECLARE = "CREATE STREAM events (k text, at timestamptz) WITH ('event.time.field' = 'at')"
WINDOWS = (
    "CREATE TABLE result AS SELECT _window_start AS since, k, count(*) AS n FROM events "
    "WINDOW TUMBLING(1m) GROUP BY k EMIT FINAL WITH ('keep.output' = 'true')"
)
FEED = (
    "INSERT INTO events SELECT 'k' || g %% 40, timestamptz '2026-03-01 08:00Z' + g * interval '1 second' "
    "FROM generate_series(%s::int, %s::int) g"
)
EXPECTED = (
    "SELECT date_bin('1 minute', at, '2026-01-01Z'), k, count(*) FROM events "
    "WHERE at < date_bin('1 minute', (SELECT max(at) FROM events) - interval '5 seconds', '2026-01-01Z') GROUP BY 1, 2"
)


def feed(jobs, first, last):
    """One record a second; the watermark is five seconds behind the last."""
    jobs.execute(FEED, (first, last))
    jobs.wait_for_input(
        "result",
        last,
        jobs.value("SELECT (timestamptz '2026-03-01 08:00Z' + (%s::int - 5) * interval '1 second')::text", (last,)),
    )


def check(jobs):
    assert jobs.rows(f"(SELECT since, k, n FROM result) EXCEPT ({EXPECTED})") == []
    assert jobs.rows(f"({EXPECTED}) EXCEPT (SELECT since, k, n FROM result)") == []
    assert jobs.value("SELECT count(*) > 0 FROM result")


def test_rows_come_once(jobs):
    jobs.velo(DECLARE)
    jobs.velo(WINDOWS)
    feed(jobs, 1, 6000)
    feed(jobs, 6001, 9000)
    check(jobs)
    assert jobs.status("result")["restarts"] == 0


def test_a_reset_that_keeps_the_output(jobs):
    jobs.velo(DECLARE)
    jobs.velo(WINDOWS)
    feed(jobs, 1, 6000)
    jobs.velo("STOP JOB result")
    jobs.wait_for_status("result", "stopped")
    jobs.velo("RESET JOB result TO EARLIEST")
    # What stands there must be written over, not kept by chance.
    jobs.execute("CREATE TABLE before AS SELECT ctid AS place, since, k FROM result")
    jobs.velo("START JOB result")
    feed(jobs, 6001, 12000)
    check(jobs)
    assert jobs.value("SELECT count(*) FROM before b JOIN result r USING (since, k) WHERE r.ctid <> b.place") > 0
    assert jobs.status("result")["status"] == "running"


def test_the_window_leads_the_index(jobs):
    jobs.velo(DECLARE)
    jobs.velo(WINDOWS)
    jobs.velo(
        "CREATE TABLE ordered AS SELECT k PRIMARY KEY, _window_start PRIMARY KEY, count(*) AS n FROM events "
        "WINDOW TUMBLING(1m) GROUP BY k EMIT FINAL"
    )
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
    assert jobs.value(keys, ("result",)) == "UNIQUE NULLS NOT DISTINCT (since, _window_end, k)"
    assert jobs.value(keys, ("ordered",)) == "PRIMARY KEY (k, _window_start)"
