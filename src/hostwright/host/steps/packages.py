"""Every package that any concern needs, by one apt-get call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host.change import Change, Phase, Watch
from hostwright.host.steps import clock, docker, firewall, ratelimit, runner, upgrades, users

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

_NEEDY = (users, runner, docker, firewall, upgrades, clock, ratelimit)

#: Configuration that is on the host stays: ours is written beforehand, the operator's is theirs.
_INSTALL = (
    "apt_get install -y --no-install-recommends"
    " -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
)


def watch(_desired: Desired) -> Watch:
    """The version of sshd tells what it can do; the others are named by their concerns."""
    return Watch(packages=("openssh-server",))


def wanted(facts: Facts, desired: Desired) -> tuple[str, ...]:
    """The packages this host needs, sorted."""
    return tuple(sorted({name for step in _NEEDY for name in step.packages(facts, desired)}))


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Install what is missing; the lists are fetched only then."""
    missing = [name for name in wanted(facts, desired) if name not in facts.packages]
    if not missing:
        return []
    return [
        Change(
            "Install packages",
            f"missing: {', '.join(missing)}",
            Phase.PACKAGES,
            commands=(
                # Translations of package descriptions are of no use to a server.
                "apt_get update -o Acquire::Languages=none",
                f"{_INSTALL} {' '.join(missing)}",
            ),
        )
    ]
