"""Build the runner as it is shipped: one file of bytes that depend on the sources alone.

The archive's version is the hash of the sources, so that "the host has the same runner" is a
comparison of twelve characters, and changing a line means a new version without anybody declaring
one.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).with_name("runner")

_STAMPED = "version.py"
_MAIN = b"""import sys

from runner.__main__ import main

sys.exit(main(sys.argv[1:]))
"""
_VERSION_LENGTH = 12
# The oldest date that a zip archive can carry: a date of ours would change the bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


class Archive(NamedTuple):
    """The runner, ready to be written to a host.

    Attributes:
        content: The zipapp; start it with ``python3 -I``.
        version: What ``hello`` of that runner will say.
    """

    content: bytes
    version: str


def build() -> Archive:
    """Build the runner's archive; the same sources give the same bytes."""
    sources = {
        path.relative_to(SOURCES).as_posix(): path.read_bytes()
        for path in sorted(SOURCES.rglob("*.py"))
    }
    version = hash_of(sources)
    text = sources[_STAMPED].decode().replace('VERSION = "source"', f'VERSION = "{version}"')
    sources[_STAMPED] = text.encode()
    return Archive(_zip(sources), version)


def hash_of(sources: dict[str, bytes]) -> str:
    """The version of these sources: names and contents, in order."""
    digest = hashlib.sha256()
    for name, content in sorted(sources.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_VERSION_LENGTH]


def _zip(sources: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {"__main__.py": _MAIN, **_below("runner", sources)}.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _below(directory: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{directory}/{name}": content for name, content in files.items()}
