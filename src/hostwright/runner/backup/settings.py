"""What the operator decided about backups: one document, checked word by word when it comes.

It holds the key and the credentials, so it is root's alone. It comes from whoever may deploy, who
is not root: a local repository lies where nothing else does, and nothing becomes a shell's word.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable
from ..fault import refused, unfit

if TYPE_CHECKING:
    from pathlib import Path

    from ..layout import Layout

#: No honest document is larger.
LARGEST = 256 << 10

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PATH = rf"/?{_SEGMENT}(?:/{_SEGMENT})*"
_FORMS = {
    "key": r"[!-~]{32,200}",
    "name": r"[a-z][a-z0-9-]{0,30}",
    "path": rf"/(?:var/backups|srv|mnt)(?:/{_SEGMENT})+",
    "endpoint": r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "prefix": rf"(?:{_PATH[2:]})?",
    "region": r"[a-z0-9-]{0,40}",
    "access_key": r"[!-~]{1,256}",
    "secret_key": r"[!-~]{1,256}",
    "address": r"[a-z_][a-z0-9_.-]{0,31}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}",
    "remote": _PATH,
    "host_key": r"[a-z0-9-]{3,40} [A-Za-z0-9+/]+=*",
    "private_key": r"[\n -~]{64,16384}",
    "webhook": r"https?://[!-~]{1,2000}",
}
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
_LONGEST = 366 * 86_400


class Repository(NamedTuple):
    """One place that every backup goes to.

    Attributes:
        name: What the operator calls it.
        kind: ``local``, ``s3`` or ``sftp``.
        where: Its directory; for a bucket the prefix in it.
        endpoint: Of a bucket.
        bucket: Its name.
        region: Its region; may be empty.
        access_key: Of a bucket.
        secret_key: Of a bucket.
        address: ``user@host`` of an SFTP server.
        port: Its port.
        host_key: Its pinned key.
        private_key: What the host logs in with.
    """

    name: str
    kind: str
    where: str
    endpoint: str = ""
    bucket: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
    address: str = ""
    port: int = 22
    host_key: str = ""
    private_key: str = ""

    @property
    def off_host(self) -> bool:
        """Whether it outlives the host."""
        return self.kind != "local"


class Keep(NamedTuple):
    """How many backups stay."""

    daily: int
    weekly: int
    monthly: int


class Alerts(NamedTuple):
    """Who is told, and from which limits on."""

    command: tuple[str, ...]
    webhook: str
    disk_percent: int
    certificate_days: int


class PointInTime(NamedTuple):
    """Recovery to any moment.

    Attributes:
        keep: How long moments can be gone back to.
        max_age: When the log of a repository is older, somebody is told.
        unsent_bytes: How much of its log Postgres keeps that could not be brought away.
    """

    keep: int
    max_age: int
    unsent_bytes: int


class Settings(NamedTuple):
    """The whole document. Times are in seconds.

    Attributes:
        key: What encrypts every repository.
        repositories: Where backups go.
        keep: How many stay.
        max_age: A deploy backs up when the last good backup is older.
        timeout: What storing one backup in one repository may take.
        drill_age: When the last good drill is older it is stale.
        refuse_stale: Whether a deploy is then refused.
        alerts: Who is told.
        row_floors: Rows that a restored table must have at least.
        point_in_time: None where only whole backups are wanted.
    """

    key: str
    repositories: tuple[Repository, ...]
    keep: Keep
    max_age: int
    timeout: int
    drill_age: int
    refuse_stale: bool
    alerts: Alerts
    row_floors: dict[str, int]
    point_in_time: PointInTime | None = None

    def repository(self, name: str | None) -> Repository:
        """The named one; without a name the first that is not on this host, else the first.

        Raises:
            RunnerError: There is none of that name.
        """
        for one in self.repositories:
            if one.name == name or (name is None and one.off_host):
                return one
        if name is None:
            return self.repositories[0]
        known = ", ".join(one.name for one in self.repositories)
        raise refused(
            f"there is no repository {name[:40]!r}",
            where="repository",
            remedy=f"Use one of {known}.",
        )


def path(layout: Layout) -> Path:
    """Where the document lies."""
    return layout.backup / "settings.json"


def digest(layout: Layout) -> str | None:
    """The SHA-256 of the document that is there, or None."""
    try:
        return hashlib.sha256(path(layout).read_bytes()).hexdigest()
    except OSError:
        return None


def store(layout: Layout, content: bytes) -> str:
    """Check a document and put it in place as a whole; its SHA-256.

    Raises:
        RunnerError: It is none; what was there stays.
    """
    parse(content)
    durable.write(path(layout), content, mode=0o600)
    return hashlib.sha256(content).hexdigest()


def load(layout: Layout) -> Settings | None:
    """What is in force, or None where no backups are configured.

    Raises:
        RunnerError: The document was damaged on the host.
    """
    try:
        content = path(layout).read_bytes()
    except FileNotFoundError:
        return None
    return parse(content)


def require(layout: Layout) -> Settings:
    """What is in force.

    Raises:
        RunnerError: No backups are configured.
    """
    found = load(layout)
    if found is None:
        raise unfit(
            "no backups are configured on this host",
            where="backup",
            remedy="Set `backup` of the host in hosts.yaml; `invoke vps.backup` tells the host.",
        )
    return found


def parse(content: bytes) -> Settings:
    """Read a document.

    Raises:
        RunnerError: It is none; what it holds is never quoted.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise refused("it is no JSON", where="backup settings") from error
    root = _Part(document, "backup settings")
    if root.number("version", 1, 1) != 1:
        raise AssertionError
    drill, keep, alerts = root.part("drill"), root.part("keep"), root.part("alerts")
    return Settings(
        key=root.text("key"),
        repositories=_repositories(root),
        keep=Keep(*(keep.number(name, 0, 1000) for name in Keep._fields)),
        max_age=root.number("max_age_seconds", 60, _LONGEST),
        timeout=root.number("timeout_seconds", 10, 86_400),
        drill_age=drill.number("max_age_seconds", 60, _LONGEST),
        refuse_stale=drill.choice("stale", ("warn", "refuse")) == "refuse",
        alerts=Alerts(
            alerts.words("command"),
            alerts.text("webhook", optional=True),
            alerts.number("disk_percent", 1, 100),
            alerts.number("certificate_days", 1, 90),
        ),
        row_floors=_floors(root),
        point_in_time=_point_in_time(root),
    )


