"""Compare what is on the host with what was deployed; nothing is changed, no lock is taken.

Each module of this family looks at one thing and says what is not as its release has it: files
(:mod:`.drifted_files`), containers and networks (:mod:`.drifted_containers`), Caddy
(:mod:`.drifted_caddy`). No value of a variable is told, only names.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import plain, releases, switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .engine import Engine
    from .layout import Layout


class Finding(NamedTuple):
    """One thing that is not as it was deployed.

    Attributes:
        area: What sort of thing: release, files, containers, images, base, networks, caddy.
        where: Which one of them.
        what: What is wrong with it, a few words, without any value.
        remedy: What to do about it, one sentence.
    """

    area: str
    where: str
    what: str
    remedy: str


def drifted(layout: Layout, engine: Engine) -> dict[str, Any]:
    """The answer: findings, and what only the laptop can judge."""
    serving = switch.target(layout)
    manifest = releases.load(layout, serving) if serving else None
    return {
        "event": "drift",
        "serving": serving,
        "time": int(time.time()),
        "findings": [finding._asdict() for finding in look(layout, engine)],
        "contract_sha256": manifest.contract_sha256 if manifest else None,
        "env": {role: sorted(names) for role, names in manifest.env.items()} if manifest else {},
        "certificates": certificates(layout, engine),
    }


def look(layout: Layout, engine: Engine) -> list[Finding]:
    """Everything that is not as it should be; a part that cannot be looked at is a finding, too."""
    from . import drifted_caddy, drifted_containers, drifted_files

    serving = switch.target(layout)
    if serving is None:
        return _nothing(layout)
    manifest = releases.load(layout, serving)
    if manifest is None:
        remedy = "Deploy a new release; `invoke vps.rollback` cannot return to this one."
        where = f"releases/{serving}/manifest.json"
        return [Finding("release", where, "the manifest cannot be read", remedy)]
    parts: dict[str, Callable[[], Iterable[Finding]]] = {
        "files": lambda: drifted_files.look(layout, manifest),
        "containers": lambda: drifted_containers.of_release(layout, engine, manifest),
        "base": lambda: drifted_containers.of_base(layout, engine),
        "images": lambda: drifted_containers.images(engine, manifest),
        "networks": lambda: drifted_containers.networks(layout, engine),
        "ports": lambda: drifted_containers.ports(layout, engine),
        "caddy": lambda: drifted_caddy.look(layout, engine),
    }
    return [finding for area, part in parts.items() for finding in _tried(area, part)]


def _nothing(layout: Layout) -> list[Finding]:
    if not any(release.state.outcome == "good" for release in releases.listing(layout)):
        return []  # nothing was deployed yet, and nothing can differ from it
    remedy = "`invoke vps.rollback` or a deploy names a release again."
    return [Finding("release", "live/current", "the live link names no release", remedy)]


def _tried(area: str, part: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from part()
    except plain.FAULTS as error:
        told = plain.explained(error)
        what = f"this cannot be looked at: {told.what}"
        yield Finding(area, told.where or area, what, told.remedy or "Look at the host.")


def certificates(layout: Layout, engine: Engine) -> list[dict[str, Any]]:
    """Name and last moment of each certificate that Caddy keeps, the newest one of each name."""
    from .backup import certificates as reading

    found: dict[str, float | None] = {}
    with contextlib.suppress(*plain.FAULTS):
        volume = engine.find(f"/volumes/{layout.app}_caddy_data")
        found = reading.newest(Path(volume["Mountpoint"])) if volume else {}
    return [{"name": name, "not_after": until} for name, until in sorted(found.items())]
