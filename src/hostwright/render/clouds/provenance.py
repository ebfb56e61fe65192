"""From planned containers to where each variable comes from, as the contract tells sources apart.

A plan shows values and references, not intentions. Every value that may arrive is known beforehand,
because the inputs are ours (:mod:`hostwright.render.clouds.choices`): what a variable must be is
computed from the contract, and a planned value is its own, another's, or the blueprint's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.render.model import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Contract, RoleName, Variable
    from hostwright.render.clouds.choices import Chosen
    from hostwright.render.clouds.model import Cloud, Container, Endpoints, EnvValue


@dataclass(frozen=True)
class Expected:
    """What one variable of one role must be.

    Args:
        pattern: Of the whole planned text, or of what is written into its secret.
        reference: The operator's own reference to a secret; empty where the stack makes it.
    """

    pattern: str
    reference: str = ""

    def fits(self, value: EnvValue) -> bool:
        """Whether *value* is it."""
        if self.reference:
            return value.text == self.reference
        # A secret that reached a plain slot is still recognised: where it stands is judged apart.
        return bool(re.fullmatch(self.pattern, value.written or value.text, re.DOTALL))


def sources(
    contract: Contract, cloud: Cloud, chosen: Chosen, containers: list[Container]
) -> dict[RoleName, dict[str, Source]]:
    """Role to variable to where its value came from; only roles that the contract has words for."""
    expected = {role: of_role(contract, cloud, chosen, role) for role in contract.roles}
    return {
        role: {
            name: _source(role, name, value, expected[role])
            for name, value in container.env.items()
        }
        for role, container in _by_role(contract, containers)
    }


def _by_role(contract: Contract, containers: list[Container]) -> list[tuple[RoleName, Container]]:
    found = {container.role: container for container in containers}
    return [(role, found[role]) for role in contract.roles if role in found]


def _source(role: str, name: str, value: EnvValue, expected: Mapping[str, Expected]) -> Source:
    own = expected.get(name)
    if own and own.fits(value):
        return Source("mark", f"{role}/{name}", value.secret)
    others = [other for other, item in expected.items() if other != name and item.fits(value)]
    # A text that several variables share says nothing of where it came from.
    if len(others) == 1 and not own_text(value):
        return Source("mark", f"{role}/{others[0]}", value.secret)
    return Source("literal", value.written or value.text, value.secret)


def own_text(value: EnvValue) -> bool:
    """Whether a value is a text that the blueprint may well have written itself: ``false``."""
    return not value.secret and "${" not in value.text


def of_role(
    contract: Contract, cloud: Cloud, chosen: Chosen, role: RoleName
) -> dict[str, Expected]:
    """What every variable that *role* gets under this choice must be."""
    return {
        name: _expected(contract.variables[name], name, cloud, chosen, role, contract)
        for name in chosen.expected[role]
    }


def _expected(  # noqa: PLR0913, PLR0917 - one row of the table that sources are
    variable: Variable,
    name: str,
    cloud: Cloud,
    chosen: Chosen,
    role: RoleName,
    contract: Contract,
) -> Expected:
    source = variable.source(cloud.target)
    if source.kind == "literal":
        return Expected(re.escape(source.literal(role) or ""))
    if source.kind == "input":
        return Expected(re.escape(chosen.inputs.get(source.text, "")))
    if source.kind == "composed":
        return Expected(composed(contract, cloud, chosen, source.text, role))
    reference = chosen.references.get(role, {}).get(name, "")
    return Expected(re.escape(chosen.given[name]), reference)


def composed(contract: Contract, cloud: Cloud, chosen: Chosen, name: str, role: RoleName) -> str:
    """The pattern of what *cloud* composes under *name*."""
    of = contract.roles[role]
    if name == "port":
        return str(of.port)
    if name == "pool_size":
        return str(of.pool_size)
    if name == "database_url":
        return database_url(cloud.endpoints, chosen)
    if name == "redis_url":
        return redis_url(cloud.endpoints)
    return cloud.composed.get(name, r"(?!)").replace("{role}", role)


def database_url(endpoints: Endpoints, chosen: Chosen) -> str:
    """The pattern of a whole database URL: scheme, encoded user and password, host, name."""
    inputs = chosen.inputs
    user = re.escape(inputs["db_admin_username"])
    password = re.escape(chosen.encoded_password)
    name = re.escape(inputs["db_name"])
    return rf"postgresql://{user}:{password}@{endpoints.database_host}:5432/{name}"


def redis_url(endpoints: Endpoints) -> str:
    """The pattern of a whole Redis URL: TLS, no user or the default one, password, host, port."""
    password = endpoints.redis_password
    return rf"rediss://(default)?:{password}@{endpoints.redis_host}:{endpoints.redis_port}(/0)?"
