"""Hand the jobs over from one release's worker to the other's.

With ``stop-then-start`` the old worker has ended before the new one begins: two versions never
take jobs. With ``overlap`` both run for a while, and the old one is ended after the switch. Either
way an old worker has its whole stop time to finish the job it is at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import health
from .parallel import together

if TYPE_CHECKING:
    from .operation import Operation

_KILLED = 137
_DEFAULT_STOP_SECONDS = 60


def hand_over(op: Operation) -> None:
    """Stop the old worker, start the new one, and gate it.

    Raises:
        RunnerError: The new worker did not get well.
    """
    stop_old(op)
    op.engine.start(op.name("worker"))
    together(lambda stop: health.gate_worker(op, stop))


def stop_old(op: Operation) -> None:
    """Let the previous release's worker finish its job and end."""
    previous = op.journal.previous
    if previous is None:
        return
    name = op.layout.container(previous, "worker")
    if not op.engine.running(name):
        return
    seconds = op.previous.stop_seconds("worker") if op.previous else _DEFAULT_STOP_SECONDS
    op.engine.stop(name, seconds)
    found = op.engine.container(name)
    if found and found["State"]["ExitCode"] == _KILLED:
        op.events.note(f"the old worker did not end within {seconds} s and was killed")


def start_early(op: Operation) -> bool:
    """Whether the new worker may start together with api and web."""
    return op.goal.worker is not None and op.goal.worker.overlaps and not op.journal.warm
