"""velo on a terminal: the status line, Ctrl-C, colours, widths, --watch, questions."""

import re
import time

from velo_helpers import PASSWORD, USER

LIVE = "SELECT * FROM made EMIT CHANGES"
STATUS = re.compile(r"[\d,]+ rows? · [\d,]+ rows/s · up to date.* · Ctrl-C stops")
CTRL_C = "\x03"


def test_rows_with_a_status_line_until_ctrl_c(terminal):
    one = terminal("sql", "SELECT id FROM made EMIT CHANGES", columns=100)
    one.wait_for(STATUS)
    one.type(CTRL_C)
    assert one.end() == 130
    lines = [line.rstrip() for line in one.screen]
    # The terminal itself shows ^C; the status line has left no trace.
    assert not any("Ctrl-C stops" in line for line in lines), one.screen
    assert re.search(r"\(\d+ rows in [\d.]+ s, \d+ rows/s\)$", lines[-2]), lines
    ids = [int(line) for line in lines if re.fullmatch(r" +\d+", line)]
    assert ids == sorted(ids) and len(ids) > 30


def test_the_status_line_fits_a_narrow_terminal(terminal):
    one = terminal("sql", "SELECT id FROM made EMIT CHANGES", columns=20)
    one.wait_for("rows · ")
    one.type(CTRL_C)
    assert one.end() == 130
    drawn = re.findall(r"\r\x1b\[K\x1b\[2m([^(\x1b][^\x1b]*)", one.raw)
    assert drawn and all(len(line) < 20 for line in drawn)


def test_a_silent_query_says_that_it_is_up_to_date(terminal):
    one = terminal("sql", "SELECT * FROM rides WHERE zone = 'never' EMIT CHANGES")
    one.wait_for(re.compile("0 rows.*up to date"))
    one.type(CTRL_C)
    assert one.end() == 130
    assert "(0 rows in" in one.screen[-2]


def test_quiet_has_no_status_line(terminal):
    one = terminal("sql", "-q", LIVE, "--for", "1s")
    assert one.end() == 0
    assert "rows" not in one.raw


def test_a_short_query_draws_nothing(terminal):
    one = terminal("sql", "SELECT 1 AS a", env={"NO_COLOR": "1"})
    assert one.end() == 0
    assert "\x1b" not in one.raw
    assert one.screen[:3] == [" a", "--", " 1"]
    assert re.match(r"\(1 row in [\d.]+ s\)", one.screen[3])


def test_a_statement_without_rows(terminal):
    one = terminal("sql", "CREATE TEMP TABLE nothing (a int)")
    assert one.end() == 0
    assert re.match(r"\(done in [\d.]+ s\)", one.screen[0])


def test_the_header_comes_again_after_a_screen(terminal):
    one = terminal("sql", "SELECT id FROM made EMIT CHANGES", "--limit", "40", rows=15)
    assert one.end() == 0
    lines = [line.strip() for line in one.screen]
    headers = [number for number, line in enumerate(lines) if line == "id"]
    assert len(headers) >= 3 and all(b - a == 14 for a, b in zip(headers, headers[1:])), lines


def test_long_values_are_cut_to_the_terminal(terminal):
    one = terminal("sql", "SELECT repeat('x', 200) AS long, 'short' AS short", columns=60)
    assert one.end() == 0
    lines = one.screen[:3]
    assert lines[2].endswith("x… | short") and max(map(len, lines)) <= 60


def test_colours_only_where_they_are_wanted(terminal, velo):
    for words, env, coloured in (
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
    ):
        one = terminal("sql", *words, "SELECT nix FROM rides EMIT CHANGES", env=env)
        assert one.end() == 8
        assert ("\x1b[" in one.raw) == coloured, (words, env)
        assert one.screen[0] == 'error[42703]: column "nix" does not exist'
    assert "\x1b" not in velo("sql", "SELECT nix FROM rides EMIT CHANGES", code=8).stderr


def test_watching_draws_over_itself(terminal, connection):
    one = terminal("job", "list", "--watch", "--every", "200ms", columns=120)
    one.wait_for("takings")
    one.wait_for(re.compile(r"(\x1b\[2J.*){3}", re.S))
    one.type(CTRL_C)
    assert one.end() == 130
    text = "\n".join(one.screen)
    assert text.count("takings") == 2  # the job and its target, once
    assert text.startswith("every 0.2 s")


def test_ctrl_c_ends_a_wait(terminal):
    one = terminal("job", "stop", "takings", "--wait", "10s", "--force")
    assert one.end() == 0
    one = terminal("job", "start", "takings", "--wait", "10s")
    assert one.end() == 0
    assert one.screen[0] == "takings: running"


def test_a_second_ctrl_c_always_ends_it(terminal):
    one = terminal("sql", "SELECT pg_sleep(60)")
    time.sleep(0.3)
    one.type(CTRL_C)
    assert one.end() == 130
    assert one.process.returncode == 130


def test_reset_asks(terminal, connection):
    connection.execute("SELECT velo.job_start('asked', 'SELECT zone FROM rides')")
    assert terminal("job", "stop", "asked", "--wait", "10s").end() == 0
    for answer, said, code in (("n\r", "Nothing was done", 1), ("\r", "Nothing was done", 1),
                               (CTRL_C, "Nothing was done", 130), ("y\r", "asked: stopped", 0)):
        one = terminal("job", "reset", "asked", "--to", "earliest")
        one.wait_for('Discard the state and the output of job "asked"? [y/N] ')
        one.type(answer)
        assert one.end() == code, one.raw
        assert said in one.raw


def test_a_password_is_asked_for_and_not_shown(terminal, password_server):
    for password, code in ((PASSWORD, 0), ("wrong", 5)):
        one = terminal("sql", "-o", "csv", "SELECT current_user AS u", env=password_server)
        one.wait_for(f"Password for user {USER}: ")
        one.type(password + "\r")
        assert one.end() == code, one.raw
        assert password not in one.raw
        assert (USER + "\r\n" in one.raw.replace("Password for user", "")) == (code == 0)


def test_ctrl_c_at_the_password(terminal, password_server):
    one = terminal("sql", "SELECT 1", env=password_server)
    one.wait_for("Password for user")
    one.type(CTRL_C)
    assert one.end() == 130
