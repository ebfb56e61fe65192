"""What the Kubernetes checks look at, and how they tell what they find."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.checks.finding import Finding
from hostwright.contract.models import ROLES
from hostwright.helm.manifest import Container, Object, Pod, dig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hostwright.contract.models import Contract, Role
    from hostwright.helm.manifest import Manifest

    Rule = Callable[["View"], Iterator[Finding]]

TARGET: Literal["kubernetes"] = "kubernetes"
#: Service roles that there is a canonical name for, and the value that has it.
HOSTS = {"web": "appDomain", "api": "apiDomain"}
#: A variable that leads to a data store to the connection of the contract that it goes over.
STORES = {"DATABASE_URL": "postgres", "REDIS_URL": "redis"}
_PORTS = {"DATABASE_URL": "databasePort", "REDIS_URL": "redisPort"}


@dataclass(frozen=True)
class Settings:
    """What was chosen by the values, as far as an object alone cannot tell whether it is right.

    Args:
        profile: development, staging or production.
        secrets: How secrets reach the pods.
        migrate: How the database is migrated.
        routing: How requests get in.
        identity: Which cloud gives the pods an identity.
        identities: Role to who it is there.
        hosts: Role to its public name.
        ports: Variable to the port of the store that it leads to, where that is not the contract's.
        policies: Whether network policies are wanted.
    """

    profile: str = "production"
    secrets: str = "external"
    migrate: str = "job"
    routing: str = "none"
    identity: str = "none"
    identities: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    policies: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """What values choose that the chart's own defaults were filled into."""
        network = values.get("networkPolicy") or {}
        return cls(
            profile=str(values.get("environment") or ""),
            secrets=str(dig(values, "secrets", "type") or ""),
            migrate=str(dig(values, "migrate", "type") or ""),
            routing=str(dig(values, "routing", "type") or ""),
            identity=str(dig(values, "identity", "type") or ""),
            identities={
                role: str(named) for role in ROLES if (named := dig(values, role, "identity"))
            },
            hosts={role: str(values[key]) for role, key in HOSTS.items() if values.get(key)},
            ports={name: int(network[key]) for name, key in _PORTS.items() if network.get(key)},
            policies=network.get("enabled") is not False,
        )

    @property
    def production(self) -> bool:
        """Whether this is the profile that asks for the most."""
        return self.profile == "production"


class Hosted(NamedTuple):
    """A pod that runs a role of the contract, with the role's name and declaration."""

    pod: Pod
    name: str
    role: Role

    @property
    def main(self) -> Container | None:
        """The container that is the role."""
        return next((item for item in self.pod.containers if item.name == self.name), None)

    @property
    def gates(self) -> list[Container]:
        """The containers that run before it."""
        return [item for item in self.pod.containers if item.init]

    def env(self) -> dict[str, Mapping[str, Any]]:
        """The role's variables by name."""
        return {str(item.get("name")): item for item in (self.main.env if self.main else ())}


@dataclass(frozen=True)
class View:
    """One manifest, with the contract that it hosts and what its values chose."""

    contract: Contract
    manifest: Manifest
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def roles(self) -> list[Hosted]:
        """Every pod of a role, that of the migration included; tests are none's."""
        declared = {str(name): role for name, role in self.contract.roles.items()}
        return [
            Hosted(pod, pod.role, declared[pod.role])
            for pod in self.manifest.pods
            if pod.role in declared and "test" not in pod.object.hooks
        ]

    @property
    def serving(self) -> Iterator[Hosted]:
        """What answers requests."""
        return (item for item in self.roles if item.role.kind == "service")

    @property
    def staying(self) -> Iterator[Hosted]:
        """What stays up."""
        return (item for item in self.roles if item.role.kind != "job")

    @property
    def jobs(self) -> Iterator[Hosted]:
        """What runs to an end."""
        return (item for item in self.roles if item.role.kind == "job")

    def port(self, variable: str) -> int:
        """The port that a store is reached at."""
        connections = self.contract.targets[TARGET].connections
        store = connections.postgres if STORES[variable] == "postgres" else connections.redis
        return self.settings.ports.get(variable, store.port)

    def selected(self, selector: Mapping[str, Any] | None) -> list[Pod]:
        """The pods that a label selector chooses; an empty one chooses all, none chooses none."""
        if selector is None:
            return []
        return [pod for pod in self.manifest.pods if chosen(selector, pod.labels)]

    def scalers(self, workload: Object) -> list[Object]:
        """The autoscalers of a workload."""
        return [
            item
            for item in self.manifest.of("HorizontalPodAutoscaler", "ScaledObject")
            if item.at("spec", "scaleTargetRef", "name") == workload.name
        ]

    def fewest(self, workload: Object) -> int:
        """The fewest pods that a workload keeps."""
        kept = {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}
        scaled = [item.at("spec", kept[item.kind]) for item in self.scalers(workload)]
        counts = scaled or [workload.at("spec", "replicas")]
        # What is not said is 1 for a workload and an HPA, and 0 for KEDA.
        defaults = {"ScaledObject": 0}
        owner = self.scalers(workload)[0].kind if scaled else workload.kind
        return min(defaults.get(owner, 1) if count is None else int(count) for count in counts)


def chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses what has *labels*."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_holds(item, labels) for item in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(str(expression.get("key"))), expression.get("values") or ()
    operators: dict[str, bool] = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return operators.get(str(expression.get("operator")), False)


# --- findings ------------------------------------------------------------------------------------


def told(
    check: str, at: Object | Pod | Container, message: str, remedy: str, variable: str = ""
) -> Finding:
    """A finding at an object, its pod, or a container of that.

    It names no line: what the object's template includes has no place that Helm would tell.
    """
    thing, component = _owner(at)
    role = component if component in ROLES else ""
    subject = thing.kind if role else str(thing)
    if isinstance(at, Container):
        subject += f", container {at.name}"
    return Finding(check, TARGET, thing.file, 0, role, variable, f"{subject}: {message}", remedy)


def _owner(at: Object | Pod | Container) -> tuple[Object, str]:
    if isinstance(at, Object):
        return at, at.role
    pod = at.pod if isinstance(at, Container) else at
    return pod.object, pod.role
