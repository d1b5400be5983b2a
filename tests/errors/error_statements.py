"""Reading statements.txt, and the doors through which its statements go.

A door takes a text and answers with what it said: a list of Diagnostic, each with
the place in the text.  The doors differ in how they tell a place (a row's columns, a
position in the client's statement, a caret); here all become line and column of the
text, both from 1, the column in characters.
"""

import re
import subprocess
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path

TABLE = Path(__file__).with_name("statements.txt")

# The text stands between these in the client's own statement.
BEFORE = "DO LANGUAGE velo $velo$"
AFTER = "$velo$"

ESCAPES = {"t": "\t", "r": "\r", "\\": "\\"}


@dataclass(frozen=True)
class Diagnostic:
    severity: str
    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass
class Case:
    name: str
    setup: str
    role: str  # "" for the superuser
    text: str
    expected: list[Diagnostic] = field(default_factory=list)
    # What stands in the text at each expected place: a check of the table itself.
    words: list[str] = field(default_factory=list)

    # Where doors that carry statements out stop: its place among the expected.
    stops_at: int = 1

    def preparation(self) -> str:
        """What makes the case's names and role the current ones, in a transaction."""
        role = f"SET LOCAL ROLE {self.role};" if self.role else ""
        return f"SET LOCAL search_path = {self.setup}; {role}"

    def expected_by_run(self, said: int) -> list[Diagnostic]:
        """
        What doors say that carry the text out, which end with an error.  Before it come
        warnings, in the order of the work and not of the text; how many is theirs.
        """
        errors = [d for d in self.expected if d.severity == "ERROR"]
        warnings = [d for d in self.expected if d.severity != "ERROR"]
        if not errors:
            return warnings
        return [*warnings[: said - 1], errors[self.stops_at - 1]]


# ---------------------------------------------------------------- the table


def unescape(text: str) -> str:
    return re.sub(r"\\([tr\\])", lambda m: ESCAPES[m[1]], text)


def read_expected(lines: list[str]) -> tuple[list[Diagnostic], list[str]]:
    found: list[Diagnostic] = []
    words: list[str] = []
    for line in lines:
        head = re.fullmatch(r"(ERROR|WARNING|INFO) (\w{5}) (\d+):(\d+) (.+)", line)
        if head:
            found.append(
                Diagnostic(head[1], head[2], "", None, None, int(head[3]), int(head[4]))
            )
            words.append(unescape(head[5]))
        elif line.startswith("DETAIL: "):
            found[-1] = replace(found[-1], detail=unescape(line[8:]))
        elif line.startswith("HINT: "):
            found[-1] = replace(found[-1], hint=unescape(line[6:]))
        elif line:
            assert found[-1].message == "", f"a second message: {line}"
            found[-1] = replace(found[-1], message=unescape(line))
    return found, words


def read_table(path: Path) -> tuple[dict[str, str], list[Case]]:
    """The set-ups by name, and the cases; the format is told at the file's top."""
    setups: dict[str, str] = {}
    cases: list[Case] = []
    content = path.read_text(encoding="utf-8")
    for block in re.split(r"^(?==== |\+\+\+ )", content, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        name = title[4:].strip()
        if title.startswith("+++"):
            setups[name] = body
            continue
        text, _, expected = body.partition("\n---\n")
        options = {"set-up": "streams", "as": "", "stops at": "1"}
        while option := re.match(r"(set-up|as|stops at): (.*)\n", text):
            options[option[1]] = option[2]
            text = text[option.end() :]
        case = Case(name, options["set-up"], options["as"], unescape(text))
        case.stops_at = int(options["stops at"])
        case.expected, case.words = read_expected(expected.split("\n"))
        cases.append(case)
    return setups, cases


# ---------------------------------------------------------------- places


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a character, both and the position from 1."""
    before = text[: position - 1]
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1]) + 1


def text_at(text: str, line: int, column: int) -> str:
    return re.split(r"\r\n|\r|\n", text)[line - 1][column - 1 :]


def in_text(text: str, position: int | None) -> tuple[int | None, int | None]:
    """The place of a position in the client's statement."""
    if position is None:
        return None, None
    return place(text, position - len(BEFORE))


def of_diag(diag, text: str, *, internal: bool = False) -> Diagnostic:
    """What a driver got, as our own kind of record."""
    if internal:
        # A position in another text than the one that was given is none.
        position = diag.internal_position if diag.internal_query == text else None
        at = place(text, int(position)) if position is not None else (None, None)
    else:
        position = diag.statement_position
        at = in_text(text, int(position) if position is not None else None)
    return Diagnostic(
        {"NOTICE": "INFO"}.get(diag.severity_nonlocalized, diag.severity_nonlocalized),
        diag.sqlstate,
        diag.message_primary,
        diag.message_detail,
        diag.message_hint,
        *at,
    )


# ---------------------------------------------------------------- psql


def display_width(text: str) -> int:
    """Columns of a terminal, as psql counts them."""
    width = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Me", "Cf"):
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width


@dataclass
class Shown:
    """One report as psql shows it with VERBOSITY verbose."""

    severity: str
    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    line: int | None = None
    before: str | None = None  # of the line: what stands left of the caret
    behind: str | None = None


FIELD = re.compile(r"^(DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):  ")


def read_psql(output: str) -> list[Shown]:
    """All reports in what psql wrote to its standard error."""
    reports: list[Shown] = []
    lines = output.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        head = re.match(r"(ERROR|WARNING|NOTICE):  (\w{5}): (.*)$", line)
        if head:
            reports.append(Shown({"NOTICE": "INFO"}.get(head[1], head[1]), head[2], head[3]))
        elif not reports:
            continue
        elif line.startswith("LINE "):
            match = re.match(r"LINE (\d+): (.*)$", line)
            assert match and number < len(lines)
            caret = lines[number]
            assert re.fullmatch(r" *\^", caret), f"no caret under: {line!r}, but {caret!r}"
            number += 1
            excerpt = match[2]
            width = len(caret) - 1 - display_width(line[: match.start(2)])
            at = 0
            while at < len(excerpt) and display_width(excerpt[:at]) < width:
                at += 1
            reports[-1].line = int(match[1])
            reports[-1].before, reports[-1].behind = excerpt[:at], excerpt[at:]
        elif line.startswith("DETAIL:  "):
            reports[-1].detail = line[9:]
        elif line.startswith("HINT:  "):
            reports[-1].hint = line[7:]
        elif FIELD.match(line):
            continue
    # Success is reported as a notice too; it is about no place.
    return [report for report in reports if report.sqlstate != "00000" or report.line]


def run_psql(dsn: str, cases: list[tuple[str, str]]) -> list[list[Shown]]:
    """Sends all (preparation, text) through one psql; what it said about each text."""
    # A statement that is not refused as expected may be an endless query.
    script = ["\\set VERBOSITY verbose", "\\set SHOW_CONTEXT never", "SET statement_timeout = '5s';"]
    for preparation, text in cases:
        script += ["BEGIN;", preparation, "\\warn ===", BEFORE + text + AFTER + ";"]
        script += ["\\warn ---", "ROLLBACK;"]
    result = subprocess.run(
        ["psql", "-X", "-q", "-d", dsn],
        input="\n".join(script).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    # psql's own lines end with a line feed only; a text's carriage returns stay.
    output = result.stderr.decode()
    return [read_psql(part) for part in re.findall(r"^===\n(.*?)^---\n", output, re.DOTALL | re.MULTILINE)]
