"""Random queries over "events", and what plain PostgreSQL has to say about "log".

A query is made twice from the same parts: once in the dialect, once as a batch query
over the log.  The batch query knows nothing of streams: it finds each row's windows by
arithmetic and leaves to PostgreSQL what grouping and aggregates mean.
"""

import json
import math
from dataclasses import dataclass, field
from decimal import Decimal

FLOAT_TOLERANCE = 1e-9

# Group keys, and how equal keys are shown alike (of equal values the first comes out).
KEYS = {
    "k_text": None,
    "k_int": None,
    "k_num": None,  # 1.0 = 1.00: compared as numbers
    "k_time": None,
    "k_uuid": None,
    "k_float": None,  # 0 = -0: compared as numbers
    "k_enum": None,
    "k_ci": str.lower,
    "k_bytes": None,
    "flag": None,
    "k_int % 2": None,
    "coalesce(k_text, 'none')": None,
    "lower(k_ci)": str.lower,
    "date_trunc('day', k_time)": None,
    "(t COLLATE ignore_case)": str.lower,
    "k_num > 1": None,
    "j": None,
    "id % 5": None,
}

# (dialect, batch query or None if it is the same, is it a float with rounding?)
AGGREGATES = [
    ("count(*)", None, False),
    ("count(i)", None, False),
    ("sum(i)", None, False),
    ("sum(b)", None, False),
    ("sum(n)", None, False),
    ("avg(i)", None, False),
    ("avg(b)", None, False),
    ("avg(n)", None, False),
    ("sum(f)", None, True),
    ("avg(f)", None, True),
    ("stddev(f)", None, True),
    ("var_pop(f)", None, True),
    ("corr(f, i)", None, True),
    ("regr_slope(f, i)", None, True),
    ("stddev(i)", None, False),
    ("var_samp(n)", None, False),
    ("min(i)", None, False),
    ("max(b)", None, False),
    ("min(n)", None, False),
    ("max(f)", None, False),
    ("min(t)", None, False),
    ("max(t COLLATE \"C\")", None, False),
    ("max(at)", None, False),
    ("min(k_enum)", None, False),
    ("bool_and(flag)", None, False),
    ("every(i < 45)", None, False),
    ("bit_xor(i)", None, False),
    ("array_agg(i)", "array_agg(i ORDER BY ord)", False),
    ("array_agg(at ORDER BY at, id)", None, False),
    ("array_agg(ARRAY[i, k_int] ORDER BY id)", None, False),
    ("string_agg(t, ',')", "string_agg(t, ',' ORDER BY ord)", False),
    ("string_agg(k_text, '|' ORDER BY k_text COLLATE \"C\" DESC, id)", None, False),
    ("string_agg(DISTINCT k_text, ',' ORDER BY k_text)", None, False),
    ("count(DISTINCT i)", None, False),
    ("count(DISTINCT (i, flag))", None, False),
    ("sum(DISTINCT k_num)", None, False),
    ("sum(i) FILTER (WHERE flag)", None, False),
    ("count(*) FILTER (WHERE i > 0 AND k_text IS NOT NULL)", None, False),
    ("array_agg(DISTINCT k_int ORDER BY k_int DESC NULLS LAST) FILTER (WHERE i < 20)", None, False),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY f)", None, True),
    ("percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY i)", None, True),
    ("percentile_disc(0.25) WITHIN GROUP (ORDER BY n DESC)", None, False),
    ("mode() WITHIN GROUP (ORDER BY k_int)", None, False),
    ("rank(5) WITHIN GROUP (ORDER BY i)", None, False),
    ("jsonb_agg(j ORDER BY id)", None, False),
    ("jsonb_object_agg(id, k_text)", None, False),
    ("json_agg(i ORDER BY id DESC)", None, False),
    ("in_order(i)", "in_order(i ORDER BY ord)", False),
    ("longest(t)", "longest(t ORDER BY ord)", False),
    ("extent(b)", None, False),
    ("range_agg(int4range(i, i + 3))", None, False),
    ("velo.first(k_text)", "(array_agg(k_text ORDER BY ord) FILTER (WHERE k_text IS NOT NULL))[1]", False),
    ("velo.last(n)", "(array_agg(n ORDER BY ord DESC) FILTER (WHERE n IS NOT NULL))[1]", False),
    ("sum(i) + count(*) * 2", None, False),
    ("round(avg(n), 2)", None, False),
    ("CASE WHEN count(*) > 3 THEN max(k_text) ELSE 'few' END", None, False),
    ("sum(i * 2 - coalesce(k_int, 0))", None, False),
    ("coalesce(sum(CASE WHEN flag THEN n END), 0)", None, False),
    ("(max(f) - min(f)) / nullif(count(f), 0)", None, True),
]

