"""What the tests of velo share: names, and waiting."""

import os
import pathlib
import time

ROOT = pathlib.Path(os.environ.get("VELO_ROOT") or pathlib.Path(__file__).resolve().parents[2])
DATABASE = "velo_cli"
USER = "velo_cli_user"  # a member of velo_user
STRANGER = "velo_cli_stranger"  # may connect, and no more
PASSWORD = "cli-Pa55 word"
WAIT_SECONDS_MAX = 30


def wait_for(condition, what):
    """Until it is true: a condition with a deadline."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS_MAX} s: {what}"
        time.sleep(0.02)
