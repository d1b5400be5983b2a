"""Logging in: passwords, sessions, what is slowed down, and what never gets through."""

import concurrent.futures
import threading
import time

import pytest

import gatewaylib
from gatewaylib import OTHER, PASSWORD, USER, basic, wait_for

RIGHT = {"user": USER, "password": PASSWORD}


def cookie_of(answer):
    return answer.headers["Set-Cookie"].split(";")[0]


@pytest.fixture
def session(password_gateway):
    """The cookie of somebody who logged in."""
    answer = password_gateway.post("/api/login", RIGHT)
    assert answer.status == 200, answer
    return cookie_of(answer)


# --- a password with each request -----------------------------------------------------


def test_basic_runs_as_that_role(password_gateway):
    for name in (USER, OTHER):
        answer = password_gateway.get("/api/session", Authorization=basic(name, PASSWORD))
        assert (answer.status, answer.json()["user"], answer.json()["session_user"]) == (200, name, name)


def test_nobody_is_let_in_without_a_log_in(password_gateway):
    for path in ("/api/session", "/metrics", "/openapi.json", "/api/streams"):
        answer = password_gateway.get(path)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.json()["code"] == "28000"


def test_the_page_gets_no_dialogue_of_the_browser(password_gateway):
    answer = password_gateway.get("/api/session", X_Requested_With="velo-studio")
    assert answer.status == 401
    assert "WWW-Authenticate" not in answer.headers


def test_health_needs_no_log_in(password_gateway):
    assert password_gateway.get("/health").status == 200
    assert password_gateway.get("/ready").status == 200


@pytest.mark.parametrize(
    "header",
    [
        basic(USER, "wrong"),
        basic("no such role", PASSWORD),
        basic(USER, ""),  # libpq would look for a password of its own
        basic("", PASSWORD),
        basic("", ""),
        basic(f"user={USER} dbname=postgres", PASSWORD),
        basic(USER, PASSWORD + "\0x"),
        basic(USER + "\0", PASSWORD),
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic " + "QUFB" * 100_0,
        "Basic QQ==",
        "Bearer abc",
        "Negotiate abc",
    ],
)
def test_wrong_credentials_are_401_without_a_reason(password_gateway, header):
    answer = password_gateway.get("/api/session", Authorization=header)
    assert answer.status == 401, answer
    assert answer.json()["code"] in ("28P01", "28000")
    assert "detail" not in answer.json()
    assert USER not in answer.body.decode()


def test_a_role_that_may_not_log_in(password_gateway, database):
    with gatewaylib.connect(database) as admin:
        admin.execute("DROP ROLE IF EXISTS velo_gateway_nologin")
        admin.execute("CREATE ROLE velo_gateway_nologin PASSWORD 'x'")
        answer = password_gateway.get("/api/session", Authorization=basic("velo_gateway_nologin", "x"))
        admin.execute("DROP ROLE velo_gateway_nologin")
    assert (answer.status, answer.json()["message"]) == (401, "log-in failed")


def test_wrong_password_beside_a_right_one(password_gateway):
    """Of somebody who is logged in: known connections do not help."""
    assert password_gateway.get("/api/session", Authorization=basic(USER, PASSWORD)).status == 200
    assert password_gateway.get("/api/session", Authorization=basic(USER, PASSWORD + "x")).status == 401
    assert password_gateway.get("/api/session", Authorization=basic(USER, PASSWORD)).status == 200


def test_first_requests_of_many_at_once(start, database):
    """All of them log in at the same time, and none is thrown out by another."""
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    barrier = threading.Barrier(12)

    def ask(_):
        barrier.wait()
        return gateway.get("/api/session", Authorization=basic(USER, PASSWORD)).status

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(12))) == [200] * 12


def test_a_role_that_is_let_in_without_a_password_is_refused(start, database):
    """By pg_hba.conf's trust every password is right: so none is."""
    gateway = start(auth="password", database=gatewaylib.superuser_dsn(database))
    for password in ("anything", PASSWORD):
        assert gateway.get("/api/session", Authorization=basic(USER, password)).status == 401
    assert any("asked for no password" in line["msg"] for line in gateway.lines())


# --- sessions -------------------------------------------------------------------------


def test_session_cookie(password_gateway, session):
    answer = password_gateway.post("/api/login", RIGHT)
    assert answer.json() == {"user": USER}
    attributes = answer.headers["Set-Cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    assert password_gateway.get("/api/session", Cookie=f"a=b; {session}; c=d").json()["user"] == USER


def test_tokens_differ(password_gateway):
    tokens = {cookie_of(password_gateway.post("/api/login", RIGHT)) for _ in range(5)}
    assert len(tokens) == 5


def test_logout_ends_the_session_and_no_other(password_gateway, session):
    other = cookie_of(password_gateway.post("/api/login", RIGHT))
    answer = password_gateway.post("/api/logout", Cookie=session)
    assert answer.status == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert password_gateway.get("/api/session", Cookie=session).status == 401
    assert password_gateway.get("/api/session", Cookie=other).status == 200


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "0", lambda t: t[:-1] + "g",
                                    lambda t: t.upper(), lambda t: "velo_session="])  # fmt: skip
def test_changed_tokens_are_worth_nothing(password_gateway, session, change):
    if change(session) == session:
        pytest.skip("the same")
    assert password_gateway.get("/api/session", Cookie=change(session)).status == 401


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"user": "x"}', '{"user": 1, "password": "x"}',
                                  '{"user": "x", "password": "y", "z": 1}', "{"])  # fmt: skip
def test_malformed_log_in(password_gateway, body):
    assert password_gateway.post("/api/login", body).status == 400


