"""Does the WebSocket of GET /api/live keep to RFC 6455?

The groups are those of the Autobahn test suite.  There is no echo, so an unknown type of
message takes its place: it is answered by an error that says so.
"""

import pathlib
import struct
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from livelib import *  # noqa: E402,F403  fixtures too
from livelib import BINARY, CLOSE, MEASURES_MEMORY, PING, PONG, TEXT, Raw, frame, private_kb  # noqa: E402

MESSAGE = b'{"type":"unknown"}'
CHOPS = [None, 1, 7]
LIMIT = 256 * 1024  # live_message_size


@pytest.fixture
def raw(gateway):
    with Raw(gateway) as client:
        yield client


def is_answered(raw):
    message = raw.message()
    return message["type"] == "error" and message["error"]["code"] == "08P01"


def padded(size):
    return MESSAGE[:-1] + b" " * (size - len(MESSAGE)) + b"}"


def closed_with(raw, code):
    assert raw.close_code() == code


# --- 1 framing ------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("size", [18, 125, 126, 127, 128, 4096, 65535])
def test_a_text_message_of_any_size_is_understood(raw, size, chop):
    raw.send(frame(TEXT, padded(size)), chop if size < 1000 else chop and 997)
    assert is_answered(raw)


@pytest.mark.parametrize("size", [65536, LIMIT])
def test_a_message_up_to_the_limit_is_understood(raw, size):
    raw.send(frame(TEXT, padded(size)))
    assert is_answered(raw)


def test_an_empty_message_is_answered(raw):
    raw.send(frame(TEXT))
    assert is_answered(raw)


def test_many_messages_in_one_packet_are_all_answered(raw):
    raw.send(frame(TEXT, MESSAGE) * 1000)
    for _ in range(1000):
        assert is_answered(raw)


def test_what_follows_the_handshake_in_its_packet_is_understood(gateway):
    with Raw(gateway, more=frame(TEXT, MESSAGE) * 3) as raw:
        for _ in range(3):
            assert is_answered(raw)


@pytest.mark.parametrize("size", [0, 10, 126])
def test_a_binary_message_is_refused(raw, size):
    raw.send(frame(BINARY, b"\xff" * size))
    closed_with(raw, 1003)


def test_a_client_must_mask(raw):
    raw.send(frame(TEXT, MESSAGE, masked=False))
    closed_with(raw, 1002)


def test_also_its_later_frames(raw):
    raw.send(frame(TEXT, MESSAGE))
    assert is_answered(raw)
    raw.send(frame(PING, masked=False))
    closed_with(raw, 1002)


@pytest.mark.parametrize("form,size", [(126, 18), (127, 18), (127, 4000)])
def test_a_length_has_its_shortest_form(raw, form, size):
    raw.send(frame(TEXT, padded(size), form=form))
    closed_with(raw, 1002)


def test_a_length_is_no_negative_number(raw):
    raw.send(frame(TEXT, b"", length=1 << 63))
    closed_with(raw, 1002)


# --- 2 pings --------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff\xfe", b"x" * 125])
def test_a_ping_is_answered_with_its_payload(raw, payload, chop):
    raw.send(frame(PING, payload), chop)
    assert raw.frame() == (PONG, payload)


def test_a_ping_of_126_bytes_is_refused(raw):
    raw.send(frame(PING, b"x" * 126))
    closed_with(raw, 1002)


@pytest.mark.parametrize("payload", [b"", b"nobody asked"])
def test_a_pong_that_nobody_asked_for_is_nothing(raw, payload):
    raw.send(frame(PONG, payload) + frame(PING, b"still there?"))
    assert raw.frame() == (PONG, b"still there?")


@pytest.mark.parametrize("chop", CHOPS)
def test_many_pings_are_answered_in_order(raw, chop):
    raw.send(b"".join(frame(PING, b"%d" % n) for n in range(10)), chop)
    assert [raw.frame() for _ in range(10)] == [(PONG, b"%d" % n) for n in range(10)]


