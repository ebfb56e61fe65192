"""What a plan is made of: changes, each with a reason that people can read."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from hashlib import sha256


class Phase(enum.IntEnum):
    """When a change is made. Configuration comes before the packages whose services read it."""

    CONFIGURE = 1
    PACKAGES = 2
    SETTLE = 3
    LOGIN = 4
    """Could lock people out: last, with a timed way back."""


@dataclass(frozen=True)
class File:
    """A file that must be exactly so.

    Attributes:
        path: Absolute, without spaces.
        content: Its bytes.
        mode: Permission bits, e.g. ``0o644``.
        owner: User name.
        group: Group name.
        check: A command that must accept the new file, whose path is appended.
        sha256: Of the bytes on the host, where *content* is packed.
        packed: Whether *content* is gzip of what belongs on the host.
    """

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    check: str = ""
    sha256: str = ""
    packed: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of the file as it must be on the host, hexadecimal."""
        return self.sha256 or sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Directory:
    """A directory that must exist so."""

    path: str
    mode: int = 0o755
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Change:
    """One thing to put right.

    Attributes:
        title: An imperative, a few words.
        why: What is not as it should be, a few words.
        phase: When it is made.
        directories: Made first.
        files: Written next, each whole or not at all.
        commands: POSIX-sh lines, run last; the first that fails ends the step.
    """

    title: str
    why: str
    phase: Phase = Phase.SETTLE
    directories: tuple[Directory, ...] = ()
    files: tuple[File, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watch:
    """What a concern needs to read; the same for every host, so that one script reads it all."""

    users: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()

    def __or__(self, other: Watch) -> Watch:
        return Watch(
            self.users + other.users,
            self.paths + other.paths,
            self.packages + other.packages,
            self.units + other.units,
            self.sysctls + other.sysctls,
        )
