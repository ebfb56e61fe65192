"""A limit for guessing at SSH: sshd's own from 9.8 on, else fail2ban."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Phase, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PATH = "/etc/fail2ban/jail.d/hostwright.conf"
SERVICE = "fail2ban.service"
_PACKAGES = ("fail2ban", "python3-systemd")


def watch(_desired: Desired) -> Watch:
    """fail2ban; sshd's penalties are among its settings, which are always read."""
    return Watch(paths=(PATH,), packages=_PACKAGES, units=(SERVICE,))


def packages(facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """fail2ban, with what it needs to read the journal."""
    return () if _own(facts) else _PACKAGES


def plan(facts: Facts, _desired: Desired) -> list[Change]:
    """Configure it before it is installed; its first start reads that."""
    if _own(facts):
        return []
    return [*_configure(facts), *_start(facts)]


def _own(facts: Facts) -> bool:
    return facts.sshd.get("persourcepenalties", "no") != "no"


def _configure(facts: Facts) -> list[Change]:
    ports = ",".join(str(port) for port in sorted(facts.ssh_ports))
    file = File(PATH, static.text("fail2ban.conf", SSH_PORTS=ports))
    why = drift.difference(facts, file)
    if not why:
        return []
    reload = (f"systemctl reload {SERVICE}",) if _active(facts) else ()
    return [Change("Configure fail2ban", why, Phase.CONFIGURE, files=(file,), commands=reload)]


def _start(facts: Facts) -> list[Change]:
    if not drift.idle(facts, [SERVICE]):
        return []
    start = (f"keep_running {SERVICE}",)
    return [Change("Start fail2ban", "it does not run", commands=start)]


def _active(facts: Facts) -> bool:
    return SERVICE in facts.units and facts.units[SERVICE].active == "active"
