"""From an operator's env file to the secrets that Terraform is given, and nothing else. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.contract.values import Problem, Request, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract, TargetName


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


def _is_plain(contract: Contract, name: str) -> bool:
    return name in contract.variables and not contract.variables[name].secret


def _plain(contract: Contract, given: Mapping[str, Given]) -> Iterator[Problem]:
    for name, item in given.items():
        if _is_plain(contract, name):
            maps = [f"{role}_env" for role in contract.variables[name].roles if role != "migrate"]
            yield Problem(
                name,
                "is no secret: on a cloud it stands beside the other inputs",
                item.where,
                f"Move it to {' and '.join(maps)} in the tfvars file.",
            )
