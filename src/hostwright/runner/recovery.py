"""What every command does first: look for the work of a dead owner, and finish it or take it back.

Needs the lock: whoever holds it knows that a recorded operation has no owner any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import bundle, carry, journal, machine, operation, releases, reverting
from .fault import RunnerError, broken
from .machine import Step

if TYPE_CHECKING:
    from .journal import Journal
    from .machine import Decision
    from .operation import Host


def reconcile(host: Host) -> str:
    """Bring the host to one consistent release, whatever was left behind.

    Returns:
        What was done: ``continued``, ``reverted``, ``left`` or ``nothing``.

    Raises:
        RunnerError: It could not be done; the journal stays open for the next command.
    """
    bundle.sweep(host.layout)
    try:
        recorded = journal.read(host.layout.journal)
    except journal.UnreadableError:
        return _unreadable(host)
    decision = machine.decide(recorded, owner_alive=False, link=host.serving)
    if recorded is None or decision.step is Step.NOTHING:
        return "nothing"
    return _settle(host, recorded, decision)


def _settle(host: Host, recorded: Journal, decision: Decision) -> str:
    words = f"{recorded.op} of {recorded.release} by {recorded.actor} was at {recorded.phase}"
    host.events.note(f"{words}: {decision.why}")
    adopted = journal.adopt(host.layout.journal, recorded)
    op = operation.open_for(host, adopted)
    if op is None or decision.step is Step.LEAVE:
        return _leave(host, recorded)
    if decision.step is Step.CONTINUE:
        return _continue(op, decision)
    reverting.take_back(op)
    return _say(host, recorded, "reverted")


def _continue(op: operation.Operation, decision: Decision) -> str:
    try:
        carry.carry(op, decision.phases)
    except RunnerError as error:
        op.events.note(f"it could not be carried on, and was taken back: {error}")
        return _say(op.host, op.journal, "reverted")
    return _say(op.host, op.journal, "continued")


def _leave(host: Host, recorded: Journal) -> str:
    """Leave what the link names as it is; end the operation."""
    whole(host)
    if host.serving != recorded.release:
        releases.change(host.layout, recorded.release, outcome="failed")
    journal.end(host.layout.journal)
    return _say(host, recorded, "left")


def _unreadable(host: Host) -> str:
    kept = journal.set_aside(host.layout.journal)
    host.events.note(f"the journal cannot be read; it is kept as {kept.name}")
    whole(host)
    host.events.emit("reconciled", release=host.serving, action="left", text=_serves(host))
    return "left"


def whole(host: Host) -> None:
    """See that every role of the serving release runs.

    Raises:
        RunnerError: A role cannot be brought up.
    """
    serving = host.serving
    release = releases.load(host.layout, serving) if serving else None
    if release is None:
        return
    reverting.run_services(host, release)
    reverting.run_worker(host, release)


def _say(host: Host, recorded: Journal, action: str) -> str:
    host.events.emit("reconciled", release=recorded.release, action=action, text=_serves(host))
    return action


def _serves(host: Host) -> str:
    return f"{host.serving} is serving" if host.serving else "nothing is serving yet"


def failed(error: RunnerError) -> RunnerError:
    """What a command says that could not even put things in order."""
    return broken(
        f"an earlier operation could not be settled: {error.what}",
        where=error.where,
        remedy=error.remedy or "Mend that, then run any command: it tries again.",
        log=error.log,
    )
