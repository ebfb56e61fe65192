"""A release's files, and the archive in which they travel."""

from __future__ import annotations

import hashlib
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFEST = "manifest.json"


class File(NamedTuple):
    """Content and permission bits of one file."""

    content: bytes
    mode: int = 0o644

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def text(content: str, mode: int = 0o644) -> File:
    """A file from text."""
    return File(content.encode(), mode)


def digest(files: Mapping[str, File], prefixes: Iterable[str]) -> str:
    """One digest over the names, modes and contents of all files below *prefixes*."""
    starts = tuple(prefixes)
    parts = [
        f"{path}\0{file.mode:04o}\0{file.sha256}\n"
        for path, file in sorted(files.items())
        if path.startswith(starts)
    ]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def pack(files: Mapping[str, File]) -> bytes:
    """A plain tar of *files*, the manifest first; the same files give the same bytes."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files, key=lambda name: (name != MANIFEST, name)):
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(files[path].content), files[path].mode
            archive.addfile(info, BytesIO(files[path].content))
    return out.getvalue()
