"""A rollback over a migration that cannot be taken back: with the data of the moment before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .. import carry, operate, plain, releases, switch
from ..fault import unfit
from . import ledger, restore

if TYPE_CHECKING:
    from ..layout import Layout
    from ..operation import Host
    from .settings import Settings


class WayBack(NamedTuple):
    """Where a rollback with data leads, and what it costs.

    Attributes:
        release: The release that is to serve.
        backup: The backup whose data it gets.
        repositories: Where that backup is.
        time: When it was made: what was written since is kept aside, and nothing serves it.
        migrations: What cannot be taken back otherwise.
    """

    release: str
    backup: str
    repositories: tuple[str, ...]
    time: int
    migrations: tuple[str, ...]


def find(layout: Layout, release: str | None) -> WayBack:
    """The way back to a release, or to the previous good one.

    Raises:
        RunnerError: There is none, or none is needed.
    """
    chosen, lost = operate.pick(layout, switch.target(layout), release)
    if not lost:
        raise unfit(
            "nothing irreversible ran since then: today's data fits it",
            where=chosen.id,
            remedy="Roll back without --with-data; no data is lost then.",
        )
    backup = _before(layout, first_irreversible(releases.listing(layout), chosen))
    return WayBack(
        chosen.id,
        str(backup["id"]),
        tuple(backup.get("stored") or ()),
        int(backup["time"]),
        tuple(lost),
    )


def first_irreversible(known: list[releases.Release], target: releases.Release) -> str:
    """The first release after *target* whose migration cannot be taken back."""
    later = sorted(known, key=lambda release: release.state.sequence)
    return next(
        release.id
        for release in later
        if release.state.sequence > target.state.sequence
        and (release.state.migration or {}).get("irreversible")
    )


def _before(layout: Layout, release: str) -> dict[str, Any]:
    """The last backup that was made before a release's migration."""
    entries = ledger.read(ledger.backups(layout)).entries
    mine = [one for one in entries if one.get("before") == release and one.get("stored")]
    if mine:
        return mine[-1]
    raise unfit(
        f"no backup was made before the migration of {release}",
        where=release,
        remedy="`invoke vps.backups` shows what there is; `invoke vps.restore` restores any of it.",
    )


def go(host: Host, settings: Settings, actor: str, release: str | None) -> dict[str, Any]:
    """Roll back with the data of before; where it fails, both stay as they are.

    Raises:
        RunnerError: It could not be done.
    """
    way = find(host.layout, release)
    restore.refuse_unread(host)
    ours = [one.name for one in settings.repositories if one.name in way.repositories]
    try:
        fetched = restore.fetch(host, settings, way.backup, ours[0] if ours else None)
        plan = restore.load(host, fetched, settings)
        restore.bring(host, plan, goal=way.release)
        operation = operate.begin(host, actor, "rollback", way.release)
        if operation is not None:
            carry.carry(operation)
        restore.finish(host, plan)
    except plain.FAULTS as error:
        raise restore.failed(host, error) from error
    kept = plan.aside if plan.database else None
    return {"release": way.release, "backup": way.backup, "data_time": way.time, "kept": kept}