CONDITIONS = [
    "i IS NOT NULL",
    "flag",
    "i % 3 <> 1",
    "k_text IS DISTINCT FROM 'north'",
    "n > 0 OR f < 0",
    "at >= '2026-03-01 00:20+00'",
    "k_int IN (0, 1, 3)",
    "k_enum >= 'middling'",
]

HAVINGS = [
    "count(*) > 2",
    "sum(i) > 0",
    "count(*) % 2 = 1",
    "max(n) IS NOT NULL",
    "bool_or(flag) AND count(i) < 40",
    "count(DISTINCT k_int) > 1",
]

# What a window's time may be: an expression that is never before the event time.
TIMES = ["at", "at_ms", "at AT TIME ZONE 'UTC'", "at + interval '30 seconds'", "at_ms + 1500"]


@dataclass
class Window:
    size_ms: int = 0
    size_months: int = 0
    advance_ms: int = 0
    offset_ms: int = 0
    time: str = "at"
    text: str = ""
    in_group_by: str = ""

    def starts(self):
        """Starts of the windows of a row at time "tm", as a lateral subquery's body."""
        offset = f"{self.offset_ms} * interval '1 millisecond'"
        if self.size_months:
            months = (
                "floor((extract(year FROM u) * 12 + extract(month FROM u) - 1 - 1970 * 12)"
                f" / {self.size_months}) * {self.size_months}"
            )
            return (
                f"SELECT (s + {offset}) AT TIME ZONE 'UTC' AS ws, "
                f"(s + interval '{self.size_months} months' + {offset}) AT TIME ZONE 'UTC' AS we "
                f"FROM (SELECT tm AT TIME ZONE 'UTC' - {offset} AS u) x, LATERAL (SELECT "
                f"timestamp '1970-01-01' + ({months})::integer * interval '1 month' AS s) y"
            )
        advance = self.advance_ms or self.size_ms
        last = f"floor((extract(epoch FROM tm) * 1000 - {self.offset_ms}) / {advance}) * {advance}"
        return (
            f"SELECT timestamptz 'epoch' + (ms + {self.offset_ms}) * interval '1 millisecond' AS ws, "
            f"timestamptz 'epoch' + (ms + {self.offset_ms + self.size_ms}) * interval '1 millisecond' AS we "
            f"FROM generate_series({last}, {last} - {self.size_ms}, -{advance}) ms "
            f"WHERE ms + {self.offset_ms + self.size_ms} > extract(epoch FROM tm) * 1000"
        )

    def row_time(self):
        """The time as timestamptz, for the batch query."""
        if self.time.startswith("at_ms"):
            return f"to_timestamp(({self.time})::numeric / 1000)"
        if "TIME ZONE" in self.time:
            return "at"
        return self.time


def duration(ms):
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"


