"""What the hosts of one command have in common while it runs: work that is done once for all.

Outside such a command nothing is shared, and everything is done where it is asked for.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

Made = TypeVar("Made")


class Crew:
    """The hosts of one command.

    Args:
        names: All of them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = set(names)
        self._arrived: set[str] = set()
        self._left: set[str] = set()
        self._refused: set[str] = set()
        self._changed = threading.Condition()
        self._made: dict[Hashable, _Once] = {}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What *make* gives, made by the first host that asks; the others wait for it."""
        with self._changed:
            entry = self._made.setdefault(key, _Once())
        return cast("Made", entry.get(make))

    def arrive(self, name: str) -> None:
        """Wait until every host's own files and values are in order.

        Raises:
            UserError: Those of another host are not.
        """
        with self._changed:
            self._arrived.add(name)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._names <= self._arrived | self._left)
            refused = sorted(self._refused)
        if refused:
            raise UserError(
                f"not begun: {', '.join(refused)} was refused before any host was touched",
                where=name,
                remedy="Correct that, or leave it out.",
            )

    def leave(self, name: str, *, failed: bool) -> None:
        """The host's work has ended."""
        with self._changed:
            if failed and name not in self._arrived:
                self._refused.add(name)
            self._left.add(name)
            self._changed.notify_all()


class _Once:
    """A value, or the failure to make it, for everybody who asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Any = None
        self._error: Exception | None = None
        self._done = False

    def get(self, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is made
        with self._lock:
            if not self._done:
                try:
                    self._value = make()
                except Exception as error:  # noqa: BLE001 - it is raised again, to each of them
                    self._error = error
                self._done = True
        if self._error is not None:
            raise self._error
        return self._value


class Member(NamedTuple):
    """One of a crew."""

    crew: Crew
    name: str


MEMBER: ContextVar[Member | None] = ContextVar("member", default=None)


def once(key: Hashable, make: Callable[[], Made]) -> Made:
    """What *make* gives; where several hosts are worked on, made once for all of them.

    Args:
        key: Equal where the results would be equal.
        make: Makes it; what it makes is not changed afterwards.
    """
    member = MEMBER.get()
    return member.crew.once(key, make) if member else make()


def checked() -> None:
    """Everything on this side is in order: begin when it is so for every host of the command.

    Raises:
        UserError: It is not so for another one; nothing was touched.
    """
    member = MEMBER.get()
    if member:
        member.crew.arrive(member.name)
