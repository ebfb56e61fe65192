"""Where an application's things are on the host: the only module that knows the paths."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .fault import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/var/lib/hostwright")
FACTS_SCRIPT = Path("/usr/local/lib/hostwright/facts.sh")
DOCKER_SOCKET = "/var/run/docker.sock"

APPLICATION = re.compile(r"[a-z][a-z0-9-]{0,30}")
RELEASE_ID = re.compile(r"[0-9]{8}t[0-9]{6}z-[0-9a-f]{7}")
#: A database and its owner, as commands of Postgres can be given them.
DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


class ReleaseFiles(NamedTuple):
    """The files of one immutable release; only state, events and log are written later."""

    directory: Path

    @property
    def manifest(self) -> Path:
        """What the release consists of."""
        return self.directory / "manifest.json"

    @property
    def compose(self) -> Path:
        """The Compose file of the release's own project."""
        return self.directory / "compose.yaml"

    @property
    def jobs(self) -> Path:
        """The runner's addition to it: the job that asks for the migration status."""
        return self.directory / "jobs.json"

    @property
    def base(self) -> Path:
        """The Compose file of the base project as this release knows it."""
        return self.directory / "base.yaml"

    @property
    def state(self) -> Path:
        """What became of the release."""
        return self.directory / "state.json"

    @property
    def events(self) -> Path:
        """The events of the last operation that had this release as its goal."""
        return self.directory / "events.jsonl"

    @property
    def log(self) -> Path:
        """Where the detached process says what is a fault of the runner itself."""
        return self.directory / "runner.log"

    def env(self, role: str) -> Path:
        """The environment of one role."""
        return self.directory / "env" / f"{role}.env"


class Layout(NamedTuple):
    """The directories of one application.

    Attributes:
        app: The application's name; it prefixes every Docker object.
        root: ``/var/lib/hostwright/<app>``.
    """

    app: str
    root: Path

    @property
    def lock(self) -> Path:
        """The file whose flock serialises commands."""
        return self.root / "lock"

    @property
    def journal(self) -> Path:
        """The operation that is going on, or that died."""
        return self.root / "journal.json"

    @property
    def audit(self) -> Path:
        """One line per command."""
        return self.root / "audit.jsonl"

    @property
    def events(self) -> Path:
        """The events of operations that have no release of their own."""
        return self.root / "events.jsonl"

    @property
    def arriving(self) -> Path:
        """Which images there were before others began to arrive; there until those are flushed."""
        return self.root / "arriving.json"

    @property
    def hold(self) -> Path:
        """Who holds the host, for as long as a person does."""
        return self.root / "hold.json"

    @property
    def maintenance(self) -> Path:
        """Who switched maintenance on, and why; what Caddy reads is in ``live``."""
        return self.root / "maintenance.json"

    @property
    def destroying(self) -> Path:
        """That the application is being removed; there until it is."""
        return self.root / "destroying.json"

    @property
    def facts(self) -> Path:
        """What was expensive to find out; it may be removed at any time."""
        return self.root / "facts.json"

    @property
    def aside(self) -> Path:
        """A little of the disk, set aside for the day when nothing else is left of it."""
        return self.root / "aside"

    @property
    def releases(self) -> Path:
        """One directory per release."""
        return self.root / "releases"

    @property
    def base(self) -> Path:
        """The project directory of the base project."""
        return self.root / "base"

    @property
    def base_state(self) -> Path:
        """Which base was applied last."""
        return self.base / "state.json"

    @property
    def live(self) -> Path:
        """What Caddy reads to know whom to call."""
        return self.root / "live"

    @property
    def link(self) -> Path:
        """The symbolic link whose replacement is the switch."""
        return self.live / "current"

    @property
    def caddy(self) -> Path:
        """Caddy's configuration, mounted as a directory."""
        return self.root / "caddy"

    @property
    def caddy_state(self) -> Path:
        """Which release's Caddy configuration was applied last."""
        return self.root / "caddy.json"

    @property
    def cooler(self) -> Path:
        """The process that ends the warm release in time, where there is no systemd."""
        return self.root / "cooler.json"

    @property
    def rotation(self) -> Path:
        """What is needed to end the change of a password of the base; there while it goes on."""
        return self.root / "rotation"

    @property
    def run(self) -> Path:
        """Caddy's admin socket, mounted as a directory."""
        return self.root / "run"

    @property
    def backup(self) -> Path:
        """Everything about backups; nobody but root may look."""
        return self.root / "backup"

    @property
    def base_project(self) -> str:
        """The Compose project of Caddy, Postgres and Redis."""
        return f"{self.app}-base"

    def project(self, release: str) -> str:
        """The Compose project of one release."""
        return f"{self.app}-{release}"

    def container(self, release: str, role: str) -> str:
        """The name of one role's container, and its host name on the networks."""
        return f"{self.app}-{release}-{role}"

    def release(self, release: str) -> ReleaseFiles:
        """The files of one release."""
        return ReleaseFiles(self.releases / release)

    def known(self) -> Iterator[str]:
        """The ids of all releases that have a directory, oldest first."""
        if self.releases.is_dir():
            yield from sorted(
                entry.name for entry in self.releases.iterdir() if RELEASE_ID.fullmatch(entry.name)
            )

    def ensure(self) -> None:
        """Make the directories that are missing."""
        self.root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        modes = {
            self.root: 0o711,
            self.releases: 0o700,
            self.base: 0o700,
            self.live: 0o755,
            self.caddy: 0o755,
            self.run: 0o700,
            self.backup: 0o700,
        }
        for directory, mode in modes.items():
            if not directory.is_dir():
                directory.mkdir(mode=mode, exist_ok=True)
                directory.chmod(mode)


def layout(app: str) -> Layout:
    """The layout of an application.

    ``HOSTWRIGHT_ROOT`` moves it for tests; sudo resets the environment, so that a deploy user
    cannot.

    Raises:
        RunnerError: The name is not one that Docker, files and Caddy all take.
    """
    if not APPLICATION.fullmatch(app):
        raise refused(
            f"{app[:60]!r} is no application name",
            where="--app",
            remedy="Use lower-case letters, digits and hyphens, beginning with a letter.",
        )
    return Layout(app, Path(os.environ.get("HOSTWRIGHT_ROOT") or ROOT) / app)


def docker_socket() -> str:
    """The Docker Engine's socket; ``DOCKER_HOST`` moves it for tests."""
    return os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or DOCKER_SOCKET
