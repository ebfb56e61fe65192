"""Docker Compose: found once, called as rarely as possible; the arguments are built purely.

The plugin's own file is started, not ``docker compose``: the docker command would first start
every plugin that is installed to ask for its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .fault import unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .layout import Layout
    from .process import Shell

_PLUGIN = "cli-plugins/docker-compose"
_DIRECTORIES = tuple(
    Path(directory) / "docker"
    for directory in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
#: `env_file: [{path, required}]` and `create --pull never` came by then.
OLDEST = (2, 24)

#: The service that the runner adds to a release: it asks how far the database is.
STATUS_SERVICE = "migrate-status"
#: The Compose services of a release that run once.
JOBS = ("migrate", STATUS_SERVICE)


class Compose(NamedTuple):
    """A Compose of version 2: the file to start, and its version."""

    program: str
    version: str


def candidates(path: str) -> list[Path]:
    """Where Compose may be, in the order in which docker itself looks for it."""
    own = Path(os.environ.get("DOCKER_CONFIG") or "/root/.docker")
    plugins = [directory / _PLUGIN for directory in (own, *_DIRECTORIES)]
    return [*plugins, *(Path(entry) / "docker-compose" for entry in path.split(":"))]


def find(shell: Shell) -> Compose | None:
    """The first Compose that runs here."""
    for program in candidates(shell.path):
        if program.is_file():
            done = shell.run([str(program), "version", "--short"], timeout=20)
            version = done.stdout.strip().removeprefix("v")
            if done.exit_code == 0 and version:
                return Compose(str(program), version)
    return None


def new_enough(version: str) -> bool:
    """Whether a version is one that the blueprint's files need."""
    numbers = version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")
    try:
        return tuple(int(number) for number in numbers[:2]) >= OLDEST
    except ValueError:
        return False


def require(found: Compose | None) -> Compose:
    """The Compose to use.

    Raises:
        RunnerError: There is none, or it is too old.
    """
    oldest = ".".join(str(part) for part in OLDEST)
    if found is None or not new_enough(found.version):
        has = f"Compose {found.version} is too old" if found else "there is no Docker Compose"
        raise unfit(
            f"{has}: {oldest} or newer is needed",
            remedy="`invoke vps.provision` installs one.",
        )
    return found


def _head(compose: Compose, project: str, directory: Path) -> list[str]:
    return [
        *(compose.program, "--ansi", "never", "--progress", "quiet"),
        *("--project-name", project, "--project-directory", str(directory)),
        *("--env-file", "/dev/null"),
    ]


def create_argv(
    compose: Compose, layout: Layout, release: str, services: Sequence[str]
) -> list[str]:
    """Make the containers of a release, and start none.

    Args:
        compose: Which Compose.
        layout: Whose release.
        release: Its id.
        services: The Compose services; named ones need no profile to be switched on.
    """
    files = layout.release(release)
    return [
        *_head(compose, layout.project(release), files.directory),
        *("--file", str(files.compose)),
        *(("--file", str(files.jobs)) if STATUS_SERVICE in services else ()),
        *("create", "--pull", "never", "--no-build"),
        *services,
    ]


def base_argv(compose: Compose, layout: Layout) -> list[str]:
    """Bring the base project up, changing only what differs.

    A service that the release no longer has stays: the releases before it may need it, the one
    that serves among them. Pruning removes it.
    """
    options = ("--detach", "--pull", "never", "--no-build")
    return [*_base(compose, layout), "up", *options]


def validate_argv(compose: Compose, layout: Layout) -> list[str]:
    """Let a Caddy that serves nobody read the configuration on the disk."""
    caddy = ("caddy", "validate", "--adapter", "caddyfile", "--config", "/etc/caddy/Caddyfile")
    return [*_base(compose, layout), *("run", "--rm", "--no-deps", "--no-TTY"), "caddy", *caddy]


def _base(compose: Compose, layout: Layout) -> list[str]:
    head = _head(compose, layout.base_project, layout.base)
    return [*head, "--file", str(layout.base / "compose.yaml")]


def jobs(layout: Layout, release: str, status: Sequence[str]) -> dict[str, object]:
    """The runner's addition to a release's Compose file: the same job with another command."""
    escaped = [word.replace("$", "$$") for word in status]
    service = {
        "extends": {"service": "migrate", "file": str(layout.release(release).compose)},
        "container_name": layout.container(release, STATUS_SERVICE),
        "command": escaped,
    }
    return {"services": {STATUS_SERVICE: service}}
