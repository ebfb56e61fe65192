"""What Google Cloud asks of the blueprint, beyond what a schema can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds import gcp_access, gcp_edge, gcp_run, gcp_stores
from hostwright.checks.clouds.gcp_view import View
from hostwright.checks.finding import Checked

if TYPE_CHECKING:
    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract
    from hostwright.terraform.plan import Plan

CHECKS = {
    **gcp_run.CHECKS,
    **gcp_access.CHECKS,
    **gcp_stores.CHECKS,
    **gcp_edge.CHECKS,
}
RULES = (*gcp_run.RULES, *gcp_access.RULES, *gcp_stores.RULES, *gcp_edge.RULES)


def check(contract: Contract, plan: Plan, source: Source) -> Checked:
    """Every rule against a planned blueprint."""
    view = View(contract, plan, source)
    found = {finding for rule in RULES for finding in rule(view)}
    return Checked(len(CHECKS) + len(view.plan.resources), tuple(sorted(found)))
