"""Every limit, met."""

import concurrent.futures
import socket
import time

import pytest

import gatewaylib
from gatewaylib import wait_for


def running(database, text="pg_sleep"):
    """Queries of the gateway that run now."""
    with gatewaylib.connect(database) as admin:
        return admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'velo-gateway'"
            " AND state = 'active' AND query LIKE '%%' || %s || '%%'", (text,)
        ).fetchone()[0]  # fmt: skip


def sleeping(database):
    return running(database, "sleep")


def test_body_size_max(start):
    gateway = start(body_size_max="1kB")
    body = '{"a": "' + "x" * 1000 + '"}'
    assert gateway.post("/api/try/echo", body).status == 200
    answer = gateway.post("/api/try/echo", '{"a": "' + "x" * 1100 + '"}')
    assert (answer.status, answer.json()["code"], answer.headers["Connection"]) == (413, "54000", "close")


def test_reply_size_max(start):
    gateway = start(reply_size_max="64kB")
    assert gateway.get("/api/try/rows?count=10&width=100").status == 200
    answer = gateway.get("/api/try/rows?count=10&width=10000")
    assert (answer.status, answer.json()["code"]) == (500, "54000")


def test_request_timeout(start):
    gateway = start(request_timeout="200ms")
    begun = time.monotonic()
    answer = gateway.post("/api/try/sleep", {"seconds": 30})
    assert (answer.status, answer.json()["code"]) == (504, "57014")
    assert time.monotonic() - begun < 5


def test_a_role_may_have_less_time(start, database):
    with gatewaylib.connect(database) as session:
        user = session.execute("SELECT current_user").fetchone()[0]
        session.execute(f"ALTER ROLE {user} IN DATABASE {database} SET statement_timeout = '300ms'")
        try:
            gateway = start(request_timeout="20s")
            answer = gateway.post("/api/try/sleep", {"seconds": 30})
            assert (answer.status, answer.json()["code"]) == (504, "57014")
        finally:
            session.execute(f"ALTER ROLE {user} IN DATABASE {database} RESET statement_timeout")


def test_queue_max(start, database):
    """One works, two wait, and the others are told to come back."""
    gateway = start(workers="1", queue_max="2")
    clients = [gateway.client() for _ in range(6)]
    for client in clients:
        client.send("POST", "/api/try/sleep", {"seconds": 1})
        wait_for(lambda: sleeping(database))
    answers = [gatewaylib.Answer(client.connection.getresponse()) for client in clients]
    assert sorted(answer.status for answer in answers) == [200] * 3 + [503] * 3
    refused = [answer for answer in answers if answer.status == 503]
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert all(answer.json()["code"] == "53400" for answer in refused)
    assert clients[5].post("/api/try/sleep", {"seconds": 0}).status == 200, "the connection lives"
    assert gateway.metric("velo_gateway_queue_full_total") == 3


def test_health_while_all_workers_wait(start, database):
    gateway = start(workers="1", queue_max="1")
    clients = [gateway.client() for _ in range(2)]
    for client in clients:
        client.send("POST", "/api/try/sleep", {"seconds": 0.5})
        wait_for(lambda: sleeping(database))
    assert gateway.get("/health").status == 200
    assert gateway.get("/ready").status == 200
    for client in clients:
        assert gatewaylib.Answer(client.connection.getresponse()).status == 200


def test_pool_size_and_wait(start, database):
    gateway = start(pool_size="1", pool_wait="100ms")
    with gateway.client() as first:
        first.send("POST", "/api/try/sleep", {"seconds": 0.6})
        wait_for(lambda: sleeping(database))
        answer = gateway.post("/api/try/sleep", {"seconds": 0})
        assert (answer.status, answer.json()["code"]) == (503, "53300")
        assert gatewaylib.Answer(first.connection.getresponse()).status == 200
    assert gateway.post("/api/try/sleep", {"seconds": 0}).status == 200


def test_pool_hands_connections_on(start, database):
    """Many requests of one user share few connections, and all are served."""
    gateway = start(pool_size="2", workers="8")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pids = list(pool.map(lambda _: gateway.get("/api/try/request").json()["pid"], range(60)))
    assert len(set(pids)) <= 2