def test_pings_of_a_client_that_reads_no_pongs_do_not_fill_memory(gateway, raw):
    """They are not read any more; when it reads again all are answered."""
    before = private_kb(gateway.pid)
    raw.socket.settimeout(2)
    sent = 0
    pings = frame(PING, b"x" * 125) * 1000
    rest = b""
    try:
        while sent < 400_000:
            rest = pings
            while rest:
                rest = rest[raw.socket.send(rest) :]
            sent += 1000
    except TimeoutError:
        pass
    assert sent < 400_000, "the gateway reads on and on"
    assert not MEASURES_MEMORY or private_kb(gateway.pid) - before < 4096
    raw.socket.settimeout(20)
    for _ in range(sent):
        assert raw.frame()[0] == PONG


# --- 3 reserved bits, 4 opcodes -------------------------------------------------------


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits_are_zero(raw, opcode, rsv):
    raw.send(frame(opcode, b"" if opcode >= CLOSE else MESSAGE, rsv=rsv))
    closed_with(raw, 1002)


@pytest.mark.parametrize("payload", [b"", b"x"])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_an_unknown_opcode_is_refused(raw, opcode, payload):
    raw.send(frame(TEXT, MESSAGE))
    assert is_answered(raw)
    raw.send(frame(opcode, payload))
    closed_with(raw, 1002)


# --- 5 fragmentation ------------------------------------------------------------------


def pieces(data, *cuts):
    edges = [0, *cuts, len(data)]
    parts = [data[a:b] for a, b in zip(edges, edges[1:])]
    return [
        frame(TEXT if n == 0 else 0, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)
    ]


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("cuts", [(9,), (0,), (18,), (0, 0, 18), tuple(range(1, 18))])
def test_fragments_make_a_message(raw, cuts, chop):
    raw.send(b"".join(pieces(MESSAGE, *cuts)), chop)
    assert is_answered(raw)


def test_a_ping_between_fragments_is_answered_first(raw):
    first, second = pieces(MESSAGE, 9)
    raw.send(first + frame(PING, b"now") + second)
    assert raw.frame() == (PONG, b"now")
    assert is_answered(raw)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_control_frames_have_no_fragments(raw, opcode):
    raw.send(frame(opcode, b"", fin=False))
    closed_with(raw, 1002)


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_continues_something(raw, fin):
    raw.send(frame(0, MESSAGE, fin=fin))
    closed_with(raw, 1002)


def test_also_after_a_whole_message(raw):
    raw.send(frame(TEXT, MESSAGE))
    assert is_answered(raw)
    raw.send(frame(0, MESSAGE))
    closed_with(raw, 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_does_not_begin_inside_of_another(raw, opcode):
    raw.send(pieces(MESSAGE, 9)[0] + frame(opcode, MESSAGE))
    closed_with(raw, 1002)


# --- 6 UTF-8 --------------------------------------------------------------------------

VALID = "κόσμε ÿ \u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"
INVALID = {
    "continuation": b"\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong of three": b"\xe0\x80\xaf",
    "overlong of four": b"\xf0\x80\x80\xaf",
    "surrogate": b"\xed\xa0\x80",
    "surrogate pair": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the end": b"\xf4\x90\x80\x80",
    "of five bytes": b"\xf8\x88\x80\x80\x80",
    "of six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "cut short": b"\xce",
    "cut short before ASCII": b"\xe2\x82a",
}


@pytest.mark.parametrize("chop", CHOPS)
def test_text_of_utf8_is_understood(raw, chop):
    raw.send(frame(TEXT, ('{"type":"%s"}' % VALID).encode()), chop)
    assert is_answered(raw)


def test_a_character_may_be_cut_by_fragments(raw):
    data = ('{"type":"%s"}' % VALID).encode()
    raw.send(b"".join(pieces(data, *range(1, len(data)))))
    assert is_answered(raw)


@pytest.mark.parametrize("name", INVALID)
@pytest.mark.parametrize("end", [b"", b'"}'])
def test_what_is_no_utf8_is_refused(raw, name, end):
    raw.send(frame(TEXT, b'{"type":"' + INVALID[name] + end))
    closed_with(raw, 1007)


@pytest.mark.parametrize("name", INVALID)
def test_also_over_fragments(raw, name):
    data = b'{"type":"' + INVALID[name]
    raw.send(b"".join(pieces(data, *range(9, len(data)))))
    closed_with(raw, 1007)


def test_it_is_refused_before_the_message_ends(raw):
    raw.send(frame(TEXT, b"\xce\xba\xed\xa0\x80", fin=False))
    closed_with(raw, 1007)


# --- 7 close --------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
def test_a_close_is_answered_with_its_code(raw, code, chop):
    raw.send(frame(CLOSE, struct.pack("!H", code)), chop)
    closed_with(raw, code)


def test_a_close_without_a_code_is_answered(raw):
    raw.send(frame(CLOSE))
    closed_with(raw, None)


@pytest.mark.parametrize("reason", [b"bye", "κόσμε".encode(), b"x" * 123])
def test_a_close_may_have_a_reason(raw, reason):
    raw.send(frame(CLOSE, struct.pack("!H", 1000) + reason))
    closed_with(raw, 1000)


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_code_that_may_not_be_sent_is_refused(raw, code):
    raw.send(frame(CLOSE, struct.pack("!H", code)))
    closed_with(raw, 1002)


def test_a_close_of_one_byte_is_refused(raw):
    raw.send(frame(CLOSE, b"\x03"))
    closed_with(raw, 1002)


def test_a_close_of_126_bytes_is_refused(raw):
    raw.send(frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124))
    closed_with(raw, 1002)


