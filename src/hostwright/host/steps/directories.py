"""The application's directories; what is in them is the runner's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift
from hostwright.host.change import Change, Directory, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

ROOT = "/var/lib/hostwright"


def watch(desired: Desired) -> Watch:
    """Each of them."""
    return Watch(paths=tuple(item.path for item in _wanted(desired)))


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Make them, with modes that keep releases and secrets to root."""
    directories = drift.differing(facts, _wanted(desired))
    if not directories:
        return []
    why = drift.reasons(facts, directories)
    return [Change("Make the application's directories", why, directories=directories)]


def _wanted(desired: Desired) -> tuple[Directory, ...]:
    app = f"{ROOT}/{desired.app}"
    return (
        Directory(ROOT, 0o711),
        Directory(app, 0o711),
        Directory(f"{app}/releases", 0o700),
        Directory(f"{app}/base", 0o700),
        Directory(f"{app}/live", 0o755),
    )
