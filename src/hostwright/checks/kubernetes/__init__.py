"""What a perfect chart passes: rules over the objects that Helm rendered.

Each rule is a function from a view (contract, manifest, what the values chose) to findings, in a
table of its module; none knows of the others. :mod:`.schemas` besides says what Kubernetes itself
takes. The scanners that ``nox -s validate`` runs confirm these, they do not replace them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked
from hostwright.checks.kubernetes import (
    containers,
    csi,
    environment,
    health,
    migrations,
    network,
    objects,
    pod_security,
    relations,
    routing,
    schemas,
    secrets,
    workloads,
)
from hostwright.checks.kubernetes.view import Settings, View

if TYPE_CHECKING:
    from hostwright.contract.models import Contract
    from hostwright.helm.manifest import Manifest

__all__ = ["CHECKS", "RULES", "Settings", "View", "check"]

CHECKS = {
    **objects.CHECKS,
    **schemas.CHECKS,
    **pod_security.CHECKS,
    **containers.CHECKS,
    **environment.CHECKS,
    **health.CHECKS,
    **workloads.CHECKS,
    **migrations.CHECKS,
    **relations.CHECKS,
    **network.CHECKS,
    **routing.CHECKS,
    **secrets.CHECKS,
    **csi.CHECKS,
}
#: Rules about network policies, which an installation may do without.
_POLICIES = network.RULES
RULES = (
    *objects.RULES,
    *pod_security.RULES,
    *containers.RULES,
    *environment.RULES,
    *health.RULES,
    *workloads.RULES,
    *migrations.RULES,
    *relations.RULES,
    *routing.RULES,
    *secrets.RULES,
    *csi.RULES,
)


def check(contract: Contract, manifest: Manifest, settings: Settings) -> Checked:
    """Every rule against a manifest.

    Args:
        contract: What the roles are.
        manifest: What Helm rendered.
        settings: What the values chose.
    """
    view = View(contract, manifest, settings)
    rules = (*RULES, *(_POLICIES if settings.policies else ()))
    found = {finding for rule in rules for finding in rule(view)}
    return Checked(len(rules) * max(1, len(manifest.objects)), tuple(sorted(found)))
