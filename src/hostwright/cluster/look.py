"""Look at what runs, for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.cluster import commands, installed, objects
from hostwright.cluster import drift as comparing
from hostwright.errors import KubernetesError

if TYPE_CHECKING:
    from hostwright.cluster.client import Cluster
    from hostwright.cluster.drift import Difference
    from hostwright.cluster.model import Objects
    from hostwright.contract.models import Contract


def drift(cluster: Cluster, contract: Contract) -> tuple[list[Difference], list[str]]:
    """What differs, and the roles that were looked at.

    Raises:
        NoRelease: Nothing is installed.
    """
    manifest = installed.manifest(cluster)
    inputs = installed.inputs(cluster, contract)
    running = comparing.live(cluster.read(commands.look(cluster.where)))
    found = comparing.differences(contract, inputs, manifest, running)
    return [*found, *_secrets(cluster, manifest)], [role for role, _ in objects.workloads(manifest)]


def _secrets(cluster: Cluster, manifest: Objects) -> list[Difference]:
    """Secrets that External Secrets did not fetch; nothing where it is not used."""
    if not any(key.kind == "ExternalSecret" for key in manifest):
        return []
    try:
        return comparing.unready_secrets(cluster.read(commands.external_secrets(cluster.where)))
    except KubernetesError as error:
        told = f"the ExternalSecrets could not be asked: {error.what.splitlines()[0]}"
        return [comparing.Difference("", told)]
