"""Time: certificates and signatures fail on a host whose clock is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host.change import Change, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

DEFAULT = "systemd-timesyncd"

#: Whoever keeps time already goes on doing so. Package to unit.
KEEPERS = {
    "chrony": "chrony.service",
    "ntpsec": "ntpsec.service",
    "openntpd": "openntpd.service",
    DEFAULT: f"{DEFAULT}.service",
}


def watch(_desired: Desired) -> Watch:
    """Every known keeper of time."""
    return Watch(packages=tuple(KEEPERS), units=tuple(KEEPERS.values()))


def packages(facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """The installed one, else systemd's."""
    return (_keeper(facts),)


def plan(facts: Facts, _desired: Desired) -> list[Change]:
    """Keep the keeper running; a container's time is its host's, there it only stays enabled."""
    service = KEEPERS[_keeper(facts)]
    unit = facts.units.get(service)
    if unit and unit.enabled == "enabled" and (facts.container or unit.active == "active"):
        return []
    why = f"{service} is {unit.active if unit else 'missing'}"
    return [Change("Keep time", why, commands=(f"keep_running {service}",))]


def _keeper(facts: Facts) -> str:
    return next((name for name in KEEPERS if name in facts.packages), DEFAULT)
