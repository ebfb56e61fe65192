"""The journal: what is being done, by whom, and how far it came.

It is written after each phase, as a whole, and removed when the operation has ended, well or not.
A journal that exists while nobody holds the lock is the work of a dead owner.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable
from .identity import Owner, myself, owner_from
from .layout import RELEASE_ID
from .phases import PHASES

if TYPE_CHECKING:
    from pathlib import Path

OPERATIONS = ("deploy", "rollback")


class UnreadableError(Exception):
    """The journal is truncated or was edited; what it said is lost."""


class Journal(NamedTuple):
    """One operation.

    Attributes:
        op: ``deploy`` or ``rollback``.
        release: The release that is to serve in the end.
        previous: The one that served before; None on a first deploy.
        phase: The last phase that is done; None before the first.
        reverting: The operation failed and is being taken back.
        warm: The goal's api and web were running before the operation began.
        actor: Who asked for it.
        owner: The process that works on it.
        started: When, in seconds since the epoch.
        updated: When this was written.
        migration: What the migration did: ``{before, after, applied, irreversible}``.
    """

    op: str
    release: str
    previous: str | None
    actor: str
    owner: Owner
    started: int
    updated: int
    phase: str | None = None
    reverting: bool = False
    warm: bool = False
    migration: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The document that is written."""
        return {**self._asdict(), "owner": self.owner._asdict(), "boot_id": self.owner.boot_id}


def begin(  # noqa: PLR0913 - what an operation is, nothing more
    path: Path, *, op: str, release: str, previous: str | None, actor: str, warm: bool
) -> Journal:
    """Open the journal of an operation that this process will carry out."""
    now = int(time.time())
    return record(path, Journal(op, release, previous, actor, myself(), now, now, warm=warm))


def record(path: Path, journal: Journal, **changes: Any) -> Journal:  # noqa: ANN401 - its fields
    """Write the journal with *changes*, and return what was written."""
    written = journal._replace(updated=int(time.time()), **changes)
    durable.write_json(path, written.as_json())
    return written


def adopt(path: Path, journal: Journal) -> Journal:
    """Make this process the owner of a dead one's operation."""
    return record(path, journal, owner=myself())


def read(path: Path) -> Journal | None:
    """The journal, or None where there is none.

    Raises:
        UnreadableError: It is there, but is not what :func:`record` writes.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableError from error


def end(path: Path) -> None:
    """Close the journal: the operation has ended."""
    durable.remove(path)


def set_aside(path: Path) -> Path:
    """Keep an unreadable journal for a person to look at."""
    kept = path.with_name(f"{path.name}.unreadable-{int(time.time())}")
    path.replace(kept)
    durable.sync_directory(path.parent)
    return kept


def _parse(value: dict[str, Any]) -> Journal:
    owner = owner_from(value["owner"])
    known = value["op"] in OPERATIONS and value["phase"] in (None, *PHASES)
    ids = [value["release"], value["previous"] or value["release"]]
    if owner is None or not known or not all(RELEASE_ID.fullmatch(name) for name in ids):
        raise ValueError
    return Journal(
        op=value["op"],
        release=value["release"],
        previous=value["previous"],
        actor=str(value["actor"]),
        owner=owner,
        started=int(value["started"]),
        updated=int(value["updated"]),
        phase=value["phase"],
        reverting=bool(value["reverting"]),
        warm=bool(value["warm"]),
        migration=value["migration"],
    )
