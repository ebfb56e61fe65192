"""Commands in a virtual machine through its guest agent: no network and no sshd is needed.

One JSON document a line, over the UNIX socket that qemu connects to a port of the machine. See
"QEMU Guest Agent Protocol Reference" in qemu's documentation.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Self

from hostwright.errors import ToolError
from hostwright.run import Completed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

#: Seconds between two looks at a command that runs.
LOOK = 0.05
#: An agent that answers at all does so within this, in seconds: the machine is emulated, and may
#: get next to nothing of a busy processor.
ANSWER_SECONDS = 100.0
#: How often something is asked: an answer, or a question, may get lost with its connection.
TRIES = 3
#: Runs a command unless that mark is there: what was asked twice is not done twice.
ONCE = 'mkdir "$0" || exit 199; exec "$@"'
TWICE = 199
_NUMBERS = count(1)


@dataclass
class Agent:
    """A connection to a guest agent, as a context manager; one at a time gets answers.

    Attributes:
        path: The socket that qemu made.
        patience: Seconds to wait for any one answer.
    """

    path: Path
    patience: float = ANSWER_SECONDS

    def __enter__(self) -> Self:
        """Connect, and throw away what is left of an earlier conversation.

        Raises:
            ToolError: Nobody answers.
        """
        self._connect()
        return self

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self.patience)
        try:
            self._socket.connect(str(self.path))
            self._lines: IO[bytes] = self._socket.makefile("rb")
            self._greet(next(_NUMBERS))
        except (OSError, ToolError) as error:
            self._socket.close()
            raise ToolError(f"the guest agent does not answer: {error}", where="qemu") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
        self._socket.close()

    def ask(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """One request, or the same one again where no answer comes, and its answer.

        Raises:
            ToolError: The agent refused it, went away or never answered.
        """
        for _ in range(TRIES):
            try:
                self._send(command, arguments)
                return answer(self._lines.readline())
            except OSError:
                self._close()
                self._connect()
        raise ToolError(f"no answer, asked {TRIES} times", where=f"guest agent, {command}")

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Sequence[str] = (),
        stdin: bytes | None = None,
        timeout: float = 120.0,
    ) -> Completed:
        """Run a command as root and wait for its end; it is killed when that does not come.

        Raises:
            ToolError: The command could not be started, or did not end in time.
        """
        given = {"input-data": b64encode(stdin).decode()} if stdin is not None else {}
        once = ["-c", ONCE, f"/run/hostwright-rig.{secrets.token_hex(8)}"]
        words = {"path": "/bin/sh", "arg": [*once, *argv], "env": list(env), **given}
        began = time.monotonic()
        pid = int(self.ask("guest-exec", **words, **{"capture-output": True})["pid"])
        while not (told := self.ask("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() - began > timeout:
                self.ask("guest-exec", path="/bin/kill", arg=["-KILL", str(pid)])
                raise ToolError(f"no end within {timeout:g} s", where=shown(argv))
            time.sleep(LOOK)
        done = ended(argv, told)
        if done.exit_code == TWICE:
            raise ToolError("it ran, and its answer was lost", where=shown(argv))
        return done

    def tell(self, command: str, **arguments: Any) -> None:  # noqa: ANN401 - JSON
        """A request that has no answer where it succeeds."""
        self._send(command, arguments)

    def _greet(self, number: int) -> None:
        # A byte that JSON cannot have makes the agent drop what it has read so far; the answers to
        # that, and to whatever was asked before, come first.
        self._socket.sendall(b"\xff")
        self._send("guest-sync", {"id": number})
        while line := self._lines.readline():
            if greeted(line, number):
                return
        raise ToolError("it hung up")

    def _send(self, command: str, arguments: dict[str, Any]) -> None:
        given = {"arguments": arguments} if arguments else {}
        self._socket.sendall(json.dumps({"execute": command, **given}).encode() + b"\n")


def greeted(line: bytes, number: int) -> bool:
    """Whether a line is the answer to the greeting with that number."""
    try:
        value = json.loads(line.lstrip(b"\xff"))
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("return") == number


def answer(line: bytes) -> Any:  # noqa: ANN401 - JSON
    """What an answer brings.

    Raises:
        ToolError: It is an error, or none came.
    """
    if not line:
        raise ToolError("the guest agent hung up", where="qemu")
    value = json.loads(line)
    if "error" in value:
        raise ToolError(str(value["error"].get("desc", value["error"])), where="guest agent")
    return value["return"]


def ended(argv: Sequence[str], told: dict[str, Any]) -> Completed:
    """How a command ended; one that a signal ended has the code that a shell would give it."""
    code = told["exitcode"] if "exitcode" in told else 128 + int(told["signal"])
    out, err = (
        b64decode(told.get(name, "")).decode(errors="replace") for name in ("out-data", "err-data")
    )
    return Completed(tuple(argv), int(code), out, err)
