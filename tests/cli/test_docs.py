"""The examples in docs/cli, run: what a page shows is what comes.

A "sh norun" block (tests/docs/run_docs has no velo) that a text block follows is run by
bash, page by page in one folder, and must print that; … stands for anything.
"""

import importlib.machinery
import importlib.util
import re
import subprocess

import pytest

from velo_helpers import ROOT

PAGES = sorted(path.name for path in (ROOT / "docs/cli").glob("*.md"))


def load_run_docs():
    loader = importlib.machinery.SourceFileLoader("run_docs", str(ROOT / "tests/docs/run_docs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_docs", loader))
    loader.exec_module(module)
    return module


def examples(page, run_docs):
    """Pairs of a sh block and the text directly after it."""
    blocks = run_docs.read_blocks(ROOT / "docs/cli" / page)
    lines = (ROOT / "docs/cli" / page).read_text().splitlines()
    for block, after in zip(blocks, blocks[1:]):
        between = "".join(lines[block.end + 1 : after.start - 1]).strip()
        if block.kind == "sh norun" and after.kind == "text norun" and not between:
            yield block, after


@pytest.mark.parametrize("page", [page for page in PAGES if page != "mcp.md"])
def test_examples(page, environment, tmp_path, connection):
    run_docs = load_run_docs()
    for block, wanted in examples(page, run_docs):
        done = subprocess.run(
            ["bash", "-uo", "pipefail", "-c", block.body], cwd=tmp_path, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=40,
        )
        got = run_docs.clean(done.stdout)
        assert run_docs.matches(run_docs.clean(wanted.body), got), (
            f"docs/cli/{page}:{block.line}\n" + done.stdout)


def test_pages_have_examples():
    run_docs = load_run_docs()
    for page in PAGES:
        text = (ROOT / "docs/cli" / page).read_text()
        assert page == "exit-codes.md" or re.search(r"^```sh norun$", text, re.M), page
    assert len([1 for page in PAGES for _ in examples(page, run_docs)]) >= 15
