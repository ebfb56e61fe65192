"""Start work that outlives the session: a process of its own, in a unit of its own."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .fault import unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from .process import Shell

_SYSTEMD = Path("/run/systemd/system")


def command(*words: str) -> list[str]:
    """The command line that starts this same runner again."""
    archive = Path(sys.argv[0]).resolve()
    if archive.suffix == ".pyz":
        return [sys.executable, "-I", str(archive), *words]
    return [sys.executable, "-m", "hostwright.runner", *words]


def detach(work: Callable[[], None], *, log: Path) -> int:
    """Run *work* in a process that belongs to nobody: its own session, no terminal, no pipes.

    The descriptors that this process holds stay open in it; so does a lock.

    Args:
        work: What to do; its end is the process's end.
        log: Where a fault of the runner itself is written.

    Returns:
        The process id.

    Raises:
        RunnerError: There could be no such process: nothing of the work was begun.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _to_its_end(lambda: _lead(work, log, reader, writer))
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        pid = int(pipe.read() or 0)
    if not pid:
        raise unfit(
            "the host could not start a process for the work",
            remedy="Its memory or its processes may be used up: see `dmesg` and `top` there.",
        )
    return pid


def _lead(work: Callable[[], None], log: Path, reader: int, writer: int) -> None:
    os.close(reader)
    os.setsid()
    pid = os.fork()
    if pid:
        os.write(writer, str(pid).encode())
        return
    os.close(writer)
    _cut_off(log)
    work()


def _to_its_end(task: Callable[[], None]) -> NoReturn:
    """Do it, and end this process whatever happens: a fork never returns into the session."""
    code = 70
    try:
        task()
        code = 0
    except BaseException:  # noqa: BLE001 - there is nobody above who could be told
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _cut_off(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((null, 0), (null, 1), (written, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(written)
    os.chdir("/")


def own_unit(shell: Shell, name: str) -> None:
    """Move this process into a systemd scope of its own.

    A session's processes may be ended with it; a scope's are not. It is the same call that
    ``systemd-run --scope`` makes, for a process that already works, so that nothing waits for it.
    Where there is no systemd, being a session leader of one's own has to do.
    """
    if _SYSTEMD.is_dir():
        shell.run(scope_argv(name, os.getpid()), timeout=20)


def scope_argv(name: str, pid: int) -> list[str]:
    """Ask systemd for a transient scope around a process."""
    manager = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
    return [
        *("busctl", "--quiet", "call", *manager, "org.freedesktop.systemd1.Manager"),
        *("StartTransientUnit", "ssa(sv)a(sa(sv))", f"{name}.scope", "fail"),
        *("2", "PIDs", "au", "1", str(pid), "CollectMode", "s", "inactive-or-failed"),
        "0",
    ]
