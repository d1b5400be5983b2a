"""Waiting for conditions, and ports that stay free."""

import random
import socket
import time


class Deadline(AssertionError):
    """A named condition did not come true in time."""


def wait_for(what, condition, seconds=60, pause=0.05):
    """The condition's first true value; after the deadline an error that names it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline(f"{what}: not within {seconds} s")
        time.sleep(pause)


def free_port():
    """A port on loopback that nothing listens on.

    Below those that the system gives to outgoing connections: a broker that is started
    again shall find its port free.
    """
    for _ in range(100):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("found no free port")
