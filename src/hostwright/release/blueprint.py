"""Split the one compose file into a project that stays and a project per release. Pure.

``ops/compose/docker-compose.prod.yml`` runs by hand as it stands. On a host it becomes two
projects, since one project could start a second Postgres on the running one's volume, and both
releases would answer to the same name:

- the base, ``<app>-base``: caddy, postgres, redis, with the networks and volumes they use;
- one release, ``<app>-<id>``: the roles alone, on networks and volumes that exist already, under
  names that no other release has.

Which part a service belongs to is said by its label ``dev.hostwright.part``, and checked.
"""

from __future__ import annotations

import re
import shlex
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostwright.contract.models import Role

Document = dict[str, Any]
Part = Literal["base", "release"]

#: Where the host keeps everything of one application, below its name.
STATE = "/var/lib/hostwright"
ROLES = frozenset({"api", "web", "worker", "migrate"})
#: The roles that Caddy finds by a file of their name.
SERVED = ("api", "web")
#: The service that is always there: without it nothing is reachable.
CADDY = "caddy"
#: The job; it is in a profile of its own name, so that ``up`` and ``create`` never start it.
MIGRATE = "migrate"

#: How often Docker runs health checks on a host. Nothing there waits for what it finds: the runner
#: asks by itself whenever it has to know. Each check starts processes, which is most of what an
#: idle host does; by hand, Compose waits for them at the start, so the file has shorter ones.
HEALTH_INTERVAL = "30s"

#: Directories of the blueprint that belong to the application on the host; every other one belongs
#: to the project that mounts it.
_OF_THE_APPLICATION = frozenset({"caddy", "live", "run"})
_LABEL = "dev.hostwright"
_APPLICATION = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
_RELEASE = re.compile(r"[a-z0-9][a-z0-9-]{0,30}[a-z0-9]")


class BlueprintError(UserError):
    """The compose file or the Caddyfile cannot be made into a release."""


@dataclass(frozen=True)
class Projects:
    """The two compose documents, both self-contained: absolute paths, nothing to interpolate."""

    base: Document
    release: Document


@dataclass(frozen=True)
class _Names:
    """What things of one release are called on the host."""

    app: str
    release: str
    state: str

    @property
    def directory(self) -> str:
        return f"{self.state}/{self.app}"

    def of(self, part: Part) -> str:
        """The project's own directory."""
        below = "base" if part == "base" else f"releases/{self.release}"
        return f"{self.directory}/{below}"

    def path(self, source: str, part: Part) -> str:
        """Where a path of the blueprint (``./…``) lies on the host."""
        if not source.startswith("./"):
            return source
        below = source.removeprefix("./")
        shared = below.split("/")[0] in _OF_THE_APPLICATION
        return f"{self.directory if shared else self.of(part)}/{below}"


# --- names ---------------------------------------------------------------------------------------


def container(app: str, release_id: str, role: str) -> str:
    """The name that *role* of one release answers to, and no other container."""
    return f"{app}-{release_id}-{role}"


def service(app: str, release_id: str, role: str) -> str:
    """The key of *role* in the release project.

    Compose makes a service's key an alias on each of its networks, so the key has to be unique,
    too. The job is called by nobody and keeps its name.
    """
    return role if role == MIGRATE else container(app, release_id, role)


def live_files(app: str, release_id: str, roles: frozenset[str]) -> dict[str, str]:
    """File below ``live/`` to its content: the host name that the role's requests are sent to."""
    return {role: container(app, release_id, role) for role in SERVED if role in roles}


def shared(app: str) -> dict[str, list[str]]:
    """What no base service uses, so that Compose would not create it with the base project."""
    return {"networks": [f"{app}_out"], "volumes": [f"{app}_storage"]}


# --- settings ------------------------------------------------------------------------------------


def settings_of(roles: Mapping[Any, Role]) -> dict[str, str]:
    """The compose file's variables that say what the contract says of its roles."""
    made: dict[str, str] = {}
    for name, role in roles.items():
        command = role.commands.up if role.commands else role.command
        given = {
            "COMMAND": shlex.join(command),
            "PORT": role.port,
            "LIVE_PATH": role.health.live,
            "READY_PATH": role.health.ready,
            "HEALTH_COMMAND": shlex.join(role.health.command),
            "START_SECONDS": role.start_seconds,
            "STOP_SECONDS": role.stop_seconds,
        }
        made |= {f"{name.upper()}_{word}": str(value) for word, value in given.items() if value}
    return made