def test_a_reason_is_utf8(raw):
    raw.send(frame(CLOSE, struct.pack("!H", 1000) + b"\xce\xba\xed\xa0\x80"))
    assert raw.close_code() in (1002, 1007)


@pytest.mark.parametrize("after", [frame(TEXT, MESSAGE), frame(PING, b"x"), frame(CLOSE), b"\xff" * 100])
def test_nothing_after_a_close_is_answered(raw, after):
    raw.send(frame(CLOSE, struct.pack("!H", 1000)) + after)
    assert raw.frame() == (CLOSE, struct.pack("!H", 1000))
    with pytest.raises(EOFError):
        raw.frame()


def test_a_close_inside_of_a_message_ends_it(raw):
    raw.send(pieces(MESSAGE, 9)[0] + frame(CLOSE, struct.pack("!H", 1000)))
    closed_with(raw, 1000)


# --- 9 limits -------------------------------------------------------------------------


def test_a_longer_message_is_refused(raw):
    raw.send(frame(TEXT, b"", length=LIMIT + 1))
    closed_with(raw, 1009)


def test_before_its_bytes_come(raw):
    raw.send(frame(TEXT, b"", length=(1 << 63) - 1))
    closed_with(raw, 1009)


def test_also_in_fragments(raw):
    half = b" " * (LIMIT // 2)
    raw.send(frame(TEXT, half, fin=False) + frame(0, half, fin=False) + frame(0, b" "))
    closed_with(raw, 1009)


# --- the handshake --------------------------------------------------------------------


def test_the_answer_is_that_of_the_rfc(gateway):
    with Raw(gateway) as raw:
        assert raw.status == 101
        assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in raw.head
        assert raw.headers["upgrade"] == "websocket"
        assert "upgrade" in raw.headers["connection"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE"},
        {"Sec_WebSocket_Protocol": "chat, superchat"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
    ],
)
def test_what_is_offered_beyond_is_not_taken(gateway, headers):
    with Raw(gateway, **headers) as raw:
        assert raw.status == 101
        assert "sec-websocket-protocol" not in raw.headers
        assert "sec-websocket-extensions" not in raw.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": None},
        {"Upgrade": "h2c"},
        {"Connection": None},
        {"Connection": "keep-alive"},
        {"Sec_WebSocket_Version": None},
        {"Sec_WebSocket_Version": "8"},
        {"Sec_WebSocket_Version": "013"},
    ],
)
def test_no_websocket_of_our_version_is_426(gateway, headers):
    with Raw(gateway, **headers) as raw:
        assert raw.status == 426
        assert raw.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "key", [None, "", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZQ", "!!!!!!!!!!!!!!!!!!!!!!==", "x" * 24]
)
def test_a_wrong_key_is_400(gateway, key):
    with Raw(gateway, Sec_WebSocket_Key=key) as raw:
        assert raw.status == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_is_403(gateway, origin):
    with Raw(gateway, Origin=origin) as raw:
        assert raw.status == 403


def test_a_page_of_our_own_is_let_in(gateway):
    with Raw(gateway, Origin=f"http://{gateway.host}:{gateway.port}") as raw:
        assert raw.status == 101
