"""What refers to what: Services, budgets and autoscalers to pods, and pods to their accounts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Object, Pod

CHECKS = {
    "selector-dangling": "whatever selects something finds it",
    "service-missing": "every role that answers requests has a Service",
    "service-exposed": "Services are reached inside the cluster alone",
    "service-port": "Services lead to ports that their pods have",
    "service-selects-others": "a Service leads to one role",
    "budget-missing": "a drained node takes one pod of a role at a time",
    "budget-blocks": "a budget lets every node be drained",
    "budget-eviction": "what is broken anyway never keeps a node from being drained",
    "service-account-missing": "every role has an identity of its own to run as",
    "token-mounted": "no pod holds a token of the cluster's",
    "identity-differs": "every account is in the cloud who the values say",
    "identity-unlabelled": "a cloud gives its identity to the pods that ask for it",
    "rights-granted": "nobody is granted rights in the cluster",
}
_CLOUDS = {
    "aws": "eks.amazonaws.com/role-arn",
    "gcp": "iam.gke.io/gcp-service-account",
    "azure": "azure.workload.identity/client-id",
}
_AZURE_LABEL = "azure.workload.identity/use"
_RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
#: Pods of which one may be away at a time.
_SEVERAL = 2


def services(view: View) -> Iterator[Finding]:
    """A Service leads to ports of pods of one role."""
    for item in view.manifest.of("Service"):
        pods = _selected(view, item)
        if not pods:
            yield _dangling(item, "selects no pod")
        if item.at("spec", "type") not in {None, "ClusterIP"} or item.at("spec", "externalIPs"):
            what = f"is of type {item.at('spec', 'type')}: it is reached past every route"
            remedy = "Use ClusterIP; routing.type says how requests get in."
            yield told("service-exposed", item, what, remedy, "type")
        if len({pod.role for pod in pods}) > 1:
            what = f"leads to {' and '.join(sorted({pod.role for pod in pods}))} in turns"
            remedy = "Select by app.kubernetes.io/component besides."
            yield told("service-selects-others", item, what, remedy, "selector")
        yield from _ports(item, pods)


def _selected(view: View, service: Object) -> list[Pod]:
    return view.selected({"matchLabels": service.at("spec", "selector") or {"": ""}})


def _dangling(item: Object, what: str) -> Finding:
    remedy = "Take its selector from the helper that labels the pods."
    return told("selector-dangling", item, what, remedy, "selector")


def _ports(service: Object, pods: list[Pod]) -> Iterator[Finding]:
    known = {
        port.get(key)
        for pod in pods
        for container in pod.containers
        for port in container.body.get("ports") or ()
        for key in ("name", "containerPort")
    }
    for port in service.at("spec", "ports") or ():
        target = port.get("targetPort", port.get("port"))
        if pods and target not in known:
            what = f"leads to port {target}, which its pods do not have"
            yield told("service-port", service, what, "Name a port of the container.", "ports")


def served(view: View) -> Iterator[Finding]:
    """Every role that answers requests has a Service on its port."""
    for hosted in view.serving:
        ports = {
            port.get("port")
            for item in view.manifest.of("Service")
            if hosted.pod in _selected(view, item)
            for port in item.at("spec", "ports") or ()
        }
        if hosted.role.port not in ports:
            what = f"no Service leads to its port {hosted.role.port}"
            remedy = "Add a Service whose port is the contract's."
            yield told("service-missing", hosted.pod.object, what, remedy)


def targets(view: View) -> Iterator[Finding]:
    """Autoscalers and budgets find what they are for."""
    for item in view.manifest.of("HorizontalPodAutoscaler", "ScaledObject"):
        target: Mapping[str, str] = item.at("spec", "scaleTargetRef") or {}
        # KEDA takes a Deployment where it is not told of another kind.
        kind, name = target.get("kind", "Deployment"), str(target.get("name"))
        if not view.manifest.find(kind, name):
            yield told(
                "selector-dangling",
                item,
                f"scales {kind}/{name}, which is not there",
                "Name the role's Deployment.",
                "scaleTargetRef",
            )
    for item in view.manifest.of("PodDisruptionBudget"):
        if not view.selected(item.at("spec", "selector")):
            yield _dangling(item, "protects no pod")


def budgets(view: View) -> Iterator[Finding]:
    """A drained node takes one pod of a role after the other, and never waits for ever."""
    every = view.manifest.of("PodDisruptionBudget")
    for hosted in view.staying:
        workload = hosted.pod.object
        own = [item for item in every if hosted.pod in view.selected(item.at("spec", "selector"))]
        count = view.fewest(workload)
        if count >= _SEVERAL and not own:
            what = f"no budget protects its {count} pods: a drained node may take all at once"
            remedy = "Add a PodDisruptionBudget with maxUnavailable: 1."
            yield told("budget-missing", workload, what, remedy, "budget")
        for item in own:
            if _away(item, count) < 1:
                what = f"lets none of {count} pods go: no node of theirs can be drained"
                remedy = "Set maxUnavailable: 1."
                yield told("budget-blocks", item, what, remedy, "maxUnavailable")
    for item in every:
        if item.at("spec", "unhealthyPodEvictionPolicy") != "AlwaysAllow":
            what = "keeps pods that never get ready from being drained"
            remedy = "Set unhealthyPodEvictionPolicy: AlwaysAllow."
            yield told("budget-eviction", item, what, remedy, "unhealthyPodEvictionPolicy")


def _away(budget: Object, count: int) -> int:
    """How many of *count* pods may be away; shares are rounded up, as Kubernetes does."""
    most, least = budget.at("spec", "maxUnavailable"), budget.at("spec", "minAvailable")
    if most is not None:
        return _share(most, count)
    return count - _share(least, count) if least is not None else count


def _share(amount: int | str, count: int) -> int:
    text = str(amount)
    return math.ceil(int(text[:-1]) / 100 * count) if text.endswith("%") else int(text)


def accounts(view: View) -> Iterator[Finding]:
    """Every pod runs as an account of this release, and every role as its own."""
    used: dict[str, str] = {}
    for pod in view.manifest.pods:
        name = str(pod.spec.get("serviceAccountName") or "default")
        if not view.manifest.find("ServiceAccount", name):
            what = f"runs as {name}, which this release does not make"
            remedy = "Name the role's own ServiceAccount."
            yield told("service-account-missing", pod, what, remedy, "serviceAccountName")
        elif used.setdefault(name, pod.role) != pod.role:
            what = f"runs as {name}, as {used[name]} does: whatever one may, both may"
            remedy = "Name the role's own ServiceAccount."
            yield told("identity-shared", pod, what, remedy, "serviceAccountName")


def tokens(view: View) -> Iterator[Finding]:
    """No pod asks the cluster's API for anything, so none holds a token for it."""
    for pod in view.manifest.pods:
        if pod.spec.get("automountServiceAccountToken") is not False:
            what = "holds a token that the cluster's API takes"
            remedy = "Set automountServiceAccountToken: false."
            yield told("token-mounted", pod, what, remedy, "automountServiceAccountToken")
    for item in view.manifest.of("ServiceAccount"):
        if item.at("automountServiceAccountToken") is not False:
            what = "gives its token to every pod that runs as it"
            remedy = "Set automountServiceAccountToken: false."
            yield told("token-mounted", item, what, remedy, "automountServiceAccountToken")


