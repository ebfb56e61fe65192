"""What every container has, whatever it is for: an image, bounds, ports, mounts."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hostwright.checks import credentials, images
from hostwright.checks.kubernetes.view import told
from hostwright.helm.manifest import dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Container, Pod

CHECKS = {
    "pull-policy": "an image is pulled where it is not there yet, and no more often",
    "memory-not-reserved": "a container is promised the memory that it may use",
    "request-above-limit": "nothing is promised that may not be used",
    "port-privileged": "no port needs a privilege",
    "port-name-taken": "ports of a pod have names of their own",
    "mount-without-volume": "whatever is mounted is there",
    "mount-twice": "nothing is mounted over another mount",
    "volume-unused": "whatever is there is mounted",
    "volume-unbounded": "no volume fills the node",
}
RESOURCES = ("cpu", "memory", "ephemeral-storage")
#: Ports below need a privilege.
LOWEST_PORT = 1024
_UNITS = {
    "": 1,
    "m": 1e-3,
    **{unit: 1000**power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", 1)},
}
_QUANTITY = re.compile(r"([\d.]+(?:[eE][-+]?\d+)?)(m|[kMGTPE]|[KMGTPE]i)?")


def quantity(text: object) -> float | None:
    """``512Mi`` as 536870912.0; None for what is no quantity."""
    found = _QUANTITY.fullmatch(str(text))
    return float(found[1]) * _UNITS[found[2] or ""] if found else None


def image(view: View) -> Iterator[Finding]:
    """Images have a tag that does not move, or a digest."""
    for container in view.manifest.containers:
        reference = str(container.at("image") or "")
        if images.moves(reference):
            what = f"its image {reference or '(none)'} is whatever was pushed last"
            remedy = "Name a tag that does not move, or a digest."
            yield told("image-unpinned", container, what, remedy, "image")


def pulled(view: View) -> Iterator[Finding]:
    """What does not move needs no second look; a node that has it starts it without a registry."""
    for container in view.manifest.containers:
        policy = container.at("imagePullPolicy")
        if policy != "IfNotPresent":
            what = f"its imagePullPolicy is {policy or 'what the tag says'}"
            yield told(
                "pull-policy", container, what, "Set imagePullPolicy: IfNotPresent.", "image"
            )


def limits(view: View) -> Iterator[Finding]:
    """CPU, memory and disk are asked for and bounded."""
    for container in view.manifest.containers:
        for side in ("requests", "limits"):
            given = container.at("resources", side) or {}
            for name in RESOURCES:
                if not quantity(given.get(name)):
                    yield _unbounded(container, side, name)


def _unbounded(container: Container, side: str, name: str) -> Finding:
    harm = {
        "requests": "it may be put where there is no room for it",
        "limits": "it can starve everything else on its node",
    }
    what = f"has no {name} in resources.{side}: {harm[side]}"
    return told("limit-missing", container, what, f"Set resources.{side}.{name}.", name)


def reserved(view: View) -> Iterator[Finding]:
    """Memory beyond what was promised is taken back by killing; more than the limit is refused."""
    for container in view.manifest.containers:
        for name in RESOURCES:
            asked, most = (
                quantity(container.at("resources", side, name)) for side in ("requests", "limits")
            )
            if not asked or not most:
                continue
            if asked > most:
                what = f"asks for more {name} than its limit: the cluster refuses it"
                yield told("request-above-limit", container, what, "Raise the limit.", name)
            elif name == "memory" and asked < most:
                what = "is promised less memory than it may use: a full node kills it"
                remedy = "Set the request to the limit."
                yield told("memory-not-reserved", container, what, remedy, name)


def ports(view: View) -> Iterator[Finding]:
    """Ports need no privilege, and each name means one."""
    for pod in view.manifest.pods:
        named = Counter[str]()
        for container in pod.containers:
            for port in container.body.get("ports") or ():
                number = port.get("containerPort")
                named[str(port.get("name") or number)] += 1
                if isinstance(number, int) and number < LOWEST_PORT:
                    what = f"listens on {number}, which takes a privilege"
                    remedy = f"Listen on {LOWEST_PORT} or above."
                    yield told("port-privileged", container, what, remedy, "ports")
        for name in sorted(name for name, count in named.items() if count > 1):
            what = f"has two ports called {name}"
            yield told("port-name-taken", pod, what, "Give each a name of its own.", "ports")


def mounts(view: View) -> Iterator[Finding]:
    """Every mount has its volume, and every volume a mount."""
    for pod in view.manifest.pods:
        volumes = {str(item.get("name")) for item in pod.spec.get("volumes") or ()}
        used = set[str]()
        for container in pod.containers:
            yield from _mounted(container, volumes)
            used |= {str(item.get("name")) for item in _mounts(container)}
        for name in sorted(volumes - used):
            what = f"has the volume {name}, which no container mounts"
            yield told("volume-unused", pod, what, "Mount it, or remove it.", name)


def _mounts(container: Container) -> list[dict[str, Any]]:
    return list(container.body.get("volumeMounts") or ())


def _mounted(container: Container, volumes: set[str]) -> Iterator[Finding]:
    seen = set[str]()
    for mount in _mounts(container):
        name, path = str(mount.get("name")), str(mount.get("mountPath"))
        if name not in volumes:
            what = f"mounts {name} at {path}, and its pod has no such volume"
            yield told("mount-without-volume", container, what, "Add it to volumes.", name)
        if path in seen:
            what = f"mounts two volumes at {path}"
            yield told("mount-twice", container, what, "Give each a path of its own.", name)
        seen.add(path)


def scratch(view: View) -> Iterator[Finding]:
    """What is written on the node ends somewhere: a full disk evicts every pod there."""
    for pod in view.manifest.pods:
        for volume in pod.spec.get("volumes") or ():
            if "emptyDir" in volume and not quantity(dig(volume, "emptyDir", "sizeLimit")):
                name = str(volume.get("name"))
                what = f"its volume {name} has no sizeLimit"
                yield told("volume-unbounded", pod, what, "Set emptyDir.sizeLimit.", name)


def temporary(view: View) -> Iterator[Finding]:
    """A read-only container has one place to write."""
    for pod in view.manifest.pods:
        scratches = _scratches(pod)
        for container in pod.containers:
            writable = {
                str(item.get("mountPath"))
                for item in _mounts(container)
                if item.get("name") in scratches and not item.get("readOnly")
            }
            if "/tmp" not in writable:  # noqa: S108 - the path that is looked for
                what = "has no place to write: its root is read-only and /tmp is no emptyDir"
                remedy = "Mount an emptyDir at /tmp."
                yield told("writable-place-missing", container, what, remedy, "volumeMounts")


def _scratches(pod: Pod) -> set[object]:
    return {item.get("name") for item in pod.spec.get("volumes") or () if "emptyDir" in item}


def arguments(view: View) -> Iterator[Finding]:
    """No password in a command line, which whoever may see the pod can read."""
    for container in view.manifest.containers:
        for key in ("command", "args"):
            if credentials.in_words([str(word) for word in container.at(key) or ()]):
                what = f"its {key} holds a password"
                remedy = "Let it read a variable that comes from a Secret."
                yield told("secret-argument", container, what, remedy, key)


RULES: tuple[Rule, ...] = (
    image,
    pulled,
    limits,
    reserved,
    ports,
    mounts,
    scratch,
    temporary,
    arguments,
)
