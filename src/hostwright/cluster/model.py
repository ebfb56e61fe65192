"""Words that everything about a cluster shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

#: A Kubernetes object, as JSON or YAML gives it.
Body = Mapping[str, Any]

RELEASE_LABEL = "app.kubernetes.io/instance"
ROLE_LABEL = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Where:
    """Which installation is meant.

    Args:
        release: Helm's name for it.
        namespace: Where it is installed.
        context: The kubeconfig's name for the cluster; empty inside a cluster.
    """

    release: str = "app"
    namespace: str = "app"
    context: str = ""

    @property
    def selector(self) -> str:
        """What selects the objects of the release."""
        return f"{RELEASE_LABEL}={self.release}"

    def __str__(self) -> str:
        context = f" of {self.context}" if self.context else ""
        return f"release {self.release} in namespace {self.namespace}{context}"


class Key(NamedTuple):
    """What tells an object from all others of a release."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Objects = Mapping[Key, Body]


def labels(body: Body) -> Mapping[str, str]:
    """The object's labels."""
    found: Mapping[str, str] = (body.get("metadata") or {}).get("labels") or {}
    return found


def role_of(body: Body) -> str:
    """The role that an object belongs to; empty if it belongs to none."""
    return str(labels(body).get(ROLE_LABEL, ""))


def name_of(body: Body) -> str:
    """The object's name."""
    return str((body.get("metadata") or {}).get("name", ""))


def pod_spec(body: Body) -> Body:
    """The pod's part of a Pod, Job, Deployment; empty for what has none."""
    spec: Body = body.get("spec") or {}
    if body.get("kind") == "Pod":
        return spec
    found: Body = (spec.get("template") or {}).get("spec") or {}
    return found
