"""How much disk and memory the host has left, and a little disk for the day when there is none."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .fault import Code, RunnerError

if TYPE_CHECKING:
    from .layout import Layout

_DOCKER_DATA = "/var/lib/docker"

#: What has to be left on the disk when a release has all it needs.
RESERVE_BYTES = 256 << 20
#: What is set aside for the runner's own notes, and how much must be free before it is.
_ASIDE_BYTES = 1 << 20
_PLENTY_BYTES = 64 << 20

FREE_SOME = (
    "Make room: `docker system df` on the host says what its Docker holds; "
    "a smaller keep_releases keeps fewer images."
)


def disk() -> int:
    """Bytes that are free where Docker keeps its data."""
    return _free(Path(_DOCKER_DATA) if Path(_DOCKER_DATA).is_dir() else Path("/"))


def memory() -> int:
    """Bytes of memory that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def demand(  # noqa: PLR0913 - whose need, and what its refusal says
    what: str,
    free: int,
    needed: int,
    remedy: str = FREE_SOME,
    *,
    by: str = "the release",
    code: Code = Code.PREFLIGHT,
) -> None:
    """Refuse what does not fit.

    Raises:
        RunnerError: It does not; with *code*.
    """
    if free < needed:
        mib = 1 << 20
        raise RunnerError(
            code,
            f"the host has {free // mib} MiB of {what} left, {by} needs {needed // mib} MiB",
            where=what,
            remedy=remedy,
        )


def demand_disk(needed: int, by: str, code: Code, at: Path | None = None) -> None:
    """Refuse what would not leave its reserve to the disk of Docker's data, or of the place *at*.

    Raises:
        RunnerError: It would not; with *code*.
    """
    free = disk() if at is None else _free(at)
    demand("disk", free, needed + RESERVE_BYTES, by=by, code=code)


def ran_out(words: str) -> bool:
    """Whether somebody's words of failure, Docker's for one, say that the disk is full."""
    return "no space left on device" in words.lower()


def set_aside(layout: Layout) -> None:
    """Keep a little of the disk for the runner itself, where there is plenty; best effort.

    A rollback is what helps many a host whose disk was filled, and it has to write a journal.
    """
    if layout.aside.exists():
        return
    with contextlib.suppress(OSError):
        if _free(layout.root) < _PLENTY_BYTES:
            return
        descriptor = os.open(layout.aside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _ASIDE_BYTES)
        finally:
            os.close(descriptor)


def use_aside(layout: Layout) -> None:
    """Give back what was set aside, where the disk is full."""
    with contextlib.suppress(OSError):
        if _free(layout.root) < _ASIDE_BYTES:
            layout.aside.unlink(missing_ok=True)


def _free(path: Path) -> int:
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize
