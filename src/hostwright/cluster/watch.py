"""Attend a release while Helm works on it: tell how far it is, keep what a failure needs.

Helm itself says nothing until the end, and where it fails it takes the new pods away, and their
logs with them. So they are read while they are there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hostwright.cluster import commands, migration, rollout
from hostwright.cluster.pods import parse
from hostwright.cluster.rollout import Culprit
from hostwright.errors import KubernetesError, ToolError

if TYPE_CHECKING:
    from hostwright.cloud.model import Call
    from hostwright.cluster.client import Cluster
    from hostwright.cluster.migration import Status
    from hostwright.cluster.pods import Look, Pod
    from hostwright.progress import Progress
    from hostwright.run import Completed

#: Seconds between two looks.
PAUSE = 1.5
#: Last lines that a failure shows.
SHOWN = 20


@dataclass
class Watcher:
    """What was seen of a release on its way.

    Attributes:
        look: What it was at last.
        blamed: Who kept it from coming up, as of the last look that showed somebody.
        log: Pod and container to their last lines, of those who were blamed.
        migrated: What the migration set out to do, once it has ended.
        failed_jobs: Jobs that have failed, with why.
    """

    cluster: Cluster
    progress: Progress
    look: Look | None = None
    blamed: tuple[Culprit, ...] = ()
    log: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    migrated: Status | None = None
    failed_jobs: dict[str, str] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _read: dict[tuple[str, str], str] = field(default_factory=dict)
    _old: frozenset[str] = frozenset()
    _failed: Culprit | None = None
    _tries: dict[str, str] = field(default_factory=dict)

    def attend(self, call: Call, seconds: float) -> Completed:
        """Run a command to its end, and look at the release meanwhile.

        An interrupt reaches the command, too; it is given the time to end.
        """
        with suppress(KubernetesError, ToolError):
            # Pods of an earlier migration may still be there: what they did is not done now.
            before = parse(self.cluster.read(commands.look(self.cluster.where)))
            self._old = frozenset(pod.name for pod in before.pods)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.cluster.run, call, seconds=seconds)
            while not future.done():
                self.once()
                wait([future], timeout=PAUSE)
            return future.result()

    def once(self) -> None:
        """Look, and tell what is new; a question that fails is asked again the next time."""
        with suppress(KubernetesError, ToolError):
            self.look = parse(self.cluster.read(commands.look(self.cluster.where)))
            self._tell(rollout.told(self.look))
            self._blame(rollout.culprits(self.look))
            self._jobs(self.look)
        self.cluster = replace(self.cluster, echo=False)  # shown once is enough

    def _tell(self, lines: dict[str, str]) -> None:
        for key, line in lines.items():
            if self._told.get(key) != line:
                self.progress.note(line)
        self._told = lines

    def _blame(self, found: list[Culprit]) -> None:
        if found:
            self.blamed = tuple(found)
        for item in found:
            if not item.ran or self._read.get((item.pod, item.container)) == item.what:
                continue
            lines = self._log(item.pod, item.container, previous=item.again)
            if lines:
                self.log[item.pod, item.container] = lines[-SHOWN:]
                self._read[item.pod, item.container] = item.what

    def _jobs(self, look: Look) -> None:
        for job in look.jobs:
            if job.state == "failed":
                self.failed_jobs[job.name] = job.why
        for pod in look.pods:
            ended = pod.role == "migrate" and pod.exit_code is not None
            if ended and pod.name not in self._old and pod.name not in self._tries:
                lines = self._log(pod.name, pod.role)
                if lines:
                    self._tried(pod, lines)

    def _tried(self, pod: Pod, lines: tuple[str, ...]) -> None:
        self._tries[pod.name] = "\n".join(lines)
        self.migrated = migration.applied(*self._tries.values())
        if pod.exit_code:
            self.log.setdefault((pod.name, pod.role), lines[-SHOWN:])
            what = f"ended with exit code {pod.exit_code}"
            self._failed = Culprit(pod.role, pod.name, pod.role, what, ran=True, again=False)

    def _log(self, pod: str, container: str, *, previous: bool = False) -> tuple[str, ...]:
        """What it wrote; nothing where it could not be read: it is asked again at the next look."""
        call = commands.logs(self.cluster.where, pod, container, previous=previous)
        with suppress(KubernetesError, ToolError):
            return tuple(self.cluster.ask(call).splitlines())
        return ()

    @property
    def account(self) -> str:
        """Who kept the release from coming up, one a role, with last lines; empty if nobody."""
        blamed = self.blamed
        if self._failed and self.failed_jobs and all(item.role != "migrate" for item in blamed):
            # Going back, Helm runs the old migration anew: the newest, and not to blame.
            blamed = (self._failed, *blamed)
        first = {item.role: item for item in reversed(blamed)}
        told: list[str] = []
        for role, item in reversed(first.items()):
            told.append(f"{role}: {item}")
            told += [f"    {line}" for line in self.log.get((item.pod, item.container), ())]
        return "\n".join(told)