_VARIABLE = re.compile(r"\$(?:(?P<escape>\$)|(?P<name>[A-Za-z_]\w*)|(?P<open>\{))", re.ASCII)
_EXPRESSION = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-+])(?P<word>.*))?", re.DOTALL | re.ASCII
)


def interpolate(text: str, settings: Mapping[str, str]) -> str:
    """*text* with Compose's ``$NAME`` and ``${NAME…}`` replaced.

    Known are ``:-`` ``-`` ``:+`` ``+``, nested, and ``$$``. An unset name without a default is
    empty, as it is for Compose.

    Raises:
        BlueprintError: Another form; ``:?`` is not used on purpose.
    """
    done, at = "", 0
    while found := _VARIABLE.search(text, at):
        done += text[at : found.start()]
        at = found.end()
        if found["escape"]:
            done += "$"
        elif found["name"]:
            done += settings.get(found["name"], "")
        else:
            end = _closing(text, at)
            done += _expand(text[at:end], settings)
            at = end + 1
    return done + text[at:]


def _closing(text: str, start: int) -> int:
    """Where the brace that was opened before *start* closes."""
    depth = 1
    for found in re.finditer(r"\$\{|\}", text[start:]):
        depth += 1 if found[0] == "${" else -1
        if depth == 0:
            return start + found.start()
    raise BlueprintError("a ${ is never closed", where=text)


def _expand(expression: str, settings: Mapping[str, str]) -> str:
    found = _EXPRESSION.fullmatch(expression)
    if not found:
        raise BlueprintError(
            f"${{{expression}}} is not a form that a release knows",
            remedy="Use ${NAME:-default}, ${NAME-default}, ${NAME:+text} or ${NAME+text}.",
        )
    value, how = settings.get(found["name"]), found["how"] or ""
    there = bool(value) if how.startswith(":") else value is not None
    if how.endswith("+"):
        return interpolate(found["word"], settings) if there else ""
    return value or "" if there or not how else interpolate(found["word"], settings)


