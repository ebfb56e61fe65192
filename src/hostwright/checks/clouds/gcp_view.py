"""What the GCP checks look at, and how they tell what they find."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hostwright.checks.finding import Finding
from hostwright.render.clouds import gcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract, Role
    from hostwright.terraform.plan import Plan, Resource

    Rule = Callable[["View"], Iterator[Finding]]

_REFERENCE = re.compile(r"\$\{(.+)\.\w+\}")


@dataclass(frozen=True)
class View:
    """One planned blueprint."""

    contract: Contract
    plan: Plan
    source: Source

    def finding(  # noqa: PLR0913 - a finding is what it is
        self,
        check: str,
        at: Resource | str,
        message: str,
        remedy: str,
        *,
        role: str = "",
        variable: str = "",
    ) -> Finding:
        """A finding at a resource, or at an address such as ``resource.argument``."""
        address = at if isinstance(at, str) else at.address
        file, line = self.source.line(address)
        if not role and not isinstance(at, str):
            role = role_of(at)
        return Finding(check, "gcp", file, line, role, variable, message, remedy)

    def given(self, name: str) -> Any:  # noqa: ANN401 - an input is of any type
        """The value of an input that the blueprint was planned with."""
        return self.plan.document.get("variables", {}).get(name, {}).get("value")

    @property
    def production(self) -> bool:
        """Whether the profile that asks for the most was planned."""
        return bool(self.given("environment") == "production")

    @cached_property
    def compute(self) -> list[tuple[Resource, str, Role]]:
        """What runs a role that the contract has, with the role's name and declaration."""
        named = [(item, role_of(item)) for item in gcp.compute(self.plan)]
        roles = {str(name): role for name, role in self.contract.roles.items()}
        return [(item, name, roles[name]) for item, name in named if name in roles]

    @cached_property
    def services(self) -> list[tuple[Resource, str, Role]]:
        """Of these, the services."""
        return [each for each in self.compute if each[0].type == "google_cloud_run_v2_service"]

    def only(self, kind: str) -> Resource | None:
        """The first resource of a type, if there is one."""
        return next(iter(self.plan.of_type(kind)), None)

    def depends_on(self, resource: Resource) -> tuple[str, ...]:
        """What a resource waits for without using anything of it."""
        module = self.plan.document.get("configuration", {}).get("root_module", {})
        address = f"{resource.type}.{resource.name}"
        found = [item for item in module.get("resources", []) if item.get("address") == address]
        return tuple(str(each) for item in found for each in item.get("depends_on", []))


def role_of(resource: Resource) -> str:
    """The label by which a resource says which role it runs."""
    labels: Mapping[str, Any] = resource.get("labels") or {}
    return str(labels.get("role") or "")


def referred(text: object) -> str:
    """The address in ``${address.attribute}``; empty where a text is something else."""
    found = _REFERENCE.fullmatch(str(text))
    return found[1] if found else ""


def container(resource: Resource, path: str) -> Any:  # noqa: ANN401 - whatever is planned there
    """What is at a path of a resource's container."""
    return resource.get(f"{gcp.CONTAINERS[resource.type]}.{path}")


def template(resource: Resource, path: str) -> Any:  # noqa: ANN401 - whatever is planned there
    """What is at a path beside a resource's container: service account, network, time limit."""
    return resource.get(f"{gcp.CONTAINERS[resource.type].removesuffix('containers.0')}{path}")
