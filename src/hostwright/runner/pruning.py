"""Remove releases that are no longer kept, with their containers and images; best effort.

Only what carries the application's own names is touched: ``docker system prune`` would take other
people's things.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from . import cooling, releases, switch
from .engine import EngineError
from .layout import RELEASE_ID

if TYPE_CHECKING:
    from .operation import Host

_PROJECT = "com.docker.compose.project"


def prune(host: Host, keep: int) -> None:
    """Keep the serving release, *keep* good ones and the newest failed one; remove the rest."""
    known = releases.listing(host.layout)
    warm = {release.id for release in known if release.state.warm_until is not None}
    kept = releases.kept(known, host.serving, keep) | warm
    strangers = orphans(host) - {release.id for release in known}
    for stranger in strangers:
        cooling.end(host, stranger)
    gone = [release for release in known if release.id not in kept]
    for release in gone:
        cooling.end(host, release.id)
        switch.forget(host.layout, release.id)
        shutil.rmtree(host.layout.release(release.id).directory)
    removed = unused(host, gone, [release for release in known if release.id in kept])
    if gone:
        host.events.note(f"removed {len(gone)} releases and {removed} images")


def orphans(host: Host) -> set[str]:
    """Releases that have containers, by the label that Compose gives each."""
    prefix = host.layout.project("")
    projects = {entry["Labels"].get(_PROJECT, "") for entry in host.engine.containers()}
    found = {name.removeprefix(prefix) for name in projects if name.startswith(prefix)}
    return {name for name in found if RELEASE_ID.fullmatch(name)}


def unused(host: Host, gone: list[releases.Release], kept: list[releases.Release]) -> int:
    """Remove the images that only removed releases named; how many went.

    An image whose release cannot be read stays: better a full disk than a missing image.
    """
    if any(release.manifest is None for release in kept):
        return 0
    needed = {ref for release in kept if release.manifest for ref in release.manifest.refs}
    former = {ref for release in gone if release.manifest for ref in release.manifest.refs}
    count = 0
    for ref in sorted(former - needed):
        try:
            host.engine.remove_image(ref)
            count += 1
        except EngineError:
            continue  # somebody else uses it
    return count
