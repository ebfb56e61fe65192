"""The laptop's side of the runner's protocol: what is written, and what becomes of each answer."""

from __future__ import annotations

import getpass
import json
import os
import pwd
from typing import TYPE_CHECKING, Any

import pytest

from hostwright import errors, remote
from hostwright.errors import HostError, HostwrightError, RunnerError, Unreachable, UserError
from hostwright.remote import Runner, actor, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = {"event": "hello", "runner": "abc", "serving": None}
FAMILY = remote._family(HostwrightError)  # noqa: SLF001 - the tree as the module walks it
CODES = sorted({error.exit_code for error in FAMILY})


class Wire:
    """A session whose one command answers from a script and keeps what it is sent."""

    address = "root@box:22"

    def __init__(self, *lines: object, ended: tuple[int, str] | Unreachable = (0, "")) -> None:
        self.said = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.ended = ended
        self.commands: list[str] = []
        self.sent: list[bytes] = []
        self.closed = False
        self.gone = False

    def open(self, command: str) -> Wire:
        self.commands.append(command)
        return self

    def read_line(self) -> str | None:
        return self.said.pop(0) if self.said else None

    def lines(self) -> Iterator[str]:
        while (line := self.read_line()) is not None:
            yield line

    def send(self, data: bytes, progress: Callable[[int], object] | None = None) -> None:
        if self.gone:
            raise Unreachable("the connection was lost while sending")
        self.sent.append(data)
        if progress:
            progress(len(data))

    def finish(self) -> tuple[int, str]:
        if isinstance(self.ended, Unreachable):
            raise self.ended
        return self.ended

    def close(self) -> None:
        self.closed = True


def talk(wire: Wire) -> Runner:
    return Runner(wire, "shop")  # type: ignore[arg-type] # it has what is used of a session


def test_the_runner_is_started_by_sudo_without_a_prompt_and_nothing_secret_in_sight() -> None:
    wire = Wire(HELLO)
    with talk(wire) as runner:
        assert runner.hello == HELLO
    assert wire.commands == ["sudo -n /usr/local/sbin/hostwright-runner session --app shop"]
    assert wire.closed


def test_a_small_request_and_its_bytes_are_one_write() -> None:
    wire = Wire(HELLO)
    talk(wire).send({"do": "deploy", "actor": "me"}, b"x" * 1000)
    [sent] = wire.sent
    line, _, payload = sent.partition(b"\n")
    assert json.loads(line) == {"do": "deploy", "actor": "me", "bytes": 1000}
    assert payload == b"x" * 1000


def test_a_request_without_bytes_says_nothing_of_them() -> None:
    wire = Wire(HELLO)
    talk(wire).send({"do": "status"})
    assert wire.sent == [b'{"do": "status"}\n']


def test_large_bytes_follow_their_line_and_report_progress() -> None:
    wire, seen = Wire(HELLO), list[tuple[int, int]]()
    large = b"x" * ((1 << 20) + 1)
    talk(wire).send({"do": "images"}, large, lambda done, whole: seen.append((done, whole)))
    assert json.loads(wire.sent[0]) == {"do": "images", "bytes": len(large)}
    assert wire.sent[1:] == [large]
    assert seen == [(len(large), len(large))]


def test_events_end_with_the_last_one_asked_for() -> None:
    wire = Wire(HELLO, {"event": "note"}, {"event": "done"}, {"event": "later"})
    assert [event["event"] for event in talk(wire).events("done")] == ["note", "done"]
    assert len(wire.said) == 1


LOST = Unreachable("the connection was lost")
ACCEPTED = {"event": "accepted", "pid": 7}
GOES_ON = "; the work goes on at the host"
TRACEBACK = "Traceback (most recent call last):\nOSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("said", "ended", "kind", "what"),
    [
        ((ACCEPTED,), LOST, Unreachable, f"the connection was lost{GOES_ON}"),
        ((), LOST, Unreachable, "the connection was lost"),
        ((), (1, ""), RunnerError, "the runner ended early (exit code 1)"),
        ((), (-1, ""), RunnerError, "the runner ended early (a signal)"),
        (
            (),
            (1, TRACEBACK),
            RunnerError,
            f"the runner ended early (exit code 1): {TRACEBACK.strip()}",
        ),
        (
            (ACCEPTED, {"event": "begin", "phase": "PREPARED"}),
            (1, TRACEBACK),
            RunnerError,
            f"the runner ended early (exit code 1){GOES_ON}: {TRACEBACK.strip()}",
        ),
    ],
)
def test_an_end_that_came_too_soon_is_told_as_what_it_was(
    said: tuple[object, ...],
    ended: tuple[int, str] | Unreachable,
    kind: type[HostError],
    what: str,
) -> None:
    with pytest.raises(kind) as caught:
        list(talk(Wire(HELLO, *said, ended=ended)).events("done"))
    assert (type(caught.value), caught.value.what) == (kind, what)
    assert caught.value.where == "root@box:22"
    assert "vps.status" in caught.value.remedy
    assert caught.value.remedy.startswith("Run it again") == (GOES_ON not in what)


