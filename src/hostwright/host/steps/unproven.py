"""A change of sshd or the firewall that an earlier run made and did not live to prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host.change import Change, Phase, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

#: Copies of the files as they were; they are removed when new logins have worked.
BEFORE = "/run/hostwright/before"


def watch(_desired: Desired) -> Watch:
    """The copies."""
    return Watch(paths=(BEFORE,))


def plan(facts: Facts, _desired: Desired) -> list[Change]:
    """Ask for the proof: without it the host would put the old files back later."""
    if BEFORE not in facts.paths:
        return []
    why = "an earlier run ended before new logins were proven"
    return [Change("Keep sshd and firewall", why, Phase.LOGIN)]
