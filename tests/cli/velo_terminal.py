"""A pseudo-terminal with a program on it, and what its screen shows.

Of a terminal's language only what velo says is understood: carriage return, newline,
"erase to the end of the line", "home", "clear", colours.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

WAIT_SECONDS_MAX = 30
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    def __init__(self, command, environment, rows, columns):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.raw = ""
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment,
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
        )
        os.close(slave)

    def read(self, seconds):
        """What comes within that time; False at the end."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                part = os.read(self.master, 65536)
            except OSError:  # the program has closed its side
                return False
            self.raw += part.decode(errors="replace")
        return True

    def wait_for(self, text):
        """Until text, a string or a pattern, has come; returns all so far."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (text.search(self.raw) if hasattr(text, "search") else text in self.raw):
            assert self.read(0.1), f"ended without {text!r}:\n{self.raw}"
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{self.raw}"
        return self.raw

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """The exit code, after everything has been read."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while self.read(0.1):
            assert time.monotonic() < deadline, f"did not end:\n{self.raw}"
        return self.process.wait(WAIT_SECONDS_MAX)

    @property
    def screen(self):
        """Lines as they stand there at the end."""
        lines, at = [""], 0
        position = 0
        while position < len(self.raw):
            sequence = SEQUENCE.match(self.raw, position)
            if sequence:
                if sequence.group() == "\x1b[K":
                    lines[-1] = lines[-1][:at]
                elif sequence.group() == "\x1b[2J":
                    lines, at = [""], 0
                position = sequence.end()
                continue
            character = self.raw[position]
            if character == "\r":
                at = 0
            elif character == "\n":
                lines.append("")
                at = 0
            else:
                lines[-1] = lines[-1][:at] + character + lines[-1][at + 1 :]
                at += 1
            position += 1
        return lines

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
