"""Look at what runs: which container is meant by a role, and what was done here by whom."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from . import redact, releases, switch
from .fault import refused, unfit
from .layout import RELEASE_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .engine import Engine
    from .layout import Layout

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
_MOST_ROLES = 16
_MOST_LINES = 100_000
_SERVICE = "com.docker.compose.service"


class Found(NamedTuple):
    """The container of a role.

    Attributes:
        role: api, web, worker; or a service of the base.
        name: The container.
        release: Whose it is; None where it is the base's.
        running: Whether it runs.
        terminal: Whether it was made with a terminal, so that its output is one stream.
    """

    role: str
    name: str
    release: str | None
    running: bool
    terminal: bool


def roles(request: dict[str, Any]) -> tuple[str, ...]:
    """The roles that a request names; none means those of the release.

    Raises:
        RunnerError: They are no names.
    """
    given = request.get("roles") or []
    if not isinstance(given, list) or len(given) > _MOST_ROLES:
        raise refused("a list of roles is needed here", where="roles")
    for role in given:
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise refused("this is no name of a role", where="roles")
    return tuple(dict.fromkeys(given))


def number(request: dict[str, Any], key: str, *, most: int = _MOST_LINES) -> int:
    """A whole number of a request, from 0 to *most*.

    Raises:
        RunnerError: It is none.
    """
    value = request.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise refused(f"a whole number from 0 to {most} is needed here", where=key)
    return value


def serving(layout: Layout) -> str:
    """The release that serves.

    Raises:
        RunnerError: None does.
    """
    found = switch.target(layout)
    if found is None:
        raise unfit("nothing serves here yet", remedy="`invoke vps.deploy` brings a release.")
    return found


def containers(layout: Layout, engine: Engine, wanted: Iterable[str]) -> list[Found]:
    """The containers of roles: the serving release's, else the base's.

    Args:
        layout: Whose.
        engine: Docker.
        wanted: The roles; those of the release where there are none.

    Raises:
        RunnerError: A role is not there.
    """
    release = serving(layout)
    manifest = releases.load(layout, release)
    names = tuple(wanted) or (manifest.roles if manifest else ())
    found = [_container(layout, engine, release, role) for role in names]
    missing = [role for role, one in zip(names, found, strict=True) if one is None]
    if missing or not names:
        known = ", ".join(sorted(_known(layout, engine, release)))
        raise refused(
            f"there is no container of {', '.join(missing) or 'any role'}",
            where="role",
            remedy=f"There are: {known}." if known else "`invoke vps.status` shows what runs.",
        )
    return [one for one in found if one is not None]


def _container(layout: Layout, engine: Engine, release: str, role: str) -> Found | None:
    for name, whose in ((layout.container(release, role), release), (f"{layout.app}-{role}", None)):
        found = engine.container(name)
        if found is not None:
            config, state = found.get("Config") or {}, found["State"]
            return Found(role, name, whose, bool(state["Running"]), bool(config.get("Tty")))
    return None


def _known(layout: Layout, engine: Engine, release: str) -> set[str]:
    entries = [*engine.containers(layout.project(release)), *engine.containers(layout.base_project)]
    prefix = layout.container(release, "")
    names = {str(entry["Labels"].get(_SERVICE) or "") for entry in entries}
    return {name.removeprefix(prefix) for name in names if name}


def secrets(layout: Layout, release: str | None) -> tuple[str, ...]:
    """Every text to blank in what a container says: of its release, and of the base."""
    found = {switch.target(layout), release}
    ours = [layout.release(name).directory for name in found if name and RELEASE_ID.fullmatch(name)]
    texts = {text for place in (*ours, layout.base) for text in redact.of_release(place)}
    return tuple(sorted(texts, key=len, reverse=True))


def audit(layout: Layout, lines: int) -> dict[str, Any]:
    """The last commands, the oldest first; *lines* of 0 means all of them."""
    try:
        whole = layout.audit.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        whole = []
    entries: list[dict[str, Any]] = []
    unreadable = 0
    for line in whole[-lines:] if lines else whole:
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            entries.append(value)
        else:
            unreadable += 1
    return {"event": "audit", "entries": entries, "unreadable": unreadable}
