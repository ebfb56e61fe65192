"""What ``kubectl get`` says of pods, Deployments and Jobs: who is ready, and who is not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.cluster.model import name_of, role_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.cluster.model import Body

#: A container that waits for these is on its way.
_PATIENT = frozenset({"ContainerCreating", "PodInitializing"})
#: Longer messages of the cluster are cut.
_LONGEST = 160


class Trouble(NamedTuple):
    """Why a container, or its pod, does not run; *container* is empty where it is the pod."""

    container: str
    what: str
    #: Whether it ran and ended: then its log says more.
    ran: bool = False
    #: Whether it has been started anew since: the log is that of the start before.
    again: bool = False


class Pod(NamedTuple):
    """One pod, as it is now."""

    name: str
    role: str
    ready: bool
    waits: bool
    ending: bool
    made: str
    troubles: tuple[Trouble, ...]
    template: str
    exit_code: int | None = None


class Deployment(NamedTuple):
    """How far a Deployment's newest pods are."""

    name: str
    role: str
    wanted: int
    fresh: int
    ready: int
    left: int
    settled: bool


class Job(NamedTuple):
    """How far a Job is: ``running``, ``complete`` or ``failed``; and why it failed."""

    name: str
    role: str
    state: str
    why: str = ""


class Look(NamedTuple):
    """Everything of a release at one moment."""

    deployments: tuple[Deployment, ...] = ()
    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] = ()


def parse(answer: Mapping[str, Any] | None) -> Look:
    """What one ``kubectl get … --output json`` shows."""
    items: list[Body] = (answer or {}).get("items") or []
    return Look(
        tuple(deployment(item) for item in items if item.get("kind") == "Deployment"),
        tuple(job(item) for item in items if item.get("kind") == "Job"),
        tuple(pod(item) for item in items if item.get("kind") == "Pod"),
    )


def deployment(body: Body) -> Deployment:
    """One Deployment; it has settled when all that runs is of its newest template and available."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    fresh, whole = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
    available = int(status.get("availableReplicas", 0))
    generation = int((body.get("metadata") or {}).get("generation", 0))
    seen = int(status.get("observedGeneration", 0)) >= generation
    left = max(0, whole - fresh)
    settled = seen and fresh == wanted and left == 0 and available >= wanted
    ready = max(0, min(fresh, int(status.get("readyReplicas", 0)) - left))
    return Deployment(name_of(body), role_of(body), wanted, fresh, ready, left, settled)


def job(body: Body) -> Job:
    """One Job."""
    status = body.get("status") or {}
    said = {item["type"]: item for item in status.get("conditions") or () if _holds(item)}
    state, why = "running", ""
    if "Complete" in said:
        state = "complete"
    elif "Failed" in said:
        state = "failed"
        why = " ".join(str(said["Failed"].get(key, "")) for key in ("reason", "message")).strip()
    return Job(name_of(body), role_of(body), state, why)


def _holds(condition: Mapping[str, Any]) -> bool:
    return condition.get("status") == "True"


def pod(body: Body) -> Pod:
    """One pod."""
    meta, status = body.get("metadata") or {}, body.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    ready = _holds(conditions.get("Ready", {})) and not meta.get("deletionTimestamp")
    return Pod(
        name=name_of(body),
        role=role_of(body),
        ready=ready,
        waits=_gated(status),
        ending=bool(meta.get("deletionTimestamp")),
        made=str(meta.get("creationTimestamp", "")),
        troubles=tuple(_troubles(status, conditions)),
        template=str((meta.get("labels") or {}).get("pod-template-hash", "")),
        exit_code=_exit_code(status, role_of(body)),
    )


def _gated(status: Mapping[str, Any]) -> bool:
    """Whether an init container still runs: it waits for the migration."""
    inits = status.get("initContainerStatuses") or ()
    return any("running" in (item.get("state") or {}) for item in inits)


def _exit_code(status: Mapping[str, Any], role: str) -> int | None:
    """How the role's own container ended; None as long as it has not."""
    for item in status.get("containerStatuses") or ():
        ended = (item.get("state") or {}).get("terminated")
        if ended and item.get("name") == role:
            return int(ended.get("exitCode", 0))
    return None


def _troubles(
    status: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]
) -> Iterator[Trouble]:
    placed = conditions.get("PodScheduled", {})
    if placed.get("status") == "False":
        yield Trouble("", f"no node takes it: {_cut(placed.get('message'))}")
    if status.get("phase") == "Failed" and status.get("reason"):
        yield Trouble("", f"{status['reason']}: {_cut(status.get('message'))}")
    for item in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        found = _trouble(item)
        if found:
            yield found


def _trouble(item: Mapping[str, Any]) -> Trouble | None:
    name, state = str(item["name"]), item.get("state") or {}
    waiting, ended = state.get("waiting"), state.get("terminated")
    before = (item.get("lastState") or {}).get("terminated")
    if waiting and waiting.get("reason") not in _PATIENT:
        told = f"{waiting.get('reason')}: {_cut(waiting.get('message'))}".rstrip(": ")
        if before:
            told = f"{told}; it ended with {_ending(before)}"
        return Trouble(name, told, ran=bool(before), again=bool(before))
    if ended and int(ended.get("exitCode", 0)) != 0:
        return Trouble(name, f"ended with {_ending(ended)}", ran=True)
    if before and int(before.get("exitCode", 0)) != 0 and not item.get("ready"):
        count = int(item.get("restartCount", 0))
        return Trouble(
            name, f"started anew {count}x, after {_ending(before)}", ran=True, again=True
        )
    return None


def _ending(ended: Mapping[str, Any]) -> str:
    reason = ended.get("reason")
    told = f" ({reason})" if reason not in {None, "Error", "Completed"} else ""
    return f"exit code {ended.get('exitCode')}{told}"


def _cut(message: object) -> str:
    text = " ".join(str(message or "").split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def newest(pods: Sequence[Pod]) -> list[Pod]:
    """The pods of each role's newest template, and the jobs' newest: older ones are on their way.

    A pod without a template's hash is a Job's.
    """
    latest: dict[str, Pod] = {}
    for item in pods:
        if item.role not in latest or item.made > latest[item.role].made:
            latest[item.role] = item
    return [
        item
        for item in pods
        if item.template == latest[item.role].template
        and (item.template or item is latest[item.role])
    ]
