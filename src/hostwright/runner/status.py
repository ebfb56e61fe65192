"""What serves, what is kept, and who is at work: read without a lock, changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import hello, plain, releases, switch

if TYPE_CHECKING:
    from .engine import Engine
    from .layout import Layout


def status(layout: Layout, engine: Engine) -> dict[str, Any]:
    """The state of an application on this host."""
    serving, known = switch.target(layout), releases.listing(layout)
    return {
        "event": "status",
        "app": layout.app,
        "serving": serving,
        "releases": [hello.described(release, serving) for release in known],
        "containers": containers(layout, engine),
        "base_sha256": releases.base_applied(layout),
        **hello.open_work(layout),
    }


def containers(layout: Layout, engine: Engine) -> list[dict[str, Any]] | None:
    """The containers of the base and of all releases; None where Docker does not answer."""
    prefix = f"{layout.app}-"
    try:
        found = engine.containers()
    except plain.FAULTS:
        return None
    mine = (e for e in found if _project(e).startswith(prefix))
    return sorted((_described(e, prefix) for e in mine), key=lambda item: str(item["name"]))


def _project(entry: dict[str, Any]) -> str:
    return str(entry["Labels"].get("com.docker.compose.project", ""))


def _described(entry: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {
        "name": entry["Names"][0].lstrip("/") if entry["Names"] else entry["Id"][:12],
        "release": _project(entry).removeprefix(prefix),
        "service": entry["Labels"].get("com.docker.compose.service"),
        "state": entry["State"],
        "status": entry["Status"],
        "image": entry["Image"],
    }
