"""Faults planted into copies of the GCP blueprint: each must be found, and told usefully.

Faults that do not disturb each other are planted together and planned once; each has its own test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.blueprints.clouds import Batches, Fault, appended, assert_told, both, matched, replaced
from tests.blueprints.counting import assert_all_found

from hostwright import paths
from hostwright.checks.clouds import gcp
from hostwright.render.blueprint import Blueprint
from hostwright.validate.clouds import work

if TYPE_CHECKING:
    from tests.blueprints.clouds import Plant

HERE = "ops/infra/gcp"
CI, CONTRACT_JSON, CONTRACT_TF = f"{HERE}/ci.tf", f"{HERE}/contract.json", f"{HERE}/contract.tf"
DATABASE, EDGE, IDENTITIES = f"{HERE}/database.tf", f"{HERE}/edge.tf", f"{HERE}/identities.tf"
LOCALS, MIGRATE, NETWORK = f"{HERE}/locals.tf", f"{HERE}/migrate.tf", f"{HERE}/network.tf"
OUTPUTS, REDIS, SECRETS = f"{HERE}/outputs.tf", f"{HERE}/redis.tf", f"{HERE}/secrets.tf"
SERVICES, STORAGE, VARIABLES = f"{HERE}/services.tf", f"{HERE}/storage.tf", f"{HERE}/variables.tf"
VERSIONS, WORKER = f"{HERE}/versions.tf", f"{HERE}/worker.tf"

TEXT, UNKNOWN = ("text",), ("unknown",)

PASSWORD_WRITTEN = """\
  password_wo         = var.db_admin_password
  password_wo_version = var.secrets_version
"""
GRANTS_WAITED_FOR = """\
    google_secret_manager_secret_iam_member.given,
    google_secret_manager_secret_iam_member.made,
    google_secret_manager_secret_iam_member.signing_keys,
    google_secret_manager_secret_iam_member.signing_secret,
