"""What a host cannot take, found in its facts before anything is touched. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import PreflightError
from hostwright.host.steps import swap, users
from hostwright.host.steps.docker import ENGINES
from hostwright.host.steps.firewall import RIVALS
from hostwright.host.steps.runner import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

MAX_SKEW_SECONDS = 60
MIN_DOCKER = (20, 10)
MIN_PYTHON = (3, 10)

#: Free space that changes of a host need which has its engine and its runner already.
RESERVE_MIB = 256

#: Who may have 80 and 443: our own Caddy behind Docker, or one on the host's network.
OURS = frozenset(("docker-proxy", "caddy"))


class Obstacle(NamedTuple):
    """A reason not to go on, or (not *fatal*) to think again."""

    what: str
    remedy: str
    fatal: bool = True


def obstacles(
    facts: Facts,
    desired: Desired,
    *,
    skew: float = 0.0,
    resolved: Mapping[str, Sequence[str]] | None = None,
    address: str = "",
) -> list[Obstacle]:
    """Everything that stands in the way.

    Args:
        facts: The host.
        desired: What it should become.
        skew: Seconds by which its clock is ahead of ours.
        resolved: The addresses that each of the desired domains points to now.
        address: The address that we reached the host by.
    """
    return [
        *_machine(facts, desired),
        *_space(facts, desired),
        *_clock(skew),
        *_ports(facts),
        *_rivals(facts),
        *_software(facts),
        *_accounts(facts, desired),
        *_links(facts, desired),
        *_domains(facts, resolved or {}, address),
    ]


def refuse(found: Sequence[Obstacle], where: str) -> None:
    """Raise for the fatal ones, all in one message.

    Raises:
        PreflightError: There is at least one.
    """
    fatal = [item for item in found if item.fatal]
    if fatal:
        raise PreflightError(
            "; ".join(item.what for item in fatal),
            where=where,
            remedy=f"{' '.join(item.remedy for item in fatal)} Nothing was changed.",
        )


def _machine(facts: Facts, desired: Desired) -> Iterator[Obstacle]:
    if desired.architectures and facts.architecture not in desired.architectures:
        wanted = " or ".join(desired.architectures)
        yield Obstacle(
            f"the host is {facts.architecture}, the images are {wanted}",
            "Use images for that architecture, or another host.",
        )


def _space(facts: Facts, desired: Desired) -> Iterator[Obstacle]:
    free, memory = facts.disk_free_kib // 1024, facts.memory_kib // 1024
    needed = _disk_mib(facts, desired)
    if free < needed:
        yield Obstacle(
            f"{free} MiB are free in /var/lib, {needed} are needed",
            "Free some, or take a larger disk.",
        )
    if memory < desired.min_memory_mib:
        yield Obstacle(
            f"the host has {memory} MiB of memory, {desired.min_memory_mib} are needed",
            "Take a larger host.",
        )


def _disk_mib(facts: Facts, desired: Desired) -> int:
    """A host that is one already has taken most of its space: its images and releases."""
    engine = any(name in facts.packages for name in ENGINES)
    if not engine or ARCHIVE not in facts.paths:
        return desired.min_disk_mib
    return RESERVE_MIB + (desired.swap_mib if swap.plan(facts, desired) else 0)


def _clock(skew: float) -> Iterator[Obstacle]:
    if abs(skew) > MAX_SKEW_SECONDS:
        way = "ahead" if skew > 0 else "behind"
        yield Obstacle(
            f"the host's clock is {abs(skew):.0f} s {way} of this machine's",
            "Set whichever is wrong: certificates and signatures need the time.",
        )


def _ports(facts: Facts) -> Iterator[Obstacle]:
    for item in facts.listeners:
        if item.process not in OURS:
            yield Obstacle(
                f"{item.port}/{item.protocol} is taken by {item.process or 'an unknown process'}",
                f"Stop and disable it: Caddy needs port {item.port}.",
            )


def _rivals(facts: Facts) -> Iterator[Obstacle]:
    services = {name for name, unit in RIVALS.items() if _active(facts, unit)}
    for name in sorted(facts.rivals | services):
        yield Obstacle(
            f"the firewall {name} is active, and its rules would come on top of ours",
            f"Switch {name} off first; tcp_ports and udp_ports of the host say what stays open.",
        )


def _active(facts: Facts, unit: str) -> bool:
    return unit in facts.units and facts.units[unit].active == "active"


def _software(facts: Facts) -> Iterator[Obstacle]:
    for name in ENGINES:
        found = _version(facts.packages.get(name, ""))
        if found and found < MIN_DOCKER:
            yield Obstacle(
                f"Docker {found[0]}.{found[1]} is too old", "Upgrade it to 20.10 or later."
            )
    if facts.python and facts.python < MIN_PYTHON:
        yield Obstacle("Python on the host is older than 3.10", "Install the distribution's own.")


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"(?:^|:)(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else ()


def _accounts(facts: Facts, desired: Desired) -> Iterator[Obstacle]:
    for name in users.ours(desired):
        there = facts.accounts.get(name)
        if there and there.home != users.home(name):
            yield Obstacle(
                f"the user {name} lives in {there.home}",
                f"Its home must be {users.home(name)}; or choose another user name.",
            )


def _links(facts: Facts, desired: Desired) -> Iterator[Obstacle]:
    """What root did to a link of theirs would be done to whatever it points to."""
    homes = tuple(f"{users.home(name)}/" for name in users.ours(desired))
    for path, there in facts.paths.items():
        if there.kind == "link" and path.startswith(homes):
            yield Obstacle(
                f"{path} is a link",
                f"Find out who made it, and why; then remove {path}: what belongs there is made.",
            )


def _domains(
    facts: Facts, resolved: Mapping[str, Sequence[str]], address: str
) -> Iterator[Obstacle]:
    here = {*facts.addresses, address}
    for name, found in resolved.items():
        if not here & set(found):
            points = f"points to {', '.join(found)}" if found else "points nowhere"
            yield Obstacle(
                f"{name} {points}, not to this host",
                "Its certificate cannot be issued before the DNS record is right.",
                fatal=False,
            )
