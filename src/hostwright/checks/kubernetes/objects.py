"""What holds of every object: its name, its labels, its kind, and that nothing in it is null."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hostwright.checks.kubernetes.view import told
from hostwright.helm.manifest import COMPONENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Object

CHECKS = {
    "name-refused": "names are ones that Kubernetes takes",
    "name-taken": "no two objects of a kind have one name",
    "namespace-differs": "everything is in the release's namespace",
    "label-missing": "every object says what it belongs to",
    "label-refused": "labels have values that Kubernetes takes",
    "label-in-pod": "another version of the chart restarts no pod",
    "api-unstable": "objects are of stable versions",
    "null-value": "no field is null",
    "kind-unexpected": "the chart makes kinds that somebody looked at",
}
LABELS = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "helm.sh/chart",
)
#: What another version of the chart changes.
CHANGING = ("app.kubernetes.io/version", "helm.sh/chart")
KINDS = frozenset(
    {
        "Deployment",
        "ExternalSecret",
        "HorizontalPodAutoscaler",
        "HTTPRoute",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "ScaledObject",
        "SecretProviderClass",
        "Service",
        "ServiceAccount",
    }
)
#: Kinds with rules of their own (relations, secrets), which say better what is wrong.
_TOLD_ELSEWHERE = frozenset({"Secret", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
#: KEDA has nothing else.
_UNSTABLE = frozenset({"keda.sh/v1alpha1"})
_DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def names(view: View) -> Iterator[Finding]:
    """Names fit where they are used: a Service's is a host name, a Job's a label of its pod."""
    there = Counter((item.kind, item.name) for item in view.manifest.objects)
    for item in view.manifest.objects:
        if not _DNS_LABEL.fullmatch(item.name):
            what = f"its name {item.name} is longer than 63 characters, or no host name"
            remedy = "Shorten projectName, or the release's name."
            yield told("name-refused", item, what, remedy, "name")
        if there[item.kind, item.name] > 1:
            what = f"{item.name} is made twice"
            yield told("name-taken", item, what, "Give each a name of its own.", item.name)


def namespaces(view: View) -> Iterator[Finding]:
    """One release is in one namespace."""
    found = Counter(str(item.at("metadata", "namespace")) for item in view.manifest.objects)
    for item in view.manifest.objects:
        name = item.at("metadata", "namespace")
        if not name or str(name) != found.most_common(1)[0][0]:
            what = f"is in the namespace {name or 'of whoever applies it'}"
            remedy = "Set metadata.namespace to the release's."
            yield told("namespace-differs", item, what, remedy, "namespace")


def labels(view: View) -> Iterator[Finding]:
    """Objects say what they belong to; pods say nothing that a new chart would change."""
    for item in view.manifest.objects:
        for name in LABELS if _is_whole(item) else (*LABELS, COMPONENT):
            if not item.labels.get(name):
                what = f"has no label {name}"
                yield told("label-missing", item, what, "Take the labels from the helper.", name)
        yield from _values(item)
    for pod in view.manifest.pods:
        if not pod.path:
            continue  # a pod that stands alone is made anew anyway
        for name in CHANGING:
            if name in {**pod.labels, **pod.annotations}:
                what = f"has {name}: each new chart restarts it, though nothing else is new"
                yield told("label-in-pod", pod, what, f"Remove {name} from the pod.", name)


def _is_whole(item: Object) -> bool:
    """Whether an object is the whole release's: one Ingress, and the policy that denies."""
    selected = item.at("spec", "podSelector", "matchLabels") or {}
    return item.kind == "Ingress" or (item.kind == "NetworkPolicy" and COMPONENT not in selected)


def _values(item: Object) -> Iterator[Finding]:
    labelled: dict[str, object] = {**item.labels}
    for name, value in labelled.items():
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            what = f"its label {name} is {value!r}, which Kubernetes refuses"
            yield told("label-refused", item, what, "Shorten or quote it.", str(name))


def versions(view: View) -> Iterator[Finding]:
    """A version that is not stable goes away with a cluster's next upgrade."""
    for item in view.manifest.objects:
        unstable = re.search(r"v\d+(alpha|beta)\d+$", item.api_version)
        if unstable and item.api_version not in _UNSTABLE:
            what = f"is of {item.api_version}, which is not stable"
            yield told("api-unstable", item, what, "Use the stable version.", "apiVersion")


def nulls(view: View) -> Iterator[Finding]:
    """A null removes what somebody else may have set, and is never what was meant."""
    for item in view.manifest.objects:
        for path in _nulls(item.body, ""):
            what = f"{path} is null"
            remedy = "Give it a value, or leave it out in the template."
            yield told("null-value", item, what, remedy, path.rpartition(".")[2])


def _nulls(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _nulls(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nulls(each, f"{path}[{index}]")


def kinds(view: View) -> Iterator[Finding]:
    """Every kind was looked at by whoever added it here, with the rules that it needs."""
    for item in view.manifest.objects:
        if item.kind not in KINDS | _TOLD_ELSEWHERE:
            what = "is of a kind that no rule looks at"
            remedy = "Leave it out, or add the kind and its rules to hostwright.checks.kubernetes."
            yield told("kind-unexpected", item, what, remedy, item.kind)


RULES: tuple[Rule, ...] = (names, namespaces, labels, versions, nulls, kinds)
