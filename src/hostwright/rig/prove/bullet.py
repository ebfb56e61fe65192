"""The runner as it is installed on a host, and something that happens to it at a chosen point.

Copied to a server of the rig and started there instead of the runner, by the system's own Python.
``order.json`` beside this file says what happens and when::

    {"fault": "killed", "when": "middle", "phase": "STARTED", "act": 3}

``middle`` is shortly after the *act*-th act of the phase began (an act is a request to the Docker
Engine, a tool that is started, a file that is renamed), and at its end at the latest, before the
journal says that it is done. ``after`` is when the phase has been told as done. The order is
carried out once: it is removed first, and ``reached.json`` says so.
"""

from __future__ import annotations

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
#: What holds the runner up must hold up the thread that works.
AT_ONCE = ("busy",)


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
        self.acts: dict[str, int] = {}
        self.fired = False
        self.guard = threading.Lock()

    def begin(self, phase: str) -> None:
        """A phase begins."""
        self.phase = phase
        self.acts.setdefault(phase, 0)

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
            threading.Thread(target=self._soon, daemon=True).start()

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
        self.write("reached.json", {"phase": self.phase, "pid": os.getpid(), "acts": self.acts})
        FAULTS[self.order["fault"]](self)

    def write(self, name: str, value: object) -> None:
        """Put a document beside the order, as a whole."""
        fresh = self.place / f".{name}"
        fresh.write_text(json.dumps(value))
        REPLACE(fresh, self.place / name)


REPLACE = os.replace


def _kill(_: Shot) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(_: Shot) -> None:
    """Nothing more is done until the whole server is killed."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _tell(shot: Shot) -> None:
    """Say that the point is reached, and wait for the power to be cut; nothing is flushed here."""
    with Path(shot.order["point"]).open("wb", buffering=0) as port:
        port.write(b"reached\n")
    _stop(shot)


def _cut(shot: Shot) -> None:
    if shot.line:
        os.kill(shot.line, signal.SIGKILL)


def _fill(shot: Shot) -> None:
    script = shot.order["script"]
    subprocess.run(["/bin/sh", "-c", script], check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - the rig's own


def _wait(shot: Shot) -> None:
    until = time.monotonic() + PATIENCE
    while not (shot.place / "go").exists() and time.monotonic() < until:
        time.sleep(0.02)


def _jump(days: int) -> Callable[[Shot], None]:
    def jump(_: Shot) -> None:
        real = time.time
        time.time = lambda: real() + days * DAY  # the runner's own idea of it, nobody else's

    return jump


FAULTS: dict[str, Callable[[Shot], None]] = {
    "killed": _kill,
    "owner": _kill,
    "server": _stop,
    "power": _tell,
    "cut": _cut,
    "full": _fill,
    "ahead": _jump(1),
    "back": _jump(-1),
    "busy": _wait,
    "none": lambda _: None,
}


def connection() -> int:
    """The process of sshd that this one belongs to; 0 where there is none."""
    pid = os.getppid()
    while pid > 1:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
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
        real(self, event, **facts)
        if event == "phase" and shot.aims("after", phase):
            shot.fire()
        if event == "done" and shot.order["fault"] == "none":
            shot.fire()

    events.emit = emit


def main() -> int:
    """Be the runner, with the order at its side."""
    place = Path(__file__).parent
    order = json.loads((place / "order.json").read_text())
    archive = order.get("archive", ARCHIVE)
    sys.argv[0] = archive  # it starts itself again by this name
    sys.path.insert(0, archive)
    hook(Shot(place, order, connection()))
    code: int = importlib.import_module("runner.__main__").main(sys.argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
