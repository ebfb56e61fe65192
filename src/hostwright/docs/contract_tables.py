"""Tables of the contract: of one target, of the secrets providers, and all of it in small. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.contract.chart import value_path
from hostwright.contract.matrix import rows
from hostwright.contract.values import Request, complete, expected
from hostwright.docs.markdown import NOTHING, code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.contract.models import Contract, Input, RoleName, TargetName, Variable

_PROVIDER = "SECRETS_PROVIDER"
_PROVIDER_INPUT = "secrets_provider"


# --- one target ----------------------------------------------------------------------------------


def variables_on(contract: Contract, target: TargetName) -> Iterator[str]:
    """What each variable is on *target*, and who gets it."""
    return table(
        ("role", "variable", "secret", "required", "when", "source"),
        (
            (
                ", ".join(row.roles),
                code(row.name),
                "yes" if row.secret else "",
                row.required,
                row.when,
                row.sources[target],
            )
            for row in rows(contract, target=target)
        ),
    )


def inputs_on(contract: Contract, target: TargetName) -> Iterator[str]:
    """The canonical inputs that *target* knows."""
    return table(
        ("input", f"on {target}", "type", "default", "meaning"),
        (
            (
                code(name),
                own_name(name, item, target),
                kind(item),
                default(item, target),
                item.meaning,
            )
            for name, item in contract.inputs.items()
            if target in item.targets
        ),
    )


def own_name(name: str, item: Input, target: TargetName) -> str:
    """What *target* itself calls an input, where that is another word."""
    chart = code(value_path(name)) if target == "kubernetes" else ""
    return item.alias.get(target) or chart


def kind(item: Input) -> str:
    """The type of an input, and how it is kept where it is a secret."""
    kept = ", ephemeral" if item.ephemeral else ", sensitive" if item.sensitive else ""
    return item.type + kept


def default(item: Input, target: TargetName) -> str:
    """What holds where an input is not given."""
    value = item.default_on(target)
    if value is not None:
        return code(value)
    return f"as `{item.fallback}`" if item.fallback else "unset"


def outputs(contract: Contract) -> Iterator[str]:
    """What a cloud's stack tells after an apply."""
    return table(
        ("output", "meaning"),
        ((code(name), item.meaning) for name, item in contract.outputs.items()),
    )


# --- secrets providers ---------------------------------------------------------------------------


def secrets_by_provider(contract: Contract) -> Iterator[str]:
    """Which variables each value of SECRETS_PROVIDER asks for."""
    choice = contract.variables.get(_PROVIDER)
    providers = choice.allowed if choice else ()
    asked = [
        (f"`{name}`{' •' if item.secret else ''}", *(_asked(item, one) for one in providers))
        for name, item in contract.variables.items()
        if any(_PROVIDER in condition for condition in item.when)
    ]
    return table(
        ("variable", *map(code, providers)),
        [("may be chosen on", *(_where(contract, choice, one) for one in providers)), *asked],
    )


def _asked(item: Variable, provider: str) -> str:
    """Whether *provider* asks for the variable, and on what else that depends."""
    conditions = [each for each in item.when if provider in each.get(_PROVIDER, ())]
    if not conditions:
        return NOTHING
    word = "required" if item.required else "optional"
    others = {
        f"{name}={'/'.join(values)}"
        for each in conditions
        for name, values in each.items()
        if name != _PROVIDER
    }
    return f"{word} with {' and '.join(sorted(others))}" if others else word


def _where(contract: Contract, choice: Variable | None, provider: str) -> str:
    targets = [one for one in contract.targets if choice and provider in choice.allowed_on(one)]
    return "every target" if len(targets) == len(contract.targets) else ", ".join(targets)


# --- all of it, in small -------------------------------------------------------------------------


def matrix_small(contract: Contract) -> Iterator[str]:
    """How many variables each role must have on each target, and how many of them you give."""
    yield "How many variables each role must have in production with the target's own secrets"
    yield "provider and storage, and how many of them you give: the target makes the others, or has"
    yield "a default."
    unset = [one for one in contract.targets if _PROVIDER_INPUT not in _known(contract, one)]
    if unset:
        yield f"On {' and '.join(unset)} you choose both; what your choice asks for comes besides."
    yield ""
    yield from table(
        ("role", *contract.targets),
        (
            (f"**{role}**", *(_counted(contract, target, role) for target in contract.targets))
            for role in contract.roles
        ),
    )


def _counted(contract: Contract, target: TargetName, role: RoleName) -> str:
    names = required(contract, target, role)
    given = sum(yours(contract, target, name) for name in names)
    return f"{len(names)} ({given} yours)" if given else str(len(names))


def required(contract: Contract, target: TargetName, role: RoleName) -> list[str]:
    """What *role* must have in production where nothing but the defaults is chosen."""
    names, _ = expected(contract, Request(target, "production", {}), role)
    return sorted(names)


def yours(contract: Contract, target: TargetName, name: str) -> bool:
    """Whether a variable has no value on *target* until the operator gives one."""
    variable = contract.variables[name]
    source = variable.source(target)
    if source.kind == "input":
        own = source.text not in _known(contract, target)
        return own and not contract.inputs[source.text].fallback
    return source.kind == "operator" and variable.default is None


def _known(contract: Contract, target: TargetName) -> dict[str, str]:
    """The inputs that have a value on *target* without the operator."""
    return complete(contract, target, {})
