"""velo validate: for people, editors and CI."""

import csv
import io
import json

TEXT = """CREATE STREAM clicks (page text) WITH ('retenton' = '1d');
SELECT pages FROM clicks EMIT CHANGES;
\tSELECT page FROM clicks EMIT CHANGE;
"""
SHOWN = """{0}:1:40: warning: property "retenton" is not known and has no effect [01000]
  |
1 | CREATE STREAM clicks (page text) WITH ('retenton' = '1d');
  |                                        ^
hint: Perhaps you meant "retention".
{0}:2:8: error: column "pages" does not exist [42703]
  |
2 | SELECT pages FROM clicks EMIT CHANGES;
  |        ^^^^^
hint: Perhaps you meant to reference the column "clicks.page".
{0}:3:31: error: syntax error at or near "CHANGE" [42601]
  |
3 |     SELECT page FROM clicks EMIT CHANGE;
  |                                  ^^^^^^
hint: Use EMIT CHANGES or EMIT FINAL.
"""


def test_diagnostics_of_a_file(velo, tmp_path):
    file = tmp_path / "clicks.sql"
    file.write_text(TEXT)
    done = velo("validate", "-f", str(file), code=8)
    assert done.stdout == SHOWN.format(file) and done.stderr == ""


def test_diagnostics_of_an_argument_and_of_stdin(velo):
    assert velo("validate", TEXT, code=8).stdout == SHOWN.format("text")
    assert velo("validate", "-", stdin=TEXT, code=8).stdout == SHOWN.format("stdin")
    assert velo("validate", stdin=TEXT, code=8).stdout == SHOWN.format("stdin")


def test_several_files_one_line_each(velo, tmp_path):
    files = [tmp_path / "a.sql", tmp_path / "b.sql"]
    files[0].write_text("SELECT 1;\n\nSELEC 2")
    files[1].write_text("SELECT zone FROM rides EMIT CHANGES;")
    done = velo("validate", "-q", "-f", str(files[0]), "-f", str(files[1]), code=8)
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"{files[0]}:3:1: error: ")


def test_programs_read_it(velo):
    found = [json.loads(line) for line in velo("validate", "-o", "json", TEXT, code=8).stdout.splitlines()]
    assert [(one["severity"], one["line"], one["column"], one["sqlstate"]) for one in found] == [
        ("WARNING", 1, 40, "01000"), ("ERROR", 2, 8, "42703"), ("ERROR", 3, 31, "42601")]
    assert found[0]["file"] == "text"
    read = list(csv.DictReader(io.StringIO(velo("validate", "-o", "csv", TEXT, code=8).stdout)))
    assert [row["column"] for row in read] == ["40", "8", "31"]


def test_what_is_right_is_silent(velo, connection):
    before = connection.execute("SELECT count(*) FROM velo.stream").fetchone()
    for output in "table", "json", "csv":
        done = velo("validate", "-o", output, "CREATE STREAM new (a int); SELECT a FROM new EMIT CHANGES")
        assert done.stdout + done.stderr == ""
    assert connection.execute("SELECT count(*) FROM velo.stream").fetchone() == before


def test_warnings_are_errors_when_strict(velo):
    text = "CREATE STREAM clicks (page text) WITH ('retenton' = '1d')"
    velo("validate", text)
    velo("validate", "--strict", text, code=8)


def test_parameters(velo):
    text = "CREATE STREAM clicks (page text) WITH ('retention' = '${KEEP:?}')"
    velo("validate", text, code=8)
    velo("validate", text, "--param", "KEEP=1d")
    velo("validate", text, "--param", "KEEP=soon", code=8)


def test_files_that_are_not_there(velo, tmp_path):
    assert "could not open" in velo("validate", "-f", str(tmp_path / "none"), code=3).stderr
    velo("validate", "-f", "x", "SELECT 1", code=2)
