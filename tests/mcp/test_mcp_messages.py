"""What is said on the wire, message by message: envelopes, headers, revisions."""

import base64
import json

import pytest
from mcplib import LEGACY, META, MODERN, call, headers_for, initialize, message, meta

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta()}}


def without(body, *path):
    body = json.loads(json.dumps(body))
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


# --- envelopes ----------------------------------------------------------------------------

MALFORMED = [
    ("nothing", "", -32700),
    ("no JSON", "nonsense", -32700),
    ("cut", '{"jsonrpc": "2.0", "id": 1, "meth', -32700),
    ("two messages", '{"jsonrpc":"2.0","id":1,"method":"ping"} {}', -32700),
    ("a key twice", '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', -32700),
    ("a zero byte in a text", '{"jsonrpc":"2.0","id":"\\u0000","method":"ping"}', -32700),
    ("too deep", "[" * 5000, -32700),
    ("a number", "5", -32600),
    ("an empty object", "{}", -32600),
    ("no version", '{"id":1,"method":"ping"}', -32600),
    ("another version", '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
    ("no method", '{"jsonrpc":"2.0","id":1}', -32600),
    ("a method that is a number", '{"jsonrpc":"2.0","id":1,"method":7}', -32600),
    ("an id that is null", '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
    ("an id that is a list", '{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
    ("an id with a fraction", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
    ("params that are a list", '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602),
    ("_meta that is a text", '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":""}}', -32602),
]


@pytest.mark.parametrize("text, code", [m[1:] for m in MALFORMED], ids=[m[0] for m in MALFORMED])
def test_malformed_over_http(http, text, code):
    status, headers, body = http.raw(text)
    assert (status, headers.get_content_type()) == (400, "application/json")
    answer = json.loads(body)
    assert answer["error"]["code"] == code and answer["error"]["message"]
    assert "result" not in answer


@pytest.mark.parametrize(
    "text, code", [m[1:] for m in MALFORMED if m[1]], ids=[m[0] for m in MALFORMED if m[1]]
)
def test_malformed_over_stdio(stdio, text, code):
    stdio.write(text)
    assert stdio.receive()["error"]["code"] == code
    # and it goes on
    stdio.write(json.dumps(PING))
    assert stdio.receive() == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_bytes_that_are_no_utf8(http):
    status, _, body = http.raw(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}')
    assert (status, json.loads(body)["error"]["code"]) == (400, -32700)


def test_too_long_a_message(http, stdio):
    text = json.dumps({**PING, "params": {"x": "y" * (1024 * 1024)}})
    status, _, _ = http.raw(text)
    assert status == 413
    stdio.write(text)
    assert stdio.receive()["error"]["code"] == -32600
    stdio.write(json.dumps(PING))
    assert stdio.receive()["result"] == {}


@pytest.mark.parametrize("identifier", [0, -7, 2**53, "", "a", "ü"])
def test_an_id_comes_back(server, identifier):
    answer = json.loads(
        server.raw(json.dumps({**PING, "id": identifier}))[2]
        if hasattr(server, "raw")
        else json.dumps(server.send({**PING, "id": identifier}))
    )
    assert answer == {"jsonrpc": "2.0", "id": identifier, "result": {}}


@pytest.mark.parametrize("name", ["initialized", "cancelled", "roots/list_changed", "unheard_of"])
def test_a_notification_gets_202_without_a_body(http, name):
    text = json.dumps({"jsonrpc": "2.0", "method": f"notifications/{name}"})
    status, _, body = http.raw(text)
    assert (status, body) == (202, "")


def test_a_notification_gets_no_line(stdio):
    stdio.write('{"jsonrpc": "2.0", "method": "notifications/unheard_of"}')
    stdio.write("")
    stdio.write(json.dumps(PING))
    assert stdio.receive()["id"] == 1


def test_a_request_without_an_id_is_not_run(http, db):
    http.raw(json.dumps(without(message("tools/call", call("list_streams"), LEGACY[2]), "id")))
    status, _, body = http.raw(json.dumps({"jsonrpc": "2.0", "method": "tools/list"}))
    assert (status, body) == (202, "")


# --- batches ------------------------------------------------------------------------------


def batch(*methods):
    return json.dumps(
        [{"jsonrpc": "2.0", "id": n, "method": method} for n, method in enumerate(methods)]
        + [{"jsonrpc": "2.0", "method": "notifications/initialized"}]
    )


@pytest.mark.parametrize("headers", [{}, {"MCP-Protocol-Version": "2025-03-26"}])
def test_a_batch_of_the_oldest_revision(http, headers):
    status, _, body = http.raw(batch("ping", "nonsense", "tools/list"), headers)
    answers = json.loads(body)
    assert status == 200
    assert [a["id"] for a in answers] == [0, 1, 2]
    assert answers[0]["result"] == {} and answers[1]["error"]["code"] == -32601
    assert answers[2]["result"]["tools"]


@pytest.mark.parametrize("revision", LEGACY[1:] + [MODERN])
def test_later_revisions_have_no_batch(http, revision):
    status, _, body = http.raw(batch("ping"), {"MCP-Protocol-Version": revision})
    assert (status, json.loads(body)["error"]["code"]) == (400, -32600)


def test_bounds_of_a_batch(http):
    assert http.raw("[]")[0] == 400
    assert http.raw(batch(*["ping"] * 20))[0] == 400
    status, _, body = http.raw('[{"jsonrpc":"2.0","method":"notifications/initialized"}]')
    assert (status, body) == (202, "")
    _, _, body = http.raw(
        json.dumps([message("initialize", initialize("2025-03-26"), "2025-03-26")])
    )
    assert json.loads(body)[0]["error"]["code"] == -32600


def test_batches_over_stdio_follow_the_agreement(stdio):
    stdio.hello("2025-03-26")
    stdio.write(batch("ping"))
    assert [a["result"] for a in stdio.receive()] == [{}]
    stdio.hello("2025-06-18")
    stdio.write(batch("ping"))
    assert stdio.receive()["error"]["code"] == -32600


# --- opening, in the older revisions ----------------------------------------------------------


@pytest.mark.parametrize(
    "asked, agreed",
    [(r, r) for r in LEGACY]
    + [(MODERN, LEGACY[-1]), ("2024-11-05", LEGACY[-1]), ("x", LEGACY[-1])],
)
def test_initialize(http, stdio, asked, agreed):
    for server in (http, stdio):
        result = server.ask("initialize", initialize(asked), LEGACY[-1])["result"]
        assert result["protocolVersion"] == agreed
        assert result["serverInfo"]["name"] == "velostream"
        assert set(result["capabilities"]) == {
            "tools",
            "resources",
            "prompts",
            "completions",
            "logging",
        }
        assert "resultType" not in result


def test_initialize_mints_no_session(http):
    _, headers, _ = http.raw(json.dumps(message("initialize", initialize(LEGACY[-1]), LEGACY[-1])))
    assert "Mcp-Session-Id" not in headers


@pytest.mark.parametrize("revision", LEGACY)
def test_older_revisions_have_no_result_type(http, revision):
    result = http.ask("tools/list", None, revision)["result"]
    assert set(result) == {"tools"}


def test_stdio_wants_to_know_the_revision(stdio):
    answer = stdio.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answer["error"]["code"] == -32602 and "protocolVersion" in answer["error"]["message"]
    stdio.hello("2025-11-25")
    answer = stdio.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answer["result"]["tools"]


@pytest.mark.parametrize("level, fits", [("debug", True), ("emergency", True), ("loud", False)])
def test_log_level_of_older_revisions(http, level, fits):
    answer = http.ask("logging/setLevel", {"level": level}, "2025-11-25")
    assert answer.get("result") == {} if fits else answer["error"]["code"] == -32602


# --- the modern revision --------------------------------------------------------------------


def test_discover(server):
    result = server.ask("server/discover")["result"]
    assert result["supportedVersions"] == [MODERN] + LEGACY[::-1]
    assert result["resultType"] == "complete"
    assert result["_meta"][META + "serverInfo"]["name"] == "velostream"
    assert set(result["capabilities"]) == {"tools", "resources", "prompts", "completions"}
    assert result["cacheScope"] == "private" and result["ttlMs"] >= 0


@pytest.mark.parametrize("method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list"])
def test_lists_may_be_kept(server, method):
    result = server.ask(method)["result"]
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert isinstance(result["ttlMs"], int) and result["ttlMs"] > 0


@pytest.mark.parametrize("key", ["protocolVersion", "clientCapabilities"])
def test_meta_must_be_whole(http, key):
    body = without(LIST, "params", "_meta", META + key)
    status, answer = http.send(body)
    assert (status, answer["error"]["code"], answer["id"]) == (400, -32602, 1)
    assert key in answer["error"]["message"]


def test_no_meta_at_all(http):
    status, answer = http.send(without(LIST, "params", "_meta"))
    assert (status, answer["error"]["code"]) == (400, -32602)


def test_client_info_is_optional(server):
    assert server.ask("tools/list")["result"]["tools"]


@pytest.mark.parametrize("where", ["both", "header"])
def test_unsupported_revision(http, where):
    body = {**LIST, "params": {"_meta": meta("1999-12-31")}}
    if where == "header":
        body = PING
    status, _, text = http.raw(
        json.dumps(body), {"MCP-Protocol-Version": "1999-12-31", "Mcp-Method": "tools/list"}
    )
    error = json.loads(text)["error"]
    assert (status, error["code"]) == (400, -32022)
    assert error["data"] == {"supported": [MODERN] + LEGACY[::-1], "requested": "1999-12-31"}


def test_unsupported_revision_over_stdio(stdio):
    answer = stdio.send({**LIST, "params": {"_meta": meta("1999-12-31")}})
    assert answer["error"]["code"] == -32022


MISMATCHES = [
    ({"MCP-Protocol-Version": None}, "MCP-Protocol-Version"),
    ({"MCP-Protocol-Version": "2025-11-25"}, "MCP-Protocol-Version"),
    ({"Mcp-Method": None}, "Mcp-Method"),
    ({"Mcp-Method": "tools/list"}, "Mcp-Method"),
    ({"Mcp-Method": "TOOLS/CALL"}, "Mcp-Method"),
    ({"Mcp-Name": None}, "Mcp-Name"),
    ({"Mcp-Name": "validate_sql"}, "Mcp-Name"),
    ({"Mcp-Name": "LIST_STREAMS"}, "Mcp-Name"),
    ({"Mcp-Name": "=?base64?bGlzdF9zdHJlYW1z"}, "Mcp-Name"),
    ({"Mcp-Name": "=?base64?bGlzdF9zdHJlYW1?="}, "Mcp-Name"),
    ({"Mcp-Name": "=?base64?bGlz!F9zdHJlYW1z?="}, "Mcp-Name"),
    ({"Mcp-Name": "=?base64?bGlzdF9zdHJlYW1zAA==?="}, "Mcp-Name"),
]


@pytest.mark.parametrize("change, header", MISMATCHES)
def test_header_mismatch(http, change, header):
    body = message("tools/call", call("list_streams"))
    status, answer = http.send(body, headers=change)
    assert (status, answer["error"]["code"], answer["id"]) == (400, -32020, body["id"])
    assert header in answer["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"Mcp-Name": "  list_streams \t"},
        {"Mcp-Name": "=?base64?" + base64.b64encode(b"list_streams").decode() + "?="},
        {"Mcp-Method": None, "mcp-method": "tools/call"},
        {"Mcp-Session-Id": "old", "Last-Event-ID": "7"},
    ],
)
def test_header_match(http, change):
    status, answer = http.send(message("tools/call", call("list_streams")), headers=change)
    assert status == 200 and not answer["result"]["isError"]


def test_a_header_that_comes_twice(http):
    import http.client as client

    body = json.dumps(message("tools/call", call("list_streams")))
    connection = client.HTTPConnection("127.0.0.1", http.port, timeout=20)
    connection.putrequest("POST", "/mcp")
    headers = list(headers_for(json.loads(body), MODERN).items())
    for name, value in headers + [("Mcp-Name", "query_stream"), ("Content-Type", "application/json")]:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode())
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read())["error"]["code"] == -32020


@pytest.mark.parametrize(
    "method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such", "tools/List"]
)
def test_unknown_methods(http, stdio, method):
    status, answer = http.send(message(method))
    assert (status, answer["error"]["code"]) == (404, -32601)
    assert stdio.ask(method)["error"]["code"] == -32601


def test_unknown_method_of_an_older_revision(http):
    status, answer = http.send(message("server/discover", None, "2025-11-25"), "2025-11-25")
    assert (status, answer["error"]["code"]) == (200, -32601)


def test_both_generations_in_one_process(stdio):
    stdio.hello("2025-11-25")
    assert "resultType" in stdio.ask("tools/list")["result"]
    assert "resultType" not in stdio.ask("tools/list", None, "2025-11-25")["result"]


# --- HTTP -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_of_http(http, method):
    status, headers, _ = http.raw(None, method=method)
    assert (status, headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_only_json_is_read(http, kind):
    assert http.raw(json.dumps(PING), {"Content-Type": kind})[0] == 415


def test_content_type_with_a_charset(http):
    assert http.raw(json.dumps(PING), {"Content-Type": "application/json; charset=utf-8"})[0] == 200


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://localhost:{port}", "Host": "localhost:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
    ],
)
def test_other_names_and_origins(http, headers, status):
    """A page whose name was bound to our address (DNS rebinding) is not served."""
    headers = {name: value.format(port=http.port) for name, value in headers.items()}
    answered = http.raw(json.dumps(PING), headers)[0]
    assert answered == 200 if status == 200 else 400 <= answered < 500
