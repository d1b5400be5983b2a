"""Tools, resources, prompts and completions, through both transports and generations."""

import json
import time

import mcplib
import psycopg
import pytest
from mcplib import MODERN, call, message, meta

TOOLS = ["describe_stream", "list_streams", "query_stream", "validate_sql"]


@pytest.fixture(params=["2025-11-25", MODERN])
def ask(request, server):
    """ask(method, params) -> result, in both generations."""
    if isinstance(server, mcplib.Stdio) and request.param != MODERN:
        server.hello(request.param)

    def ask(method, params=None):
        answer = server.ask(method, params, request.param)
        assert "error" not in answer, answer
        return answer["result"]

    ask.raw = lambda method, params=None: server.ask(method, params, request.param)
    ask.is_modern = request.param == MODERN
    return ask


def error_of(result):
    assert result["isError"] is True
    return result["structuredContent"]["error"]


# --- what there is ------------------------------------------------------------------------


def test_tools_are_listed_in_order_and_described(ask):
    tools = ask("tools/list")["tools"]
    assert [tool["name"] for tool in tools] == TOOLS
    for tool in tools:
        assert tool["title"] and tool["description"]
        assert tool["inputSchema"]["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["annotations"]["readOnlyHint"] is True
        # clients check a failed call by the same schema
        assert "error" in tool["outputSchema"]["properties"]
        assert {"required": ["error"]} in tool["outputSchema"]["anyOf"]
        assert "required" not in tool["outputSchema"]


def test_list_streams(ask):
    result = ask("tools/call", call("list_streams", pattern="rides"))
    (stream,) = result["structuredContent"]["streams"]
    assert stream["sql_name"] == "public.rides" and result["isError"] is False
    assert result["structuredContent"]["truncated"] is False
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


def test_describe_stream(ask):
    found = ask("tools/call", call("describe_stream", name="rides"))["structuredContent"]
    assert [c["name"] for c in found["columns"]][:2] == ["zone", "fare"]


def test_query_stream(ask):
    sql = "SELECT zone, fare FROM rides LIMIT 10"
    found = ask("tools/call", call("query_stream", sql=sql))["structuredContent"]
    assert found["rows"] == [{"zone": "Mitte", "fare": 7.5}, {"zone": "Zoo", "fare": 12}]
    assert found["row_count"] == 2 and found["complete"] is True


def test_validate_sql(ask):
    result = ask("tools/call", call("validate_sql", sql="SELECT nope FROM rides"))
    (diagnostic,) = [
        d for d in result["structuredContent"]["diagnostics"] if d["severity"] == "ERROR"
    ]
    assert (diagnostic["line"], diagnostic["column"]) == (1, 8)


def test_a_number_beyond_floating_point_arrives_whole(http):
    number = "12345678901234567890.12345678901234567890"
    body = message("tools/call", call("query_stream", sql=f"SELECT {number} AS n"))
    _, _, text = http.raw(json.dumps(body), mcplib.headers_for(body, MODERN))
    assert text.count(number) == 2  # as content and as structured content


# --- what goes wrong ------------------------------------------------------------------------


def test_an_error_says_where_and_how_to_mend_it(ask):
    result = ask("tools/call", call("query_stream", sql="SELECT zone,\n  fair FROM rides"))
    error = error_of(result)
    assert (error["code"], error["line"], error["column"]) == ("42703", 2, 3)
    assert "rides.fare" in error["hint"]
    text = result["content"][0]["text"]
    assert "42703" in text and "LINE: 2" in text and "rides.fare" in text


ARGUMENTS = [
    ({}, "sql"),
    ({"sql": 5}, "type string"),
    ({"sql": None}, "type string"),
    ({"sql": ""}, "at least 1"),
    ({"sql": "SELECT 1", "max_rows": "5"}, "type integer"),
    ({"sql": "SELECT 1", "max_rows": 1.5}, "type integer"),
    ({"sql": "SELECT 1", "max_rows": 0}, "at least 1"),
    ({"sql": "SELECT 1", "max_rows": 10**6}, "at most"),
    ({"sql": "SELECT 1", "params": []}, "type object"),
    ({"sql": "SELECT 1", "params": {"x": 1}}, "params.x"),
    ({"sql": "SELECT 1", "sqll": ""}, "sqll"),
]


@pytest.mark.parametrize("arguments, said", ARGUMENTS)
def test_arguments_are_checked(ask, arguments, said):
    error = error_of(ask("tools/call", {"name": "query_stream", "arguments": arguments}))
    assert error["code"] == "22023" and said in error["message"]


def test_an_unknown_argument_is_told_which_there_are(ask):
    error = error_of(ask("tools/call", call("list_streams", like="x")))
    assert '"pattern"' in error["detail"]


def test_an_integer_may_be_written_with_a_point(ask):
    result = ask("tools/call", call("query_stream", sql="SELECT 1 AS a", max_rows=5.0))
    assert result["isError"] is False


@pytest.mark.parametrize(
    "params",
    [{}, {"name": 5}, {"name": "no_such"}, {"name": "list_streams", "arguments": []}],
)
def test_wrong_calls_are_errors_of_the_protocol(ask, params):
    assert ask.raw("tools/call", params)["error"]["code"] == -32602


WRITES = """
CREATE OR REPLACE FUNCTION public.sneak() RETURNS int LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.sneaked VALUES (1); RETURN 1; END $$;
CREATE TABLE IF NOT EXISTS public.sneaked (a int);
"""


def test_reading_tools_cannot_write(ask, db):
    db.execute(WRITES)
    for sql in ("SELECT sneak()", "INSERT INTO sneaked VALUES (1)", "DROP TABLE sneaked", "COMMIT"):
        error = error_of(ask("tools/call", call("query_stream", sql=sql)))
        assert error["code"] in ("25006", "0A000", "42601", "2D000"), error
    assert db.execute("SELECT count(*) FROM sneaked").fetchone() == (0,)


def test_a_session_is_as_new_for_the_next_call(ask):
    ask("tools/call", call("query_stream", sql="SELECT set_config('velo_test.x', 'kept', false)"))
    sql = "SELECT current_setting('velo_test.x', true) AS x"
    (row,) = ask("tools/call", call("query_stream", sql=sql))["structuredContent"]["rows"]
    assert not row["x"]


# --- bounds ----------------------------------------------------------------------------------

BIG = """
CREATE FUNCTION public.big_set() RETURNS SETOF jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('n', n, 'filling', repeat('x', 1000)) FROM generate_series(1, 5000) n $$;
CREATE FUNCTION public.big_value() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('filling', repeat('x', 2000000)) $$;
CREATE FUNCTION public.strange() RETURNS text LANGUAGE sql AS $$ SELECT 'called' $$;
SELECT velo._tool('big_set', 'x', 'public.big_set()', '{"type": "object"}',
    '{"type": "object", "properties": {"rows": {"type": "array"}}, "required": ["rows"]}', 'rows');
SELECT velo._tool('big_value', 'x', 'public.big_value()', '{"type": "object"}', '{"type": "object"}');
SELECT velo._tool('strange', 'x', 'public.strange()', '{"type": "object", "oneOf": []}', '{}');
"""


@pytest.fixture
def big(db):
    db.execute(BIG)
    yield
    db.execute("DELETE FROM velo.tool WHERE name IN ('big_set', 'big_value', 'strange')")
    db.execute("DROP FUNCTION big_set(), big_value(), strange()")


def test_a_set_is_cut_at_a_megabyte(ask, big):
    found = ask("tools/call", call("big_set"))["structuredContent"]
    assert found["truncated"] is True
    assert [row["n"] for row in found["rows"]] == list(range(1, len(found["rows"]) + 1))
    assert 900_000 < len(json.dumps(found["rows"])) <= 1024 * 1024 + 20_000
    # and the connection is still good
    assert ask("tools/call", call("list_streams"))["isError"] is False


def test_a_value_above_a_megabyte_is_an_error(ask, big):
    error = error_of(ask("tools/call", call("big_value")))
    assert error["code"] == "54000" and "fewer rows" in error["hint"]


def test_a_schema_that_is_not_understood_is_shown_but_not_called(ask, big):
    listed = {tool["name"]: tool for tool in ask("tools/list")["tools"]}
    assert listed["strange"]["inputSchema"]["oneOf"] == []
    error = ask.raw("tools/call", call("strange"))["error"]
    assert error["code"] == -32603 and '"oneOf"' in error["message"]


# --- resources, prompts, completions ------------------------------------------------------------


def test_resources(ask):
    (listed,) = [
        r for r in ask("resources/list")["resources"] if r["name"] == "public.rides"
    ]
    assert listed["uri"] == "streams://public.rides"
    (template,) = ask("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == "streams://{name}"
    (content,) = ask("resources/read", {"uri": listed["uri"]})["contents"]
    assert content["mimeType"] == "application/json" and content["uri"] == listed["uri"]
    assert json.loads(content["text"])["name"] == "rides"


@pytest.mark.parametrize(
    "uri",
    ["streams://nothing", "streams://", "streams://a/b", "streams://%zz", "streams://%00", "x"],
)
def test_resources_that_are_not_there(ask, uri):
    error = ask.raw("resources/read", {"uri": uri})["error"]
    assert error["code"] == (-32602 if ask.is_modern else -32002)
    assert error["data"] == {"uri": uri}


def test_a_name_that_must_be_quoted(ask, db):
    db.execute("""DO LANGUAGE velo 'CREATE STREAM "Fährt 50%" (a int)'""")
    try:
        (uri,) = [
            r["uri"] for r in ask("resources/list")["resources"] if "hrt" in r["name"]
        ]
        (content,) = ask("resources/read", {"uri": uri})["contents"]
        assert json.loads(content["text"])["name"] == "Fährt 50%"
    finally:
        db.execute("""DO LANGUAGE velo 'DROP STREAM "Fährt 50%"'""")


def test_resources_come_in_pages(ask, db):
    db.execute(
        "CREATE FUNCTION public.pages() RETURNS TABLE (uri text, name text, title text, description text)"
        " LANGUAGE sql AS $$ SELECT 'pages://' || n, n::text, NULL, NULL FROM generate_series(1001, 1450) n $$;"
        "CREATE FUNCTION public.page(n text) RETURNS text LANGUAGE sql AS $$ SELECT n $$;"
        "SELECT velo._resource('pages://{n}', 'page', 'Page', 'public.page(text)', 'public.pages()', 'text/plain')"
    )
    try:
        seen, cursor = [], None
        for _ in range(5):
            result = ask("resources/list", {"cursor": cursor} if cursor else None)
            assert len(result["resources"]) <= 200
            seen += [r["uri"] for r in result["resources"] if r["uri"].startswith("pages")]
            cursor = result.get("nextCursor")
            if cursor is None:
                break
        assert seen == [f"pages://{n}" for n in range(1001, 1451)]
        complete = {"ref": {"type": "ref/resource", "uri": "pages://{n}"}}
        complete["argument"] = {"name": "n", "value": "10"}
        found = ask("completion/complete", complete)["completion"]
        assert found["values"] == [str(n) for n in range(1001, 1100)] and not found["hasMore"]
        complete["argument"]["value"] = "1"
        found = ask("completion/complete", complete)["completion"]
        assert len(found["values"]) == 100 and found["hasMore"]
    finally:
        db.execute("DELETE FROM velo.resource WHERE name = 'page'; DROP FUNCTION pages(), page(text)")


def test_names_of_streams_are_completed(ask):
    def complete(value, uri="streams://{name}"):
        params = {
            "ref": {"type": "ref/resource", "uri": uri},
            "argument": {"name": "name", "value": value},
        }
        return ask.raw("completion/complete", params)

    assert complete("public.ri")["result"]["completion"]["values"] == ["public.rides"]
    assert complete("x")["result"]["completion"] == {"values": [], "hasMore": False}
    assert complete("", "other://{x}")["error"]["code"] == -32602


def test_prompts(ask):
    prompts = {p["name"]: p for p in ask("prompts/list")["prompts"]}
    assert set(prompts) == {"write_query", "mend_query"}
    assert prompts["write_query"]["arguments"][0]["required"] is True
    params = {"name": "write_query", "arguments": {"task": "Count rides.", "stream": "rides"}}
    (said,) = ask("prompts/get", params)["messages"]
    assert said["role"] == "user" and "Count rides." in said["content"]["text"]
    for wrong in ({"name": "no"}, {"name": "write_query"}, {"name": "write_query", "arguments": {"x": ""}}):
        assert ask.raw("prompts/get", wrong)["error"]["code"] == -32602


# --- roles ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def passwords(dbname):
    with psycopg.connect(dbname=dbname, autocommit=True) as session:
        for role in ("velo_mcp_reader", "velo_mcp_stranger"):
            session.execute(f"DROP ROLE IF EXISTS {role}")
            session.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        session.execute("GRANT velo_user TO velo_mcp_reader")
    server = mcplib.Http(mcplib.by_tcp(dbname), "--auth=password")
    yield server
    server.close()
    with psycopg.connect(dbname=dbname, autocommit=True) as session:
        session.execute("DROP ROLE velo_mcp_reader; DROP ROLE velo_mcp_stranger")


def basic(role, password="secret"):
    import base64

    return {"Authorization": "Basic " + base64.b64encode(f"{role}:{password}".encode()).decode()}


def test_nobody_gets_in_without_a_password(passwords):
    body = message("tools/list")
    for headers in ({}, basic("velo_mcp_reader", "wrong")):
        status, received, _ = passwords.raw(
            json.dumps(body), {**mcplib.headers_for(body, MODERN), **headers}
        )
        assert status == 401 and received["WWW-Authenticate"].startswith("Basic")


def test_a_role_sees_and_does_what_it_may(passwords):
    def ask(role, method, params=None):
        return passwords.send(message(method, params), headers=basic(role))[1]

    assert [t["name"] for t in ask("velo_mcp_reader", "tools/list")["result"]["tools"]] == TOOLS
    assert ask("velo_mcp_stranger", "tools/list")["result"]["tools"] == []
    assert ask("velo_mcp_stranger", "tools/call", call("list_streams"))["error"]["code"] == -32602
    assert ask("velo_mcp_stranger", "resources/list")["result"]["resources"] == []
    # as itself, and only what it was granted
    result = ask("velo_mcp_reader", "tools/call", call("query_stream", sql="SELECT session_user AS u"))
    assert result["result"]["structuredContent"]["rows"] == [{"u": "velo_mcp_reader"}]
    result = ask("velo_mcp_reader", "tools/call", call("query_stream", sql="SELECT * FROM rides"))
    assert error_of(result["result"])["code"] == "42501"
    result = ask("velo_mcp_reader", "tools/call", call("list_streams"))["result"]
    assert result["structuredContent"]["streams"] == []


# --- while it runs ------------------------------------------------------------------------------


def running(db, sql):
    found = db.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active'"
        " AND datname = current_database() AND query LIKE %s",
        ["%query_rows%"],
    ).fetchone()[0]
    return found


ENDLESS = call("query_stream", sql="SELECT * FROM rides EMIT CHANGES", wait="60 s", max_rows=10000)


def test_closing_the_connection_cancels(http, db):
    import socket

    body = message("tools/call", ENDLESS)
    text = json.dumps(body)
    headers = {**mcplib.headers_for(body, MODERN), "Content-Type": "application/json"}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", http.port)) as connection:
        connection.sendall(
            "\r\n".join(
                ["POST /mcp HTTP/1.1", "Host: localhost", f"Content-Length: {len(text)}", *lines, "", text]
            ).encode()
        )
        mcplib.wait_for(lambda: running(db, ENDLESS), "the query runs")
    mcplib.wait_for(lambda: not running(db, ENDLESS), "the query ends")


def test_a_call_has_a_time_out(dbname):
    server = mcplib.Http(dbname, "--request-timeout=1s")
    try:
        result = server.ask("tools/call", ENDLESS)["result"]
        assert error_of(result)["code"] == "57014"
    finally:
        server.close()


def test_progress_comes_before_the_answer(fixtures):
    stdio = mcplib.Stdio(fixtures)
    params = {"name": "test_tool_with_progress", "_meta": meta(progressToken="p")}
    stdio.write(json.dumps(message("tools/call", params)))
    times, seen = [], []
    for _ in range(4):
        seen.append(stdio.receive())
        times.append(time.monotonic())
    stdio.close()
    assert [m["params"]["progress"] for m in seen[:3]] == [0, 50, 100]
    assert all(m["params"]["progressToken"] == "p" and m["params"]["total"] == 100 for m in seen[:3])
    assert seen[3]["result"]["content"][0]["text"] == "done"
    assert times[3] - times[0] > 0.09


def test_a_streaming_query_tells_its_progress(stdio, db):
    params = call("query_stream", sql="SELECT * FROM rides EMIT CHANGES", wait="3 s")
    params["_meta"] = meta(progressToken=7)
    stdio.write(json.dumps(message("tools/call", params)))
    first = stdio.receive()
    assert first["method"] == "notifications/progress", first
    assert first["params"]["progressToken"] == 7 and first["params"]["progress"] >= 0
    while "id" not in (last := stdio.receive()):
        pass
    assert last["result"]["structuredContent"]["row_count"] == 2


@pytest.mark.parametrize("level, count", [(None, 0), ("debug", 3), ("info", 3), ("warning", 0)])
def test_notices_come_when_they_are_wanted(fixture_http, level, count):
    more = {mcplib.META + "logLevel": level} if level else {}
    body = message("tools/call", {"name": "test_tool_with_logging", "arguments": {}, "_meta": meta(**more)})
    _, headers, text = fixture_http.raw(json.dumps(body), mcplib.headers_for(body, MODERN))
    if count == 0:
        assert headers.get_content_type() == "application/json"
        return
    assert headers["X-Accel-Buffering"] == "no"
    *notices, answer = mcplib.events(text)
    assert [n["method"] for n in notices] == ["notifications/message"] * count
    assert notices[0]["params"]["data"]["message"] == "Tool execution started"
    assert answer["id"] == body["id"]


# --- questions to the user (2026-07-28) --------------------------------------------------------


def test_a_state_is_for_its_tool_only(fixture_http):
    def ask(tool, **more):
        body = message("tools/call", {"name": tool, "_meta": meta(capabilities={"elicitation": {}}), **more})
        return fixture_http.send(body)[1]

    state = ask("test_input_required_result_request_state")["result"]["requestState"]
    responses = {"confirm": {"action": "accept", "content": {"ok": True}}}
    for tool, text in (
        ("test_input_required_result_request_state", "state-ok"),
        ("test_input_required_result_tampered_state", None),
    ):
        answer = ask(tool, inputResponses=responses, requestState=state)
        if text:
            assert answer["result"]["content"][0]["text"] == text
        else:
            assert answer["error"]["code"] == -32602
    for wrong in (state[:-1], state + "0", "", "." * 10, 5):
        answer = ask(
            "test_input_required_result_request_state", inputResponses=responses, requestState=wrong
        )
        assert answer["error"]["code"] == -32602


def test_what_the_client_cannot_do_is_not_asked(fixture_http):
    status, answer = fixture_http.send(message("tools/call", call("test_missing_capability")))
    assert (status, answer["error"]["code"]) == (400, -32021)
    assert answer["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}
