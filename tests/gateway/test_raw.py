"""Requests that no polite client sends: raw_cases.txt, byte by byte."""

import codecs
import pathlib
import re
import socket
import time

import pytest

CASES = pathlib.Path(__file__).with_name("raw_cases.txt")


def read_cases():
    """(name, statuses, stays open, bytes) of each case."""
    cases = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\[(.*)\] (.*)", line):
            words = match[2].split()
            cases.append([match[1], [w for w in words if w != "open"], "open" in words, b""])
        elif line.startswith("|"):
            text = line[2:]
            end = b"\r\n"
            if text.endswith("\\") and not text.endswith("\\\\"):
                text, end = text[:-1], b""
            cases[-1][3] += codecs.decode(text, "unicode_escape").encode("latin-1") + end
        else:
            assert not line or line.startswith("#"), line
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


def statuses(answer):
    """Of all answers.  MHD 0.9.75 sends the head of errors of its own twice: one answer."""
    answer = re.sub(rb"(HTTP/1\.1 4.*?\r\n\r\n)\1(<html>)", rb"\1\2", answer, flags=re.DOTALL)
    return re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", answer)


@pytest.mark.parametrize("expected, stays_open, data", read_cases())
def test_raw(open_gateway, expected, stays_open, data):
    answer, is_closed = open_gateway.raw(data, timeout=0.3 if stays_open else 5)
    found = [status.decode() for status in statuses(answer)]
    for position, wanted in enumerate(expected):
        got = found[position] if position < len(found) else "-"
        assert got in wanted.split("|"), answer
    assert len(found) <= len(expected), answer
    assert is_closed or stays_open or "-" in expected[-1]
    assert b"root:" not in answer
    assert open_gateway.get("/health").status == 200


def test_bare_line_feeds_hide_no_request(open_gateway):
    """MHD takes a bare LF for a line's end.  A proxy that does not would see one header."""
    answer, _ = open_gateway.raw(
        b"POST /api/validate HTTP/1.1\nHost: localhost\nX: y\nContent-Length: 0\n"
        b"Transfer-Encoding: chunked\n\n0\n\nGET /api/hidden HTTP/1.1\nHost: localhost\n\n"
    )
    assert statuses(answer) == [b"400"], answer


def test_many_headers(open_gateway):
    lines = b"".join(b"X-%d: y\r\n" % i for i in range(200))
    answer, is_closed = open_gateway.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
    assert statuses(answer) == [b"431"]
    assert is_closed


@pytest.mark.parametrize("size", [12_000, 20_000, 200_000])
def test_large_header(open_gateway, size):
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: "
    answer, is_closed = open_gateway.raw(head + b"y" * size + b"\r\n\r\n")
    assert statuses(answer) == ([b"200"] if size < 16_000 else [b"431"]), answer
    assert is_closed


@pytest.mark.parametrize("size", [3_000, 6_000, 100_000])
def test_long_target(open_gateway, size):
    data = b"GET /api/none?x=" + b"y" * size + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer, _ = open_gateway.raw(data)
    assert statuses(answer) == ([b"404"] if size < 4_000 else [b"414"]), answer


def test_endless_chunks_end(open_gateway):
    """A body without an announced length is cut off, whatever the client goes on sending."""
    head = (
        b"POST /api/validate HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", open_gateway.port), timeout=10) as connection:
        connection.sendall(head)
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while sent < 64 * 1024 * 1024:
                connection.sendall(chunk)
                sent += len(chunk)
        assert sent < 16 * 1024 * 1024
    assert open_gateway.get("/health").status == 200


def test_chunks_above_the_limit(open_gateway):
    body = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer, _ = open_gateway.raw(
        b"POST /api/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + body * 20 + b"0\r\n\r\n"
    )
    assert statuses(answer) == [b"413"]


@pytest.mark.parametrize("length", range(0, 90, 7))
def test_request_cut_off(open_gateway, length):
    """At each place a client may leave."""
    data = (
        b"POST /api/validate HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 18\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", open_gateway.port)) as connection:
        connection.sendall(data[:length])
    assert open_gateway.get("/health").status == 200


def test_bytes_one_by_one(open_gateway):
    data = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", open_gateway.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.0005)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert statuses(answer) == [b"200"]
