"""One broker: a JVM with its folder."""

import ctypes
import os
import pathlib
import signal
import subprocess

from kafkalib.wait import wait_for

ROOT = pathlib.Path(os.environ.get("VELO_ROOT") or pathlib.Path(__file__).parents[3])
START_SECONDS = 90
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """A test run that is killed leaves no broker behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def java(*arguments, **more):
    """A child that is the JVM itself: the script ends in exec."""
    return subprocess.Popen(
        [str(ROOT / "scripts/kafka_server"), "java", *map(str, arguments)],
        # Our Ctrl-C is not its.
        start_new_session=True,
        preexec_fn=_die_with_parent,
        **more,
    )


def tool(name, *arguments):
    """Runs one of Kafka's programs to its end and returns what it printed."""
    with java(
        name, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        output, _ = child.communicate(timeout=START_SECONDS)
    if child.returncode != 0:
        raise AssertionError(f"{name} {' '.join(map(str, arguments))}: {output}")
    return output


class Node:
    """Settings are those of server.properties; they may be changed until start()."""

    def __init__(self, folder, settings):
        self.folder = pathlib.Path(folder)
        self.settings = {"log.dirs": self.folder / "data", **settings}
        self.log = self.folder / "log"
        self.process = None

    def format(self, cluster_id, *more):
        """Makes the data folder; more: --add-scram and the like."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write()
        tool(
            "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", self._file(), *more
        )

    def _file(self):
        return self.folder / "server.properties"

    def _write(self):
        with open(self._file(), "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in self.settings.items())

    # --- life ----------------------------------------------------------------------

    def launch(self):
        """Starts it; wait_ready() tells when it serves."""
        assert not self.is_running()
        self._write()
        with open(self.log, "wb") as log:
            self.process = java(
                "kafka.Kafka", self._file(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait_ready(self):
        """Until it serves.  The line comes only when this process has its ports: the log
        is its own, and a broker whose port is taken ends."""

        def serves():
            text = self.log.read_text(encoding="utf-8", errors="replace")
            if self.process.poll() is not None:
                raise AssertionError(f"the broker in {self.folder} has ended:\n{text[-3000:]}")
            return "Kafka Server started" in text

        wait_for(f"the broker in {self.folder} serves", serves, START_SECONDS)

    def start(self):
        self.launch()
        self.wait_ready()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """An orderly end: leaders move away first."""
        if not self.is_running():
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """kill -9."""
        if self.is_running():
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def pause(self):
        """Keeps its connections and answers nothing, as a machine that hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
