"""The cases of bytes and of logging in again, in a gateway built with sanitizers.

A report of theirs fails the gateway's end, and so the module.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from test_auth import *  # noqa: E402,F403
from test_limits import (  # noqa: E402,F401
    test_a_client_that_leaves_cancels_its_query,
    test_body_size_max,
    test_database_connections,
    test_queue_max,
    test_reply_size_max,
)
from test_life import (  # noqa: E402,F401
    relay,
    test_running_requests_are_finished,
    test_the_database_goes_away_and_comes_back,
    test_what_takes_longer_is_cancelled,
)
from test_raw import *  # noqa: E402,F403


@pytest.fixture(scope="module")
def build():
    return "sanitized"
