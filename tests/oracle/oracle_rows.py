"""Random input: the producer's own log, a plain table in the order of arrival.

Event times come out of order by at most DISORDER_MS, the bound the stream is declared
with, so no row may be late.  NULL keys, equal times, gaps, and values that only look
equal (0 and -0, 1.0 and 1.00, a and A under a case-insensitive collation) are frequent.
"""

import random

from psycopg import sql

DISORDER_MS = 8000
START_MS = 1772323200000  # 2026-03-01 00:00 UTC, a Sunday

COLUMNS = {
    "id": "bigint",
    "at": "timestamptz",
    "at_ms": "bigint",
    "k_text": "text",
    "k_int": "integer",
    "k_num": "numeric",
    "k_time": "timestamptz",
    "k_uuid": "uuid",
    "k_float": "double precision",
    "k_enum": "public.mood",
    "k_ci": "public.ci_text",
    "k_bytes": "bytea",
    "i": "integer",
    "b": "bigint",
    "n": "numeric",
    "f": "double precision",
    "t": "text",
    "flag": "boolean",
    "j": "jsonb",
}

# Once a database.
TYPES = """
CREATE TYPE public.mood AS ENUM ('low', 'middling', 'high');
CREATE COLLATION public.ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN public.ci_text AS text COLLATE public.ignore_case;
CREATE FUNCTION public.mix(state bigint, x integer) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT (state * 31 + coalesce(x, 7)) % 1000003';
CREATE AGGREGATE public.in_order (integer) (SFUNC = mix, STYPE = bigint, INITCOND = '17');
CREATE FUNCTION public.longer(a text, b text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT
    AS 'BEGIN RETURN CASE WHEN length(b) > length(a) THEN b ELSE a END; END';
CREATE AGGREGATE public.longest (text) (SFUNC = longer, STYPE = text);
CREATE FUNCTION public.shown(state bigint[]) RETURNS text LANGUAGE sql IMMUTABLE
    AS 'SELECT state[1] || '':'' || state[2]';
CREATE FUNCTION public.bounds(state bigint[], x bigint) RETURNS bigint[] LANGUAGE sql IMMUTABLE
    AS 'SELECT CASE WHEN x IS NULL THEN state ELSE
        ARRAY[least(state[1], x), greatest(state[2], x)] END';
CREATE AGGREGATE public.extent (bigint) (SFUNC = bounds, STYPE = bigint[], FINALFUNC = shown, INITCOND = '{}');
"""


def maybe_null(rng, value, probability=0.12):
    return None if rng.random() < probability else value


def times(rng, count):
    """Event times in ms in order of arrival, out of order by at most DISORDER_MS."""
    clock = highest = START_MS + rng.randrange(3_600_000)
    step = rng.choice([150, 900, 5000])
    for _ in range(count):
        draw = rng.random()
        if draw < 0.02:
            clock += rng.randrange(600_000)  # a gap of whole windows
        elif draw < 0.8:
            clock += rng.randrange(step)
        yield (
            clock
            if draw < 0.3
            else max(clock - rng.randrange(DISORDER_MS + 1), highest - DISORDER_MS)
        )
        highest = max(highest, clock)
        clock = highest


def row(rng, number, at_ms):
    return [
        number,
        at_ms,
        maybe_null(rng, rng.choice(["north", "south", "east", "", "a|b", "ünï", "x" * 300])),
        maybe_null(rng, rng.randrange(-2, 4)),
        maybe_null(rng, rng.choice(["1", "1.0", "1.00", "0", "-0.0", "2.50", "2.5", "NaN", "1e20"])),
        maybe_null(rng, START_MS + rng.randrange(3) * 86_400_000),
        maybe_null(rng, f"00000000-0000-4000-8000-00000000000{rng.randrange(4)}"),
        maybe_null(rng, rng.choice([0.0, -0.0, 1.5, float("nan"), float("inf"), -2.25])),
        maybe_null(rng, rng.choice(["low", "middling", "high"])),
        maybe_null(rng, rng.choice(["Ab", "ab", "AB", "c", "C", "é"])),
        maybe_null(rng, rng.choice([b"", b"\x00\x01", b"\xff" * 40])),
        maybe_null(rng, rng.randrange(-50, 50)),
        maybe_null(rng, rng.randrange(-(10**12), 10**12)),
        maybe_null(rng, f"{rng.randrange(-(10**8), 10**8)}e-{rng.randrange(5)}"),
        maybe_null(rng, rng.uniform(-1000, 1000)),
        maybe_null(rng, rng.choice(["p", "q", "rr", "", "long " * 500 if rng.random() < 0.1 else "s"])),
        maybe_null(rng, rng.random() < 0.6),
        maybe_null(rng, rng.choice(["1", '{"a": [1, null]}', '"x"', "null"])),
    ]


class Log:
    """Table "log" and the stream "events" that gets its rows."""

    def __init__(self, jobs, rng, count):
        self.jobs, self.rng, self.count, self.sent = jobs, rng, count, 0
        columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        jobs.execute(f"CREATE TABLE log (ord bigint PRIMARY KEY, {columns})")
        jobs.velo(
            f"CREATE STREAM events ({columns}) WITH ('event.time.field' = "
            f"'{rng.choice(['at', 'at_ms'])}', 'watermark.idle.timeout' = '0', "
            f"'watermark.max_out_of_orderness' = '{DISORDER_MS}ms')"
        )
        rows = [row(rng, number, at) for number, at in enumerate(times(rng, count))]
        # The last row moves the watermark past what came before; it is a row like others.
        last = max(r[1] for r in rows) + rng.randrange(3 * 3_600_000)
        rows.append(row(rng, count, last))
        self.count = len(rows)
        self.watermark_ms = last - DISORDER_MS
        self.watermark = jobs.value(
            "SELECT to_timestamp(%s::numeric / 1000)::text", (self.watermark_ms,)
        )
        values = sql.SQL(
            "INSERT INTO log SELECT v.ord, v.ord, to_timestamp(v.at::numeric / 1000), v.at, v.k_text, "
            "v.k_int, v.k_num, to_timestamp(v.k_time::numeric / 1000), v.k_uuid, v.k_float, v.k_enum, "
            "v.k_ci, v.k_bytes, v.i, v.b, v.n, v.f, v.t, v.flag, v.j FROM (SELECT %s::bigint AS ord, "
            "%s::bigint AS at, %s AS k_text, %s::integer AS k_int, %s::numeric AS k_num, "
            "%s::bigint AS k_time, %s::uuid AS k_uuid, %s::float8 AS k_float, "
            "%s::public.mood AS k_enum, %s AS k_ci, %s::bytea AS k_bytes, %s::integer AS i, "
            "%s::bigint AS b, %s::numeric AS n, %s::float8 AS f, %s AS t, %s::boolean AS flag, "
            "%s::jsonb AS j) v"
        )
        with jobs.session.transaction(), jobs.session.cursor() as cursor:
            cursor.executemany(values, rows)
        jobs.execute("ANALYZE log")

    def send(self, upto):
        """Rows up to a number, in one transaction of one or several statements."""
        names = ", ".join(COLUMNS)
        with self.jobs.session.transaction():
            while self.sent < upto:
                end = min(upto, self.sent + self.rng.choice([1, 7, 60, upto]))
                self.jobs.execute(
                    f"INSERT INTO events SELECT {names} FROM log "
                    "WHERE ord >= %s AND ord < %s ORDER BY ord",
                    (self.sent, end),
                )
                self.sent = end
