"""Networks, names and the provider itself: what Azure refuses, and what must not be open."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.azure_planned import Planned, Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "subnet-too-small": "the environment's subnet has room",
    "subnet-delegation": "subnets are delegated to the service that is in them",
    "subnet-unguarded": "each subnet has rules",
    "network-open": "no rule lets the world in",
    "environment-profile": "the environment is of the kind that all of this needs",
    "endpoint-missing": "stores are reached inside the network",
    "endpoint-zone": "endpoints have the names that their service answers to",
    "name-grammar": "resources have names that Azure takes",
    "provider-features": "the provider has the block without which it refuses to start",
    "provider-version": "the provider is of a version that the blueprint is written for",
    "provider-sign-in": "the provider reaches the storage account without its keys",
    "provider-unregistered": "the subscription knows every service that is used",
}
APPS, DATABASE = "Microsoft.App/environments", "Microsoft.DBforPostgreSQL/flexibleServers"
#: The longest prefix of the environment's subnet, with workload profiles.
LONGEST_PREFIX = 27
#: Store to the part of it that an endpoint leads to, and the zone of its names.
ENDPOINTS = {
    "azurerm_key_vault": ("vault", "privatelink.vaultcore.azure.net"),
    "azurerm_managed_redis": ("redisEnterprise", "privatelink.redis.azure.net"),
    "azurerm_storage_account": ("blob", "privatelink.blob.core.windows.net"),
}
#: Type to the grammar of its names, with their lengths.
NAMES = {
    "azurerm_container_app": r"[a-z](?!.*--)[a-z0-9-]{0,30}[a-z0-9]",
    "azurerm_container_app_environment": r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,58}[A-Za-z0-9]",
    "azurerm_container_app_job": r"[a-z](?!.*--)[a-z0-9-]{0,29}[a-z0-9]",
    "azurerm_key_vault": r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "azurerm_key_vault_secret": r"[A-Za-z0-9-]{1,127}",
    "azurerm_managed_redis": r"[A-Za-z0-9](?!.*--)[A-Za-z0-9-]{0,58}[A-Za-z0-9]",
    "azurerm_postgresql_flexible_server": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "azurerm_storage_account": r"[a-z0-9]{3,24}",
    "azurerm_storage_container": r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]",
}
#: Beginning of a type to the service's registration in a subscription.
PROVIDERS = {
    "azurerm_container_app": "Microsoft.App",
    "azurerm_key_vault": "Microsoft.KeyVault",
    "azurerm_log_analytics": "Microsoft.OperationalInsights",
    "azurerm_managed_redis": "Microsoft.Cache",
    "azurerm_monitor_diagnostic_setting": "Microsoft.Insights",
    "azurerm_postgresql": "Microsoft.DBforPostgreSQL",
    "azurerm_storage": "Microsoft.Storage",
    "azurerm_user_assigned_identity": "Microsoft.ManagedIdentity",
    "azurerm_virtual_network": "Microsoft.Network",
}
EVERYWHERE = frozenset({"*", "0.0.0.0/0", "any", "internet", "::/0"})

_LEAST, _BELOW = re.compile(r">=\s*5\b"), re.compile(r"<\s*6\b")


# --- subnets -----------------------------------------------------------------------------------


def _users(planned: Planned) -> Iterator[tuple[Resource, str]]:
    """Each subnet that a service is in, and the service that it must be delegated to."""
    for environment in planned.plan.of_type("azurerm_container_app_environment"):
        subnet = planned.named(environment.get("infrastructure_subnet_id"))
        if subnet is not None:
            yield subnet, APPS
    for server in planned.plan.of_type("azurerm_postgresql_flexible_server"):
        subnet = planned.named(server.get("delegated_subnet_id"))
        if subnet is not None:
            yield subnet, DATABASE


def sizes(planned: Planned) -> Iterator[Finding]:
    """The environment's subnet is /27 or larger."""
    for subnet, service in _users(planned):
        for text in subnet.get("address_prefixes") or [] if service == APPS else ():
            if ipaddress.ip_network(text).prefixlen > LONGEST_PREFIX:
                yield planned.finding(
                    "subnet-too-small",
                    subnet.address,
                    f"{text} is too small for Container Apps, which wants /{LONGEST_PREFIX} or "
                    "larger",
                    "Give it a /23: each instance takes an address, and a new revision as many.",
                    "",
                    "network_cidr",
                )


