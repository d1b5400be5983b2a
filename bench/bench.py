"""What bench/run runs, in the environment it makes.

Numbers of one machine at one time: compare lines of one result file, not of two.  Every
comparison therefore has its baseline beside it, in the same run.
"""

import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import threading
import time

import psycopg

EVENTS = int(os.environ.get("BENCH_EVENTS", 2_000_000))
KEYS = int(os.environ.get("BENCH_KEYS", 10_000))
SECONDS = int(os.environ.get("BENCH_SECONDS", 5))
FEEDS = int(os.environ.get("BENCH_FEEDS", 100))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
ROOT = pathlib.Path(__file__).resolve().parent
POSTMASTER = int(os.environ["BENCH_POSTMASTER"])
TICK = os.sysconf("SC_CLK_TCK")
DEADLINE_SECONDS = 600


def connect():
    return psycopg.connect(dbname="bench", autocommit=True)


def run(connection, text):
    return connection.execute(text)


def value(connection, text):
    return connection.execute(text).fetchone()[0]


def velo(connection, text):
    """As a user types it."""
    connection.execute(f"DO LANGUAGE velo $velo$ {text} $velo$")


# --- measuring -------------------------------------------------------------------------


def stat(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def processes():
    """The postmaster's children."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if int(stat(folder.name)[1]) == POSTMASTER:
                    found.append(int(folder.name))
            except (OSError, ValueError):
                pass
    return found


def cpu_seconds():
    """Of the whole tree; children that have ended are in the postmaster's account."""
    ticks = sum(int(x) for x in stat(POSTMASTER)[11:15])
    for pid in processes():
        try:
            ticks += sum(int(x) for x in stat(pid)[11:13])
        except OSError:
            pass
    return ticks / TICK


def job_memory():
    """Private memory of the largest job worker, in MB."""
    most = 0
    for pid in processes():
        try:
            if b"velostream job" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                continue
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    most = max(most, int(line.split()[1]) / 1024)
        except OSError:
            pass
    return most


class Measure:
    """with Measure(connection) as m: …; then m.seconds, m.cpu, m.wal, m.memory."""

    def __init__(self, connection):
        self.connection = connection
        self.memory = 0
        self.done = threading.Event()

    def watch(self):
        while not self.done.wait(0.1):
            self.memory = max(self.memory, job_memory())

    def __enter__(self):
        run(self.connection, "CHECKPOINT")
        self.lsn = value(self.connection, "SELECT pg_current_wal_insert_lsn()")
        self.cpu = cpu_seconds()
        self.start = time.monotonic()
        threading.Thread(target=self.watch, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.seconds = time.monotonic() - self.start
        self.cpu = cpu_seconds() - self.cpu
        self.done.set()
        self.wal = float(value(self.connection, f"SELECT pg_current_wal_insert_lsn() - '{self.lsn}'::pg_lsn"))

    def row(self, what, events):
        memory = f"{self.memory:.0f}" if self.memory else ""
        return [what, f"{self.seconds:.2f}", f"{events / self.seconds:,.0f}",
                f"{self.cpu / events * 1e6:.2f}", f"{self.wal / events:.0f}", memory]


def wait_for(connection, job, records):
    deadline = time.monotonic() + DEADLINE_SECONDS
    text = f"SELECT t.records_in, j.status FROM velo.job j LEFT JOIN velo.task t USING (job_id) WHERE j.name = '{job}'"
    while True:
        read, status = run(connection, text).fetchone()
        if (read or 0) >= records:
            return
        if status == "failed" or time.monotonic() > deadline:
            sys.exit(f"job {job} is {status} after {read} of {records} records")
        time.sleep(0.02)


# --- results ---------------------------------------------------------------------------


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                                         for i, (c, w) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join(("-" if i == 0 else "-") * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def report(what, title, notes, head, rows):
    version = value(connect(), "SHOW server_version")
    text = table(head, rows)
    print(f"\n{title}\n\n{text}\n", flush=True)
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // (1 << 20)
    note = os.environ.get("BENCH_NOTE", "")
    file = ROOT / "results" / f"{datetime.date.today()}-{what}.md"
    file.parent.mkdir(exist_ok=True)
    settings = ", ".join(line for line in os.environ["BENCH_SETTINGS"].splitlines() if line)
    variables = f"BENCH_EVENTS={EVENTS} BENCH_KEYS={KEYS} BENCH_SECONDS={SECONDS} BENCH_FEEDS={FEEDS} BENCH_ROUNDS={ROUNDS}"
    if what == "kafka":
        variables = f"BENCH_KAFKA_EVENTS={KAFKA_EVENTS} BENCH_EVENTS={EVENTS} BENCH_KEYS={KEYS} BENCH_ROUNDS={ROUNDS}"
    file.write_text(f"""# {title}

{text}

{notes}

| | |
|---|---|
| commit | {os.environ["BENCH_COMMIT"]} |
| PostgreSQL | {version}; {settings} |
| machine | {os.cpu_count()} × {processor()}, {memory} GB, {platform.system()} {platform.release()} |
| load when it ended | {load}{"; " + note if note else ""} |
| command | `{variables} bench/run {what}` |
""")
    print(f"written to {file.relative_to(ROOT.parent)}")


# --- throughput ------------------------------------------------------------------------

DECLARE = "CREATE STREAM {} (key integer, value double precision, at timestamptz) WITH ('event.time.field' = 'at')"
QUERY = """SELECT _window_start AS since, _window_end AS until, key, count(*) AS n, sum(value) AS total
           FROM {} WINDOW TUMBLING(10s) GROUP BY key EMIT FINAL"""


def make_events(connection):
    """20,000 events a second of event time, one file that the server can read."""
    file = f"{os.environ['BENCH_FOLDER']}/data/events.csv"
    run(connection, f"""COPY (SELECT (n::bigint * 7919) % {KEYS}, n % 1000 / 10.0,
        timestamptz '2026-01-01 00:00+00' + n * interval '50 microseconds'
        FROM generate_series(1, {EVENTS}) n) TO '{file}'""")
    return file


def throughput():
    c = connect()
    file = make_events(c)
    rows = []

    run(c, "CREATE TABLE plain (key integer, value double precision, at timestamptz)")
    with Measure(c) as m:
        run(c, f"COPY plain FROM '{file}'")
    rows.append(m.row("COPY into a plain table", EVENTS))

    velo(c, DECLARE.format("events"))
    with Measure(c) as m:
        run(c, f"COPY events FROM '{file}'")
    rows.append(m.row("COPY into a native stream", EVENTS))

    run(c, "CREATE TABLE batch (since timestamptz, key integer, n bigint, total double precision)")
    with Measure(c) as m:
        run(c, """INSERT INTO batch SELECT date_bin('10 s', at, '2026-01-01') AS since, key, count(*), sum(value)
                  FROM plain GROUP BY 1, 2""")
    rows.append(m.row("plain SQL: INSERT … SELECT … GROUP BY", EVENTS))

    with Measure(c) as m:
        velo(c, f"CREATE TABLE backlog AS {QUERY.format('events')}")
        wait_for(c, "backlog", EVENTS)
    rows.append(m.row("job: the same over a backlog, into a table", EVENTS))
    check(c, "backlog")

    with Measure(c) as m:
        velo(c, f"CREATE STREAM counted AS {QUERY.format('events')} WITH ('type' = 'discard')")
        wait_for(c, "counted", EVENTS)
    rows.append(m.row("job: the same, output discarded", EVENTS))

    with Measure(c) as m:
        velo(c, "CREATE STREAM passed AS SELECT key, value FROM events WITH ('type' = 'discard')")
        wait_for(c, "passed", EVENTS)
    rows.append(m.row("job: read only, output discarded", EVENTS))

    velo(c, DECLARE.format("live_events"))
    velo(c, f"CREATE TABLE live AS {QUERY.format('live_events')}")
    with Measure(c) as m:
        with c.cursor() as cursor, open_lines(file) as parts:
            for part in parts:
                with cursor.copy("COPY live_events FROM STDIN") as copy:
                    copy.write(part)
        wait_for(c, "live", EVENTS)
    rows.append(m.row(f"COPY in {FEEDS} pieces and the job at once", EVENTS))
    check(c, "live")

    for name in ("events", "live_events"):
        velo(c, f"DROP STREAM {name} CASCADE")
    run(c, "DROP TABLE plain, batch")
    report("throughput", f"Tumbling windows of 10 s over {KEYS:,} keys, {EVENTS:,} events",
           "CPU is that of all processes of the server, user and system; WAL includes full page images.\n"
           "Memory is what the job's process has for itself.",
           ["", "seconds", "events/s", "CPU s / M events", "WAL bytes/event", "job MB"], rows)


class open_lines:
    """The file in FEEDS pieces that end at line ends."""

    def __init__(self, file):
        self.text = subprocess.run(["cat", file], capture_output=True, check=True).stdout

    def __enter__(self):
        at, size = 0, len(self.text) // FEEDS + 1
        pieces = []
        while at < len(self.text):
            end = self.text.find(b"\n", min(at + size, len(self.text) - 1)) + 1
            pieces.append(self.text[at:end])
            at = end
        return pieces

    def __exit__(self, *error):
        self.text = b""


def check(c, name):
    """A benchmark of wrong results is none: windows closed by the watermark must equal the batch's."""
    wrong = value(c, f"""SELECT count(*) FROM {name} r FULL JOIN batch b USING (since, key)
        WHERE since + interval '10 s' <= (SELECT max(at) - interval '5 s' FROM plain) AND (r.n IS DISTINCT FROM b.n
            OR abs(r.total - b.total) > 1e-6)""")
    if wrong:
        sys.exit(f"{wrong} rows of {name} differ from plain SQL")


# --- neighbours ------------------------------------------------------------------------


def pgbench():
    """p50 and p99 of a transaction in ms, transactions a second, the server's CPU ms for each."""
    folder = pathlib.Path(os.environ["BENCH_FOLDER"]) / "pgbench"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    cpu = cpu_seconds()
    subprocess.run(["pgbench", "-n", "-c", "2", "-T", str(SECONDS), "-l", "bench"], cwd=folder,
                   check=True, capture_output=True)
    cpu = cpu_seconds() - cpu
    times = sorted(int(line.split()[2]) / 1000 for file in folder.iterdir()
                   for line in file.read_text().splitlines())
    return [times[len(times) // 2], times[int(len(times) * 0.99)], len(times) / SECONDS, cpu / len(times) * 1e3]


def control_jobs(c, what, status):
    """All jobs of velo.job; waits until they are in that state."""
    for (name,) in run(c, "SELECT name FROM velo.job").fetchall():
        run(c, f"SELECT velo.job_{what}('{name}')")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while value(c, f"SELECT count(*) FROM velo.job WHERE status <> '{status}'"):
        if time.monotonic() > deadline:
            sys.exit(f"jobs are not {status}")
        time.sleep(0.1)


def neighbour():
    c = connect()
    subprocess.run(["pgbench", "-i", "-q", "-s", "10", "bench"], check=True, capture_output=True)
    velo(c, DECLARE.format("trickle"))
    for n in range(10):
        velo(c, f"CREATE TABLE job_{n} AS SELECT key % 100 AS key, count(*) AS n, sum(value) AS total "
                f"FROM trickle WHERE key % 10 <> {n} GROUP BY key % 100")
    while value(c, "SELECT count(*) FROM velo.job WHERE status <> 'running'"):
        time.sleep(0.1)
    stop = threading.Event()

    def feed():
        with connect() as own:
            while not stop.wait(0.1):
                own.execute(f"INSERT INTO trickle SELECT n % {KEYS}, n, now() FROM generate_series(1, 100) n")

    def with_feed():
        feeder = threading.Thread(target=feed)
        stop.clear()
        feeder.start()
        result = pgbench()
        stop.set()
        feeder.join()
        return result

    pgbench()  # warms up
    kinds = ("no job", "no job, 1,000 records/s inserted", "ten jobs, idle", "ten jobs, 1,000 records/s each")
    results = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        control_jobs(c, "stop", "stopped")
        results[kinds[0]].append(pgbench())
        results[kinds[1]].append(with_feed())
        control_jobs(c, "start", "running")
        time.sleep(2)
        results[kinds[2]].append(pgbench())
        results[kinds[3]].append(with_feed())
    velo(c, "DROP STREAM trickle CASCADE")
    middle = {kind: [statistics.median(column) for column in zip(*results[kind])] for kind in kinds}
    base = middle[kinds[0]]
    rows = [[kind, f"{p50:.2f}", f"{p99:.2f}", f"{tps:,.0f}", f"{cpu:.2f}", f"{p50 / base[0]:.2f}", f"{p99 / base[1]:.2f}"]
            for kind, (p50, p99, tps, cpu) in middle.items()]
    report("neighbour", "pgbench beside jobs",
           f"pgbench TPC-B, scale 10, two clients, {SECONDS} s each; medians of {ROUNDS} rounds in turn. CPU is the\n"
           "whole server's, jobs included, for each transaction of pgbench. Jobs commit at most every 50 ms\n"
           "(velo.commit_interval), each about ten times a second while records come.",
           ["", "p50 ms", "p99 ms", "tps", "CPU ms / tx", "p50 ratio", "p99 ratio"], rows)


# --- live queries ----------------------------------------------------------------------


def live():
    c = connect()
    events = KEYS * FEEDS

    def measure(name, watchers):
        stream = f"ticks_{name}"
        velo(c, DECLARE.format(stream))
        velo(c, f"CREATE TABLE latest_{name} AS SELECT key, count(*) AS n, last(value) AS value FROM {stream} GROUP BY key")
        psqls = [subprocess.Popen(["psql", "-X", "-q", "-d", "bench", "-c",
                                   f"DO LANGUAGE velo $$ SELECT key, value FROM {stream} WHERE key % 100 = {n} EMIT CHANGES $$"],
                                  stdout=subprocess.DEVNULL) for n in range(watchers)]
        time.sleep(1)
        with Measure(c) as m:
            for n in range(FEEDS):
                run(c, f"INSERT INTO {stream} SELECT k, {n}, now() FROM generate_series(1, {KEYS}) k")
            wait_for(c, f"latest_{name}", events)
        for psql in psqls:
            psql.terminate()
            psql.wait()
        size = value(c, f"SELECT pg_relation_size('latest_{name}') / 1024")
        velo(c, f"DROP STREAM {stream} CASCADE")
        return m.seconds, m.cpu, size

    kinds = {"job alone": 0, "and five live queries": 5}
    results = {kind: [] for kind in kinds}
    for n in range(ROUNDS):
        for kind, watchers in kinds.items():
            results[kind].append(measure(f"{n}_{watchers}", watchers))
    middle = {kind: [statistics.median(column) for column in zip(*results[kind])] for kind in kinds}
    base = middle["job alone"][0]
    rows = [[kind, f"{seconds:.2f}", f"{events / seconds:,.0f}", f"{base / seconds:.2f}", f"{cpu / events * 1e6:.2f}", f"{size:,.0f}"]
            for kind, (seconds, cpu, size) in middle.items()]
    report("live", f"Five live queries beside a job that upserts {KEYS:,} keys",
           f"{FEEDS} transactions of {KEYS:,} records each, fed one after the other; the job upserts every key for\n"
           f"each. Medians of {ROUNDS} rounds in turn. The live queries are psql running DO LANGUAGE velo, each with one\n"
           "key in a hundred, and read every record. A snapshot held by them would show in the size of the table.",
           ["", "seconds", "records/s", "ratio", "CPU s / M records", "table kB"], rows)


# --- Kafka -----------------------------------------------------------------------------

KAFKA_EVENTS = int(os.environ.get("BENCH_KAFKA_EVENTS", 10_000_000))
BROKERS = os.environ.get("BENCH_BROKERS", "")
PER_WINDOW = 100_000  # records of ten seconds, see kafka/produce.c
KAFKA_DECLARE = """CREATE STREAM {} (key text, v double precision, ts timestamptz) WITH ('type' = 'kafka',
    'topic' = 'bench', 'bootstrap.servers' = '{}', 'auto.offset.reset' = 'earliest', 'event.time.field' = 'ts')"""
KAFKA_QUERY = """SELECT _window_start AS since, _window_end AS until, key, count(*) AS n, sum(v) AS total
                 FROM {} WINDOW TUMBLING(10s) GROUP BY key EMIT FINAL"""
TO_KAFKA = "CREATE STREAM {0} AS SELECT key, v, ts FROM {1} WITH ('{0}.type' = 'kafka_sink', '{0}.topic' = '{0}', '{0}.bootstrap.servers' = '{2}')"


def tool(name, *words):
    """One of kafka/*.c; the numbers it prints."""
    command = [f"{os.environ['BENCH_FOLDER']}/{name}", BROKERS, *map(str, words)]
    return [float(x) for x in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()]


def make_topic(name):
    subprocess.run([str(ROOT.parent / "scripts/kafka_server"), "tool", f"{os.environ['BENCH_FOLDER']}/broker",
                    "org.apache.kafka.tools.TopicCommand", "--create", "--topic", name, "--partitions", "4",
                    "--config", "retention.bytes=-1"], check=True, stdout=subprocess.DEVNULL)


class Slope:
    """Records, seconds, CPU of the server between the first commits at or behind two counts of records_in."""

    def __init__(self, c, job, first, last, start):
        lsn = "SELECT pg_current_wal_insert_lsn()"
        start()
        a = self.point(c, job, first)
        self.lsn = value(c, lsn)
        b = self.point(c, job, last)
        self.wal = float(value(c, f"SELECT pg_current_wal_insert_lsn() - '{self.lsn}'::pg_lsn"))
        self.events, self.seconds, self.cpu = (y - x for x, y in zip(a, b))

    @staticmethod
    def point(c, job, records):
        """The count is read in one statement, the rest right after it."""
        wait_for(c, job, records)
        read = value(c, f"SELECT t.records_in FROM velo.job j JOIN velo.task t USING (job_id) WHERE j.name = '{job}'")
        return read, time.monotonic(), cpu_seconds()

    def result(self):
        return self.seconds / self.events, self.cpu / self.events * 1e6, self.wal / self.events


def check_kafka(c, name):
    """Every closed window has each of its records once."""
    closed, wrong, late, failed = run(c, f"""SELECT count(*), count(*) FILTER (WHERE n <> {PER_WINDOW}),
        (SELECT sum(records_late) FROM velo.task), (SELECT sum(records_failed) FROM velo.task)
        FROM (SELECT sum(n) AS n FROM {name} GROUP BY since) windows""").fetchone()
    if wrong or late or failed or closed < KAFKA_EVENTS // PER_WINDOW - 1:
        sys.exit(f"{name}: {closed} windows, {wrong} of them wrong; {late} records late, {failed} failed")


def top_functions(c, job, last):
    """perf's profile of the job's process, all threads; a list of lines."""
    pid = value(c, f"SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'velostream job%' AND datname = 'bench' LIMIT 1")
    data = f"{os.environ['BENCH_FOLDER']}/perf.data"
    perf = subprocess.Popen(["perf", "record", "-q", "-F", "997", "-o", data, "-p", str(pid)])
    wait_for(c, job, last)
    perf.send_signal(2)
    perf.wait()
    text = subprocess.run(["perf", "report", "--stdio", "-q", "--no-children", "-i", data, "--percent-limit", "0.7",
                           "-s", "dso,symbol"], check=True, capture_output=True, text=True).stdout
    os.unlink(data)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def kafka():
    c = connect()
    first, last, spare = KAFKA_EVENTS // 10, KAFKA_EVENTS + KAFKA_EVENTS // 10, KAFKA_EVENTS // 10
    make_topic("bench")
    made = tool("produce", "bench", last + spare, KEYS)
    velo(c, KAFKA_DECLARE.format("events", BROKERS))
    kinds = ("raw: librdkafka consumes, and nothing else", "job: tumbling windows into a table",
             "job: Kafka to Kafka, rows as they are")
    results = {kind: [] for kind in kinds}
    for n in range(ROUNDS):
        count, seconds, cpu = tool("consume", "bench", first, last)
        results[kinds[0]].append((seconds / count, cpu / count * 1e6, 0))
        slope = Slope(c, f"totals_{n}", first, last,
                      lambda: velo(c, f"CREATE TABLE totals_{n} AS {KAFKA_QUERY.format('events')}"))
        wait_for(c, f"totals_{n}", last + spare)
        check_kafka(c, f"totals_{n}")
        results[kinds[1]].append(slope.result())
        velo(c, f"DROP TABLE totals_{n}")
        make_topic(f"copy_{n}")
        slope = Slope(c, f"copy_{n}", first, last, lambda: velo(c, TO_KAFKA.format(f"copy_{n}", "events", BROKERS)))
        results[kinds[2]].append(slope.result())
        velo(c, f"DROP STREAM copy_{n}")
    profile = []
    if os.environ.get("BENCH_PROFILE"):
        velo(c, f"CREATE TABLE profiled AS {KAFKA_QUERY.format('events')}")
        wait_for(c, "profiled", first)
        profile = top_functions(c, "profiled", last)
    velo(c, "DROP STREAM events CASCADE")
    rows = kafka_rows(results, kinds[0])
    rows.append(native_to_kafka(c))
    rows.append(["raw: librdkafka produces, program and all", f"{made[0]:.2f}", f"{(last + spare) / made[0]:,.0f}",
                 f"{made[1] / (last + spare) * 1e6:.2f}", "", ""])
    notes = (f"Records {first:,} to {last:,} of {last + spare:,}; medians of {ROUNDS} rounds in turn, seconds for {KAFKA_EVENTS:,}\n"
             "records. Jobs are exactly once. CPU is that of all processes of the server, librdkafka's threads\n"
             "included, or of the whole raw program; the broker's is not in it. Every closed window was checked to\n"
             "have each record once.")
    each = "\n".join(f"- {kind}: " + ", ".join(f"{cpu:.3f}" for _, cpu, _ in results[kind]) for kind in kinds)
    notes += f"\n\nCPU s / M records of each round:\n\n{each}"
    if profile:
        notes += "\n\nperf, of the job with windows, all threads:\n\n" + "\n".join("    " + line for line in profile)
    report("kafka", f"Kafka, JSON of 47 bytes, {KEYS:,} keys, windows of 10 s, exactly once", notes,
           ["", "seconds", "records/s", "CPU s / M records", "of raw consuming", "WAL bytes/record"], rows)


def kafka_rows(results, base):
    middle = {kind: [statistics.median(column) for column in zip(*results[kind])] for kind in results}
    return [[kind, f"{seconds * KAFKA_EVENTS:.2f}", f"{1 / seconds:,.0f}", f"{cpu:.2f}", f"{cpu / middle[base][1]:.2f}",
             f"{wal:.0f}" if wal else ""] for kind, (seconds, cpu, wal) in middle.items()]


def native_to_kafka(c):
    """Once, and without what it takes to fill the native stream."""
    velo(c, "CREATE STREAM native_events (key text, v double precision, ts timestamptz) WITH ('event.time.field' = 'ts')")
    run(c, f"""INSERT INTO native_events SELECT 'k' || lpad(((n::bigint * 7919) % {KEYS})::text, 6, '0'), n % 1000 / 10.0,
        timestamptz '2026-01-01 00:00+00' + n * interval '100 microseconds' FROM generate_series(1, {EVENTS}) n""")
    make_topic("native_copy")
    slope = Slope(c, "native_copy", EVENTS // 10, EVENTS,
                  lambda: velo(c, TO_KAFKA.format("native_copy", "native_events", BROKERS)))
    seconds, cpu, wal = slope.result()
    velo(c, "DROP STREAM native_events CASCADE")
    return [f"job: native to Kafka, {EVENTS:,} records, once", f"{slope.seconds:.2f}", f"{1 / seconds:,.0f}",
            f"{cpu:.2f}", "", f"{wal:.0f}"]


# --- gateway ---------------------------------------------------------------------------


def gateway():
    sys.path.insert(0, str(ROOT))
    from gateway import measure

    measure(connect, report)


KINDS = {"throughput": throughput, "neighbour": neighbour, "live": live, "kafka": kafka, "gateway": gateway}


def main():
    wanted = sys.argv[1:] or list(KINDS)
    for name in wanted:
        if name not in KINDS:
            sys.exit(f"no benchmark {name}; there are {', '.join(KINDS)}")
    with psycopg.connect(dbname="postgres", autocommit=True) as postgres:
        postgres.execute("CREATE DATABASE bench")
    run(connect(), "CREATE EXTENSION velostream")
    for name in wanted:
        KINDS[name]()


if __name__ == "__main__":
    main()
