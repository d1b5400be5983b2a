"""The command line as such: help, usage, connecting, exit codes, doctor, completion."""

import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

import pytest

from velo_helpers import DATABASE, PASSWORD, ROOT, STRANGER, USER


# --- help and usage --------------------------------------------------------------------


def test_help(velo):
    text = velo("--help").stdout
    assert text == velo("help").stdout == velo("-h").stdout
    assert max(map(len, text.splitlines())) <= 90
    for command in "sql", "validate", "job list", "stream describe", "doctor", "completion", "version":
        assert re.search(rf"^  {command} +\w", text, re.M)
        page = velo(*command.split(), "--help").stdout
        assert f"Usage\n  velo {command}" in page and "\n  velo " in page
        assert page == velo("help", *command.split()).stdout
        assert max(map(len, page.splitlines())) <= 100
    assert "job pause" in velo("job", "--help").stdout
    assert "__complete" not in text


def test_without_a_command_help_goes_to_stderr(velo):
    done = velo(code=2)
    assert done.stdout == "" and "Commands" in done.stderr


@pytest.mark.parametrize("words, meant", [
    (["slq"], "velo sql"), (["valdate", "x"], "velo validate"), (["jbo", "list"], "velo job"),
    (["job", "lst"], "velo job list"), (["jobs", "list"], "velo job"), (["stream", "descirbe", "x"], "velo stream describe"),
    (["sql", "--limt", "3"], "--limit"), (["sql", "-o", "jsn", "x"], "json"), (["--ouput=csv", "sql", "x"], "--output"),
    (["job", "list", "--wach"], "--watch"),
])
def test_what_was_meant(velo, words, meant):
    done = velo(*words, code=2)
    assert f"did you mean {meant}" in done.stderr or f'did you mean "{meant}' in done.stderr, done.stderr
    assert "Try: velo" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("words", [
    ["qqqqqq"], ["job"], ["sql", "-z"], ["sql", "--limit"], ["sql", "a", "b"], ["version", "x"],
    ["job", "list", "--watch=3"], ["completion", "tcsh"], ["sql", "-f", "x", "y"], ["doctor", "-o", "csv"],
    ["job", "list", "--every", "never"], ["help", "nothing"], ["sql", "--unknown-of-all"],
])
def test_wrong_usage(velo, words):
    done = velo(*words, code=2)
    assert done.stdout == "" and done.stderr.startswith("error: ")


def test_version(velo):
    control = (ROOT / "extension/velostream.control").read_text()
    version = re.search(r"default_version *= *'(.*)'", control).group(1)
    assert velo("version").stdout.startswith(f"velo {version} ")
    assert velo("--version").stdout == velo("version").stdout
    assert json.loads(velo("version", "-o", "json").stdout)["version"] == version


# --- connecting ------------------------------------------------------------------------


def test_ways_to_say_where(velo, environment, tmp_path, password_server):
    ask = ("sql", "-o", "csv", "SELECT current_database() AS d, current_user AS u")
    host, port = environment["PGHOST"], environment["PGPORT"]
    empty = {"PGHOST": "/nonexistent", "PGPORT": "1", "PGDATABASE": "none"}
    for dsn in (f"host={host} port={port} dbname={DATABASE}",
                f"postgresql:///{DATABASE}?host={host}&port={port}"):
        assert DATABASE in velo(*ask, "-d", dsn, env=empty).stdout
        assert DATABASE in velo("--dsn", dsn, *ask, env=empty).stdout
    assert f"{DATABASE}," in velo(*ask, "-d", DATABASE).stdout
    service = tmp_path / "service.conf"
    service.write_text(f"[here]\nhost={host}\nport={port}\ndbname={DATABASE}\n")
    env = {"PGSERVICEFILE": str(service), "PGSERVICE": "here"}
    assert velo(*ask, env={k: "" for k in empty} | env).stdout.splitlines()[1].startswith(DATABASE)
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:{USER}:{PASSWORD}\n")
    passwords.chmod(0o600)
    assert USER in velo(*ask, env=password_server | {"PGPASSFILE": str(passwords)}).stdout
    assert USER in velo(*ask, env=password_server | {"PGPASSWORD": PASSWORD}).stdout


