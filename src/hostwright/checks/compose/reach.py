"""Who reaches whom: published ports, networks, and names that must be unique to a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.compose.told import ProjectRule, ServiceRule, of_project, of_service
from hostwright.contract.models import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Contract
    from hostwright.render.project import Project, Service

PROXY = "caddy"
STORES = ("postgres", "redis")
BASE = frozenset({PROXY, *STORES})
#: Everything that may be reached from outside; SSH is the host's own.
PUBLIC = frozenset({("80", "tcp"), ("443", "tcp"), ("443", "udp")})
#: A variable that only a role with a place in the database has.
DATABASE = "DATABASE_URL"
MIGRATE = "migrate"


def ports(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Only Caddy publishes ports, and only 80 and 443: Docker's ports go past the firewall."""
    for index, port in enumerate(service.data.get("ports") or []):
        number, protocol = str(port.get("published") or "any"), str(port.get("protocol") or "tcp")
        if service.role == PROXY and (number, protocol) in PUBLIC:
            continue
        yield of_service(
            project,
            service,
            "port-published",
            f"publishes {number}/{protocol} to the world, past the host's firewall",
            "Remove the port: only Caddy is reached from outside, on 80 and 443.",
            "ports",
            index,
        )


def way_out(_: Contract, project: Project) -> Iterator[Finding]:
    """Every role reaches the world: secrets providers, object storage and mail are outside."""
    for _role, service in project.roles():
        joined = set(service.networks)
        if joined - project.internal:
            continue
        only = ", ".join(sorted(joined)) or "no network"
        yield of_service(
            project,
            service,
            "no-way-out",
            f"has no way out, only {only} (internal): it reaches no secrets provider, no object "
            "storage, no mail",
            "Add a network that is not internal.",
            "networks",
        )


def stores_hidden(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Postgres and Redis are on internal networks only."""
    for network in service.networks if service.role in STORES else ():
        if network not in project.internal:
            yield of_service(
                project,
                service,
                "store-exposed",
                f"is on the network {network}, which is not internal",
                f"Set internal: true on {network}, or take {service.role} off it.",
                "networks",
            )


def data_network(contract: Contract, project: Project) -> Iterator[Finding]:
    """Whoever has no business with the database is not on its network."""
    stores = [store for name in STORES if (store := project.service(name))]
    data = {network for store in stores for network in store.networks} or project.internal
    outsiders = {PROXY, *(name for name in contract.roles if not _has_database(contract, name))}
    for service in project.services:
        for network in sorted(data & set(service.networks)):
            if service.role in outsiders:
                yield of_service(
                    project,
                    service,
                    "data-network",
                    f"is on {network} with the database, where it has no business",
                    f"Take {service.role} off {network}.",
                    "networks",
                )


def migration_first(contract: Contract, project: Project) -> Iterator[Finding]:
    """By hand, whoever uses the database waits for the migration."""
    if project.kind != "whole" or MIGRATE not in contract.roles:
        return
    for role, service in project.roles():
        waits = (service.data.get("depends_on") or {}).get(MIGRATE) or {}
        gated = waits.get("condition") == "service_completed_successfully"
        if role != MIGRATE and _has_database(contract, role) and not gated:
            yield of_service(
                project,
                service,
                "migration-not-first",
                "starts before the migration has succeeded",
                "Add depends_on: {migrate: {condition: service_completed_successfully}}.",
                "depends_on",
            )


def _has_database(contract: Contract, role: str) -> bool:
    variable = contract.variables.get(DATABASE)
    return variable is not None and role in variable.roles


def split_apart(_: Contract, project: Project) -> Iterator[Finding]:
    """A release holds roles alone, and the base none: no release can create a database."""
    wrong = {"release": BASE, "base": frozenset(ROLES), "whole": frozenset()}[project.kind]
    for service in project.services:
        if service.role in wrong:
            yield of_service(
                project,
                service,
                "wrong-project",
                f"is part of the {project.kind} project",
                "Correct its label dev.hostwright.part.",
                "labels",
            )


def unique_names(_: Contract, project: Project) -> Iterator[Finding]:
    """In a release, no role answers to a name that another release's role answers to, too."""
    name = str(project.config.get("name"))
    for service in project.services if project.kind == "release" else ():
        own = {service.name, str(service.data.get("container_name"))}
        networks = (service.data.get("networks") or {}).values()
        own |= {alias for item in networks for alias in (item or {}).get("aliases") or ()}
        # migrate keeps its key: `run` and `extends` need it, and it serves nobody.
        common = {item for item in own if not item.startswith(f"{name}-")} - {MIGRATE}
        for alias in sorted(common):
            yield of_service(
                project,
                service,
                "name-shared",
                f"answers to {alias}, to which the role of every other release answers, too",
                f"Let its names begin with the project's, {name}.",
                "networks",
            )


def outside_networks(_: Contract, project: Project) -> Iterator[Finding]:
    """A release joins the base's networks and creates none."""
    for key, item in project.networks.items() if project.kind == "release" else ():
        if not item.get("external"):
            yield of_project(
                project,
                "network-created",
                f"the release would create the network {key}, apart from the base's",
                "Declare it external in the release project.",
                "networks",
                key,
            )


SERVICE_RULES: tuple[ServiceRule, ...] = (ports, stores_hidden)
PROJECT_RULES: tuple[ProjectRule, ...] = (
    way_out,
    data_network,
    migration_first,
    split_apart,
    unique_names,
    outside_networks,
)
