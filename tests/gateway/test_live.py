"""Live queries over GET /api/live: what a client says and what it gets."""

import base64
import json
import pathlib
import sys
import threading
import time

import pytest
from websockets.exceptions import InvalidStatus

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from livelib import *  # noqa: E402,F403  fixtures too
from livelib import MEASURES_MEMORY, Live, PING, PONG, Raw, backends, frame, insert, private_kb, wait_for  # noqa: E402


@pytest.fixture
def live(gateway):
    with Live(gateway) as client:
        yield client


# --- queries --------------------------------------------------------------------------


def test_columns_rows_complete(live):
    columns, rows, last = live.all("SELECT 1 AS a, 'x' AS b, NULL::date AS c")
    assert columns == [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "text"},
        {"name": "c", "type": "date"},
    ]
    assert rows == [[1, "x", None]]
    assert last == {"type": "complete", "rows": 1, "reason": "end"}


def test_an_empty_result_has_columns(live):
    columns, rows, last = live.all("SELECT 1 AS a WHERE false")
    assert columns == [{"name": "a", "type": "integer"}]
    assert rows == []
    assert last == {"type": "complete", "rows": 0, "reason": "end"}


def test_a_stream_gives_what_it_has_and_what_comes(live, db, stream):
    insert(db, stream, 1, 3)
    live.query(f"SELECT n, value FROM {stream} EMIT CHANGES")
    assert live.until("columns")["columns"] == [
        {"name": "n", "type": "bigint"},
        {"name": "value", "type": "text"},
    ]
    assert live.rows(3) == [[1, "v1"], [2, "v2"], [3, "v3"]]
    insert(db, stream, 4, 4)
    assert live.rows(1) == [[4, "v4"]]


def test_a_limit_completes_it(live, db, stream):
    insert(db, stream, 1, 10)
    _, rows, last = live.all(f"SELECT n FROM {stream} EMIT CHANGES LIMIT 5")
    assert rows == [[1], [2], [3], [4], [5]]
    assert last == {"type": "complete", "rows": 5, "reason": "end"}


def test_statements_before_the_query_are_run(live, db):
    _, rows, last = live.all(
        "CREATE STREAM before_it (n integer) WITH ('type' = 'native');"
        "SELECT count(*) AS n FROM before_it"
    )
    assert (rows, last["type"]) == ([[0]], "complete")
    columns, rows, last = live.all("DROP STREAM before_it")
    assert (columns, rows) == (None, [])
    assert last == {"type": "complete", "rows": 0, "reason": "end"}


def test_two_queries_of_one_text_have_their_own_columns(live):
    live.query("SELECT 1 AS a; SELECT 'x' AS b, n FROM generate_series(1, 2) n")
    frames = []
    while not frames or frames[-1]["type"] != "complete":
        frames.append(live.frame())
    assert frames == [
        {"type": "columns", "columns": [{"name": "a", "type": "integer"}]},
        {"type": "rows", "rows": [[1]]},
        {
            "type": "columns",
            "columns": [{"name": "b", "type": "text"}, {"name": "n", "type": "integer"}],
        },
        {"type": "rows", "rows": [["x", 1], ["x", 2]]},
        {"type": "complete", "rows": 3, "reason": "end"},
    ]


def test_a_query_has_the_context_of_its_request(start_gateway, tmp_path):
    key = tmp_path / "key"
    key.write_text("k" * 40, encoding="ascii")
    key.chmod(0o600)
    with Live(start_gateway(request_key_file=str(key))) as live:
        _, rows, _ = live.all("SELECT current_setting('velo.request'), pg_backend_pid()")
    version, content, signature = rows[0][0].split(".")
    context = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    assert (version, context["door"], context["pid"]) == ("v1", "live", rows[0][1])
    assert context["addr"] == "127.0.0.1" and len(signature) == 64


def test_many_rows_come_in_frames_of_500(live):
    live.query("SELECT n FROM generate_series(1, 1700) n")
    assert live.frame()["type"] == "columns"
    sizes, rows = [], []
    while (frame := live.frame())["type"] == "rows":
        sizes.append(len(frame["rows"]))
        rows += frame["rows"]
    assert rows == [[n] for n in range(1, 1701)]
    assert max(sizes) <= 500 and len(sizes) <= 8
    assert frame["rows"] == 1700


def test_frames_of_long_rows_have_64_kb(live):
    live.query("SELECT repeat('x', 10000) FROM generate_series(1, 100)")
    lengths = []
    while True:
        text = live.ws.recv(timeout=10)
        frame = json.loads(text)
        if frame["type"] == "complete":
            break
        if frame["type"] == "rows":
            lengths.append(len(text))
    assert frame["rows"] == 100
    assert max(lengths) <= 64 * 1024 + 10_100


