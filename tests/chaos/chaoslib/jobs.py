"""The jobs under test, all running at once, each with the query that says what is right.

An output is compared with what its oracle, an ordinary batch query over the log of
committed rows, gives at the end.  Rows with k = -1 are the barrier that closes the
last windows (oracle.py); they are left out on both sides.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    sink: str  # native, table; into Kafka: leading (Kafka leads), outbox (PostgreSQL does)
    create: str
    output: str  # the output as the oracle shows it
    oracle: str
    # Closes windows: all is out only when the watermark has passed them.
    is_final: bool = False
    has_key: bool = True  # of a table: rows are upserted
    spills: bool = False  # sets state aside
    logs_much: bool = False  # rotates its log every few seconds
    # Which committed rows the job cannot process: each is a dead letter, once.
    fails_at: str | None = None
    # What has to be there first.
    prepare: str = ""
    source: str = "native"  # or kafka
    # Of each record of an output topic a number that grows with each of its key.
    grows: str | None = None

    @property
    def is_to_kafka(self):
        return self.sink in ("leading", "outbox")


def bin_of(size, column="at"):
    return f"date_bin('{size}', {column}, timestamptz '1970-01-01')"


JOBS = [
    Job(
        "o_rows",
        "native",
        """CREATE STREAM o_rows AS
           SELECT id, k, v * 2 AS v2, label, at FROM ev WHERE k % 7 <> 0""",
        "SELECT id, k, v2, label, at FROM o_rows WHERE k <> -1",
        "SELECT id, k, v * 2, label, at FROM log_ev WHERE k % 7 <> 0 AND k <> -1",
    ),
    Job(
        "o_final",
        "native",
        """CREATE STREAM o_final AS
           SELECT k, _window_start AS ws, count(*) AS n, sum(v) AS total, min(id) AS lo,
                  max(label) AS hi
           FROM ev WINDOW TUMBLING(1s) GROUP BY k EMIT FINAL""",
        "SELECT k, ws, n, total, lo, hi FROM o_final WHERE k <> -1",
        f"""SELECT k, {bin_of("1s")}, count(*), sum(v), min(id), max(label)
            FROM log_ev WHERE k <> -1 GROUP BY 1, 2""",
        is_final=True,
    ),
    Job(
        "o_wide",
        "native",
        """CREATE STREAM o_wide AS
           SELECT id / 3 AS g, _window_start AS ws, count(*) AS n, string_agg(label, '') AS text
           FROM ev WINDOW TUMBLING(10s) GROUP BY id / 3 EMIT FINAL WITH ('max.memory.mb' = 1)""",
        "SELECT g, ws, n, length(text) FROM o_wide WHERE g >= 0",
        f"""SELECT id / 3, {bin_of("10s")}, count(*), length(string_agg(label, ''))
            FROM log_ev WHERE k <> -1 GROUP BY 1, 2""",
        is_final=True,
        spills=True,
    ),
    Job(
        "o_clock",
        "native",
        """CREATE STREAM o_clock AS
           SELECT k, _window_start AS ws, count(*) AS n, sum(v) AS total
           FROM plain WINDOW TUMBLING(2s) GROUP BY k EMIT FINAL""",
        "SELECT k, ws, n, total FROM o_clock WHERE k <> -1",
        f"""SELECT k, {bin_of("2s", "_timestamp")}, count(*), sum(v)
            FROM velo_storage.plain_rows WHERE k <> -1 GROUP BY 1, 2""",
        is_final=True,
    ),
    Job(
        "o_changes",
        "table",
        """CREATE TABLE o_changes AS
           SELECT k, _window_start AS ws, count(*) AS n, sum(v) AS total
           FROM ev WINDOW TUMBLING(5s) GROUP BY k EMIT CHANGES""",
        "SELECT k, ws, n, total FROM o_changes WHERE k <> -1",
        f"""SELECT k, {bin_of("5s")}, count(*), sum(v)
            FROM log_ev WHERE k <> -1 GROUP BY 1, 2""",
    ),
    Job(
        "o_groups",
        "table",
        """CREATE TABLE o_groups AS
           SELECT k, label, count(*) AS n, sum(v) AS total, min(id) AS lo, max(at) AS hi,
                  avg(v) AS mean
           FROM ev GROUP BY k, label""",
        "SELECT k, label, n, total, lo, hi, mean FROM o_groups WHERE k <> -1",
        """SELECT k, label, count(*), sum(v), min(id), max(at), avg(v)
           FROM log_ev WHERE k <> -1 GROUP BY 1, 2""",
        logs_much=True,
    ),
    Job(
        "o_sliding",
        "table",
        """CREATE TABLE o_sliding AS
           SELECT k % 5 AS k5, _window_start AS ws, count(*) AS n, sum(v) AS total
           FROM ev WINDOW SLIDING(6s, 2s) GROUP BY k % 5 EMIT CHANGES""",
        "SELECT k5, ws, n, total FROM o_sliding WHERE k5 <> -1",
        f"""SELECT k % 5, {bin_of("2s")} - o * interval '2s', count(*), sum(v)
            FROM log_ev, generate_series(0, 2) o WHERE k <> -1 GROUP BY 1, 2""",
    ),
    Job(
        "o_steps",
        "table",
        """CREATE TABLE o_steps AS
           SELECT k % 3 AS k3, count(*) AS n, sum(v2) AS total FROM o_rows GROUP BY k % 3""",
        "SELECT k3, n, total FROM o_steps WHERE k3 <> -1",
        """SELECT k % 3, count(*), sum(v * 2) FROM log_ev
           WHERE k % 7 <> 0 AND k <> -1 GROUP BY 1""",
    ),
    Job(
        "o_nested",
        "table",
        """CREATE TABLE o_nested AS
           SELECT k % 4 AS k4, _window_start AS ws, sum(n) AS n, sum(total) AS total
           FROM o_final WINDOW TUMBLING(30s) GROUP BY k % 4 EMIT CHANGES""",
        "SELECT k4, ws, n, total FROM o_nested WHERE k4 <> -1",
        f"""SELECT k % 4, {bin_of("30s")}, count(*), sum(v)
            FROM log_ev WHERE k <> -1 GROUP BY 1, 2""",
        is_final=True,  # what it reads comes from closed windows
    ),
    Job(
        "o_spill",
        "table",
        """CREATE TABLE o_spill AS
           SELECT id % 30011 AS g, count(*) AS n, sum(v) AS total, max(label) AS hi
           FROM ev WHERE id >= 0 GROUP BY id % 30011 WITH ('max.memory.mb' = 1)""",
        "SELECT g, n, total, hi FROM o_spill",
        """SELECT id % 30011, count(*), sum(v), max(label)
           FROM log_ev WHERE k <> -1 GROUP BY 1""",
        spills=True,
    ),
    Job(
        "o_replay",
        "table",
        """CREATE TABLE o_replay AS
           SELECT k % 11 AS k11, _window_start AS ws, count(DISTINCT v) AS d,
                  string_agg(id::text, ',' ORDER BY id) AS ids
           FROM ev WHERE id % 4 = 0 WINDOW TUMBLING(4s) GROUP BY k % 11 EMIT CHANGES""",
        "SELECT k11, ws, d, ids FROM o_replay WHERE k11 <> -1",
        f"""SELECT k % 11, {bin_of("4s")}, count(DISTINCT v), string_agg(id::text, ',' ORDER BY id)
            FROM log_ev WHERE id % 4 = 0 AND k <> -1 GROUP BY 1, 2""",
        logs_much=True,
    ),
    Job(
        "o_having",
        "table",
        """CREATE TABLE o_having AS
           SELECT k % 10 AS k10, label, count(*) AS n FROM ev GROUP BY k % 10, label
           HAVING count(*) % 3 <> 0""",
        "SELECT k10, label, n FROM o_having WHERE k10 <> -1",
        """SELECT k % 10, label, count(*) FROM log_ev WHERE k <> -1 GROUP BY 1, 2
           HAVING count(*) % 3 <> 0""",
    ),
    Job(
        "o_fail",
        "native",
        "CREATE STREAM o_fail AS SELECT id, k, 100 / (id % 97) AS q FROM ev",
        "SELECT id, q FROM o_fail WHERE k <> -1",
        "SELECT id, 100 / (id % 97) FROM log_ev WHERE k <> -1 AND id % 97 <> 0",
        fails_at="id % 97 = 0",
    ),
    Job(
        "o_picky",
        "table",
        """CREATE TABLE o_picky AS
           SELECT k % 6 AS k6, picky_sum(id) AS total, count(*) AS n
           FROM ev WHERE id % 4 = 1 AND k <> -1 GROUP BY k % 6""",
        "SELECT k6, total, n FROM o_picky",
        """SELECT k % 6, sum(id), count(*) FROM log_ev
           WHERE id % 4 = 1 AND k <> -1 AND id % 997 <> 0 GROUP BY 1""",
        # The state has changed already when it fails: the batch is done again, row by row.
        fails_at="id % 997 = 0 AND id % 4 = 1",
        prepare="""CREATE FUNCTION picky(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql
           AS $$ BEGIN
               IF $2 % 997 = 0 THEN RAISE EXCEPTION 'not %', $2; END IF;
               RETURN coalesce($1, 0) + $2;
           END $$;
           CREATE AGGREGATE picky_sum (bigint) (SFUNC = picky, STYPE = bigint)""",
    ),
    Job(
        "insert_o_inserted_1",
        "native",
        "INSERT INTO o_inserted SELECT id, k FROM ev WHERE k % 2 = 0 EMIT CHANGES",
        "SELECT id, k FROM o_inserted",
        "SELECT id, k FROM log_ev WHERE k % 2 = 0",
        prepare="""DO LANGUAGE velo $$
           CREATE STREAM o_inserted (id bigint, k integer) WITH ('type' = 'native') $$""",
    ),
    Job(
        "insert_o_appended_1",
        "table",
        "INSERT INTO o_appended SELECT id, k FROM ev WHERE k % 3 = 0 EMIT CHANGES",
        "SELECT id, k FROM o_appended",
        "SELECT id, k FROM log_ev WHERE k % 3 = 0",
        prepare="CREATE TABLE o_appended (id bigint, k integer)",
        has_key=False,
    ),
]

BY_NAME = {job.name: job for job in JOBS}


def create_all(session):
    for job in JOBS:
        if job.prepare:
            session.execute(job.prepare)
        session.execute(f"DO LANGUAGE velo $velo$ {job.create} $velo$")


def process_of(job_name):
    """application_name of a job's worker."""
    return f"velo job {job_name}"
