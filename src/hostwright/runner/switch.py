"""The switch: one rename of a symbolic link that Caddy reads on every request.

``live/<id>/{api,web}`` hold the host names of a release's containers; ``live/current`` names the
release that serves. Its target's files are on the disk before the link names them, and what the
link names is never removed: a dangling link makes Caddy answer 502.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import durable
from .layout import RELEASE_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .layout import Layout


def target(layout: Layout) -> str | None:
    """The release that serves, or None where there is none yet."""
    try:
        name = str(layout.link.readlink())
    except OSError:
        return None
    return name if RELEASE_ID.fullmatch(name) else None


def write(layout: Layout, release: str, roles: Iterable[str]) -> None:
    """Say where a release's roles are, for the day the link names it."""
    directory = layout.live / release
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    for role in roles:
        name = layout.container(release, role) + "\n"
        durable.write(directory / role, name.encode(), mode=0o644)
    durable.sync_directory(layout.live)


def move(layout: Layout, release: str) -> None:
    """Let a release serve: one rename."""
    durable.relink(layout.link, release)


def forget(layout: Layout, release: str) -> None:
    """Remove a release's names, unless the link names it."""
    import shutil

    if release != target(layout):
        shutil.rmtree(layout.live / release, ignore_errors=True)
