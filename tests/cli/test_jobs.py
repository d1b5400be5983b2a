"""velo job and velo stream."""

import csv
import io
import json
import os
import re
import signal

import pytest

from velo_helpers import wait_for


@pytest.fixture(scope="module")
def job(velo, connection):
    """A job that these tests start and stop."""
    velo("job", "start", "moved", "--as", "SELECT zone, fare FROM rides", "--wait", "20s")
    yield "moved"
    connection.execute("DO LANGUAGE velo $$ DROP STREAM moved $$")


def rows(done, output):
    if output == "json":
        return [json.loads(line) for line in done.stdout.splitlines()]
    return list(csv.DictReader(io.StringIO(done.stdout)))


@pytest.mark.parametrize("output", ["json", "csv"])
def test_list_for_programs_has_the_columns_of_sql(velo, connection, job, output):
    columns = [column.name for column in connection.execute("SELECT * FROM velo.job_list()").description]
    listed = rows(velo("job", "list", "-o", output), output)
    assert [row["name"] for row in listed] == ["moved", "takings"]
    assert list(listed[0]) == columns


def test_list_for_people(velo, job):
    lines = velo("job", "list").stdout.splitlines()
    assert re.split(r" *\| *", lines[0].strip()) == [
        "job", "status", "since", "target", "in", "out", "failed", "lag", "state"]
    assert re.match(r" takings +\| running +\| \d\d:\d\d:\d\d +\| public.takings ", lines[3])
    assert all(line == line.rstrip() for line in lines)


def test_status(velo, job):
    done = velo("job", "status", "takings")
    assert done.stdout.startswith("job             takings\nstatus          running\n")
    assert "last error" not in done.stdout  # there is none
    status = json.loads(velo("job", "status", "takings", "-o", "json").stdout)
    assert (status["status"], status["condition"], status["kind"]) == ("running", "ok", "table")
    assert len(rows(velo("job", "status", "-o", "csv"), "csv")) == 2
    assert "does not exist" in velo("job", "status", "nix", code=3).stderr


def test_versions(velo, job):
    version = json.loads(velo("job", "versions", "takings", "-o", "json").stdout)
    assert version["sql_text"].startswith("CREATE TABLE takings AS SELECT")
    assert "statement  CREATE TABLE takings AS" in velo("job", "versions", "takings").stdout
    velo("job", "versions", "nix", code=3)


def test_control(velo, connection, job):
    def status():
        return connection.execute("SELECT status FROM velo.jobs WHERE job_name = 'moved'").fetchone()[0]

    assert velo("job", "pause", job, "--wait", "20s").stdout == "moved: paused\n"
    assert status() == "paused"
    assert velo("job", "resume", job, "--wait", "20s", "-q").stdout == ""
    assert status() == "running"
    velo("job", "start", job, code=4)
    velo("job", "reset", job, "--to", "latest", "--yes", code=4)
    assert json.loads(velo("job", "stop", job, "--force", "--wait", "20s", "-o", "json").stdout) == {
        "job": "moved", "status": "stopped", "condition": "ok", "last_error": None}
    assert velo("job", "reset", job, "--to", "2026-03-01 08:01Z", "--yes").stdout == "moved: stopped\n"
    velo("job", "start", job, "--wait", "20s")
    # Only what is not before that time comes again: all of it was appended today.
    wait_for(lambda: connection.execute("SELECT count(*) >= 2 FROM moved").fetchone()[0], "rows")
    velo("job", "stop", job)
    wait_for(lambda: status() == "stopped", "the job to stop")


def test_control_that_cannot_be(velo, job):
    for verb in "start", "stop", "pause", "resume":
        velo("job", verb, "nix", code=3)
    velo("job", "reset", "nix", "--to", "earliest", "--yes", code=3)
    assert "--yes" in velo("job", "reset", job, "--to", "earliest", code=2).stderr
    assert "--to" in velo("job", "reset", job, "--yes", code=2).stderr
    assert "no time" in velo("job", "reset", job, "--to", "no time", "--yes", code=8).stderr
    assert "NAME" in velo("job", "stop", code=2).stderr
    assert "--wait" in velo("job", "stop", job, "--wait", "soon", code=2).stderr


def test_a_new_job_with_an_error_in_it(velo):
    done = velo("job", "start", "wrong", "--as", "SELECT zone,\n       nix\nFROM rides", code=8)
    assert done.stderr == 'error[42703]: column "nix" does not exist\n  |\n2 |        nix\n  |        ^\n'


def test_a_wait_that_is_in_vain(velo, connection, job):
    velo("job", "start", "stuck", "--as", "SELECT zone FROM rides", "--wait", "20s")
    pid = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'velo job stuck'"
    ).fetchone()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = velo("job", "stop", "stuck", "--wait", "300ms", code=6)
        assert 'job "stuck" is stopping after 0.3 s' in done.stderr
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: "stopped" in velo("job", "status", "stuck").stdout, "the job to stop")
    velo("sql", "-q", "DROP STREAM stuck")


def test_streams(velo, job):
    listed = rows(velo("stream", "list", "-o", "json"), "json")
    assert {"rides", "Odd name", "made", "takings"} <= {row["name"] for row in listed}
    assert [row["name"] for row in rows(velo("stream", "list", "--like", "mad%", "-o", "csv"), "csv")] == ["made"]
    assert re.search(r'^ "Odd name" +\| native stream +\|', velo("stream", "list").stdout, re.M)


def test_describe(velo, job):
    described = json.loads(velo("stream", "describe", "takings", "-o", "json").stdout)
    assert described["job"]["name"] == "takings" and described["key_columns"] == ["zone"]
    columns = rows(velo("stream", "describe", "rides", "-o", "csv"), "csv")
    assert [column["name"] for column in columns][:3] == ["zone", "fare", "at"]
    shown = velo("stream", "describe", "takings").stdout
    assert re.search(r"^written by +takings, running$", shown, re.M)
    assert re.search(r"^ zone +\| text +\| key", shown, re.M)
    shown = velo("stream", "describe", '"Odd name"').stdout
    assert 'name         public."Odd name"' in shown
    assert "does not exist" in velo("stream", "describe", "nix", code=3).stderr


def test_watching_without_a_terminal_repeats(start):
    process = start("job", "list", "-o", "json", "--watch", "--every", "100ms")
    names = [json.loads(process.stdout.readline())["name"] for _ in range(6)]
    assert names.count("takings") >= 2
    process.terminate()
    assert process.wait(10) == 130
