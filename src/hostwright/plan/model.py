"""What a plan says, part by part. Variables are names and salted hashes; no value is in a plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

How = Literal["added", "removed", "changed"]
#: Signs that stand before each.
SIGNS: dict[How, str] = {"added": "+", "removed": "-", "changed": "~"}


class Image(NamedTuple):
    """A role's or base service's image, before and after; empty where it is not there.

    Attributes:
        role: Whose.
        before: What it is called on the host now.
        after: What it will be called there.
        before_id: The image's id now, where the host knows it.
        after_id: Its id then, where it is known yet.
        way: ``there`` (the host has it), ``sent`` or ``pulled``.
        changes: Whether it is another image.
    """

    role: str
    before: str
    after: str
    before_id: str
    after_id: str
    way: Literal["there", "sent", "pulled", "gone"]
    changes: bool


class Variable(NamedTuple):
    """One variable of a role that differs; hashes are salted as the serving release's are."""

    role: str
    name: str
    how: How
    before: str
    after: str


class Field(NamedTuple):
    """One field of a Compose file that differs; None where it is not there."""

    service: str
    path: str
    before: str | None
    after: str | None


class Text(NamedTuple):
    """A file of Caddy's that differs, as the lines of a unified diff."""

    name: str
    how: How
    lines: tuple[str, ...]


class Base(NamedTuple):
    """What becomes of the base.

    Attributes:
        changes: Whether the release brings another base than the one that runs.
        fields: What differs in its Compose file.
        files: Other files of its that differ.
        recreated: Services that are made anew, and do not answer meanwhile.
        secrets: Passwords that differ from those that the services have.
        starts: Whether it does not run now, and is started.
    """

    changes: bool
    fields: tuple[Field, ...] = ()
    files: tuple[str, ...] = ()
    recreated: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    starts: bool = False


class Migration(NamedTuple):
    """What would be migrated; *why* says why that is not known, where it is not."""

    known: bool
    pending: tuple[str, ...] = ()
    irreversible: tuple[str, ...] = ()
    current: str = ""
    head: str = ""
    ahead: bool = False
    why: str = ""
    log: tuple[str, ...] = ()


class Room(NamedTuple):
    """Bytes of the disk and of the wire.

    Attributes:
        sent: What travels from here.
        pulled: What a registry sends; None where that is not known here.
        needed: What the host has to have free.
        free: What it has.
    """

    sent: int
    pulled: int | None
    needed: int
    free: int


class Backup(NamedTuple):
    """Whether a backup is made first (None: only if something is pending), and why."""

    due: bool | None
    why: str


@dataclass(frozen=True)
class Plan:
    """What a deploy would do.

    Attributes:
        app: The application.
        serving: What serves now.
        release: The id that the release will have.
        images: Each role's and base service's.
        env: The variables that differ.
        compose: The fields of the roles' Compose file that differ.
        base: What becomes of the base.
        caddy: The files of Caddy's that differ.
        migration: What would be migrated.
        backup: Whether a backup is made first.
        room: Bytes.
        downtime: What closes connections or does not answer meanwhile; empty: nothing does.
        notes: What else to know.
        refusals: What would refuse this deploy as it stands.
    """

    app: str
    serving: str | None
    release: str
    images: tuple[Image, ...]
    env: tuple[Variable, ...]
    compose: tuple[Field, ...]
    base: Base
    caddy: tuple[Text, ...]
    migration: Migration
    backup: Backup
    room: Room
    downtime: tuple[str, ...]
    notes: tuple[str, ...]
    refusals: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether anything would be different afterwards but the release's name."""
        images = any(image.changes for image in self.images)
        pending = self.migration.pending or not self.migration.known
        parts = (images, self.env, self.compose, self.base.changes, self.caddy, pending)
        return self.serving is None or any(map(bool, parts))

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        made = asdict(self)
        for key, value in made.items():
            made[key] = _plain(value)
        return {**made, "changes": self.changes}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Named tuples as objects, which ``asdict`` leaves alone."""
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
