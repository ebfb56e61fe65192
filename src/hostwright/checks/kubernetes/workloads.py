"""What runs the roles: kinds, commands, numbers, how one version follows another, how they stop."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from hostwright.checks.kubernetes.view import chosen, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Hosted, Rule, View
    from hostwright.helm.manifest import Object

CHECKS = {
    "role-container-missing": "the container of a role is called as the role",
    "replicas-and-autoscaler": "one of the two says how many pods there are",
    "autoscaler-both": "a workload has one autoscaler",
    "autoscaler-bounds": "an autoscaler has room",
    "selector-differs": "a workload selects its own pods, and no others",
    "selector-unstable": "what selects pods never changes",
    "spread-missing": "pods are spread over zones and nodes",
    "spread-selector": "what spreads pods looks at the role's own",
    "anti-affinity-missing": "pods of a role keep away from each other",
    "history-unbounded": "old versions are kept, and not too many",
    "progress-too-short": "a rollout is given up only after the migration's time",
    "drain-missing": "a pod leaves its Service before it stops",
    "priority-unset": "pods say how much they matter",
}
KINDS = {"service": "Deployment", "worker": "Deployment", "job": "Job"}
#: Pods that a role which answers requests has in production.
FEWEST = 2
#: Old versions that are kept at most.
MOST_REVISIONS = 10
#: Seconds after which Kubernetes gives a rollout up where a Deployment does not say.
_PROGRESS = 600
_GRACE = 30
#: Labels that another version of chart or image changes.
CHANGING = ("helm.sh/chart", "app.kubernetes.io/version")
_ZONE, _NODE = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def kinds(view: View) -> Iterator[Finding]:
    """Each kind of role is run by what fits it."""
    for hosted in view.roles:
        thing, wanted = hosted.pod.object, KINDS[hosted.role.kind]
        if thing.kind != wanted:
            what = f"runs the contract's {hosted.role.kind}"
            yield told("role-kind-differs", thing, what, f"Run it by a {wanted}.", "kind")


def commands(view: View) -> Iterator[Finding]:
    """A role runs the contract's command; a job's is run by a script (see migrations)."""
    for hosted in view.staying:
        if hosted.main is None:
            what = f"has no container called {hosted.name}"
            remedy = f"Call the role's container {hosted.name}."
            yield told("role-container-missing", hosted.pod, what, remedy)
            continue
        words = words_of(hosted)
        if hosted.role.command and words != list(hosted.role.command):
            what = (
                f"runs `{shlex.join(words) or 'what the image says'}`, and the contract says "
                f"`{shlex.join(hosted.role.command)}`"
            )
            remedy = "Take command from contract.json."
            yield told("command-differs", hosted.main, what, remedy, "command")


def words_of(hosted: Hosted) -> list[str]:
    """Command and arguments of the role's container as the process gets them."""
    if hosted.main is None:
        return []
    words = (*(hosted.main.at("command") or ()), *(hosted.main.at("args") or ()))
    return [str(word).replace("$$", "$") for word in words]


def ports(view: View) -> Iterator[Finding]:
    """A service listens on the contract's port, and tells its process so."""
    for hosted in view.serving:
        if hosted.main is None:
            continue
        there = [port.get("containerPort") for port in hosted.main.body.get("ports") or ()]
        if hosted.role.port not in there:
            what = f"has the ports {there or 'none'}, and the contract says {hosted.role.port}"
            remedy = "Take containerPort from contract.json."
            yield told("port-differs", hosted.main, what, remedy, "ports")


def numbers(view: View) -> Iterator[Finding]:
    """How many pods there are is said once, by one of two."""
    for hosted in view.staying:
        workload = hosted.pod.object
        scalers = view.scalers(workload)
        if scalers and workload.at("spec", "replicas") is not None:
            what = f"says replicas, and {scalers[0]} changes them: each deploy takes its pods away"
            remedy = "Leave replicas out where there is an autoscaler."
            yield told("replicas-and-autoscaler", workload, what, remedy, "replicas")
        if len(scalers) > 1:
            what = f"is scaled by {' and '.join(map(str, scalers))}, against each other"
            yield told("autoscaler-both", workload, what, "Keep one of the two.", "autoscaler")
        yield from _fewest(view, hosted)


