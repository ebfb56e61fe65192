"""Run the migrate Job anew, as it is installed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from hostwright.cluster import commands, history, installed, migration, objects, pods
from hostwright.cluster.model import name_of
from hostwright.errors import KubernetesError, MigrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.cluster.client import Cluster
    from hostwright.cluster.pods import Job, Pod
    from hostwright.contract.models import Contract
    from hostwright.progress import Progress

PAUSE = 1.5
#: Seconds beside the migration's own time: its image may have to be pulled.
PULLING = 300


class Migrated(NamedTuple):
    """How the Job ended."""

    job: str
    exit_code: int
    log: tuple[str, ...]
    seconds: float


def migrate(
    cluster: Cluster,
    contract: Contract,
    progress: Progress,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Migrated:
    """Make the Job under a new name, wait for its end, and remember what it did.

    Raises:
        NoRelease: Nothing is installed.
        KubernetesError: The release has no migrate Job, or the new one does not end.
        MigrationError: It failed; with its last lines.
    """
    known = installed.release(cluster)
    found = objects.migrate_job(installed.manifest(cluster))
    role = contract.roles.get("migrate")
    if found is None or role is None:
        raise KubernetesError(
            "what is installed has no migrate Job",
            where=str(cluster.where),
            remedy="Set migrate.type to job or hook, and deploy; or run the migration yourself.",
        )
    # To the microsecond: two commands may well begin in the same second.
    made = migration.again(found, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
    name, begun = name_of(made), time.monotonic()
    progress.begin(f"Job {name}")
    cluster.ask(commands.create(cluster.where, f"the Job {name}"), stdin=json.dumps(made).encode())
    ended, last = _wait(cluster, name, role.timeout_seconds + PULLING, progress, pause)
    log = _log(cluster, last)
    passed = time.monotonic() - begun
    did = migration.applied(*("\n".join(_log(cluster, pod)) for pod in _pods(cluster, name)))
    now = history.serving(known)
    if did and now:
        installed.remember(cluster, now.number, did)
    if ended.state == "failed":
        raise _failed(cluster, ended, last, log)
    progress.end(f"Job {name} is complete", passed)
    return Migrated(name, 0, log, passed)


def _wait(
    cluster: Cluster,
    name: str,
    seconds: float,
    progress: Progress,
    pause: Callable[[float], None],
) -> tuple[Job, Pod | None]:
    """Until the Job has ended; with the pod that ran last."""
    begun, told = time.monotonic(), ""
    while True:
        body = cluster.read(commands.job(cluster.where, name))
        if body is None:
            raise KubernetesError(f"the Job {name} is gone", where=str(cluster.where))
        job = pods.job(body)
        last = _last(cluster, name)
        line = _line(job, last)
        if line != told:
            told = line
            progress.note(f"migrate: {line}")
        if job.state != "running":
            return job, last
        if time.monotonic() - begun > seconds:
            raise KubernetesError(
                f"the Job {name} has not ended after {seconds:.0f} s: {line}",
                where=str(cluster.where),
                remedy="It goes on by itself until its own deadline.",
            )
        pause(PAUSE)


def _last(cluster: Cluster, name: str) -> Pod | None:
    return max(_pods(cluster, name), key=lambda pod: pod.made, default=None)


def _pods(cluster: Cluster, name: str) -> Sequence[Pod]:
    """One for each try."""
    return pods.parse(cluster.read(commands.pods_of_job(cluster.where, name))).pods


def _line(job: Job, pod: Pod | None) -> str:
    troubles = [str(item.what) for item in pod.troubles] if pod else ["no pod yet"]
    return "; ".join([f"{job.state} {job.why}".strip(), *troubles])


def _log(cluster: Cluster, pod: Pod | None) -> tuple[str, ...]:
    if pod is None:
        return ()
    try:
        text = cluster.ask(commands.logs(cluster.where, pod.name, "migrate"))
    except KubernetesError as error:
        return (f"the log could not be read: {error.what.splitlines()[0]}",)
    return tuple(text.splitlines())


def _failed(cluster: Cluster, job: Job, pod: Pod | None, log: tuple[str, ...]) -> MigrationError:
    code = f"exit code {pod.exit_code}" if pod and pod.exit_code is not None else job.why
    lines = "\n".join(f"    {line}" for line in log[-commands.LINES :])
    return MigrationError(
        f"{job.name} failed ({code}: {job.why})\n{lines}",
        where=str(cluster.where),
        remedy=f"Mend what it says, and run it again. {installed.serves(cluster)}",
    )
