"""Carry an operation through its phases, journalling each; a failure takes all of it back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from . import journal, phases, plain, reverting, room
from .fault import RunnerError
from .phase_steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .operation import Operation


def carry(op: Operation, todo: Sequence[str] = phases.PHASES) -> None:
    """Do the phases that are left, then close the journal.

    Raises:
        RunnerError: A phase failed, and the operation was taken back. The error's ``phase``
            attribute names it.
    """
    for phase in todo:
        op.events.emit("begin", phase=phase)
        began = time.monotonic()
        try:
            text = STEPS[phase](op)
            with _as_it_may(phase):
                op.record(phase=phase)
        except plain.FAULTS as error:
            raise _taken_back(op, phase, error) from error
        facts = {"text": text} if text else {}
        op.events.emit("phase", phase=phase, seconds=round(time.monotonic() - began, 3), **facts)
    journal.end(op.layout.journal)


def _as_it_may(phase: str) -> contextlib.AbstractContextManager[None]:
    """Nothing is to be done after pruning: a full disk there takes no committed release back."""
    return contextlib.suppress(OSError) if phase == phases.PRUNED else contextlib.nullcontext()


class PhaseError(RunnerError):
    """A failure that knows its phase."""

    def __init__(self, phase: str, error: RunnerError) -> None:
        super().__init__(
            error.code, error.what, where=error.where, remedy=error.remedy, log=error.log
        )
        self.phase = phase


def _taken_back(op: Operation, phase: str, error: Exception) -> PhaseError:
    room.use_aside(op.layout)
    try:
        reverting.take_back(op)
    except plain.FAULTS as second:
        op.events.note(f"taking it back failed as well; the next command tries again: {second}")
    return PhaseError(phase, plain.explained(error))
