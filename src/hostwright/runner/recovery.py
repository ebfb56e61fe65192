"""What every command does first: look for the work of a dead owner, and finish it or take it back.

Needs the lock: whoever holds it knows that a recorded operation has no owner any more.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from . import (
    base,
    bundle,
    carry,
    cooling,
    journal,
    machine,
    migration,
    operation,
    plain,
    releases,
    reverting,
    room,
)
from .engine import EngineError
from .fault import RunnerError, broken
from .machine import Step
from .operation import tolerant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .journal import Journal
    from .machine import Decision
    from .manifest import Manifest
    from .operation import Host

#: Of a release, what runs for as long as it serves.
_SERVING = frozenset({"api", "web", "worker"})


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
        return _leave(host, adopted)
    try:
        action = _carried(op, decision)
    except plain.FAULTS as error:
        return _give_up(op, error)
    return _say(host, adopted, action)


def _carried(op: operation.Operation, decision: Decision) -> str:
    """Carry an operation on, or take it back; which of the two it was in the end.

    Raises:
        RunnerError: Neither could be done.
    """
    if decision.step is Step.REVERT:
        reverting.take_back(op)
        return "reverted"
    try:
        carry.carry(op, decision.phases)
    except RunnerError as error:
        if op.layout.journal.exists():  # taking it back failed as well
            raise
        op.events.note(f"it could not be carried on, and was taken back: {error}")
        return "reverted"
    return "continued"


def _give_up(op: operation.Operation, error: Exception) -> str:
    """End an operation that can neither be carried on nor be taken back.

    What could not be mended twice will not be the next time: the journal would refuse every later
    command, and with them the deploy that mends it. So what serves goes on serving, as well as it
    can. Where nothing serves, or Docker does not answer, nothing is known: the journal stays.

    Raises:
        RunnerError: It is too early to give up.
    """
    host = op.host
    if host.serving is None:
        raise error
    host.engine.version()
    host.events.note(
        f"the {op.journal.op} of {op.goal.id} cannot be taken back, and is left: {error}"
    )
    if host.serving != op.goal.id:
        with tolerant(host, f"ending {op.goal.id}"):
            reverting.end_goal(op)
    elif op.journal.previous is not None:  # it was started again in vain, or cannot be read
        with tolerant(host, f"noting that {op.journal.previous} is to end"):
            releases.change(host.layout, op.journal.previous, warm_until=int(time.time()))
    return _leave(host, op.journal)


def _leave(host: Host, recorded: Journal) -> str:
    """Leave what the link names as it is; end the operation."""
    whole_or_said(host)
    unfinished = releases.state(host.layout, recorded.release).outcome != "good"
    if recorded.op == "deploy" and (host.serving != recorded.release or unfinished):
        facts = migration.remembered(recorded.migration)
        releases.change(host.layout, recorded.release, outcome="failed", **facts)
    journal.end(host.layout.journal)
    return _say(host, recorded, "left")


def _unreadable(host: Host) -> str:
    kept = journal.set_aside(host.layout.journal)
    host.events.note(f"the journal cannot be read; it is kept as {kept.name}")
    whole_or_said(host)
    host.events.emit("reconciled", release=host.serving, action="left", text=_serves(host))
    return "left"


def whole_or_said(host: Host, *, roomy: bool = True) -> None:
    """See that the serving release is whole; where it cannot be, say so and let it serve as it can.

    Args:
        host: The host.
        roomy: Whether a full disk is such a reason as well.

    Raises:
        RunnerError: Docker does not answer, so that nothing can be said.
        EngineError: The disk is full, where not *roomy*.
    """
    try:
        whole(host)
    except plain.FAULTS as error:
        host.engine.version()
        if not roomy and room.ran_out(str(error)):
            raise
        host.events.note(f"{host.serving} goes on serving, and is not whole: {error}")


def whole(host: Host) -> None:
    """See that every role of the serving release runs.

    Raises:
        RunnerError: A role cannot be brought up.
    """
    serving = host.serving
    if serving is None:
        return
    release = releases.load(host.layout, serving)
    if release is None:
        _start_unread(host, serving)
        return
    _each(partial(run, host, release) for run in (reverting.run_services, reverting.run_worker))


def _each(todo: Iterable[Callable[[], object]]) -> None:
    """Do each, whether or not the one before could be done; then say what could not.

    That is a full disk where there is one, as more comes of it than it says; else the first.
    """
    refused: list[Exception] = []
    for work in todo:
        try:
            work()
        except plain.FAULTS as error:
            refused.append(error)
    if refused:
        raise next((error for error in refused if room.ran_out(str(error))), refused[0])


def _start_unread(host: Host, serving: str) -> None:
    """Start what Docker has of a release whose manifest cannot be read."""
    known = cooling.containers(host, serving)
    _each(partial(_start, host, name) for name, role in known if role in _SERVING)


def _start(host: Host, name: str) -> None:
    if not host.engine.running(name):
        host.events.note(f"{name} is started, though its release's manifest is damaged")
        host.engine.start(name)


def stand(host: Host) -> None:
    """Start what of the base and of the serving release does not run.

    For a boot: Docker tries each container once then, and leaves one alone that does not start,
    whatever its restart policy says; one that a power loss has spoiled is made anew. Nothing is
    waited for, and nothing judged: while Postgres puts its data in order, roles are restarted until
    it answers, and the watch tells who stays unwell.

    Raises:
        EngineError: Docker cannot start one; the rest was started all the same.
        RunnerError: Compose cannot make one.
    """
    serving = host.serving
    if serving is None:
        return
    _each(_standing(host, serving))


def _standing(host: Host, serving: str) -> Iterator[Callable[[], object]]:
    """What a boot does; each of it whether or not the one before could be done."""
    release = releases.load(host.layout, serving)
    yield partial(base.stand, host, base.services(host, serving))
    if release is None:
        yield partial(_start_unread, host, serving)
        return
    for role in release.roles:
        yield partial(_stand, host, release, role)


def _stand(host: Host, release: Manifest, role: str) -> None:
    name = host.layout.container(release.id, role)
    try:
        found = host.engine.container(name)
        if found is not None:
            if not found["State"]["Running"]:
                host.events.note(f"{name} did not run, and is started")
                host.engine.start(name)
            return
    except EngineError as error:
        if room.ran_out(str(error)):
            raise
        host.events.note(f"{name} is made anew: {error}")
        host.engine.remove(name)
    else:
        host.events.note(f"{name} was gone, and is made anew")
    host.create(release)
    host.engine.start(name)


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
