"""The runner, with a bullet: it ends itself by SIGKILL at a chosen point.

``after:PHASE`` is when that phase was journalled; ``before:PHASE`` when its work is done and the
journal does not say so yet; ``during:PHASE`` when its work begins.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from hostwright.runner import carry, journal
from hostwright.runner.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.journal import Journal
    from hostwright.runner.operation import Operation

when, _, phase = sys.argv[1].partition(":")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


real = journal.record


def record(path: Path, entry: Journal, **changes: Any) -> Journal:  # noqa: ANN401 - its fields
    if when == "before" and changes.get("phase") == phase:
        die()
    written = real(path, entry, **changes)
    if when == "after" and changes.get("phase") == phase:
        die()
    if when == "reverting" and changes.get("reverting"):
        die()
    return written


journal.record = record

if when == "during":
    step = carry.STEPS[phase]

    def wounded(op: Operation) -> str | None:
        signal.signal(signal.SIGALRM, lambda *_: die())
        signal.setitimer(signal.ITIMER_REAL, 0.12)
        return step(op)

    carry.STEPS[phase] = wounded

sys.exit(main(sys.argv[2:]))
