"""Whether a deploy makes a backup first, and whether it may go on without a fresh drill."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..fault import unfit
from . import drill, ledger, make, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..migration import Status
    from ..operation import Operation
    from .settings import Settings


def before_deploy(op: Operation, ask: Callable[[], Status | None]) -> str:
    """Back up what a deploy could spoil.

    Args:
        op: The operation.
        ask: Finds out what the migration would do; only called where that matters.

    Raises:
        RunnerError: No backup could be made, or no drill passed for too long and the settings
            refuse that. Traffic is untouched.
    """
    found = settings.load(op.layout)
    if found is None:
        return "no backup is configured"
    if op.is_rollback:
        return "a rollback makes none"
    if op.journal.previous is None:
        return "there is nothing to keep yet"
    stale = drill.stale(op.layout, found, time.time())
    if stale and found.refuse_stale:
        raise unfit(stale, where="drill", remedy="Run `invoke vps.drill` first.")
    if stale:
        op.events.note(f"warning: {stale}: `invoke vps.drill`")
    status = ask()
    pending = status.pending if status else ()
    why = reason(ledger.last_good(ledger.backups(op.layout)), found, pending, time.time())
    if not why:
        return "the last backup is recent"
    before = make.Before(op.goal.id, bool(status and status.irreversible))
    record = make.make(op.host, found, reason="deploy", before=before)
    return f"{record['id']}: {why}"


def reason(
    last: dict[str, Any] | None, found: Settings, pending: tuple[str, ...], now: float
) -> str:
    """Why a backup is due, in a few words; empty where it is not."""
    if pending:
        return f"{len(pending)} migration{'s' if len(pending) > 1 else ''} pending"
    if last is None:
        return "there was none"
    age = now - int(last["time"])
    if not 0 <= age <= found.max_age:  # a clock that went back counts as too long ago
        return f"the last one is {age / 3600:.0f} h old"
    return ""
