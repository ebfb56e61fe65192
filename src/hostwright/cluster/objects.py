"""Objects out of a manifest's text, by kind and name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hostwright import paths
from hostwright.cluster.model import Body, Key, pod_spec, role_of
from hostwright.helm import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.cluster.model import Objects

#: What runs pods of a role for as long as it is installed.
RUNNING = ("Deployment",)
_CHART = paths.shown(paths.CHART)


def parse(*texts: str) -> dict[Key, Body]:
    """Every object of the manifests.

    Raises:
        Unreadable: They hold something that is no object.
    """
    found = manifest.parse("\n---\n".join(texts), _CHART)
    return {Key(item.kind, item.name): item.body for item in found.objects}


def workloads(objects: Objects) -> Iterator[tuple[str, Body]]:
    """The roles that stay up, each with what runs it."""
    for key, body in objects.items():
        if key.kind in RUNNING and role_of(body):
            yield role_of(body), body


def migrate_job(objects: Objects) -> Body | None:
    """The Job that migrates; None where the chart has none."""
    jobs = (body for key, body in objects.items() if key.kind == "Job")
    return next((body for body in jobs if role_of(body) == "migrate"), None)


def container(body: Body, name: str) -> Body:
    """The container of that name; empty where there is none."""
    found = (item for item in pod_spec(body).get("containers") or () if item.get("name") == name)
    return cast("Body", next(found, {}))


def images(objects: Objects) -> dict[str, str]:
    """Role to image, of what stays up and of the migrate Job."""
    found = dict(workloads(objects))
    job = migrate_job(objects)
    if job is not None:
        found["migrate"] = job
    return {role: str(container(body, role).get("image", "")) for role, body in found.items()}


def env(body: Body, name: str) -> Mapping[str, Body]:
    """The variables of a container, by name: their entries, values and references."""
    return {str(item["name"]): item for item in container(body, name).get("env") or ()}
