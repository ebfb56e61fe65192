"""Prune by command: say what would go, then let it go.

Only what carries the application's own names is touched: releases that are no longer kept, images
that no kept release names, and what commands that were killed left behind. What a restore kept
aside is data, and stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import pruning, releases, room, switch
from .caddy import CANDIDATE
from .engine import EngineError
from .layout import APPLICATION, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .engine import Engine
    from .operation import Host
    from .releases import Release

#: What a durable write that was killed leaves: ``.<name>.<pid>.<nanoseconds>``.
_HALF = re.compile(r"\..+\.[0-9]+(?:\.[0-9]+)?")
_OUR_ROLES = frozenset({"api", "web", "worker", "migrate", "caddy", "postgres", "redis"})
_DEFAULT_KEEP = 5
#: What is younger may be being written.
_SETTLED_SECONDS = 60.0


class Plan(NamedTuple):
    """What would go.

    Attributes:
        releases: The releases, oldest first.
        images: References.
        leftovers: Paths of files and directories that nothing knows any more.
        image_bytes: What the images have at most; they share layers.
    """

    releases: tuple[str, ...]
    images: tuple[str, ...]
    leftovers: tuple[str, ...]
    image_bytes: int

    @property
    def event(self) -> dict[str, Any]:
        """For the laptop."""
        return {"event": "prune", **self._asdict()}


def kept(layout: Layout, keep: int | None) -> int:
    """How many releases stay: as asked, else as the serving release says."""
    if keep is not None:
        return keep
    serving = switch.target(layout)
    manifest = releases.load(layout, serving) if serving else None
    return manifest.keep_releases if manifest else _DEFAULT_KEEP


def look(layout: Layout, engine: Engine, keep: int | None) -> Plan:
    """What :func:`clear` would remove now; changes nothing."""
    gone, stay = pruning.split(layout, kept(layout, keep))
    refs = unneeded(layout, engine, gone, stay)
    sizes = (int((engine.image(ref) or {}).get("Size") or 0) for ref in refs)
    return Plan(
        tuple(sorted(release.id for release in gone)),
        tuple(refs),
        tuple(str(path) for path in leftovers(layout)),
        sum(sizes),
    )


def clear(host: Host, keep: int | None, swept: Iterable[str] = ()) -> dict[str, Any]:
    """Remove what :func:`look` tells of.

    Args:
        host: The host; its lock is held.
        keep: How many releases stay.
        swept: Leftovers that were there before: settling a dead owner's work removes some.

    Returns:
        What went, and how many bytes are free now that were not.
    """
    before = room.disk()
    plan = look(host.layout, host.engine, keep)
    pruning.prune(host, kept(host.layout, keep))
    removed = [ref for ref in plan.images if remove(host.engine, ref)]
    for path in leftovers(host.layout):
        _discard(path)
    there = set(host.layout.known())
    return {
        "releases": [release for release in plan.releases if release not in there],
        "images": removed,
        "leftovers": [
            path for path in dict.fromkeys((*swept, *plan.leftovers)) if not os.path.lexists(path)
        ],
        "freed": max(room.disk() - before, 0),
    }


def unneeded(
    layout: Layout, engine: Engine, gone: Iterable[Release], stay: Iterable[Release]
) -> list[str]:
    """The images that no kept release names, of whichever application on this host.

    There are none where a kept release cannot be read: better a full disk than a missing image.
    """
    kept_ones = list(stay)
    if any(release.manifest is None for release in kept_ones):
        return []
    others = [release for other in _others(layout) for release in releases.listing(other)]
    staying = (*kept_ones, *others)
    needed = {ref for release in staying if release.manifest for ref in release.manifest.refs}
    named = {ref for release in gone if release.manifest for ref in release.manifest.refs}
    there = {tag for image in engine.images() for tag in image.get("RepoTags") or ()}
    ours = {tag for tag in there if is_ours(layout.app, tag)}
    return sorted((named | ours) - needed)


def _others(layout: Layout) -> list[Layout]:
    """The other applications of this host."""
    places = (path for path in layout.root.parent.iterdir() if path != layout.root)
    found = (path for path in places if APPLICATION.fullmatch(path.name) and path.is_dir())
    return [Layout(path.name, path) for path in found]


def is_ours(app: str, tag: str) -> bool:
    """Whether an image has a name that only a deploy of this application gives.

    The role is asked for, too: another application's name may begin with this one's.
    """
    name = tag.rpartition(":")[0]
    prefix = f"hostwright/{app}-"
    return name.startswith(prefix) and name.removeprefix(prefix) in _OUR_ROLES


def leftovers(layout: Layout) -> Iterator[Path]:
    """Uploads that were broken off, files half written, a configuration only tried."""
    if layout.releases.is_dir():
        yield from sorted(path for path in layout.releases.iterdir() if path.name[0] == ".")
    for place in (layout.root, layout.base, layout.live, layout.caddy):
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if _abandoned(path))
    if (layout.caddy / CANDIDATE).exists():
        yield layout.caddy / CANDIDATE


def _abandoned(path: Path) -> bool:
    if not _HALF.fullmatch(path.name):
        return False
    with contextlib.suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime > _SETTLED_SECONDS
    return False


def remove(engine: Engine, ref: str) -> bool:
    """Remove an image; whether it is gone."""
    try:
        if engine.image(ref) is not None:
            engine.remove_image(ref)
    except EngineError:
        return False  # somebody else uses it
    return True


def _discard(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
