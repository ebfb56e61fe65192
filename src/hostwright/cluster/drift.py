"""What runs against what was installed, and against the contract. Pure; names only, no values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.cluster import objects
from hostwright.cluster.model import Key, name_of, role_of
from hostwright.contract.values import Request, expected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.cluster.model import Body, Objects
    from hostwright.contract.models import Contract, RoleName

#: What the clouds' workload identities put into pods as they start.
INJECTED = frozenset(
    {
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_TENANT_ID",
    }
)


class Difference(NamedTuple):
    """One thing that is not as it should be."""

    role: str
    what: str

    def __str__(self) -> str:
        return f"{self.role}: {self.what}" if self.role else self.what


def live(answer: Mapping[str, Any] | None) -> dict[Key, Body]:
    """Every object of a ``kubectl get … --output json``."""
    items: Sequence[Body] = (answer or {}).get("items") or ()
    return {Key(str(item.get("kind")), name_of(item)): item for item in items}


def differences(
    contract: Contract, inputs: Mapping[str, str], installed: Objects, running: Objects
) -> list[Difference]:
    """Everything that differs.

    Args:
        contract: What each role is to get.
        inputs: The canonical inputs of the installation.
        installed: The objects of the release's manifest.
        running: What the cluster has of them, pods included.
    """
    return [
        *_workloads(installed, running),
        *_pods(installed, running),
        *_names(contract, inputs, running),
    ]


# --- what was changed by hand --------------------------------------------------------------------


def _workloads(installed: Objects, running: Objects) -> Iterator[Difference]:
    for role, body in objects.workloads(installed):
        found = running.get(Key(str(body["kind"]), name_of(body)))
        if found is None:
            yield Difference(role, f"{body['kind']} {name_of(body)} is gone")
            continue
        yield from _replicas(role, body, found)
        yield from _containers(role, body, found)


def _replicas(role: str, wanted: Body, found: Body) -> Iterator[Difference]:
    # Where an autoscaler owns the number, the manifest has none.
    number = (wanted.get("spec") or {}).get("replicas")
    now = (found.get("spec") or {}).get("replicas")
    if number is not None and now != number:
        yield Difference(role, f"{now} replicas instead of {number}")


def _pods(installed: Objects, running: Objects) -> Iterator[Difference]:
    """Pods that are not what their own Deployment says: edited, or held up in a rollout."""
    roles = dict(objects.workloads({**installed, **running}))
    told: set[str] = set()
    for key, body in running.items():
        role = role_of(body)
        if key.kind != "Pod" or role not in roles or _leaves(body):
            continue
        for item in _containers(role, roles[role], body):
            if item.what not in told and not _is_injected(item.what):
                told.add(item.what)
                yield Difference(role, f"{item.what} (pod {key.name})")


def _is_injected(what: str) -> bool:
    return what.partition(" ")[0] in INJECTED


def _leaves(pod: Body) -> bool:
    return bool((pod.get("metadata") or {}).get("deletionTimestamp"))


def _containers(role: str, wanted: Body, found: Body) -> Iterator[Difference]:
    image, now = (objects.container(body, role).get("image") for body in (wanted, found))
    if image != now:
        yield Difference(role, f"the image is {now} instead of {image}")
    want, have = objects.env(wanted, role), objects.env(found, role)
    for name in sorted(want.keys() - have.keys()):
        yield Difference(role, f"{name} is missing")
    for name in sorted(have.keys() - want.keys()):
        yield Difference(role, f"{name} is not in what was installed")
    for name in sorted(want.keys() & have.keys()):
        if _entry(want[name]) != _entry(have[name]):
            yield Difference(role, f"{name} was changed")


def _entry(entry: Body) -> tuple[str, object]:
    """What a variable comes from; the cluster leaves out what is empty, and adds defaults."""
    reference = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
    return str(entry.get("value") or ""), (reference.get("name"), reference.get("key"))


# --- against the contract ------------------------------------------------------------------------


def _names(contract: Contract, inputs: Mapping[str, str], running: Objects) -> Iterator[Difference]:
    profile = inputs.get("environment", "production")
    request = Request("kubernetes", profile, {}, inputs)  # type: ignore[arg-type] # as installed
    for role, body in objects.workloads(running):
        if role not in contract.roles:
            yield Difference(role, "runs, and the contract has no such role")
            continue
        yield from _against(contract, request, role, objects.env(body, role))
    up = {role for role, _ in objects.workloads(running)}
    for name, spec in contract.roles.items():
        if spec.kind != "job" and name not in up:
            yield Difference(name, "nothing runs")


def _against(
    contract: Contract, request: Request, role: RoleName, found: Mapping[str, Body]
) -> Iterator[Difference]:
    required, optional = expected(contract, request, role)
    for name in sorted(required - found.keys()):
        yield Difference(role, f"{name} is missing: the contract requires it")
    for name in sorted(found.keys() - required - optional):
        yield Difference(role, f"{name} is not in the contract")


# --- External Secrets ----------------------------------------------------------------------------


def unready_secrets(answer: Mapping[str, Any] | None) -> list[Difference]:
    """ExternalSecrets whose values were not fetched, with what the operator says of it."""
    found = []
    for body in (answer or {}).get("items") or ():
        conditions = (body.get("status") or {}).get("conditions") or ()
        ready: Body = next((item for item in conditions if item.get("type") == "Ready"), {})
        if ready.get("status") != "True":
            why = " ".join(str(ready.get("message") or "nobody has looked at it yet").split())
            told = f"ExternalSecret {name_of(body)} is not ready: {why}"
            found.append(Difference(role_of(body), told))
    return found
