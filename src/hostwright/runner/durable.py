"""Files that are either as they were or as they should be, also after a power loss.

Content goes to a temporary file that is flushed to the disk before one rename puts it in place;
then the directory is flushed, because the rename itself lives there.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Flush the entries of a directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(
    path: Path, content: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Put a file in place as a whole.

    Args:
        path: Where; its directory exists.
        content: What it holds afterwards.
        mode: Its permissions, whatever the umask.
        owner: uid and gid; those of this process where there is none.
    """
    name = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fsync(descriptor)
        name.replace(path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json(path: Path, value: object, *, mode: int = 0o600) -> None:
    """Put a JSON document in place as a whole."""
    write(path, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n", mode=mode)


def read_json(path: Path) -> object:
    """A JSON document, or None where the file is missing or is no JSON."""
    try:
        value: object = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value


def append(path: Path, line: str, *, mode: int = 0o600) -> None:
    """Add one line to a log, flushed to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def relink(link: Path, target: str) -> None:
    """Make *link* a symbolic link to *target* by one rename: it never dangles and never misses."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync_directory(link.parent)


def remove(path: Path) -> None:
    """Remove a file that may be missing, for good."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)
