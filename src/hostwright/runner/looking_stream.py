"""A connection to Docker that stays open: the log of a container, or a command in one."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, NamedTuple

from . import wire
from .engine import Engine, EngineError, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 65_536
_HEADER = 8
_SECONDS = 60.0
_REFUSED = 400
_LARGEST_HEAD = 65_536


class Frame(NamedTuple):
    """A piece of output: whether it is from standard error, and its bytes."""

    error: bool
    content: bytes


class Stream:
    """An open answer.

    Args:
        connection: Behind the answer's head.
        rest: What came with the head.
        framed: Whether standard output and standard error come in frames, side by side.
    """

    def __init__(self, connection: socket.socket, rest: bytes, *, framed: bool) -> None:
        self.connection = connection
        self.framed = framed
        self.ended = False
        self._rest = rest

    def fileno(self) -> int:
        """For select."""
        return self.connection.fileno()

    def close(self) -> None:
        """End it."""
        self.ended = True
        self.connection.close()

    def waiting(self) -> Iterator[Frame]:
        """What is there already, without asking for more."""
        if not self.framed:
            content, self._rest = self._rest, b""
            if content:
                yield Frame(error=False, content=content)
            return
        while len(self._rest) >= _HEADER:
            end = _HEADER + int.from_bytes(self._rest[4:_HEADER], "big")
            if len(self._rest) < end:
                return
            kind, content = self._rest[0], self._rest[_HEADER:end]
            self._rest = self._rest[end:]
            yield Frame(error=kind == 2, content=content)  # noqa: PLR2004 - Docker's number

    def read(self) -> Iterator[Frame]:
        """Wait for more, and give what is whole of it; ``ended`` says that it was the last."""
        yield from self.waiting()
        try:
            piece = self.connection.recv(_CHUNK)
        except TimeoutError:
            return
        if not piece:
            self.close()
            return
        self._rest += piece
        yield from self.waiting()

    def send(self, content: bytes) -> None:
        """Give the command some input."""
        self.connection.sendall(content)

    def end_input(self) -> None:
        """Say that there is no more input."""
        self.connection.shutdown(socket.SHUT_WR)


def logs(engine: Engine, name: str, query: dict[str, str], *, terminal: bool) -> Stream:
    """The log of a container.

    HTTP/1.0, so that the answer ends where the connection does: no chunks to take apart.

    Raises:
        EngineError: Docker refused.
    """
    wanted = {"stdout": "1", "stderr": "1", "timestamps": "1", **query}
    path = f"{_prefix(engine)}/containers/{name}/logs?{urlencode(wanted)}"
    head = f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n"
    return _open(engine, head.encode(), framed=not terminal)


def command(engine: Engine, identity: str, *, size: tuple[int, int] | None) -> Stream:
    """Start a command that was made ready, and hold both of its ends.

    Args:
        engine: Docker.
        identity: Its name for the command.
        size: Rows and columns of the command's terminal, where it has one.

    Raises:
        EngineError: Docker refused.
    """
    body = json.dumps({"Detach": False, "Tty": size is not None, **console(size)})
    head = (
        f"POST {_prefix(engine)}/exec/{identity}/start HTTP/1.1\r\nHost: docker\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    return _open(engine, head.encode(), framed=size is None)


def console(size: tuple[int, int] | None) -> dict[str, object]:
    """What Docker is told of a terminal that has a size."""
    return {"ConsoleSize": list(size)} if size and all(size) else {}


def _prefix(engine: Engine) -> str:
    from .engine import spoken

    return f"/v{spoken(str(engine.version().get('ApiVersion', '1.41')))}"


def _open(engine: Engine, request: bytes, *, framed: bool) -> Stream:
    connection = wire.unix(engine.socket, _SECONDS)
    try:
        connection.sendall(request)
        rest = _behind_head(connection)
    except BaseException:
        connection.close()
        raise
    connection.settimeout(None)
    return Stream(connection, rest, framed=framed)


def _behind_head(connection: socket.socket) -> bytes:
    """Read the head of an answer; what came with it of the body.

    Raises:
        EngineError: Docker refused.
        WireError: The answer is not HTTP.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(_CHUNK)
        if not piece or len(data) > _LARGEST_HEAD:
            raise wire.WireError("no HTTP answer")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1][:3].isdigit():  # noqa: PLR2004 - protocol and status
        raise wire.WireError("no HTTP answer")
    if int(words[1][:3]) >= _REFUSED:
        raise EngineError(int(words[1][:3]), _said(connection, rest))
    return rest


def _said(connection: socket.socket, rest: bytes) -> str:
    while piece := connection.recv(_CHUNK):
        rest += piece
        if rest.rstrip().endswith(b"}"):
            break
    start = rest.find(b"{")
    try:
        return str(json.loads(rest[start : rest.rfind(b"}") + 1])["message"])
    except (ValueError, KeyError, TypeError):
        return rest.decode(errors="replace")[:200]
