"""Policy of a rendered Compose project: what every container must and must not be.

Rules are functions in tables, one table for what is asked of each service and one for what is asked
of the project; each gives its findings and knows nothing of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.compose import containers, keeping, reach, secret_slots, stores
from hostwright.checks.finding import Checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.checks.compose.stores import Script
    from hostwright.contract.models import Contract
    from hostwright.render.project import Project

SERVICE_RULES = (
    *containers.RULES,
    *keeping.RULES,
    *reach.SERVICE_RULES,
    *secret_slots.SERVICE_RULES,
)
PROJECT_RULES = (
    *reach.PROJECT_RULES,
    *secret_slots.PROJECT_RULES,
    *stores.PROJECT_RULES,
)


def check(contract: Contract, project: Project, scripts: Mapping[str, Script]) -> Checked:
    """Every rule against every service of *project*, and against the project.

    Args:
        contract: What the roles are.
        project: What the engine rendered.
        scripts: The blueprint's scripts, as ``stores.redis`` takes them.
    """
    found = [
        finding
        for service in project.services
        for rule in SERVICE_RULES
        for finding in rule(contract, project, service)
    ]
    found += [finding for rule in PROJECT_RULES for finding in rule(contract, project)]
    found += stores.redis(contract, project, scripts)
    count = len(project.services) * len(SERVICE_RULES) + len(PROJECT_RULES) + 1
    return Checked(count, tuple(sorted(found)))
