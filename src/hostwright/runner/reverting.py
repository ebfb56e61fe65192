"""Take an operation back: whoever served before serves again, with all its roles.

Nothing here trusts the journal alone: what the live link names is looked up before each thing that
could hurt it, and what the link names is never stopped or removed.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from . import cooling, health, journal, migration, passwords, plain, prepare, releases, switch
from .fault import broken
from .operation import Operation, tolerant
from .parallel import together

if TYPE_CHECKING:
    from .manifest import Manifest
    from .operation import Host


def take_back(op: Operation) -> None:
    """Bring the previous release back as a whole, and end what the operation started.

    Raises:
        RunnerError: The previous release cannot serve; then the link stays where it is, and the
            journal stays open.
    """
    op.abandon()
    with contextlib.suppress(OSError):  # a full disk must not keep traffic from going back
        op.record(reverting=True)
    migration.settle(op)
    passwords.lean_back(op.host)
    if op.host.serving == op.goal.id and op.previous is not None:
        switch_back(op, op.previous)
    if op.host.serving != op.goal.id:
        end_goal(op)
        _restore_previous(op)
    with tolerant(op.host, "settling the passwords of the base"):
        passwords.settle(op.host)
    _judge(op)
    with contextlib.suppress(OSError):
        journal.end(op.layout.journal)


def switch_back(op: Operation, previous: Manifest) -> None:
    """Rename the link back, once the previous api and web are seen to be well.

    Raises:
        RunnerError: They are not.
    """
    run_services(op.host, previous)
    configure(op, previous)
    switch.move(op.layout, previous.id)
    op.events.note(f"switched back to {previous.id}")


def run_services(host: Host, release: Manifest) -> None:
    """See that a release's api and web run and are well, making them where they are gone.

    Raises:
        RunnerError: They do not get well.
    """
    as_goal = stand_in(host, release)
    missing = [r for r in release.services if host.engine.container(as_goal.name(r)) is None]
    if missing:
        host.create(release)
    for role in release.services:
        host.engine.start(as_goal.name(role))
    together(*health.gates(as_goal))


def run_worker(host: Host, release: Manifest) -> None:
    """See that a release's worker runs, and is well.

    Raises:
        RunnerError: It does not get well.
    """
    if release.worker is None:
        return
    as_goal = stand_in(host, release)
    name = as_goal.name("worker")
    if host.engine.container(name) is None:
        host.create(release)
    if not host.engine.running(name):
        host.engine.start(name)
        together(lambda stop: health.gate_worker(as_goal, stop))


def stand_in(host: Host, release: Manifest) -> Operation:
    """A release seen as a goal, so that the same gates serve it; nothing is journalled."""
    from .identity import myself

    now = int(time.time())
    return Operation(
        host, release, None, journal.Journal("deploy", release.id, None, "", myself(), now, now)
    )


def end_goal(op: Operation) -> None:
    """End what the operation started of its goal."""
    if op.journal.warm:
        # It was running before this operation and stays warm; but only one worker takes jobs.
        op.engine.stop(op.name("worker"), op.goal.stop_seconds("worker"))
        return
    cooling.end(op.host, op.goal.id)


def _restore_previous(op: Operation) -> None:
    if op.previous is None:
        _start_unread(op)
        return
    with tolerant(op.host, "giving Caddy its former configuration back"):
        configure(op, op.previous)
    try:
        run_worker(op.host, op.previous)
    except plain.FAULTS as error:
        op.events.note(f"the worker of {op.previous.id} did not get well again: {error}")


def _start_unread(op: Operation) -> None:
    """Start the previous release's worker though its manifest cannot be read."""
    name = op.layout.container(op.journal.previous or "", "worker")
    if op.journal.previous and op.engine.container(name) is not None:
        op.engine.start(name)


def configure(op: Operation, release: Manifest) -> None:
    """Give Caddy a release's configuration where it has another one now."""
    if prepare.configure_caddy(op, release.id, release.caddy_sha256):
        op.events.note("Caddy has its former configuration again")


def _judge(op: Operation) -> None:
    serving = op.host.serving
    with contextlib.suppress(OSError):
        if op.journal.op == "deploy" and serving != op.goal.id:
            facts = migration.remembered(op.journal.migration)
            releases.change(op.layout, op.goal.id, outcome="failed", **facts)
        if serving is not None:
            releases.change(op.layout, serving, warm_until=None, withdrawn=False)
    if serving == op.goal.id:
        raise broken("there is no release to go back to: this one goes on serving", where=serving)
