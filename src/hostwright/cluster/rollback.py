"""Return to an earlier revision: its images and its configuration, with today's database."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.cluster import (
    commands,
    deploy,
    difference,
    history,
    installed,
    migration,
    objects,
)
from hostwright.cluster.pods import parse
from hostwright.cluster.rollout import patience
from hostwright.cluster.watch import Watcher
from hostwright.errors import HostwrightError, NoWayBack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.cluster.client import Cluster
    from hostwright.cluster.deploy import Outcome
    from hostwright.cluster.difference import Change
    from hostwright.cluster.history import Revision
    from hostwright.cluster.model import Objects
    from hostwright.contract.models import Contract
    from hostwright.progress import Progress

#: Roles that reach the database, in the order in which they are asked for its state.
_ASKED = ("worker", "api")


@dataclass(frozen=True)
class Way:
    """A way back.

    Args:
        target: The revision to return to.
        objects: What it installed.
        changes: What that changes.
        database: What is known of the database, a sentence each.
    """

    target: int
    objects: Objects
    changes: tuple[Change, ...]
    database: tuple[str, ...]

    @property
    def text(self) -> str:
        """What a person is shown before it is done."""
        lines = [f"back to revision {self.target}", *self.database]
        return "\n".join([*lines, *difference.shown(list(self.changes)).splitlines()])


def way(cluster: Cluster, contract: Contract, to: int = 0) -> Way:
    """Where a rollback leads.

    Args:
        cluster: Where.
        contract: Says how the database is asked how far it is.
        to: The revision; without it, the previous good one that was another.

    Raises:
        NoRelease: Nothing is installed.
        NoWayBack: There is no such revision, or the database has gone too far for it.
    """
    known = installed.release(cluster)
    before = installed.manifest(cluster)
    target, after = _named(cluster, known, to) if to else _previous(cluster, known, before)
    remembered = installed.memory(cluster)
    since = history.between(known, target)
    lost = migration.irreversible(remembered, since)
    if lost:
        raise NoWayBack(
            f"migrations since revision {target} are declared irreversible: {', '.join(lost)}",
            where=str(cluster.where),
            remedy="Deploy a version that goes forward; that one cannot work with this database.",
        )
    changes = tuple(difference.changes(before, after, deploy.secrets(contract)))
    told = [*_applied(remembered, since), *_asked(cluster, contract)]
    return Way(target, after, changes, tuple(told))


def _named(cluster: Cluster, known: Sequence[Revision], number: int) -> tuple[int, Objects]:
    found = next((item for item in known if item.number == number), None)
    if found is None or found.status not in history.GOOD:
        good = [str(item.number) for item in known if item.status in history.GOOD]
        what = f"revision {number} is {found.status}" if found else f"there is no revision {number}"
        raise NoWayBack(what, where=str(cluster.where), remedy=f"Good ones: {', '.join(good)}.")
    return number, installed.manifest(cluster, number)


def _previous(cluster: Cluster, known: Sequence[Revision], now: Objects) -> tuple[int, Objects]:
    broken = known[-1].status != "deployed"
    for item in history.earlier(known):
        then = installed.manifest(cluster, item.number)
        if broken or difference.changes(now, then):
            return item.number, then
    raise NoWayBack(
        "there is no earlier good revision that is another",
        where=str(cluster.where),
        remedy="`helm history` shows what is kept; deploy the version that you want.",
    )


def _applied(remembered: dict[int, migration.Status], since: Sequence[int]) -> list[str]:
    names = [
        name for number in since if number in remembered for name in remembered[number].pending
    ]
    if names:
        return [f"migrations since then stay: {', '.join(names)}"]
    return ["no migration since then is known here; what others applied is not seen"]


def _asked(cluster: Cluster, contract: Contract) -> list[str]:
    """What the running image says of the database; it may not be there to be asked."""
    try:
        found = ask(cluster, contract)
    except HostwrightError as error:
        return [f"the database could not be asked: {error.what.splitlines()[0]}"]
    if found is None:
        return []
    pending = f"; pending: {', '.join(found.pending)}" if found.pending else ""
    return [f"the database is at {found.current or 'nothing'} and stays there{pending}"]


def ask(cluster: Cluster, contract: Contract) -> migration.Status | None:
    """How far the database is, as a running role sees it; None where none can be asked."""
    migrate = contract.roles.get("migrate")
    if migrate is None or migrate.commands is None:
        return None
    pods = parse(cluster.read(commands.look(cluster.where))).pods
    for role in _ASKED:
        ready = [pod for pod in pods if pod.role == role and pod.ready]
        if ready:
            words = migrate.commands.status
            call = commands.execute(cluster.where, ready[0].name, role, words)
            return migration.status(cluster.ask(call))
    return None


def rollback(
    cluster: Cluster, contract: Contract, back: Way, progress: Progress, *, seconds: int = 0
) -> Outcome:
    """Go the way back.

    Raises:
        RolloutError: It did not come up.
    """
    begun = time.monotonic()
    limit = seconds or patience(contract, back.objects)
    watcher = Watcher(cluster, progress)
    progress.begin(f"helm rollback to revision {back.target}, at most {limit} s")
    call = commands.rollback(cluster.where, back.target, seconds=limit)
    done = watcher.attend(call, limit + 60)
    if done.exit_code != 0:
        raise deploy.failure(watcher, done)
    passed = time.monotonic() - begun
    revision = installed.release(cluster)[-1].number
    progress.end(f"revision {revision} is up, as revision {back.target} was", passed)
    return deploy.Outcome(revision, objects.images(back.objects), passed)
