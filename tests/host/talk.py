"""The two ends that a run talks to, written down: a session with replies, and a listener."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

from tests.host.builders import KEY

from hostwright.transport import Address, Completed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.transport import Session


@dataclass
class Scripted:
    """Answers a command by the first key of *replies* that is part of it; else with success."""

    user: str
    replies: dict[str, Completed | Exception] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    connect_seconds: float = 0.01
    public_key: str = KEY
    address: Address = field(default_factory=lambda: Address("203.0.113.7"))

    def exec(
        self,
        command: str,
        stdin: bytes = b"",
        on_line: Callable[[str], object] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Completed:
        del stdin, progress
        self.commands.append(command)
        reply = next((value for key, value in self.replies.items() if key in command), None)
        if isinstance(reply, Exception):
            raise reply
        done = reply or Completed(0, "", "")
        for line in done.out.splitlines():
            if on_line:
                on_line(line)
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def as_session(scripted: Scripted) -> Session:
    """The same, for a type checker."""
    return cast("Session", scripted)


@dataclass
class Said:
    """Keeps what was said."""

    words: list[str] = field(default_factory=list)

    def begin(self, text: str) -> None:
        self.words.append(f"begin {text}")

    def end(self, text: str, seconds: float) -> None:
        assert seconds >= 0
        self.words.append(f"end {text}")

    def note(self, text: str) -> None:
        self.words.append(f"note {text}")

    def sent(self, done: int, whole: int) -> None:
        assert done <= whole