def identities(view: View) -> Iterator[Finding]:
    """A cloud's identity is the chosen cloud's, and Azure gives it to labelled pods alone."""
    chosen = _CLOUDS.get(view.settings.identity)
    for item in view.manifest.of("ServiceAccount"):
        for name in sorted(item.annotations.keys() & set(_CLOUDS.values()) - {chosen}):
            what = f"has {name}, and identity.type is {view.settings.identity}"
            yield told("identity-unlabelled", item, what, "Annotate for the chosen cloud.", name)
    for pod in view.manifest.pods:
        account = view.manifest.find("ServiceAccount", str(pod.spec.get("serviceAccountName")))
        asked = account is not None and _CLOUDS["azure"] in account.annotations
        if asked and pod.labels.get(_AZURE_LABEL) != "true":
            what = "gets no identity of Azure's: its webhook looks at the pod's label"
            remedy = f'Label the pod {_AZURE_LABEL}: "true".'
            yield told("identity-unlabelled", pod, what, remedy, _AZURE_LABEL)


def identified(view: View) -> Iterator[Finding]:
    """Whoever a role is in the cloud stands at its account, where the cloud looks for it."""
    key = _CLOUDS.get(view.settings.identity)
    for hosted in view.roles if key else ():
        name = str(hosted.pod.spec.get("serviceAccountName"))
        account = view.manifest.find("ServiceAccount", name)
        wanted = view.settings.identities.get(hosted.name, "")
        if account and key and account.annotations.get(key, "") != wanted:
            given = "another's" if key in account.annotations else "nobody's"
            what = f"its {key} is {given}: {wanted or 'none'} was given"
            remedy = "Take it from the role's own identity in the values."
            yield told("identity-differs", account, what, remedy, key)


def rights(view: View) -> Iterator[Finding]:
    """Nothing here asks the cluster's API for anything, so nothing may."""
    for item in view.manifest.of(*_RIGHTS):
        what = "grants rights in the cluster that no role needs"
        yield told("rights-granted", item, what, "Remove it.", item.kind)


RULES: tuple[Rule, ...] = (
    services,
    served,
    targets,
    budgets,
    accounts,
    tokens,
    identities,
    identified,
    rights,
)
