"""Drift for people: a row a finding, what to do about it once, the outcome in the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.drift.judge import Drift


def table(drift: Drift) -> Iterator[str]:
    """The findings, those with the same remedy together."""
    area = max((len(one.area) for one in drift.findings), default=0)
    where = max((len(one.where) for one in drift.findings), default=0)
    remedies = list(dict.fromkeys(one.remedy for one in drift.findings))
    for remedy in remedies:
        for one in drift.findings:
            if one.remedy == remedy:
                yield f"{one.area:<{area}}  {one.where:<{where}}  {one.what}"
        yield f"  {remedy}"


def last(drift: Drift, where: str) -> str:
    """How much, and what serves now."""
    count = len(drift.findings)
    how = f"{count} thing{'s' if count != 1 else ''} differ{'' if count != 1 else 's'}"
    words = how if count else "as deployed and provisioned"
    return f"{where}: {words}; serving now: {drift.serving or 'nothing'}"