def test_database_connections(start, database):
    """Of all users; somebody's idle connection makes room for who needs one."""
    gateway = start(auth="password", database=gatewaylib.tcp_dsn(database) + f" user={gatewaylib.OTHER}",
                    database_connections="2", pool_size="2",
                    environment={"PGPASSWORD": gatewaylib.PASSWORD})  # fmt: skip
    user = {"Authorization": gatewaylib.basic(gatewaylib.USER, gatewaylib.PASSWORD)}
    other = {"Authorization": gatewaylib.basic(gatewaylib.OTHER, gatewaylib.PASSWORD)}
    clients = [gateway.client() for _ in range(2)]
    for client in clients:
        client.send("POST", "/api/try/sleep", '{"seconds": 2}', Content_Type="application/json", **user)
    wait_for(lambda: sleeping(database) == 2)
    assert gateway.get("/api/session", **other).status == 503
    for client in clients:
        assert gatewaylib.Answer(client.connection.getresponse()).status == 200
    assert gateway.get("/api/session", **other).status == 200


def test_connection_idle_timeout(start, database):
    gateway = start(connection_idle_timeout="1s")
    pid = gateway.get("/api/try/request").json()["pid"]
    with gatewaylib.connect(database) as admin:
        wait_for(lambda: admin.execute("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s",
                                       (pid,)).fetchone()[0])  # fmt: skip
    assert gateway.get("/api/try/request").status == 200


def test_connections_per_address(start):
    gateway = start(connections_per_address="3")
    clients = [gateway.client() for _ in range(3)]
    assert all(client.get("/health").status == 200 for client in clients)
    with pytest.raises((ConnectionResetError, ConnectionError, gatewaylib.http.client.HTTPException)):
        gateway.get("/health")
    clients[0].connection.close()
    wait_for(lambda: can_connect(gateway))


def can_connect(gateway):
    try:
        return gateway.get("/health").status == 200
    except (ConnectionError, gatewaylib.http.client.HTTPException):
        return False


@pytest.mark.parametrize(
    "first",
    [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: local",
     b"POST /api/try/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"],
)  # fmt: skip
def test_read_timeout(start, first):
    """Who sends a byte now and then does not keep a connection open for ever."""
    gateway = start(read_timeout="600ms")
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as connection:
        connection.sendall(first)
        with pytest.raises((ConnectionResetError, BrokenPipeError, StopIteration)):
            while True:
                time.sleep(0.1)
                connection.sendall(b"x")
                connection.setblocking(False)
                try:
                    if connection.recv(100) == b"":
                        raise StopIteration
                except BlockingIOError:
                    pass
                connection.setblocking(True)
                assert time.monotonic() - begun < 5
    assert 0.4 < time.monotonic() - begun < 3
    assert gateway.metric("velo_gateway_slow_requests_total") >= 1


def test_a_client_that_leaves_cancels_its_query(start, database):
    gateway = start()
    client = gateway.client()
    client.send("POST", "/api/try/sleep", {"seconds": 60})
    wait_for(lambda: sleeping(database))
    left = time.monotonic()
    client.connection.sock.close()
    client.connection.close()
    wait_for(lambda: not sleeping(database))
    assert time.monotonic() - left < 1
    assert gateway.metric("velo_gateway_abandoned_total") == 1
    assert gateway.get("/api/session").status == 200, "its connection serves the next"


def test_who_left_the_queue_is_not_served(start, database):
    gateway = start(workers="1")
    first, second = gateway.client(), gateway.client()
    first.send("POST", "/api/try/sleep", {"seconds": 0.5})
    wait_for(lambda: sleeping(database))
    second.send("POST", "/api/try/write", {"note": "left before"})
    time.sleep(0.05)
    second.connection.sock.close()
    second.connection.close()
    assert gatewaylib.Answer(first.connection.getresponse()).status == 200
    assert gateway.post("/api/try/sleep", {"seconds": 0}).status == 200
    with gatewaylib.connect(database) as admin:
        assert admin.execute("SELECT count(*) FROM try.written WHERE note = 'left before'").fetchone() == (0,)
