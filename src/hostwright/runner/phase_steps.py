"""What is done in each phase. A step returns a few words for people, or None."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import (
    base,
    cooling,
    drain,
    health,
    migration,
    passwords,
    phases,
    prepare,
    pruning,
    releases,
    switch,
    worker,
)
from .operation import tolerant
from .parallel import Group, together

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from .operation import Operation


def prepared(op: Operation) -> str | None:
    """Check, fetch and make; a warm release has all of it and is only checked."""
    if op.journal.warm:
        prepare.fit(op)
        words = ("the release is warm", base.leave(op))
        return "; ".join(word for word in words if word)
    return prepare.prepare(op)


def backed_up(op: Operation) -> str | None:
    """Back up where a migration is pending, or the last good backup is too old."""
    from .backup import due

    if op.bring is not None:
        return op.bring()

    def ask() -> migration.Status | None:
        if op.goal.migrate is None:
            return None
        op.known = migration.ask(op, lambda: _start_early(op))
        if op.known.pending:
            migration.hold_services(op)
        return op.known

    return due.before_deploy(op, ask)


def migrated(op: Operation) -> str | None:
    """Migrate where something is pending; api and web start meanwhile, without traffic.

    On a first deploy the database is empty, so that starting early would only start in vain.
    """
    if op.journal.warm:
        return "the release is warm: the database is as it knows it"

    return migration.run(op, lambda: _start_early(op))


def _start_early(op: Operation) -> None:
    if op.journal.previous is not None:
        op.early = Group(_starters(op))


def started(op: Operation) -> str | None:
    """Start api and web, and the worker where it may run beside the old one."""
    if op.early:
        op.early.join()
    else:
        together(*_starters(op))
    if worker.start_early(op):
        op.engine.start(op.name("worker"))
    return None


def _starters(op: Operation) -> list[Callable[[Event], None]]:
    def starter(role: str) -> Callable[[Event], None]:
        return lambda stop: None if stop.is_set() else op.engine.start(op.name(role))

    return [starter(role) for role in op.goal.services]


def healthy(op: Operation) -> str | None:
    """Gate every role: api and web side by side, then the worker where it is its turn."""
    gates = health.gates(op)
    if worker.start_early(op):
        gates.append(lambda stop: health.gate_worker(op, stop))
    together(*gates)
    if op.worker_first:
        worker.hand_over(op)
    return None


def switched(op: Operation) -> str | None:
    """Reload Caddy where its configuration differs, then rename the link."""
    reloaded = prepare.configure_caddy(op, op.goal.id, op.goal.caddy_sha256)
    began = time.monotonic()
    switch.move(op.layout, op.goal.id)
    text = f"one rename, {(time.monotonic() - began) * 1000:.1f} ms"
    return f"Caddy took its new configuration; {text}" if reloaded else text


def drained(op: Operation) -> str | None:
    """Hand the jobs over where that is due now, and wait for requests where that is due."""
    if op.goal.worker is None or op.goal.worker.overlaps:
        worker.stop_old(op)
    if op.goal.worker is not None and not op.worker_first:
        worker.hand_over(op)
    if op.previous is None:
        return None
    if op.goal.warm_seconds == 0:
        return drain.wait(op.host, op.previous)
    left = drain.in_flight(op.host, op.previous)
    return f"{left} requests finish on the old release, which stays warm" if left else None


def committed(op: Operation) -> str | None:
    """Write down that the release is good, and until when the previous one stays warm."""
    now = int(time.time())
    if op.journal.previous is not None:
        releases.change(
            op.layout,
            op.journal.previous,
            warm_until=now + op.goal.warm_seconds,
            withdrawn=op.is_rollback and _goes_back(op, op.journal.previous),
        )
    facts = {"migration": op.journal.migration} if op.journal.migration else {}
    releases.change(
        op.layout,
        op.goal.id,
        outcome="good",
        committed=now,
        warm_until=None,
        withdrawn=False,
        **facts,
    )
    with tolerant(op.host, "comparing the environment of the running containers"):
        op.events.note(compared(op))
    return None


def _goes_back(op: Operation, previous: str) -> bool:
    """Whether the goal is older: a rollback to a newer one takes a rollback back."""
    goal = releases.state(op.layout, op.goal.id)
    return goal.sequence < releases.state(op.layout, previous).sequence


def compared(op: Operation) -> str:
    """Compare what runs now with what was declared, role by role."""
    for role in op.goal.roles:
        found = op.engine.container(op.name(role))
        wrong = op.check_env(role, found) if found else ["its container is gone"]
        if wrong:
            op.events.note(f"{role} is not as declared: {', '.join(wrong)}")
    roles = [role for role in op.goal.roles if role in op.goal.env]
    return f"environment compared: {', '.join(roles) or 'none declared'}"


def pruned(op: Operation) -> str | None:
    """Remove what is no longer kept; nothing here can fail a release that serves."""
    with tolerant(op.host, "removing the migration's containers"):
        migration.discard(op)
    with tolerant(op.host, "ending the releases that were warm before"):
        cooling.cool(op.host, but=op.journal.previous)
    with tolerant(op.host, "setting the timer that ends the warm release"):
        cooling.schedule(op.host, op.journal.previous, op.goal.warm_seconds)
    with tolerant(op.host, "settling the passwords of the base"):
        passwords.settle(op.host)
    with tolerant(op.host, "pruning"):
        pruning.prune(op.host, op.goal.keep_releases)
    return None


STEPS: dict[str, Callable[[Operation], str | None]] = {
    phases.PREPARED: prepared,
    phases.BACKED_UP: backed_up,
    phases.MIGRATED: migrated,
    phases.STARTED: started,
    phases.HEALTHY: healthy,
    phases.SWITCHED: switched,
    phases.DRAINED: drained,
    phases.COMMITTED: committed,
    phases.PRUNED: pruned,
}
