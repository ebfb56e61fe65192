"""The plan: what would have to change for the facts to be as desired. Pure."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from hostwright.host.change import Change, Watch
from hostwright.host.steps import (
    backups,
    clock,
    directories,
    distribution,
    docker,
    firewall,
    journal,
    packages,
    ratelimit,
    reader,
    runner,
    sshd,
    swap,
    sysctl,
    unproven,
    upgrades,
    users,
)

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

#: In the order of their changes within a phase.
STEPS = (
    directories,
    journal,
    sysctl,
    swap,
    upgrades,
    ratelimit,
    docker,
    packages,
    clock,
    runner,
    backups,
    users,
    unproven,
    firewall,
    sshd,
)


def watch(desired: Desired) -> Watch:
    """Everything that the plan needs to know about a host."""
    facts_script = Watch(paths=(runner.FACTS,))
    return reduce(Watch.__or__, (step.watch(desired) for step in STEPS), facts_script)


def plan(facts: Facts, desired: Desired) -> tuple[Change, ...]:
    """The changes, in the order to make them; none when all is as desired.

    Raises:
        UnsupportedHost: The plan was not written for such a system.
    """
    distribution.check(facts)
    changes = [change for step in STEPS for change in step.plan(facts, desired)]
    changes += reader.plan(facts, watch(desired))
    return tuple(sorted(changes, key=lambda change: change.phase))


def shown(changes: tuple[Change, ...]) -> str:
    """The plan for people, a line per change."""
    width = max((len(change.title) for change in changes), default=0)
    return "\n".join(f"  {change.title:<{width}}  {change.why}" for change in changes)