def _fewest(view: View, hosted: Hosted) -> Iterator[Finding]:
    workload = hosted.pod.object
    needed = FEWEST if view.settings.production and hosted.role.kind == "service" else 1
    if view.fewest(workload) < needed:
        what = f"keeps {view.fewest(workload)} pods, and {view.settings.profile} asks for {needed}"
        remedy = f"Raise minInstances to {needed}."
        yield told("instances-too-few", workload, what, remedy, "replicas")


def bounds(view: View) -> Iterator[Finding]:
    """An autoscaler that has no room only costs."""
    for item in view.manifest.of("HorizontalPodAutoscaler", "ScaledObject"):
        keys = ("minReplicas", "maxReplicas")
        if item.kind == "ScaledObject":
            keys = ("minReplicaCount", "maxReplicaCount")
        least, most = (item.at("spec", key) for key in keys)
        if not isinstance(most, int) or (isinstance(least, int) and least >= most):
            what = f"scales between {least} and {most}"
            remedy = "Leave it out where maxInstances is minInstances."
            yield told("autoscaler-bounds", item, what, remedy, keys[1])


def strategy(view: View) -> Iterator[Finding]:
    """Requests find a pod meanwhile; two versions of a worker overlap where the contract lets."""
    for hosted in view.staying:
        workload = hosted.pod.object
        given = workload.at("spec", "strategy") or {}
        recreates = given.get("type") == "Recreate"
        apart = hosted.role.kind == "worker" and hosted.role.handover == "stop-then-start"
        if apart and not recreates:
            what = "lets two versions take jobs at once, which the contract does not"
            remedy = "Set strategy.type: Recreate, or handover: overlap in contract.yaml."
            yield told("handover-differs", workload, what, remedy, "strategy")
        elif not apart and (recreates or not _without_gap(workload)):
            what = "takes pods away before new ones are ready"
            remedy = "Set maxUnavailable: 0 and maxSurge: 1."
            yield told("gap-in-service", workload, what, remedy, "strategy")


def _without_gap(workload: Object) -> bool:
    update = workload.at("spec", "strategy", "rollingUpdate") or {}
    return update.get("maxUnavailable") in {0, "0%"} and update.get("maxSurge") not in {0, "0%"}


def selectors(view: View) -> Iterator[Finding]:
    """A workload selects its own pods alone, by labels that never change."""
    for workload in view.manifest.of("Deployment"):
        selector = workload.at("spec", "selector") or {}
        own = workload.at("spec", "template", "metadata", "labels") or {}
        if not selector.get("matchLabels") or not chosen(selector, own):
            what = "does not select its own pods: the cluster refuses it"
            remedy = "Take selector and the pod's labels from one helper."
            yield told("selector-differs", workload, what, remedy, "selector")
        others = {str(pod.object) for pod in view.selected(selector)} - {str(workload)}
        for other in sorted(others):
            what = f"selects the pods of {other}, too"
            remedy = "Select by app.kubernetes.io/component besides."
            yield told("selector-differs", workload, what, remedy, "selector")
        for name in CHANGING:
            if name in (selector.get("matchLabels") or {}):
                what = f"selects by {name}, which the next version changes: selectors are immutable"
                yield told("selector-unstable", workload, what, f"Remove {name}.", "selector")


