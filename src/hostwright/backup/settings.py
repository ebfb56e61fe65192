"""``backup:`` of a host in hosts.yaml: where backups go, when, and how long they stay."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hostwright.contract.models import Model, PortNumber
from hostwright.forms import like

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"

#: Root writes there, and the deploy user may choose it: nowhere else.
LocalPath = Annotated[
    str,
    *like(rf"/(?:var/backups|srv|mnt)(?:/{_SEGMENT})+", "below /var/backups, /srv or /mnt", 200),
]
RemotePath = Annotated[str, *like(rf"/?{_SEGMENT}(?:/{_SEGMENT})*", "a path of plain words", 200)]
Prefix = Annotated[str, *like(rf"(?:{_SEGMENT}(?:/{_SEGMENT})*)?", "a path of plain words", 200)]
Bucket = Annotated[str, *like(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket", 63)]
Region = Annotated[str, *like(r"[a-z0-9-]{0,40}", "the name of a region", 40)]
Endpoint = Annotated[
    str, *like(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?", "https://host or https://host:port", 300)
]
Webhook = Annotated[str, *like(r"https?://[^\s{}\"'`]+", "an http(s) address", 2000)]
Account = Annotated[
    str,
    *like(rf"[a-z_][a-z0-9_.-]{{0,31}}@{_NAME}", "user@host (the port has a key of its own)", 290),
]
#: As ``ssh-keyscan`` prints it, without the host's name.
HostKeyLine = Annotated[
    str,
    *like(
        r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+=*",
        "a host key: ssh-ed25519 AAAA…",
        2000,
    ),
]
#: Both of ours and of systemd's OnCalendar.
Schedule = Annotated[
    str,
    *like(
        rf"(?:{_DAY}(?:,{_DAY})* )?(?:[01][0-9]|2[0-3]):[0-5][0-9]|hourly",
        'a time: "02:30", "Sun 05:00" or hourly',
        40,
    ),
]
RepositoryName = Annotated[str, *like(r"[a-z][a-z0-9-]{0,30}", "a name of small letters", 31)]
Hours = Annotated[int, Field(ge=1, le=8784)]
Count = Annotated[int, Field(ge=0, le=1000)]


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class S3(Model):
    """A bucket; its credentials are BACKUP_S3_ACCESS_KEY_ID and BACKUP_S3_SECRET_ACCESS_KEY."""

    endpoint: Endpoint
    bucket: Bucket
    prefix: Prefix = ""
    region: Region = ""


class Sftp(Model):
    """A directory on another server; it is created where it is missing."""

    address: Account
    port: PortNumber = 22
    path: RemotePath
    identity_file: str
    host_key: HostKeyLine


class Repository(Model):
    """One place that every backup goes to: one of ``path``, ``s3`` and ``sftp``."""

    path: LocalPath | None = None
    s3: S3 | None = None
    sftp: Sftp | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(kind is not None for kind in (self.path, self.s3, self.sftp)) != 1:
            raise ValueError("needs one of path, s3 and sftp")
        return self

    @property
    def off_host(self) -> bool:
        """Whether it outlives the host."""
        return self.path is None


class Keep(Model):
    """How many backups stay: of the last days, weeks and months that have one."""

    daily: Count = 7
    weekly: Count = 4
    monthly: Count = 6

    @model_validator(mode="after")
    def _any(self) -> Self:
        if not self.daily + self.weekly + self.monthly:
            raise ValueError("would keep no backup")
        return self


class Drill(Model):
    """The restore that is tried for its own sake."""

    schedule: Schedule = "Sun 05:00"
    jitter_minutes: Annotated[int, Field(ge=0, le=720)] = 60
    max_age_hours: Hours = 192
    #: What a deploy does when no drill has passed for that long.
    stale: Literal["warn", "refuse"] = "warn"


class Alerts(Model):
    """Who is told: a program of the host (it gets JSON on its standard input), a web address."""

    command: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    webhook: Webhook | None = None
    disk_percent: Annotated[int, Field(ge=1, le=100)] = 90
    certificate_days: Annotated[int, Field(ge=1, le=90)] = 14


class PointInTime(Model):
    """Recovery of Postgres to any moment: its log goes to the repositories every few seconds."""

    enabled: bool = False
    #: How long moments can be gone back to.
    keep_days: Annotated[int, Field(ge=1, le=366)] = 7
    #: When the log of a repository is older, the alerts are told.
    max_age_seconds: Annotated[int, Field(ge=30, le=86_400)] = 120
    #: How much of its log Postgres keeps that cannot be brought away; then moments are lost.
    unsent_mib: Annotated[int, Field(ge=64, le=1_048_576)] = 1024


class Backup(Model):
    """Everything about backups of one host."""

    key_file: str
    repositories: Annotated[dict[RepositoryName, Repository], Field(min_length=1)]
    keep: Keep = Keep()
    schedule: Schedule = "02:30"
    jitter_minutes: Annotated[int, Field(ge=0, le=720)] = 30
    #: A deploy makes a backup when the last good one is older.
    max_age_hours: Hours = 24
    #: What storing one backup in one repository may take.
    timeout_minutes: Annotated[int, Field(ge=1, le=1440)] = 120
    drill: Drill = Drill()
    alerts: Alerts = Alerts()
    point_in_time: PointInTime = PointInTime()
