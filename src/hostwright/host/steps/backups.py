"""Timers of backups, drills and the watch: installed where backups are set, else taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired, Timers
    from hostwright.host.facts import Facts

_UNITS = "/etc/systemd/system"
KINDS = ("backup", "drill", "watch")
#: Only where recovery to a moment is wanted.
LOG = "wal"


def watch(desired: Desired) -> Watch:
    """Their units, wanted or not: what is no longer wanted is taken away."""
    every = (*KINDS, LOG)
    files = (*(_service(kind) for kind in every), *(_timer(desired, kind) for kind in every))
    return Watch(paths=files, units=tuple(_unit(desired, kind) for kind in every))


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Install what differs; without settings, stop what is there."""
    if desired.timers is None:
        return _removal(facts, desired, (*KINDS, LOG))
    changes = [] if desired.timers.log else _removal(facts, desired, (LOG,))
    return changes + _setting(facts, desired, desired.timers)


def _setting(facts: Facts, desired: Desired, timers: Timers) -> list[Change]:
    units = [_unit(desired, kind) for kind in _wanted(timers)]
    files = drift.differing(facts, _files(desired, timers))
    idle = drift.idle(facts, units)
    if not files and not idle:
        return []
    why = drift.reasons(facts, files) or f"{', '.join(idle)} does not run"
    commands = [f"systemctl -q enable {' '.join(units)}", f"systemctl restart {' '.join(units)}"]
    return [Change("Set the timers of backups", why, files=files, commands=tuple(commands))]


def _wanted(timers: Timers) -> tuple[str, ...]:
    return (*KINDS, LOG) if timers.log else KINDS


def _removal(facts: Facts, desired: Desired, kinds: tuple[str, ...]) -> list[Change]:
    there = [kind for kind in kinds if _timer(desired, kind) in facts.paths]
    if not there:
        return []
    units = " ".join(_unit(desired, kind) for kind in there)
    paths = " ".join(_timer(desired, kind) for kind in there)
    commands = (f"systemctl -q disable --now {units}", f"rm -f {paths}", "systemctl daemon-reload")
    why = "recovery to a moment is not set" if kinds == (LOG,) else "no backups are set"
    return [Change("Remove the timers of backups", why, commands=commands)]


def _files(desired: Desired, timers: Timers) -> tuple[File, ...]:
    kinds = _wanted(timers)
    services = [File(_service(kind), static.text(f"hostwright-{kind}@.service")) for kind in kinds]
    backup = {"SCHEDULE": timers.backup, "JITTER": str(timers.backup_jitter)}
    drill = {"SCHEDULE": timers.drill, "JITTER": str(timers.drill_jitter)}
    texts = {
        "backup": static.text("hostwright-backup@.timer", **backup),
        "drill": static.text("hostwright-drill@.timer", **drill),
        "watch": static.text("hostwright-watch@.timer"),
        LOG: static.text("hostwright-wal@.timer"),
    }
    return (*services, *(File(_timer(desired, kind), texts[kind]) for kind in kinds))


def _service(kind: str) -> str:
    return f"{_UNITS}/hostwright-{kind}@.service"


def _timer(desired: Desired, kind: str) -> str:
    """A timer of this application alone: its schedule is the application's own."""
    return f"{_UNITS}/{_unit(desired, kind)}"


def _unit(desired: Desired, kind: str) -> str:
    return f"hostwright-{kind}@{desired.app}.timer"