def spread(view: View) -> Iterator[Finding]:
    """Pods of one role lie in different zones and on different nodes, as far as there are any."""
    for hosted in view.staying:
        given = hosted.pod.spec.get("topologySpreadConstraints") or ()
        for key in (_ZONE, _NODE):
            if not any(item.get("topologyKey") == key for item in given):
                what = f"is not spread over {key}: one failure takes every pod"
                remedy = "Add a topologySpreadConstraint, whenUnsatisfiable: ScheduleAnyway."
                yield told("spread-missing", hosted.pod, what, remedy, "topologySpreadConstraints")
        for item in given:
            if not chosen(
                item.get("labelSelector") or {"matchLabels": {"": ""}}, hosted.pod.labels
            ):
                what = f"spreads other pods than its own over {item.get('topologyKey')}"
                remedy = "Take labelSelector from the helper of the selector."
                yield told("spread-selector", hosted.pod, what, remedy, "topologySpreadConstraints")
        if not ((hosted.pod.spec.get("affinity") or {}).get("podAntiAffinity")):
            what = "may be put beside its like on one node"
            remedy = "Add a preferred podAntiAffinity."
            yield told("anti-affinity-missing", hosted.pod, what, remedy, "affinity")


def history(view: View) -> Iterator[Finding]:
    """There is a version to go back to, and no heap of them."""
    for hosted in view.staying:
        kept = hosted.pod.object.at("spec", "revisionHistoryLimit")
        if not isinstance(kept, int) or not 1 <= kept <= MOST_REVISIONS:
            what = f"keeps {'as many old versions as it likes' if kept is None else kept}"
            remedy = f"Set revisionHistoryLimit between 1 and {MOST_REVISIONS}."
            yield told("history-unbounded", hosted.pod.object, what, remedy, "revisionHistoryLimit")


def progress(view: View) -> Iterator[Finding]:
    """A pod that waits for the migration as long as it may is no failed rollout yet."""
    jobs = [role for role in view.contract.roles.values() if role.kind == "job"]
    for hosted in view.staying:
        if not hosted.gates or not jobs:
            continue
        given = hosted.pod.object.at("spec", "progressDeadlineSeconds") or _PROGRESS
        needed = max(job.timeout_seconds for job in jobs) + hosted.role.start_seconds
        if given < needed:
            what = (
                f"is given up after {given} s, and may wait for the migration and start for "
                f"{needed} s"
            )
            remedy = f"Set progressDeadlineSeconds to {needed} or more."
            yield told(
                "progress-too-short", hosted.pod.object, what, remedy, "progressDeadlineSeconds"
            )


def stop(view: View) -> Iterator[Finding]:
    """A pod gets the time that leaving the Service and ending its work takes."""
    for hosted in view.staying:
        waits = _pre_stop(hosted)
        if hosted.role.kind == "service" and not waits:
            what = "stops while its Service still sends it requests"
            remedy = "Add lifecycle.preStop.sleep."
            yield told("drain-missing", hosted.pod, what, remedy, "lifecycle")
        drains = hosted.role.drain_seconds if hosted.role.kind == "service" else 0
        needed = waits + max(hosted.role.stop_seconds, drains)
        given = hosted.pod.spec.get("terminationGracePeriodSeconds", _GRACE)
        if given <= needed:
            what = f"is killed {given} s after it was asked to stop, and needs {needed} s"
            remedy = f"Set terminationGracePeriodSeconds to more than {needed}."
            yield told("stop-too-short", hosted.pod, what, remedy, "terminationGracePeriodSeconds")


def _pre_stop(hosted: Hosted) -> int:
    return int((hosted.main and hosted.main.at("lifecycle", "preStop", "sleep", "seconds")) or 0)


def priorities(view: View) -> Iterator[Finding]:
    """On a full cluster the scheduler knows whom to evict."""
    for hosted in view.roles:
        if not hosted.pod.spec.get("priorityClassName"):
            what = "has no priority class"
            remedy = "Set pods.priorityClassName to a class of your cluster."
            yield told("priority-unset", hosted.pod, what, remedy, "priorityClassName")


RULES: tuple[Rule, ...] = (
    kinds,
    commands,
    ports,
    numbers,
    bounds,
    strategy,
    selectors,
    spread,
    history,
    progress,
    stop,
    priorities,
)
