"""The jobs from and to Kafka, each with the query that says what is right.

log_kin is what an independent consumer read in the input topic, log_nev the log of the
native stream; out_<job> is what it read in a job's output topic: key, the value's fields,
partition and offset.  Records with the key 'end' are the barrier that closes windows.
"""

from chaoslib.jobs import Job

SOURCES = """
CREATE STREAM kin (k text, n bigint, v numeric)
    WITH ('type' = 'kafka', 'topic' = 'kin', 'bootstrap.servers' = '{bootstrap}',
          'auto.offset.reset' = 'earliest', 'watermark.max_out_of_orderness' = '1s');
CREATE STREAM nev (k text, n bigint, v numeric) WITH ('type' = 'native');
"""
SCHEMA = """
CREATE TABLE log_nev (k text, n bigint, v numeric);
CREATE UNLOGGED TABLE log_kin (k text, n bigint, v numeric, at timestamptz, p integer, o bigint)
"""


def to_kafka(name, query):
    """A job whose output goes to the topic of its name, by k."""
    return (
        f"CREATE STREAM {name} AS {query} WITH ('{name}.type' = 'kafka', '{name}.topic' = '{name}', "
        f"'{name}.bootstrap.servers' = '{{bootstrap}}', '{name}.key.field' = 'k')"
    )


def fields(name, columns, where="true"):
    """Columns of an output topic's values: 'k text, n bigint' and the like."""
    return (
        f"SELECT r.* FROM out_{name} o, jsonb_to_record(o.value) AS r({columns}) "
        f"WHERE o.key <> 'end' AND {where}"
    )


# Of each key the last record.
LAST = "NOT EXISTS (SELECT FROM out_{name} l WHERE l.key = o.key AND l.o > o.o)"

JOBS = [
    Job(
        "a_rows",
        "leading",
        to_kafka("a_rows", "SELECT k, n, v * 2 AS v2 FROM kin WHERE n % 5 <> 0"),
        fields("a_rows", "k text, n bigint, v2 numeric"),
        "SELECT k, n, v * 2 FROM log_kin WHERE n % 5 <> 0 AND k <> 'end'",
        source="kafka",
        grows="n",
    ),
    Job(
        "a_fail",
        "leading",
        to_kafka("a_fail", "SELECT k, n, 13 / (n % 13) AS q FROM kin"),
        fields("a_fail", "k text, n bigint, q bigint"),
        "SELECT k, n, 13 / (n % 13) FROM log_kin WHERE k <> 'end' AND n % 13 <> 0",
        source="kafka",
        grows="n",
        fails_at="n % 13 = 0",
    ),
    Job(
        "b_final",
        "outbox",
        to_kafka(
            "b_final",
            """SELECT k, _window_start AS ws, count(*) AS c, sum(n) AS total, min(n) AS lo,
                      max(n) AS hi FROM kin WINDOW TUMBLING(1s) GROUP BY k EMIT FINAL""",
        ),
        fields("b_final", "k text, ws timestamptz, c bigint, total bigint, lo bigint, hi bigint"),
        """SELECT k, date_bin('1s', at, timestamptz '1970-01-01'), count(*), sum(n)::bigint,
                  min(n), max(n) FROM log_kin WHERE k <> 'end' GROUP BY 1, 2""",
        is_final=True,
        source="kafka",
        grows="lo",
    ),
    Job(
        "b_groups",
        "outbox",
        to_kafka(
            "b_groups",
            """SELECT k, count(*) AS c, sum(n) AS total, max(n) AS hi FROM kin
               GROUP BY k EMIT CHANGES""",
        ),
        fields("b_groups", "k text, c bigint, total bigint, hi bigint", LAST.format(name="b_groups")),
        "SELECT k, count(*), sum(n)::bigint, max(n) FROM log_kin WHERE k <> 'end' GROUP BY k",
        source="kafka",
        grows="c",
    ),
    Job(
        "insert_c_rows_1",
        "table",
        "INSERT INTO c_rows SELECT k, n, v FROM kin EMIT CHANGES",
        "SELECT k, n, v FROM c_rows WHERE k <> 'end'",
        "SELECT k, n, v FROM log_kin WHERE k <> 'end'",
        prepare="CREATE TABLE c_rows (k text, n bigint, v numeric)",
        has_key=False,
        source="kafka",
    ),
    Job(
        "c_groups",
        "table",
        """CREATE TABLE c_groups AS
           SELECT k, count(*) AS c, sum(n) AS total, max(n) AS hi FROM kin
           GROUP BY k EMIT CHANGES""",
        "SELECT k, c, total, hi FROM c_groups WHERE k <> 'end'",
        "SELECT k, count(*), sum(n), max(n) FROM log_kin WHERE k <> 'end' GROUP BY k",
        source="kafka",
    ),
    Job(
        "d_rows",
        "outbox",
        to_kafka("d_rows", "SELECT k, n, v * 2 AS v2 FROM nev"),
        fields("d_rows", "k text, n bigint, v2 numeric"),
        "SELECT k, n, v * 2 FROM log_nev",
        grows="n",
    ),
    Job(
        "e_rows",
        "native",
        "CREATE STREAM e_rows AS SELECT k, n, v FROM kin WHERE n % 3 <> 0",
        "SELECT k, n, v FROM e_rows WHERE k <> 'end'",
        "SELECT k, n, v FROM log_kin WHERE n % 3 <> 0 AND k <> 'end'",
        source="kafka",
    ),
]

OUTPUT_PARTITIONS = 3


def create_all(session, broker):
    """Topics, streams and jobs; the engine sees the broker through its proxy."""
    bootstrap = broker.proxied_bootstrap
    session.execute(SCHEMA)
    session.execute(f"DO LANGUAGE velo $velo$ {SOURCES.format(bootstrap=bootstrap)} $velo$")
    for job in JOBS:
        if job.is_to_kafka:
            broker.create_topic(job.name, OUTPUT_PARTITIONS)
            session.execute(
                f"CREATE UNLOGGED TABLE out_{job.name} "
                "(key text, value jsonb, p integer, o bigint)"
            )
        if job.prepare:
            session.execute(job.prepare)
        text = job.create.format(bootstrap=bootstrap)
        session.execute(f"DO LANGUAGE velo $velo$ {text} $velo$")
