"""Routes, arguments, results and errors over HTTP."""

import gzip
import json

import pytest

import gatewaylib


@pytest.fixture(scope="module")
def client(open_gateway):
    with open_gateway.client() as connection:
        yield connection


# --- routes ---------------------------------------------------------------------------


def test_health_and_ready(client):
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").json() == {"status": "ready"}


def test_session(client):
    answer = client.get("/api/session")
    assert answer.json()["user"] == "postgres"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_pinned_version_is_the_same(client):
    assert client.get("/api/v1/session").json() == client.get("/api/session").json()
    assert client.get("/api/v2/session").status == 404


def test_openapi_lists_routes(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "/api/try/echo" in document["paths"]


def test_unknown_path_is_404_as_json(client):
    answer = client.get("/api/none")
    assert answer.status == 404
    error = answer.json()
    assert error["code"] == "42704"
    assert error["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/api/login", "POST"),
        ("GET", "/api/try/echo", "POST"),
        ("DELETE", "/api/try/echo/x", "GET, HEAD"),
        ("PUT", "/api/v1/try/echo", "POST"),
    ],
)
def test_wrong_method_is_405_with_allow(open_gateway, method, path, allowed):
    with open_gateway.client() as client:
        answer = client.ask(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.json()["code"] == "0A000"


def test_options_lists_methods(client):
    answer = client.ask("OPTIONS", "/api/try/echo")
    assert (answer.status, answer.headers["Allow"]) == (204, "POST")


@pytest.mark.parametrize("path", ["/health", "/api/session", "/openapi.json"])
def test_head_has_no_body(client, path):
    full = client.get(path)
    head = client.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == full.headers["Content-Length"]


def test_new_route_is_served_when_it_is_notified(open_gateway, database):
    assert open_gateway.get("/api/try/late").status == 404
    with gatewaylib.connect(database) as session:
        session.execute("SELECT velo._route('GET', '/api/try/late', 'try.json_rows()')")
        session.execute("NOTIFY velo_routes")
        gatewaylib.wait_for(lambda: open_gateway.get("/api/try/late").status == 200)
        session.execute("DELETE FROM velo.route WHERE path = '/api/try/late'")
        session.execute("NOTIFY velo_routes")
        gatewaylib.wait_for(lambda: open_gateway.get("/api/try/late").status == 404)


# --- arguments ------------------------------------------------------------------------


def test_arguments_from_the_body(client):
    answer = client.post("/api/try/echo", {"a": "x", "b": 3, "c": {"k": [1, None, "ü"]}})
    assert answer.json() == {"a": "x", "b": 3, "c": {"k": [1, None, "ü"]}}


def test_defaults_stay(client):
    assert client.post("/api/try/echo", {"a": "x"}).json() == {"a": "x", "b": 7, "c": None}


def test_null_is_null(client):
    assert client.post("/api/try/echo", {"a": None, "b": None}).json() == {"a": None, "b": None, "c": None}


def test_arguments_from_path_and_query(client):
    answer = client.get("/api/try/echo/a%20b%C3%BC?b=12&c=%7B%22x%22:+1%7D")
    assert answer.json() == {"a": "a bü", "b": 12, "c": {"x": 1}}


def test_text_is_no_sql(client):
    text = "'); DROP TABLE velo.route; --\\ $1 \"\n"
    assert client.post("/api/try/echo", {"a": text}).json()["a"] == text


@pytest.mark.parametrize(
    "body, message",
    [
        ({}, 'the argument "a" is missing'),
        ({"a": "x", "z": 1}, 'there is no argument "z"'),
        ({'a") FROM nothing --': 1}, 'there is no argument "a") FROM nothing --"'),
        ([1], "the body must be a JSON object"),
        ("{", "the body is not JSON"),
        ('{"a": 1, "a": 2}', "the body is not JSON"),
        ('{"a": "\\u0000"}', "the body is not JSON"),
        (b'{"a": "\xff"}', "the body is not JSON"),
        ("[" * 100_000, "the body is not JSON"),
    ],
)
def test_wrong_arguments_are_400(client, body, message):
    answer = client.post("/api/try/echo", body)
    assert (answer.status, answer.json()["message"]) == (400, message)


def test_argument_given_twice(client):
    answer = client.post("/api/try/echo?a=1", {"a": "2"})
    assert (answer.status, answer.json()["message"]) == (400, 'the argument "a" was given twice')


def test_wrong_type_is_postgresqls_error(client):
    answer = client.post("/api/try/echo", {"a": "x", "b": "many"})
    assert (answer.status, answer.json()["code"]) == (400, "22P02")


def test_body_must_be_json(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        assert client.post("/api/try/echo", '{"a": "x"}', Content_Type=kind).status == 415
    answer = client.post("/api/try/echo", '{"a": "x"}', Content_Type="application/json; charset=utf-8")
    assert answer.status == 200


# --- results --------------------------------------------------------------------------


def test_rows(client):
    assert client.get("/api/try/rows?count=2&width=1").json() == [{"n": 1, "text": "x"}, {"n": 2, "text": "x"}]
    assert client.get("/api/try/rows?count=0").json() == []


def test_rows_of_jsonb(client):
    assert client.get("/api/try/json_rows").json() == [{"k": 1}, [2], None]


def test_row(client):
    assert client.get("/api/try/one?found=true").json() == {"n": 1, "m": None}
    answer = client.get("/api/try/one?found=false")
    assert (answer.status, answer.json()["code"]) == (404, "P0002")


def test_value_of_null(client):
    answer = client.get("/api/try/nothing")
    assert (answer.status, answer.json()) == (200, None)


def test_text(client):
    answer = client.post("/api/try/sleep", {"seconds": 0})
    assert (answer.body, answer.headers["Content-Type"]) == (b"slept", "text/plain")


@pytest.mark.parametrize(
    "state, status",
    [("42501", 403), ("42P01", 404), ("23505", 409), ("22012", 400), ("53400", 429),
     ("57014", 504), ("XX000", 500), ("08006", 503), ("VE001", 409)],
)  # fmt: skip
def test_sqlstate_decides_the_status(client, state, status):
    answer = client.post("/api/try/raise", {"state": state})
    error = answer.json()
    assert (answer.status, error.pop("request_id")) == (status, answer.headers["X-Request-Id"])
    assert error == {"code": state, "message": "as asked", "detail": "the detail", "hint": "the hint"}


def test_an_error_points_into_the_users_text(client):
    error = client.post("/api/execute", {"sql": "SELECT\n  'ü', nix"}).json()
    assert (error["code"], error["line"], error["column"]) == ("42703", 2, 8)


def test_read_only_routes_cannot_write(client, database):
    answer = client.post("/api/try/write_read_only", {"note": "no"})
    assert (answer.status, answer.json()["code"]) == (403, "25006")
    assert client.post("/api/try/write", {"note": "yes"}).json() == "yes"
    with gatewaylib.connect(database) as session:
        assert session.execute("SELECT note FROM try.written").fetchall() == [("yes",)]


def test_a_failed_transaction_leaves_nothing(client, database):
    """Also one that fails at its commit."""
    with gatewaylib.connect(database) as session:
        session.execute("CREATE TABLE try.parent (note text PRIMARY KEY)")
        session.execute(
            "ALTER TABLE try.written ADD CONSTRAINT known FOREIGN KEY (note)"
            " REFERENCES try.parent DEFERRABLE INITIALLY DEFERRED NOT VALID"
        )
        answer = client.post("/api/try/write", {"note": "orphan"})
        assert (answer.status, answer.json()["code"]) == (409, "23503")
        session.execute("ALTER TABLE try.written DROP CONSTRAINT known")
        assert session.execute("SELECT count(*) FROM try.written WHERE note = 'orphan'").fetchone() == (0,)
    assert client.post("/api/try/write", {"note": "again"}).status == 200


def test_session_of_a_callers_sql_is_cleaned(start, database):
    """What one request sets, the next on the same connection does not see."""
    gateway = start(workers="1", pool_size="1")
    for sql in ("SET work_mem = '77MB'", "CREATE TEMP TABLE left_behind (n int)"):
        assert gateway.post("/api/execute", {"sql": sql}).status in (200, 204, 400)
    rows = gateway.post(
        "/api/query",
        {"sql": "SELECT current_setting('work_mem') AS m, to_regclass('left_behind')::text AS t"},
    ).json()["rows"]
    assert rows[0]["m"] != "77MB"
    assert rows[0]["t"] is None


def test_prepared_statements_come_and_go(start, database):
    """One connection: a call is prepared at its second time, and again when it was lost."""
    gateway = start(pool_size="1", workers="1")
    with gatewaylib.connect(database) as admin:
        admin.execute("CREATE FUNCTION try.forget() RETURNS integer LANGUAGE plpgsql AS"
                      " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$")  # fmt: skip
        admin.execute("SELECT velo._route('GET', '/api/try/forget', 'try.forget()', result => 'value')")
        admin.execute("NOTIFY velo_routes")
    with gateway.client() as client:
        gatewaylib.wait_for(lambda: client.get("/api/try/forget").status == 200)
        for _ in range(8):
            assert client.post("/api/try/echo", {"a": "x"}).json()["a"] == "x"
            assert client.post("/api/try/echo", {"a": "x", "b": "wrong"}).status == 400
        assert client.get("/api/try/forget").json() == 1
        statuses = [client.post("/api/try/echo", {"a": "x"}).status for _ in range(5)]
        assert statuses[1:] == [200] * 4, "one may meet the loss"
        with gatewaylib.connect(database) as admin:
            admin.execute("CREATE OR REPLACE FUNCTION try.forget() RETURNS integer LANGUAGE sql AS 'SELECT 2'")
        assert client.get("/api/try/forget").json() == 2
        assert client.post("/api/execute", {"sql": "SELECT 1"}).status in (200, 400)
        assert client.post("/api/try/echo", {"a": "y"}).json()["a"] == "y"


# --- headers --------------------------------------------------------------------------


def test_security_headers_on_everything(client):
    for path in ("/health", "/api/session", "/api/none", "/nothing"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert len(headers["X-Request-Id"]) == 32


def test_large_answers_are_compressed_when_wanted(client):
    path = "/api/try/rows?count=200"
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == "Accept-Encoding"
    small = client.get(path, Accept_Encoding="deflate, gzip;q=0.8")
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(small.body) < len(plain.body) / 5
    assert json.loads(gzip.decompress(small.body)) == plain.json()
    for refused in ("gzip;q=0", "br", "identity", "gzipped", "gzip;q=0.0"):
        assert "Content-Encoding" not in client.get(path, Accept_Encoding=refused).headers
    assert "Content-Encoding" not in client.get("/health", Accept_Encoding="gzip").headers


def test_metrics_are_prometheus_text(open_gateway):
    answer = open_gateway.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(families) == len(set(families))
    assert {"velo_gateway_requests_total", "velo_gateway_database_connections"} <= set(families)
    assert any(not name.startswith("velo_gateway_") for name in families), "the database's own"
    before = open_gateway.metric('velo_gateway_requests_total{status="4xx"}')
    open_gateway.get("/api/none")
    assert open_gateway.metric('velo_gateway_requests_total{status="4xx"}') == before + 1
