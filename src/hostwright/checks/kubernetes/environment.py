"""The variables of containers, as the kubelet reads them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from hostwright.checks import credentials
from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Container

CHECKS = {
    "env-unsorted": "variables are in order, so that a difference is one",
    "env-not-text": "variables are texts",
    "env-expands": "no value is expanded on its way",
    "env-from": "every variable is named where it is given",
    "env-without-value": "every variable that is named has a value",
    "service-links": "no Service of the namespace adds variables",
}
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def names(view: View) -> Iterator[Finding]:
    """Names are unique (Helm 4 refuses a release otherwise) and sorted."""
    for container in view.manifest.containers:
        given = [str(item.get("name")) for item in container.env]
        for name in sorted(name for name, count in Counter(given).items() if count > 1):
            what = "is given twice: a server-side apply refuses that"
            yield told("env-duplicate", container, what, "Keep one of the two.", name)
        if given != sorted(given):
            first = next(one for one, two in zip(given, sorted(given), strict=True) if one != two)
            what = "stands where its name does not belong: variables are not sorted"
            yield told("env-unsorted", container, what, "Sort them by name.", first)


def values(view: View) -> Iterator[Finding]:
    """Values are texts that reach the process as they are."""
    for container in view.manifest.containers:
        for item in container.env:
            name, value = str(item.get("name")), item.get("value")
            if "value" in item and not isinstance(value, str):
                what = f"is no text but {_kind(value)}: the cluster refuses it"
                yield told("env-not-text", container, what, "Quote it in the template.", name)
            elif "value" not in item and not item.get("valueFrom"):
                what = "is named and has no value"
                remedy = "Give it one, or leave it out."
                yield told("env-without-value", container, what, remedy, name)
            elif isinstance(value, str) and expands(value):
                what = "holds $(…), which the kubelet replaces by another variable"
                remedy = "Double every dollar sign in the template."
                yield told("env-expands", container, what, remedy, name)


def _kind(value: object) -> str:
    words = {bool: "a boolean", int: "a number", float: "a number", type(None): "nothing"}
    return words.get(type(value), "a structure")


def expands(value: str) -> bool:
    """Whether the kubelet finds a reference in *value*: ``$(NAME)``, where ``$$`` is a dollar."""
    return "$(" in value.replace("$$", "")


def sources(view: View) -> Iterator[Finding]:
    """Variables are named one by one: what is taken wholesale is seen by nobody."""
    for container in view.manifest.containers:
        if container.at("envFrom"):
            what = "takes whatever a ConfigMap or Secret holds"
            remedy = "Name each variable in env, secrets by secretKeyRef."
            yield told("env-from", container, what, remedy, "envFrom")


def literals(view: View) -> Iterator[Finding]:
    """No secret stands in a variable that whoever may see the pod can read."""
    for container in view.manifest.containers:
        for item in container.env:
            name, value = str(item.get("name")), item.get("value")
            if _known(view, container, name) or not isinstance(value, str):
                continue
            if credentials.in_variable(name, value):
                what = "holds a secret in readable configuration"
                yield told("secret-literal", container, what, "Use a secretKeyRef.", name)
    for thing in view.manifest.of("ConfigMap"):
        for key, value in (thing.at("data") or {}).items():
            name = "_".join(_KEY.findall(str(key).upper()))
            if credentials.in_variable(name, str(value)):
                what = f"its key {key} holds a secret in readable configuration"
                yield told("secret-literal", thing, what, "Use a Secret of yours.", str(key))


def _known(view: View, container: Container, name: str) -> bool:
    """Whether parity says where the variable should come from."""
    declared = view.contract.variables.get(name)
    return declared is not None and container.role in declared.roles


def links(view: View) -> Iterator[Finding]:
    """Kubernetes would add API_PORT=tcp://… for a Service called api, and the like."""
    for pod in view.manifest.pods:
        if pod.spec.get("enableServiceLinks") is not False:
            what = "gets variables for every Service of its namespace, such as API_PORT"
            yield told(
                "service-links", pod, what, "Set enableServiceLinks: false.", "enableServiceLinks"
            )


RULES: tuple[Rule, ...] = (names, values, sources, literals, links)
