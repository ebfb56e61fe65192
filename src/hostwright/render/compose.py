"""Render Compose projects with the real engine, and read the marks back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.contract import envfile
from hostwright.errors import ToolError, UserError
from hostwright.render import marks
from hostwright.render.model import Rendered, Source
from hostwright.render.project import Project, merged_line
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hostwright.contract.located import Located
    from hostwright.contract.models import RoleName

COMPOSE_FILE = "docker-compose.prod.yml"
#: What the engine would take from the surroundings, none of which the blueprint may depend on.
SURROUNDINGS = ("COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME", "COMPOSE_ENV_FILES")

_WARNING = re.compile(r'level=warning msg="((?:[^"\\]|\\.)*)"')
_YAML_LINE = re.compile(r"yaml: (?:.* )?line (\d+)")
_SERVICE = re.compile(r"\bservices?[. ]\"?([\w-]+)\"?(?:[. ](\w+))?")


class Refused(UserError):
    """The engine does not take the blueprint; *line* is where, as far as it says."""

    def __init__(self, what: str, *, file: str, line: int) -> None:
        super().__init__(what, where=f"{file}:{line}")
        self.file, self.line = file, line


@dataclass(frozen=True)
class Output:
    """What the engine rendered, and what it warned of."""

    config: dict[str, Any]
    warnings: tuple[str, ...]


def config(file: Path, source: Located, settings: Mapping[str, str]) -> Output:
    """``docker compose config`` of *file*.

    Args:
        file: The Compose file; its directory is the project's.
        source: The blueprint that it was made from: errors name its lines.
        settings: Interpolation variables. Names that it does not set are taken from this process's
            environment, so all that the file mentions should be there.

    Raises:
        Refused: The engine says no.
        ToolError: There is no engine.
    """
    tool = toolchain.find("docker-compose")
    told = ("--env-file", "/dev/null", "-f", file, "--profile", "*", "config", "--format", "json")
    surroundings = dict.fromkeys(SURROUNDINGS, "")
    done = run([*tool.argv, *told], env={**surroundings, **settings}, cwd=file.parent, check=False)
    if done.exit_code != 0:
        raise _refused(done.stderr.strip().replace(f"{file.parent}/", ""), source)
    warnings = tuple(dict.fromkeys(_WARNING.findall(done.stderr)))
    try:
        return Output(json.loads(done.stdout), warnings)
    except json.JSONDecodeError as error:
        raise ToolError("gives no JSON", where=" ".join(tool.argv)) from error


def _refused(stderr: str, source: Located) -> Refused:
    lines = [line for line in stderr.splitlines() if "level=warning" not in line]
    what = (lines or ["the engine refuses it"])[-1].strip()
    return Refused(what.rstrip("."), file=source.file, line=_line(what, source))


def _line(what: str, source: Located) -> int:
    """The line that the engine's message speaks of: a line of YAML, or a service's."""
    numbered = _YAML_LINE.search(what)
    if numbered:
        return int(numbered[1])
    named = _SERVICE.search(what)
    if not named:
        return 1
    return merged_line(source, ("services", *(key for key in named.groups() if key)))


def write_marks(
    directory: Path, env: Mapping[RoleName, Mapping[str, str]], secrets: Mapping[str, str]
) -> None:
    """Lay out what an operator would: an env file for each role, and the file secrets."""
    for role, values in env.items():
        path = directory / "env" / f"{role}.env"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(envfile.encode(values), encoding="utf-8")
    for name, value in secrets.items():
        path = directory / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value, encoding="utf-8")


def read_back(project: Project) -> Rendered:
    """The roles of a project with the sources of their variables."""
    return Rendered(
        target="vps",
        file=project.source.file,
        roles={
            role: {
                name: _source(project, role, name, value)
                for name, value in service.environment.items()
            }
            for role, service in project.roles()
        },
        lines={role: project.line("services", role) for role, _ in project.roles()},
    )


def _source(project: Project, role: str, name: str, value: str) -> Source:
    owner = marks.owner(value)
    path = ("services", role, "environment", name)
    line = project.line(*path)
    stands_there = line != project.line(*path[:-1])
    return Source(
        kind="mark" if owner else "literal",
        text=str(owner) if owner else value,
        secret_slot=owner is not None,
        line=line if stands_there else 0,
    )
