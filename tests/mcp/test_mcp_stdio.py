"""The life of `velo mcp`: cancelling, queueing, ends of all kinds."""

import json
import os
import signal
import subprocess
import time

import mcplib
import pytest
from mcplib import call, message

ENDLESS = call("query_stream", sql="SELECT * FROM rides EMIT CHANGES", wait="60 s", max_rows=10000)


def cancelled(body):
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": body["id"], "reason": "test"},
        }
    )


def running(db):
    return db.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'velo%%'"
        " AND datname = current_database() AND state = 'active' AND query LIKE '%%query_rows%%'"
    ).fetchone()[0]


def test_a_running_call_is_cancelled(stdio, db):
    body = message("tools/call", ENDLESS)
    stdio.write(json.dumps(body))
    mcplib.wait_for(lambda: running(db), "the query runs")
    other = {**body, "id": "another"}
    stdio.write(cancelled(other))  # of nobody: nothing happens
    start = time.monotonic()
    stdio.write(cancelled(body))
    stdio.write(json.dumps(message("server/discover", id="after")))
    # no answer to what was cancelled
    assert stdio.receive()["id"] == "after"
    assert time.monotonic() - start < 5
    assert not running(db)
    assert stdio.ask("tools/call", call("list_streams"))["result"]["isError"] is False


def test_a_waiting_call_is_taken_back(stdio, db):
    first, second = message("tools/call", ENDLESS), message("tools/call", call("list_streams"))
    stdio.write(json.dumps(first))
    mcplib.wait_for(lambda: running(db), "the query runs")
    stdio.write(json.dumps(second))
    stdio.write(cancelled(second))
    stdio.write(cancelled(first))
    stdio.write(json.dumps(message("server/discover", id="after")))
    assert stdio.receive()["id"] == "after"


def test_a_cancellation_that_comes_too_late(stdio):
    body = message("tools/call", call("list_streams"))
    assert stdio.send(body)["id"] == body["id"]
    stdio.write(cancelled(body))
    assert stdio.send(message("tools/call", call("list_streams")))["result"]["isError"] is False


def test_many_messages_at_once_are_answered_in_order(stdio):
    bodies = [message("tools/call", call("validate_sql", sql="SELECT 1")) for _ in range(300)]
    stdio.write("\n".join(json.dumps(body) for body in bodies))
    assert [stdio.receive()["id"] for _ in bodies] == [body["id"] for body in bodies]


def test_all_is_answered_before_the_end(dbname):
    bodies = [message("tools/call", call("list_streams")) for _ in range(5)]
    text = "\n".join(json.dumps(body) for body in bodies)  # without a last line break
    done = subprocess.run(
        [mcplib.program("velo"), "mcp"],
        input=text.encode(),
        capture_output=True,
        env={**os.environ, "PGDATABASE": dbname},
        timeout=mcplib.TIMEOUT,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["id"] for a in answers] == [body["id"] for body in bodies]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_a_query_runs(stdio, db, signal_number):
    stdio.write(json.dumps(message("tools/call", ENDLESS)))
    mcplib.wait_for(lambda: running(db), "the query runs")
    stdio.process.send_signal(signal_number)
    assert stdio.process.wait(5) == 130
    mcplib.wait_for(lambda: not running(db), "the query ends")


def test_it_ends_when_nobody_reads(dbname, db):
    readable, writable = os.pipe()
    process = subprocess.Popen(
        [mcplib.program("velo"), "mcp"],
        stdin=subprocess.PIPE,
        stdout=writable,
        env={**os.environ, "PGDATABASE": dbname},
    )
    os.close(writable)
    process.stdin.write(json.dumps(message("tools/call", ENDLESS)).encode() + b"\n")
    process.stdin.flush()
    mcplib.wait_for(lambda: running(db), "the query runs")
    os.close(readable)
    assert process.wait(5) is not None
    mcplib.wait_for(lambda: not running(db), "the query ends")


def test_it_connects_again(stdio, db):
    assert stdio.ask("tools/call", call("list_streams"))["result"]["isError"] is False
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND application_name LIKE 'velo%'"
    )
    answer = stdio.ask("tools/call", call("list_streams"))
    assert answer["error"]["code"] == -32603 and answer["error"]["data"]["code"][:2] in ("08", "57")
    assert stdio.ask("tools/call", call("list_streams"))["result"]["isError"] is False


def test_no_server_is_told_and_ends_it(tmp_path):
    mcplib.home()
    done = subprocess.run(
        [mcplib.program("velo"), "mcp"],
        input=b"",
        capture_output=True,
        env={**os.environ, "PGHOST": str(tmp_path)},
        timeout=mcplib.TIMEOUT,
        check=False,
    )
    assert done.returncode == 7 and done.stdout == b"" and b"could not connect" in done.stderr


def test_a_database_without_the_extension(tmp_path):
    stdio = mcplib.Stdio("template1")
    error = stdio.ask("tools/list")["error"]
    assert error["data"]["code"] == "3F000" and "CREATE EXTENSION" in error["data"]["hint"]
    stdio.close()


def test_a_time_out_of_its_own(dbname):
    stdio = mcplib.Stdio(dbname, "--timeout=1")
    result = stdio.ask("tools/call", ENDLESS)["result"]
    assert result["structuredContent"]["error"]["code"] == "57014"
    stdio.close()
    assert mcplib.Stdio(dbname, "--timeout=x").process.wait(5) == 2


def test_a_legacy_client_gets_progress_too(fixtures):
    stdio = mcplib.Stdio(fixtures)
    stdio.hello("2025-06-18")
    params = {"name": "test_tool_with_progress", "_meta": {"progressToken": 1}}
    stdio.write(json.dumps(message("tools/call", params, "2025-06-18")))
    assert [stdio.receive().get("method") for _ in range(4)] == ["notifications/progress"] * 3 + [None]
    stdio.close()