def test_one_query_after_the_other_on_one_socket(live):
    for n in range(20):
        assert live.all(f"SELECT {n} AS n")[1] == [[n]]
        assert live.all("SELECT nothing")[2]["type"] == "error"


def test_a_text_may_hold_the_tag_that_quotes_it(live):
    for text in ("$velo$", "$velo$ $velo1$", "a$velo"):
        _, rows, last = live.all(f"SELECT '{text}' AS t")
        assert (rows, last["type"]) == ([[text]], "complete")
    assert live.all("SELECT 1 AS n -- $velo")[2]["type"] == "complete"


def test_params_are_variables(live, db, stream):
    insert(db, stream, 1, 3)
    sql = f"SELECT n FROM {stream} EMIT CHANGES WITH ('bounded' = '${{ENDS}}')"
    _, rows, last = live.all(sql, params={"ENDS": "true"})
    assert (len(rows), last["type"]) == (3, "complete")
    _, _, last = live.all(sql, params={"not a name": 1})
    assert last["error"]["code"] == "42602"


# --- values ---------------------------------------------------------------------------

VALUES = [
    ("true", True),
    ("false", False),
    ("NULL::text", None),
    ("32767::smallint", 32767),
    ("-2147483648", -2147483648),
    ("9007199254740991::bigint", 9007199254740991),
    ("-9007199254740991::bigint", -9007199254740991),
    ("9007199254740992::bigint", "9007199254740992"),
    ("'-9223372036854775808'::bigint", "-9223372036854775808"),
    ("1.5::real", 1.5),
    ("1e300::float8", 1e300),
    ("-0::float8", 0),
    ("0.1::float8", 0.1),
    ("'NaN'::float8", "NaN"),
    ("'-Infinity'::float8", "-Infinity"),
    ("12.50::numeric", 12.5),
    ("123456789012345::numeric", 123456789012345),
    ("0.000123456789012345", 0.000123456789012345),
    ("1234567890123456::numeric", "1234567890123456"),
    ("0.1234567890123456", "0.1234567890123456"),
    ("'NaN'::numeric", "NaN"),
    ("'{\"a\": [1, null, \"ü\"]}'::json", {"a": [1, None, "ü"]}),
    ("'[true, {}]'::jsonb", [True, {}]),
    ("'null'::jsonb", None),
    ("'ä\"\\/' || chr(10) || chr(9) || chr(13) || chr(1) || chr(127)", 'ä"\\/\n\t\r\x01\x7f'),
    ("''", ""),
    ("'\U0001f600 \uffff'", "\U0001f600 \uffff"),
    ("'2026-03-01 08:00:00+00'::timestamptz", "2026-03-01 08:00:00+00"),
    ("ARRAY[1, 2]", "{1,2}"),
    ("'\\xdeadbeef'::bytea", "\\xdeadbeef"),
    ("42::oid", "42"),
    ("interval '1 day'", "1 day"),
]


def test_values_are_json(live):
    columns, rows, last = live.all("SELECT " + ", ".join(sql for sql, _ in VALUES))
    assert last["type"] == "complete", last
    assert [(sql, value) for (sql, _), value in zip(VALUES, rows[0])] == VALUES
    for (sql, expected), value in zip(VALUES, rows[0]):
        assert isinstance(value, bool) == isinstance(expected, bool), sql


def test_types_have_their_names(live, db):
    db.execute("CREATE TYPE mood AS ENUM ('fine', 'bad')")
    try:
        columns, rows, _ = live.all(
            "SELECT 1.5::numeric(10,2) AS a, 'x'::varchar(20) AS b, 'fine'::mood AS c,"
            " now()::timestamp(3) AS d, ARRAY['x'] AS e"
        )
        assert [column["type"] for column in columns] == [
            "numeric(10,2)",
            "character varying(20)",
            "mood",
            "timestamp(3) without time zone",
            "text[]",
        ]
        db.execute("ALTER TYPE mood RENAME TO humour")
        assert live.all("SELECT 'fine'::humour")[0][0]["type"] == "humour"
    finally:
        db.execute("DROP TYPE IF EXISTS mood, humour")


# --- errors and notices ---------------------------------------------------------------


def test_an_error_points_into_the_users_text(live):
    _, _, last = live.all("SELECT 'äöü',\n  'ß' AS größe,\n  'é', nothing AS x\n")
    error = last["error"]
    assert (error["code"], error["line"], error["column"]) == ("42703", 3, 8)
    assert error["message"] == 'column "nothing" does not exist'


def test_also_one_of_the_dialect(live, db, stream):
    _, _, last = live.all(f"-- größer\nSELECT value, count(*) AS é\nFROM {stream}\nGROUP BY value EMIT FINAL")
    error = last["error"]
    assert (error["code"], error["line"], error["column"]) == ("0A000", 4, 16)
    assert error["hint"]


