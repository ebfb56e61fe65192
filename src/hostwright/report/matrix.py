"""Role by variable: what the rendered roles get, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hostwright.contract.models import Contract, TargetName, Variable
    from hostwright.render.model import Rendered, Source

#: After a source: the value is a secret and travels in a place for secrets.
LOCK = "*"
#: After a source: the value is a secret and can be read by whoever reads the configuration.
OPEN = "!"


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
