"""Role by variable: what the rendered roles get, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.contract.models import Contract, TargetName, Variable
    from hostwright.render.model import Rendered, Source

#: After a source: the value is a secret and travels in a place for secrets.
LOCK = "*"
#: After a source: the value is a secret and can be read by whoever reads the configuration.
OPEN = "!"


#: One letter a role, where several targets stand side by side.
INITIALS = {"api": "a", "web": "w", "worker": "k", "migrate": "m"}


class Row(NamedTuple):
    """One variable: role to where its value comes from; roles that do not get it are absent."""

    name: str
    secret: bool
    cells: dict[str, str]


def rows(contract: Contract, target: TargetName, rendered: Rendered) -> list[Row]:
    """The variables that reach a role, in the contract's order, then those it does not know."""
    names = {name for sources in rendered.roles.values() for name in sources}
    known = [name for name in contract.variables if name in names]
    return [
        _row(name, contract.variables.get(name), target, rendered)
        for name in [*known, *sorted(names - set(known))]
    ]


def _row(name: str, variable: Variable | None, target: TargetName, rendered: Rendered) -> Row:
    secret = variable is not None and variable.secret
    cells: dict[str, str] = {
        role: _cell(sources[name], variable, target, secret=secret)
        for role, sources in rendered.roles.items()
        if name in sources
    }
    return Row(name, secret, cells)


def _cell(source: Source, variable: Variable | None, target: TargetName, *, secret: bool) -> str:
    if source.kind == "literal" or variable is None:
        kind = "blueprint"
    else:
        kind = variable.source(target).kind
    lock = LOCK if source.secret_slot else OPEN
    return f"{kind}{lock if secret else ''}"


def combined(contract: Contract, every: Sequence[Rendered]) -> list[Row]:
    """Several targets in one: a cell is a target's, and says which roles get the variable.

    ``a-km*`` reads: api, worker and migrate, as a secret. A target on which nobody gets it has no
    cell.
    """
    tables = {item.target: rows(contract, item.target, item) for item in every}
    found = {row.name: row for table in tables.values() for row in table}
    known = [name for name in contract.variables if name in found]
    return [
        Row(name, found[name].secret, _of_targets(name, tables))
        for name in [*known, *sorted(found.keys() - set(known))]
    ]


def _of_targets(name: str, tables: Mapping[TargetName, Sequence[Row]]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for target, table in tables.items():
        row = next((item for item in table if item.name == name), None)
        if row:
            letters = [letter if role in row.cells else "-" for role, letter in INITIALS.items()]
            cells[target] = "".join(letters) + _mark(row)
    return cells


def _mark(row: Row) -> str:
    if not row.secret:
        return ""
    return OPEN if any(cell.endswith(OPEN) for cell in row.cells.values()) else LOCK
