"""The facts script on the host, so that the deploy user can have it run by the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.host import drift
from hostwright.host.change import Change, File
from hostwright.host.facts import script
from hostwright.host.steps.runner import FACTS

if TYPE_CHECKING:
    from hostwright.host.change import Watch
    from hostwright.host.facts import Facts


def plan(facts: Facts, watched: Watch) -> list[Change]:
    """Install it where it reads something else than this version would."""
    file = File(FACTS, script(watched), 0o755)
    why = drift.difference(facts, file)
    return [Change("Install the facts reader", why, files=(file,))] if why else []
