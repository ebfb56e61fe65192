"""What the AWS checks look at, and how they tell what they find."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from hostwright.checks.finding import Finding
from hostwright.render.clouds.aws import DEFINITION, addressed, role_of, secret_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract, Role, RoleName
    from hostwright.terraform.plan import Json, Plan, Resource

    Rule = Callable[["View"], Iterator[Finding]]

SERVICE = "aws_ecs_service"
_INDEX = re.compile(r"\[[^]]*\]$")


@dataclass(frozen=True)
class Task:
    """A task definition of a role that the contract has.

    Args:
        definition: As it was planned.
        name: Of the role.
        role: What the contract says of it.
        container: Its first container; the blueprint has one in each.
    """

    definition: Resource
    name: str
    role: Role
    container: Mapping[str, Any]

    @property
    def secrets(self) -> dict[str, str]:
        """Variable to the reference that the platform resolves before the start."""
        return {str(pair["name"]): str(pair["valueFrom"]) for pair in self._pairs("secrets")}

    @property
    def plain(self) -> dict[str, str]:
        """Variable to its text."""
        return {str(pair["name"]): str(pair.get("value")) for pair in self._pairs("environment")}

    @property
    def login(self) -> str:
        """The reference to the registry's login; empty without one."""
        return str((self.container.get("repositoryCredentials") or {}).get("credentialsParameter"))

    def _pairs(self, key: str) -> list[Mapping[str, Any]]:
        return list(self.container.get(key) or ())


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, its single words made lists."""

    policy: Resource
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]

    def permits(self, action: str) -> bool:
        """Whether it allows *action*, on whatever resource."""
        return self.allows and any(_matches(pattern, action) for pattern in self.actions)

    def condition(self, key: str) -> tuple[str, ...]:
        """The values that a key of the request must have, under any exact operator or ArnLike."""
        exact = ("StringEquals", "ArnLike", "ArnEquals")
        return next(
            (found[key] for op in exact if key in (found := self.conditions.get(op, {}))), ()
        )


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
        """A finding at a resource, or at an address such as ``output.env_names``."""
        file, line = self.source.line(at if isinstance(at, str) else at.address)
        if not role and not isinstance(at, str):
            role = role_of(at)
        return Finding(check, "aws", file, line, role, variable, message, remedy)

    def given(self, name: str) -> Json:
        """The value of an input that the blueprint was planned with."""
        return self.plan.document.get("variables", {}).get(name, {}).get("value")

    @property
    def production(self) -> bool:
        """Whether the profile that asks for the most was planned."""
        return bool(self.given("environment") == "production")

    # --- what runs -------------------------------------------------------------------------------

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The task definitions of the contract's roles."""
        return tuple(self._tasks())

    def _tasks(self) -> Iterator[Task]:
        for definition in self.plan.of_type(DEFINITION):
            name = role_of(definition)
            role = self.contract.roles.get(cast("RoleName", name))
            parts = json.loads(str(definition.get("container_definitions") or "[]"))
            if role and parts:
                yield Task(definition, name, role, parts[0])

    @cached_property
    def services(self) -> dict[str, Resource]:
        """Role to the service that keeps it running."""
        return {role_of(item): item for item in self.plan.of_type(SERVICE)}

    @cached_property
    def running(self) -> tuple[tuple[Task, Resource], ...]:
        """The tasks that a service keeps running, with that service."""
        return tuple(
            (task, self.services[task.name]) for task in self.tasks if task.name in self.services
        )

    @cached_property
    def target_groups(self) -> dict[str, Resource]:
        """Address of each target group to it."""
        return {item.address: item for item in self.plan.of_type("aws_lb_target_group")}

    # --- how things hang together -----------------------------------------------------------------

    def named(self, reference: object) -> Resource | None:
        """The resource whose attribute a planned value is; None for any other value."""
        address = addressed(reference)
        return next((item for item in self.plan.resources if item.address == address), None)

    def waits_for(self, resource: Resource) -> frozenset[str]:
        """The addresses, without index, that a resource's ``depends_on`` lists."""
        configured = self._configured.get(block(resource.address), {})
        return frozenset(block(str(each)) for each in configured.get("depends_on", ()))

    def refers(self, resource: Resource, argument: str) -> tuple[str, ...]:
        """What the expression of an argument refers to, where the value shows only its origin."""
        expressions = self._configured.get(block(resource.address), {}).get("expressions", {})
        return tuple(map(str, (expressions.get(argument) or {}).get("references", ())))

    @cached_property
    def _configured(self) -> dict[str, Any]:
        module = self.plan.document.get("configuration", {}).get("root_module", {})
        return {str(item.get("address")): item for item in module.get("resources", ())}

    def only(self, kind: str) -> Resource | None:
        """The first resource of a type, if there is one."""
        return next(iter(self.plan.of_type(kind)), None)

    def variable_of(self, secret: str) -> str:
        """The variable that a secret of the stack's is for; empty for any other."""
        found = next((item for item in self.plan.resources if item.address == secret), None)
        return str(((found.get("tags") if found else None) or {}).get("variable") or "")

    # --- rights -----------------------------------------------------------------------------------

    @cached_property
    def roles_by_name(self) -> dict[str, Resource]:
        """IAM roles by their names, as policies may refer to them."""
        return {str(item.get("name")): item for item in self.plan.of_type("aws_iam_role")}

    def iam_role(self, reference: object) -> Resource | None:
        """The IAM role that a planned value means: by reference, or by name."""
        return self.named(reference) or self.roles_by_name.get(str(reference))

    def grants(self, role: Resource | None) -> tuple[Statement, ...]:
        """What an IAM role's own policies say."""
        if role is None:
            return ()
        return tuple(
            statement
            for policy in self.plan.of_type("aws_iam_role_policy")
            if self.iam_role(policy.get("role")) == role
            for statement in statements(policy, "policy")
        )

    def readable(self, role: Resource | None) -> frozenset[str]:
        """What an IAM role may read of secrets and parameters: addresses, ARNs, or ``*``."""
        return frozenset(
            secret_of(resource)
            for statement in self.grants(role)
            if statement.permits("secretsmanager:GetSecretValue")
            or statement.permits("ssm:GetParameters")
            for resource in statement.resources
        )


def block(address: str) -> str:
    """An address without its index: what ``depends_on`` names."""
    return _INDEX.sub("", address)


def statements(resource: Resource, path: str) -> tuple[Statement, ...]:
    """The statements of the policy that stands at a path of a resource; none if it is no JSON."""
    try:
        document = json.loads(str(resource.get(path) or "{}"))
    except ValueError:
        return ()
    return tuple(_statement(resource, each) for each in _several(document.get("Statement")))


def _statement(policy: Resource, raw: Mapping[str, Json]) -> Statement:
    principal = raw.get("Principal") or {}
    principals = principal if isinstance(principal, dict) else {"AWS": principal}
    return Statement(
        policy=policy,
        allows=raw.get("Effect") == "Allow",
        actions=_several(raw.get("Action")),
        resources=_several(raw.get("Resource")),
        principals={kind: _several(names) for kind, names in principals.items()},
        conditions={
            operator: {key: _several(values) for key, values in keys.items()}
            for operator, keys in (raw.get("Condition") or {}).items()
        },
    )


def _several(value: Json) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _matches(pattern: str, action: str) -> bool:
    words = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(words, action.lower()) is not None
