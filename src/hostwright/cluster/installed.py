"""What is installed, and how it came to be: asked of Helm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostwright.cluster import commands, history, migration, objects
from hostwright.contract.chart import value_path
from hostwright.errors import KubernetesError, NoRelease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.cluster.client import Cluster
    from hostwright.cluster.history import Revision
    from hostwright.cluster.migration import Status
    from hostwright.cluster.model import Body, Objects
    from hostwright.contract.models import Contract


def revisions(cluster: Cluster) -> tuple[Revision, ...]:
    """Every revision that is kept; none where nothing is installed."""
    try:
        return history.parse(cluster.read(commands.history(cluster.where)) or ())
    except NoRelease:
        return ()


def release(cluster: Cluster) -> tuple[Revision, ...]:
    """The revisions of a release that has to be there.

    Raises:
        NoRelease: It is not.
    """
    return history.parse(cluster.read(commands.history(cluster.where)))


def manifest(cluster: Cluster, revision: int = 0) -> Objects:
    """The objects of a revision, hooks included; of the newest one without a number."""
    calls = (commands.manifest, commands.hooks)
    return objects.parse(*(cluster.ask(call(cluster.where, revision)) for call in calls))


def inputs(cluster: Cluster, contract: Contract) -> dict[str, str]:
    """The canonical inputs that the release was installed with."""
    values = cluster.read(commands.values(cluster.where)) or {}
    known = {name: item for name, item in contract.inputs.items() if "kubernetes" in item.targets}
    found = {name: _at(values, value_path(name)) for name in known}
    return {name: _text(value) for name, value in found.items() if value not in (None, "")}


def _at(values: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    for key in path.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return None if isinstance(values, dict | list) else values


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def serves(cluster: Cluster) -> str:
    """One sentence on what serves now; it is asked after a failure, and never fails itself."""
    try:
        known = revisions(cluster)
        now = history.serving(known)
        if now is None:
            return "Nothing serves yet."
        found = objects.images(manifest(cluster, now.number))
    except KubernetesError as error:
        return f"What serves now could not be asked ({error.what.splitlines()[0]})."
    told = ", ".join(f"{role} {image}" for role, image in found.items() if role != "migrate")
    return f"Serving now: revision {now.number} ({told})."


# --- what the migrations did ---------------------------------------------------------------------


def memory(cluster: Cluster) -> dict[int, Status]:
    """What is remembered of the revisions' migrations."""
    return migration.remembered(_config_map(cluster))


def remember(cluster: Cluster, revision: int, did: Status) -> None:
    """Remember what a revision's migration did.

    Raises:
        KubernetesError: The cluster does not take it.
    """
    before: Mapping[str, Any] | None = _config_map(cluster)
    made = migration.with_memory(before, cluster.where, revision, did)
    name = migration.memory_name(cluster.where)
    call = commands.replace if before else commands.create
    cluster.ask(call(cluster.where, name), stdin=_json(made))


def _config_map(cluster: Cluster) -> Body | None:
    name = migration.memory_name(cluster.where)
    found: Body | None = cluster.read(commands.config_map(cluster.where, name))
    return found


def _json(body: Mapping[str, Any]) -> bytes:
    import json

    return json.dumps(body).encode()
