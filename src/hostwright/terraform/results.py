"""What Terraform's commands give. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.terraform import diagnostics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.terraform.diagnostics import Diagnostic
    from hostwright.terraform.plan import Plan

Status = Literal["pass", "fail", "error", "skip"]


class Planned(NamedTuple):
    """What planning gave: a plan, or the errors that there is none for."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


class Run(NamedTuple):
    """One ``run`` block of a test file, with what was said of it."""

    file: str
    name: str
    status: Status
    diagnostics: tuple[Diagnostic, ...]


class Tested(NamedTuple):
    """What the tests gave; *diagnostics* are those that belong to no run."""

    runs: tuple[Run, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        """Whether there are runs, and all passed."""
        fine = all(each.status == "pass" for each in self.runs)
        return bool(self.runs) and fine and not diagnostics.errors(self.diagnostics)


def tested(stream: str) -> Tested:
    """Read the stream of ``terraform test -json``."""
    events = list(diagnostics.events(stream))
    said = [event for event in events if event.get("diagnostic")]
    runs = tuple(
        Run(run["path"], run["run"], run["status"], _of(said, run))
        for event in events
        # A run is told of when it starts, while it runs, and when it is complete.
        if (run := event.get("test_run", {})).get("progress") == "complete"
    )
    names = {(run.file, run.name) for run in runs}
    rest = (event for event in said if _place(event) not in names)
    return Tested(runs, tuple(diagnostics.from_json(event["diagnostic"]) for event in rest))


def _of(said: Iterable[dict[str, Any]], run: dict[str, Any]) -> tuple[Diagnostic, ...]:
    mine = (event for event in said if _place(event) == (run["path"], run["run"]))
    return tuple(diagnostics.from_json(event["diagnostic"]) for event in mine)


def _place(event: dict[str, Any]) -> tuple[str, str]:
    return event.get("@testfile", ""), event.get("@testrun", "")
