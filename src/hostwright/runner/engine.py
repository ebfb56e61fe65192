"""The Docker Engine, over its own socket.

A call takes a millisecond where the docker command takes forty. Everything returns plain JSON
values as the Engine documents them.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from . import wire
from .fault import unfit
from .layout import docker_socket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The newest Engine API that the runner knows; an older engine is spoken to in its own.
NEWEST_API = (1, 44)
#: Without a byte. A small server that is busy may take more than a minute to start a container.
_SECONDS = 180.0
#: How long Docker may take to know that a command in a container has ended.
_END_SECONDS, _LOOK_SECONDS = 10.0, 0.01
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~-"
_STREAM_HEADER = 8
_NOT_MODIFIED, _BAD, _MISSING = 304, 400, 404


class EngineError(Exception):
    """The Engine refused; its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Engine:
    """One Docker Engine.

    Args:
        socket: Its unix socket; the host's own where none is given.
    """

    def __init__(self, socket: str = "") -> None:
        self.socket = socket or docker_socket()
        self._prefix = ""

    def version(self) -> dict[str, Any]:
        """What it is.

        Raises:
            RunnerError: Nobody answers there.
        """
        try:
            reply = wire.ask(wire.unix(self.socket, _SECONDS), "GET", "/version")
        except (OSError, wire.WireError) as error:
            raise unfit(
                "Docker does not answer",
                where=self.socket,
                remedy="See `systemctl status docker` on the host.",
            ) from error
        answer: dict[str, Any] = json.loads(reply.body)
        self._prefix = f"/v{spoken(str(answer.get('ApiVersion', '1.41')))}"
        return answer

    def call(  # noqa: PLR0913 - a request's parts are what they are
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        *,
        send: object = None,
        headers: dict[str, str] | None = None,
        stream: Iterable[bytes] | None = None,
        length: int = 0,
        timeout: float = _SECONDS,
    ) -> wire.Reply:
        """One request.

        Args:
            method: GET, POST, DELETE.
            path: The path below the API version, encoded.
            query: Parameters.
            send: A value to send as JSON.
            headers: More headers.
            stream: Or raw content in pieces, *length* bytes in all.
            length: See *stream*.
            timeout: Seconds without a byte until it is given up.

        Raises:
            EngineError: The Engine said no.
        """
        if not self._prefix:
            self.version()
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        kind = "application/json" if stream is None else "application/x-tar"
        reply = wire.ask(
            wire.unix(self.socket, timeout),
            method,
            target,
            headers={"Content-Type": kind, **(headers or {})},
            body=b"" if send is None else json.dumps(send).encode(),
            stream=stream,
            length=length,
        )
        if reply.status >= _BAD:
            raise EngineError(reply.status, _message(reply.body))
        return reply

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """A JSON document."""
        return json.loads(self.call("GET", path, query).body)

    def find(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """A JSON document, or None where there is no such object."""
        try:
            return self.get(path)
        except EngineError as error:
            if error.status == _MISSING:
                return None
            raise

    # images

    def images(self) -> list[dict[str, Any]]:
        """All images that have a name or are used by one that has."""
        found: list[dict[str, Any]] = self.get("/images/json")
        return found

    def image(self, ref: str) -> dict[str, Any] | None:
        """One image by reference or id."""
        found: dict[str, Any] | None = self.find(f"/images/{quote(ref, safe='/:@')}/json")
        return found

    def load(self, pieces: Iterable[bytes], length: int) -> list[str]:
        """Load a ``docker save`` archive; what the Engine said it loaded, line by line."""
        reply = self.call(
            "POST", "/images/load", {"quiet": "1"}, stream=pieces, length=length, timeout=600
        )
        return [str(message.get("stream", "")).strip() for message in _messages(reply.body)]

    def pull(self, ref: str, headers: dict[str, str], silence: float) -> None:
        """Pull an image by digest.

        Args:
            ref: ``repository@sha256:…``.
            headers: The login, as the Engine takes it.
            silence: Seconds without a word of progress until it is given up.

        Raises:
            EngineError: The Engine or the registry refused.
        """
        repository, _, digest = ref.partition("@")
        wanted = {"fromImage": repository, "tag": digest}
        reply = self.call("POST", "/images/create", wanted, headers=headers, timeout=silence)
        _messages(reply.body)

    def remove_image(self, ref: str) -> None:
        """Remove one name of an image, and the image with its last name; never by force."""
        self.call("DELETE", f"/images/{quote(ref, safe='/:@')}")

    # containers

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        """All containers of a Compose project, or of all projects, running or not."""
        label = "com.docker.compose.project" + (f"={project}" if project else "")
        filters = json.dumps({"label": [label]})
        found: list[dict[str, Any]] = self.get("/containers/json", {"all": "1", "filters": filters})
        return found

    def container(self, name: str) -> dict[str, Any] | None:
        """Everything about one container."""
        found: dict[str, Any] | None = self.find(f"/containers/{quote(name)}/json")
        return found

    def running(self, name: str) -> bool:
        """Whether a container is there and runs."""
        found = self.container(name)
        return bool(found and found["State"]["Running"])

    def start(self, name: str) -> None:
        """Start a container; a running one stays as it is."""
        self.call("POST", f"/containers/{quote(name)}/start")

    def stop(self, name: str, seconds: int) -> None:
        """Ask a container to end, and kill it after *seconds*; a missing one is no fault."""
        self._calm(
            "POST", f"/containers/{quote(name)}/stop", {"t": str(seconds)}, seconds + _SECONDS
        )

    def remove(self, name: str) -> None:
        """Remove a container, running or not, with its anonymous volumes."""
        self._calm("DELETE", f"/containers/{quote(name)}", {"force": "1", "v": "1"}, _SECONDS)

    def wait(self, name: str, seconds: float) -> int:
        """The exit code of a container, once it ended.

        Raises:
            TimeoutError: It did not end in time.
        """
        reply = self.call("POST", f"/containers/{quote(name)}/wait", timeout=seconds)
        return int(json.loads(reply.body)["StatusCode"])

    def logs(self, name: str, lines: int, *, errors: bool = True) -> list[str]:
        """The last lines that a container wrote, oldest first."""
        query = {"stdout": "1", "stderr": "1" if errors else "0", "tail": str(lines)}
        try:
            reply = self.call("GET", f"/containers/{quote(name)}/logs", query)
        except (EngineError, OSError, wire.WireError):
            return []
        return demultiplex(reply.body).decode(errors="replace").splitlines()

    def execute(self, name: str, argv: Sequence[str], seconds: float) -> tuple[int, str]:
        """Run a command in a running container: its exit code and its output."""
        wanted = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
        made = self.call("POST", f"/containers/{quote(name)}/exec", send=wanted)
        identity = json.loads(made.body)["Id"]
        reply = self.call("POST", f"/exec/{identity}/start", send={}, timeout=seconds)
        code = self._exit_code(identity)
        return (-1 if code is None else int(code)), demultiplex(reply.body).decode(errors="replace")

    def _exit_code(self, identity: str) -> int | None:
        """How an exec ended: its output may be closed a moment before Docker knows that."""
        until = time.monotonic() + _END_SECONDS
        while True:
            told = self.get(f"/exec/{identity}/json")
            code: int | None = told.get("ExitCode")
            if not told.get("Running") or time.monotonic() > until:
                return code
            time.sleep(_LOOK_SECONDS)

    # networks and volumes

    def ensure_network(self, name: str, labels: dict[str, str]) -> None:
        """Make a network where it is missing."""
        if self.find(f"/networks/{quote(name)}") is None:
            wanted = {"Name": name, "Labels": labels, "CheckDuplicate": True}
            self.call("POST", "/networks/create", send=wanted)

    def ensure_volume(self, name: str, labels: dict[str, str]) -> None:
        """Make a volume where it is missing."""
        if self.find(f"/volumes/{quote(name)}") is None:
            self.call("POST", "/volumes/create", send={"Name": name, "Labels": labels})

    def _calm(self, method: str, path: str, query: dict[str, str], timeout: float) -> None:
        try:
            self.call(method, path, query, timeout=timeout)
        except EngineError as error:
            if error.status not in {_NOT_MODIFIED, _MISSING, 409}:
                raise


def quote(text: str, safe: str = "") -> str:
    """Encode a text for a path or a query; ``urllib`` would take longer to import than to use."""
    kept = _PLAIN + safe
    return "".join(
        character if character in kept else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in text
    )


def urlencode(query: dict[str, str]) -> str:
    """Encode parameters."""
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())


