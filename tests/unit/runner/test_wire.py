from __future__ import annotations

import socket
import threading
import time

import pytest

from hostwright.runner import wire


def ask(*answer: bytes, close: bool = True) -> wire.Reply:
    """Ask a server that says *answer*, piece by piece, whatever it is asked."""
    here, there = socket.socketpair()
    here.settimeout(5)

    def serve() -> None:
        there.recv(65_536)
        for piece in answer:
            there.sendall(piece)
            time.sleep(0.1 if len(answer) > 1 else 0)
        if close:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return wire.ask(here, "GET", "/")
    finally:
        thread.join()
        there.close()


@pytest.mark.parametrize("close", [True, False])
def test_a_body_ends_where_its_length_says(*, close: bool) -> None:
    reply = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", close=close)

    assert (reply.status, reply.body) == (200, b"hello")


@pytest.mark.parametrize("close", [True, False])
def test_a_chunked_body_is_joined(*, close: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    reply = ask(head + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", close=close)

    assert reply.body == b"hello!"


def test_content_that_looks_like_the_end_of_chunks_is_not_the_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    reply = ask(head, b"3\r\n0\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n")

    assert reply.body == b"0\r\nok"


def test_a_body_without_a_length_ends_where_the_other_side_closes() -> None:
    assert ask(b"HTTP/1.0 503 No\r\nX: y\r\n\r\nbusy") == wire.Reply(503, {"x": "y"}, b"busy")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_said_to_be_none(answer: bytes) -> None:
    with pytest.raises(wire.WireError):
        ask(answer)


def test_who_refuses_in_the_middle_of_a_long_body_is_still_heard() -> None:
    here, there = socket.socketpair()
    here.settimeout(5)

    def serve() -> None:
        there.recv(1000)
        there.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nfull")
        there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    reply = wire.ask(here, "POST", "/load", stream=[b"a" * 65_536] * 100, length=6_553_600)
    thread.join()

    assert reply == wire.Reply(500, {"content-length": "4"}, b"full")


def test_who_hangs_up_in_the_middle_of_a_long_body_without_a_word_is_not_http() -> None:
    here, there = socket.socketpair()
    here.settimeout(5)
    there.close()

    with pytest.raises((wire.WireError, OSError)):
        wire.ask(here, "POST", "/load", stream=[b"a" * 65_536] * 100, length=6_553_600)


def test_a_stream_is_sent_with_its_length() -> None:
    here, there = socket.socketpair()
    here.settimeout(5)
    received: list[bytes] = []

    def serve() -> None:
        while not b"".join(received).endswith(b"abc"):
            received.append(there.recv(65_536))
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    wire.ask(here, "POST", "/load", stream=[b"a", b"bc"], length=3)
    thread.join()
    there.close()

    assert b"Content-Length: 3\r\n" in b"".join(received)
