"""Security updates by themselves, with a window for the restart that some of them need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Phase, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PATH = "/etc/apt/apt.conf.d/52hostwright"
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")


def watch(_desired: Desired) -> Watch:
    """Its configuration and apt's own timers."""
    return Watch(paths=(PATH,), packages=("unattended-upgrades",), units=TIMERS)


def packages(_facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """The distribution's own tool for it."""
    return ("unattended-upgrades",)


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Configure it, and keep apt's timers on."""
    changes = []
    file = _file(desired)
    if why := drift.difference(facts, file):
        changes.append(Change("Configure security updates", why, Phase.CONFIGURE, files=(file,)))
    if idle := drift.idle(facts, TIMERS):
        why = f"{', '.join(idle)} does not run"
        command = f"keep_running {' '.join(idle)}"
        changes.append(Change("Start the timers of security updates", why, commands=(command,)))
    return changes


def _file(desired: Desired) -> File:
    reboot = "true" if desired.reboot_time else "false"
    when = desired.reboot_time or "04:00"
    return File(PATH, static.text("upgrades.conf", REBOOT=reboot, REBOOT_TIME=when))
