"""Every object against what Kubernetes takes, in several of its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked
from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.checks.finding import Finding
    from hostwright.helm.manifest import Manifest, Object
    from hostwright.helm.schemas import Fault, Kubernetes

CHECKS = {
    "schema-refused": "Kubernetes takes every object, in each of its newest versions",
    "kind-unknown": "every kind is Kubernetes's own, or its definition is at hand",
}


def check(manifest: Manifest, versions: Sequence[Kubernetes]) -> Checked:
    """Every object against every version; what several versions refuse is told once."""
    found = [finding for item in manifest.objects for finding in _judged(item, versions)]
    return Checked(len(manifest.objects) * len(versions), tuple(sorted(set(found))))


def _judged(item: Object, versions: Sequence[Kubernetes]) -> Iterator[Finding]:
    refused: dict[Fault, list[str]] = {}
    for version in versions:
        faults = version.faults(item.body)
        if faults is None:
            what = f"{item.api_version} is not known to Kubernetes {version.minor}"
            remedy = "Use a version that is, or add its definition to ops/charts/vendor."
            yield told("kind-unknown", item, what, remedy, item.kind)
            return
        for fault in faults:
            refused.setdefault(fault, []).append(version.minor)
    for fault, minors in refused.items():
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault.path)
        what = f"Kubernetes {', '.join(minors)} refuses {path.lstrip('.') or 'it'}: {fault.what}"
        last = [str(key) for key in fault.path if isinstance(key, str)]
        yield told(
            "schema-refused",
            item,
            what.rstrip("."),
            "Correct it in the template.",
            last[-1] if last else "",
        )