def random_window(rng):
    window = Window()
    kind = rng.choice(["tumbling", "tumbling", "sliding", "sliding", "months", "tumble"])
    sizes = [700, 5000, 60_000, 90_000, 600_000, 3_600_000, 86_400_000]
    if kind == "months":
        window.size_months = rng.choice([1, 2, 12])
        size, more = f"INTERVAL '{window.size_months}' MONTHS", ""
    elif kind == "sliding":
        window.size_ms = rng.choice([10_000, 60_000, 70_000, 600_000])
        window.advance_ms = rng.choice(
            [a for a in (4000, 7000, 25_000, 60_000, 100_000) if window.size_ms / 60 < a <= window.size_ms]
        )
        size, more = duration(window.size_ms), ", " + duration(window.advance_ms)
    else:
        window.size_ms = rng.choice(sizes)
        size, more = duration(window.size_ms), ""
    if kind == "tumble":
        window.in_group_by = f"TUMBLE(at, INTERVAL '{window.size_ms}' MILLISECOND)"
        return window
    if rng.random() < 0.4:
        window.time = rng.choice(TIMES)
        size = f"{window.time}, {size}"
    if rng.random() < 0.25:
        window.offset_ms = rng.choice([300, 45_000, 6 * 3_600_000])
        more += f", OFFSET {duration(window.offset_ms)}"
    name = rng.choice(["SLIDING", "HOPPING"]) if kind == "sliding" else "TUMBLING"
    window.text = f"WINDOW {name}({size}{more})"
    return window


@dataclass
class Query:
    """One query: its parts, its place (table, stream or pull) and its emission."""

    sink: str
    emit: str
    window: Window | None
    keys: list
    aggregates: list
    where: str = ""
    having: str = ""
    bounded: bool = False
    options: list = field(default_factory=list)
    names: list = field(default_factory=list)

    def __post_init__(self):
        self.names = [f"k{i}" for i in range(len(self.keys))]
        if self.window:
            self.names += ["ws", "we"]
        self.names += [f"a{i}" for i in range(len(self.aggregates))]

    def dialect(self):
        items = [f"{key} AS k{i}" for i, key in enumerate(self.keys)]
        group = list(self.keys)
        if self.window:
            items += ["_window_start AS ws", "_window_end AS we"]
            if self.window.in_group_by:
                group.append(self.window.in_group_by)
        items += [f"{a[0]} AS a{i}" for i, a in enumerate(self.aggregates)]
        text = f"SELECT {', '.join(items)} FROM events"
        if self.where:
            text += f" WHERE {self.where}"
        if self.window and self.window.text:
            text += f" {self.window.text}"
        if group:
            text += f" GROUP BY {', '.join(group)}"
        if self.having:
            text += f" HAVING {self.having}"
        if self.emit:
            text += f" EMIT {self.emit}"
        if self.options:
            text += f" WITH ({', '.join(self.options)})"
        return text

    def batch(self, watermark_ms):
        """The same over the log; windows that have not closed are left out of FINAL."""
        items = [f"{key} AS k{i}" for i, key in enumerate(self.keys)]
        group = list(self.keys)
        source = "log"
        if self.window:
            items += ["ws", "we"]
            group += ["ws", "we"]
            source += (
                f", LATERAL (SELECT {self.window.row_time()} AS tm) t,"
                f" LATERAL ({self.window.starts()}) w"
            )
        items += [f"{a[1] or a[0]} AS a{i}" for i, a in enumerate(self.aggregates)]
        conditions = [self.where] if self.where else []
        if self.window and self.emit == "FINAL" and not self.bounded:
            conditions.append(f"we <= to_timestamp({watermark_ms}::numeric / 1000)")
        text = f"SELECT {', '.join(items)} FROM {source}"
        if conditions:
            text += " WHERE " + " AND ".join(f"({c})" for c in conditions)
        if group:
            text += f" GROUP BY {', '.join(group)}"
        # Without keys PostgreSQL has a row even for no input; a stream has none.
        having = [self.having] if self.having else []
        if not group:
            having.append("count(*) > 0")
        if having:
            text += " HAVING " + " AND ".join(f"({h})" for h in having)
        return text

    def canonical(self, row):
        """A row (a dict from JSON) as (exact values, values with rounding)."""
        exact, rounded = [], []
        for i, name in enumerate(self.names):
            value = row[name]
            if i < len(self.keys):
                change = KEYS[self.keys[i]]
                if change and isinstance(value, str):
                    value = change(value)
            is_float = name.startswith("a") and self.aggregates[int(name[1:])][2]
            (rounded if is_float else exact).append(value)
        return tuple(comparable(v) for v in exact), [floats(v) for v in rounded]


