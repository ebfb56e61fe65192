"""The client of the guest agent against a guest that answers as qemu's does."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from base64 import b64decode, b64encode
from typing import IO, TYPE_CHECKING, Any

import pytest

from hostwright.errors import ToolError
from hostwright.rig.agent import ONCE, TWICE, Agent, answer, ended, greeted
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Guest(threading.Thread):
    """Answers each request; its commands end at the second look."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.asked: list[dict[str, Any]] = []
        self.forever = False
        self.looks = 0
        #: What gets no answer the first time that it is asked.
        self.swallowed: set[str] = set()
        self.marks: set[str] = set()
        self.exit_code = 3
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(str(path))
        self.server.listen()

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed by the test
            while True:
                connection, _ = self.server.accept()
                with connection, connection.makefile("rb") as lines:
                    self.talk(connection, lines)

    def talk(self, connection: socket.socket, lines: IO[bytes]) -> None:
        for line in lines:
            if line.startswith(b"\xff"):
                # Of the conversation before: an error, and an answer to nobody.
                connection.sendall(b'{"error": {"desc": "invalid"}}\n{"return": -5}\n')
            asked = json.loads(line.lstrip(b"\xff"))
            self.asked.append(asked)
            told = self.answer(asked)
            if asked["execute"] in self.swallowed:
                self.swallowed.remove(asked["execute"])
            else:
                connection.sendall(json.dumps(told).encode() + b"\n")

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        given = asked.get("arguments", {})
        if asked["execute"] == "guest-sync":
            return {"return": given["id"]}
        if asked["execute"] == "guest-exec":
            return self.begin(given["arg"])
        self.looks += 1
        if self.forever or self.looks == 1:
            return {"return": {"exited": False}}
        out = b64encode(b"out\n").decode()
        return {"return": {"exited": True, "exitcode": self.exit_code, "out-data": out}}

    def begin(self, arg: list[str]) -> dict[str, Any]:
        if "missing" in arg:
            return {"error": {"desc": "no such file"}}
        if arg[:2] == ["-c", ONCE]:
            if arg[2] in self.marks:  # what the shell says then
                self.exit_code = TWICE
            self.marks.add(arg[2])
        return {"return": {"pid": 42}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.sock"


@pytest.fixture
def guest(path: Path) -> Iterator[Guest]:
    made = Guest(path)
    made.start()
    yield made
    made.server.shutdown(socket.SHUT_RDWR)
    made.join(10)
    made.server.close()


def test_a_command_is_run_to_its_end_after_what_was_left_over_is_dropped(
    guest: Guest, path: Path
) -> None:
    with Agent(path) as agent:
        done = agent.run(["cat", "-"], env=["A=1"], stdin=b"in")

    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "")
    given = guest.asked[1]["arguments"]
    assert (given["arg"][3:], given["env"]) == (["cat", "-"], ["A=1"])
    assert b64decode(given["input-data"]) == b"in"
    assert given["capture-output"] is True


def test_a_command_that_does_not_end_is_killed(guest: Guest, path: Path) -> None:
    guest.forever = True

    with Agent(path) as agent, pytest.raises(ToolError, match=r"no end within 0\.1 s"):
        agent.run(["sleep"], timeout=0.1)

    assert guest.asked[-1]["arguments"]["arg"] == ["-KILL", "42"]


def test_an_answer_that_is_lost_is_asked_for_again(guest: Guest, path: Path) -> None:
    guest.swallowed = {"guest-exec-status"}

    with Agent(path, patience=0.2) as agent:
        assert agent.run(["cat"]).stdout == "out\n"

    assert [one["execute"] for one in guest.asked].count("guest-exec") == 1


def test_a_command_whose_start_was_not_answered_is_not_run_twice(guest: Guest, path: Path) -> None:
    guest.swallowed = {"guest-exec"}

    with Agent(path, patience=0.2) as agent, pytest.raises(ToolError, match="answer was lost"):
        agent.run(["cat"])

    assert len(guest.marks) == 1


def test_a_mark_keeps_the_shell_from_running_a_command_again(tmp_path: Path) -> None:
    line = ["/bin/sh", "-c", ONCE, str(tmp_path / "mark"), "echo", "a  b"]

    first, second = (run(line, check=False) for _ in range(2))

    assert (first.exit_code, first.stdout) == (0, "a  b\n")
    assert (second.exit_code, second.stdout) == (TWICE, "")


@pytest.mark.usefixtures("guest")
def test_what_the_agent_refuses_is_said(path: Path) -> None:
    with Agent(path) as agent, pytest.raises(ToolError, match="no such file"):
        agent.run(["missing"])


def test_nobody_there_is_an_error_of_its_own(path: Path) -> None:
    with pytest.raises(ToolError, match="does not answer"), Agent(path):
        pass


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        (b'{"return": 7}\n', True),
        (b'\xff{"return": 7}\n', True),
        (b'{"return": 6}\n', False),
        (b'{"return": {}}\n', False),
        (b'{"error": {"desc": "x"}}\n', False),
        (b"half a li", False),
        (b"[7]\n", False),
    ],
)
def test_only_the_answer_to_our_own_greeting_counts(line: bytes, heard: bool) -> None:  # noqa: FBT001 - a table
    assert greeted(line, 7) is heard


def test_an_agent_that_hangs_up_has_not_answered() -> None:
    with pytest.raises(ToolError, match="hung up"):
        answer(b"")


def test_a_command_that_a_signal_ended_has_the_code_of_a_shell() -> None:
    assert ended(["x"], {"exited": True, "signal": 9}).exit_code == 137
