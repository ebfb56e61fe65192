"""Take a release out of the tar that the laptop sent, and believe nothing of it.

The whole bundle is checked before the first byte is written: names, kinds, sizes, permissions,
hashes. It is then written beside its place, flushed, and put in place by one rename.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tarfile
from typing import TYPE_CHECKING

from . import confine, durable, manifest, releases
from .fault import refused

if TYPE_CHECKING:
    from pathlib import Path

    from .layout import Layout
    from .manifest import File, Manifest

#: A release is configuration; images travel apart.
LARGEST = 32 << 20

_MANIFEST = "manifest.json"
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.@-]*"
_ALLOWED = re.compile(
    rf"compose\.yaml|base\.yaml|env/[a-z][a-z0-9-]*\.env|secrets/{_SEGMENT}|live/{_SEGMENT}"
    rf"|(caddy|entrypoints|base)(/{_SEGMENT})+"
)
_REQUIRED = ("compose.yaml", "base.yaml")
#: What containers mount must be open to their users; the rest is root's.
_OPEN = ("caddy", "entrypoints", "live", "base")


def read(content: bytes) -> tuple[Manifest, bytes, dict[str, bytes]]:
    """Check a bundle.

    Returns:
        Its manifest, the manifest's own bytes, and the other files by name.

    Raises:
        RunnerError: It is not exactly what its manifest says.
    """
    files = _files(content)
    text = files.pop(_MANIFEST, None)
    if text is None:
        raise refused("the bundle has no manifest", where=_MANIFEST)
    described = manifest.parse(text)
    _same_names(files, described.files)
    for name, entry in described.files.items():
        _same_content(name, files[name], entry)
    return described, text, files


def _files(content: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                name = member.name.removeprefix("./").rstrip("/")
                if not member.isdir():
                    _admit(member, name, files)
                    files[name] = _content(archive, member)
                elif not _directory(name):
                    raise refused("this directory does not belong into a release", where=name)
    except tarfile.TarError as error:
        raise refused("the bundle is no tar archive, or is cut short") from error
    return files


def _admit(member: tarfile.TarInfo, name: str, files: dict[str, bytes]) -> None:
    if not member.isreg():
        raise refused("only regular files belong into a release", where=name)
    if name != _MANIFEST and not _ALLOWED.fullmatch(name):
        raise refused("this file does not belong into a release", where=name)
    if name in files:
        raise refused("this file is in the bundle twice", where=name)


def _directory(name: str) -> bool:
    return name in {"", "."} or re.fullmatch(rf"{_SEGMENT}(/{_SEGMENT})*", name) is not None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    content = file.read() if file else b""
    if len(content) != member.size:
        raise refused("the bundle is cut short", where=member.name)
    return content


def _same_names(files: dict[str, bytes], described: dict[str, File]) -> None:
    for name in sorted(files.keys() - described.keys()):
        raise refused("the manifest does not know this file", where=name)
    for name in sorted({*described, *_REQUIRED} - files.keys()):
        raise refused("this file is missing from the bundle", where=name)


def _same_content(name: str, content: bytes, entry: File) -> None:
    if not _ALLOWED.fullmatch(name):
        raise refused("this file does not belong into a release", where=name)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise refused("the content is not what the manifest says", where=name)
    private = name.startswith(("env/", "secrets/"))
    if private and entry.mode & 0o077:
        raise refused("a file with secrets must be 0600 or 0400", where=name)


def unpack(layout: Layout, content: bytes) -> Manifest:
    """Check a bundle and put its release directory in place.

    A release that is there already and is the same is left as it is.

    Raises:
        RunnerError: The bundle is wrong, is another application's, reaches beyond its containers,
            or the id is taken.
    """
    described, text, files = read(content)
    if described.app != layout.app:
        raise refused(
            f"the release is of {described.app!r}, this is {layout.app!r}", where=_MANIFEST
        )
    confine.check(layout, described.id, files)
    place = layout.release(described.id)
    if place.directory.exists():
        _same_release(place.manifest, text)
    else:
        _write(layout, described, {**files, _MANIFEST: text})
    return described


def _same_release(path: Path, text: bytes) -> None:
    if not path.is_file() or path.read_bytes() != text:
        raise refused(
            "a release of this name is there already, and is another one",
            where=path.parent.name,
            remedy="Build the release again: its name will be new.",
        )


def _write(layout: Layout, described: Manifest, files: dict[str, bytes]) -> None:
    sequence = releases.next_sequence(layout)
    place = layout.release(described.id).directory
    beside = place.with_name(f".{described.id}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _fill(beside, described, files)
        durable.write_json(beside / "state.json", {"outcome": "new", "sequence": sequence})
        beside.replace(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    durable.sync_directory(place.parent)


def _fill(directory: Path, described: Manifest, files: dict[str, bytes]) -> None:
    directory.mkdir(mode=0o700)
    for name, content in files.items():
        path = directory / name
        _parents(directory, name)
        mode = 0o600 if name == _MANIFEST else described.files[name].mode
        _put(path, content, mode)
    for parent in {(directory / name).parent for name in files}:
        durable.sync_directory(parent)


def _put(path: Path, content: bytes, mode: int) -> None:
    # The directory is not in place yet: no temporary file is needed, only the flush.
    with path.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _parents(directory: Path, name: str) -> None:
    for part in name.split("/")[:-1]:
        directory = directory / part
        if not directory.is_dir():
            directory.mkdir()
            directory.chmod(0o755 if name.split("/", maxsplit=1)[0] in _OPEN else 0o700)


def spoiled(layout: Layout, described: Manifest) -> str | None:
    """The first file of a release directory that is not what the manifest says, or None."""
    directory = layout.release(described.id).directory
    for name, entry in described.files.items():
        path = directory / name
        if not path.is_file() or path.is_symlink():
            return name
        if hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
            return name
    return None


def sweep(layout: Layout) -> None:
    """Remove what an interrupted upload left beside the releases; only under the lock."""
    for rest in layout.releases.glob(".*"):
        shutil.rmtree(rest, ignore_errors=True)