@pytest.mark.parametrize(("ended", "kind"), [(LOST, Unreachable), ((1, TRACEBACK), RunnerError)])
def test_a_runner_that_takes_no_more_is_not_a_lost_connection(
    ended: tuple[int, str] | Unreachable, kind: type[HostError]
) -> None:
    wire = Wire(HELLO, ended=ended)
    runner = talk(wire)
    wire.gone = True
    with pytest.raises(kind) as caught:
        runner.send({"do": "deploy"}, b"x" * 1000)
    assert ("No space left" in caught.value.what) == (kind is RunnerError)


def test_a_failure_ends_the_events_as_an_error_of_its_class() -> None:
    failed = {"event": "failed", "code": 18, "what": "api is not healthy", "phase": "HEALTHY"}
    with pytest.raises(errors.ReleaseError, match="api is not healthy"):
        list(talk(Wire(HELLO, failed)).events("done"))


def test_a_failure_instead_of_a_greeting_is_an_error_of_its_class() -> None:
    with pytest.raises(errors.Busy, match="another command"):
        talk(Wire({"event": "failed", "code": 16, "what": "another command holds the lock"}))


def test_no_answer_shows_what_the_host_said_and_names_provisioning() -> None:
    wire = Wire(ended=(1, "sudo: hostwright-runner: command not found\n"))
    with pytest.raises(RunnerError, match=r"\(exit code 1\): sudo: .* not found") as refused:
        talk(wire)
    assert "vps.provision" in refused.value.remedy


@pytest.mark.parametrize("line", ["We trust you have received the usual lecture", "[]", "{}", "7"])
def test_an_answer_that_is_no_event_is_the_runners_fault(line: str) -> None:
    with pytest.raises(RunnerError, match="unexpected answer"):
        talk(Wire(line))
    with pytest.raises(RunnerError, match="unexpected answer"):
        list(talk(Wire(HELLO, line)).events("done"))


@pytest.mark.parametrize("code", CODES)
def test_every_exit_code_comes_back_as_the_class_that_defines_it(code: int) -> None:
    kind = type(failure({"what": "x", "code": code}, "box"))
    assert kind.exit_code == code
    assert "exit_code" in vars(kind)


@pytest.mark.parametrize(
    ("code", "kind"), [(2, UserError), (99, HostError), (None, HostwrightError)]
)
def test_a_code_is_never_read_as_a_special_class_that_shares_it(
    code: int | None, kind: type[HostwrightError]
) -> None:
    from hostwright.release.blueprint import BlueprintError  # inherits UserError's code

    assert BlueprintError.exit_code == UserError.exit_code
    assert type(failure({"what": "x", "code": code}, "box")) is kind


def test_a_failure_tells_phase_log_remedy_and_what_serves_now() -> None:
    event: dict[str, Any] = {
        "code": 18,
        "what": "api is not ready",
        "where": "api",
        "phase": "HEALTHY",
        "remedy": "Look at its log.",
        "log": ["Traceback", "KeyError: '\x1b[2JX'"],
        "serving": "r1",
    }
    assert str(failure(event, "box")).splitlines() == [
        "box: api: api is not ready (HEALTHY)",
        "    Traceback",
        "    KeyError: '?[2JX'",
        "  Look at its log.",
        "  Serving now: r1.",
    ]


def test_a_failure_with_nothing_behind_it_says_that_nothing_serves() -> None:
    assert str(failure({"what": "no disk", "code": 15}, "box")).splitlines() == [
        "box: no disk",
        "  Nothing serves yet.",
    ]


def test_the_audit_log_is_told_who_types() -> None:
    user, _, machine = actor().partition("@")
    assert user
    assert machine


def test_somebody_without_a_name_is_a_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert actor().startswith(f"uid {os.getuid()}@")


def test_so_it_is_where_python_says_that_in_its_newer_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> None:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert actor().startswith(f"uid {os.getuid()}@")
