"""One operation at work: what every phase is given."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import compose, envcheck, journal, plain, redact, releases, room, switch
from .fault import RunnerError, broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .compose import Compose
    from .engine import Engine
    from .events import Events
    from .journal import Journal
    from .layout import Layout
    from .manifest import Manifest
    from .migration import Status
    from .parallel import Group
    from .process import Shell
    from .registries import Login

SHOWN_LINES = 20


@dataclass
class Host:
    """The host as the runner works on it.

    Attributes:
        layout: Where the application's things are.
        engine: Docker.
        tool: Docker Compose.
        shell: Starts tools.
        events: Where to say what happens.
        logins: The logins that the request brought, by registry; in memory alone.
    """

    layout: Layout
    engine: Engine
    tool: Compose
    shell: Shell
    events: Events
    logins: Mapping[str, Login] = field(default_factory=dict)

    @property
    def serving(self) -> str | None:
        """The release that the live link names."""
        return switch.target(self.layout)

    def last_lines(self, release: str, role: str) -> tuple[str, ...]:
        """What a role of a release wrote last, blanked."""
        texts = redact.of_release(self.layout.release(release).directory)
        lines = self.engine.logs(self.layout.container(release, role), SHOWN_LINES)
        return tuple(redact.blank(line, texts)[:500] for line in lines)

    def create(self, goal: Manifest) -> None:
        """Make the containers of a release's roles, and start none.

        Raises:
            RunnerError: Compose refused.
        """
        self._create(goal, [self.layout.container(goal.id, role) for role in goal.roles])

    def create_jobs(self, goal: Manifest) -> None:
        """Make the containers of a release's migration, and start none.

        Raises:
            RunnerError: Compose refused.
        """
        self._create(goal, list(compose.JOBS))

    def _create(self, goal: Manifest, services: list[str]) -> None:
        files = self.layout.release(goal.id)
        argv = compose.create_argv(self.tool, self.layout, goal.id, services)
        done = self.shell.run(argv, cwd=files.directory, timeout=180)
        if done.exit_code != 0:
            texts = redact.of_release(files.directory)
            log = tuple(redact.blank(line, texts) for line in done.tail)
            remedy = room.FREE_SOME if room.ran_out(done.stderr) else ""
            what = "Compose could not make the containers"
            raise broken(what, where="compose.yaml", remedy=remedy, log=log)


@dataclass
class Operation:
    """A deploy or a rollback.

    Attributes:
        host: The host it works on.
        goal: The release that is to serve in the end.
        previous: The release that serves now; None on a first deploy, or where its manifest is
            damaged.
        journal: What is recorded of it.
        asking: The job that asks for the migration status, being made and started.
        early: api and web of the goal, starting while the migration status is asked for.
        known: The migration status, where it was asked for already.
        bring: Brings the data of a backup when the base runs; only where a host is recovered.
        passwords: Whether the goal may bring other passwords of the base than it runs with.
    """

    host: Host
    goal: Manifest
    previous: Manifest | None
    journal: Journal
    asking: Group | None = None
    early: Group | None = None
    known: Status | None = None
    bring: Callable[[], str] | None = None
    passwords: bool = False

    @property
    def layout(self) -> Layout:
        """Where things are."""
        return self.host.layout

    @property
    def engine(self) -> Engine:
        """Docker."""
        return self.host.engine

    @property
    def events(self) -> Events:
        """Where to say what happens."""
        return self.host.events

    @property
    def is_rollback(self) -> bool:
        """Whether an older release comes back."""
        return self.journal.op == "rollback"

    @property
    def worker_first(self) -> bool:
        """Whether the worker changes hands before the switch, not after it.

        A warm release has proven its worker already, and comes back at once.
        """
        worker = self.goal.worker
        return (
            worker is not None
            and worker.before_switch
            and not worker.overlaps
            and not self.journal.warm
        )

    def abandon(self) -> None:
        """Let what was begun beside the phases come to its end, and forget it."""
        for group in (self.asking, self.early):
            if group is not None:
                group.abandon()
        self.asking = self.early = None

    def record(self, **changes: Any) -> None:  # noqa: ANN401 - the journal's fields
        """Write the journal."""
        self.journal = journal.record(self.layout.journal, self.journal, **changes)

    def name(self, role: str) -> str:
        """The container of one of the goal's roles."""
        return self.layout.container(self.goal.id, role)

    def failure(self, what: str, role: str, remedy: str = "") -> RunnerError:
        """A role of the goal failed: say so with its last log lines."""
        return broken(what, where=role, remedy=remedy, log=self.host.last_lines(self.goal.id, role))

    def check_env(self, role: str, found: dict[str, Any]) -> list[str]:
        """What is wrong with the environment of a role's container."""
        declared = self.goal.env.get(role)
        if declared is None:
            return []
        image = self.engine.image(str(found["Image"])) or {}
        inherited = envcheck.variables((image.get("Config") or {}).get("Env"))
        actual = envcheck.variables(found["Config"].get("Env"))
        return envcheck.differences(declared, self.goal.salt, actual, inherited)


def open_for(host: Host, recorded: Journal) -> Operation | None:
    """The operation that a journal tells of, or None where its release is gone."""
    goal = releases.load(host.layout, recorded.release)
    if goal is None:
        return None
    previous = releases.load(host.layout, recorded.previous) if recorded.previous else None
    return Operation(host, goal, previous, recorded)


@contextlib.contextmanager
def tolerant(host: Host, doing: str) -> Iterator[None]:
    """Do something that is best effort: a failure is noted, and nothing more."""
    try:
        yield
    except plain.FAULTS as error:
        host.events.note(f"{doing}: {error}")