def test_why_it_could_not_connect(velo, password_server):
    for env, code, said in (
        ({"PGHOST": "/nonexistent"}, 7, "could not connect"),
        ({"PGHOST": "127.0.0.1", "PGPORT": "1"}, 7, "refused"),
        ({"PGDATABASE": "nothing_here"}, 3, 'database "nothing_here" does not exist'),
        (password_server, 5, "wants a password"),
        (password_server | {"PGPASSWORD": "wrong"}, 5, "authentication failed"),
        ({"PGUSER": "nobody_at_all"}, 5, "nobody_at_all"),
    ):
        done = velo("sql", "SELECT 1", env=env, code=code)
        assert said in done.stderr, done.stderr
        error = json.loads(velo("job", "list", "-o", "json", env=env, code=code).stderr)["error"]
        assert said in error["message"] + error.get("detail", "")


@pytest.mark.parametrize("dsn", [
    "postgresql://u:s3cret@host:bad:port/db", "postgresql://u:s3cret@[::1/db", "password=s3cret host",
    "postgresql://u:s3cret@h/db?nix", "host=/nonexistent password=s3cret", "host=x password='s3cret",
])
def test_a_password_is_never_shown(velo, dsn):
    done = velo("sql", "SELECT 1", "--dsn", dsn, code=None)
    assert done.returncode in (7, 8)
    assert "s3cret" not in done.stdout + done.stderr


def test_a_password_is_not_in_the_list_of_processes(start, password_server, environment):
    process = start(
        "sql", "SELECT pg_sleep(20)", "-d",
        f"host={password_server['PGHOST']} port={password_server['PGPORT']} dbname={DATABASE} "
        f"user={USER} password='{PASSWORD}'")
    pid = process.pid
    # It is hidden before anything else is done; exec may not have happened yet.
    while b"velo" not in (line := pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()) or b"**" not in line:
        assert process.poll() is None
    assert PASSWORD.encode() not in line
    process.kill()


def test_a_server_that_does_not_answer(start, environment):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]}"
        process = start("sql", "SELECT 1", "-d", dsn + " connect_timeout=1")
        _, err = process.communicate(timeout=10)
        assert process.returncode == 7 and b"did not answer in time" in err
        silent.accept()[0].close()
        process = start("sql", "SELECT 1", "-d", dsn)
        silent.accept()
        process.terminate()
        assert process.wait(5) == 130


# --- exit codes ------------------------------------------------------------------------


