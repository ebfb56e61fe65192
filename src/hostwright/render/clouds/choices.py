"""The inputs that a cloud blueprint is planned with, and what each role must then get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from hostwright.contract.envfile import Given
from hostwright.contract.values import Request, applies, complete, deciding, expected
from hostwright.render.release import TYPED, secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Contract, Profile, RoleName, Variable
    from hostwright.render.clouds.model import Cloud

#: The maps of operator's values by the role that reads them; migrate runs the worker's image.
ENV_OF: dict[RoleName, str] = {
    "api": "api_env",
    "web": "web_env",
    "worker": "worker_env",
    "migrate": "worker_env",
}
#: As long as the strictest cloud asks, and with what must be percent-encoded in a URL.
PASSWORD = "Mark+db:password?of#the%owner=0123456789"  # noqa: S105 - recognised, never used
PROFILE: Profile = "production"


@dataclass(frozen=True)
class Chosen:
    """One set of inputs, complete.

    Args:
        choice: In words, for messages; empty for the defaults.
        variables: What Terraform is given: canonical input to value.
        inputs: Canonical inputs as texts, with defaults and fallbacks filled in.
        given: Operator's variable to its value, secrets included.
        expected: Role to the names it must get: everything was given, so nothing is optional.
        references: Role to secret to the operator's own reference to it.
    """

    choice: str
    variables: Mapping[str, object]
    inputs: Mapping[str, str]
    given: Mapping[str, str]
    expected: Mapping[RoleName, frozenset[str]]
    references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def encoded_password(self) -> str:
        """The database owner's password as it stands in a URL."""
        return quote(PASSWORD, safe="")


def chosen(contract: Contract, cloud: Cloud, choice: Mapping[str, str]) -> Chosen:
    """The cloud's own inputs with *choice* on top, and a value for all that an operator gives."""
    variables = {**cloud.inputs, **choice, "environment": PROFILE, "db_admin_password": PASSWORD}
    stated = {name: text for name, value in variables.items() if (text := _text(value)) is not None}
    inputs = complete(contract, cloud.target, stated)
    decided = deciding(contract, cloud.target, inputs)
    given = {
        name: _value(name, item)
        for name, item in contract.variables.items()
        if item.source(cloud.target).kind == "operator"
        and applies(item, decided)
        and set(item.roles) & contract.roles.keys()
    }
    return Chosen(
        ", ".join(f"{name}={value}" for name, value in choice.items()),
        {**variables, **_operators(contract, given)},
        inputs,
        given,
        _expected(contract, cloud, inputs, given),
    )


def _operators(contract: Contract, given: Mapping[str, str]) -> dict[str, object]:
    """The maps through which an operator's values reach the blueprint."""
    plain: dict[str, dict[str, str]] = {name: {} for name in ENV_OF.values()}
    secrets: dict[str, str] = {}
    for name, value in given.items():
        variable = contract.variables[name]
        if variable.secret:
            secrets[name] = value
            continue
        for role in variable.roles:
            if role in contract.roles:
                plain[ENV_OF[role]][name] = value
    return {**plain, "secret_values": secrets, "secret_names": sorted(secrets)}


def _expected(
    contract: Contract, cloud: Cloud, inputs: Mapping[str, str], given: Mapping[str, str]
) -> dict[RoleName, frozenset[str]]:
    told = {name: Given(value, "given") for name, value in given.items()}
    request = Request(cloud.target, PROFILE, told, inputs)
    names: dict[RoleName, frozenset[str]] = {}
    for role in contract.roles:
        required, optional = expected(contract, request, role)
        names[role] = frozenset(
            name for name in required | optional if _comes(contract, cloud, inputs, name)
        )
    return names


def _comes(contract: Contract, cloud: Cloud, inputs: Mapping[str, str], name: str) -> bool:
    """Whether there is anything to deliver: an optional input may have no value at all."""
    variable = contract.variables[name]
    source = variable.source(cloud.target)
    there = variable.needs_role is None or variable.needs_role in contract.roles
    return there and (source.kind != "input" or source.text in inputs)


def _text(value: object) -> str | None:
    """A canonical input as the contract's text; None for what is no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else None


def _value(name: str, variable: Variable) -> str:
    if variable.secret:
        return secret(name, max(variable.min_length or 0, 40))
    if variable.allowed:
        return variable.allowed[0]
    return TYPED.get(variable.type, f"given-{name.lower()}")
