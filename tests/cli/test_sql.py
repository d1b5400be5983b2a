"""velo sql: rows, formats, messages, errors, stopping."""

import csv
import io
import json
import re
import signal
import subprocess
import time

import pytest

from velo_helpers import wait_for

LIVE = "SELECT * FROM made EMIT CHANGES"


# --- formats ---------------------------------------------------------------------------


def test_a_table_is_aligned(velo):
    done = velo("sql", "SELECT 1 AS n, 'grün' AS t, NULL::text AS nothing, 12.50 AS sum UNION ALL "
                "SELECT 100, 'ab', 'x', 3")
    assert done.stdout == (
        "   n | t    | nothing |   sum\n"
        "-----+------+---------+------\n"
        "   1 | grün | null    | 12.50\n"
        " 100 | ab   | x       |     3\n"
    )
    assert done.stderr == ""


def test_json_has_an_object_a_line_with_typed_values(velo):
    done = velo(
        "sql", "-o", "json",
        "SELECT 1 AS i, 9007199254740991 AS big, 9007199254740993 AS too_big, -1.5::float8 AS f, "
        "'NaN'::float8 AS nan, 1.10::numeric AS d, 12345678901234567.8 AS long, true AS b, "
        "NULL AS n, '{\"a\": [1, 2]}'::jsonb AS j, E'{\"x\":\\n 1}'::json AS lines, "
        "ARRAY[1,2] AS a, E'say \"hi\"\\n\\t\\\\\\x01' AS t, '2026-03-01'::date AS day, 7, 8",
    )
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == {
        "i": 1, "big": 9007199254740991, "too_big": "9007199254740993", "f": -1.5, "nan": "NaN",
        "d": 1.1, "long": "12345678901234567.8", "b": True, "n": None, "j": {"a": [1, 2]},
        "lines": {"x": 1}, "a": "{1,2}", "t": 'say "hi"\n\t\\\x01', "day": "2026-03-01",
        "?column?": 7, "?column?_2": 8,
    }


def test_csv_is_read_back(velo):
    values = ['plain', 'with "quotes", commas', 'two\nlines', '', ' padded ', 'ü']
    rows = " UNION ALL ".join(f"SELECT {n} AS n, '{v}' AS v" for n, v in enumerate(values))
    done = velo("sql", "-o", "csv", f"SELECT * FROM ({rows}) AS x ORDER BY n")
    read = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["v"] for row in read] == values
    done = velo("sql", "-o", "csv", "SELECT NULL AS a, '' AS b, 3 AS c")
    assert done.stdout == 'a,b,c\n,"",3\n'


def test_several_results(velo):
    text = "SELECT 1 AS a; SELECT 2 AS b WHERE false; SELECT 3 AS c"
    assert velo("sql", text).stdout == " a\n--\n 1\n\n b\n--\n\n c\n--\n 3\n"
    assert velo("sql", "-o", "json", text).stdout == '{"a":1}\n{"c":3}\n'
    assert velo("sql", "-o", "csv", text).stdout == "a\n1\n\nb\n\nc\n3\n"


def test_text_cannot_command_a_terminal(velo):
    done = velo("sql", r"SELECT E'a\x1b[31mb\nc\td' AS t, E'\u009b1m' AS u")
    assert done.stdout.splitlines()[2] == " a?[31mb↵c d | ?1m"


def test_wide_and_combining_characters_are_aligned(velo):
    done = velo("sql", "SELECT '日本' AS a, 1 AS b UNION ALL SELECT E'e\\u0301', 2")
    assert done.stdout.splitlines()[2:] == [" 日本 | 1", " e\u0301    | 2"]


# --- where the text comes from ---------------------------------------------------------


def test_text_from_a_file_and_from_stdin(velo, tmp_path):
    file = tmp_path / "two.sql"
    file.write_text("SELECT 1 AS a;\nSELECT 2 AS b -- the end")
    for words, stdin in ((["-f", str(file)], ""), (["-"], file.read_text()), ([], file.read_text()),
                         (["--file=-"], file.read_text()), ([f"-f{file}"], "")):
        assert velo("sql", "-o", "csv", *words, stdin=stdin).stdout == "a\n1\n\nb\n2\n"


