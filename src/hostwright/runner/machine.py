"""What to do about an operation, decided from the journal and the live link alone: pure tables.

The live link is the truth about who serves; the journal only says what was meant. Therefore

- before the rename, an operation whose owner died is taken back: nobody saw it;
- from the rename on, it is carried to its end: everybody sees it;
- the crash between the rename and its journal entry is recognised by the link;
- a link that names neither side was moved by somebody else: what it names is left alone.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from .phases import HEALTHY, SWITCHED, after, reached

if TYPE_CHECKING:
    from .journal import Journal


class Link(Enum):
    """Whom the live link names, seen from one operation."""

    NOBODY = "nobody"
    PREVIOUS = "the previous release"
    RELEASE = "the new release"
    OTHER = "another release"


class Step(Enum):
    """What the next command does first."""

    NOTHING = "nothing"
    BUSY = "busy"
    CONTINUE = "continue"
    REVERT = "revert"
    LEAVE = "leave"


class Decision(NamedTuple):
    """A step, and for CONTINUE the phases still to do.

    Attributes:
        step: What to do.
        phases: What is left to do, in order; empty unless continuing.
        why: The reason, for people.
    """

    step: Step
    phases: tuple[str, ...]
    why: str


def seen(link: str | None, release: str, previous: str | None) -> Link:
    """Whom the link names, from the operation's point of view."""
    if link is None:
        return Link.NOBODY
    if link == release:
        return Link.RELEASE
    return Link.PREVIOUS if link == previous else Link.OTHER


def decide(journal: Journal | None, *, owner_alive: bool, link: str | None) -> Decision:
    """What to do before anything else is done.

    Args:
        journal: The operation that is recorded, or None.
        owner_alive: Whether the process that began it still works on it.
        link: The release that the live link names, or None.
    """
    if journal is None:
        return Decision(Step.NOTHING, (), "no operation is open")
    if owner_alive:
        return Decision(Step.BUSY, (), "its owner is at work")
    named = seen(link, journal.release, journal.previous)
    if named is Link.OTHER:
        return Decision(Step.LEAVE, (), "the live link names a third release")
    if journal.reverting:
        return _taking_back(journal, named)
    if reached(journal.phase, SWITCHED):
        return _after_switch(journal, named)
    return _before_switch(journal, named)


def _before_switch(journal: Journal, named: Link) -> Decision:
    if named is not Link.RELEASE:
        return Decision(Step.REVERT, (), "its owner died before the switch")
    if journal.phase == HEALTHY:
        return Decision(Step.CONTINUE, after(SWITCHED), "its owner died just after the switch")
    return Decision(Step.LEAVE, (), "the live link names a release that was not ready to serve")


def _after_switch(journal: Journal, named: Link) -> Decision:
    if named is Link.RELEASE:
        return Decision(Step.CONTINUE, after(journal.phase), "its owner died after the switch")
    if named is Link.PREVIOUS:
        return Decision(Step.REVERT, (), "its owner died when it had switched back")
    return Decision(Step.CONTINUE, (SWITCHED, *after(SWITCHED)), "the live link is missing")


def _taking_back(journal: Journal, named: Link) -> Decision:
    if named is Link.RELEASE and journal.previous is None:
        return Decision(Step.LEAVE, (), "there is no release to go back to")
    return Decision(Step.REVERT, (), "its owner died while taking it back")