def comparable(value):
    """Something to compare and to sort by: numbers by value, not by their digits."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | Decimal):
        value = Decimal(value)
        return "0" if value == 0 else str(value.normalize())
    if isinstance(value, list):
        return tuple(comparable(v) for v in value).__repr__()
    if isinstance(value, dict):
        return repr(sorted((k, comparable(v)) for k, v in value.items()))
    return repr(value)


def floats(value):
    if value is None:
        return [None]
    values = value if isinstance(value, list) else [value]
    return [None if v is None else float(v) for v in values]


def close(a, b):
    if a is None or b is None:
        return a is b
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    # Relative to the values that were added up (up to 1000), not to what is left of them.
    return a == b or abs(a - b) <= FLOAT_TOLERANCE * max(1000.0, abs(a), abs(b))


def parse(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def differences(query, found, expected):
    """What is wrong with rows (dicts), as text; empty if nothing is."""
    found = sorted((query.canonical(r) for r in found), key=lambda r: (r[0], str(r[1])))
    expected = sorted((query.canonical(r) for r in expected), key=lambda r: (r[0], str(r[1])))
    left, right = list(found), list(expected)
    if [r[0] for r in left] != [r[0] for r in right]:
        ours, theirs = {}, {}
        for rows, counts in ((left, ours), (right, theirs)):
            for r in rows:
                counts[r[0]] = counts.get(r[0], 0) + 1
        extra = [r for r in ours if ours[r] > theirs.get(r, 0)]
        missing = [r for r in theirs if theirs[r] > ours.get(r, 0)]
        return (
            f"{len(left)} rows for {len(right)}; wrong: {[shorten(r) for r in extra[:3]]}; "
            f"missing: {[shorten(r) for r in missing[:3]]}"
        )
    for a, b in zip(left, right, strict=True):
        for x, y in zip(a[1], b[1], strict=True):
            if len(x) != len(y) or not all(close(p, q) for p, q in zip(x, y, strict=True)):
                return f"{shorten(a[0])}: {x} for {y}"
    return ""


def shorten(row):
    return tuple(v if len(v) < 60 else v[:57] + "..." for v in row)


def random_query(rng):
    window = random_window(rng) if rng.random() < 0.75 else None
    sink = rng.choice(["table", "table", "stream", "pull"])
    keys = rng.sample(sorted(KEYS), rng.choice([0, 1, 1, 1, 2, 2, 3]))
    aggregates = rng.sample(AGGREGATES, rng.randrange(1, 6))
    bounded = False
    if sink == "pull":
        emit, bounded = "", True
    elif window:
        emit = rng.choice(["CHANGES", "CHANGES", "FINAL"])
    else:
        emit = "CHANGES"
        if rng.random() < 0.2:
            emit, bounded = "FINAL", True
    options = ["'bounded' = 'true'"] if bounded else []
    # Batches that end in the middle of a transaction, state that does not fit.
    if sink != "pull" and rng.random() < 0.4:
        options.append(f"'max_batch_size' = '{rng.choice([1, 17, 100])}'")
    if sink != "pull" and rng.random() < 0.25:
        options.append("'max.memory.mb' = '1'")
    return Query(
        sink,
        emit,
        window,
        keys,
        aggregates,
        where=rng.choice(CONDITIONS) if rng.random() < 0.35 else "",
        having=rng.choice(HAVINGS) if rng.random() < 0.35 else "",
        bounded=bounded,
        options=options,
    )