@pytest.mark.parametrize("text", ["SELECT '$velo$' AS a", "SELECT 1 AS a -- $velo", "SELECT 'x' AS a --$",
                                  "SELECT $velo$$velo1$$velo$ AS a -- $velo2"])
def test_any_dollar_quote_may_be_in_it(velo, text):
    assert velo("sql", "-o", "csv", text).stdout.startswith("a\n")


def test_a_text_of_megabytes(velo, tmp_path):
    file = tmp_path / "big.sql"
    file.write_text("SELECT 1 AS a -- " + "x" * 3_000_000)
    assert velo("sql", "-o", "json", "-f", str(file)).stdout == '{"a":1}\n'
    file.write_text("-- " + "x" * 40_000_000)
    assert "too long" in velo("sql", "-f", str(file), code=8).stderr


def test_what_is_no_text(velo, tmp_path):
    file = tmp_path / "binary"
    file.write_bytes(b"SELECT 1\0 AS a")
    assert "not text" in velo("sql", "-f", str(file), code=8).stderr
    assert "no statement" in velo("sql", " ;\n", code=2).stderr
    assert "could not open" in velo("sql", "-f", str(tmp_path / "none"), code=3).stderr
    assert "could not read" in velo("sql", "-f", str(tmp_path), code=1).stderr


def test_parameters(velo, connection):
    velo("sql", "CREATE STREAM kept (a int) WITH ('retention' = '${KEEP}')", "--param", "KEEP=3d",
         "-p", "OTHER=a=b c")
    assert connection.execute(
        "SELECT value FROM velo.properties('kept') WHERE property = 'retention'"
    ).fetchone() == ("259200000",)
    connection.execute("DROP VIEW kept")
    assert "NAME=VALUE" in velo("sql", "SELECT 1", "--param", "KEEP", code=2).stderr


# --- messages and errors ---------------------------------------------------------------


def test_statements_say_what_they_did(velo, connection):
    done = velo("sql", "CREATE STREAM said (a int) WITH ('retenton' = '1d'); INSERT INTO said VALUES (1)")
    assert done.stdout == ""
    assert done.stderr == (
        'warning: property "retenton" is not known and has no effect\n'
        "  |\n"
        "1 | CREATE STREAM said (a int) WITH ('retenton' = '1d'); INSERT INTO said VALUES (1)\n"
        "  |                                  ^\n"
        'hint: Perhaps you meant "retention".\n'
        "CREATE STREAM public.said\n"
        "INSERT 0 1\n"
    )
    done = velo("sql", "-q", "DROP STREAM said")
    assert done.stdout + done.stderr == ""


def test_an_error_shows_the_users_own_line(velo, tmp_path):
    text = "SELECT zone,\n\tsum(fär) AS s -- €\nFROM rides\nGROUP BY zone EMIT CHANGES"
    shown = (
        "error[42703]: column \"fär\" does not exist\n"
        "{place}"
        "  |\n"
        "2 |     sum(fär) AS s -- €\n"
        "  |         ^\n"
    )
    done = velo("sql", text, code=8)
    assert done.stderr.startswith(shown.format(place=""))
    file = tmp_path / "takings.sql"
    file.write_text(text)
    done = velo("sql", "-f", str(file), code=8)
    assert done.stderr.startswith(shown.format(place=f" --> {file}:2:6\n"))
    assert done.stdout == ""


def test_an_error_of_a_later_statement_in_a_long_line(velo):
    done = velo("sql", "SELECT 1 AS a; SELECT '" + "x" * 300 + "', nix FROM rides EMIT CHANGES", code=8)
    lines = done.stderr.splitlines()
    assert lines[2].startswith("1 | ...xxx")
    assert lines[2][lines[3].index("^"):].startswith("nix")


def test_an_error_as_json(velo):
    done = velo("sql", "-o", "json", "SELECT nix FROM rides EMIT CHANGES", code=8)
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["line"], error["column"]) == ("42703", 1, 8)
    assert error["message"] == 'column "nix" does not exist'


def test_rows_before_an_error_are_shown(velo):
    done = velo("sql", "-o", "csv", "SELECT 1 AS a; SELECT 1/0 AS b", code=8)
    assert done.stdout.startswith("a\n1\n")
    assert "22012" in done.stderr


# --- live ------------------------------------------------------------------------------