"""


# --- ways to plant -----------------------------------------------------------------------------


def removed(file: str, text: str) -> Plant:
    """Remove lines that the file has."""
    return replaced(file, text, "")


def env(file: str, name: str, value: str) -> Plant:
    """Add a variable to every container of a file."""
    block = f'env {{\n        name  = "{name}"\n        value = "{value}"\n      }}\n\n      '
    return replaced(
        file, 'dynamic "env" {\n        for_each = local.env', f"{block}{_ENV}", count=1
    )


_ENV = 'dynamic "env" {\n        for_each = local.env'


def resource(text: str) -> Plant:
    """Add a resource, in a file that there is anyway."""
    return appended(STORAGE, text)


def grant(name: str, role: str, member: str) -> Plant:
    """Grant a role on the bucket."""
    return resource(
        f'resource "google_storage_bucket_iam_member" "{name}" {{\n'
        "  bucket = google_storage_bucket.storage[0].name\n"
        f'  role = "{role}"\n  member = "{member}"\n}}\n'
    )


def may_read(name: str, variable: str, role: str, member: str) -> Plant:
    """Grant a role on a secret; *member* is an expression."""
    return resource(
        f'resource "google_secret_manager_secret_iam_member" "{name}" {{\n'
        f'  secret_id = google_secret_manager_secret.made["{variable}"].id\n'
        f'  role = "{role}"\n  member = {member}\n}}\n'
    )


# --- the reference's faults --------------------------------------------------------------------

#: contract.md's table, rows gcp, all clouds and contract: faults that a published blueprint had.
REFERENCE: dict[str, dict[str, Fault]] = {
    "what-runs": {
        "reference-port-is-set": Fault(
            env(SERVICES, "PORT", "8000"),
            "reserved-variable",
            SERVICES,
            "api",
            "PORT",
            "is set by Cloud Run",
        ),
        "reference-no-edition": Fault(
            removed(DATABASE, '    edition                     = "ENTERPRISE"\n'),
            "database-edition",
            DATABASE,
            variable="edition",
            says="ENTERPRISE_PLUS",
        ),
        "reference-no-ssl-mode": Fault(
            removed(DATABASE, '      ssl_mode           = "ENCRYPTED_ONLY"\n'),
            "store-plaintext",
            DATABASE,
            variable="ssl_mode",
            says="has ssl_mode = nothing",
        ),
        "reference-latest-version": Fault(
            replaced(SERVICES, "version = env.value.version", 'version = "latest"'),
            "secret-version-floating",
            SERVICES,
            "api",
            "DATABASE_URL",
            "latest",
        ),
        "reference-every-role-reads-every-secret": Fault(
            replaced(
                SECRETS,
                'for name in local.made_for[role] : "${role}/${name}"',
                'for name in local.made_secrets : "${role}/${name}"',
            ),
            "secret-grant-extra",
            SECRETS,
            "web",
            "DATABASE_URL",
            "none of its secrets",
        ),
        "reference-registry-ignored": Fault(
            replaced(LOCALS, "contains(local.private_images, role) ?", "false ?"),
            "registry-ignored",
            SERVICES,
            "api",
            "image",
            "ghcr.io/acme/api",
        ),
        "reference-probes-get-400": Fault(
            replaced(SERVICES, "path = local.contract.roles[each.key].health.live", 'path = "/"'),
            "health-kills-on-ready",
            SERVICES,
            "web",
            "liveness_probe",
            "asks /",
        ),
    },
    "one-identity": {
        "reference-one-account-for-all": Fault(
            replaced(
                SERVICES,
                "google_service_account.role[each.key].email",
                'google_service_account.role["api"].email',
            ),
            "identity-shared",
            SERVICES,
            "web",
            "service_account",
            "as api does",
        ),
    },
    "worker-is-a-service": {
        "reference-worker-is-a-service": Fault(
            both(
                replaced(
                    LOCALS, 'pools    = [for role in ["worker"]', 'pools    = [for role in ["none"]'
                ),
                replaced(
                    LOCALS,
                    'services = [for role in ["api", "web"]',
                    'services = [for role in ["api", "web", "worker"]',
                ),
                replaced(
                    SERVICES,
                    "container_port = local.contract.roles[each.key].port",
                    "container_port = try(local.contract.roles[each.key].port, 8080)",
                ),
                replaced(
                    SERVICES,
                    "local.contract.roles[each.key].health.live",
                    'try(local.contract.roles[each.key].health.live, "/")',
                ),
                replaced(
                    SERVICES,
                    "local.contract.roles[each.key].health.ready",
                    'try(local.contract.roles[each.key].health.ready, "/")',
                ),
            ),
            "role-kind-differs",
            SERVICES,
            "worker",
            says="google_cloud_run_v2_service",
        ),
    },
    "no-worker": {
        "reference-no-worker": Fault(
            replaced(
                LOCALS, 'pools    = [for role in ["worker"]', 'pools    = [for role in ["none"]'
            ),
            "role-missing",
            HERE,
            "worker",
        ),
        "reference-no-migrate": Fault(
            replaced(
                LOCALS, 'jobs     = [for role in ["migrate"]', 'jobs     = [for role in ["none"]'
            ),
            "role-missing",
            HERE,
            "migrate",
        ),
    },
    "url-must-exist": {
        "reference-database-url-is-an-input": Fault(
            both(
                matched(
                    SECRETS,
                    r"    database_url = format\(.*?\n    \)\n",
                    "    database_url = var.database_url\n",
                ),
                appended(VARIABLES, 'variable "database_url" {\n  default = "postgresql://a/b"\n}'),
            ),
            "input-unknown",
            VARIABLES,
            variable="database_url",
        ),
        "reference-database-url-is-not-composed": Fault(
            both(), "wrong-source", SERVICES, "api", "DATABASE_URL"
        ),
    },
    "password-in-state": {
        "reference-password-in-state": Fault(
            both(
                matched(
                    VARIABLES, r'(variable "db_admin_password".*?)  ephemeral   = true\n', r"\1"
                ),
                matched(
                    DATABASE,
                    PASSWORD_WRITTEN,
                    "  password = var.db_admin_password\n",
                ),
            ),
            "secret-in-state",
            DATABASE,
            variable="db_admin_password",
            says="google_sql_user.main.password",
        ),
    },
    "password-written-plainly": {
        "password-is-not-write-only": Fault(
            replaced(
                DATABASE,
                PASSWORD_WRITTEN,
                "  password = var.db_admin_password\n",
            ),
            "terraform-refused",
            DATABASE,
            says="phemeral",
        ),
    },
    "another-spelling": {
        "reference-another-spelling": Fault(
            both(
                *(
                    replaced(file, "db_admin_username", "db_username")
                    for file in (VARIABLES, SECRETS, DATABASE)
                ),
                replaced(CONTRACT_TF, "var.db_admin_username", "var.db_username"),
            ),
            "input-missing",
            VARIABLES,
            variable="db_admin_username",
        ),
        "reference-another-spelling-is-unknown": Fault(
            both(), "input-unknown", VARIABLES, variable="db_username"
        ),
    },
}

# --- faults of our own -------------------------------------------------------------------------

OWN: dict[str, dict[str, Fault]] = {
    "run": {
        "cpu-that-there-is-not": Fault(
            replaced(WORKER, "cpu    = tostring(local.cpu[each.key])", 'cpu    = "3"'),
            "cpu-memory-pair",
            WORKER,
            "worker",
            "limits",
            "3 CPU",
        ),
        "memory-without-unit": Fault(
            replaced(SERVICES, "${local.memory_mib[each.key]}Mi", "${local.memory_mib[each.key]}"),
            "cpu-memory-pair",
            SERVICES,
            "web",
            "limits",
            "512",
        ),
        "cpu-idle-left-out": Fault(
            removed(SERVICES, "        cpu_idle          = false\n"),
            "cpu-throttled",
            SERVICES,
            "api",
            "cpu_idle",
        ),
        "services-scale-to-nothing": Fault(
            replaced(
                SERVICES,
                "min_instance_count = local.min_instances[each.key]",
                "min_instance_count = 0",
            ),
            "instances-too-few",
            SERVICES,
            "web",
            "scaling",
            "keeps 0",
        ),
        "worker-scales-to-nothing": Fault(
            replaced(
                WORKER,
                "manual_instance_count = local.min_instances[each.key]",
                "manual_instance_count = 0",
            ),
            "instances-too-few",
            WORKER,
            "worker",
            "scaling",
        ),
        "instances-without-end": Fault(
            removed(SERVICES, "    max_instance_count = local.max_instances[each.key]\n"),
            "instances-unbounded",
            SERVICES,
            "api",
            "max_instance_count",
        ),
        "killed-while-starting": Fault(
            replaced(SERVICES, "ceil(local.contract.roles[each.key].start_seconds / 5)", "3"),
            "start-too-short",
            SERVICES,
            "api",
            "startup_probe",
            "15 s",
        ),
        "ready-asks-live": Fault(
            replaced(SERVICES, "health.ready", "health.live"),
            "health-gate-differs",
            SERVICES,
            "api",
            "readiness_probe",
            "/health",
        ),
        "migration-run-again": Fault(
            removed(MIGRATE, "      max_retries     = 0\n"),
            "job-retried",
            MIGRATE,
            "migrate",
            "max_retries",
            "3 times",
        ),
        "migration-cut-short": Fault(
            replaced(MIGRATE, "${local.contract.roles[each.key].timeout_seconds}s", "60s"),
            "job-timeout-differs",
            MIGRATE,
            "migrate",
            "timeout",
            "600s",
        ),
        "migrate-runs-the-worker": Fault(
            replaced(
                MIGRATE,
                "args    = local.arguments[each.key]",
                'args    = local.arguments["worker"]',
            ),
            "command-differs",
            MIGRATE,
            "migrate",
            "command",
            "migrate up",
        ),
        "port-of-another": Fault(
            replaced(
                SERVICES,
                "container_port = local.contract.roles[each.key].port",
                "container_port = 8080",
            ),
            "port-differs",
            SERVICES,
            "web",
            "container_port",
            "3000",
        ),
        "worker-through-a-nat": Fault(
            replaced(WORKER, "PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"),
            "egress-not-private",
            WORKER,
            "worker",
            "vpc_access",
            "ALL_TRAFFIC",
        ),
        "job-outside-the-network": Fault(
            matched(MIGRATE, r"      vpc_access \{.*?\n      \}\n", ""),
            "egress-not-private",
            MIGRATE,
            "migrate",
            "vpc_access",
            "no subnet",
        ),
        "starts-before-it-may-read": Fault(
            replaced(
                WORKER,
                GRANTS_WAITED_FOR,
                "",
            ),
            "starts-before-grant",
            WORKER,
            "worker",
            "depends_on",
        ),
        "image-by-tag": Fault(
            replaced(
                LOCALS,
                "trimprefix(local.given_images[role], ",
                'replace("${role}:latest", local.given_images[role], ',
            ),
            "image-unpinned",
            MIGRATE,
            "migrate",
            "image",
            ":latest",
        ),
    },
    "what-roles-get": {
        "variable-missing-in-worker": Fault(
            replaced(
                WORKER,
                "for_each = local.env[each.key]",
                'for_each = { for k, v in local.env[each.key] : k => v if k != "GCS_BUCKET" }',
            ),
            "variable-missing",
            WORKER,
            "worker",
            "GCS_BUCKET",
        ),
        "env-names-tell-another-story": Fault(
            both(), "env-names-differ", OUTPUTS, "worker", "env_names", "GCS_BUCKET"
        ),
        "secret-in-plain-env": Fault(
            env(SERVICES, "SECRET_KEY", "planted-in-plain-text-0123456789abcdef"),
            "secret-in-plain-slot",
            SERVICES,
            "web",
            "SECRET_KEY",
        ),
        "variable-given-twice": Fault(both(), "env-duplicate", SERVICES, "api", "SECRET_KEY"),
        "redis-address-in-web": Fault(
            matched(
                SERVICES,
                r"(        for_each = )local\.env\[each\.key\]",
                r'\1merge(local.env[each.key], { REDIS_CLUSTER_MODE = "disabled" })',
            ),
            "data-store-in-web",
            SERVICES,
            "web",
            "REDIS_CLUSTER_MODE",
        ),
        "password-not-encoded": Fault(
            replaced(SECRETS, "urlencode(var.db_admin_password)", "var.db_admin_password"),
            "wrong-source",
            WORKER,
            "worker",
            "DATABASE_URL",
        ),
        "redis-port-that-does-not-fit": Fault(
            replaced(SECRETS, "      google_redis_instance.main.port,\n", "      6379,\n"),
            "wrong-source",
            WORKER,
            "worker",
            "REDIS_URL",
        ),
        "authority-of-the-other-store": Fault(
            replaced(
                LOCALS,
                "nonsensitive(google_sql_database_instance.main.server_ca_cert[0].cert)",
                "google_redis_instance.main.server_ca_certs[0].cert",
            ),
            "wrong-source",
            SERVICES,
            "api",
            "DATABASE_CA_CERT",
            "api/REDIS_CA_CERT",
        ),
        "signs-as-another": Fault(
            replaced(
                LOCALS,
                "role => google_service_account.role[role].email }",
                'role => google_service_account.role["api"].email }',
            ),
            "wrong-source",
            WORKER,
            "worker",
            "GCS_SIGNING_EMAIL",
        ),
        "api-does-not-know-its-own-host": Fault(
            removed(LOCALS, "      local.internal_host,\n"),
            "wrong-source",
            SERVICES,
            "api",
            "ALLOWED_HOSTS",
        ),
    },
    "names": {
        "output-renamed": Fault(
            replaced(OUTPUTS, 'output "redis_port"', 'output "redis_tls_port"'),
            "output-missing",
            OUTPUTS,
            variable="redis_port",
        ),
        "output-of-its-own-name": Fault(
            both(), "output-unknown", OUTPUTS, variable="redis_tls_port"
        ),
        "output-in-other-words": Fault(
            replaced(OUTPUTS, '"Host name of Postgres"', '"Where Cloud SQL is"'),
            "output-differs",
            OUTPUTS,
            variable="database_endpoint",
        ),
        "input-in-other-words": Fault(
            replaced(VARIABLES, '"Size of Redis in one word"', '"Memorystore tier"'),
            "input-differs",
            VARIABLES,
            variable="redis_size",
        ),
        "secret-with-a-slash": Fault(
            replaced(SECRETS, '"${local.name}-${each.key}"', '"${local.name}/${each.key}"'),
            "secret-name-refused",
            SECRETS,
            variable="secret_id",
        ),
        "secret-destroyed-when-written-anew": Fault(
            matched(SECRETS, r'  deletion_policy = "ABANDON"\n', ""),
            "secret-version-lost",
            SECRETS,
            variable="deletion_policy",
        ),
    },
    "access": {
        "role-too-many-on-a-secret": Fault(
            may_read(
                "planted",
                "SECRET_KEY",
                "roles/secretmanager.secretAccessor",
                'google_service_account.role["web"].member',
            ),
            "secret-grant-extra",
            STORAGE,
            "web",
            "SECRET_KEY",
        ),
        "role-without-its-secret": Fault(
            replaced(
                SECRETS,
                "for role in local.roles : { for name in local.made_for[role]",
                'for role in ["api", "web", "worker"] : { for name in local.made_for[role]',
            ),
            "secret-grant-missing",
            MIGRATE,
            "migrate",
            "DATABASE_URL",
        ),
        "secret-for-everybody": Fault(
            may_read(
                "public",
                "REDIS_URL",
                "roles/secretmanager.secretAccessor",
                '"allAuthenticatedUsers"',
            ),
            "secret-grant-extra",
            STORAGE,
            "",
            "REDIS_URL",
            "allAuthenticatedUsers",
        ),
        "more-than-reading": Fault(
            may_read(
                "admin",
                "SECRET_KEY",
                "roles/secretmanager.admin",
                'google_service_account.role["api"].member',
            ),
            "grant-too-wide",
            STORAGE,
            variable="roles/secretmanager.admin",
        ),
        "bucket-for-everybody": Fault(
            grant("everybody", "roles/storage.objectUser", "allUsers"),
            "grant-too-wide",
            STORAGE,
            variable="roles/storage.objectUser",
            says="everybody",
        ),
        "bucket-owner": Fault(
            grant("owner", "roles/storage.admin", "serviceAccount:somebody@example.com"),
            "grant-too-wide",
            STORAGE,
            variable="roles/storage.admin",
        ),
        "worker-may-not-sign": Fault(
            matched(
                IDENTITIES,
                r'(for_each = toset\(var\.storage_provider == "gcs" \? )local\.backend',
                r'\1["api"]',
            ),
            "signing-not-granted",
            WORKER,
            "worker",
            "GCS_SIGNING_EMAIL",
        ),
        "worker-may-not-store": Fault(
            matched(
                STORAGE,
                r'(for_each = toset\(var\.storage_provider == "gcs" \? )local\.backend',
                r'\1["api"]',
            ),
            "storage-not-granted",
            WORKER,
            "worker",
            "GCS_BUCKET",
        ),
        "default-account": Fault(
            removed(WORKER, "    service_account = google_service_account.role[each.key].email\n"),
            "identity-shared",
            WORKER,
            "worker",
            "service_account",
            "default account",
        ),
        "any-environment-deploys": Fault(
            replaced(CI, " && assertion.environment == '${var.github_environment}'", ""),
            "ci-trust-too-wide",
            CI,
            variable="attribute_condition",
            says="environment",
        ),
        "anything-in-the-pool-deploys": Fault(
            replaced(CI, "/attribute.repository/${var.github_repository}", "/*"),
            "ci-trust-too-wide",
            CI,
            variable="member",
        ),
    },
    "stores": {
        "database-with-a-public-address": Fault(
            replaced(DATABASE, "ipv4_enabled       = false", "ipv4_enabled       = true"),
            "store-public",
            DATABASE,
            variable="ipv4_enabled",
        ),
        "authority-of-all-instances": Fault(
            replaced(DATABASE, "GOOGLE_MANAGED_INTERNAL_CA", "GOOGLE_MANAGED_CAS_CA"),
            "store-authority",
            DATABASE,
            variable="server_ca_mode",
        ),
        "database-in-one-zone": Fault(
            replaced(DATABASE, 'local.db_high_availability ? "REGIONAL" : "ZONAL"', '"ZONAL"'),
            "store-alone",
            DATABASE,
            variable="availability_type",
        ),
        "no-way-back-to-a-minute": Fault(
            replaced(
                DATABASE,
                "point_in_time_recovery_enabled = true",
                "point_in_time_recovery_enabled = false",
            ),
            "store-not-backed-up",
            DATABASE,
            variable="point_in_time_recovery_enabled",
        ),
        "too-few-connections": Fault(
            replaced(DATABASE, "tostring(local.db_max_connections)", '"20"'),
            "too-few-connections",
            DATABASE,
            variable="max_connections",
            says="22",
        ),
        "database-before-the-network": Fault(
            removed(DATABASE, "  depends_on = [google_service_networking_connection.services]\n"),
            "store-before-network",
            DATABASE,
            variable="depends_on",
        ),
        "another-postgres": Fault(
            replaced(DATABASE, "POSTGRES_17", "POSTGRES_16"),
            "database-version",
            DATABASE,
            variable="database_version",
        ),
        "owner-dropped": Fault(
            matched(
                DATABASE, r'(resource "google_sql_user".*?)  deletion_policy = "ABANDON"\n', r"\1"
            ),
            "database-user-dropped",
            DATABASE,
            variable="deletion_policy",
        ),
        "redis-without-password": Fault(
            replaced(REDIS, "auth_enabled = true", "auth_enabled = false"),
            "store-without-password",
            REDIS,
            variable="auth_enabled",
        ),
        "redis-without-tls": Fault(
            removed(REDIS, '  transit_encryption_mode = "SERVER_AUTHENTICATION"\n'),
            "store-plaintext",
            REDIS,
            variable="transit_encryption_mode",
        ),
        "redis-by-peering": Fault(
            replaced(REDIS, "PRIVATE_SERVICE_ACCESS", "DIRECT_PEERING"),
            "store-public",
            REDIS,
            variable="connect_mode",
        ),
        "redis-alone": Fault(
            replaced(REDIS, 'local.redis_high_availability ? "STANDARD_HA" : "BASIC"', '"BASIC"'),
            "store-alone",
            REDIS,
            variable="tier",
        ),
        "redis-forgets": Fault(
            replaced(REDIS, "noeviction", "allkeys-lru"),
            "store-forgets",
            REDIS,
            variable="maxmemory-policy",
        ),
        "redis-not-backed-up": Fault(
            replaced(REDIS, 'local.production ? "RDB" : "DISABLED"', '"DISABLED"'),
            "store-not-backed-up",
            REDIS,
            variable="persistence_mode",
        ),
        "bucket-may-be-published": Fault(
            replaced(STORAGE, '"enforced"', '"inherited"'),
            "bucket-public",
            STORAGE,
            variable="public_access_prevention",
        ),
        "bucket-somewhere-else": Fault(
            replaced(
                STORAGE,
                "location                    = var.region",
                'location                    = "US"',
            ),
            "bucket-location",
            STORAGE,
            variable="location",
        ),
        "bucket-overwrites": Fault(
            replaced(STORAGE, "enabled = true", "enabled = false"),
            "store-not-backed-up",
            STORAGE,
            variable="enabled",
        ),
        "nothing-protected-in-production": Fault(
            replaced(
                LOCALS,
                "var.deletion_protection != null ? var.deletion_protection : local.production",
                "false",
            ),
            "store-unprotected",
            DATABASE,
            variable="deletion_protection_enabled",
        ),
        "bucket-destroyed-with-everything": Fault(
            both(), "store-unprotected", STORAGE, variable="force_destroy"
        ),
        "secrets-destroyed": Fault(
            both(), "secret-unprotected", SECRETS, variable="deletion_protection"
        ),
        "subnet-too-small": Fault(
            replaced(
                NETWORK, "cidrsubnet(var.network_cidr, 4, 0)", "cidrsubnet(var.network_cidr, 11, 0)"
            ),
            "subnet-too-small",
            NETWORK,
            variable="ip_cidr_range",
            says="/27",
        ),
        "no-private-access": Fault(
            removed(NETWORK, "  private_ip_google_access = true\n"),
            "private-access-off",
            NETWORK,
            variable="private_ip_google_access",
        ),
        "connection-cannot-be-destroyed": Fault(
            removed(NETWORK, '  deletion_policy = "ABANDON"\n'),
            "connection-abandoned",
            NETWORK,
            variable="deletion_policy",
        ),
        "web-reaches-the-stores": Fault(
            replaced(
                NETWORK,
                'target_tags        = ["${local.name}-web"]',
                'target_tags        = ["web"]',
            ),
            "web-reaches-stores",
            SERVICES,
            "web",
            "tags",
        ),
    },
    "edge": {
        "around-the-load-balancer": Fault(
            matched(
                SERVICES, r"  ingress = contains[^\n]*\n", '  ingress = "INGRESS_TRAFFIC_ALL"\n'
            ),
            "edge-bypassed",
            SERVICES,
            "api",
            "ingress",
        ),
        "plain-http": Fault(
            replaced(
                EDGE, "google_compute_url_map.http[0].id", "google_compute_url_map.https[0].id"
            ),
            "edge-plain-http",
            EDGE,
            variable="url_map",
        ),
        "old-tls": Fault(
            replaced(EDGE, '"TLS_1_2"', '"TLS_1_0"'),
            "edge-old-tls",
            EDGE,
            variable="min_tls_version",
        ),
        "weak-ciphers": Fault(
            replaced(EDGE, '"MODERN"', '"COMPATIBLE"'),
            "edge-old-tls",
            EDGE,
            variable="profile",
        ),
        "policy-not-used": Fault(
            removed(EDGE, "  ssl_policy      = google_compute_ssl_policy.main[0].id\n"),
            "edge-old-tls",
            EDGE,
            variable="ssl_policy",
        ),
        "name-without-certificate": Fault(
            matched(
                EDGE,
                r'(certificate_map_entry" "role" \{\n  for_each = )local\.hosts',
                r"\1{ web = var.app_domain }",
            ),
            "edge-without-certificate",
            EDGE,
            variable="api.example.com",
        ),
        "browsers-must-be-google-accounts": Fault(
            removed(SERVICES, "  invoker_iam_disabled = true\n"),
            "edge-closed",
            SERVICES,
            "web",
            "invoker_iam_disabled",
        ),
        "web-calls-the-api-over-the-internet": Fault(
            replaced(NETWORK, "count = local.uses_internal ? 1 : 0", "count = 0"),
            "api-unreachable",
            SERVICES,
            "web",
            "API_BASE_URL",
        ),
        "service-not-switched-on": Fault(
            removed(VERSIONS, '    "redis.googleapis.com",\n'),
            "project-service-missing",
            REDIS,
            variable="redis.googleapis.com",
        ),
        "service-switched-off-for-all": Fault(
            replaced(VERSIONS, "disable_on_destroy = false", "disable_on_destroy = true"),
            "project-service-disabled",
            VERSIONS,
            variable="disable_on_destroy",
        ),
        "logs-kept-too-short": Fault(
            replaced(SERVICES, "retention_days = var.log_retention_days", "retention_days = 7"),
            "logs-not-kept",
            SERVICES,
            variable="retention_days",
        ),
        "logs-go-nowhere": Fault(
            matched(
                SERVICES,
                r"  destination = [^\n]*\n",
                '  destination = "storage.googleapis.com/elsewhere"\n',
            ),
            "logs-not-kept",
            SERVICES,
            variable="destination",
        ),
    },
    # What Terraform itself says, each alone: nothing else can be looked at then.
    "unknown-attribute": {
        "attribute-of-another-provider": Fault(
            replaced(REDIS, "auth_enabled = true", "auth_token = true"),
            "terraform-refused",
            REDIS,
            says="auth_token",
        ),
    },
    "no-template": {
        "required-block-left-out": Fault(
            matched(WORKER, r"  template \{.*\n  \}\n\n  lifecycle", "  lifecycle"),
            "terraform-refused",
            WORKER,
            says="template",
        ),
    },
    "precondition": {
        "size-that-there-is-not": Fault(
            matched(VARIABLES, r'(variable "api_memory_mib".*?default     = )512', r"\g<1>5000"),
            "terraform-refused",
            OUTPUTS,
            says="api has 1 CPU and 5000 MiB",
        ),
    },
    "counted-by-what-is-unknown": {
        "counted-by-what-is-unknown": Fault(
            replaced(
                STORAGE,
                'count = var.storage_provider == "gcs" ? 1 : 0',
                "count = google_compute_network.main.mtu > 0 ? 1 : 0",
            ),
            "terraform-refused",
            STORAGE,
            says="count",
            views=UNKNOWN,
        ),
    },
    "files": {
        "image-ignored": Fault(
            replaced(
                SERVICES,
                "ignore_changes = [client, client_version]",
                "ignore_changes = [client, template[0].containers[0].image]",
            ),
            "image-ignored",
            SERVICES,
            views=TEXT,
        ),
        "not-formatted": Fault(
            replaced(REDIS, "  auth_enabled = true", "    auth_enabled=true"),
            "terraform-fmt",
            REDIS,
            views=TEXT,
        ),
        "shared-file-changed": Fault(
            replaced(CONTRACT_TF, "# What the env contract says", "# What a contract says"),
            "shared-file-differs",
            CONTRACT_TF,
            views=TEXT,
        ),
    },
}

BATCHES = {**REFERENCE, **OWN}
FAULTS = [(batch, name) for batch, faults in BATCHES.items() for name in faults]
caught: set[str] = set()


# --- the tests ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    faults = {batch: list(planted.values()) for batch, planted in BATCHES.items()}
    return Batches("gcp", faults, lambda _: tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize(("batch", "name"), FAULTS, ids=[name for _, name in FAULTS])
def test_a_planted_fault_is_found(batch: str, name: str, batches: Batches) -> None:
    assert_told(batches.found(batch), BATCHES[batch][name], HERE)
    caught.add(name)


def test_every_check_of_this_cloud_finds_something() -> None:
    """A check that no fault was planted for may as well find nothing."""
    planted = {fault.check for faults in BATCHES.values() for fault in faults.values()}
    # No committed schema has a key's resource: tests/unit/checks/clouds/test_gcp.py.
    assert gcp.CHECKS.keys() - planted == {"static-key"}


@pytest.mark.parametrize("view", ["plan", "elsewhere", "unknown", "text", "api", "web, worker"])
def test_an_untouched_blueprint_has_no_finding(view: str) -> None:
    """The test of the tests: without a fault, nothing is found."""
    outcome = work("gcp", Blueprint(paths.ROOT))[view].work()

    assert not outcome.checked.findings, "\n".join(map(str, outcome.checked.findings))
    assert outcome.checked.count


def test_every_fault_that_was_planted_was_found(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_all_found(request, capsys, caught, test="test_a_planted_fault_is_found", of="gcp")
