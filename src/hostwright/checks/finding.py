"""What a check says when something is wrong, and how many things it looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Finding:
    """One fault in a blueprint.

    Args:
        check: Id of the check, kebab-case.
        target: The target it was found on; empty for what all targets share (the contract).
        file: Relative to the repository.
        line: From 1; 0 where no line can be named.
        role: Role, or service of the target itself (``caddy``, ``postgres``); empty if none.
        variable: Variable of the contract, or another thing with a name of its own (a volume);
            empty if none.
        message: What is wrong, one sentence without its full stop.
        remedy: What to do, one sentence.
    """

    check: str
    target: str
    file: str
    line: int
    role: str
    variable: str
    message: str
    remedy: str

    @property
    def object(self) -> str:
        """What an exemption names: ``vps/worker/REDIS_URL``; the file where there is no role."""
        parts = (self.target, self.role or self.file, self.variable)
        return "/".join(part for part in parts if part)

    @property
    def where(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def text(self) -> str:
        """Role, variable, what is wrong and what to do, without the place."""
        subject = ".".join(part for part in (self.role, self.variable) if part)
        return f"{subject + ': ' if subject else ''}{self.message}. {self.remedy}"

    def seen_in(self, view: str) -> Finding:
        """The same, saying in which view of the blueprint it was found."""
        return replace(self, message=f"{self.message} ({view})")

    def __str__(self) -> str:
        return f"{self.where}: {self.text} [{self.check}]"

    def __lt__(self, other: Finding) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[str, int, str, str, str, str, str]:
        return (
            self.file,
            self.line,
            self.target,
            self.check,
            self.role,
            self.variable,
            self.message,
        )


@dataclass(frozen=True)
class Checked:
    """The outcome of some checks: how many were made, and what they found."""

    count: int = 0
    findings: tuple[Finding, ...] = ()


def merged(outcomes: Iterable[Checked]) -> Checked:
    """Several outcomes as one; findings in order, each once."""
    parts = list(outcomes)
    found = {finding for part in parts for finding in part.findings}
    return Checked(sum(part.count for part in parts), tuple(sorted(found)))


def of_views(outcomes: Iterable[tuple[str, Checked]]) -> Checked:
    """Outcomes of the same checks on several views of one blueprint.

    A fault that several views show is told once, as the first of them shows it; its message ends
    in that view's name, if it has one.
    """
    count, told = 0, set[Finding]()
    found: list[Finding] = []
    for view, outcome in outcomes:
        count += outcome.count
        fresh = set(outcome.findings) - told
        told |= fresh
        found += [item.seen_in(view) if view else item for item in fresh]
    return Checked(count, tuple(sorted(found)))