def test_rows_come_before_the_query_ends(start, connection):
    process = start("sql", "-o", "json", "SELECT zone, fare FROM rides EMIT CHANGES")
    assert json.loads(process.stdout.readline()) == {"zone": "north", "fare": 10.5}
    assert json.loads(process.stdout.readline())["zone"] == "south"
    for number in range(3):
        began = time.monotonic()
        connection.execute(f"INSERT INTO rides VALUES ('live', {number}, now())")
        assert json.loads(process.stdout.readline()) == {"zone": "live", "fare": number}
        assert time.monotonic() - began < 2
    assert process.poll() is None


def test_a_table_comes_live_too(start):
    process = start("sql", LIVE)
    lines = [process.stdout.readline().decode() for _ in range(4)]
    assert lines[0].split("|")[0].strip() == "id"
    assert set(lines[1].strip()) == {"-", "+"}
    assert process.poll() is None


def test_limit_and_time(velo, connection):
    done = velo("sql", "-o", "csv", LIVE, "--limit", "5")
    assert len(done.stdout.splitlines()) == 6 and done.stderr == ""
    for wrong in "0", "x", "3x", "-1", "":
        assert "--limit" in velo("sql", LIVE, f"--limit={wrong}", code=2).stderr
    for wrong in "0", "x", "3x", "-1", "":
        assert "--for" in velo("sql", LIVE, f"--for={wrong}", code=2).stderr
    began = time.monotonic()
    done = velo("sql", "-o", "csv", LIVE, "--for", "700ms")
    assert 0.6 < time.monotonic() - began < 5
    assert len(done.stdout.splitlines()) > 5
    wait_for(
        lambda: connection.execute(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'velo'"
        ).fetchone()[0],
        "velo's sessions to end",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(start, connection, number):
    process = start("sql", "-o", "csv", LIVE)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert re.fullmatch(r"\([\d,]+ rows? in [\d.]+ s(, [\d.,]+ rows/s)?\)\n", err.decode()), err
    assert all(line.count(",") == 1 for line in out.decode().splitlines())
    wait_for(
        lambda: connection.execute(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'velo'"
        ).fetchone()[0],
        "velo's session to end",
    )


def test_the_reader_leaves(start, program, environment):
    done = subprocess.run(
        ["bash", "-c", f"'{program}' sql -o csv '{LIVE}' | head -3; echo ${{PIPESTATUS[0]}}"],
        env=environment, capture_output=True, text=True, timeout=20,
    )
    assert done.stdout.splitlines()[0] == "id,city"
    assert done.stdout.splitlines()[3] == str(128 + signal.SIGPIPE)
    assert done.stderr == ""


def test_the_reader_leaves_a_silent_query(start):
    process = start("sql", "SELECT * FROM rides WHERE zone = 'never' EMIT CHANGES")
    time.sleep(0.3)
    process.stdout.close()
    assert process.wait(10) == -signal.SIGPIPE
    process.stdout = None


def test_the_server_goes(start, connection):
    process = start("sql", "-o", "json", LIVE)
    process.stdout.readline()
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'velo'"
    )
    _, err = process.communicate(timeout=10)
    assert process.returncode == 7
    assert json.loads(err)["error"]["code"] in ("57P01", "08006")


@pytest.mark.parametrize("text", ["SELECT 1", LIVE])
def test_a_full_disk_is_an_error(program, environment, text):
    with open("/dev/full", "w") as full:
        done = subprocess.run([program, "sql", text], stdout=full, stderr=subprocess.PIPE,
                              env=environment, text=True, timeout=20)
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_the_session_is_called_velo(velo):
    done = velo("sql", "-o", "json", "SELECT current_setting('application_name') AS a, "
                "current_setting('velo.live_rows') AS b")
    assert json.loads(done.stdout) == {"a": "velo", "b": "result"}


@pytest.mark.parametrize("delay", [0, 0.005, 0.01, 0.02, 0.04])
def test_a_signal_at_any_moment_ends_it_soon(start, delay):
    """Also one that comes before the query has begun, when a cancel is lost."""
    process = start("sql", "SELECT * FROM rides WHERE zone = 'never' EMIT CHANGES")
    time.sleep(delay)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (130, -signal.SIGINT)  # the latter before anything began
    assert time.monotonic() - began < 3
