"""A planned Azure blueprint as its rules look at it, and how they word what they find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from hostwright.checks.finding import Finding
from hostwright.render.clouds.azure import COMPUTE, role_of

if TYPE_CHECKING:
    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract, Role, RoleName
    from hostwright.terraform.plan import Json, Plan, Resource

TARGET = "azure"
APP, JOB = COMPUTE
IDENTITY = "azurerm_user_assigned_identity"
ASSIGNMENT = "azurerm_role_assignment"

_INDEX = re.compile(r"\[[^]]*\]$")
_OF = re.compile(r"\$\{(.+?)\.\w+\}")


@dataclass(frozen=True)
class Planned:
    """One plan, with the contract that it must keep and the files that it was made of."""

    contract: Contract
    plan: Plan
    source: Source

    def finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
        self,
        check: str,
        address: str,
        message: str,
        remedy: str,
        role: str = "",
        variable: str = "",
    ) -> Finding:
        """A finding at the lines of *address*."""
        file, line = self.source.line(address)
        return Finding(check, TARGET, file, line, role, variable, message, remedy)

    def of_role(self, resource: Resource) -> Role | None:
        """What the contract says of the role that an app or a job runs."""
        return self.contract.roles.get(cast("RoleName", role_of(resource)))

    @cached_property
    def compute(self) -> tuple[Resource, ...]:
        """The apps and the job."""
        return self.plan.of_type(*COMPUTE)

    @cached_property
    def services(self) -> tuple[tuple[Resource, Role], ...]:
        """The apps whose role answers requests."""
        return tuple(
            (app, role)
            for app in self.plan.of_type(APP)
            if (role := self.of_role(app)) and role.kind == "service"
        )

    @property
    def production(self) -> bool:
        """Whether this is what an installation that matters gets."""
        return bool(self.input("environment") == "production")

    def input(self, name: str) -> Json:
        """What a variable of the root module was given, or its default."""
        given = self.plan.document.get("variables", {}).get(name, {})
        return given.get("value")

    def named(self, reference: Json) -> Resource | None:
        """The resource whose attribute a planned value is; None for any other value."""
        match = _OF.fullmatch(str(reference or ""))
        return next(
            (item for item in self.plan.resources if match and item.address == match[1]), None
        )

    def waits_for(self, resource: Resource) -> frozenset[str]:
        """The addresses, without index, that a resource's ``depends_on`` lists."""
        block = self._configured.get(_INDEX.sub("", resource.address), {})
        return frozenset(block.get("depends_on", ()))

    def provider(self, argument: str) -> Json:
        """An argument of the provider block, or its blocks of that name; None if it is not set."""
        configured = self._document("provider_config").get("azurerm", {}).get("expressions", {})
        value = configured.get(argument)
        return value.get("constant_value") if isinstance(value, dict) else value

    @cached_property
    def _configured(self) -> dict[str, Any]:
        module = self._document("root_module")
        return {item["address"]: item for item in module.get("resources", ())}

    def _document(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = self.plan.document.get("configuration", {}).get(part, {})
        return found


Rule = Callable[[Planned], Iterator[Finding]]


def block(address: str) -> str:
    """An address without its index: what ``depends_on`` names."""
    return _INDEX.sub("", address)
