"""Tasks at the top: ``doctor`` and ``validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(help={"json": "Print one JSON document instead of a table."})
def doctor(_: Context, json: bool = False) -> int:
    """Say which tools are used, which versions, from where, and what is missing."""
    from hostwright import doctor as examination

    return examination.run(json=json, say=print)


@command(
    iterable=["target"],
    help={
        "target": "Only this target (may be repeated); all that exist without it.",
        "json": "Also write the report as JSON to this file.",
    },
)
def validate(_: Context, target: list[str], json: str = "") -> int:
    """Prove blueprints against the contract: what `nox -s validate` runs."""
    from hostwright.validate import run

    return run(target, json)
