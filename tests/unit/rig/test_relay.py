from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hostwright.rig.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def echo() -> Iterator[int]:
    """A server that sends back what one client sends, until that ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                while data := client.recv(65536):
                    client.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_everything_arrives_in_order_and_the_end_is_passed_on() -> None:
    sent = bytes(range(256)) * 4096
    got = bytearray()

    def send(client: socket.socket) -> None:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

    with (
        echo() as port,
        Relay("127.0.0.1", port, 0.01) as relay,
        socket.create_connection((relay.address, relay.port), timeout=10) as client,
    ):
        writer = threading.Thread(target=send, args=(client,))
        writer.start()
        while data := client.recv(65536):
            got += data
        writer.join()
    assert bytes(got) == sent


def test_a_question_and_its_answer_take_at_least_the_added_round_trip() -> None:
    with (
        echo() as port,
        Relay("127.0.0.1", port, 0.1) as relay,
        socket.create_connection((relay.address, relay.port), timeout=10) as client,
    ):
        for _ in range(2):
            start = time.monotonic()
            client.sendall(b"?")
            assert client.recv(1) == b"?"
            assert time.monotonic() - start >= 0.1


def test_closing_cuts_what_is_open() -> None:
    with echo() as port:
        relay = Relay("127.0.0.1", port, 0.0)
        with relay, socket.create_connection((relay.address, relay.port), timeout=10) as client:
            client.sendall(b"?")
            assert client.recv(1) == b"?"
            relay.close()
            assert client.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((relay.address, relay.port), timeout=10)
