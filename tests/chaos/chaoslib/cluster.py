"""A private PostgreSQL that is killed as often as a test likes.

The postmaster is our own child, not pg_ctl's: so it is reaped as soon as it dies,
and its pid cannot be mistaken for that of a living one when it starts again.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg

GONE_SECONDS = 60
START_SECONDS = 120

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
shared_preload_libraries = 'velostream'
max_worker_processes = 40
max_connections = 60
max_wal_senders = 4
max_prepared_transactions = 20
# A crash is only a test if what was committed has to survive it.
fsync = on
synchronous_commit = on
# Short recoveries, and checkpoints in every series.
checkpoint_timeout = 30s
max_wal_size = 512MB
autovacuum_naptime = 5s
# Who died at which test point: velo job NAME.
log_line_prefix = '%m [%p] %a: '
timezone = 'UTC'
"""


class Deadline(AssertionError):
    """A named condition did not come true in time."""


def wait_for(what, condition, seconds, pause=0.02):
    """The condition's first true value; after the deadline an error that names it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline(f"{what}: not within {seconds} s")
        time.sleep(pause)


def process_start(pid):
    """When a process began, in ticks; None: there is none, or only its entry is left."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rsplit(")", 1)[1].split()
    return None if fields[0] == "Z" else fields[19]


def children_of(pid):
    """{pid: start} of a process's children."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            fields = text.rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found[int(entry.name)] = fields[19]
    return found


class Cluster:
    def __init__(self, folder, bindir):
        self.folder = pathlib.Path(folder)
        self.bindir = pathlib.Path(bindir)
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        # A socket's path may have 107 bytes only, and the folder may be deep.
        self.socket = pathlib.Path(tempfile.mkdtemp(prefix="velo-chaos-"))
        self.postmaster = None
        self.children = {}

    def program(self, name, *arguments):
        return subprocess.run(
            [str(self.bindir / name), *map(str, arguments)],
            check=True,
            capture_output=True,
            text=True,
        )

    def init(self, more=""):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program(
            "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8",
        )  # fmt: skip
        self.configure(more)

    def configure(self, more=""):
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(socket=self.socket) + more)

    # --- starting and stopping ---------------------------------------------------

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.postmaster = subprocess.Popen(
                [str(self.bindir / "postgres"), "-D", str(self.data)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                # Our Ctrl-C is not the server's.
                start_new_session=True,
            )
        self.wait_ready()

    def is_running(self):
        return self.postmaster is not None and self.postmaster.poll() is None

    def wait_ready(self):
        """Until sessions are let in; also after a crash of one of its processes."""

        def accepts():
            if not self.is_running():
                raise AssertionError(f"the postmaster has ended; its log is {self.log}")
            with contextlib.suppress(psycopg.OperationalError):
                self.connect().close()
                return True
            return False

        wait_for("the server accepts connections", accepts, START_SECONDS, 0.05)
        self.note_children()

    def note_children(self):
        self.children.update(children_of(self.postmaster.pid))

    def stop(self, mode=signal.SIGINT):
        """A fast shutdown (SIGINT), or an immediate one (SIGQUIT)."""
        if not self.is_running():
            return
        self.postmaster.send_signal(mode)
        try:
            self.postmaster.wait(GONE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_postmaster()

    def kill_postmaster(self):
        """kill -9, then until nothing of it is left: a new one must not meet its children."""
        if self.is_running():
            self.note_children()
            self.postmaster.kill()
        self.wait_gone()

    def wait_gone(self):
        self.postmaster.wait(GONE_SECONDS)

        def orphans():
            return [p for p, start in self.children.items() if process_start(p) == start]

        try:
            # They notice by themselves that the postmaster is gone.
            wait_for("the postmaster's children end", lambda: not orphans(), 15)
        except Deadline:
            for pid in orphans():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_for("the killed children end", lambda: not orphans(), GONE_SECONDS)
        self.children = {}

    def destroy(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.socket, ignore_errors=True)

    # --- sessions ------------------------------------------------------------------

    def connect(self, autocommit=True, **more):
        return psycopg.connect(
            host=str(self.socket),
            user="postgres",
            dbname="postgres",
            autocommit=autocommit,
            connect_timeout=10,
            **more,
        )

    def ask(self, sql, *args):
        """All rows of one query in a session of its own.

        Tried anew while the server is coming up; that it has not crashed when it should
        not is asserted by had_crash()."""
        rows = []

        def asked():
            with contextlib.suppress(psycopg.OperationalError):
                with self.connect() as session:
                    rows[:] = session.execute(sql, args or None).fetchall()
                return True
            return False

        wait_for("the server answers", asked, START_SECONDS, 0.05)
        return rows

    def had_crash(self):
        """Has a process of the server died by a signal or an internal error?"""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "was terminated by signal" in text or "PANIC" in text
