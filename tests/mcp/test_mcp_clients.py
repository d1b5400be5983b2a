"""The official clients, of both languages and generations, over both transports."""

import json
import os
import pathlib
import shutil
import subprocess

import mcplib
import pytest
from mcplib import MODERN

HERE = pathlib.Path(__file__).parent

PLAN = {
    "calls": [
        ["list_streams", {}],
        ["describe_stream", {"name": "public.rides"}],
        ["query_stream", {"sql": "SELECT zone, fare FROM rides LIMIT 1", "max_rows": 1}],
        ["validate_sql", {"sql": "SELECT zone FROM rides"}],
        ["query_stream", {"sql": "SELECT\n  nope FROM rides"}],
    ],
    "reads": ["streams://public.rides"],
    "prompts": [["write_query", {"task": "count"}]],
}

# Which client, by what, what it is told to speak, what it then speaks.
CLIENTS = [
    ("python-1", "http", None, "2025-11-25"),
    ("python-1", "stdio", None, "2025-11-25"),
    ("python-2", "http", "legacy", "2025-11-25"),
    ("python-2", "http", MODERN, MODERN),
    ("python-2", "stdio", "legacy", "2025-11-25"),
    ("python-2", "stdio", "auto", MODERN),
    ("typescript-1", "http", None, "2025-11-25"),
    ("typescript-1", "stdio", None, "2025-11-25"),
    ("typescript-2", "http", "legacy", "2025-11-25"),
    ("typescript-2", "http", "auto", MODERN),
    ("typescript-2", "http", MODERN, MODERN),
    ("typescript-2", "stdio", "legacy", "2025-11-25"),
    ("typescript-2", "stdio", "auto", MODERN),
    ("typescript-2", "stdio", MODERN, MODERN),
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The TypeScript clients' scripts, beside what they import."""
    folder = tmp_path_factory.mktemp("ts")
    for script in (HERE / "ts").glob("*.mjs"):
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(mcplib.clients() / "ts/node_modules")
    return folder


def command(client, scripts):
    language, generation = client.split("-")
    if language == "python":
        python = mcplib.clients() / client / "bin/python"
        return [str(python), str(HERE / f"clients/python_{generation}.py")]
    return [str(mcplib.clients() / "node/node"), str(scripts / f"client-{generation}.mjs")]


@pytest.mark.parametrize("client, transport, mode, revision", CLIENTS)
def test_an_official_client(request, scripts, dbname, client, transport, mode, revision):
    if transport == "http":
        server = [request.getfixturevalue("http").url]
    else:
        server = [mcplib.program("velo"), "mcp"]
    environment = {**os.environ, "PGDATABASE": dbname}
    if mode:
        environment["MCP_MODE"] = mode
    done = subprocess.run(
        [*command(client, scripts), *server],
        input=json.dumps(PLAN).encode(),
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["revision"] == revision
    assert [t["name"] for t in seen["tools"]] == sorted({call[0] for call in PLAN["calls"]})
    listed, described, rows, checked, failed = seen["calls"]
    assert listed["structuredContent"]["streams"][0]["sql_name"] == "public.rides"
    assert described["structuredContent"]["columns"][0]["name"] == "zone"
    assert rows["structuredContent"]["rows"] == [{"zone": "Mitte", "fare": 7.5}]
    assert json.loads(rows["content"][0]["text"]) == rows["structuredContent"]
    assert checked["structuredContent"]["diagnostics"] == []
    assert failed["isError"] and failed["structuredContent"]["error"]["line"] == 2
    assert [r["uri"] for r in seen["resources"]] == ["streams://public.rides"]
    assert [t["uriTemplate"] for t in seen["templates"]] == ["streams://{name}"]
    assert json.loads(seen["reads"][0]["contents"][0]["text"])["name"] == "rides"
    assert {p["name"] for p in seen["prompts"]} == {"write_query", "mend_query"}
    assert "count" in seen["got"][0]["messages"][0]["content"]["text"]
