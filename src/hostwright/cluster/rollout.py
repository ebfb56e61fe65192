"""How a release comes up: what to tell of it, whom to blame, how long to wait. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hostwright.cluster import objects
from hostwright.cluster.model import pod_spec
from hostwright.cluster.pods import newest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.cluster.model import Objects
    from hostwright.cluster.pods import Deployment, Look, Pod, Trouble
    from hostwright.contract.models import Contract

#: Seconds besides what roles and migration may take: images have to be pulled.
PULLING = 300
#: Which role is blamed first: the others wait for the migration.
_ORDER = ("migrate", "worker", "api", "web")


class Culprit(NamedTuple):
    """A container that keeps a release from coming up."""

    role: str
    pod: str
    container: str
    what: str
    #: Whether there is a log to read, and whether it is that of the start before.
    ran: bool
    again: bool

    def __str__(self) -> str:
        where = f"{self.pod}, {self.container}" if self.container else self.pod
        return f"{where}: {self.what}"


def told(look: Look) -> dict[str, str]:
    """A line for each role that is on its way or just came up, by the object it speaks of."""
    lines = {item.name: f"{item.role}: {_rising(item)}" for item in look.deployments}
    for item in look.jobs:
        lines[item.name] = f"{item.role}: {item.name} {_job_words(item.state, item.why)}"
    for pod in newest(look.pods):
        if pod.waits and not pod.troubles:
            lines[f"{pod.role} gate"] = f"{pod.role}: waits for the migration"
        for trouble in pod.troubles:
            lines[f"{pod.name} {trouble.container}"] = f"{pod.role}: {_where(pod, trouble)}"
    return lines


def _rising(item: Deployment) -> str:
    if item.settled:
        return f"{item.wanted} of {item.wanted} ready"
    left = f", {item.left} of the release before" if item.left else ""
    return f"{item.ready} of {item.wanted} ready{left}"


def _job_words(state: str, why: str) -> str:
    return f"{state}: {why}" if why else state


def _where(pod: Pod, trouble: Trouble) -> str:
    place = f"{pod.name}, {trouble.container}" if trouble.container else pod.name
    return f"{place}: {trouble.what}"


def culprits(look: Look) -> list[Culprit]:
    """Who keeps the release from coming up, the first to blame first.

    A pod that runs and is not ready is one, too: its log says what it waits for.
    """
    found = [item for pod in newest(look.pods) if not pod.ending for item in _culprits(pod)]
    return sorted(found, key=lambda item: (not item.ran, _rank(item.role)))


def _culprits(pod: Pod) -> Iterator[Culprit]:
    for item in pod.troubles:
        yield Culprit(pod.role, pod.name, item.container, item.what, item.ran, item.again)
    if not pod.troubles and not pod.ready and pod.exit_code is None and not pod.waits:
        yield Culprit(pod.role, pod.name, pod.role, "not ready yet", ran=True, again=False)


def _rank(role: str) -> int:
    return _ORDER.index(role) if role in _ORDER else len(_ORDER)


def patience(contract: Contract, rendered: Objects) -> int:
    """Seconds until a release has to be up: the migration, then the slowest role, pod by pod."""
    migrate = contract.roles.get("migrate")
    first = migrate.timeout_seconds if migrate else 0
    slowest = 0
    for role, body in objects.workloads(rendered):
        spec = next((item for name, item in contract.roles.items() if name == role), None)
        if spec:
            replicas = int((body.get("spec") or {}).get("replicas", 1) or 1)
            grace = int(pod_spec(body).get("terminationGracePeriodSeconds", 30))
            slowest = max(slowest, replicas * (spec.start_seconds + grace))
    return first + slowest + PULLING
