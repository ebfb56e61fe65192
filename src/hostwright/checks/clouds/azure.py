"""What a planned Azure blueprint must be, beyond the contract: rules of the platform and of ours.

Rules are functions in tables; each gives its findings and knows nothing of the others. Names,
sizes, limits and enumerations stand here because a provider's schema does not tell them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds import azure_network, azure_rights, azure_roles, azure_stores
from hostwright.checks.clouds.azure_planned import Planned
from hostwright.checks.finding import Checked

if TYPE_CHECKING:
    from hostwright.checks.clouds.source import Source
    from hostwright.contract.models import Contract
    from hostwright.terraform.plan import Plan

_PARTS = (azure_roles, azure_rights, azure_stores, azure_network)
CHECKS = {check: holds for part in _PARTS for check, holds in part.CHECKS.items()}
RULES = tuple(rule for part in _PARTS for rule in part.RULES)


def check(contract: Contract, plan: Plan, source: Source) -> Checked:
    """Every rule against *plan*."""
    planned = Planned(contract, plan, source)
    found = {finding for rule in RULES for finding in rule(planned)}
    return Checked(len(RULES), tuple(sorted(found)))
