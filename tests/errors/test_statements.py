"""Does every faulty statement say the same, at the same place, through every door?

The doors: velo.validate, DO LANGUAGE velo through a driver, the same through psql
(whose line and caret are read off its output), and velo.execute.  What they must say
stands in statements.txt.
"""

import psycopg
import pytest
from error_statements import (
    AFTER,
    BEFORE,
    TABLE,
    Diagnostic,
    of_diag,
    read_table,
    run_psql,
    text_at,
)

SETUPS, CASES = read_table(TABLE)


@pytest.fixture(params=CASES, ids=lambda case: case.name.replace(" ", "_"))
def case(request):
    return request.param


@pytest.fixture
def in_case(connection, case):
    """A transaction where the case's names are found; whatever happens, nothing stays."""
    connection.execute(case.preparation())
    # A statement that is not refused may be an endless query.
    connection.execute("SET LOCAL statement_timeout = '10s'")
    yield connection
    connection.rollback()


def said_by(connection, text, run, *, internal):
    """All that a door says: its notices, then its error."""
    said = []

    def listen(diag):
        diagnostic = of_diag(diag, text, internal=internal)
        # Success is reported as a notice too; it is about no place.
        if diagnostic.sqlstate != "00000" or diagnostic.line:
            said.append(diagnostic)

    connection.add_notice_handler(listen)
    try:
        run()
    except psycopg.Error as error:
        said.append(of_diag(error.diag, text, internal=internal))
    finally:
        connection.remove_notice_handler(listen)
    return said


def test_table_points_where_it_says(case):
    """Line and column in the table were not counted wrongly."""
    assert case.expected
    for diagnostic, word in zip(case.expected, case.words, strict=True):
        rest = text_at(case.text, diagnostic.line, diagnostic.column)
        assert rest == "" if word == "end" else rest.startswith(word)


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 40
    assert {case.setup for case in CASES} <= set(SETUPS)


@pytest.mark.parametrize("mode", ["read write", "read only"])
def test_validate_says_it(in_case, case, fingerprint, mode):
    if mode == "read only":
        in_case.execute("SET TRANSACTION READ ONLY")
    before = fingerprint(in_case)
    rows = in_case.execute(
        'SELECT severity, sqlstate, message, detail, hint, line, "column" FROM velo.validate(%s)',
        [case.text],
    )
    assert [Diagnostic(*row) for row in rows] == case.expected
    assert fingerprint(in_case) == before


def test_do_says_it(in_case, case):
    statement = (BEFORE + case.text + AFTER).encode()
    said = said_by(in_case, case.text, lambda: in_case.execute(statement), internal=False)
    assert said == case.expected_by_run(len(said))


def test_execute_says_it(in_case, case):
    said = said_by(
        in_case,
        case.text,
        lambda: in_case.execute("SELECT velo.execute(%s)", [case.text]),
        internal=True,
    )
    assert said == case.expected_by_run(len(said))


@pytest.fixture(scope="session")
def shown_by_psql(database):
    """All cases through one psql, by name."""
    texts = [(case.preparation(), case.text) for case in CASES]
    shown = run_psql(database, texts)
    assert len(shown) == len(CASES)
    return dict(zip([case.name for case in CASES], shown, strict=True))


def test_psql_shows_it(shown_by_psql, case):
    shown = shown_by_psql[case.name]
    expected = case.expected_by_run(len(shown))
    assert [(s.severity, s.sqlstate, s.message, s.detail, s.hint, s.line) for s in shown] == [
        (d.severity, d.sqlstate, d.message, d.detail, d.hint, d.line) for d in expected
    ]
    lines = (BEFORE + case.text + AFTER + ";").splitlines()
    for report, diagnostic in zip(shown, expected, strict=True):
        # Psql shows a tab as a blank, and cuts long lines on both sides.
        line = lines[diagnostic.line - 1].replace("\t", " ")
        at = diagnostic.column - 1 + (len(BEFORE) if diagnostic.line == 1 else 0)
        assert line[at:].startswith(report.behind.removesuffix("..."))
        assert line[:at].endswith(report.before.removeprefix("..."))
