"""A Compose project as the engine rendered it, with the lines of the file it was written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.contract.models import ROLES, RoleName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.located import Key, KeyPath, Located

#: Says which role a service is, where its key is not the role's name (a release's are unique).
ROLE_LABEL = "dev.hostwright.role"

Kind = Literal["whole", "base", "release"]

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([\d.]+)(us|ms|s|m|h)")


class Mount(NamedTuple):
    """One entry of a service's volumes: its source is a path (bind) or the key of a volume."""

    type: str
    source: str
    target: str
    read_only: bool


@dataclass(frozen=True)
class Service:
    """One service of a rendered project."""

    name: str
    data: Mapping[str, Any]

    @property
    def role(self) -> str:
        """The role, or the name of a service of the target itself."""
        return str(self.labels.get(ROLE_LABEL, self.name))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.data.get("labels") or {}

    @property
    def environment(self) -> dict[str, str]:
        """Its variables as the container gets them; those without a value are left out."""
        given = self.data.get("environment") or {}
        return {name: plain(value) for name, value in given.items() if value is not None}

    @property
    def networks(self) -> list[str]:
        """Keys of the networks it joins."""
        return list(self.data.get("networks") or {})

    @property
    def mounts(self) -> list[Mount]:
        """What is mounted into it, temporary file systems aside."""
        return [
            Mount(
                str(item.get("type", "")),
                str(item.get("source", "")),
                str(item.get("target", "")),
                bool(item.get("read_only", False)),
            )
            for item in self.data.get("volumes") or []
        ]

    def words(self, key: Literal["command", "entrypoint"]) -> list[str]:
        """Its command or entrypoint, word by word."""
        return [plain(str(word)) for word in self.data.get(key) or []]


@dataclass(frozen=True)
class Project:
    """One rendered project.

    Args:
        kind: The whole blueprint, or one of the two projects that a release makes of it.
        config: The engine's output.
        source: The blueprint's file: findings name its lines whichever project they are in.
        root: The directory that relative paths of the blueprint begin at.
        internal_elsewhere: Names of internal networks that another project declares.
    """

    kind: Kind
    config: Mapping[str, Any]
    source: Located
    root: Path
    internal_elsewhere: frozenset[str] = frozenset()

    @cached_property
    def services(self) -> list[Service]:
        """Every service."""
        found = self.config.get("services") or {}
        return [Service(name, data) for name, data in found.items()]

    def service(self, role: str) -> Service | None:
        """The service of *role*."""
        return next((item for item in self.services if item.role == role), None)

    def roles(self) -> Iterator[tuple[RoleName, Service]]:
        """The services that are roles of the application."""
        for role in ROLES:
            found = self.service(role)
            if found:
                yield role, found

    @property
    def networks(self) -> Mapping[str, Mapping[str, Any]]:
        """Networks by key."""
        return {name: item or {} for name, item in (self.config.get("networks") or {}).items()}

    @cached_property
    def internal(self) -> frozenset[str]:
        """Keys of the networks that lead nowhere else."""
        return frozenset(
            key
            for key, item in self.networks.items()
            if item.get("internal") or item.get("name") in self.internal_elsewhere
        )

    @property
    def volumes(self) -> Mapping[str, Mapping[str, Any]]:
        """Named volumes by key."""
        return {name: item or {} for name, item in (self.config.get("volumes") or {}).items()}

    @property
    def secrets(self) -> Mapping[str, Mapping[str, Any]]:
        """Secrets by key."""
        return {name: item or {} for name, item in (self.config.get("secrets") or {}).items()}

    def line(self, *path: Key) -> int:
        """The line of a key path in the blueprint, or of the nearest ancestor it has."""
        return merged_line(self.source, path)

    def host_file(self, service: Service, inside: str) -> Path | None:
        """The blueprint's file that a container sees as *inside*, if a bind mount brings it."""
        for mount in service.mounts:
            if mount.type == "bind" and inside.startswith(f"{mount.target}/"):
                return Path(mount.source) / inside.removeprefix(f"{mount.target}/")
        return None


def merged_line(source: Located, path: KeyPath) -> int:
    """The line of *path* in *source*; what a merge key (``<<``) brings is found where it stands."""
    found: list[KeyPath] = [()]
    for key in path:
        deeper = [(*at, *way, key) for at in found for way in _merges(source, at)]
        there = [candidate for candidate in deeper if candidate in source.lines]
        if not there:
            break
        found = there
    return source.line(found[0])


def _merges(source: Located, at: KeyPath) -> Iterator[KeyPath]:
    """The ways from a mapping into what is merged into it, the mapping itself first."""
    yield ()
    key: KeyPath = ("<<",)
    while (*at, *key) in source.lines:
        yield key
        key = (*key, "<<")
    for index in range(8):
        if (*at, "<<", index) in source.lines:
            yield ("<<", index)


def plain(value: object) -> str:
    """A text as a container gets it: the engine's output doubles every dollar sign."""
    return str(value).replace("$$", "$")


def seconds(duration: str) -> float:
    """``1m5s`` as 65.0; 0 for what is no duration."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))
