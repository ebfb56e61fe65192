"""What a rig leaves in the machine, each with the one way to take it back.

A resource is written to the ledger before it is made, so taking back must be harmless when there
is nothing: a run that was killed half way is cleaned by the same code as one that ended well.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from hostwright.errors import ToolError
from hostwright.rig.processes import Process, wait
from hostwright.run import run

NETNS = Path("/run/netns")
NSPAWN = Path("/run/systemd/nspawn")


class Resource(Protocol):
    """Something to take back."""

    def undo(self) -> None:
        """Take it back; harmless when it is gone already."""


@dataclass(frozen=True)
class Namespace:
    """A named network namespace, with whatever still runs in it."""

    name: str

    def undo(self) -> None:
        """Kill what lives in it (a server's PID 1 takes the whole server along), then delete it."""
        if not (NETNS / self.name).exists():
            return
        for pid in namespace_pids(self.name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait(lambda: not namespace_pids(self.name), 10.0)
        run(["ip", "netns", "delete", self.name])


@dataclass(frozen=True)
class Link:
    """A network interface of ours; deleting one end of a veth deletes both."""

    name: str

    def undo(self) -> None:
        """Delete it."""
        if Path("/sys/class/net", self.name).exists():
            run(["ip", "link", "delete", self.name], check=False)


@dataclass(frozen=True)
class Chain:
    """An iptables chain of our own and the hooks that jump to it."""

    table: str
    name: str
    hooks: tuple[str, ...]

    def undo(self) -> None:
        """Unhook it, empty it, delete it."""
        base = ["iptables", "-w", "-t", self.table]
        if run([*base, "-n", "-L", self.name], check=False).exit_code != 0:
            return
        for hook in self.hooks:
            run([*base, "-D", hook, "-j", self.name], check=False)
        run([*base, "-F", self.name])
        run([*base, "-X", self.name])


@dataclass(frozen=True)
class Cgroup:
    """One cgroup of this name in every hierarchy; empty once its processes are gone."""

    name: str

    def undo(self) -> None:
        """Remove it and the cgroups below it, deepest first."""
        for hierarchy in hierarchies():
            wait(partial(_remove_cgroup, hierarchy / self.name), 5.0)


@dataclass(frozen=True)
class Mounts:
    """Mounts that a daemon may have left below a directory."""

    below: str

    def undo(self) -> None:
        """Unmount them, deepest first."""
        ours = [point for point in mount_points() if point.startswith(f"{self.below}/")]
        for point in sorted(ours, reverse=True):
            run(["umount", "--lazy", point], check=False)


@dataclass(frozen=True)
class Directory:
    """A directory tree of ours."""

    path: str

    def undo(self) -> None:
        """Remove it, unless something is still mounted below."""
        if any(point.startswith(f"{self.path}/") for point in mount_points()):
            raise ToolError("something is still mounted below", where=self.path)
        # A server has tens of thousands of files; rm is several times quicker than Python here.
        run(["rm", "-rf", "--one-file-system", self.path], timeout=300)


@dataclass(frozen=True)
class Machine:
    """What systemd-nspawn keeps in /run about a machine; a killed one leaves it there."""

    name: str
    root: str

    def undo(self) -> None:
        """Remove its directories and its lock file, which is named after the root's inode."""
        # Since systemd 256; a machine whose directory is there already is refused.
        exported = NSPAWN / "unix-export" / self.name
        if exported.exists():
            run(["umount", "--lazy", exported], check=False)
            with contextlib.suppress(OSError):
                exported.rmdir()
        with contextlib.suppress(OSError):
            (NSPAWN / "propagate" / self.name).rmdir()
        with contextlib.suppress(OSError):
            root = Path(self.root).stat()
            (NSPAWN / "locks" / f"inode-{root.st_dev}:{root.st_ino}").unlink()


#: Every kind a ledger may hold, by the name it is written under.
KINDS: dict[str, type[Resource]] = {
    kind.__name__: kind
    for kind in (Process, Namespace, Link, Chain, Cgroup, Mounts, Directory, Machine)
}


def namespace_pids(name: str) -> list[int]:
    """Processes in a named network namespace."""
    return [int(pid) for pid in run(["ip", "netns", "pids", name], check=False).stdout.split()]


def mount_points() -> list[str]:
    """Where something is mounted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines]


def hierarchies() -> list[Path]:
    """The roots of the mounted cgroup hierarchies: several with version 1, one with version 2."""
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted(Path(f[1]) for f in lines if f[2] in {"cgroup", "cgroup2"})


def _remove_cgroup(top: Path) -> bool:
    """Whether nothing is left of it."""
    for path in [*sorted(top.rglob("*"), reverse=True), top]:
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
    return not top.exists()
