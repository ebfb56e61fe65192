"""Rules that are a row of a table: one attribute of one type of resource has one of some values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Plan, Resource


class View(Protocol):
    """What a cloud's checks look at, as far as these rules need it."""

    @property
    def plan(self) -> Plan:
        """The planned blueprint."""

    @property
    def production(self) -> bool:
        """Whether the profile that asks for the most was planned."""

    def finding(
        self, check: str, at: Resource | str, message: str, remedy: str, *, variable: str = ""
    ) -> Finding:
        """A finding at a resource."""


@dataclass(frozen=True)
class Must:
    """An attribute that must have one of some values.

    Args:
        check: Id of the check.
        type: Of the resources that have it.
        path: Where it is in them.
        wanted: The values that do.
        why: What happens with any other, as the end of a sentence.
        remedy: What to do.
        production: Whether only that profile asks for it.
    """

    check: str
    type: str
    path: str
    wanted: tuple[Any, ...]
    why: str
    remedy: str
    production: bool = False


def musts(view: View, table: tuple[Must, ...]) -> Iterator[Finding]:
    """Every row that a planned resource does not keep."""
    for row in table:
        if row.production and not view.production:
            continue
        argument = row.path.rpartition(".")[2]
        for resource in view.plan.of_type(row.type):
            value = resource.get(row.path)
            # 1 is not true, though Python says so.
            if not any(value == each and type(value) is type(each) for each in row.wanted):
                yield view.finding(
                    row.check,
                    resource,
                    f"has {argument} = {_shown(resource, row.path, value)}: {row.why}",
                    row.remedy,
                    variable=argument,
                )


def _shown(resource: Resource, path: str, value: object) -> str:
    if value is None or resource.decides(path):
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else repr(value)
