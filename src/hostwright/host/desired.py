"""What a host should be like: the whole input of a plan beside the facts."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_APP = re.compile(r"[a-z][a-z0-9-]{0,30}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*"
)


@dataclass(frozen=True)
class Plugin:
    """A Docker Compose plugin to upload.

    Attributes:
        sha256: Of the binary, hexadecimal.
        packed: Makes gzip of the binary; only asked for when it has to travel.
    """

    sha256: str
    packed: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Timers:
    """When backups and drills begin, in systemd's words; each up to so many minutes later.

    *log*: whether Postgres's log is brought away all the time.
    """

    backup: str
    backup_jitter: int
    drill: str
    drill_jitter: int
    log: bool = False


@dataclass(frozen=True)
class Desired:
    """A host as it should be.

    Attributes:
        runner: The runner's zipapp.
        deploy_keys: Public keys (``type base64 [comment]``) that may log in as *deploy_user*.
        admin_keys: The same for the administrator, where that account is ours to make.
        app: The application's name, part of paths and unit names.
        bootstrap_user: Who can log in before hostwright was here.
        administrator: Who may change the host afterwards; see the package's docstring. Empty means
            ``admin`` where the bootstrap user is root, else the bootstrap user.
        tcp_ports: Open to the world besides SSH.
        udp_ports: Open to the world.
        swap_mib: Size of the swap file, 0 for none.
        journal_mib: What the journal may take.
        reboot_time: ``HH:MM`` (the host's time) when a security update may restart it; None: never.
        root_login: Whether root may log in with a key; ``keys`` is implied by administrator root.
        architectures: Debian's names of what the images run on; empty: any.
        min_disk_mib: Free space that the first release needs at least.
        min_memory_mib: Memory that the application needs at least.
        domains: Names that should point at the host.
        plugin: The Compose plugin for a distribution that has none.
        revert_seconds: How long a changed sshd or firewall may stay unproven.
        timers: Of backups; None where none are set.
    """

    runner: bytes = field(repr=False)
    deploy_keys: tuple[str, ...]
    admin_keys: tuple[str, ...]
    app: str = "app"
    deploy_user: str = "deploy"
    bootstrap_user: str = "root"
    administrator: str = ""
    tcp_ports: tuple[int, ...] = (80, 443)
    udp_ports: tuple[int, ...] = (443,)
    swap_mib: int = 1024
    journal_mib: int = 500
    reboot_time: str | None = "04:00"
    root_login: Literal["no", "keys"] = "no"
    architectures: tuple[str, ...] = ()
    min_disk_mib: int = 4096
    min_memory_mib: int = 900
    domains: tuple[str, ...] = ()
    plugin: Plugin | None = None
    revert_seconds: int = 60
    timers: Timers | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be written into a file of the host as it is.

        Raises:
            UserError: A name, key or time that is none.
        """
        if not self.administrator:
            chosen = "admin" if self.bootstrap_user == "root" else self.bootstrap_user
            object.__setattr__(self, "administrator", chosen)
        for user in (self.deploy_user, self.bootstrap_user, self.administrator):
            _require(_NAME.fullmatch(user), f"{user!r} is not a user name")
        _require(
            self.deploy_user not in ("root", self.administrator), "deploy must be a third user"
        )
        _require(_APP.fullmatch(self.app), f"{self.app!r} is not an application name")
        _require(self.deploy_keys, "deploy needs a key to log in with")
        _require(self.admin_keys or not self.makes_administrator, "the administrator needs a key")
        for key in (*self.deploy_keys, *self.admin_keys):
            _require(_is_key(key), f"this is not a public key: {key[:60]!r}")
        _require(
            self.reboot_time is None or _CLOCK.fullmatch(self.reboot_time),
            f"{self.reboot_time!r} is not a time of day (HH:MM)",
        )

    @property
    def makes_administrator(self) -> bool:
        """Whether the administrator is an account that provisioning creates."""
        return self.administrator not in ("root", self.bootstrap_user)

    @property
    def permits_root(self) -> bool:
        """Whether root may go on logging in, by key."""
        return self.root_login == "keys" or self.administrator == "root"

    @property
    def logins(self) -> tuple[str, ...]:
        """The users to try for changing the host, the likelier one first."""
        return tuple(dict.fromkeys((self.administrator, self.bootstrap_user)))


def _is_key(text: str) -> bool:
    words = text.split(" ", 2)
    if not text.isprintable() or _KEY.fullmatch(" ".join(words[:2])) is None:
        return False
    return _is_whole(*words[:2])


def _is_whole(kind: str, encoded: str) -> bool:
    """Whether a key is not cut off: strings with their lengths before them (RFC 4253, 6.6)."""
    try:
        rest = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    if base64.b64encode(rest).decode() != encoded:
        return False
    parts: list[bytes] = []
    while rest:
        size = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + size:
            return False
        parts.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    return len(parts) > 1 and parts[0] == kind.encode()


def _require(truth: object, message: str) -> None:
    if not truth:
        raise UserError(message)