def delegations(planned: Planned) -> Iterator[Finding]:
    """A subnet is delegated to the one service that is in it."""
    for subnet, service in _users(planned):
        has = [
            item.get("name")
            for delegation in subnet.get("delegation") or []
            for item in delegation.get("service_delegation") or []
        ]
        if has != [service]:
            told = ", ".join(map(str, has)) or "nothing"
            yield planned.finding(
                "subnet-delegation",
                subnet.address,
                f"is delegated to {told}; what is in it demands {service}",
                f'Delegate it: service_delegation {{ name = "{service}" }}.',
            )


def guards(planned: Planned) -> Iterator[Finding]:
    """Every subnet has a security group."""
    joined = planned.plan.of_type("azurerm_subnet_network_security_group_association")
    guarded = {item.get("subnet_id") for item in joined}
    for subnet in planned.plan.of_type("azurerm_subnet"):
        if f"${{{subnet.address}.id}}" not in guarded:
            yield planned.finding(
                "subnet-unguarded",
                subnet.address,
                "has no security group: everything in the network reaches what is in it",
                "Add it to local.guarded in network.tf.",
            )


def openings(planned: Planned) -> Iterator[Finding]:
    """No rule lets requests in from everywhere."""
    for rule in planned.plan.of_type("azurerm_network_security_rule"):
        sources = {rule.get("source_address_prefix"), *(rule.get("source_address_prefixes") or ())}
        inbound = (rule.get("direction"), rule.get("access")) == ("Inbound", "Allow")
        if inbound and {str(item).lower() for item in sources} & EVERYWHERE:
            yield planned.finding(
                "network-open",
                rule.address,
                f"{rule.get('name')} lets everybody in to {rule.get('destination_address_prefix')}",
                "Let in the roles' subnet alone.",
            )


def environment(planned: Planned) -> Iterator[Finding]:
    """The environment is in the network, has a profile, and sends its logs to the workspace."""
    for each in planned.plan.of_type("azurerm_container_app_environment"):
        profiles = [
            item.get("workload_profile_type") for item in each.get("workload_profile") or []
        ]
        faults = [
            (not planned.named(each.get("infrastructure_subnet_id")), "is not in the network"),
            ("Consumption" not in profiles, "has no workload profile, and can never be given one"),
            (
                each.get("logs_destination") != "log-analytics"
                or not each.get("log_analytics_workspace_id"),
                "sends its logs nowhere",
            ),
            (
                planned.production and not each.get("zone_redundancy_enabled"),
                "is in one zone in production",
            ),
        ]
        for bad, told in faults:
            if bad:
                yield planned.finding(
                    "environment-profile",
                    each.address,
                    f"the environment {told}: changing it later replaces every app",
                    "Set infrastructure_subnet_id, workload_profile, logs_destination with its "
                    "workspace, and zone_redundancy_enabled by profile.",
                )


# --- endpoints ---------------------------------------------------------------------------------


