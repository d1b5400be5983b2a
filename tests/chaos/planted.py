#!/usr/bin/env python3
"""Do the crash tests find what they are for?  Plants bugs, one after the other.

    tests/chaos/planted.py             all of them, each until it is caught
    tests/chaos/planted.py NAME …      some

Each bug is a change of one place of the source, made in a copy of the tree, which is built
and put through a short series of kills that could show it.  A bug whose place is not found
any more is an error: the source has changed, and the bug has to be planted anew.  Without a
change ("none") the same series must find nothing.
"""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import traceback

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
    kills: list  # (victim, test point or None, kind of output)


SINK = "extension/src/sink/"
OUTBOX_KILLS = [(W, "kafka_committed", "outbox"), (W, "commit_done", "outbox")]
LEADING_KILLS = [(W, "commit_by_sink_done", "leading"), (W, "kafka_committed", "leading")]
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
        [(W, "commit_done", "outbox"), (P, "commit_done", "outbox")],
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
        LEADING_KILLS,
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
        for name in ("tree", "log"):
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


def run_series(bench, bug, seed):
    """What was found: a text, or None."""
    folder = bench.folder / "log" / f"{bug.name}-{seed}"
    folder.mkdir()
    scene = None
    with open(folder / "series.log", "w", encoding="utf-8") as log:
        try:
            scene = KafkaScene(
                folder, bench.prefix / "bin", seed, lambda text: print(text, file=log, flush=True)
            )
            for kill in bug.kills:
                if kill[1]:
                    scene.series.kill_at_point(*kill)
                else:
                    scene.series.kill_at_random(kill[0], kill[2])
                scene.series.progress()
            lost, doubled, faults = scene.judge(DRAINED_SECONDS, 0 if bug.file else SETTLED_SECONDS)
            faults += scene.series.faults()
        except AssertionError as error:  # a deadline mostly: jobs that do not go on
            traceback.print_exc(file=log)
            return f"fault: {error}"[:100]
        finally:
            if scene:
                scene.destroy()
    if lost or doubled:
        return f"lost {lost} doubled {doubled}"
    return f"fault: {faults[0]}"[:100] if faults else None


def hunt(bench, bug):
    bench.plant(bug)
    for seed in range(1, (ROUNDS if bug.file else 1) + 1):
        found = run_series(bench, bug, seed)
        if found:
            return f"{found} (round {seed})"
    return None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = sys.argv[1:] or [bug.name for bug in BUGS]
    by_name = {bug.name: bug for bug in BUGS}
    bench = Bench()
    missed = 0
    for name in wanted:
        began = time.monotonic()
        try:
            found = hunt(bench, by_name[name])
            is_right = (found is None) == (name == "none")
            word = "ok" if is_right else "FALSE ALARM" if name == "none" else "MISSED"
        except (LookupError, RuntimeError) as error:
            found, is_right, word = str(error), False, "NOT PLANTED"
        missed += not is_right
        print(
            f"{word:<12}{name:<32}{time.monotonic() - began:4.0f} s  {found or 'nothing found'}",
            flush=True,
        )
    print(f"planted {len(wanted) - ('none' in wanted)} missed {missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
