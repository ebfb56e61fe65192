"""The runner as it is installed on a host, and something that happens to it at a chosen point.

Copied to a server of the rig and started there instead of the runner, by the system's own Python.
``order.json`` beside this file says what happens and when::

    {"fault": "killed", "when": "middle", "phase": "STARTED", "act": 3}

``middle`` is shortly after the *act*-th act of the phase began (an act is a request to the Docker
Engine, a tool that is started, a file that is renamed), and at its end at the latest, before the
journal says that it is done. ``after`` is when the phase has been told as done. The order is
carried out once: it is removed first, and ``reached.json`` says so. Where the runner outlives what
happens to it, ``happened.json`` says what has come of it.

Where the order names a ``line``, that process is what a cut ends; without one it is the sshd that
this runner came by.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVE = "/usr/local/lib/hostwright/runner.pyz"
#: From the beginning of an act to what happens in the middle of it, in seconds.
WITHIN = 0.05
#: How long a runner that was told to wait does so, in seconds.
PATIENCE = 120.0
DAY = 86_400
#: How often a disk is filled until it refuses to take anything, and a block of it.
FILLS, BLOCK = 3, 4096
#: How long the runner's end waits for what is still happening to it, in seconds.
END = 60.0
#: What holds the runner up must hold up the thread that works.
AT_ONCE = ("busy",)
#: Where the kernel shows every process.
PROCESSES = Path("/proc")


class Shot:
    """What was ordered, and how far the runner came.

    Args:
        place: Where the order is.
        order: What it says.
        line: The process of sshd that holds the operator's connection; 0 where there is none.
    """

    def __init__(self, place: Path, order: dict[str, Any], line: int) -> None:
        self.place = place
        self.order = order
        self.line = line
        self.phase = ""
        #: Phases that have begun and not been told as done: a backup's are within a deploy's.
        self.open: list[str] = []
        self.soon: threading.Thread | None = None
        self.acts: dict[str, int] = {}
        self.fired = False
        self.guard = threading.Lock()

    def begin(self, phase: str) -> None:
        """A phase begins."""
        self.phase = phase
        self.open.append(phase)
        self.acts.setdefault(phase, 0)

    def end(self, phase: str) -> None:
        """A phase has been told as done; what comes next is still counted to it."""
        if phase in self.open:
            self.open.remove(phase)
        self.phase = self.open[-1] if self.open else self.phase

    def act(self) -> None:
        """An act begins."""
        with self.guard:
            if not self.phase:
                return
            self.acts[self.phase] += 1
            due = self.acts[self.phase] == self.order.get("act", 1)
        if not (due and self.aims("middle")):
            return
        if self.order["fault"] in AT_ONCE:
            self.fire()
        else:
            self.soon = threading.Thread(target=self._soon, daemon=True)
            self.soon.start()

    def _soon(self) -> None:
        time.sleep(WITHIN)
        self.fire()

    def aims(self, when: str, phase: str = "") -> bool:
        """Whether the order is for this point."""
        return (when, phase or self.phase) == (self.order.get("when"), self.order.get("phase"))

    def fire(self) -> None:
        """Let it happen, once."""
        with self.guard:
            if self.fired:
                return
            self.fired = True
        (self.place / "order.json").unlink(missing_ok=True)
        wanted = self.order.get("phase")
        phase = wanted if wanted in self.open else self.phase
        self.write("reached.json", {"phase": phase, "pid": os.getpid(), "acts": self.acts})
        come = FAULTS[self.order["fault"]](self)
        self.write("happened.json", {**come, "phase": self.phase})

    def settle(self) -> None:
        """Let what is happening come to its end before the runner does."""
        if self.soon is not None and self.soon is not threading.current_thread():
            self.soon.join(END)

    def write(self, name: str, value: object) -> None:
        """Put a document beside the order, as a whole."""
        fresh = self.place / f".{name}"
        fresh.write_text(json.dumps(value))
        REPLACE(fresh, self.place / name)


REPLACE = os.replace


def _kill(_: Shot) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _stop(_: Shot) -> dict[str, Any]:
    """Nothing more is done until the whole server is killed."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return {}


def _tell(shot: Shot) -> dict[str, Any]:
    """Say that the point is reached, and wait for the power to be cut; nothing is flushed here."""
    with Path(shot.order["point"]).open("wb", buffering=0) as port:
        port.write(b"reached\n")
    return _stop(shot)


def _cut(shot: Shot) -> dict[str, Any]:
    if shot.line:
        os.kill(shot.line, signal.SIGKILL)
    return {"line": shot.line}


