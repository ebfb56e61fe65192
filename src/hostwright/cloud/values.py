"""From an operator's env file to the secrets that Terraform is given, and nothing else. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.contract.models import PROFILES
from hostwright.contract.rules import near
from hostwright.contract.values import Problem, Request, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract, Source, TargetName, Variable


def variables(
    contract: Contract, target: TargetName, given: Mapping[str, Given]
) -> dict[str, object]:
    """Canonical input to value: ``secret_values``, and what the stack itself needs.

    Every one of them is ephemeral or sensitive: it travels in the environment alone.
    """
    own = contract.targets[target].secrets
    return {
        "secret_values": {
            name: item.value for name, item in given.items() if name in contract.variables
        },
        **{name.lower(): given[name].value for name in own if name in given},
    }


def problems(
    contract: Contract, target: TargetName, given: Mapping[str, Given], where: str
) -> list[Problem]:
    """What is wrong with the values that are there, and which of the stack's own are missing.

    Which of the application's secrets are needed, Terraform says: it knows the inputs.
    """
    resolved = resolve(contract, Request(target, "production", given, where=where))
    absent = contract.variables.keys() - given.keys()
    found = [
        item
        for item in resolved.errors
        if item.name not in absent and not _is_plain(contract, item.name)
    ]
    return [*found, *_plain(contract, given)]


def unmade(
    contract: Contract, target: TargetName, given: Mapping[str, str], made: Sequence[str]
) -> list[Problem]:
    """What is wrong with the names in ``secret_values`` that the stack would pass over.

    Args:
        contract: Knows the names.
        target: Which of its targets.
        given: Name to where it stands.
        made: What the stack makes with the inputs that there are.
    """
    return [
        Problem(f"secret_values.{name}", what, where, remedy)
        for name, where in given.items()
        if name not in made
        for what, remedy in [_unmade(contract, target, name, made)]
    ]


def _unmade(
    contract: Contract, target: TargetName, name: str, made: Sequence[str]
) -> tuple[str, str]:
    """What is wrong with it, and what to do."""
    variable = contract.variables.get(name)
    if variable is None:
        return "is not in the contract", near(name, made)
    if not variable.secret:
        return "is no secret", _move(variable)
    source = variable.source(target)
    if source.kind != "operator":
        return taken(source, target), "Remove it."
    return "is not made by this stack", f"Remove it; it is made {_made_when(variable)}."


def _made_when(variable: Variable) -> str:
    """Under which inputs the stack makes a secret."""
    conditions = [
        " and ".join(f"{other} is {' or '.join(values)}" for other, values in condition.items())
        for condition in variable.when
    ]
    only = [f"where {' or '.join(conditions)}"] if conditions else []
    named = [] if set(PROFILES) <= set(variable.required) else ["once secret_names names it"]
    return ", ".join([*only, *named, "unless a reference gives it already"])


def taken(source: Source, target: TargetName) -> str:
    """Why an operator gives no value for what comes from there."""
    told = {
        "input": f"comes from the input {source.text}",
        "literal": "is fixed by the contract",
        "composed": "is composed by the stack",
        "platform": f"is reserved: {target} sets it itself",
        "none": f"has no use on {target}",
    }
    return told[source.kind]


def _is_plain(contract: Contract, name: str) -> bool:
    return name in contract.variables and not contract.variables[name].secret


def _plain(contract: Contract, given: Mapping[str, Given]) -> Iterator[Problem]:
    for name, item in given.items():
        if _is_plain(contract, name):
            what = "is no secret: on a cloud it stands beside the other inputs"
            yield Problem(name, what, item.where, _move(contract.variables[name]))


def _move(variable: Variable) -> str:
    maps = [f"{role}_env" for role in variable.roles if role != "migrate"]
    return f"Move it to {' and '.join(maps)} in the tfvars file."
