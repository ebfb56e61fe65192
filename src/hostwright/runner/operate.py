"""The detached side of a command: settle what was left behind, then deploy or roll back.

A deploy and a rollback are one code path; they differ in where the goal comes from.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import arriving, audit, carry, cooling, journal, passwords, plain, recovery, releases, room
from .fault import Code, RunnerError, broken, refused, unfit
from .operation import Host, Operation, tolerant

if TYPE_CHECKING:
    from collections.abc import Callable

    from .layout import Layout
    from .releases import Release


def deploy(host: Host, actor: str, release: str, *, turning: bool = False) -> None:
    """Let a release that was just unpacked serve; if *turning*, with new passwords of the base."""

    def goal() -> Operation | None:
        operation = begin(host, actor, "deploy", release)
        if operation is not None:
            operation.passwords = turning
        return operation

    command(host, actor, "deploy", release, goal)


def rollback(host: Host, actor: str, release: str | None) -> None:
    """Let an older release serve: the named one, or the previous good one."""

    def goal() -> Operation | None:
        return begin(host, actor, "rollback", choose(host, release).id)

    command(host, actor, "rollback", release, goal)


def resume(host: Host, actor: str) -> None:
    """Only settle what was left behind, see that all that serves runs, and end what is overdue."""

    def tidy() -> None:
        cooling.tidy(host)
        recovery.stand(host)

    command(host, actor, "resume", None, tidy)


def cool(host: Host, actor: str) -> None:
    """Only settle what was left behind, and end the warm releases whose time is over."""
    command(host, actor, "resume", None, lambda: cooling.tidy(host))


def command(
    host: Host, actor: str, op: str, release: str | None, begin: Callable[[], Operation | None]
) -> None:
    """Settle what was left behind, do one thing, and say how it ended.

    Args:
        host: The host; its lock is held.
        actor: Who asked.
        op: What it is called.
        release: The release it is about, where that is known.
        begin: Gives the operation to carry through its phases; None where that was all.
    """
    before = host.serving
    outcome = "failed"
    room.use_aside(host.layout)
    try:
        _settle(host)
        before = host.serving
        operation = begin()
        if operation is not None:
            release = operation.goal.id
            carry.carry(operation)
        outcome = "done"
        host.events.emit("done", op=op, previous=before, **_result(host, operation))
    except plain.FAULTS as error:
        phase = error.phase if isinstance(error, carry.PhaseError) else None
        host.events.failed(plain.explained(error), phase=phase, serving=host.serving)
    except Exception as error:
        _bug(host, error)
        raise
    finally:
        facts = {"release": release, "previous": before, "outcome": outcome}
        with tolerant(host, "writing the audit log"):
            audit.record(host.layout, actor, op, **facts, seconds=host.events.seconds)
        room.set_aside(host.layout)


def _settle(host: Host) -> None:
    from .backup import work as backups

    try:
        for name in arriving.settle(host.layout, host.engine, host.shell):
            host.events.note(f"{name} had not reached the disk, and is to come once more")
        backups.settle(host)  # first: a release is made whole with the data that it had
        recovery.reconcile(host)
        backups.settle_data(host)  # once more: what an operation's end decides about data
        passwords.settle(host)
    except plain.FAULTS as error:
        raise recovery.failed(plain.explained(error)) from error


def _result(host: Host, operation: Operation | None) -> dict[str, object]:
    migration = operation.journal.migration if operation else None
    return {"serving": host.serving, "seconds": host.events.seconds, "migration": migration}


def _bug(host: Host, error: Exception) -> None:
    words = RunnerError(
        Code.BUG,
        f"a fault of the runner itself: {type(error).__name__}",
        remedy="The release's runner.log on the host has the details. Please report it.",
    )
    host.events.failed(words, phase=None, serving=host.serving)


def choose(host: Host, release: str | None) -> Release:
    """The release that a rollback means.

    Raises:
        RunnerError: There is none, it cannot be read, or the database has gone too far for it.
    """
    chosen, lost = pick(host.layout, host.serving, release)
    if lost:
        raise _irreversible(chosen, lost)
    return chosen


def pick(layout: Layout, serving: str | None, release: str | None) -> tuple[Release, list[str]]:
    """The release that a rollback means, and the migrations that it could not live with.

    Raises:
        RunnerError: There is none, or it cannot be read.
    """
    known = releases.listing(layout)
    if release is None:
        chosen = releases.previous_good(known, serving)
        if chosen is None:
            raise unfit(
                "there is no earlier good release to roll back to",
                remedy="`invoke vps.status` shows what is on the host.",
            )
    else:
        chosen = _named(known, release)
    passwords.refuse_former(layout, chosen.id)
    return chosen, releases.irreversible_between(known, chosen, serving)


def _named(known: list[Release], release: str) -> Release:
    for candidate in known:
        if candidate.id == release:
            if candidate.state.outcome == "good":
                return candidate
            raise unfit(f"this release is {candidate.state.outcome}, not good", where=release)
    raise refused(
        "there is no such release on the host",
        where=release[:60],
        remedy="`invoke vps.status` shows what is there.",
    )


def _irreversible(chosen: Release, lost: list[str]) -> RunnerError:
    return unfit(
        f"migrations since then are declared irreversible: {', '.join(lost)}",
        where=chosen.id,
        remedy="Deploy a release that goes forward; this one cannot work with today's database. "
        "`--with-data` brings the data of before as well, and says what that loses.",
    )


def begin(host: Host, actor: str, op: str, release: str) -> Operation | None:
    """Open the journal of an operation; None where its goal serves already.

    Raises:
        RunnerError: The goal's manifest is damaged.
    """
    goal = releases.load(host.layout, release)
    if goal is None:
        raise broken("the release's manifest is damaged", where=f"releases/{release}/manifest.json")
    serving = host.serving
    if serving == release:
        host.events.note(f"{release} is serving already")
        recovery.whole(host)
        return None
    before = serving or _running_last(host, but=release)
    warm = op == "rollback" and _is_warm(host, release)
    recorded = journal.begin(
        host.layout.journal, op=op, release=release, previous=before, actor=actor, warm=warm
    )
    previous = releases.load(host.layout, before) if before else None
    return Operation(host, goal, previous, recorded)


def _running_last(host: Host, *, but: str) -> str | None:
    """Where the live link is gone: the release that was committed last, if it still runs.

    Its worker would take jobs beside the new one's, and nobody would ever end it.
    """
    good = [one for one in releases.listing(host.layout) if one.id != but and _runs(host, one)]
    return max(good, key=lambda one: one.state.committed or 0).id if good else None


def _runs(host: Host, one: releases.Release) -> bool:
    if one.state.committed is None or one.manifest is None:
        return False
    names = (host.layout.container(one.id, role) for role in one.manifest.services)
    return any(host.engine.running(name) for name in names)


def _is_warm(host: Host, release: str) -> bool:
    until = releases.state(host.layout, release).warm_until
    goal = releases.load(host.layout, release)
    if until is None or until <= time.time() or goal is None:
        return False
    names = (host.layout.container(release, role) for role in goal.services)
    return all(host.engine.running(name) for name in names)
