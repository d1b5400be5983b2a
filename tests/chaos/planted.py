#!/usr/bin/env python3
"""Do the crash tests find what they are for?  Plants bugs, one after the other.

    tests/chaos/planted.py             all of them, each until it is caught
    tests/chaos/planted.py NAME …      some

Each bug is a change of one place of the source, made in a copy of the tree, which is built
and put through a short series of kills that could show it.  A bug whose place is not found
any more is an error: the source has changed, and the bug has to be planted anew.  Without a
change ("none") the same series must find nothing.

At the end a table: what was found after which kills.  "d_rows outbox -1 +2 ~3" are one row
lost, two that came twice, three in the wrong order.  The exit code is 1 if a bug was missed.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import traceback

import psycopg

HERE = pathlib.Path(__file__).parent
for folder in (HERE, HERE.parent / "kafka"):
    sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True

from chaoslib.kafka_scene import KafkaScene  # noqa: E402

ROOT = HERE.parents[1]
ROUNDS = 3
DRAINED_SECONDS = 20
SETTLED_SECONDS = 6

W, P, B, N, S = "worker", "postmaster", "broker", "network", "sleeper"


@dataclasses.dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    kills: list  # (victim, test point or None, kind of output or at a point a job)


@dataclasses.dataclass
class Verdict:
    name: str
    word: str
    what: str = "nothing found"
    kills: str = ""
    is_right: bool = False


SINK = "extension/src/sink/"
OUTBOX_KILLS = [(W, "kafka_committed", "outbox"), (W, "commit_done", "outbox")]
LEADING_KILLS = [(W, "commit_by_sink_done", "leading"), (W, "kafka_committed", "leading")]
# Dead letters are in PostgreSQL already, output and positions not yet in Kafka.
LETTER_KILLS = [(W, "commit_done", "a_fail"), (W, "kafka_about_to_commit", "a_fail")] * 2
ANY_KILLS = [(W, None, "table"), (W, None, "native"), (P, None, "outbox")]

BUGS = [
    Bug("none", "", "", "", OUTBOX_KILLS + LEADING_KILLS + [(S, "kafka_produced", "outbox")]),
    Bug(
        "positions_not_written", "extension/src/job/commit.c",
        "if (is_written(task, partition, npartitions, args[4]))",
        "if (is_written(task, partition, npartitions, args[4]) || task->records_in > 0)",
        ANY_KILLS,
    ),
    Bug(
        "lease_not_checked", "extension/src/job/commit.c",
        'AND task = $2::int AND epoch = $3::bigint",',
        'AND task = $2::int AND epoch >= least(0, $3::bigint)",',
        [(S, "batch_processed", "table"), (S, "batch_processed", "native")],
    ),
    Bug(
        "fenced_by_nobody", SINK + "kafka_outbox.c",
        "sink->outbox->writer, 0);",
        'psprintf("%s-%d", sink->outbox->writer, ({ extern int MyProcPid; MyProcPid; })), 0);',
        [(S, "kafka_produced", "leading"), (S, "kafka_about_to_commit", "leading")],
    ),
    Bug(
        "outbox_sent_twice", SINK + "kafka_outbox.c",
        "while (sink->sequence < outbox->sequence)",
        "if (sink->sequence > 0)\n\t\tsink->sequence--;\n\twhile (sink->sequence < outbox->sequence)",
        OUTBOX_KILLS,
    ),
    Bug(
        "outbox_never_sent_again", SINK + "kafka_outbox.c",
        "while (sink->sequence < outbox->sequence)",
        "sink->sequence = outbox->sequence;\n\twhile (sink->sequence < outbox->sequence)",
        # Each of its batches has output, which no later one hides.
        [(W, "commit_done", "d_rows"), (P, "commit_done", "d_rows")],
    ),
    Bug(
        "outbox_sequence_stays", SINK + "outbox.c", "outbox->sequence++;", "", OUTBOX_KILLS,
    ),
    Bug(
        "outbox_sequence_one_behind", SINK + "kafka_outbox.c",
        "velo_sink_kafka_commit_sequence(sink, sink->outbox->sequence, NULL);",
        "velo_sink_kafka_commit_sequence(sink, sink->outbox->sequence - 1, NULL);",
        [(W, "kafka_committed", "outbox"), (P, "kafka_committed", "outbox")],
    ),
    Bug(
        "control_not_written", SINK + "kafka_control.c",
        "velo_sink_kafka_produce_to(log->producer, log->topic, log->partition, log->key, value.data,\n"
        "\t\t\t\t\t\t\t   &log->receipt);",
        "",
        OUTBOX_KILLS + LEADING_KILLS,
    ),
    Bug(
        "control_in_another_transaction", SINK + "kafka_outbox.c",
        "velo_sink_kafka_control_write(sink->control, &control);",
        "velo_sink_kafka_commit(sink->producer);\n\tvelo_sink_kafka_begin(sink->producer);\n"
        "\tvelo_sink_kafka_control_write(sink->control, &control);",
        [(W, "kafka_control_produced", "outbox"), (W, "kafka_control_produced", "leading")],
    ),
    Bug(
        "control_ignored", SINK + "kafka_outbox.c",
        "\tsink->sequence = control.sequence;\n", "", OUTBOX_KILLS,
    ),
    Bug(
        "output_forgotten", SINK + "kafka.c",
        "if (sink->delivery->committed)\n\t\tsink->delivery->committed(sink);",
        "if (sink->delivery->committed && sink->rows >= 0)\n\t\tvelo_sink_kafka_forget_pages(sink);",
        [(W, None, "outbox")],
    ),
    Bug(
        "pages_kept", SINK + "kafka.c",
        "produce_packed(sink->producer, page->data, page->data + page->len);\n\t}\n"
        "\tvelo_sink_kafka_forget_pages(sink);",
        "produce_packed(sink->producer, page->data, page->data + page->len);\n\t}",
        [(W, None, "outbox")],
    ),
    Bug(
        "partition_by_chance", SINK + "kafka_producer.c", '"murmur2_random"', '"random"',
        [(W, None, "outbox")],
    ),
    Bug(
        "lead_without_positions", SINK + "kafka_leading.c",
        "velo_sink_kafka_commit_sequence(sink, sink->sequence + 1, positions);",
        "velo_sink_kafka_commit_sequence(sink, sink->sequence + 1, NULL);",
        LEADING_KILLS,
    ),
    Bug(
        "lead_by_the_copy", "bgworkers/job.c",
        "return positions ? velo_job_positions_find(positions, partition) : copy;",
        "return copy ? copy : velo_job_positions_find(positions, partition);",
        LEADING_KILLS,
    ),
    Bug(
        "lead_commits_each_chunk", SINK + "kafka_leading.c",
        "velo_sink_kafka_send_pages(sink);\n",
        "velo_sink_kafka_send_pages(sink);\n\tvelo_sink_kafka_commit(sink->producer);\n",
        [(W, "kafka_produced", "leading"), (P, "kafka_produced", "leading")],
    ),
    Bug(
        "abort_read_as_commit", "extension/src/source/kafka_reader.c",
        'return isolation ? isolation : "read_committed";', 'return "read_uncommitted";',
        [(W, None, "table")],
    ),
    Bug(
        "position_one_before", "extension/src/source/kafka_reader.c",
        "part->position = message->offset + 1;", "part->position = message->offset;",
        ANY_KILLS,
    ),
    Bug(
        "position_one_after", "extension/src/source/kafka.c",
        "part->start = position.offset;", "part->start = position.offset + 1;",
        ANY_KILLS * 2,
    ),
    Bug(
        "letters_not_kept", "extension/src/job/failure.c",
        "if (velo_job_keeps_dead_letters(job))",
        "if (velo_job_keeps_dead_letters(job) && pipeline->records_failed % 2)",
        [(W, None, "leading")],
    ),
    Bug(
        "letters_again", "extension/src/job/failure.c",
        '"WHERE NOT ($19::boolean AND EXISTS', '"WHERE NOT (false AND $19::boolean AND EXISTS',
        LETTER_KILLS,
    ),
    Bug(
        "state_row_dropped", "extension/src/state/log.c",
        "simple_heap_insert(segment, tuple);",
        "if (first % 3 != 0)\n\t\tsimple_heap_insert(segment, tuple);",
        [(W, None, "table"), (W, None, "outbox")],
    ),
    Bug(
        "state_record_dropped", "extension/src/state/log.c",
        "velo_state_page_add(&store->log, kind, cell, data, length);\n\tif (kind",
        "if (length % 5 != 0)\n\t\tvelo_state_page_add(&store->log, kind, cell, data, length);\n\tif (kind",
        [(W, None, "table"), (W, None, "outbox")],
    ),
]  # fmt: skip


class Bench:
    """A copy of the tree, with builds and an installation of its own."""

    def __init__(self):
        home = pathlib.Path(os.environ["VELO_HOME"])
        self.folder = pathlib.Path(os.environ.get("VELO_LOG") or home) / "planted"
        self.tree = self.folder / "tree"
        self.home = self.folder / "home"
        self.prefix = self.folder / "pg"
        # The build too: the copy is as old as the tree, older than what the last bug, planted
        # by an earlier run, was built into.
        for name in ("tree", "log", "home/build"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "log").mkdir(parents=True)
        self.home.mkdir(exist_ok=True)
        library = home / "librdkafka"
        if library.exists() and not (self.home / "librdkafka").exists():
            (self.home / "librdkafka").symlink_to(library)
        for name in ("extension", "bgworkers", "sql", "scripts"):
            shutil.copytree(ROOT / name, self.tree / name)

    def plant(self, bug):
        """Builds and installs the extension with the bug in it."""
        file = self.tree / bug.file if bug.file else None
        text = file.read_text(encoding="utf-8") if file else ""
        if file:
            if text.count(bug.old) != 1:
                raise LookupError(f"{bug.name}: found {text.count(bug.old)} times in {bug.file}")
            file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
        try:
            self.install()
        finally:
            if file:
                file.write_text(text, encoding="utf-8")

    def install(self):
        done = subprocess.run(
            [self.tree / "scripts/prefix", self.prefix],
            env={**os.environ, "VELO_HOME": str(self.home), "VELO_TESTPOINTS": "1", "WERROR": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"does not build: {done.stderr[-2000:]}")


# A deadline mostly: jobs that do not go on.
FAULTS = (AssertionError, psycopg.Error)
LAST_ERRORS = "SELECT name, last_error FROM velo.job WHERE last_error IS NOT NULL ORDER BY 1"


def last_errors(scene):
    """What jobs that do not go on say."""
    with contextlib.suppress(*FAULTS):
        return "".join(f"; {job}: {error}" for job, error in scene.cluster.ask(LAST_ERRORS))
    return ""


def found_by(scene, bug):
    """Kills and compares; what is wrong then, or None."""
    try:
        for kill in bug.kills:
            if kill[1]:
                scene.series.kill_at_point(*kill)
            else:
                scene.series.kill_at_random(kill[0], kill[2])
            scene.series.progress()
        lost, doubled, faults = scene.judge(DRAINED_SECONDS, 0 if bug.file else SETTLED_SECONDS)
        faults += scene.series.faults()
    except FAULTS as error:
        scene.say(traceback.format_exc())
        return f"fault: {error}{last_errors(scene)}"
    if lost or doubled:
        return f"lost {lost} doubled {doubled}: {', '.join(scene.wrong)}"
    return f"fault: {faults[0]}{last_errors(scene)}" if faults else None


def kills_of(series, bug):
    """What was done; the last one may have shown the bug before it was over."""
    done = [f"{k.victim} {k.point or 'random'} {k.job}" for k in series.kills]
    begun = [f"({k[0]} {k[1] or 'random'} {k[2]})" for k in bug.kills[len(done) :][:1]]
    return ", ".join(done + begun)


def run_series(bench, bug, seed):
    """(what was found or None, after which kills)"""
    folder = bench.folder / "log" / f"{bug.name}-{seed}"
    folder.mkdir()
    with open(folder / "series.log", "w", encoding="utf-8") as log:

        def say(text):
            print(text, file=log, flush=True)

        try:
            scene = KafkaScene(folder, bench.prefix / "bin", seed, say)
        except FAULTS as error:  # jobs that do not even begin
            return f"fault: {error}", ""
        try:
            return found_by(scene, bug), kills_of(scene.series, bug)
        finally:
            scene.destroy()


def hunt(bench, bug):
    """The verdict over one bug, after as many rounds as it takes."""
    try:
        bench.plant(bug)
    except (LookupError, RuntimeError) as error:
        return Verdict(bug.name, "NOT PLANTED", str(error))
    for seed in range(1, (ROUNDS if bug.file else 1) + 1):
        what, kills = run_series(bench, bug, seed)
        if what and bug.file:
            return Verdict(bug.name, "caught", what, f"round {seed}: {kills or 'no kill'}", True)
        if what:
            return Verdict(bug.name, "FALSE ALARM", what, kills)
    if bug.file:
        return Verdict(bug.name, "MISSED")
    return Verdict(bug.name, "nothing", is_right=True, kills=kills)


def print_table(verdicts):
    for verdict in verdicts:
        print(f"{verdict.name:<31} {verdict.word:<11} {verdict.what.splitlines()[0]}")
        if verdict.kills:
            print(f"{'':<43} {verdict.kills}")
    planted = [verdict for verdict in verdicts if verdict.name != "none"]
    caught = sum(verdict.is_right for verdict in planted)
    print(f"planted {len(planted)} caught {caught} missed {len(planted) - caught}", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    by_name = {bug.name: bug for bug in BUGS}
    wanted = sys.argv[1:] or list(by_name)
    for name in wanted:
        if name not in by_name:
            sys.exit(f"no bug is called {name}")
    bench = Bench()
    verdicts = []
    for name in wanted:
        began = time.monotonic()
        verdict = hunt(bench, by_name[name])
        verdicts.append(verdict)
        seconds = time.monotonic() - began
        print(f"{verdict.word:<12}{name:<32}{seconds:4.0f} s  {verdict.what[:80]}", flush=True)
    print()
    print_table(verdicts)
    return 0 if all(verdict.is_right for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
