"""The official conformance suite, for the requirements of both generations.

What it must not pass yet is in conformance/<revision>.yml: it fails if one of these
scenarios passes, so that the list stays true, and if any other fails.  Its score is
printed (pytest -s); docs/mcp/conformance.md says why the rest does not pass.
"""

import pathlib
import re
import subprocess

import mcplib
import pytest

HERE = pathlib.Path(__file__).parent


def requirements(file):
    """Names below "server:" in the suite's own list."""
    part = file.read_text(encoding="utf-8").partition("\nserver:\n")[2]
    return re.findall(r"^  - ([\w-]+)$", part.partition("\nclient:")[0], re.M)


@pytest.mark.parametrize("revision, least", [("2025-11-25", 23), ("2026-07-28", 37)])
def test_conformance(fixture_http, revision, least, capsys):
    suite = mcplib.clients() / "ts/node_modules/@modelcontextprotocol/conformance/dist/index.js"
    done = subprocess.run(
        [
            str(mcplib.clients() / "node/node"),
            str(suite),
            "server",
            "--url",
            fixture_http.url,
            "--requirements",
            revision,
            "--expected-failures",
            str(HERE / f"conformance/{revision}.yml"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    # A scenario without a passed check was skipped or warned only.
    lines = re.findall(r"^([^\w\s]) ([\w-]+): (\d+) passed", summary, re.M)
    results = {name: mark == "✓" and int(count) > 0 for mark, name, count in lines}
    required = requirements(suite.parents[1] / f"requirements/{revision}.yaml")
    passed = [name for name in required if results.get(name)]
    with capsys.disabled():
        print(f"\nconformance {revision}: {len(passed)} of {len(required)} required scenarios")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert len(passed) >= least, summary
