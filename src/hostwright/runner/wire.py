"""HTTP/1.1 over a connected socket, no more than the runner needs.

``http.client`` would do, but importing it (with email and ssl behind it) takes longer than a
whole greeting may take. One request per connection; a reply ends where its length says so, or
where the other side closes.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHUNK = 65_536
#: No reply that the runner reads is larger; a runaway answer to a health probe is cut here.
_LARGEST = 64 << 20


class WireError(Exception):
    """The other side did not answer in HTTP."""


class Reply(NamedTuple):
    """A status, the headers by lower-case name, and the decoded body."""

    status: int
    headers: dict[str, str]
    body: bytes


def unix(path: str, timeout: float) -> socket.socket:
    """Connect to a unix socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def tcp(host: str, port: int, timeout: float) -> socket.socket:
    """Connect to an address."""
    return socket.create_connection((host, port), timeout)


def ask(  # noqa: PLR0913 - a request's parts are what they are
    connection: socket.socket,
    method: str,
    target: str,
    *,
    host: str = "localhost",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    stream: Iterable[bytes] | None = None,
    length: int = 0,
    largest: int = _LARGEST,
) -> Reply:
    """Send one request, read its reply, and close the connection.

    Args:
        connection: A connected socket; it is closed.
        method: GET, POST, DELETE.
        target: Path and query, already encoded.
        host: The Host header.
        headers: More headers.
        body: What to send.
        stream: What to send instead, in pieces.
        length: The sum of the pieces' lengths.
        largest: How many bytes of an answer are read.

    Raises:
        WireError: The answer is not HTTP.
        OSError: The connection failed, or nothing came in time.
    """
    total = len(body) if stream is None else length
    lines = {"Host": host, "Connection": "close", "Content-Length": str(total), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
        # Whoever refuses in the middle of a long body says why, and hangs up without reading on.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in stream or ():
                connection.sendall(piece)
        return _read(connection, largest)


def _read(connection: socket.socket, largest: int) -> Reply:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(_CHUNK)
        if not piece or len(data) > largest:
            raise WireError("no HTTP answer")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    status, headers = _head(head)
    body = _rest(connection, rest, headers, largest)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, _ = unchunk(body)
    return Reply(status, headers, body)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():  # noqa: PLR2004 - protocol and status
        raise WireError("no HTTP answer")
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _rest(connection: socket.socket, rest: bytes, headers: dict[str, str], largest: int) -> bytes:
    length = headers.get("content-length", "")
    wanted = min(int(length), largest) if length.isdigit() else largest
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    pieces, got = [rest], len(rest)
    while got < wanted and not (chunked and _ended(pieces)):
        piece = connection.recv(_CHUNK)
        if not piece:
            break
        pieces.append(piece)
        got += len(piece)
    return b"".join(pieces)


def _ended(pieces: list[bytes]) -> bool:
    # The last bytes alone could be a line of content that looks like the end: ask the parser then.
    return pieces[-1].endswith(b"0\r\n\r\n") and unchunk(b"".join(pieces))[1]


def unchunk(body: bytes) -> tuple[bytes, bool]:
    """The content of a body in chunked transfer coding as far as it came, and whether all came."""
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        size = body[at:end].split(b";")[0].strip() if end > 0 else b""
        try:
            length = int(size, 16)
        except ValueError:
            return b"".join(pieces), False
        if length == 0:
            return b"".join(pieces), True
        pieces.append(body[end + 2 : end + 2 + length])
        at = end + 2 + length + 2