def _interpolated(node: Any, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML is anything
    if isinstance(node, str):
        return interpolate(node, settings)
    if isinstance(node, dict):
        return {key: _interpolated(value, settings) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolated(item, settings) for item in node]
    return node


def _escaped(node: Any) -> Any:  # noqa: ANN401 - YAML is anything
    """*node* as Compose reads it back unchanged: it interpolates the rendered file again."""
    if isinstance(node, str):
        return node.replace("$", "$$")
    if isinstance(node, dict):
        return {key: _escaped(value) for key, value in node.items()}
    return [_escaped(item) for item in node] if isinstance(node, list) else node


# --- the two projects ----------------------------------------------------------------------------


def split(  # noqa: PLR0913 - what a release is made of
    compose: Mapping[str, Any],
    *,
    app: str,
    release_id: str,
    roles: frozenset[str],
    images: Mapping[str, str],
    settings: Mapping[str, str],
    state: str = STATE,
) -> Projects:
    """The base project and the release project of one compose file.

    Args:
        compose: The document, not yet interpolated.
        app: Name of the application.
        release_id: Name of the release.
        roles: The roles that the application has.
        images: Service to the reference of its image on the host; it is never pulled.
        settings: Values for the document's variables.
        state: Directory of all applications on the host.

    Raises:
        BlueprintError: A service that belongs to neither project or to both, a role that is not
            there, a release that would own what only the base may own, or a name that Docker
            would refuse.
    """
    _check_names(app, release_id)
    document = _interpolated(dict(compose), {**settings, "APP_NAME": app})
    parts = {name: _part(name, body) for name, body in document["services"].items()}
    if missing := sorted(roles - {name for name, part in parts.items() if part == "release"}):
        raise BlueprintError(f"the compose file has no role {missing[0]}")
    names = _Names(app, release_id, state)
    release = _release(document, names, sorted(roles), images)
    base = _base(document, names, base_services(document, roles), images)
    _check_apart(base, release)
    return Projects(_escaped(base), _escaped(release))


def _check_names(app: str, release_id: str) -> None:
    for name, pattern in ((app, _APPLICATION), (release_id, _RELEASE)):
        if not pattern.fullmatch(name):
            raise BlueprintError(
                f"{name!r} cannot be part of a container's name",
                remedy="Use lower-case letters, digits and hyphens, and few of them.",
            )


def _part(name: str, body: Mapping[str, Any]) -> Part:
    said = body.get("labels", {}).get(f"{_LABEL}.part")
    if said not in {"base", "release"}:
        raise BlueprintError(
            f"the service {name} belongs to no project",
            remedy=f"Give it the label {_LABEL}.part: base (it stays) or release (a role).",
        )
    if (said == "release") != (name in ROLES):
        raise BlueprintError(
            f"the service {name} cannot be part of the {said}",
            remedy=f"The roles {', '.join(sorted(ROLES))} are the release; all else is the base.",
        )
    part: Part = said
    return part


def base_services(compose: Mapping[str, Any], roles: Iterable[str]) -> list[str]:
    """What stays on a host for *roles*: Caddy, and what shares a network with one of them.

    Raises:
        BlueprintError: A service that belongs to neither project or to both.
    """
    services = compose["services"]
    used = {network for role in roles for network in _networks(services[role])}
    return [
        name
        for name, body in services.items()
        if _part(name, body) == "base" and (name == CADDY or used & set(_networks(body)))
    ]


def _networks(body: Mapping[str, Any]) -> list[str]:
    """Names of a service's networks, from either form."""
    return list(body.get("networks", ()))


def _base(
    document: Document, names: _Names, kept: Iterable[str], images: Mapping[str, str]
) -> Document:
    services: Document = {}
    for name in kept:
        body = _placed(document["services"][name], names, "base")
        body |= {"container_name": f"{names.app}-{name}"} | _image(name, body, images)
        services[name] = body
    # A release's Caddyfile is final text: a new domain is a reload, not another container.
    if CADDY in services and isinstance(services[CADDY].get("environment"), dict):
        given = services[CADDY]["environment"]
        for name in document.get("x-caddyfile", ()):
            given.pop(name, None)
    secrets = {
        name: {**body, "file": names.path(body["file"], "base")}
        for name, body in document.get("secrets", {}).items()
        if any(name in body.get("secrets", ()) for body in services.values())
    }
    project: Document = {"name": f"{names.app}-base", "services": services}
    project |= _resources(document, services)
    return {**project, "secrets": secrets} if secrets else project


def _release(
    document: Document, names: _Names, roles: Iterable[str], images: Mapping[str, str]
) -> Document:
    services: Document = {}
    for role in roles:
        body = _placed(document["services"][role], names, "release")
        # What it depends on lives in the base, or is ordered by whoever runs the release.
        body.pop("depends_on", None)
        body |= {"container_name": container(names.app, names.release, role)}
        body |= _image(role, body, images)
        body["labels"][f"{_LABEL}.release"] = names.release
        if role == MIGRATE:
            body["profiles"] = [MIGRATE]
        for entry in body.get("env_file", ()):
            entry["required"] = True
        services[service(names.app, names.release, role)] = body
    existing = {
        kind: {name: {"name": body["name"], "external": True} for name, body in held.items()}
        for kind, held in _resources(document, services).items()
    }
    return {"name": f"{names.app}-{names.release}", "services": services, **existing}


def _image(name: str, body: Mapping[str, Any], images: Mapping[str, str]) -> Document:
    """Its image, which is on the host already: a start never waits for a registry."""
    return {"image": images.get(name, body["image"]), "pull_policy": "never"}


def _placed(body: Mapping[str, Any], names: _Names, part: Part) -> Document:
    """A copy of the service with the host's paths, its command in words, its limits in numbers."""
    placed: Document = deepcopy(dict(body))
    for volume in placed.get("volumes", ()):
        if volume["type"] == "bind":
            volume["source"] = names.path(volume["source"], part)
    for entry in placed.get("env_file", ()):
        entry["path"] = names.path(entry["path"], part)
    if isinstance(placed.get("command"), str):
        placed["command"] = shlex.split(placed["command"])
    if "healthcheck" in placed:
        placed["healthcheck"]["interval"] = HEALTH_INTERVAL
    # Compose casts what it interpolated itself, but here that is done: the schema wants numbers.
    placed["ulimits"] = {name: int(limit) for name, limit in placed.get("ulimits", {}).items()}
    return placed


def _resources(document: Document, services: Mapping[str, Any]) -> Document:
    """The networks and volumes that *services* use, as the document declares them."""
    networks = {name for body in services.values() for name in _networks(body)}
    volumes = {
        volume["source"]
        for body in services.values()
        for volume in body.get("volumes", ())
        if volume["type"] == "volume"
    }
    return {
        kind: {name: _unlabelled(document[kind][name]) for name in document[kind] if name in used}
        for kind, used in (("networks", networks), ("volumes", volumes))
        if used
    }


def _unlabelled(body: Mapping[str, Any]) -> Document:
    """A volume without what is said to readers of the blueprint alone.

    Docker gives labels when it makes a volume, and never later: newer Composes offer to make the
    volumes anew whose labels differ, which would be the end of the data.
    """
    return {key: value for key, value in body.items() if key != "labels"}


def _check_apart(base: Document, release: Document) -> None:
    """Whatever an edit of the compose file did: a release cannot touch data or publish a port."""
    both = set(base.get("volumes", {})) & set(release.get("volumes", {}))
    if both:
        raise BlueprintError(f"the volume {min(both)} would belong to the base and to a release")
    for name, body in release["services"].items():
        for key in ("ports", "secrets", "build", "privileged", "network_mode"):
            if body.get(key):
                raise BlueprintError(f"the role {name} has {key}, which only the base may have")
    for name, body in base["services"].items():
        if strangers := sorted(set(body.get("depends_on", ())) - set(base["services"])):
            raise BlueprintError(
                f"the service {name} stays, but depends on {strangers[0]}, which does not"
            )


# --- Caddy ---------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"\{\$(?P<name>[A-Za-z_]\w*)(?::(?P<default>[^}]*))?\}", re.ASCII)
#: What would end a token, start a block or a comment, or read a file at run time.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f{}\"`#\\]")


def caddy_values(compose: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, str]:
    """What the Caddyfile's placeholders stand for: the document's ``x-caddyfile``."""
    values: dict[str, str] = _interpolated(dict(compose["x-caddyfile"]), settings)
    return values


def render_caddyfile(text: str, values: Mapping[str, str]) -> str:
    """Final text: every ``{$NAME:default}`` replaced, lines that were nothing else gone if empty.

    Raises:
        BlueprintError: A placeholder without a value, or a value that would change the structure.
    """
    lines = []
    for line in text.splitlines():
        filled = _PLACEHOLDER.sub(lambda found: _filled(found, values), line)
        if filled.strip() or not line.strip():
            lines.append(filled)
    return "\n".join(lines) + "\n"


def _filled(found: re.Match[str], values: Mapping[str, str]) -> str:
    name = found["name"]
    value = values.get(name) or found["default"]
    if value is None and name not in values:
        raise BlueprintError(f"the Caddyfile's {{${name}}} has no value", where="ops/compose/caddy")
    if _UNSAFE.search(value or ""):
        raise BlueprintError(
            f"the value of {name} holds a character that the Caddyfile would read otherwise",
            remedy="Host names and addresses need no braces, quotes or control characters.",
        )
    return value or ""


def caddy_files(
    texts: Mapping[str, str], *, app: str, roles: frozenset[str], values: Mapping[str, str]
) -> dict[str, str]:
    """Caddy's directory for one host.

    Args:
        texts: The blueprint's files by path; sites are ``…/apps/<any>/<role>.caddy``.
        app: Whose directory below ``apps/`` the sites move to.
        roles: The roles that the application has. The site of an absent one has no content (it
            has a file, so that an older one does not stay behind).
        values: From :func:`caddy_values`.
    """
    made: dict[str, str] = {}
    for path, text in texts.items():
        site = re.fullmatch(r"(?P<top>.*\bapps)/[^/]+/(?P<role>[^/]+)\.caddy", path)
        if not site:
            made[path] = render_caddyfile(text, values)
            continue
        role = site["role"]
        here = role in roles and (role != "api" or values.get("API_DOMAIN"))
        content = render_caddyfile(text, values) if here else f"# No host name leads to {role}.\n"
        made[f"{site['top']}/{app}/{role}.caddy"] = content
    return made