def _fill(shot: Shot) -> dict[str, Any]:
    script, place = shot.order["script"], Path(shot.order["disk"])
    for _ in range(FILLS):
        subprocess.run(["/bin/sh", "-c", script], check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - the rig's own
        if refuses(place):
            break
    room = os.statvfs(place)
    return {"refuses": refuses(place), "free": room.f_bfree * room.f_frsize}


def refuses(place: Path) -> bool:
    """Whether a directory's disk has no block left for root.

    What statvfs calls free for root is never nothing on ext4, which keeps some blocks for itself.
    """
    file = place / ".one-block"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BLOCK)
        finally:
            os.close(descriptor)
            file.unlink()
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False


def _wait(shot: Shot) -> dict[str, Any]:
    until, go = time.monotonic() + PATIENCE, shot.place / "go"
    while not go.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return {"go": go.exists()}


def _jump(days: int) -> Callable[[Shot], dict[str, Any]]:
    def jump(_: Shot) -> dict[str, Any]:
        real = time.time
        time.time = lambda: real() + days * DAY  # the runner's own idea of it, nobody else's
        return {"days": round((time.time() - real()) / DAY)}

    return jump


FAULTS: dict[str, Callable[[Shot], dict[str, Any]]] = {
    "killed": _kill,
    "owner": _kill,
    "server": _stop,
    "power": _tell,
    "cut": _cut,
    "full": _fill,
    "ahead": _jump(1),
    "back": _jump(-1),
    "busy": _wait,
    "none": lambda _: {},
}


def connection(pid: int, processes: Path = PROCESSES) -> int:
    """The process of sshd that *pid* is of, or belongs to; 0 where there is none."""
    while pid > 1:
        name, _, rest = (processes / str(pid) / "stat").read_text().rpartition(")")
        if name.partition("(")[2].startswith("sshd"):
            return pid
        pid = int(rest.split()[1])
    return 0


def hook(shot: Shot) -> None:
    """Let the runner's own modules tell *shot* what they do."""
    for owner, name in (
        (importlib.import_module("runner.wire"), "ask"),
        (subprocess.Popen, "__init__"),
        (os, "rename"),
        (os, "replace"),
    ):
        _counted(shot, owner, name)
    _journalled(shot, importlib.import_module("runner.journal"))
    _told(shot, importlib.import_module("runner.events").Events)
    _outlived(shot)


def _outlived(shot: Shot) -> None:
    """The runner's work ends its own process, whatever else still goes on in it."""
    name = "_exit"
    real = getattr(os, name)

    def leave(code: int) -> None:
        shot.settle()
        real(code)

    setattr(os, name, leave)


def _counted(shot: Shot, owner: Any, name: str) -> None:  # noqa: ANN401 - modules and classes
    real = getattr(owner, name)

    def counted(*words: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        shot.act()
        return real(*words, **more)

    setattr(owner, name, counted)


def _journalled(shot: Shot, journal: Any) -> None:  # noqa: ANN401 - a module
    real = journal.record

    def record(*words: Any, **changes: Any) -> Any:  # noqa: ANN401 - as above
        phase = changes.get("phase")
        if phase and shot.aims("middle", phase):
            shot.fire()
        return real(*words, **changes)

    journal.record = record


def _told(shot: Shot, events: Any) -> None:  # noqa: ANN401 - a class
    real = events.emit

    def emit(self: Any, event: str, **facts: Any) -> None:  # noqa: ANN401 - as above
        phase = str(facts.get("phase") or "")
        if event == "begin":
            shot.begin(phase)
        elif event == "phase" and shot.aims("middle", phase):
            shot.fire()
        elif event == "done" and shot.order["fault"] == "none":
            shot.fire()  # first: whoever reads the word looks for what was counted
        real(self, event, **facts)
        if event == "phase" and shot.aims("after", phase):
            shot.fire()
        if event == "phase":
            shot.end(phase)

    events.emit = emit


def main() -> int:
    """Be the runner, with the order at its side."""
    place = Path(__file__).parent
    order = json.loads((place / "order.json").read_text())
    archive = order.get("archive", ARCHIVE)
    sys.argv[0] = archive  # it starts itself again by this name
    sys.path.insert(0, archive)
    line = order.get("line")
    shot = Shot(place, order, connection(os.getppid()) if line is None else line)
    hook(shot)
    code: int = importlib.import_module("runner.__main__").main(sys.argv[1:])
    shot.settle()
    return code


if __name__ == "__main__":
    sys.exit(main())