@pytest.mark.parametrize("code, text", [
    (0, "SELECT 1"),
    (1, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'XX000'; END $$"),
    (3, "SELECT * FROM nowhere EMIT CHANGES"),
    (4, "CREATE STREAM rides (a int)"),
    (7, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53400'; END $$"),
    (8, "SELEC 1"),
    (0, "SELECT"),
])
def test_exit_codes(velo, code, text):
    done = velo("sql", "-q", text, code=code)
    assert (done.stderr == "") == (code == 0)


def test_a_time_out_of_the_server(velo):
    velo("sql", "SELECT pg_sleep(5)", env={"PGOPTIONS": "-c statement_timeout=50"}, code=6)
    velo("job", "list", env={"PGOPTIONS": "-c statement_timeout=1h -c lock_timeout=1"})


def test_denied(velo, password_server):
    env = password_server | {"PGUSER": STRANGER, "PGPASSWORD": PASSWORD}
    done = velo("sql", "SELECT * FROM rides EMIT CHANGES", env=env, code=5)
    assert "42501" in done.stderr
    velo("job", "list", env=env, code=5)
    done = velo("doctor", env=env, code=1)
    assert f"GRANT velo_user TO {STRANGER};" in done.stdout


def test_the_page_of_exit_codes_is_right():
    """docs/cli/exit-codes.md has each code of common/sqlstate.h, and each SQLSTATE of sqlstate.c."""
    page = (ROOT / "docs/cli/exit-codes.md").read_text()
    codes = dict(re.findall(r"VC_EXIT_(\w+) = (\d+)", (ROOT / "common/sqlstate.h").read_text()))
    rows = dict(re.findall(r"^\| (\d+) \| .* \| (.*) \|$", page, re.M))
    assert sorted(rows) == sorted(codes.values())
    for state, name in re.findall(r'\{"(\w+)", \d+, \w+, VC_EXIT_(\w+)\}', (ROOT / "common/sqlstate.c").read_text()):
        assert f"`{state}`" in rows[codes[name]], (state, name)


def test_every_command_has_a_page(velo):
    index = (ROOT / "docs/cli/README.md").read_text()
    for command in re.findall(r"^  (\w+(?: \w+)?)  +", velo("--help").stdout.split("Commands")[1].split("Options")[0], re.M):
        page = ROOT / "docs/cli" / (command.split()[0] + ".md")
        assert page.exists(), page
        text = page.read_text()
        assert f"velo {command}" in text and f"({page.name}" in index
        for option in re.findall(r"^  (?:-\w, |    )(--[\w-]+)", velo(*command.split(), "--help").stdout.split("Options of every")[0], re.M):
            assert f"`{option}" in text, (command, option)


# --- doctor ----------------------------------------------------------------------------


def findings(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_is_well(velo):
    found = findings(velo("doctor", "-o", "json"))
    assert {one["check"] for one in found} == {
        "connection", "server", "clock", "preload", "extension", "rights", "workers", "room", "jobs", "kafka"}
    assert not [one for one in found if one["result"] == "fail"]
    assert velo("doctor").stdout.count("\nok ") == len([one for one in found if one["result"] == "ok"]) - 1


def test_all_is_well_for_an_ordinary_user(velo, password_server):
    """Who may see less of the server is told so, not that something is wrong."""
    found = findings(velo("doctor", "-o", "json", env=password_server | {"PGPASSWORD": PASSWORD}))
    assert {one["result"] for one in found} == {"ok"}, found
    assert [one["check"] for one in found if "not looked at" in one["message"]] == ["workers", "room"]


def test_no_extension_and_no_server(velo):
    done = velo("doctor", "-d", "template1", code=1)
    assert "-> CREATE EXTENSION velostream;" in done.stdout
    done = velo("doctor", env={"PGPORT": "1"}, code=7)
    assert done.stdout.startswith("fail  connection   could not connect")
    assert velo("sql", "SELECT * FROM x EMIT CHANGES", "-d", "template1", code=3).stderr.count("CREATE EXTENSION") == 1
    assert velo("job", "list", "-d", "template1", code=3).stderr.count("CREATE EXTENSION") == 1


def test_troubled_jobs_and_brokers(velo, connection):
    connection.execute("CREATE SERVER unreachable FOREIGN DATA WRAPPER velo_kafka "
                       "OPTIONS (\"bootstrap.servers\" '127.0.0.1:1')")
    connection.execute(f"ALTER DATABASE {DATABASE} SET velo.kafka_timeout = '500ms'")
    connection.execute("SELECT velo.job_start('failing', $$SELECT (zone || 'x')::int AS n FROM rides "
                       "WITH ('failure_strategy' = 'FailBatch', 'retry.max.attempts' = '1', "
                       "'retry.initial.delay' = '10ms')$$)")
    try:
        done = velo("job", "start", "failing", "--wait", "20s", code=4)
        for _ in range(100):
            if "failed" in velo("job", "status", "failing", "-o", "json").stdout:
                break
        found = {(one["check"], one["result"]): one for one in findings(velo("doctor", "-o", "json", code=1))}
        assert "failing" in found["jobs", "fail"]["message"], found
        assert "unreachable" in found["kafka", "fail"]["message"]
        assert ("jobs", "ok") in found
    finally:
        connection.execute("DO LANGUAGE velo $$ DROP STREAM failing $$")
        connection.execute("DROP SERVER unreachable")
        connection.execute(f"ALTER DATABASE {DATABASE} RESET velo.kafka_timeout")
    assert done.stderr.startswith("error[")


class Gateway(http.server.BaseHTTPRequestHandler):
    """Not the gateway: whatever may listen where somebody thinks it is."""

    def do_GET(self):
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"ready": false}')

    def log_message(self, *_):
        pass


def test_the_gateway(velo):
    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        server.status = 200
        assert findings(velo("doctor", "-o", "json", "--gateway", url + "/"))[-1]["result"] == "ok"
        server.status = 503
        found = findings(velo("doctor", "-o", "json", "--gateway", url, code=1))[-1]
        assert "503" in found["message"] and found["action"]
        server.shutdown()
    assert "refused" in velo("doctor", "--gateway", url, code=1).stdout
    assert "http://" in velo("doctor", "--gateway", "ftp://x", code=1).stdout


# --- completion ------------------------------------------------------------------------


def complete(velo, *words, env=None):
    return [line.split("\t")[0] for line in velo("__complete", "--", *words, env=env).stdout.splitlines()]


def test_candidates(velo):
    assert {"sql", "job", "stream", "doctor"} <= set(complete(velo, ""))
    assert complete(velo, "st") == ["stream"]
    assert complete(velo, "job", "re") == ["reset", "resume"]
    assert complete(velo, "job", "status", "") == ["takings"]
    assert complete(velo, "job", "status", "takings", "") == []
    assert complete(velo, "-q", "stream", "describe", "ma") == ["made"]
    assert complete(velo, "stream", "describe", '"') == ['"Odd name"']
    assert complete(velo, "sql", "-o", "") == ["table", "json", "csv"]
    assert complete(velo, "sql", "--li") == ["--limit"]
    assert complete(velo, "sql", "-f", "x") == [":files"]
    assert complete(velo, "job", "stop", "", env={"PGPORT": "1"}) == []
    assert complete(velo, "job", "stop", "-d", "dbname=template1", "") == []


def typed(terminal, line, wanted):
    """What a real bash makes of a line and a tab."""
    one = terminal(command=["bash", "--norc", "-i"], env={"PS1": "READY> ", "INPUTRC": "/dev/null"}, columns=200)
    one.wait_for("READY> ")
    one.type("set -u; source <(velo completion bash)\r")
    one.type("echo so\"\"urced\r")
    one.wait_for(re.compile(r"[\r\n]sourced"))
    one.type(line + "\t")
    one.wait_for(wanted)
    one.type("\x15exit\r")
    one.end()
    return one.raw


def test_bash_completes(terminal, tmp_path):
    (tmp_path / "pipeline.sql").write_text("")
    for line, wanted in (
        ("velo doc", "velo doctor "), ("velo job sta\t", re.compile(r"start +status")),
        ("velo job status ta", "velo job status takings "), ("velo sql --for=1s --li", "--limit "),
        (f"velo sql -f {tmp_path}/pi", "pipeline.sql "), ("velo -o js", "velo -o json "),
        ("velo stream describe mad", "velo stream describe made "),
    ):
        typed(terminal, line, wanted)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_of_their_shell(velo, shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(velo("completion", shell).stdout)
    assert "velo" in script.read_text()
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_completes(velo, environment, tmp_path):
    done = subprocess.run(
        ["fish", "--no-config", "-c", "velo completion fish | source; complete -C 'velo job status ta'"],
        env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=20)
    assert done.stdout.split() == ["takings", "running"], done


ZSH = """
autoload -Uz compinit && compinit -u -d /dev/null
source <(velo completion zsh)
compadd() { print -r -- "$@" }
_describe() { print -rl -- "${(@P)2}" }
words=(velo job status ta) CURRENT=4
_velo
words=(velo -o '') CURRENT=3
_velo
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_completes(environment, tmp_path):
    done = subprocess.run(["zsh", "-f", "-c", ZSH], env=environment | {"HOME": str(tmp_path)},
                          capture_output=True, text=True, timeout=20)
    assert done.stdout.splitlines() == ["takings:running", "table", "json", "csv"], done
