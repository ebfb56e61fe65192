"""The contract for people: one thing in full, a file's problems, the matrix as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright.contract.rules import near
from hostwright.contract.values import Problem, Request, resolve
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.contract.matrix import Row
    from hostwright.contract.models import Contract, Model, Profile, TargetName


#: One letter a role, so that the matrix fits a terminal.
INITIALS = {"api": "a", "web": "w", "worker": "k", "migrate": "m"}


def show(contract: Contract, name: str) -> str:
    """What the contract says of *name*: a variable, role, target, input or output; or of all.

    Raises:
        UserError: It says nothing of it.
    """
    if not name:
        return _overview(contract)
    sections: tuple[Mapping[Any, Model], ...] = (
        contract.variables,
        contract.roles,
        contract.targets,
        contract.inputs,
        contract.outputs,
    )
    for section in sections:
        if name in section:
            return _described(name, section[name])
    known = [key for section in sections for key in section]
    raise UserError(f"the contract says nothing of {name!r}", remedy=near(name, known))


def _overview(contract: Contract) -> str:
    lines = [f"{contract.application}, contract version {contract.version}", ""]
    for role, spec in contract.roles.items():
        count = len(contract.of_role(role))
        port = f"port {spec.port}, " if spec.port else ""
        lines.append(f"  {role:<8} {spec.kind:<8} {port}{count} variables")
    secret = sum(item.secret for item in contract.variables.values())
    return "\n".join([*lines, "", f"{len(contract.variables)} variables, {secret} of them secret"])


def _described(name: str, model: Model) -> str:
    import yaml

    body = model.model_dump(mode="json", exclude_defaults=True)
    sources = body.pop("sources", {})
    text = yaml.safe_dump({name: body}, sort_keys=False, allow_unicode=True)
    kept = getattr(model, "sources", {})
    lines = [f"    {target}: {kept[target]}" for target in sources]
    return text.rstrip() + ("\n  sources:\n" + "\n".join(lines) if lines else "")


def problems_of(
    contract: Contract, env_file: str, target: TargetName, profile: Profile
) -> list[Problem]:
    """Everything to correct in an env file, without asking a host.

    Raises:
        ValuesError: The file cannot be read as it stands.
    """
    from hostwright.secrets import from_file, of_roles

    given = of_roles(from_file(Path(env_file)), target)
    request = Request(
        target, profile, given, inputs={"environment": profile}, composed=None, where=env_file
    )
    return resolve(contract, request).problems


def print_matrix(rows: Sequence[Row]) -> None:
    """The matrix as a table that fits the terminal: sources fold, names do not."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("variable", overflow="fold")
    table.add_column("roles", no_wrap=True)
    for target in rows[0].sources if rows else ():
        table.add_column("k8s" if target == "kubernetes" else target, min_width=8)
    for row in rows:
        roles = "".join(INITIALS[role] if role in row.roles else "-" for role in INITIALS)
        mark = "*" if row.secret else ""
        table.add_row(f"{row.name}{mark}", roles, *row.sources.values())
    console = Console()
    console.print(table)
    console.print("* secret; roles: a api, w web, k worker, m migrate", style="dim")
