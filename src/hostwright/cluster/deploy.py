"""Install or upgrade a release: all of it, or what served before."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.cluster import commands, difference, history, installed, migration, objects
from hostwright.cluster.pods import parse
from hostwright.cluster.rollout import patience
from hostwright.cluster.watch import Watcher
from hostwright.errors import KubernetesError, MigrationError, RolloutError, Unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.cluster.client import Cluster
    from hostwright.cluster.desired import Desired
    from hostwright.cluster.difference import Change
    from hostwright.cluster.history import Revision
    from hostwright.contract.models import Contract
    from hostwright.progress import Progress
    from hostwright.run import Completed

#: Going back takes Helm as long as coming up may, and a little more.
_AND_BACK = 2.2


@dataclass(frozen=True)
class Plan:
    """What a deploy would change.

    Args:
        known: The revisions so far.
        changes: Object by object.
    """

    known: tuple[Revision, ...]
    changes: tuple[Change, ...]

    @property
    def settled(self) -> bool:
        """Whether all of it serves already."""
        last = self.known[-1] if self.known else None
        return not self.changes and last is not None and last.status == "deployed"

    @property
    def text(self) -> str:
        """What a person is shown before it is done."""
        now = history.serving(self.known)
        head = f"installed: revision {now.number}" if now else "installed: nothing yet"
        return "\n".join([head, *difference.shown(list(self.changes)).splitlines(), self.summary])

    @property
    def summary(self) -> str:
        """How much it is."""
        return difference.summary(list(self.changes))


@dataclass(frozen=True)
class Outcome:
    """How an operation ended."""

    revision: int
    images: Mapping[str, str]
    seconds: float
    changed: bool = True


def plan(cluster: Cluster, wanted: Desired) -> Plan:
    """What is installed against what is wanted.

    Raises:
        Unfinished: Another command works on the release, or was cut off.
    """
    known = installed.revisions(cluster)
    if known and known[-1].unfinished:
        raise Unfinished(
            f"revision {known[-1].number} is {known[-1].status} since {known[-1].updated[:19]}",
            where=str(cluster.where),
            remedy=_unfinished(known),
        )
    before = installed.manifest(cluster) if known else {}
    secret = secrets(wanted.contract)
    return Plan(known, tuple(difference.changes(before, wanted.objects, secret)))


def _unfinished(known: tuple[Revision, ...]) -> str:
    if history.serving(known):
        return "Wait for its end. If nobody is at work, `invoke kubernetes.rollback` settles it."
    return "Wait for its end. If nobody is at work, `helm uninstall` it, and deploy again."


def secrets(contract: Contract) -> frozenset[str]:
    """Names of variables whose values are never shown."""
    return frozenset(name for name, item in contract.variables.items() if item.secret)


def deploy(
    cluster: Cluster, wanted: Desired, planned: Plan, progress: Progress, *, seconds: int = 0
) -> Outcome:
    """Bring the release up, or leave what served serving.

    Args:
        cluster: Where.
        wanted: What is to run.
        planned: What was shown.
        progress: Is told how far it is.
        seconds: How long it may take; 0 reckons that from the contract.

    Raises:
        RolloutError: It did not come up.
        MigrationError: The migration failed.
    """
    begun = time.monotonic()
    limit = seconds or patience(wanted.contract, wanted.objects)
    _clear(cluster, wanted, progress)
    files, images = wanted.inputs.files, wanted.inputs.image_values
    call = commands.upgrade(
        cluster.where, wanted.inputs.chart, files, images, major=cluster.major, seconds=limit
    )
    watcher = Watcher(cluster, progress)
    progress.begin(f"helm upgrade {cluster.where.release}, at most {limit} s")
    done = watcher.attend(call, limit * _AND_BACK + commands.LINES)
    revision = (planned.known[-1].number if planned.known else 0) + 1
    keep(watcher, revision, progress)
    if done.exit_code != 0:
        raise failure(watcher, done)
    passed = time.monotonic() - begun
    progress.end(f"revision {revision} is up", passed)
    return Outcome(revision, objects.images(wanted.objects), passed)


def _clear(cluster: Cluster, wanted: Desired, progress: Progress) -> None:
    """Remove a failed migrate Job that the new one would be taken for."""
    jobs = parse(cluster.read(commands.look(cluster.where))).jobs
    name = migration.to_remove(wanted.objects, jobs)
    if name:
        progress.note(f"the Job {name} has failed: it is removed, so that it runs anew")
        cluster.ask(commands.delete_job(cluster.where, name), seconds=120)


def keep(watcher: Watcher, revision: int, progress: Progress) -> None:
    """Remember what the migration did: a rollback will ask."""
    watcher.once()
    if watcher.migrated is None:
        return
    progress.note(f"migrated: {', '.join(watcher.migrated.pending)}")
    try:
        installed.remember(watcher.cluster, revision, watcher.migrated)
    except KubernetesError as error:
        progress.note(f"what it migrated could not be remembered: {error.what.splitlines()[0]}")


def failure(watcher: Watcher, done: Completed) -> KubernetesError | MigrationError:
    """Why it failed, whose log says more, and what serves now."""
    cluster = watcher.cluster
    serves = installed.serves(cluster)
    helm = " ".join(done.tail.rpartition("Error: ")[2].split())[:400]
    told = "\n".join(part for part in (watcher.account, f"Helm: {helm}") if part)
    if watcher.failed_jobs:
        name, why = next(iter(watcher.failed_jobs.items()))
        return MigrationError(
            f"the migration failed ({name}: {why})\n{told}",
            where=str(cluster.where),
            remedy=f"Mend it and deploy again. {serves}",
        )
    return RolloutError(
        f"the release did not come up\n{told}", where=str(cluster.where), remedy=serves
    )
