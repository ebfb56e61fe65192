"""Remove releases that are no longer kept, with their containers and images; best effort.

Only what carries the application's own names is touched: ``docker system prune`` would take other
people's things.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from . import base, cooling, durable, planned_migration, releases, switch
from .engine import EngineError
from .layout import RELEASE_ID

if TYPE_CHECKING:
    from pathlib import Path

    from .layout import Layout
    from .operation import Host

_PROJECT = "com.docker.compose.project"
#: A database that is told to end gets the time to do it.
_STOP_SECONDS = 60


def prune(host: Host, keep: int) -> None:
    """Keep the serving release, *keep* good ones and the newest failed one; remove the rest."""
    planned_migration.sweep(host.layout, host.engine)
    gone, stay = split(host.layout, keep)
    strangers = orphans(host) - {release.id for release in (*gone, *stay)}
    for stranger in strangers:
        cooling.end(host, stranger)
    for release in gone:
        cooling.end(host, release.id)
        switch.forget(host.layout, release.id)
    leave_base(host, stay)
    # Its images first: once a directory is gone, nobody knows any more which they were.
    removed = unused(host, gone, stay)
    for release in gone:
        _remove(host.layout.release(release.id).directory)
    if gone:
        host.events.note(f"removed {len(gone)} releases and {removed} images")


def split(layout: Layout, keep: int) -> tuple[list[releases.Release], list[releases.Release]]:
    """The releases that go, and those that stay."""
    known = releases.listing(layout)
    warm = {release.id for release in known if release.state.warm_until is not None}
    kept = releases.kept(known, switch.target(layout), keep) | warm
    gone = [release for release in known if release.id not in kept]
    return gone, [release for release in known if release.id in kept]


def _remove(directory: Path) -> None:
    """Remove a release's directory: whole, or what is left of it is swept by the next command."""
    beside = directory.with_name(f".{directory.name}")
    shutil.rmtree(beside, ignore_errors=True)
    directory.rename(beside)
    durable.sync_directory(directory.parent)
    shutil.rmtree(beside)


def orphans(host: Host) -> set[str]:
    """Releases that have containers, by the label that Compose gives each."""
    prefix = host.layout.project("")
    projects = {entry["Labels"].get(_PROJECT, "") for entry in host.engine.containers()}
    found = {name.removeprefix(prefix) for name in projects if name.startswith(prefix)}
    return {name for name in found if RELEASE_ID.fullmatch(name)}


def leave_base(host: Host, kept: list[releases.Release]) -> None:
    """End the base services that no kept release has any more; their volumes stay."""
    manifests = [release.manifest for release in kept]
    if not all(known and known.base_services for known in manifests):
        return
    needed = frozenset(name for known in manifests if known for name in known.base_services)
    for found in base.strangers(host, needed):
        name = found["Name"].removeprefix("/")
        host.engine.stop(name, _STOP_SECONDS)
        host.engine.remove(name)
        host.events.note(f"{name} was ended: no release that is kept has it")


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