@pytest.mark.parametrize("body", [{"user": USER, "password": "wrong"}, {"user": "", "password": ""},
                                  {"user": USER, "password": ""}])  # fmt: skip
def test_failed_log_in(password_gateway, body):
    answer = password_gateway.post("/api/login", body)
    assert (answer.status, answer.json()["code"]) == (401, "28P01")
    assert "Set-Cookie" not in answer.headers


def test_sessions_end(start, database):
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    session_idle_timeout="1s", secure_cookies="on", sessions_per_user="2",
                    environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    answers = [gateway.post("/api/login", RIGHT) for _ in range(3)]
    assert all("Secure" in answer.headers["Set-Cookie"] for answer in answers)
    cookies = [cookie_of(answer) for answer in answers]
    statuses = [gateway.get("/api/session", Cookie=cookie).status for cookie in cookies]
    assert statuses == [401, 200, 200], "the third ends the first"
    wait_for(lambda: gateway.get("/ready").status == 200)
    time.sleep(1.2)  # time itself is what is tested
    assert gateway.get("/api/session", Cookie=cookies[2]).status == 401


def test_a_changed_password_ends_what_the_old_one_opened(start, database):
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    with gatewaylib.connect(database) as admin:
        admin.execute("DROP ROLE IF EXISTS velo_gateway_changing")
        admin.execute("CREATE ROLE velo_gateway_changing LOGIN PASSWORD 'old'")
        try:
            cookie = cookie_of(gateway.post("/api/login", {"user": "velo_gateway_changing", "password": "old"}))
            assert gateway.get("/api/session", Cookie=cookie).status == 200
            admin.execute("ALTER ROLE velo_gateway_changing PASSWORD 'new'")
            new = {"Authorization": basic("velo_gateway_changing", "new")}
            assert gateway.get("/api/session", **new).status == 200
            assert gateway.get("/api/session", Cookie=cookie).status == 401
            old = {"Authorization": basic("velo_gateway_changing", "old")}
            assert gateway.get("/api/session", **old).status == 401
            assert gateway.get("/api/session", **new).status == 200
        finally:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                          " WHERE usename = 'velo_gateway_changing'")  # fmt: skip
            admin.execute("DROP ROLE velo_gateway_changing")


def test_a_locked_role_is_out_after_connection_max_age(start, database):
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    connection_max_age="1s", environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    with gatewaylib.connect(database) as admin:
        admin.execute("DROP ROLE IF EXISTS velo_gateway_locked")
        admin.execute("CREATE ROLE velo_gateway_locked LOGIN PASSWORD 'x'")
        try:
            cookie = cookie_of(gateway.post("/api/login", {"user": "velo_gateway_locked", "password": "x"}))
            assert gateway.get("/api/session", Cookie=cookie).status == 200
            admin.execute("ALTER ROLE velo_gateway_locked NOLOGIN")
            wait_for(lambda: gateway.get("/api/session", Cookie=cookie).status == 401)
        finally:
            wait_for(lambda: admin.execute("SELECT count(*) = 0 FROM pg_stat_activity"
                                           " WHERE usename = 'velo_gateway_locked'").fetchone()[0])  # fmt: skip
            admin.execute("DROP ROLE velo_gateway_locked")


# --- guessing -------------------------------------------------------------------------


def test_guessing_is_slowed(start, database):
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    login_failures_max="3", environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    session = cookie_of(gateway.post("/api/login", RIGHT))
    wrong = {"user": USER, "password": "wrong"}
    assert [gateway.post("/api/login", wrong).status for _ in range(4)] == [401, 401, 401, 429]
    answer = gateway.post("/api/login", RIGHT)
    assert answer.status == 429, "also the right one, or the answer would tell"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert gateway.get("/api/session", Authorization=basic(USER, PASSWORD)).status == 429
    assert gateway.get("/api/session", Cookie=session).status == 200, "who is in stays in"
    wait_for(lambda: gateway.post("/api/login", RIGHT).status == 200)
    assert gateway.post("/api/login", wrong).status == 401
    assert gateway.post("/api/login", wrong).status == 429, "a success does not wipe the slate"


# --- secrets --------------------------------------------------------------------------


def test_logs_hold_no_secret(start, database):
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={OTHER}",
                    log_level="debug", environment={"PGPASSWORD": PASSWORD})  # fmt: skip
    secret = "literal-in-sql-3141592"
    token = cookie_of(gateway.post("/api/login", RIGHT)).split("=")[1]
    gateway.post("/api/login", {"user": USER, "password": "wrong-guess-2718"})
    gateway.post("/api/query", {"sql": f"SELECT '{secret}'"}, Cookie=f"velo_session={token}")
    gateway.post("/api/execute", {"sql": f"SELECT '{secret}'::int"}, Cookie=f"velo_session={token}")
    gateway.get(f"/api/streams?pattern={secret}", Cookie=f"velo_session={token}")
    gateway.stop()
    log = gateway.log()
    for word in (PASSWORD, basic(USER, PASSWORD)[6:], token, "wrong-guess-2718", secret, "Cookie"):
        assert word not in log
    assert any(line.get("user") == USER and line.get("path") == "/api/query" for line in gateway.lines())


def test_application_name(password_gateway, database):
    password_gateway.get("/api/session", Authorization=basic(USER, PASSWORD))
    with gatewaylib.connect(database) as admin:
        rows = admin.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = %s", (USER,)
        ).fetchall()
    assert rows == [("velo-gateway",)]


def test_open_mode_needs_none(open_gateway):
    assert open_gateway.post("/api/login", {"user": "x", "password": "y"}).json() == {"user": "postgres"}
    assert open_gateway.get("/api/session", Authorization=basic("x", "y")).json()["user"] == "postgres"
    assert open_gateway.post("/api/logout").status == 204
