"""velo.request counts only if the gateway has signed it, for this session, with the key
that is in the file now.  Whatever else it is, is nothing, and never an error."""

import base64
import hashlib
import hmac
import json
import time

import psycopg
import pytest
from doorslib import PASSWORDS


def encode(content):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(key, content):
    text = f"v1.{encode(content)}"
    return f"{text}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


@pytest.fixture
def key(cluster):
    """The key as it is used: without the line end that the file has."""
    before = cluster.key_file.read_bytes()
    yield before.strip()
    cluster.key_file.chmod(0o600)
    cluster.key_file.write_bytes(before)


@pytest.fixture
def session(cluster):
    with psycopg.connect(
        host="127.0.0.1",
        port=cluster.port,
        user="ben",
        password=PASSWORDS["ben"],
        dbname="postgres",
        autocommit=True,
    ) as made:
        yield made


def content_for(session, **changes):
    content = {
        "id": "r-1",
        "addr": "203.0.113.7",
        "pid": session.info.backend_pid,
        "door": "http",
        "at": int(time.time()),
    }
    return {**content, **changes}


def request_of(session, value):
    """What SQL sees of it, in a transaction as the gateway makes it."""
    with session.transaction():
        session.execute("SET TRANSACTION READ ONLY")
        session.execute("SELECT set_config('velo.request', %s, true)", [value])
        return session.execute("SELECT velo.request()").fetchone()[0]


def test_what_the_gateway_signed(session, key):
    content = content_for(session)
    assert request_of(session, signed(key, content)) == content


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_time_as_text(session, key, zone):
    session.execute(f"SET timezone = '{zone}'")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    content = content_for(session, at=at)
    assert request_of(session, signed(key, content)) == content


def test_it_ends_with_the_transaction(session, key):
    assert request_of(session, signed(key, content_for(session)))
    assert session.execute("SELECT velo.request()").fetchone()[0] is None


def test_address_of_the_client(session, key):
    asked = "SELECT velo.client_address()"
    assert session.execute(asked).fetchone()[0] == "127.0.0.1"
    with session.transaction():
        value = signed(key, content_for(session))
        session.execute("SELECT set_config('velo.request', %s, true)", [value])
        assert session.execute(asked).fetchone()[0] == "203.0.113.7"
        session.execute("SELECT set_config('velo.request', %s, true)", [value + "0"])
        assert session.execute(asked).fetchone()[0] == "127.0.0.1"


def test_session_shows_it(session, key):
    content = content_for(session)
    with session.transaction():
        session.execute("SELECT set_config('velo.request', %s, true)", [signed(key, content)])
        assert session.execute("SELECT velo.session()").fetchone()[0]["request"] == content


def test_text_in_other_scripts(session, key):
    content = content_for(session, id="ünï-字-\N{GRINNING FACE}?>~")
    assert request_of(session, signed(key, content)) == content


@pytest.mark.parametrize("position", [3, 20, -1, -64, -30])
def test_one_changed_character(session, key, position):
    value = signed(key, content_for(session))
    position %= len(value)
    other = "1" if value[position] != "1" else "2"
    changed = value[:position] + other + value[position + 1 :]
    assert request_of(session, value) is not None
    assert request_of(session, changed) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": 1},
        {"pid": None},
        {"pid": "1"},
        {"pid": 1.5},
        {"pid": 10**30},
        {"at": int(time.time()) - 86400},
        {"at": "2001-01-01T00:00:00Z"},
        {"at": "yesterday morning"},
        {"at": None},
        {"at": 10**30},
    ],
)
def test_signed_for_another_session(session, key, changes):
    assert request_of(session, signed(key, content_for(session, **changes))) is None


def test_seen_in_one_session_used_in_another(cluster, session, key):
    value = signed(key, content_for(session))
    with cluster.connect() as other:
        other.execute("SELECT set_config('velo.request', %s, false)", [value])
        assert other.execute("SELECT velo.request()").fetchone()[0] is None
    assert request_of(session, value) is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe", b'{"pid": 1}', b'{"a":"\\u0000"}',
     b"{}\x00", b"[" * 2000],
)  # fmt: skip
def test_signed_nonsense(session, key, content):
    assert request_of(session, signed(key, content)) is None
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_other_forms(session, key):
    content = content_for(session)
    value = signed(key, content)
    head, body, signature = value.split(".")
    for other in (
        f"v2.{body}.{signature}",
        f"{body}.{signature}",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature.upper()}" if signature.upper() != signature else "v1",
        f" {value}",
        f"{value} ",
        "v1.." + hmac.new(key, b"v1.", hashlib.sha256).hexdigest(),
        signed(key, content_for(session, id="x" * 5000)),
    ):
        assert request_of(session, other) is None, other


def test_base64_of_another_alphabet(session, key):
    content = content_for(session, id=">>>???")
    text = "v1." + base64.b64encode(json.dumps(content).encode()).decode()
    assert "+" in text or "/" in text or "=" in text
    value = f"{text}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"
    assert request_of(session, value) is None


def test_another_key(session, key):
    assert request_of(session, signed(b"x" * 32, content_for(session))) is None
    assert request_of(session, signed(b"", content_for(session))) is None


def test_a_changed_key_counts_at_once(cluster, session, key):
    old = signed(key, content_for(session))
    assert request_of(session, old) is not None
    cluster.key_file.write_bytes(b"k" * 40)
    assert request_of(session, old) is None
    assert request_of(session, signed(b"k" * 40, content_for(session))) is not None


@pytest.mark.parametrize("new_key", [b"", b"short", b"k" * 31, b"k" * 31 + b"\n", b"k" * 2000])
def test_keys_of_the_wrong_length(cluster, session, key, new_key):
    cluster.key_file.write_bytes(new_key)
    assert request_of(session, signed(new_key.strip(), content_for(session))) is None


@pytest.mark.parametrize(
    ("mode", "counts"),
    [(0o600, True), (0o640, True), (0o400, True), (0o644, False), (0o602, False), (0o660, False)],
)
def test_who_may_read_the_key(cluster, session, key, mode, counts):
    cluster.key_file.chmod(mode)
    assert (request_of(session, signed(key, content_for(session))) is not None) == counts


def test_a_key_that_is_gone(cluster, session, key):
    cluster.key_file.rename(cluster.key_file.with_suffix(".away"))
    try:
        assert request_of(session, signed(key, content_for(session))) is None
        cluster.key_file.mkdir()
        assert request_of(session, signed(key, content_for(session))) is None
        cluster.key_file.rmdir()
    finally:
        cluster.key_file.with_suffix(".away").rename(cluster.key_file)
    assert request_of(session, signed(key, content_for(session))) is not None


def test_beside_a_parallel_query(session, key):
    """Only the leader can tell; the planner must know that."""
    content = content_for(session)
    for setting in ("force_parallel_mode", "debug_parallel_query"):
        session.execute("SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = %s", [setting])
    session.execute("SET parallel_setup_cost = 0")
    session.execute("SET parallel_tuple_cost = 0")
    with session.transaction():
        session.execute("SELECT set_config('velo.request', %s, true)", [signed(key, content)])
        rows = session.execute("SELECT velo.request() FROM generate_series(1, 3)").fetchall()
    assert rows == [(content,)] * 3
