"""What holds data on Azure: Postgres, Redis, objects, secrets and logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.clouds.azure_planned import block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.azure_planned import Planned, Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "postgres-version": "Postgres is of the major version that all targets have",
    "postgres-public": "Postgres has no public address",
    "postgres-dns-link": "Postgres is made when the network knows its zone",
    "postgres-standby": "in production, Postgres has a standby in another zone",
    "postgres-backup": "Postgres is backed up for a week at least, and its disk grows",
    "postgres-tls": "Postgres refuses connections without TLS",
    "redis-retired": "Redis is a service that takes new customers",
    "redis-public": "Redis has no public address",
    "redis-plaintext": "Redis refuses connections without TLS",
    "redis-clustered": "Redis answers plain clients, over any keys",
    "redis-without-key": "Redis takes the password that REDIS_URL carries",
    "redis-forgets": "Redis writes down what it is told, and drops nothing",
    "redis-standby": "in production, Redis has a replica",
    "storage-shared-key": "objects are reached by identities, not by an account's keys",
    "storage-public": "objects are reached inside the network only",
    "storage-tls": "objects are reached over TLS 1.2 only",
    "storage-unversioned": "overwritten and deleted objects are kept for a while",
    "vault-rights": "rights to secrets are given one by one",
    "vault-purge": "in production, a deleted vault can be brought back",
    "vault-open": "the vault answers the network and the operator's addresses",
    "data-unprotected": "in production, nothing that holds data can be deleted by accident",
    "log-retention": "logs are kept as long as was asked",
}
SERVER = "azurerm_postgresql_flexible_server"
REDIS = "azurerm_managed_redis"
ACCOUNT = "azurerm_storage_account"
VAULT = "azurerm_key_vault"
LINK = "azurerm_private_dns_zone_virtual_network_link"
LOCK = "azurerm_management_lock"

VERSION = "17"
LEAST_BACKUP_DAYS = 7
#: What holds data that cannot be made again.
HOLDERS = (SERVER, REDIS, ACCOUNT)
LONGEST_LOGS = 730
#: Services that are closed or retired, by the beginning of their types.
RETIRED = ("azurerm_redis_cache", "azurerm_redis_enterprise")
ANYWHERE = frozenset({"0.0.0.0/0"})

_BURSTABLE = re.compile(r"^B_")


# --- Postgres ----------------------------------------------------------------------------------


def version(planned: Planned) -> Iterator[Finding]:
    """The major version is the one of all targets."""
    for server in planned.plan.of_type(SERVER):
        if server.get("version") != VERSION:
            yield planned.finding(
                "postgres-version",
                f"{server.address}.version",
                f"Postgres is {server.get('version')}; every target has {VERSION}",
                f'Set version = "{VERSION}".',
                "postgres",
            )


def private(planned: Planned) -> Iterator[Finding]:
    """The server is in a subnet that is delegated to it, with a private zone."""
    for server in planned.plan.of_type(SERVER):
        subnet = planned.named(server.get("delegated_subnet_id"))
        zone = planned.named(server.get("private_dns_zone_id"))
        if server.get("public_network_access_enabled") is not False or not subnet or not zone:
            yield planned.finding(
                "postgres-public",
                server.address,
                "Postgres has a public address, or none inside the network",
                "Set public_network_access_enabled = false, delegated_subnet_id and "
                "private_dns_zone_id.",
                "postgres",
            )
    for rule in planned.plan.of_type("azurerm_postgresql_flexible_server_firewall_rule"):
        yield planned.finding(
            "postgres-public",
            rule.address,
            "lets public addresses reach Postgres",
            "Remove it: the roles come from inside the network.",
            "postgres",
        )


def dns_link(planned: Planned) -> Iterator[Finding]:
    """The server waits for the link between its zone and the network."""
    links = planned.plan.of_type(LINK)
    for server in planned.plan.of_type(SERVER):
        zone = planned.named(server.get("private_dns_zone_id"))
        mine = [
            link
            for link in links
            if zone and planned.named(link.get("private_dns_zone_id")) == zone
        ]
        waits = planned.waits_for(server)
        if not any(block(link.address) in waits for link in mine):
            yield planned.finding(
                "postgres-dns-link",
                server.address,
                "Postgres does not wait for the link between its zone and the network: without it "
                "the server is refused",
                f"Add {LINK}.main to its depends_on.",
                "postgres",
            )


def standby(planned: Planned) -> Iterator[Finding]:
    """In production there is a standby in another zone, on a size that can have one."""
    for server in planned.plan.of_type(SERVER):
        mode, size = server.get("high_availability.0.mode"), str(server.get("sku_name"))
        if planned.production and (mode != "ZoneRedundant" or _BURSTABLE.match(size)):
            yield planned.finding(
                "postgres-standby",
                server.address,
                f"Postgres is {size} with {mode or 'no standby'}: the loss of a zone stops it",
                'Give it high_availability { mode = "ZoneRedundant" } and a GP_ or MO_ size.',
                "postgres",
            )


def backups(planned: Planned) -> Iterator[Finding]:
    """Backups reach back a week, and the disk grows."""
    for server in planned.plan.of_type(SERVER):
        days = server.get("backup_retention_days")
        kept = isinstance(days, int) and days >= LEAST_BACKUP_DAYS
        if not kept or not server.get("auto_grow_enabled"):
            yield planned.finding(
                "postgres-backup",
                server.address,
                "Postgres keeps no backups for seven days, or stops when its disk is full",
                "Set backup_retention_days = var.db_backup_retention_days and auto_grow_enabled.",
                "postgres",
            )


def postgres_tls(planned: Planned) -> Iterator[Finding]:
    """The server demands TLS, and nothing in the configuration says otherwise."""
    settings = planned.plan.of_type("azurerm_postgresql_flexible_server_configuration")
    demands = [item for item in settings if item.get("name") == "require_secure_transport"]
    for server in planned.plan.of_type(SERVER):
        mine = [item for item in demands if planned.named(item.get("server_id")) == server]
        if not mine or any(str(item.get("value")).lower() != "on" for item in mine):
            yield planned.finding(
                "postgres-tls",
                mine[0].address if mine else server.address,
                "Postgres takes connections without TLS",
                'Set require_secure_transport to "on".',
                "postgres",
                "DATABASE_SSL_MODE",
            )


# --- Redis -------------------------------------------------------------------------------------


def retired(planned: Planned) -> Iterator[Finding]:
    """Nothing is of a service that is closed to new customers."""
    for resource in planned.plan.resources:
        if resource.type.startswith(RETIRED):
            yield planned.finding(
                "redis-retired",
                resource.address,
                f"{resource.type} is closed to new customers since April 2026",
                f"Use {REDIS}.",
                "redis",
                "REDIS_URL",
            )


def redis(planned: Planned) -> Iterator[Finding]:
    """Redis is private, encrypted, takes a key, answers plain clients and forgets nothing."""
    for store in planned.plan.of_type(REDIS):
        for check, bad, message, remedy in _redis_faults(planned, store):
            if bad:
                yield planned.finding(check, store.address, message, remedy, "redis", "REDIS_URL")


def _redis_faults(planned: Planned, store: Resource) -> Iterator[tuple[str, bool, str, str]]:
    database = store.get("default_database.0") or {}
    yield (
        "redis-public",
        store.get("public_network_access") != "Disabled",
        "Redis has a public address",
        'Set public_network_access = "Disabled".',
    )
    yield (
        "redis-plaintext",
        database.get("client_protocol") not in {None, "Encrypted"},
        "Redis speaks without TLS; REDIS_URL is rediss://",
        'Set client_protocol = "Encrypted".',
    )
    policy = database.get("clustering_policy") or "OSSCluster"
    yield (
        "redis-clustered",
        policy == "OSSCluster",
        "Redis answers plain clients with MOVED; REDIS_CLUSTER_MODE says disabled",
        'Set clustering_policy = "NoCluster"; changing it later deletes the data.',
    )
    yield (
        "redis-without-key",
        not database.get("access_keys_authentication_enabled"),
        "Redis takes no access key, so nobody can log in with REDIS_URL",
        "Set access_keys_authentication_enabled = true.",
    )
    yield (
        "redis-forgets",
        database.get("eviction_policy") != "NoEviction"
        or not database.get("persistence_append_only_file_backup_frequency"),
        "Redis drops keys when it is full, or writes nothing down: jobs vanish",
        'Set eviction_policy = "NoEviction" and persistence_append_only_file_backup_frequency.',
    )
    yield (
        "redis-standby",
        planned.production and store.get("high_availability_enabled") is False,
        "Redis has no replica: the loss of a machine stops it",
        "Set high_availability_enabled by profile.",
    )


# --- objects and secrets -----------------------------------------------------------------------


def storage(planned: Planned) -> Iterator[Finding]:
    """The account takes no keys, no public requests and no old TLS, and keeps old versions."""
    for account in planned.plan.of_type(ACCOUNT):
        for check, bad, message, remedy in _storage_faults(account):
            if bad:
                yield planned.finding(check, account.address, message, remedy, "storage")
    for container in planned.plan.of_type("azurerm_storage_container"):
        if container.get("container_access_type") not in {None, "private"}:
            yield planned.finding(
                "storage-public",
                container.address,
                f"anybody may read the container: {container.get('container_access_type')}",
                'Set container_access_type = "private".',
                "storage",
            )


def _storage_faults(account: Resource) -> Iterator[tuple[str, bool, str, str]]:
    yield (
        "storage-shared-key",
        account.get("shared_access_key_enabled") is not False,
        "the account's keys open it, and they lie in the state",
        "Set shared_access_key_enabled = false.",
    )
    yield (
        "storage-public",
        account.get("public_network_access_enabled") is not False
        or account.get("allow_nested_items_to_be_public") is not False,
        "the account answers from everywhere",
        "Set public_network_access_enabled and allow_nested_items_to_be_public to false.",
    )
    yield (
        "storage-tls",
        account.get("min_tls_version") not in {None, "TLS1_2", "TLS1_3"}
        or account.get("https_traffic_only_enabled") is False,
        "the account answers without TLS, or over an old one",
        'Set min_tls_version = "TLS1_2" and https_traffic_only_enabled = true.',
    )
    blobs = account.get("blob_properties.0") or {}
    yield (
        "storage-unversioned",
        not blobs.get("versioning_enabled") or not blobs.get("delete_retention_policy"),
        "what is overwritten or deleted is gone at once",
        "Set versioning_enabled and delete_retention_policy in blob_properties.",
    )


def vaults(planned: Planned) -> Iterator[Finding]:
    """The vault is guarded by rights to single secrets, and by its firewall."""
    for vault in planned.plan.of_type(VAULT):
        for check, bad, message, remedy in _vault_faults(planned, vault):
            if bad:
                yield planned.finding(check, vault.address, message, remedy, "vault")


def _vault_faults(planned: Planned, vault: Resource) -> Iterator[tuple[str, bool, str, str]]:
    yield (
        "vault-rights",
        not vault.get("rbac_authorization_enabled"),
        "access policies open all secrets of the vault at once",
        "Set rbac_authorization_enabled = true, and give rights to single secrets.",
    )
    yield (
        "vault-purge",
        planned.production and not vault.get("purge_protection_enabled"),
        "a deleted vault can be purged at once, with every secret in it",
        "Set purge_protection_enabled by profile.",
    )
    asked = ANYWHERE & set(planned.input("operator_ranges") or ())
    shut = vault.get("public_network_access_enabled") is False
    yield (
        "vault-open",
        not shut and not asked and vault.get("network_acls.0.default_action") != "Deny",
        "the vault answers every address, and operator_ranges does not say so",
        'Set network_acls { default_action = "Deny" } with ip_rules from operator_ranges.',
    )


# --- protection and logs -----------------------------------------------------------------------


def protection(planned: Planned) -> Iterator[Finding]:
    """In production, whatever holds data lies in a locked group, and was made after the lock."""
    locks = [
        item for item in planned.plan.of_type(LOCK) if item.get("lock_level") == "CanNotDelete"
    ]
    groups = planned.plan.of_type("azurerm_resource_group")
    for holder in planned.plan.of_type(*HOLDERS) if planned.production else ():
        group = [item for item in groups if item.get("name") == holder.get("resource_group_name")]
        mine = [lock for lock in locks if planned.named(lock.get("scope")) in group]
        waits = planned.waits_for(holder)
        if not any(block(lock.address) in waits for lock in mine):
            yield planned.finding(
                "data-unprotected",
                holder.address,
                "can be deleted: no lock is on its group, or the lock would be removed first",
                f"Put it into azurerm_resource_group.data, and {LOCK}.data into its depends_on.",
                _holder(holder),
            )


def _holder(resource: Resource) -> str:
    return {SERVER: "postgres", REDIS: "redis", ACCOUNT: "storage"}[resource.type]


def logs(planned: Planned) -> Iterator[Finding]:
    """Logs are kept as long as was asked, or as long as Azure can."""
    asked = planned.input("log_retention_days")
    for workspace in planned.plan.of_type("azurerm_log_analytics_workspace"):
        wanted = min(int(asked), LONGEST_LOGS) if asked else None
        if workspace.get("retention_in_days") != wanted:
            yield planned.finding(
                "log-retention",
                workspace.address,
                f"logs are kept {workspace.get('retention_in_days')} days, not {wanted}",
                f"Set retention_in_days = min(var.log_retention_days, {LONGEST_LOGS}).",
                "",
                "log_retention_days",
            )


RULES: tuple[Rule, ...] = (
    version,
    private,
    dns_link,
    standby,
    backups,
    postgres_tls,
    retired,
    redis,
    storage,
    vaults,
    protection,
    logs,
)