def _point_in_time(root: _Part) -> PointInTime | None:
    if root.value.get("point_in_time") is None:
        return None
    part = root.part("point_in_time")
    return PointInTime(
        part.number("keep_seconds", 3600, _LONGEST),
        part.number("max_age_seconds", 30, 86_400),
        part.number("unsent_bytes", 64 << 20, 1 << 50),
    )


def _repositories(root: _Part) -> tuple[Repository, ...]:
    parts = root.value.get("repositories")
    if not isinstance(parts, list) or not 1 <= len(parts) <= 8:  # noqa: PLR2004 - a bound, no more
        raise refused("needs one to eight repositories", where=f"{root.where}: repositories")
    found = tuple(
        _repository(_Part(part, f"{root.where}: repositories.{number}"))
        for number, part in enumerate(parts)
    )
    if len({one.name for one in found}) != len(found):
        raise refused("two repositories have one name", where=f"{root.where}: repositories")
    return found


def _repository(part: _Part) -> Repository:
    name = part.text("name")
    kind = part.choice("kind", ("local", "s3", "sftp"))
    if kind == "local":
        return Repository(name, kind, part.text("path"))
    if kind == "s3":
        return Repository(
            name,
            kind,
            part.text("prefix", optional=True),
            endpoint=part.text("endpoint"),
            bucket=part.text("bucket"),
            region=part.text("region", optional=True),
            access_key=part.text("access_key"),
            secret_key=part.text("secret_key"),
        )
    return Repository(
        name,
        kind,
        part.text("path", form="remote"),
        address=part.text("address"),
        port=part.number("port", 1, 65_535),
        host_key=part.text("host_key"),
        private_key=part.text("private_key"),
    )


def _floors(root: _Part) -> dict[str, int]:
    floors = root.part("row_floors")
    for table in floors.value:
        if not _TABLE.fullmatch(table):
            raise refused("this is no table", where=f"{floors.where}: {table[:60]}")
    return {table: floors.number(table, 0, 1 << 50) for table in floors.value}


class _Part:
    """A JSON object and where it lies; refusals name the key and never the value."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise refused("an object is needed here", where=where)
        self.value: dict[str, Any] = value
        self.where = where

    def part(self, key: str) -> _Part:
        return _Part(self.value.get(key), f"{self.where}: {key}")

    def text(self, key: str, *, form: str = "", optional: bool = False) -> str:
        value = self.value.get(key)
        if optional and not value:
            return ""
        if not isinstance(value, str) or not re.fullmatch(_FORMS[form or key], value):
            raise refused("this is not what belongs here", where=f"{self.where}: {key}")
        return value

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value = self.value.get(key)
        if value not in known:
            raise refused(f"one of {', '.join(known)} is needed here", where=f"{self.where}: {key}")
        return str(value)

    def number(self, key: str, least: int, most: int) -> int:
        value = self.value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise refused(
                f"a whole number from {least} to {most} is needed here",
                where=f"{self.where}: {key}",
            )
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.value.get(key) or []
        if not isinstance(value, list) or not all(
            isinstance(w, str) and "\0" not in w for w in value
        ):
            raise refused("a list of words is needed here", where=f"{self.where}: {key}")
        return tuple(value)
