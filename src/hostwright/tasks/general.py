"""Tasks at the top: ``doctor`` and ``validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context


@command(
    iterable=["target", "var_file"],
    help={
        "target": "Only this target (may be repeated); what it lacks is then an error.",
        "host": "Names from hosts.yaml or addresses, separated by commas; all without it.",
        "var-file": "A file of inputs (.tfvars) whose domains are looked up; may be repeated.",
        "json": "Print one JSON document instead of a table.",
    },
)
def doctor(
    _: Context, target: list[str], var_file: list[str], host: str = "", json: bool = False
) -> int:
    """Say which tools, credentials and domains are here, and what each target still needs.

    Exit code 6 where something is missing. No credential is printed.

    Example: `invoke doctor --target vps --host shop`.
    """
    from hostwright import doctor as examination

    return examination.run(print, json=json, target=target, host=host, var_file=var_file)


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
