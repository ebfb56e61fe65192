"""Postgres and Redis: passwords, durability, bounds, and that their data is kept."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hostwright.checks.compose.told import ProjectRule, of_project, of_service
from hostwright.checks.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.models import Contract
    from hostwright.render.project import Project, Service

#: Where each store's image keeps its data.
DATA = {"postgres": "/var/lib/postgresql", "redis": "/data"}
#: Generations of a role that can be connected at once: warm, current and incoming.
GENERATIONS = 3
#: Connections besides the roles': superuser_reserved_connections, and a dump with its drill.
RESERVED = 3 + 2
#: Postgres's own, where nothing is said.
DEFAULT_MAX_CONNECTIONS = 100
#: A volume's label that says how it is backed up.
BACKUP_LABEL = "dev.hostwright.backup"
BACKUPS = frozenset({"dump", "snapshot", "files", "none"})

_REDIS_LINE = re.compile(r"^([a-z][a-z-]+)\s+(\S.*?)\s*$")
_MAX_CONNECTIONS = re.compile(r"^(?:--)?max_connections=(\d+)$")
_TRUST = re.compile(r"(?:--auth-host=|--auth=|-A\s*)trust\b")


class Script(NamedTuple):
    """A script of the blueprint: its file, as findings name it, and its text."""

    file: str
    text: str


class Setting(NamedTuple):
    """A setting of Redis, and where it stands."""

    value: str
    file: str
    line: int


def redis(_: Contract, project: Project, scripts: Mapping[str, Script]) -> Iterator[Finding]:
    """Redis asks for a password, writes what it is told to disk, and forgets nothing.

    Args:
        project: With a service ``redis``, or without.
        scripts: The blueprint's scripts by path in the container.
    """
    service = project.service("redis")
    if service is None:
        return
    settings = redis_settings(project, service, scripts)
    for name, fault in _redis_faults(settings):
        found = settings.get(name)
        where = found or Setting("", project.source.file, project.line("services", "redis"))
        yield Finding(
            f"redis-{name}", "vps", where.file, where.line, "redis", "", fault[0], fault[1]
        )


def _redis_faults(settings: Mapping[str, Setting]) -> Iterator[tuple[str, tuple[str, str]]]:
    def value(name: str) -> str:
        return settings[name].value.strip("\"'").lower() if name in settings else ""

    if not value("requirepass"):
        yield "requirepass", ("takes commands without a password", "Set requirepass.")
    if value("appendonly") != "yes":
        yield "appendonly", ("loses its jobs when it stops", "Set appendonly yes.")
    if not value("maxmemory") or value("maxmemory") == "0":
        yield "maxmemory", ("grows until it is killed", "Set maxmemory below the memory limit.")
    if value("maxmemory-policy") != "noeviction":
        yield (
            "maxmemory-policy",
            ("drops jobs silently when memory is short", "Set maxmemory-policy noeviction."),
        )


def redis_settings(
    project: Project, service: Service, scripts: Mapping[str, Script]
) -> dict[str, Setting]:
    """Redis's settings: those that its entrypoint writes, then those of its command line."""
    found: dict[str, Setting] = {}
    for word in service.words("entrypoint"):
        script = scripts.get(word, Script("", ""))
        for number, line in enumerate(script.text.splitlines(), 1):
            match = _REDIS_LINE.match(line)
            if match:
                found[match[1]] = Setting(match[2], script.file, number)
    words = service.words("command")
    at = project.line("services", service.role, "command")
    for name, value in pairwise(words):
        if name.startswith("--"):
            found[name.removeprefix("--")] = Setting(value, project.source.file, at)
    return found


