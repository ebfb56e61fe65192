"""Look at everything side by side: what is slow is asked while the rest is looked at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hostwright.doctor import logins, machine, servers
from hostwright.doctor.model import Facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.contract.models import TargetName

CLOUDS: tuple[TargetName, ...] = ("aws", "azure", "gcp")
#: The tools of each target, by their names in the table: those that prove it and operate it.
TOOLS_OF: dict[TargetName, tuple[str, ...]] = {
    "aws": ("terraform", "trivy", "checkov", "aws"),
    "azure": ("terraform", "trivy", "checkov", "az"),
    "gcp": ("terraform", "trivy", "checkov", "gcloud"),
    "kubernetes": ("helm", "helm-3", "helm-4", "kubectl", "trivy", "checkov"),
    "vps": ("docker-compose", "caddy", "hadolint", "shellcheck", "yamllint", "docker"),
}


def look(targets: Sequence[TargetName], host: str = "", var_files: Sequence[str] = ()) -> Facts:
    """Read the facts about this machine and *targets*.

    Raises:
        UserError: A file of inputs is not there.
        SettingsError: There is no such host.
    """
    domains = logins.domains(var_files)  # what was typed wrong is said before anything is asked
    hosts = servers.chosen(host) if "vps" in targets else None
    names = {name for target in targets for name in TOOLS_OF[target]}
    with ThreadPoolExecutor() as pool:
        here = pool.submit(machine.look, names)
        asked = {
            cloud: pool.submit(logins.cloud, cloud, domains) for cloud in CLOUDS if cloud in targets
        }
        cluster = pool.submit(logins.cluster) if "kubernetes" in targets else None
        found = pool.submit(servers.look, hosts) if hosts else None
        return Facts(
            machine=here.result(),
            clouds={cloud: answer.result() for cloud, answer in asked.items()},
            cluster=cluster.result() if cluster else None,
            servers=found.result() if found else None,
        )
