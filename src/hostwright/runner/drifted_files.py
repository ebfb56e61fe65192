"""Files that somebody changed: of the release, of the base, of Caddy, and what Caddy reads."""

from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

from . import caddy, durable, releases
from .drifted import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .layout import Layout
    from .manifest import File, Manifest

_ANEW = "Deploy again: the new release brings its own files. Containers keep what they began with."
_LIVE = "Deploy again, or roll back: both write it anew."
_OTHERS = 0o077


def look(layout: Layout, manifest: Manifest) -> Iterator[Finding]:
    """Every file that is not as a release brought it."""
    yield from of_release(layout, manifest)
    yield from of_live(layout, manifest)
    yield from of_base(layout)
    yield from of_caddy(layout)


def of_release(layout: Layout, manifest: Manifest) -> Iterator[Finding]:
    """The serving release's own files against its manifest."""
    directory = layout.release(manifest.id).directory
    for name, entry in sorted(manifest.files.items()):
        what = differs(directory / name, entry)
        if what:
            yield Finding("files", f"releases/{manifest.id}/{name}", what, _ANEW)


def differs(path: Path, wanted: File) -> str:
    """What is wrong with a file, in a few words; empty where nothing is."""
    if not path.is_file() or path.is_symlink():
        return "it is missing"
    if hashlib.sha256(path.read_bytes()).hexdigest() != wanted.sha256:
        return "it has another content than was deployed"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS & ~wanted.mode:
        return f"others may use it: its mode is {mode:04o}, not {wanted.mode:04o}"
    return ""


def of_live(layout: Layout, manifest: Manifest) -> Iterator[Finding]:
    """What Caddy reads to find the serving release."""
    for role in sorted(manifest.services):
        path = layout.live / manifest.id / role
        wanted = layout.container(manifest.id, role)
        said = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if said.strip() != wanted:
            what = f"it does not name {wanted}: requests go astray"
            yield Finding("files", f"live/{manifest.id}/{role}", what, _LIVE)


def of_base(layout: Layout) -> Iterator[Finding]:
    """The base's files against those of the release that brought it, while that one is kept."""
    applied = durable.read_json(layout.base_state)
    release = str(applied.get("release") or "") if isinstance(applied, dict) else ""
    if not release:
        what = "the base was not brought to its end"
        yield Finding("base", "base", what, "Deploy again: it brings the base up.")
        return
    manifest = releases.load(layout, release)
    if manifest is None:
        return  # pruned: the containers still have to be as the base's own file says
    source = layout.release(release).directory
    for name in base_files(manifest.files):
        there = layout.base / base_name(name)
        if not there.is_file():
            yield Finding("base", f"base/{base_name(name)}", "it is missing", _ANEW)
        elif (source / name).is_file() and _line(there) != _line(source / name):
            what = "it has another content than was deployed"
            yield Finding("base", f"base/{base_name(name)}", what, _base_remedy(name))


def base_files(files: Mapping[str, File]) -> list[str]:
    """The bundle's files that the base's directory has."""
    kinds = ("secrets/", "entrypoints/", "base/")
    return sorted(name for name in files if name == "base.yaml" or name.startswith(kinds))


def base_name(name: str) -> str:
    """Where a file of the bundle is in the base's directory."""
    return "compose.yaml" if name == "base.yaml" else name.removeprefix("base/")


def _base_remedy(name: str) -> str:
    if name.startswith("secrets/"):
        return "Write the former value there, or give the operator's values this one and deploy."
    return _ANEW


def _line(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\r\n")


def of_caddy(layout: Layout) -> Iterator[Finding]:
    """Caddy's files against those of the release that brought them, while that one is kept."""
    release = caddy.installed(layout)[1]
    source = layout.release(release).directory / "caddy" if release else None
    if source is None or not source.is_dir():
        if release is None:
            what = "the configuration was not brought to its end"
            yield Finding("caddy", "caddy", what, "Deploy again: it installs the configuration.")
        return
    wanted = caddy.files_of(source)
    found = {n: c for n, c in caddy.files_of(layout.caddy).items() if not n.startswith(".")}
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            words = {True: "it is missing", False: "it has another content than was deployed"}
            what = "no release brought it" if name not in wanted else words[name not in found]
            yield Finding("caddy", f"caddy/{name}", what, _CADDY)


_CADDY = "Put the change into ops/compose/caddy and deploy: the host's own file is overwritten."