def postgres(_: Contract, project: Project) -> Iterator[Finding]:
    """Postgres lets nobody in over the network without a password."""
    service = project.service("postgres")
    if service is None:
        return
    method = service.environment.get("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
    arguments = service.environment.get("POSTGRES_INITDB_ARGS", "")
    for name, trusts in (
        ("POSTGRES_HOST_AUTH_METHOD", method in {"trust", "password", "ident"}),
        ("POSTGRES_INITDB_ARGS", bool(_TRUST.search(arguments))),
    ):
        if trusts:
            yield of_service(
                project,
                service,
                "postgres-trust",
                f"{name} lets in whoever reaches it, without a password or with it in plain text",
                "Use scram-sha-256.",
                "environment",
                name,
            )


def passwords(contract: Contract, project: Project) -> Iterator[Finding]:
    """Each store reads its password from a file secret, and refuses to start without one."""
    for name in contract.targets["vps"].secrets:
        key = name.lower()
        service = project.service(key.removesuffix("_password"))
        if service is None:
            continue
        held = {str(item.get("source")) for item in service.data.get("secrets") or []}
        path = f"/run/secrets/{key}"
        if key not in held or service.environment.get(f"{name}_FILE") != path:
            yield of_service(
                project,
                service,
                "store-password",
                f"does not read its password from the secret {key}",
                f"Give it the secret {key}, and {name}_FILE: {path}.",
                "environment",
                f"{name}_FILE",
            )


def data_kept(_: Contract, project: Project) -> Iterator[Finding]:
    """The directory where a store keeps its data is a named volume."""
    for name, directory in DATA.items():
        service = project.service(name)
        kept = service and any(
            mount.type == "volume" and mount.source and mount.target.startswith(directory)
            for mount in service.mounts
        )
        if service and not kept:
            yield of_service(
                project,
                service,
                "data-not-kept",
                f"{directory} is no named volume: its data is lost with the container",
                f"Mount a named volume at {directory}.",
                "volumes",
            )


def connections(contract: Contract, project: Project) -> Iterator[Finding]:
    """All generations of all roles together fit into the database's max_connections."""
    service = project.service("postgres")
    if service is None:
        return
    words = service.words("command")
    matches = [match for word in words if (match := _MAX_CONNECTIONS.match(word))]
    limit = int(matches[-1][1]) if matches else DEFAULT_MAX_CONNECTIONS
    pools = {name: role.pool_size for name, role in contract.roles.items() if role.pool_size}
    needed = GENERATIONS * sum(pools.values()) + RESERVED
    if needed > limit:
        told = " + ".join(f"{name} {size}" for name, size in pools.items())
        yield of_service(
            project,
            service,
            "too-few-connections",
            f"takes {limit} connections; the roles may open {needed} "
            f"(({told}) x {GENERATIONS} generations + {RESERVED})",
            "Raise max_connections, or lower pool_size in contract.yaml.",
            "command",
        )


def backups(_: Contract, project: Project) -> Iterator[Finding]:
    """Every volume says how it is backed up: what is not backed up will be lost one day.

    What the label says is what backups are made from; a volume that may be lost says ``none``.
    """
    if project.kind != "whole":
        return
    for key, volume in project.volumes.items():
        writers = [service.role for service in project.services if _writes(service, key)]
        if writers and (volume.get("labels") or {}).get(BACKUP_LABEL) not in BACKUPS:
            yield Finding(
                "backup-missing",
                "vps",
                project.source.file,
                project.line("volumes", key),
                "",
                key,
                f"is a volume that {' and '.join(writers)} write to, and nothing says how it is "
                "backed up",
                f"Label it {BACKUP_LABEL}: {', '.join(sorted(BACKUPS))}.",
            )


def _writes(service: Service, volume: str) -> bool:
    return any(
        mount.type == "volume" and mount.source == volume and not mount.read_only
        for mount in service.mounts
    )


def volumes_declared(_: Contract, project: Project) -> Iterator[Finding]:
    """Volumes carry names of their own, so that a renamed project finds its data again."""
    for key, item in project.volumes.items():
        if not item.get("name"):
            yield of_project(
                project,
                "volume-unnamed",
                f"the volume {key} has no name of its own",
                "Give it one that begins with the application's.",
                "volumes",
                key,
            )


PROJECT_RULES: tuple[ProjectRule, ...] = (
    postgres,
    passwords,
    data_kept,
    connections,
    backups,
    volumes_declared,
)
