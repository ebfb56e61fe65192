"""Apply the ledger of exemptions to what was found."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.checks import exemptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.checks.finding import Finding
    from hostwright.render.blueprint import Blueprint
    from hostwright.report import Part

#: What a target has besides its roles: files, and services of its own.
BESIDES_ROLES = ("ops", "caddy", "postgres", "redis")


def judged(blueprint: Blueprint, parts: Sequence[Part]) -> Iterator[Part]:
    """The parts without what the ledger accepts; what is wrong with it joins the first."""
    path = blueprint.path(paths.EXEMPTIONS)
    document = exemptions.document(path, blueprint.shown(path))
    ledger, read = exemptions.read(document)
    applied = exemptions.apply(
        [finding for part in parts for finding in part.findings],
        ledger,
        document,
        judged=_looked_at(blueprint, parts),
        today=today(),
    )
    own, count = (*read.findings, *applied.faults), read.count
    for part in parts:
        yield _without(replace(part, checks=part.checks + count), applied.hidden, own)
        own, count = (), 0


def _without(part: Part, hidden: frozenset[Finding], own: tuple[Finding, ...]) -> Part:
    kept = [finding for finding in part.findings if finding not in hidden]
    accepted = tuple(finding for finding in part.findings if finding in hidden)
    return replace(part, findings=tuple(sorted((*kept, *own))), exempted=accepted)


def _looked_at(blueprint: Blueprint, parts: Sequence[Part]) -> set[str]:
    """Beginnings of the objects that exemptions are judged by.

    Where nothing could be rendered, and of roles that the application lacks, nothing can be said.
    """
    targets = [part.name for part in parts if part.rendered]
    items = (*BESIDES_ROLES, *blueprint.contract.roles)
    return {"ops", *(f"{target}/{item}" for target in targets for item in items)}


def today() -> dt.date:
    """The day on which exemptions are judged."""
    return dt.datetime.now(dt.UTC).date()
