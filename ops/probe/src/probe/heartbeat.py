"""The worker's sign of life: a small file that it rewrites and ``worker --health`` reads.

Standard library only, and little of it: the check runs every few seconds for as long as the worker
lives, each time in a new process.
"""
# Importing pathlib would be most of the check's cost:
# ruff: noqa: PTH105, PTH108, PTH110, PTH116, PTH118, PTH123

from __future__ import annotations

import json
import os
import sys
import time

#: Seconds between two beats, and after how many without one the worker counts as stuck.
INTERVAL = 2.0
STALE = 15.0


def path() -> str:
    """Where the heartbeat lies: the one writable place of a read-only container."""
    return os.path.join(os.environ.get("TMPDIR", "/tmp"), "probe-worker.json")  # noqa: S108


def beat(*, ready: bool, reason: str = "") -> None:
    """Say that the worker's loop runs, and whether it has reached what it needs yet."""
    temporary = f"{path()}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump({"ready": ready, "reason": reason}, file)
    os.replace(temporary, path())


def stop() -> None:
    """Remove the sign of life: the worker has ended."""
    if os.path.exists(path()):
        os.unlink(path())


def check(now: float) -> str:
    """Why the worker is not healthy at the epoch second *now*; empty when it is."""
    try:
        age = now - os.stat(path()).st_mtime
        with open(path(), encoding="utf-8") as file:
            state = json.load(file)
    except FileNotFoundError:
        return "no heartbeat: the worker has not started"
    if age > STALE:
        return f"no heartbeat for {age:.0f} s: the worker is stuck"
    return "" if state["ready"] else str(state["reason"])


def main() -> int:
    """Exit code 0 when the worker is healthy, else 1 with the reason on standard error."""
    reason = check(time.time())
    if reason:
        sys.stderr.write(reason + "\n")
    return 1 if reason else 0
