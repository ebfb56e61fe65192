"""How much disk and memory the host has left."""

from __future__ import annotations

import os
from pathlib import Path

_DOCKER_DATA = "/var/lib/docker"


def disk() -> int:
    """Bytes that are free where Docker keeps its data."""
    stat = os.statvfs(_DOCKER_DATA if Path(_DOCKER_DATA).is_dir() else "/")
    return stat.f_bavail * stat.f_frsize


def memory() -> int:
    """Bytes of memory that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
