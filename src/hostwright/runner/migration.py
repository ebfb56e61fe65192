"""The migration: asked first, run once and only if something is pending, in the new image.

Its containers have names and run on their own: where the runner is killed, a migration goes on to
its end, and the next command waits for it instead of breaking it off in the middle.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import plain
from .compose import STATUS_SERVICE
from .engine import EngineError
from .fault import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .manifest import Job
    from .operation import Operation

_STATUS_SECONDS = 120
_STATUS_LINES = 200
_STOP_SECONDS = 10


class Status(NamedTuple):
    """How far the database is.

    Attributes:
        current: The revision it is at; may be None on an empty one.
        head: The revision that the image wants.
        pending: What has still to run.
        irreversible: Those of them that cannot be taken back.
        ahead: The database knows revisions that the image does not.
    """

    current: Any
    head: Any
    pending: tuple[str, ...]
    irreversible: tuple[str, ...]
    ahead: bool


def parse(lines: list[str]) -> Status:
    """Read the status job's output: the last line that is a JSON object, or the whole of it.

    Raises:
        ValueError: There is none.
    """
    for text in (*reversed(lines), "\n".join(lines)):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, dict) and "pending" in value:
            return Status(
                current=value.get("current"),
                head=value.get("head"),
                pending=_names(value["pending"], value.get("head")),
                irreversible=_names(value.get("irreversible"), value.get("head")),
                ahead=bool(value.get("ahead")),
            )
    raise ValueError("no status")


def _names(value: object, head: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(name) for name in value)
    return (str(head),) if value else ()


def run(op: Operation, meanwhile: Callable[[], None]) -> str:
    """Bring the database to where the goal wants it, and say what was done.

    Args:
        op: The operation.
        meanwhile: Called while the status job starts: what needs no answer can begin.

    Raises:
        RunnerError: The status or the migration failed; traffic is untouched.
    """
    job = op.goal.migrate
    if job is None:
        meanwhile()
        return "no migrate role"
    status = op.known or ask(op, meanwhile)
    if status.ahead:
        op.events.note("the database is ahead of this release")
    if not status.pending:
        return f"nothing pending, at {status.current}"
    hold_services(op)
    op.record(migration={**reckoned(status, status), **_begun(status)})
    try:
        migrate(op, job)
    except RunnerError:
        reckon(op, status)
        raise
    op.record(migration=reckoned(status, status._replace(current=status.head, pending=())))
    return f"{len(status.pending)} applied, now at {status.head}"


def hold_services(op: Operation) -> None:
    """End what was started early: it is to begin with the database it was made for."""
    if op.early:
        op.early.abandon()
        op.early = None
    for role in op.goal.services:
        op.engine.stop(op.name(role), 0)


def _begun(status: Status) -> dict[str, Any]:
    """What :func:`settle` has to know where the runner dies in the middle."""
    return {"pending": list(status.pending), "never": list(status.irreversible)}


def reckoned(before: Status, after: Status) -> dict[str, Any]:
    """What a migration did, as journal and release keep it."""
    applied = [name for name in before.pending if name not in after.pending]
    return {
        "before": before.current,
        "after": after.current,
        "applied": applied,
        "irreversible": [name for name in before.irreversible if name in applied],
    }


def remembered(recorded: dict[str, Any] | None) -> dict[str, Any]:
    """The fact that a release keeps of a journal's migration; none where there was none.

    Where the runner died in the middle and nobody reckoned since, it came all the way.
    """
    if not recorded:
        return {}
    if "pending" not in recorded:
        return {"migration": recorded}
    pending, never = list(recorded["pending"]), list(recorded.get("never", ()))
    facts = {"before": recorded.get("before"), "after": None}
    return {"migration": {**facts, "applied": pending, "irreversible": never}}


def reckon(op: Operation, before: Status) -> None:
    """Find out how far a migration came that failed; where nobody can tell, it came all the way."""
    try:
        after = ask(op)
    except plain.FAULTS:
        after = before._replace(current=None, pending=())
    op.record(migration=reckoned(before, after))


def ask(op: Operation, meanwhile: Callable[[], None] = lambda: None) -> Status:
    """How far the database is, as the new image sees it.

    Raises:
        RunnerError: The job failed or said something else.
    """
    name = op.name(STATUS_SERVICE)
    asking, op.asking = op.asking, None
    meanwhile()
    if asking is None:
        op.engine.start(name)
    else:
        asking.join()
    try:
        code = op.engine.wait(name, _STATUS_SECONDS)
    except TimeoutError:
        op.engine.stop(name, 0)
        code = -1
    status = _said(op.engine.logs(name, _STATUS_LINES, errors=False)) if code == 0 else None
    if status is not None:
        return status
    said = "did not end" if code < 0 else f"ended with exit code {code}"
    raise op.failure(
        f"the migration status {said if code else 'is not the JSON that the contract wants'}",
        STATUS_SERVICE,
        remedy="Nothing was migrated; its last lines are shown.",
    )


def _said(lines: list[str]) -> Status | None:
    try:
        return parse(lines)
    except ValueError:
        return None


def migrate(op: Operation, job: Job) -> None:
    """Run the migration once.

    Raises:
        RunnerError: It failed, or took too long.
    """
    name = op.name("migrate")
    op.engine.start(name)
    try:
        code = op.engine.wait(name, job.timeout_seconds)
    except TimeoutError:
        op.engine.stop(name, _STOP_SECONDS)
        raise op.failure(
            f"the migration did not end within {job.timeout_seconds} s", "migrate"
        ) from None
    if code != 0:
        raise op.failure(
            f"the migration ended with exit code {code}",
            "migrate",
            remedy="Traffic was not touched. Mend the migration, then deploy again.",
        )


def settle(op: Operation) -> None:
    """Wait for a migration that a dead runner left behind, and find out how far it came.

    One that still runs after its time is stopped, as it is where its runner lives.
    """
    begun = op.journal.migration or {}
    if "pending" not in begun:
        return
    _await_end(op)
    pending, never = tuple(begun["pending"]), tuple(begun.get("never", ()))
    reckon(op, Status(begun["before"], None, pending, never, ahead=False))


def _await_end(op: Operation) -> None:
    job, name = op.goal.migrate, op.name("migrate")
    if job is None or not op.engine.running(name):
        return
    op.events.note("a migration is still running: waiting for its end")
    try:
        op.engine.wait(name, job.timeout_seconds)
    except TimeoutError:
        op.events.note(f"the migration did not end within {job.timeout_seconds} s: it is stopped")
        op.engine.stop(name, _STOP_SECONDS)
    except EngineError:
        if op.engine.running(name):
            raise  # else it is gone: it has ended


def discard(op: Operation) -> None:
    """Remove the containers of the jobs: they have done their work."""
    for name in ("migrate", STATUS_SERVICE):
        op.engine.remove(op.name(name))
