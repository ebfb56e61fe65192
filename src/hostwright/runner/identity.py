"""Who a process is, across process ids used twice and reboots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

#: Fields of /proc/<pid>/stat after the command's closing parenthesis: the start time is the 20th.
_START_FIELD = 19


class Owner(NamedTuple):
    """A process that owns the lock: alive only on its own boot and with its own start time."""

    pid: int
    start: int
    boot_id: str

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return self.boot_id == boot_id() and self.start == started(self.pid) != 0


def boot_id() -> str:
    """The kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def started(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in {"Z", "X"} else int(fields[_START_FIELD])


def myself() -> Owner:
    """This process."""
    pid = os.getpid()
    return Owner(pid, started(pid), boot_id())


def owner_from(value: object) -> Owner | None:
    """The owner that a file names, or None where it names none."""
    if not isinstance(value, dict):
        return None
    try:
        return Owner(int(value["pid"]), int(value["start"]), str(value["boot_id"]))
    except (KeyError, TypeError, ValueError):
        return None
