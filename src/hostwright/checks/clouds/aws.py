"""What AWS asks of the blueprint, beyond what a schema can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds import aws_edge, aws_rights, aws_stores, aws_tasks
from hostwright.checks.clouds.aws_view import View
from hostwright.checks.finding import Checked

if TYPE_CHECKING:
    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract
    from hostwright.terraform.plan import Plan

PARTS = (aws_tasks, aws_rights, aws_stores, aws_edge)
CHECKS = {check: meaning for part in PARTS for check, meaning in part.CHECKS.items()}
RULES = tuple(rule for part in PARTS for rule in part.RULES)


def check(contract: Contract, plan: Plan, source: Source) -> Checked:
    """Every rule against a planned blueprint."""
    view = View(contract, plan, source)
    found = {finding for rule in RULES for finding in rule(view)}
    return Checked(len(RULES) + len(plan.resources), tuple(sorted(found)))
