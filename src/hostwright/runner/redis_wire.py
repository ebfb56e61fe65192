"""A few commands to the base's Redis, over its own protocol: a password is nobody's argument."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from . import wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Sequence

PORT = 6379
_SECONDS = 10.0
_LONGEST = 4096


class RedisError(Exception):
    """Redis refused; its words are left out, as they may quote what was sent."""


def say(address: str, passwords: Iterable[str], commands: Iterable[Sequence[str]]) -> None:
    """Log in with the first of *passwords* that is taken, and have each command answered by OK.

    Raises:
        RedisError: No password was taken, or a command was refused.
        OSError: It does not answer.
    """
    with contextlib.closing(wire.tcp(address, PORT, _SECONDS)) as connection:
        if not any(_accepted(connection, ("AUTH", password)) for password in passwords):
            raise RedisError("it takes none of the passwords")
        for words in commands:
            if not _accepted(connection, words):
                raise RedisError(f"it refused {words[0]}")


def _accepted(connection: socket.socket, words: Sequence[str]) -> bool:
    connection.sendall(encoded(words))
    answer = b""
    while not answer.endswith(b"\r\n"):
        piece = connection.recv(_LONGEST)
        if not piece or len(answer) > _LONGEST:
            raise RedisError("it broke off")
        answer += piece
    return answer == b"+OK\r\n"


def encoded(words: Sequence[str]) -> bytes:
    """A command as it travels: whatever its words hold, they stay words."""
    parts = [word.encode() for word in words]
    body = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%s" % (len(parts), body)
