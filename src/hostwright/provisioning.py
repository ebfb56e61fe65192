"""Provision the host that an operator named: settings in, plan shown, outcome out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright import paths, runner_archive, transport
from hostwright.contract import load
from hostwright.fleet.shared import once
from hostwright.host.desired import Desired, Timers
from hostwright.host.plan import shown
from hostwright.host.provision import provision
from hostwright.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hostwright.host.provision import Outcome as Provisioned
    from hostwright.settings import Host
    from hostwright.transport import Address, Session


@dataclass(frozen=True)
class Outcome:
    """What provisioning did, and how long each of its phases took (seconds)."""

    host: str
    dry_run: bool
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    #: The plan, for people; where nothing was done about it.
    plan: str = ""

    @property
    def last_line(self) -> str:
        """One line that says how the host stands now."""
        took = sum(self.seconds.values())
        count = f"{len(self.changes)} change{'s' if len(self.changes) != 1 else ''}"
        if not self.changes:
            return f"{self.host}: nothing to change ({took:.1f} s)"
        if self.dry_run:
            return f"{self.host}: {count} to make; nothing was changed (--dry-run)"
        return f"{self.host}: provisioned, {count} ({took:.1f} s)"

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "host": self.host,
            "dry_run": self.dry_run,
            "changes": list(self.changes),
            "warnings": list(self.warnings),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }


def run(address: Address, settings: Host, *, key: Path | None, dry_run: bool) -> Outcome:
    """Bring a host to what *settings* want, showing the plan and the progress.

    Raises:
        HostError: Of the family of what went wrong.
    """
    users = logins(settings)
    with Progress() as progress:
        progress.begin(f"connect to {address}")
        first = _connector(address, key)(users)
        progress.end(f"connected to {address} as {first.user}", first.connect_seconds)
        desired = desire(settings, first.public_key)
        connect = _Reusing(first, _connector(address, key))
        done = provision(connect, desired, say=progress, dry_run=dry_run)
        for warning in done.warnings:
            progress.note(f"warning: {warning}")
    return _outcome(address, done, dry_run=dry_run)


def logins(settings: Host) -> tuple[str, ...]:
    """Who to log in as, to change the host; the likelier first.

    Provisioning makes ``admin`` where the bootstrap user is root (``host``'s docstring says why).
    """
    chosen = settings.administrator or (
        "admin" if settings.bootstrap_user == "root" else settings.bootstrap_user
    )
    return tuple(dict.fromkeys((chosen, settings.bootstrap_user)))


def desire(settings: Host, key: str) -> Desired:
    """The host that *settings* describe; *key* may log in unless they name other keys."""
    domains = (settings.app_domain, settings.api_domain)
    return Desired(
        runner=once("runner", runner_archive.build).content,
        deploy_keys=settings.deploy_keys or (key,),
        admin_keys=settings.admin_keys or (key,),
        app=settings.project_name or once("contract", load).application,
        deploy_user=settings.deploy_user,
        bootstrap_user=settings.bootstrap_user,
        administrator=settings.administrator,
        root_login=settings.root_login,
        tcp_ports=_opened(Desired.tcp_ports, settings.tcp_ports),
        udp_ports=_opened(Desired.udp_ports, settings.udp_ports),
        revert_seconds=settings.revert_seconds,
        swap_mib=settings.swap_mib,
        reboot_time=settings.reboot_time,
        domains=tuple(name for name in domains if name),
        timers=timers(settings),
    )


def _opened(always: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    """The ports without doubles, in an order that does not change with that of the settings."""
    return tuple(sorted({*always, *more}))


def timers(settings: Host) -> Timers | None:
    """When backups and drills begin; None where no backups are set."""
    backup = settings.backup
    if backup is None:
        return None
    drill = backup.drill
    return Timers(
        backup.schedule,
        backup.jitter_minutes,
        drill.schedule,
        drill.jitter_minutes,
        backup.point_in_time.enabled,
    )


def _connector(address: Address, key: Path | None) -> Callable[[Sequence[str]], Session]:
    def connect(users: Sequence[str]) -> Session:
        return transport.connect(address, key=key, known_hosts=paths.KNOWN_HOSTS, users=users)

    return connect


class _Reusing:
    """Hands out the connection that is open already, once; then new ones."""

    def __init__(self, first: Session, connect: Callable[[Sequence[str]], Session]) -> None:
        self._first: Session | None = first
        self._connect = connect

    def __call__(self, users: Sequence[str]) -> Session:
        first, self._first = self._first, None
        return first or self._connect(users)


def _outcome(address: Address, done: Provisioned, *, dry_run: bool) -> Outcome:
    return Outcome(
        host=str(address),
        dry_run=dry_run,
        changes=tuple(change.title for change in done.changes),
        warnings=done.warnings,
        seconds=done.seconds,
        plan=shown(done.changes) if dry_run and done.changes else "",
    )
