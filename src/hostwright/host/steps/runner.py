"""The runner: the one program that the deploy user may run as root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, Directory, File, Watch
from hostwright.host.steps.users import RUNNER

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

LIBRARY = "/usr/local/lib/hostwright"
ARCHIVE = f"{LIBRARY}/runner.pyz"
FACTS = f"{LIBRARY}/facts.sh"
UNIT = "/etc/systemd/system/hostwright-resume@.service"


def watch(desired: Desired) -> Watch:
    """Program, wrapper, and the unit that finishes an interrupted release at boot."""
    return Watch(
        paths=(LIBRARY, *(file.path for file in _files(desired))),
        packages=("python3", "restic"),
        units=(_instance(desired),),
    )


def packages(_facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """The distribution's Python, of which the runner needs the standard library; and restic."""
    return ("python3", "restic")


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Install it where it is missing, changed or of another version."""
    directories = drift.differing(facts, (Directory(LIBRARY),))
    files = drift.differing(facts, _files(desired))
    enabled = _enabled(facts, desired)
    if not directories and not files and enabled:
        return []
    why = drift.reasons(facts, (*directories, *files)) or f"{_instance(desired)} is not enabled"
    return [
        Change(
            "Install the runner",
            why,
            directories=directories,
            files=files,
            # To enable is to reload as well.
            commands=(f"systemctl -q enable {_instance(desired)}", f"{RUNNER} version"),
        )
    ]


def _files(desired: Desired) -> tuple[File, ...]:
    return (
        File(ARCHIVE, desired.runner),
        File(RUNNER, static.text("hostwright-runner.sh"), 0o755),
        File(UNIT, static.text("hostwright-resume@.service")),
    )


def _instance(desired: Desired) -> str:
    return f"hostwright-resume@{desired.app}.service"


def _enabled(facts: Facts, desired: Desired) -> bool:
    unit = facts.units.get(_instance(desired))
    return unit is not None and unit.enabled == "enabled"
