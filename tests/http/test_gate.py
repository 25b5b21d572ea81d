"""Requests that two readers could understand in two ways, byte by byte on a socket."""

import socket

import pytest

from imgjobd import PATIENCE, read_all

HOST = b"Host: x\r\n"


def status(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ", 2)[1])


def refused(answer, expected, words):
    assert status(answer) == expected, answer
    assert words in answer
    assert b"\r\nX-Request-Id: " in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert b"application/problem+json" in answer
    assert answer.count(b"HTTP/1.1 ") == 1, "one request, one answer"


@pytest.mark.parametrize("head, expected, words", [
    (HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n", 400, b"stands twice"),
    (HOST + b"Content-Length: 5abc\r\n", 400, b"1 to 10 digits"),
    (HOST + b"Content-Length: +5\r\n", 400, b"1 to 10 digits"),
    (HOST + b"Content-Length: -5\r\n", 400, b"1 to 10 digits"),
    (HOST + b"Content-Length: abc\r\n", 400, b"1 to 10 digits"),
    (HOST + b"Content-Length: 99999999999\r\n", 400, b"1 to 10 digits"),
    (HOST + b"Transfer-Encoding: chunked\r\n", 411, b"Transfer-Encoding"),
    (HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 411, b"Transfer-Encoding"),
    (HOST + b"Transfer-Encoding: identity\r\n", 411, b"Transfer-Encoding"),
    (HOST + HOST, 400, b"Host stands twice"),
    (b"", 400, b"Host is missing"),
    (HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n", 400, b"Upgrade"),
    (HOST + b"Expect: cake\r\n", 417, b"100-continue"),
    pytest.param(HOST + b"A: b\r\n" * 59, 431, b"60 headers are too many", id="sixty"),
    pytest.param(HOST + b"A: b\r\n" * 100, 431, b"headers are too many", id="hundred"),
    pytest.param(HOST + b"A: " + b"b" * 20000 + b"\r\n", 400, b"over 16384 bytes", id="long"),
])
def test_ambiguous_request_is_refused(server, head, expected, words):
    refused(server.raw(b"POST /jobs HTTP/1.1\r\n" + head + b"\r\n"), expected, words)


def test_fifty_nine_headers_are_fine(server):
    answer = server.raw(b"GET /health HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 58 + b"\r\n")
    assert status(answer) == 200


def test_old_client_without_a_host_is_served(server):
    assert status(server.raw(b"GET /health HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize("line", [b"nonsense", b"GET /health", b"GET /health HTTP/3.0",
                                  b"FROB /health HTTP/1.1", b"\0\0\0\0"])
def test_malformed_request_line_is_refused(server, line):
    answer = server.raw(line + b"\r\n" + HOST + b"\r\n")
    assert status(answer) in (400, 505)
    assert b"application/problem+json" in answer and b"\r\nX-Request-Id: " in answer


def test_connection_ends_after_one_answer(server):
    request = b"GET /health HTTP/1.1\r\n" + HOST + b"Connection: keep-alive\r\n\r\n"
    assert server.raw(request + request).count(b"HTTP/1.1 ") == 1


def test_body_is_never_run_as_a_second_request(server):
    smuggled = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    for head in (b"Content-Length: %d\r\n" % len(smuggled), b""):
        answer = server.raw(b"GET /health HTTP/1.1\r\n" + HOST + head + b"\r\n" + smuggled)
        assert answer.count(b"HTTP/1.1 ") == 1


def raw_submit(length, *more):
    return (b"POST /jobs?operation=resize&width=2&height=2 HTTP/1.1\r\n" + HOST +
            b"Content-Type: image/png\r\n" + b"".join(more) +
            b"Content-Length: %d\r\n\r\n" % length)


def test_body_shorter_than_promised_is_refused_and_dropped(server, png):
    before = server.files("uploads")
    answer = server.raw(raw_submit(len(png) + 1) + png, half_close=True)
    refused(answer, 400, b"the body ends after %d of %d bytes" % (len(png), len(png) + 1))
    assert server.files("uploads") == before


def test_client_that_goes_away_within_its_body_leaves_nothing(start, png):
    server = start()
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(raw_submit(5_000_000) + png)
    server.wait_for_line("POST /jobs 400")
    assert server.files("uploads") == set()


def test_slow_body_is_waited_for(server, png):
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (raw_submit(len(png))[:20], raw_submit(len(png))[20:], png[:3], png[3:9],
                      png[9:]):
            connection.sendall(piece)
        assert status(read_all(connection)) == 202


def test_body_is_asked_for_once_its_length_was_accepted(server, png):
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(raw_submit(len(png), b"Expect: 100-continue\r\n"))
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(png)
        assert status(read_all(connection)) == 202


def test_body_that_is_too_large_is_not_asked_for(server):
    with socket.create_connection(server.address, PATIENCE) as connection:
        connection.sendall(raw_submit(20_000_000, b"Expect: 100-continue\r\n"))
        assert status(read_all(connection)) == 413
