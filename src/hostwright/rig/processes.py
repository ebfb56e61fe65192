"""Long-lived processes of the rig: started in a session of their own, known by more than a pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROC = Path("/proc")
#: Seconds between two looks at something that is about to happen.
LOOK = 0.05
#: Daemons of this process, so that they are reaped when they end.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """A process that a later run can recognise: pids are used again, start times are not.

    Attributes:
        pid: Process id.
        started: Start time in clock ticks after boot.
        boot: The kernel's boot id.
        grace: Seconds between SIGTERM and SIGKILL; 0 sends SIGKILL at once.
    """

    pid: int
    started: int
    boot: str
    grace: float = 5.0

    def undo(self) -> None:
        """End it; harmless when it has ended."""
        end(self)


def identify(pid: int, *, grace: float = 5.0) -> Process | None:
    """The process that has this pid now, or nothing."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        return None
    return Process(pid, int(fields[19]), boot_id(), grace)


def boot_id() -> str:
    """The kernel's boot id."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def alive(process: Process) -> bool:
    """Whether that very process still runs."""
    _reap(process.pid)
    now = identify(process.pid)
    return now is not None and (now.started, now.boot) == (process.started, process.boot)


def start(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
    grace: float = 5.0,
) -> Process:
    """Start a daemon whose output goes to a file.

    Its own session keeps a Ctrl-C at the terminal from reaching it before the rig tears down.

    Args:
        argv: Program and arguments.
        log: File to append its output to.
        env: Variables on top of this process's own.
        keep: File descriptors that it inherits (locks that live as long as it does).
        grace: Seconds it gets to end by itself later.

    Raises:
        ToolError: The program is missing, or ended at once.
    """
    words = [str(word) for word in argv]
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except FileNotFoundError as error:
            raise ToolError(
                f"{words[0]} is not installed",
                remedy="`python -m hostwright.rig requirements` says what the rig needs.",
            ) from error
    _CHILDREN[child.pid] = child
    process = identify(child.pid, grace=grace)
    if process is None:
        child.wait()
        raise ToolError(f"{words[0]} ended at once\n{tail(log)}")
    return process


def end(process: Process) -> None:
    """SIGTERM, then SIGKILL after its grace; returns when it is gone."""
    if process.grace and _signal(process, signal.SIGTERM):
        wait(lambda: not alive(process), process.grace)
    if _signal(process, signal.SIGKILL):
        wait(lambda: not alive(process), 10.0)
    _reap(process.pid)


def wait(happened: Callable[[], bool], seconds: float) -> bool:
    """Look until *happened* says yes (True), or the time is over (False)."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK)
    return True


def await_port(process: Process, address: str, port: int, *, log: Path) -> None:
    """Wait until a daemon listens.

    Raises:
        ToolError: It ended, or did not listen within 15 seconds.
    """

    def settled() -> bool:
        return listens(address, port) or not alive(process)

    if not (wait(settled, 15.0) and alive(process)):
        raise ToolError(f"nothing listens\n{tail(log)}", where=f"{address}:{port}")


def listens(address: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _signal(process: Process, number: signal.Signals) -> bool:
    if not alive(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _reap(pid: int) -> None:
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]