def spoken(newest: str) -> str:
    """The API version to speak with an engine whose newest is this."""
    major, _, minor = newest.partition(".")
    theirs = (int(major), int(minor or 0))
    return ".".join(str(part) for part in min(theirs, NEWEST_API))


def demultiplex(body: bytes) -> bytes:
    """Join the frames of a stream that carries stdout and stderr side by side."""
    pieces, at = [], 0
    while at + _STREAM_HEADER <= len(body):
        size = int.from_bytes(body[at + 4 : at + _STREAM_HEADER], "big")
        if body[at] > 2 or body[at + 1 : at + 4] != b"\0\0\0":  # noqa: PLR2004 - stdin, stdout, stderr
            return body  # a container with a terminal: there are no frames
        pieces.append(body[at + _STREAM_HEADER : at + _STREAM_HEADER + size])
        at += _STREAM_HEADER + size
    return b"".join(pieces)


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """The chain ids of an image's layers: what the host's layer store knows them by."""
    import hashlib

    chain: list[str] = []
    for diff in diff_ids:
        text = f"{chain[-1]} {diff}" if chain else ""
        digest = hashlib.sha256(text.encode()).hexdigest()
        chain.append(f"sha256:{digest}" if text else diff)
    return chain


def _messages(body: bytes) -> list[dict[str, Any]]:
    """What the Engine told of its progress, a JSON document a line.

    Raises:
        EngineError: It told of a failure: it had begun with "200 OK" by then.
    """
    messages = [json.loads(line) for line in body.splitlines() if line.strip()]
    for message in messages:
        if "error" in message:
            raise EngineError(500, str(message["error"]))
    return messages


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