def test_an_error_after_rows_comes_after_them(live):
    _, rows, last = live.all("SELECT 10 / (5 - n) AS x FROM generate_series(1, 10) n")
    assert rows == [[2], [3], [5], [10]]
    assert (last["type"], last["error"]["code"]) == ("error", "22012")


def test_a_notice_is_a_frame(live):
    live.query("DROP TABLE IF EXISTS nowhere; SELECT 1 AS n")
    notice = live.until("notice")
    assert notice["severity"] == "NOTICE" and notice["code"] == "00000"
    assert "nowhere" in notice["message"]
    assert live.until("complete", "error")["type"] == "complete"


def test_progress_comes_about_once_a_second(live, db, stream):
    insert(db, stream, 1, 100)
    live.query(f"SELECT n FROM {stream} WHERE n > 90 EMIT CHANGES")
    live.rows(10)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        insert(db, stream, 101, 101)
        progress = live.until("progress")
        assert set(progress) == {"type", "rows", "records", "lag_records", "watermark"}
        if progress["rows"] >= 11:
            break
    assert progress["rows"] >= 11 and progress["records"] >= 101


@pytest.mark.parametrize(
    "text,code",
    [
        ("", "08P01"),
        ("no JSON", "08P01"),
        ("[]", "08P01"),
        ('"query"', "08P01"),
        ("{}", "08P01"),
        ('{"type":7}', "08P01"),
        ('{"type":"dance"}', "08P01"),
        ('{"type":"query"}', "08P01"),
        ('{"type":"query","sql":null}', "08P01"),
        ('{"type":"query","sql":["SELECT 1"]}', "08P01"),
        ('{"type":"query","sql":"SELECT 1","params":[1]}', "08P01"),
        ('{"type":"query","type":"query","sql":"SELECT 1"}', "08P01"),
        ('{"type":"query","sql":"SELECT \\u0000 1"}', "08P01"),
        ("[" * 100_000, "08P01"),
        ('{"type":"pause"}', "55000"),
        ('{"type":"resume"}', "55000"),
        ('{"type":"cancel"}', "55000"),
        ('{"type":"query","sql":""}', None),
    ],
)
def test_what_a_client_says_wrong_is_told_and_the_socket_goes_on(live, text, code):
    live.ws.send(text)
    answer = live.until("error", "complete")
    if code:
        assert answer["error"]["code"] == code
    assert live.all("SELECT 1 AS n")[1] == [[1]]


def test_a_second_query_is_refused_while_the_first_goes_on(live, db, stream):
    live.query(f"SELECT n FROM {stream} EMIT CHANGES")
    live.query("SELECT 1")
    refused = live.until("error")
    assert refused["error"]["code"] == "55006" and refused["running"] is True
    insert(db, stream, 1, 1)
    assert live.rows(1) == [[1]]


def test_a_row_that_is_too_long_is_an_error(live, gateway):
    before = private_kb(gateway.pid)
    for megabytes in (2, 100):
        _, rows, last = live.all(f"SELECT repeat('x', {megabytes} * 1024 * 1024)")
        assert (rows, last["error"]["code"]) == ([], "54000")
    assert not MEASURES_MEMORY or private_kb(gateway.pid) - before < 8192
    assert len(live.all("SELECT repeat('ü', 500000) AS t")[1][0][0]) == 500_000


def test_who_is_stopped_by_the_server_is_told(live, db, stream):
    insert(db, stream, 1, 1)
    live.query(f"SELECT n FROM {stream} EMIT CHANGES")
    live.rows(1)
    assert db.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE query LIKE %s AND pid <> pg_backend_pid()",
        (f"DO LANGUAGE velo%{stream}%",),
    ).fetchone() == (1,)
    assert live.until("error", "complete")["error"]["code"] == "57P01"
    assert live.all("SELECT 1 AS n")[1] == [[1]]


# --- cancel ---------------------------------------------------------------------------


def test_cancel_completes_and_the_socket_goes_on(live, db, stream):
    insert(db, stream, 1, 5)
    live.query(f"SELECT n FROM {stream} EMIT CHANGES")
    live.rows(5)
    live.say("cancel")
    assert live.until("complete", "error") == {"type": "complete", "rows": 5, "reason": "cancelled"}
    assert live.all("SELECT 1 AS n")[1] == [[1]]


def test_cancel_right_after_the_query(live, stream):
    for _ in range(10):
        live.query(f"SELECT n FROM {stream} EMIT CHANGES")
        live.say("cancel")
        assert live.until("complete", "error")["reason"] == "cancelled"


