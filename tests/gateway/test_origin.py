"""Which pages may ask: Host, Origin, CORS."""

import pytest

OWN = {"Host": "localhost:1234", "Origin": "http://localhost:1234"}
FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def gateway(database, build, tmp_path_factory):
    import gatewaylib

    program = gatewaylib.Gateway(
        tmp_path_factory.mktemp("origin"),
        build,
        database=gatewaylib.superuser_dsn(database),
        hosts="velo.example.org, other.example",
        cors_origin=f"{FRIEND},http://dev.example:5173",
    )
    yield program.wait_ready()
    assert program.stop() == 0


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8499", "127.0.0.1", "192.0.2.7:80", "[::1]:8499", "[2001:db8::1]",
     "velo.example.org", "VELO.example.org:443", "other.example", "localhost."],
)  # fmt: skip
def test_known_hosts(gateway, host):
    assert gateway.get("/health", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "velo.example.org.evil.example", "xvelo.example.org", "127.0.0.1.evil.example",
     "localhost, evil.example", "example.org", "1.2.3", "[::1", "a b"],
)  # fmt: skip
def test_unknown_hosts(gateway, host):
    """A page whose name was pointed at us (DNS rebinding) gets nothing."""
    answer = gateway.get("/api/session", Host=host)
    assert answer.status in (400, 421)
    assert b"postgres" not in answer.body


def test_own_page(gateway):
    assert gateway.post("/api/try/echo", {"a": "x"}, **OWN).status == 200
    https = {"Host": "velo.example.org", "Origin": "https://velo.example.org"}
    assert gateway.post("/api/try/echo", {"a": "x"}, **https).status == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:1235", "https://friend.example.evil.example",
     "http://friend.example", "https://friend.example:444", "https://friend.example/", "file://", "",
     "http://localhost:1234@evil.example", "ftp://localhost:1234", "x"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_foreign_pages_are_refused(gateway, origin, method):
    body = {"a": "x"} if method == "POST" else None
    path = "/api/try/echo" if method == "POST" else "/api/session"
    answer = gateway.client().ask(method, path, body, Host="localhost:1234", Origin=origin)
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("site, status", [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)])
def test_what_browsers_say_of_the_site(gateway, site, status):
    assert gateway.post("/api/try/echo", {"a": "x"}, Sec_Fetch_Site=site).status == status


def test_a_link_from_elsewhere_may_open_the_page(gateway):
    assert gateway.get("/health", Sec_Fetch_Site="cross-site").status == 200


def test_allowed_origin(gateway):
    answer = gateway.post("/api/try/echo", {"a": "x"}, Origin=FRIEND)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in ", ".join(answer.headers.get_all("Vary"))


def test_preflight(gateway):
    ask = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    answer = gateway.client().ask("OPTIONS", "/api/try/echo", Origin=FRIEND, **ask)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    refused = gateway.client().ask("OPTIONS", "/api/try/echo", Origin="https://evil.example", **ask)
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert gateway.client().ask("OPTIONS", "/api/none", Origin=FRIEND, **ask).status == 404


def test_without_a_list_there_is_no_cors(open_gateway):
    answer = open_gateway.get("/api/session")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert open_gateway.get("/api/session", Origin=FRIEND).status == 403
