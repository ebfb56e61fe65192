"""The commands about backups, as the detached process does them; and what a dead one left."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from .. import operate, plain
from . import alerts, ledger, make, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..layout import Layout
    from ..operation import Host
    from .settings import Settings


def backup(host: Host, actor: str, reason: str) -> None:
    """Make a backup."""

    def work() -> None:
        record = make.make(host, settings.require(host.layout), reason=reason)
        host.events.emit("backup", **record)

    _told(host, "backup", lambda: operate.command(host, actor, "backup", None, work))


def drill(host: Host, actor: str, repository: str | None) -> None:
    """Prove that the newest backup restores."""
    from . import drill as drills

    def work() -> None:
        found = drills.drill(host, settings.require(host.layout), repository)
        host.events.emit("drill", **found)

    _told(host, "drill", lambda: operate.command(host, actor, "drill", None, work))


def restore(host: Host, actor: str, wanted: dict[str, Any]) -> None:
    """Restore a backup: into place, or beside what is there."""
    from . import restore as restoring

    def work() -> None:
        found, name = settings.require(host.layout), wanted.get("repository")
        beside = bool(wanted.get("beside"))
        if wanted.get("to") is not None:
            from . import point_in_time

            moment = point_in_time.asked(wanted["to"])
            done = point_in_time.go_back(host, found, moment, name, beside=beside)
        else:
            backup = wanted.get("backup")
            done = restoring.restore(host, found, backup=backup, repository=name, beside=beside)
        host.events.emit("restored", **done)

    operate.command(host, actor, "restore", None, work)


def rollback(host: Host, actor: str, release: str | None) -> None:
    """Roll back with the data of before an irreversible migration."""
    from . import way_back

    def work() -> None:
        found = way_back.go(host, settings.require(host.layout), actor, release)
        host.events.emit("restored", **found)

    operate.command(host, actor, "rollback", release, work)


def recover(host: Host, actor: str, wanted: dict[str, Any]) -> None:
    """Make an empty host the one that was lost; first only look what that takes."""
    from . import recover as recovering

    def work() -> None:
        found, name = settings.require(host.layout), wanted.get("repository")
        backup = wanted.get("backup")
        if wanted.get("look"):
            host.events.emit("recover", **recovering.look(host, found, backup, name))
        else:
            done = recovering.recover(host, found, actor, str(backup), name)
            host.events.emit("restored", **done)

    operate.command(host, actor, "recover", None, work)


def scheduled(host: Host, verb: str) -> None:
    """What a timer or the boot starts."""
    if verb == "backup":
        backup(host, "timer", "timer")
    elif verb == "drill":
        drill(host, "timer", None)
    elif verb == "cool":
        operate.cool(host, verb)
    else:
        operate.resume(host, verb)


def away(host: Host) -> int:
    """Bring the log of Postgres away, as its timer does; takes no lock of the host."""
    from . import wal

    return wal.main(host, settings.load(host.layout))


def configured(layout: Layout) -> bool:
    """Whether there are settings at all."""
    return settings.digest(layout) is not None


def tell(layout: Layout, kind: str, what: str) -> None:
    """Tell whoever wants to be told; where nobody takes it, the watch tries again."""
    with contextlib.suppress(*plain.FAULTS):
        found = settings.load(layout)
        if found is not None and not alerts.tell(layout, found.alerts, kind, what).taken:
            alerts.keep(layout, kind, what)


def _told(host: Host, op: str, work: Callable[[], None]) -> None:
    """Do it; where it fails, whoever wants to be told is."""
    from ..events import Reader

    work()
    said = list(Reader(host.events.path).fresh())
    last = said[-1] if said else {}
    if last.get("event") == "failed":
        tell(host.layout, f"{op}-failed", str(last.get("what")))


def settle_data(host: Host) -> None:
    """Settle what a dead owner left of a restore; only under the lock."""
    from . import restore as restoring

    if host.layout.backup.is_dir():
        restoring.settle(host)


def settle(host: Host) -> None:
    """Settle what a dead owner left of a restore, then of a backup; only under the lock."""
    from . import drill as drills

    if not host.layout.backup.is_dir():
        return
    settle_data(host)
    found: Settings | None = None
    with contextlib.suppress(*plain.FAULTS):
        found = settings.load(host.layout)
    make.settle(host, found)
    drills.sweep(host)


def told(layout: Layout) -> dict[str, Any] | None:
    """What the greeting says of backups, or None where none are configured."""
    digest = settings.digest(layout)
    if digest is None:
        return None
    return {
        "sha256": digest,
        "backup": _short(ledger.last_good(ledger.backups(layout))),
        "drill": _short(ledger.last_good(ledger.drills(layout))),
    }


def _short(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    return {key: entry.get(key) for key in ("id", "time")} if entry else None


def listing(layout: Layout) -> dict[str, Any]:
    """Every backup and drill that is written down, the oldest first."""
    from . import wal

    made, drilled = ledger.read(ledger.backups(layout)), ledger.read(ledger.drills(layout))
    found: Settings | None = None
    with contextlib.suppress(*plain.FAULTS):
        found = settings.load(layout)
    return {
        "event": "backups",
        "backups": made.entries,
        "drills": drilled.entries,
        "unreadable": made.unreadable + drilled.unreadable,
        "configured": settings.digest(layout) is not None,
        "point_in_time": wal.told(layout, found),
        "now": int(time.time()),
    }