def test_cancel_in_the_middle_of_many_rows(live):
    live.query("SELECT generate_series(1, 100000000) AS n")
    live.rows(1000)
    live.say("cancel")
    rows = 1000
    while (frame := live.frame())["type"] != "complete":
        rows += len(frame["rows"]) if frame["type"] == "rows" else 0
    assert frame["reason"] == "cancelled"
    assert frame["rows"] >= rows  # rows of the frame in which the first thousand was full


# --- users and limits -----------------------------------------------------------------


def test_two_users_have_their_own_rights(password_gateway, db, stream, roles):
    may, may_not = roles
    insert(db, stream, 1, 2)
    db.execute(f"GRANT SELECT ON {stream} TO {may}")
    sql = f"SELECT n FROM {stream} EMIT CHANGES LIMIT 2"
    with (
        Live(password_gateway, may, "secret") as first,
        Live(password_gateway, may_not, "secret") as second,
    ):
        assert first.all(sql)[1] == [[1], [2]]
        assert second.all(sql)[2]["error"]["code"] == "42501"
        assert first.all("SELECT current_user::text, session_user::text")[1] == [[may, may]]
        assert second.all("RESET ROLE; SELECT current_user::text")[1] == [[may_not]]


def test_without_a_user_there_is_no_socket(password_gateway, roles):
    with pytest.raises(InvalidStatus) as refused:
        Live(password_gateway)
    assert refused.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        Live(password_gateway, roles[0], "wrong")
    assert refused.value.response.status_code == 401


def test_queries_of_a_user_are_limited(small_gateway, db, stream):
    clients = [Live(small_gateway) for _ in range(3)]
    try:
        for count, client in enumerate(clients):
            wait_for(lambda: len(backends(db, stream)) == count)
            client.query(f"SELECT n FROM {stream} EMIT CHANGES")
        refused = clients[2].until("error")
        assert refused["error"]["code"] in ("53400", "53300")
        clients[0].say("cancel")
        clients[0].until("complete")
        insert(db, stream, 1, 1)
        clients[2].query(f"SELECT n FROM {stream} EMIT CHANGES")
        assert clients[2].rows(1) == [[1]]
    finally:
        for client in clients:
            client.ws.close()


def test_sockets_of_a_user_are_limited(small_gateway):
    clients = [Live(small_gateway) for _ in range(4)]
    try:
        with pytest.raises(InvalidStatus) as refused:
            Live(small_gateway)
        assert refused.value.response.status_code == 429
        assert json.loads(refused.value.response.body)["code"] == "53400"
    finally:
        for client in clients:
            client.ws.close()
    wait_for(lambda: opens(small_gateway))


def opens(gateway):
    try:
        Live(gateway).ws.close()
        return True
    except InvalidStatus:
        return False


def test_a_socket_without_a_query_is_closed(small_gateway, stream):
    """Of live_idle_timeout = 1 s; one with a query stays."""
    with Live(small_gateway) as idle, Live(small_gateway) as busy:
        busy.query(f"SELECT n FROM {stream} EMIT CHANGES")
        assert idle.close_code() == 1000
        busy.say("pause")
        assert busy.until("paused")


def test_who_does_not_answer_pings_is_given_up(small_gateway, db, stream):
    """Of live_ping_interval = 200 ms and live_peer_timeout = 2 s."""
    insert(db, stream, 1, 1)
    with Raw(small_gateway) as silent, Raw(small_gateway) as answering:
        for raw in (silent, answering):
            raw.say("query", sql=f"SELECT n FROM {stream} EMIT CHANGES")
            raw.until("rows")
        began = time.monotonic()
        until = began + 4

        def answer():
            while time.monotonic() < until:
                if answering.frame()[0] == PING:
                    answering.send(frame(PONG))

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EOFError):
            while time.monotonic() < until:
                silent.frame()
        assert 1.5 < time.monotonic() - began < 4
        thread.join()
        answering.say("pause")
        assert answering.until("paused")


# --- the end of the gateway -----------------------------------------------------------


def test_a_gateway_that_stops_closes_with_1001(start_gateway, db, stream):
    gateway = start_gateway()
    with Live(gateway) as idle, Live(gateway) as busy:
        busy.query(f"SELECT n FROM {stream} EMIT CHANGES")
        wait_for(lambda: backends(db, stream))
        gateway.terminate()
        assert idle.close_code() == 1001
        assert busy.close_code() == 1001
        assert gateway.wait(timeout=10) == 0
    wait_for(lambda: not backends(db, stream), timeout=1)


def test_queries_of_a_gateway_that_was_killed_end(start_gateway, db, stream):
    gateway = start_gateway()
    with Live(gateway) as busy:
        busy.query(f"SELECT n FROM {stream} EMIT CHANGES")
        wait_for(lambda: backends(db, stream))
        gateway.kill()
    wait_for(lambda: not backends(db, stream), timeout=5)