def endpoints(planned: Planned) -> Iterator[Finding]:
    """Every store has an endpoint, and the endpoint a zone that the network is linked to."""
    for store in planned.plan.of_type(*ENDPOINTS):
        part, zone = ENDPOINTS[store.type]
        mine = [
            each
            for each in planned.plan.of_type("azurerm_private_endpoint")
            if planned.named(
                each.get("private_service_connection.0.private_connection_resource_id")
            )
            == store
        ]
        if not any(_parts(each) == [part] for each in mine):
            yield planned.finding(
                "endpoint-missing",
                store.address,
                f"no private endpoint leads to its {part}: the roles cannot reach it",
                f'Add an azurerm_private_endpoint with subresource_names = ["{part}"].',
            )
        for each in mine:
            if zone not in _zones(planned, each):
                yield planned.finding(
                    "endpoint-zone",
                    each.address,
                    f"is not registered in {zone}, linked to the network: the name leads outside",
                    "Give it private_dns_zone_group with that zone, and link the zone.",
                )


def _parts(endpoint: Resource) -> list[str]:
    return list(endpoint.get("private_service_connection.0.subresource_names") or ())


def _zones(planned: Planned, endpoint: Resource) -> set[str]:
    """The names of an endpoint's zones that are linked to a network."""
    linked = {
        item.get("private_dns_zone_id")
        for item in planned.plan.of_type("azurerm_private_dns_zone_virtual_network_link")
    }
    ids = endpoint.get("private_dns_zone_group.0.private_dns_zone_ids") or ()
    found = [zone for item in ids if item in linked and (zone := planned.named(item))]
    return {str(zone.get("name")) for zone in found}


# --- names and the provider --------------------------------------------------------------------


def names(planned: Planned) -> Iterator[Finding]:
    """Names keep the grammar of their service, which the schema does not tell."""
    for resource in planned.plan.of_type(*NAMES):
        name, grammar = str(resource.get("name")), NAMES[resource.type]
        if "${" not in name and not re.fullmatch(grammar, name):
            yield planned.finding(
                "name-grammar",
                resource.address,
                f"is called {name}, which Azure refuses: it must match {grammar}",
                "Compose it in local.names, and cut what may be long.",
                "",
                name,
            )


def features(planned: Planned) -> Iterator[Finding]:
    """The provider block has ``features``, however empty."""
    if planned.provider("features") is None:
        yield planned.finding(
            "provider-features",
            "provider.azurerm",
            "the provider has no features block: it refuses to start",
            "Add features {}.",
        )


def versions(planned: Planned) -> Iterator[Finding]:
    """The provider is 5.x: neither 4 nor 6 takes every argument."""
    used = planned.plan.providers.get("azurerm")
    text = used.versions if used else ""
    if not _LEAST.search(text) or not _BELOW.search(text):
        yield planned.finding(
            "provider-version",
            "terraform",
            f"takes azurerm {text or 'of any version'}; this blueprint is written for 5.x",
            'Set version = ">= 5.0, < 6".',
        )


def sign_in(planned: Planned) -> Iterator[Finding]:
    """Without shared keys, the provider signs in to storage as itself."""
    keyless = any(
        item.get("shared_access_key_enabled") is False
        for item in planned.plan.of_type("azurerm_storage_account")
    )
    if keyless and planned.provider("storage_use_azuread") is not True:
        yield planned.finding(
            "provider-sign-in",
            "provider.azurerm",
            "the provider asks for the storage account's keys, which it does not take",
            "Set storage_use_azuread = true.",
        )


def registrations(planned: Planned) -> Iterator[Finding]:
    """Since 5.0 the provider registers no service by itself."""
    listed = planned.provider("resource_providers_to_register") or []
    if planned.provider("resource_provider_registrations") not in {None, "none"}:
        return
    for beginning, service in PROVIDERS.items():
        used = [item for item in planned.plan.resources if item.type.startswith(beginning)]
        if used and service not in listed:
            yield planned.finding(
                "provider-unregistered",
                "provider.azurerm",
                f"{service} is not registered, which {used[0].address} needs: a subscription that "
                "has never used it refuses",
                f'Add "{service}" to resource_providers_to_register.',
                "",
                service,
            )


RULES: tuple[Rule, ...] = (
    sizes,
    delegations,
    guards,
    openings,
    environment,
    endpoints,
    names,
    features,
    versions,
    sign_in,
    registrations,
)
