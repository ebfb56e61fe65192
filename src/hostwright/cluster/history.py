"""A release's revisions, and which of them a rollback means. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROLLBACK = re.compile(r"Rollback to (\d+)")
#: A revision that served once: what failed never did.
GOOD = frozenset({"deployed", "superseded"})


class Revision(NamedTuple):
    """One revision of a release, as Helm keeps it."""

    number: int
    status: str
    description: str
    updated: str

    @property
    def unfinished(self) -> bool:
        """Whether a command works on it, or was cut off."""
        return self.status.startswith(("pending", "uninstalling"))


def parse(answer: Sequence[Any]) -> tuple[Revision, ...]:
    """The revisions, oldest first."""
    found = (
        Revision(
            int(item["revision"]),
            str(item["status"]),
            str(item.get("description", "")),
            str(item.get("updated", "")),
        )
        for item in answer
    )
    return tuple(sorted(found))


def serving(history: Sequence[Revision]) -> Revision | None:
    """The revision that Helm has as deployed; None where none ever came up."""
    return next((item for item in reversed(history) if item.status == "deployed"), None)


def origin(history: Sequence[Revision], number: int) -> int:
    """The revision whose objects *number* has: a rollback makes a new revision of an old one."""
    known = {item.number: item for item in history}
    seen: set[int] = set()
    while number in known and number not in seen:
        seen.add(number)
        found = _ROLLBACK.match(known[number].description)
        if not found:
            break
        number = int(found[1])
    return number


def earlier(history: Sequence[Revision]) -> list[Revision]:
    """The good revisions that a rollback without a number may mean, the nearest first.

    Where the newest revision failed or was cut off, that is the one that is deployed; else those
    before what is deployed now. What was rolled back from is passed over.
    """
    deployed = serving(history)
    last = history[-1] if history else None
    if last and deployed and last.number > deployed.number:
        return [deployed]
    limit = origin(history, deployed.number) if deployed else (last.number if last else 0)
    older = (item for item in reversed(history) if item.number < limit)
    return [item for item in older if item.status in GOOD]


def between(history: Sequence[Revision], target: int) -> list[int]:
    """The revisions whose migrations *target* has not seen: all since its objects were made."""
    since = origin(history, target)
    return [item.number for item in history if item.number > since]
