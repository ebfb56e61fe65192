"""Faults planted into copies of the Azure blueprint: each must be found, and told usefully.

Faults that do not touch each other are planted together, so that one plan finds them all; what ends
a plan, or changes what others show, has a copy of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.blueprints.clouds import (
    Batches,
    Fault,
    appended,
    assert_told,
    both,
    findings_of,
    matched,
    replaced,
)
from tests.blueprints.counting import assert_all_found

from hostwright.checks.clouds.azure import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.blueprints.clouds import Plant


HERE = "ops/infra/azure"
NETWORK, IDENTITIES, SECRETS, DATABASE, REDIS, STORAGE = (
    f"{HERE}/{name}.tf"
    for name in ("network", "identities", "secrets", "database", "redis", "storage")
)
SERVICES, WORKER, MIGRATE, EDGE, CI = (
    f"{HERE}/{name}.tf" for name in ("services", "worker", "migrate", "edge", "ci")
)
LOCALS, OUTPUTS, VARIABLES, VERSIONS, CONTRACT = (
    f"{HERE}/{name}.tf" for name in ("locals", "outputs", "variables", "versions", "contract")
)
KEBAB = 'lower(replace(env.key, "_", "-"))'


@dataclass(frozen=True)
class Planted:
    """A fault by its name, and the copy that it is planted into."""

    id: str
    batch: str
    fault: Fault


def row(  # noqa: PLR0913, PLR0917 - a row of the table is what it is
    name: str,
    plant: Plant,
    check: str,
    file: str,
    role: str = "",
    variable: str = "",
    *,
    says: str = "",
    batch: str = "",
    views: tuple[str, ...] = ("plan",),
) -> Planted:
    """A row of the tables below; without a batch, the fault has a copy of its own."""
    return Planted(name, batch or name, Fault(plant, check, file, role, variable, says, views))


def env_of(file: str, more: str) -> Plant:
    """Merge more into what a role gets."""
    old = "for_each = local.env[each.key]"
    return replaced(file, old, f"for_each = merge(local.env[each.key], {more})")


def right(name: str, role: str, to: str, identity: str) -> Plant:
    """Give an identity one more right."""
    return appended(
        IDENTITIES,
        f'resource "azurerm_role_assignment" "{name}" {{\n'
        f"  scope                = {to}\n"
        f'  role_definition_name = "{role}"\n'
        f"  principal_id         = {identity}.principal_id\n"
        "}\n",
    )


def of_role(role: str) -> str:
    """The identity of a role."""
    return f'azurerm_user_assigned_identity.role["{role}"]'


#: Faults that a published blueprint for Azure really had, and those that all its clouds had.
REFERENCE = [
    row(
        "reference-secret-named-like-its-variable",
        both(
            replaced(
                LOCALS,
                "{ for name, reference in local.secrets[role] : "
                'lower(replace(name, "_", "-")) => reference }',
                "local.secrets[role]",
            ),
            *(replaced(file, KEBAB, "env.key") for file in (SERVICES, WORKER, MIGRATE)),
        ),
        "secret-name-grammar",
        SERVICES,
        "api",
        "DATABASE_URL",
        says="DATABASE_URL",
        batch="names",
    ),
    row(
        "reference-secret-fetched-by-the-system-identity",
        matched(
            WORKER,
            r"identity +(= azurerm_user_assigned_identity.role\[each.key\].id)",
            'identity = "System"',
        ),
        "secret-fetch-identity",
        WORKER,
        "worker",
        "DATABASE_URL",
        says="system identity",
        batch="a",
    ),
    row(
        "reference-azure-cache-for-redis",
        appended(REDIS, 'resource "azurerm_redis_cache" "main" {\n  name = "old"\n}\n'),
        "terraform-refused",
        REDIS,
        says="azurerm_redis_cache",
    ),
    row(
        "reference-no-standby-of-postgres",
        replaced(DATABASE, 'local.db_high_availability ? ["ZoneRedundant"] : []', "[]"),
        "postgres-standby",
        DATABASE,
        "postgres",
        batch="a",
    ),
    row(
        "reference-no-replica-of-redis",
        replaced(REDIS, "= local.redis_high_availability", "= false"),
        "redis-standby",
        REDIS,
        "redis",
        "REDIS_URL",
        batch="a",
    ),
    row(
        "reference-services-go-down-to-nothing",
        replaced(SERVICES, "= local.sizes[each.key].min", "= 0"),
        "instances-too-few",
        SERVICES,
        "web",
        batch="a",
    ),
    row(
        "reference-worker-goes-down-to-nothing",
        replaced(WORKER, "= local.sizes[each.key].min", "= 0"),
        "instances-too-few",
        WORKER,
        "worker",
        batch="a",
    ),
    row(
        "reference-postgres-before-its-zone-is-linked",
        replaced(DATABASE, "    azurerm_private_dns_zone_virtual_network_link.main,\n", ""),
        "postgres-dns-link",
        DATABASE,
        "postgres",
        says="the link",
        batch="a",
    ),
    row(
        "reference-database-url-from-elsewhere",
        replaced(
            SECRETS,
            "? local.composed_secrets[local.contract.variables[name].composed]",
            '? "postgresql://app:secret@db.example.com:5432/app"',
        ),
        "wrong-source",
        WORKER,
        "worker",
        "DATABASE_URL",
        batch="b",
    ),
    row(
        "reference-no-worker",
        replaced(WORKER, 'toset(setintersection(["worker"], local.roles))', "toset([])"),
        "role-missing",
        HERE,
        "worker",
        batch="c",
    ),
    row(
        "reference-no-migration",
        replaced(MIGRATE, 'toset(setintersection(["migrate"], local.roles))', "toset([])"),
        "role-missing",
        HERE,
        "migrate",
        batch="c",
    ),
    row(
        "reference-password-in-the-state",
        replaced(
            DATABASE, "administrator_password_wo         =", "administrator_password            ="
        ),
        "terraform-refused",
        DATABASE,
        says="ephemeral",
    ),
    row(
        "reference-one-identity-for-all-roles",
        replaced(
            WORKER,
            "identity_ids = [azurerm_user_assigned_identity.role[each.key].id]",
            f"identity_ids = [{of_role('api')}.id]",
        ),
        "identity-shared",
        WORKER,
        "worker",
        says="api",
        batch="b",
    ),
    row(
        "reference-liveness-asks-the-database",
        matched(SERVICES, r"(liveness_probe \{.*?health)\.live", r"\1.ready"),
        "health-kills-on-ready",
        SERVICES,
        "api",
        "liveness_probe",
        says="/health/ready",
        batch="a",
    ),
    row(
        "reference-private-registry-is-ignored",
        matched(MIGRATE, r'  dynamic "registry" \{.*?\n  \}\n\n', ""),
        "registry-ignored",
        MIGRATE,
        "migrate",
        "registry_server",
        batch="a",
    ),
    row(
        "reference-whole-vault-for-a-role",
        replaced(
            IDENTITIES,
            "scope                = azurerm_key_vault_secret.registry[0].resource_versionless_id",
            "scope                = azurerm_key_vault.main.id",
        ),
        "grant-too-wide",
        IDENTITIES,
        "web",
        says="azurerm_key_vault.main",
        batch="a",
    ),
    row(
        "reference-input-of-another-spelling",
        both(
            *(
                replaced(file, "var.redis_size", "var.redis_capacity")
                for file in (VARIABLES, LOCALS)
            ),
            replaced(VARIABLES, 'variable "redis_size"', 'variable "redis_capacity"'),
        ),
        "input-missing",
        VARIABLES,
        "",
        "redis_size",
        batch="c",
    ),
]

ROLES = [
    row(
        "variable-missing-in-worker-only",
        replaced(
            WORKER,
            "for_each = local.env[each.key]",
            "for_each = { for name, value in local.env[each.key] : name => value "
            'if name != "DATABASE_POOL_SIZE" }',
        ),
        "variable-missing",
        WORKER,
        "worker",
        "DATABASE_POOL_SIZE",
        batch="a",
    ),
    row(
        "variable-of-nobody",
        env_of(SERVICES, '{ DEBUG = "true" }'),
        "variable-extra",
        SERVICES,
        "api",
        "DEBUG",
        batch="a",
    ),
    row(
        "database-address-in-web",
        env_of(SERVICES, "{ DATABASE_HOST = azurerm_postgresql_flexible_server.main.fqdn }"),
        "data-store-in-web",
        SERVICES,
        "web",
        "DATABASE_HOST",
        batch="b",
    ),
    row(
        "database-url-in-web",
        env_of(SERVICES, 'each.key == "web" ? { DATABASE_URL = "x" } : {}'),
        "data-store-in-web",
        SERVICES,
        "web",
        "DATABASE_URL",
        batch="c",
    ),
    row(
        "literal-of-the-contract-changed",
        env_of(MIGRATE, '{ DATABASE_SSL_MODE = "require" }'),
        "wrong-source",
        MIGRATE,
        "migrate",
        "DATABASE_SSL_MODE",
        batch="a",
    ),
    row(
        "variable-given-twice",
        env_of(MIGRATE, '{ DATABASE_URL = "postgresql://elsewhere/app" }'),
        "env-duplicate",
        MIGRATE,
        "migrate",
        "DATABASE_URL",
        batch="b",
    ),
    row(
        "secret-in-a-plain-slot",
        replaced(SERVICES, f"secret_name = {KEBAB}", "value       = local.secret_texts[env.key]"),
        "terraform-refused",
        SERVICES,
        says="ephemeral",
    ),
    row(
        "secret-reference-in-a-plain-slot",
        replaced(MIGRATE, f"secret_name = {KEBAB}", "value       = env.value"),
        "wrong-source",
        MIGRATE,
        "migrate",
        "DATABASE_URL",
        batch="f",
    ),
    row(
        "secret-given-as-a-value",
        matched(
            MIGRATE,
            r"identity            = azurerm_user_assigned_identity.role\[each.key\].id\n"
            r"      key_vault_secret_id = secret.value",
            "value = secret.value",
        ),
        "secret-not-a-reference",
        MIGRATE,
        "migrate",
        "DATABASE_URL",
        batch="d",
    ),
    row(
        "secret-that-the-app-does-not-have",
        replaced(
            WORKER,
            f"secret_name = {KEBAB}",
            'secret_name = "${lower(replace(env.key, "_", "-"))}-1"',
        ),
        "secret-unresolved",
        WORKER,
        "worker",
        "REDIS_URL",
        batch="d",
    ),
    row(
        "secret-of-one-version",
        replaced(
            LOCALS,
            "azurerm_key_vault_secret.made[name].versionless_id",
            "azurerm_key_vault_secret.made[name].id",
        ),
        "secret-version-fixed",
        SERVICES,
        "api",
        "SECRET_KEY",
        batch="a",
    ),
    row(
        "password-not-encoded",
        replaced(SECRETS, "urlencode(var.db_admin_password)", "var.db_admin_password"),
        "wrong-source",
        SERVICES,
        "api",
        "DATABASE_URL",
        batch="a",
    ),
    row(
        "redis-port-of-another-service",
        replaced(SECRETS, ":${azurerm_managed_redis.main.default_database[0].port}/0", ":6380/0"),
        "wrong-source",
        SERVICES,
        "api",
        "REDIS_URL",
        batch="a",
    ),
    row(
        "no-role-tag",
        replaced(WORKER, "merge(local.tags, { role = each.key })", "local.tags"),
        "role-untagged",
        WORKER,
        says="azurerm_container_app.worker",
        batch="e",
    ),
    row(
        "memory-that-does-not-fit",
        replaced(WORKER, '"${local.sizes[each.key].memory_mib / 1024}Gi"', '"4Gi"'),
        "cpu-memory-pair",
        WORKER,
        "worker",
        says="0.5 CPUs with 4Gi",
        batch="a",
    ),
    row(
        "no-readiness-probe",
        matched(SERVICES, r"      # This one only takes.*?readiness_probe \{.*?\n      \}\n", ""),
        "health-missing",
        SERVICES,
        "web",
        "readiness_probe",
        batch="b",
    ),
    row(
        "readiness-asks-live",
        matched(SERVICES, r"health\.ready", "health.live"),
        "health-gates-on-live",
        SERVICES,
        "web",
        "readiness_probe",
        says="/api/health",
        batch="c",
    ),
    row(
        "start-up-asks-ready",
        matched(SERVICES, r"(startup_probe \{.*?health)\.live", r"\1.ready"),
        "health-kills-on-ready",
        SERVICES,
        "web",
        "startup_probe",
        batch="d",
    ),
    row(
        "health-of-another-port",
        matched(
            SERVICES,
            r"(startup_probe \{.*?port +)= local.contract.roles\[each.key\].port",
            r"\1= 8080",
        ),
        "health-port",
        SERVICES,
        "web",
        "startup_probe",
        says="8080",
        batch="a",
    ),
    row(
        "worker-asked-over-http",
        matched(
            WORKER,
            r"(memory +=[^\n]+\n)",
            r'\1\n      liveness_probe {\n        transport = "HTTP"\n'
            r'        port      = 8000\n        path      = "/health"\n      }\n',
        ),
        "health-by-http",
        WORKER,
        "worker",
        batch="b",
    ),
    row(
        "more-failures-than-the-platform-takes",
        matched(SERVICES, r"(startup_probe \{.*?failure_count_threshold) = [^\n]+", r"\1 = 600"),
        "health-limit",
        SERVICES,
        "api",
        "startup_probe",
        says="600",
        batch="b",
    ),
    row(
        "too-little-time-to-start",
        matched(SERVICES, r"(startup_probe \{.*?failure_count_threshold) = [^\n]+", r"\1 = 3"),
        "start-too-short",
        SERVICES,
        "api",
        "startup_probe",
        says="6 seconds",
        batch="a",
    ),
    row(
        "too-little-time-to-stop",
        replaced(WORKER, "= local.contract.roles[each.key].stop_seconds", "= 30"),
        "stop-too-short",
        WORKER,
        "worker",
        says="30 seconds",
        batch="a",
    ),
    row(
        "command-of-the-image",
        matched(WORKER, r"      command = [^\n]+\n", ""),
        "command-differs",
        WORKER,
        "worker",
        batch="a",
    ),
    row(
        "image-by-tag",
        replaced(MIGRATE, "= local.images[each.key]", '= "registry.example.com/worker:latest"'),
        "image-unpinned",
        MIGRATE,
        "migrate",
        batch="a",
    ),
    row(
        "image-ignored",
        matched(
            WORKER,
            r"  depends_on = \[",
            "  lifecycle {\n    ignore_changes = [template[0].container[0].image]\n  }\n\n"
            "  depends_on = [",
        ),
        "image-ignored",
        WORKER,
        views=("text",),
        batch="text",
    ),
    row(
        "web-not-public",
        replaced(SERVICES, "= local.exposed[each.key]", "= false"),
        "exposure-differs",
        SERVICES,
        "web",
        batch="a",
    ),
    row(
        "worker-public",
        matched(
            WORKER,
            r"  template \{",
            "  ingress {\n    target_port      = 8000\n    external_enabled = true\n\n"
            "    traffic_weight {\n      percentage      = 100\n      latest_revision = true\n"
            "    }\n  }\n\n  template {",
        ),
        "exposure-differs",
        WORKER,
        "worker",
        says="from everywhere",
        batch="a",
    ),
    row(
        "plain-http",
        replaced(
            SERVICES, "allow_insecure_connections = false", "allow_insecure_connections = true"
        ),
        "ingress-insecure",
        SERVICES,
        "web",
        batch="a",
    ),
    row(
        "requests-to-another-port",
        replaced(
            SERVICES,
            "target_port                = local.contract.roles[each.key].port",
            "target_port                = 80",
        ),
        "ingress-port",
        SERVICES,
        "api",
        "PORT",
        batch="a",
    ),
    row(
        "several-revisions-at-work",
        replaced(
            WORKER,
            'revision_mode                = "Single"',
            'revision_mode                = "Multiple"',
        ),
        "handover-split",
        WORKER,
        "worker",
        batch="a",
    ),
    row(
        "migration-repeated",
        replaced(MIGRATE, "replica_retry_limit          = 0", "replica_retry_limit          = 3"),
        "migration-repeats",
        MIGRATE,
        "migrate",
        batch="a",
    ),
]

RIGHTS = [
    row(
        "role-too-many-on-a-secret",
        right(
            "extra",
            "Key Vault Secrets User",
            'azurerm_key_vault_secret.made["DATABASE_URL"].resource_versionless_id',
            of_role("web"),
        ),
        "grant-extra",
        IDENTITIES,
        "web",
        "DATABASE_URL",
        batch="b",
    ),
    row(
        "right-forgotten",
        replaced(
            IDENTITIES,
            "for role, names in local.made_for : {",
            'for role, names in local.made_for : role == "migrate" ? {} : {',
        ),
        "grant-missing",
        MIGRATE,
        "migrate",
        "DATABASE_URL",
        batch="b",
    ),
    row(
        "signing-keys-nobody-may-read",
        replaced(IDENTITIES, "local.signs_here ? toset(local.signers) : []", "toset([])"),
        "grant-missing",
        SERVICES,
        "api",
        "AUTH_KEY_SECRET_NAME",
        batch="a",
    ),
    row(
        "objects-nobody-may-use",
        matched(
            IDENTITIES,
            r'("azurerm_role_assignment" "storage" \{\n  for_each = )[^\n]+',
            r"\1toset([])",
        ),
        "grant-missing",
        WORKER,
        "worker",
        "AZURE_BLOB_CONTAINER",
        batch="a",
    ),
    row(
        "contributor-of-the-account",
        right("contributor", "Contributor", "azurerm_storage_account.main[0].id", of_role("web")),
        "grant-too-wide",
        IDENTITIES,
        "web",
        says="Contributor",
        batch="a",
    ),
    row(
        "owner-of-the-group",
        right("owner", "Owner", "azurerm_resource_group.main.id", of_role("migrate")),
        "grant-too-wide",
        IDENTITIES,
        "migrate",
        says="Owner",
        batch="a",
    ),
    row(
        "app-before-its-rights",
        matched(
            SERVICES,
            r"(latest_revision.*depends_on = \[\n)    azurerm_role_assignment.secret,\n",
            r"\1",
        ),
        "grant-after-app",
        SERVICES,
        "api",
        says="azurerm_role_assignment.secret",
        batch="a",
    ),
    row(
        "trust-of-any-branch",
        replaced(CI, "environment:${var.github_environment}", "ref:refs/heads/*"),
        "ci-subject",
        CI,
        "",
        "github_repository",
        batch="a",
    ),
    row(
        "ci-reads-secrets",
        replaced(
            CI,
            '"Microsoft.App/jobs/read",',
            '"Microsoft.App/jobs/read",\n      "Microsoft.App/containerApps/listSecrets/action",',
        ),
        "ci-too-wide",
        CI,
        says="listSecrets",
        batch="a",
    ),
    row(
        "ci-with-a-wildcard",
        replaced(CI, '"Microsoft.App/jobs/read",', '"Microsoft.App/*",'),
        "ci-too-wide",
        CI,
        says="Microsoft.App/*",
        batch="b",
    ),
    row(
        "ci-contributor-of-the-group",
        right(
            "ci_wide",
            "Contributor",
            "azurerm_resource_group.main.id",
            "azurerm_user_assigned_identity.ci[0]",
        ),
        "ci-too-wide",
        IDENTITIES,
        says="Contributor",
        batch="c",
    ),
]

STORES = [
    row(
        "postgres-of-another-version",
        matched(DATABASE, r'= "17"', '= "16"'),
        "postgres-version",
        DATABASE,
        "postgres",
        says="16",
        batch="a",
    ),
    row(
        "postgres-public",
        replaced(
            DATABASE,
            "public_network_access_enabled     = false",
            "public_network_access_enabled     = true",
        ),
        "postgres-public",
        DATABASE,
        "postgres",
        batch="a",
    ),
    row(
        "postgres-without-tls",
        replaced(
            DATABASE, 'require_secure_transport     = "on"', 'require_secure_transport     = "off"'
        ),
        "postgres-tls",
        DATABASE,
        "postgres",
        "DATABASE_SSL_MODE",
        batch="a",
    ),
    row(
        "postgres-disk-that-fills-up",
        replaced(
            DATABASE,
            "auto_grow_enabled                 = true",
            "auto_grow_enabled                 = false",
        ),
        "postgres-backup",
        DATABASE,
        "postgres",
        batch="a",
    ),
    row(
        "burstable-in-production",
        replaced(LOCALS, 'small = "GP_Standard_D2ds_v5"', 'small = "B_Standard_B2s"'),
        "terraform-refused",
        OUTPUTS,
        says="burstable",
    ),
    row(
        "redis-as-a-cluster",
        replaced(REDIS, '"NoCluster"', '"OSSCluster"'),
        "redis-clustered",
        REDIS,
        "redis",
        "REDIS_URL",
        says="MOVED",
        batch="a",
    ),
    row(
        "redis-without-keys",
        matched(REDIS, r"(access_keys_authentication_enabled +)= true", r"\1= false"),
        "redis-without-key",
        REDIS,
        "redis",
        "REDIS_URL",
        batch="a",
    ),
    row(
        "redis-in-plain-text",
        replaced(REDIS, '"Encrypted"', '"Plaintext"'),
        "redis-plaintext",
        REDIS,
        "redis",
        batch="a",
    ),
    row(
        "redis-public",
        matched(REDIS, r'(public_network_access +)= "Disabled"', r'\1= "Enabled"'),
        "redis-public",
        REDIS,
        "redis",
        batch="a",
    ),
    row(
        "redis-drops-jobs",
        replaced(REDIS, '"NoEviction"', '"AllKeysLRU"'),
        "redis-forgets",
        REDIS,
        "redis",
        batch="a",
    ),
    row(
        "account-with-keys",
        matched(STORAGE, r"(shared_access_key_enabled +)= false", r"\1= true"),
        "storage-shared-key",
        STORAGE,
        "storage",
        batch="a",
    ),
    row(
        "container-for-everybody",
        replaced(STORAGE, 'container_access_type = "private"', 'container_access_type = "blob"'),
        "storage-public",
        STORAGE,
        "storage",
        says="anybody",
        batch="a",
    ),
    row(
        "old-tls-for-objects",
        replaced(STORAGE, '"TLS1_2"', '"TLS1_0"'),
        "storage-tls",
        STORAGE,
        "storage",
        batch="a",
    ),
    row(
        "objects-overwritten-for-good",
        replaced(STORAGE, "versioning_enabled = true", "versioning_enabled = false"),
        "storage-unversioned",
        STORAGE,
        "storage",
        batch="a",
    ),
    row(
        "vault-with-policies",
        matched(SECRETS, r"(rbac_authorization_enabled +)= true", r"\1= false"),
        "vault-rights",
        SECRETS,
        "vault",
        batch="a",
    ),
    row(
        "vault-that-can-be-purged",
        replaced(SECRETS, "= local.production # once on, it stays on", "= false"),
        "vault-purge",
        SECRETS,
        "vault",
        batch="a",
    ),
    row(
        "vault-open",
        replaced(SECRETS, '"Allow" : "Deny"', '"Allow" : "Allow"'),
        "vault-open",
        SECRETS,
        "vault",
        batch="a",
    ),
    row(
        "deletion-protection-off-in-production",
        replaced(
            LOCALS,
            "var.deletion_protection != null ? var.deletion_protection : local.production",
            "false",
        ),
        "data-unprotected",
        DATABASE,
        "postgres",
        batch="a",
    ),
    row(
        "lock-that-goes-first",
        replaced(REDIS, "  depends_on = [azurerm_management_lock.data]\n", ""),
        "data-unprotected",
        REDIS,
        "redis",
        says="removed first",
        batch="b",
    ),
    row(
        "objects-outside-the-locked-group",
        replaced(STORAGE, "azurerm_resource_group.data.name", "azurerm_resource_group.main.name"),
        "data-unprotected",
        STORAGE,
        "storage",
        batch="c",
    ),
    row(
        "logs-of-a-week",
        replaced(SERVICES, "min(var.log_retention_days, 730)", "7"),
        "log-retention",
        SERVICES,
        "",
        "log_retention_days",
        batch="a",
    ),
]

NETWORKS = [
    row(
        "subnet-too-small-for-container-apps",
        replaced(
            NETWORK,
            "cidrsubnet(var.network_cidr, 23 - local.prefix, 0)",
            "cidrsubnet(var.network_cidr, 28 - local.prefix, 0)",
        ),
        "subnet-too-small",
        NETWORK,
        "",
        "network_cidr",
        says="/28",
        batch="a",
    ),
    row(
        "subnet-not-delegated",
        replaced(NETWORK, '"Microsoft.App/environments"', '"Microsoft.Web/serverFarms"'),
        "subnet-delegation",
        NETWORK,
        says="Microsoft.Web/serverFarms",
        batch="a",
    ),
    row(
        "subnet-without-rules",
        replaced(NETWORK, "    database  = azurerm_subnet.database.id\n", ""),
        "subnet-unguarded",
        NETWORK,
        batch="a",
    ),
    row(
        "everybody-reaches-postgres",
        replaced(
            NETWORK,
            "from = local.ranges.apps, port = local.ports.postgres",
            'from = "*", port = local.ports.postgres',
        ),
        "network-open",
        NETWORK,
        says="database-from-apps",
        batch="a",
    ),
    row(
        "environment-without-a-profile",
        matched(SERVICES, r"  # An environment that is made without.*?\n  \}\n\n", ""),
        "environment-profile",
        SERVICES,
        says="no workload profile",
        batch="a",
    ),
    row(
        "environment-outside-the-network",
        matched(SERVICES, r"  infrastructure_subnet_id +=[^\n]+\n", ""),
        "environment-profile",
        SERVICES,
        says="not in the network",
        batch="b",
    ),
    row(
        "endpoint-of-another-part",
        replaced(REDIS, '["redisEnterprise"]', '["redisCache"]'),
        "endpoint-missing",
        REDIS,
        says="redisEnterprise",
        batch="a",
    ),
    row(
        "zone-of-the-retired-service",
        replaced(NETWORK, '"privatelink.redis.azure.net"', '"privatelink.redis.cache.windows.net"'),
        "endpoint-zone",
        REDIS,
        says="privatelink.redis.azure.net",
        batch="a",
    ),
    row(
        "name-too-long-for-a-vault",
        replaced(
            LOCALS, 'trimsuffix(substr(var.project_name, 0, 15), "-")', '"${local.name}-secrets"'
        ),
        "name-grammar",
        SECRETS,
        says="marked-production-secrets",
        batch="a",
    ),
    row(
        "storage-name-with-dashes",
        matched(
            LOCALS,
            r"storage = \"[^\"]*\"[^\"]*\"[^\"]*\"[^\"]*\"[^\n]*",
            'storage = "marked-files"',
        ),
        "name-grammar",
        STORAGE,
        "",
        "marked-files",
        batch="a",
    ),
    row(
        "provider-without-features",
        matched(VERSIONS, r"  features \{.*\n  \}\n\}", "}"),
        "provider-features",
        VERSIONS,
        batch="a",
    ),
    row(
        "provider-of-another-major",
        replaced(VERSIONS, '">= 5.0, < 6"', '">= 4.55"'),
        "provider-version",
        VERSIONS,
        says="4.55",
        batch="a",
    ),
    row(
        "provider-asks-for-keys",
        matched(VERSIONS, r"  storage_use_azuread[^\n]+\n", ""),
        "provider-sign-in",
        VERSIONS,
        batch="b",
    ),
    row(
        "service-not-registered",
        replaced(VERSIONS, '    "Microsoft.App",\n', ""),
        "provider-unregistered",
        VERSIONS,
        "",
        "Microsoft.App",
        batch="a",
    ),
]

WORDS = [
    row(
        "output-renamed",
        replaced(OUTPUTS, 'output "redis_endpoint"', 'output "redis_host"'),
        "output-missing",
        OUTPUTS,
        "",
        "redis_endpoint",
        batch="a",
    ),
    row(
        "input-of-this-cloud-alone",
        appended(VARIABLES, 'variable "sku" {\n  type    = string\n  default = "x"\n}\n'),
        "input-unknown",
        VARIABLES,
        "",
        "sku",
        batch="a",
    ),
    row(
        "default-of-its-own",
        matched(VARIABLES, r'(variable "db_name" \{.*?default +)= "app"', r'\1= "postgresql"'),
        "input-differs",
        VARIABLES,
        "",
        "db_name",
        batch="a",
    ),
    row(
        "env-names-made-up",
        replaced(
            OUTPUTS,
            "role => sort(concat(keys(local.env[role]), keys(local.secrets[role])))",
            "role => keys(local.env[role])",
        ),
        "env-names-differ",
        OUTPUTS,
        "api",
        "env_names",
        batch="a",
    ),
    row(
        "argument-of-the-old-major",
        replaced(SECRETS, "rbac_authorization_enabled    ", "enable_rbac_authorization     "),
        "terraform-refused",
        SECRETS,
        says="enable_rbac_authorization",
    ),
    row(
        "shared-file-changed-here-alone",
        replaced(CONTRACT, "# What the env contract says", "# What Azure says"),
        "shared-file-differs",
        CONTRACT,
        views=("text",),
        batch="text",
    ),
    row(
        "file-not-formatted",
        matched(STORAGE, r"account_tier +=", "account_tier ="),
        "terraform-fmt",
        STORAGE,
        views=("text",),
        batch="text",
    ),
    row(
        "number-of-something-not-yet-known",
        replaced(
            IDENTITIES,
            "local.stores_here ? toset(local.storers) : []",
            'azurerm_key_vault.main.vault_uri != "" ? toset(local.storers) : []',
        ),
        "terraform-refused",
        IDENTITIES,
        says="for_each",
        views=("unknown",),
    ),
]

FAULTS = [*REFERENCE, *ROLES, *RIGHTS, *STORES, *NETWORKS, *WORDS]
#: The faults that were found, for the count.
caught: set[str] = set()


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    faults: dict[str, list[Fault]] = {}
    for item in FAULTS:
        faults.setdefault(item.batch, []).append(item.fault)
    return Batches("azure", faults, lambda _: tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.id)
def test_a_planted_fault_is_found(planted: Planted, batches: Batches) -> None:
    assert_told(batches.found(planted.batch), planted.fault, HERE)
    caught.add(planted.id)


def test_the_blueprint_itself_has_no_fault(tmp_path: Path) -> None:
    """The test of the tests: without a fault, nothing is found."""
    views = ("plan", "unknown", "elsewhere", "text")
    assert findings_of("azure", tmp_path, lambda _: None, views) == []


def test_every_check_of_azure_has_a_fault() -> None:
    unplanted = set(CHECKS) - {planted.fault.check for planted in FAULTS}
    # A retired service is not in the committed schema: Terraform says so first.
    assert unplanted == {"redis-retired"}


def test_every_fault_that_was_planted_was_found(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len({planted.id for planted in FAULTS}) == len(FAULTS)
    assert_all_found(request, capsys, caught, test="test_a_planted_fault_is_found", of="azure")
