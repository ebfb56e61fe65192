"""The journal's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Phase, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PATH = "/etc/systemd/journald.conf.d/50-hostwright.conf"


def watch(_desired: Desired) -> Watch:
    """The drop-in."""
    return Watch(paths=(PATH,))


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Bound it."""
    file = File(PATH, static.text("journald.conf", JOURNAL_MIB=str(desired.journal_mib)))
    why = drift.difference(facts, file)
    if not why:
        return []
    restart = ("systemctl restart systemd-journald.service",)
    return [Change("Bound the journal", why, Phase.CONFIGURE, files=(file,), commands=restart)]
