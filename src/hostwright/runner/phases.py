"""The phases of an operation, in their order. A phase that is journalled is done."""

from __future__ import annotations

PREPARED = "PREPARED"
BACKED_UP = "BACKED_UP"
MIGRATED = "MIGRATED"
STARTED = "STARTED"
HEALTHY = "HEALTHY"
SWITCHED = "SWITCHED"
DRAINED = "DRAINED"
COMMITTED = "COMMITTED"
PRUNED = "PRUNED"

PHASES = (
    PREPARED,
    BACKED_UP,
    MIGRATED,
    STARTED,
    HEALTHY,
    SWITCHED,
    DRAINED,
    COMMITTED,
    PRUNED,
)


def reached(phase: str | None, goal: str) -> bool:
    """Whether *goal* is done when *phase* is the last one journalled."""
    return phase is not None and PHASES.index(phase) >= PHASES.index(goal)


def after(phase: str | None) -> tuple[str, ...]:
    """The phases still to do when *phase* is the last one journalled."""
    return PHASES if phase is None else PHASES[PHASES.index(phase) + 1 :]
