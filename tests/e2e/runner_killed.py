"""The runner, with a bullet: it ends itself by SIGKILL at a chosen point.

``after:PHASE`` is when that phase was journalled; ``before:PHASE`` when its work is done and the
journal does not say so yet; ``worker:stopped`` when the old worker has ended and the new one has
not begun; ``reverting:`` when a failure is about to be taken back.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from hostwright.runner import journal as journals
from hostwright.runner import worker
from hostwright.runner.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.journal import Journal
    from hostwright.runner.operation import Operation

when, _, phase = sys.argv[1].partition(":")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


real = journals.record


def record(path: Path, journal: Journal, **changes: Any) -> Journal:  # noqa: ANN401 - its fields
    if when == "before" and changes.get("phase") == phase:
        die()
    written = real(path, journal, **changes)
    if when == "after" and changes.get("phase") == phase:
        die()
    if when == "reverting" and changes.get("reverting"):
        die()
    return written


journals.record = record

if when == "worker":
    stop_old = worker.stop_old

    def stop_and_die(op: Operation) -> None:
        stop_old(op)
        die()

    worker.stop_old = stop_and_die

sys.exit(main(sys.argv[2:]))
