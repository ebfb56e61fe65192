"""Kernel settings, as far as this host may set them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.host import drift, static
from hostwright.host.change import Change, File, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PATH = "/etc/sysctl.d/90-hostwright.conf"
_SETTING = re.compile(r"^-?([a-z0-9_.]+) = (.+)$", re.MULTILINE)


def watch(_desired: Desired) -> Watch:
    """The file, and what is in force of it."""
    return Watch(paths=(PATH,), sysctls=tuple(_wanted()))


def plan(facts: Facts, _desired: Desired) -> list[Change]:
    """Write the file; load it where something is not in force that could be."""
    file = File(PATH, static.text("sysctl.conf"))
    there = drift.difference(facts, file)
    why = "; ".join(part for part in (there, *_not_in_force(facts)) if part)
    if not why:
        return []
    load = (f"/usr/lib/systemd/systemd-sysctl {PATH}",)
    return [Change("Set kernel settings", why, files=(file,), commands=load)]


def _wanted() -> dict[str, str]:
    return dict(_SETTING.findall(static.text("sysctl.conf").decode()))


def _not_in_force(facts: Facts) -> list[str]:
    found = {name: facts.sysctls[name] for name in _wanted() if name in facts.sysctls}
    return [
        f"{name} is {setting.value}"
        for name, setting in found.items()
        if setting.writable and setting.value != _wanted()[name]
    ]
