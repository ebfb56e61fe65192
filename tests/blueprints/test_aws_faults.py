"""Faults planted into copies of the AWS blueprint: each must be found, and told usefully.

Faults that do not disturb each other are planted together and planned once; each has its own test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.blueprints.clouds import Batches, Fault, appended, assert_told, both, matched, replaced
from tests.blueprints.counting import assert_all_found

from hostwright import paths
from hostwright.checks.clouds import aws
from hostwright.render.blueprint import Blueprint
from hostwright.validate.clouds import work

if TYPE_CHECKING:
    from tests.blueprints.clouds import Plant

HERE = "ops/infra/aws"
CI, CONTRACT_TF, DATABASE = f"{HERE}/ci.tf", f"{HERE}/contract.tf", f"{HERE}/database.tf"
EDGE, IDENTITIES, LOCALS = f"{HERE}/edge.tf", f"{HERE}/identities.tf", f"{HERE}/locals.tf"
MIGRATE, NETWORK, OUTPUTS = f"{HERE}/migrate.tf", f"{HERE}/network.tf", f"{HERE}/outputs.tf"
REDIS, SECRETS, SERVICES = f"{HERE}/redis.tf", f"{HERE}/secrets.tf", f"{HERE}/services.tf"
STORAGE, VARIABLES, WORKER = f"{HERE}/storage.tf", f"{HERE}/variables.tf", f"{HERE}/worker.tf"

TEXT, UNKNOWN = ("text",), ("unknown",)

SECRETS_READ = "Resource = concat(local.execution_secrets[role], local.logins[role])"
BREAKER = """\
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

"""


# --- ways to plant -----------------------------------------------------------------------------


def removed(file: str, text: str) -> Plant:
    """Remove text that the file has, wherever it stands."""
    return replaced(file, text, "")


def without(file: str, start: str) -> Plant:
    """Remove a whole block that begins so."""
    return matched(file, rf"^{start} \{{\n.*?^\}}\n", "")


def in_block(file: str, start: str, old: str, new: str) -> Plant:
    """Replace a pattern within the block that begins so."""
    return matched(file, rf"(^{start} \{{\n(?:(?!^\}}).)*?){old}", rf"\g<1>{new}")


def service(role: str) -> str:
    return rf'resource "aws_ecs_service" "{role}"'


# --- the reference's faults --------------------------------------------------------------------

#: contract.md's table, rows aws, all clouds and contract: faults that a published blueprint had.
REFERENCE: dict[str, dict[str, Fault]] = {
    "rights": {
        "reference-task-role-alone-reads-secrets": Fault(
            both(
                replaced(IDENTITIES, SECRETS_READ, "Resource = local.logins[role]"),
                replaced(
                    IDENTITIES,
                    "contains(local.of_signing, role) ? "
                    "aws_secretsmanager_secret.signing[*].arn : []",
                    "concat(aws_secretsmanager_secret.signing[*].arn, "
                    "local.execution_secrets[role])",
                ),
            ),
            "secret-grant-missing",
            SERVICES,
            "api",
            "DATABASE_URL",
            "which may not read it; the task role may",
        ),
        "reference-task-role-may-put": Fault(
            replaced(
                IDENTITIES,
                'Sid      = "SigningKeys"\n        Effect   = "Allow"\n'
                '        Action   = ["secretsmanager:GetSecretValue"]',
                'Sid      = "SigningKeys"\n        Effect   = "Allow"\n'
                '        Action   = ["secretsmanager:GetSecretValue", '
                '"secretsmanager:PutSecretValue"]',
            ),
            "secret-written-by-role",
            IDENTITIES,
            "worker",
            says="secretsmanager:PutSecretValue",
        ),
        "reference-head-bucket": Fault(
            replaced(IDENTITIES, '["s3:ListBucket"]', '["s3:HeadBucket"]'),
            "grant-unknown",
            IDENTITIES,
            "api",
            says="s3:HeadBucket, which is a call and no action",
        ),
    },
    "one-pair-for-all": {
        "reference-one-task-role-for-all": Fault(
            replaced(WORKER, "aws_iam_role.task[each.key].arn", 'aws_iam_role.task["api"].arn'),
            "identity-shared",
            WORKER,
            "worker",
            "task_role_arn",
            "which api has, too",
        ),
        "reference-one-execution-role-for-all": Fault(
            replaced(
                MIGRATE, "aws_iam_role.execution[each.key].arn", 'aws_iam_role.execution["api"].arn'
            ),
            "identity-shared",
            MIGRATE,
            "migrate",
            "execution_role_arn",
            "which api has, too",
        ),
    },
    "running": {
        "reference-no-circuit-breaker": Fault(
            in_block(SERVICES, service("api"), BREAKER.replace("{", r"\{"), ""),
            "rollback-off",
            SERVICES,
            "api",
            "deployment_circuit_breaker",
        ),
        "reference-no-autoscaling": Fault(
            both(
                without(WORKER, 'resource "aws_appautoscaling_target" "worker"'),
                without(WORKER, 'resource "aws_appautoscaling_policy" "worker"'),
            ),
            "instances-fixed",
            WORKER,
            "worker",
            "worker_max_instances",
        ),
        "reference-no-multi-az": Fault(
            replaced(DATABASE, "= local.database_ha\n  db_subnet", "= false\n  db_subnet"),
            "store-alone",
            DATABASE,
            variable="multi_az",
        ),
        "reference-tls-of-2016": Fault(
            replaced(
                EDGE, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-2016-08"
            ),
            "edge-old-tls",
            EDGE,
            variable="ssl_policy",
            says="ELBSecurityPolicy-2016-08, which lets old versions in",
        ),
        "reference-health-on-the-ready-path": Fault(
            replaced(EDGE, "roles[each.key].health.live", "roles[each.key].health.ready"),
            "health-kills-on-ready",
            EDGE,
            "web",
            says="an outage of Redis would end every task",
        ),
        "reference-desired-count-for-min-instances": Fault(
            both(
                replaced(VARIABLES, 'variable "web_min_instances"', 'variable "web_desired_count"'),
                replaced(VARIABLES, "var.web_min_instances", "var.web_desired_count"),
                replaced(LOCALS, "var.web_min_instances", "var.web_desired_count"),
            ),
            "input-missing",
            VARIABLES,
            variable="web_min_instances",
        ),
        "reference-db-username": Fault(
            both(
                *(
                    replaced(file, "db_admin_username", "db_username")
                    for file in (VARIABLES, DATABASE, SECRETS)
                ),
                replaced(CONTRACT_TF, "var.db_admin_username", "var.db_username"),
            ),
            "input-unknown",
            VARIABLES,
            variable="db_username",
        ),
    },
    "before-the-first-apply": {
        "reference-secret-needed-before-apply": Fault(
            both(
                appended(VARIABLES, 'variable "database_url" {\n  default = "postgresql://x"\n}'),
                matched(SECRETS, r'database_url = "[^\n]*', "database_url = var.database_url"),
            ),
            "wrong-source",
            SERVICES,
            "api",
            "DATABASE_URL",
        ),
        "reference-no-worker": Fault(
            replaced(WORKER, "for_each = local.workers", "for_each = toset([])"),
            "role-missing",
            HERE,
            "worker",
        ),
        "reference-no-migrate": Fault(
            replaced(MIGRATE, "for_each = local.jobs", "for_each = toset([])"),
            "role-missing",
            HERE,
            "migrate",
        ),
        "reference-probes-by-address-get-400": Fault(
            replaced(EDGE, "local.contract.roles[each.key].health.live", '"/items"'),
            "healthcheck-differs",
            EDGE,
            "api",
            "health_check",
            "asked at /items, and the contract says /health",
        ),
    },
    "password-in-state": {
        "reference-password-in-state": Fault(
            both(
                matched(
                    DATABASE,
                    r"password_wo         = var.db_admin_password\n"
                    r"  password_wo_version = var.secrets_version",
                    "password = var.db_admin_password",
                ),
                in_block(VARIABLES, 'variable "db_admin_password"', r"  ephemeral   = true\n", ""),
            ),
            "secret-in-state",
            DATABASE,
            variable="db_admin_password",
        ),
    },
}

# --- our own -----------------------------------------------------------------------------------

OWN: dict[str, dict[str, Fault]] = {
    "what-containers-get": {
        "secret-in-plain-environment": Fault(
            replaced(
                SERVICES,
                "for name, value in local.env[role] : { name = name, value = value }]",
                "for name, value in merge(local.env[role], "
                '{ for key in role == "worker" ? ["REDIS_URL"] : [] : key => "redis://x" }) : '
                "{ name = name, value = value }]",
            ),
            "env-duplicate",
            WORKER,
            "worker",
            "REDIS_URL",
        ),
        "variable-missing-in-worker-only": Fault(
            replaced(
                SERVICES,
                "{ name = name, valueFrom = reference }]",
                "{ name = name, valueFrom = reference } "
                'if !(role == "worker" && name == "SECRET_KEY")]',
            ),
            "variable-missing",
            WORKER,
            "worker",
            "SECRET_KEY",
        ),
        "env-names-tell-less": Fault(
            replaced(OUTPUTS, "sort(concat(keys(local.env[role]), ", "sort(concat([], "),
            "env-names-differ",
            OUTPUTS,
            "web",
            "env_names",
        ),
        "secret-not-encoded": Fault(
            replaced(SECRETS, "urlencode(var.db_admin_password)", "var.db_admin_password"),
            "wrong-source",
            MIGRATE,
            "migrate",
            "DATABASE_URL",
        ),
        "redis-url-without-tls": Fault(
            replaced(SECRETS, '"rediss://', '"redis://'),
            "wrong-source",
            SERVICES,
            "api",
            "REDIS_URL",
        ),
        "web-is-told-another-host": Fault(
            replaced(
                LOCALS, '"http://api:${local.api_port}"', '"http://backend:${local.api_port}"'
            ),
            "api-unreachable",
            SERVICES,
            "api",
            "API_BASE_URL",
            "does not answer to backend:8000, which web is told",
        ),
        "output-renamed": Fault(
            replaced(OUTPUTS, 'output "migrate_job"', 'output "migrate_task"'),
            "output-missing",
            OUTPUTS,
            variable="migrate_job",
        ),
        "output-reworded": Fault(
            replaced(OUTPUTS, '"Host name of Redis"', '"Where Redis answers"'),
            "output-differs",
            OUTPUTS,
            variable="redis_endpoint",
        ),
    },
    "secrets-left-to-web": {
        "secrets-in-web": Fault(
            replaced(
                SERVICES,
                "for name, reference in local.secrets[role] :",
                'for name, reference in local.secrets[role == "web" ? "migrate" : role] :',
            ),
            "data-store-in-web",
            SERVICES,
            "web",
            "DATABASE_URL",
        ),
    },
    "secrets": {
        "role-too-many-on-a-secret": Fault(
            replaced(
                IDENTITIES,
                SECRETS_READ,
                'Resource = concat(local.execution_secrets[role == "web" ? "migrate" : role], '
                "local.logins[role])",
            ),
            "secret-grant-extra",
            IDENTITIES,
            "web",
            "DATABASE_URL",
            "may read",
        ),
        "reference-without-all-colons": Fault(
            replaced(
                SERVICES, "valueFrom = reference }]", 'valueFrom = "${reference}:password" }]'
            ),
            "secret-reference-refused",
            SERVICES,
            "api",
            "SECRET_KEY",
        ),
        "key-cannot-be-used": Fault(
            replaced(
                IDENTITIES,
                "length(local.execution_secrets[role]) + length(local.logins[role]) > 0 ? "
                "[aws_kms_key.main.arn] : []",
                "[]",
            ),
            "secret-grant-missing",
            WORKER,
            "worker",
            "REDIS_URL",
            "cannot be decrypted",
        ),
        "composed-secrets-not-written": Fault(
            in_block(
                SECRETS,
                'resource "aws_secretsmanager_secret_version" "made"',
                "for_each = local.made_secrets",
                "for_each = local.given_secrets",
            ),
            "secret-not-made",
            MIGRATE,
            "migrate",
            "DATABASE_URL",
        ),
        "secret-gone-at-once": Fault(
            replaced(SECRETS, "local.protected ? 30 : 0", "0"),
            "store-unprotected",
            SECRETS,
            variable="recovery_window_in_days",
        ),
        "secret-under-nobodys-key": Fault(
            in_block(
                SECRETS,
                'resource "aws_secretsmanager_secret" "registry"',
                r"  kms_key_id              = aws_kms_key.main.arn\n",
                "",
            ),
            "store-unencrypted",
            SECRETS,
            variable="kms_key_id",
        ),
        "key-not-rotated": Fault(
            replaced(SECRETS, "enable_key_rotation     = true", "enable_key_rotation     = false"),
            "store-unencrypted",
            SECRETS,
            variable="enable_key_rotation",
        ),
        "starts-before-its-secrets": Fault(
            replaced(WORKER, "    aws_secretsmanager_secret_version.made,\n", ""),
            "starts-before-grant",
            WORKER,
            "worker",
            says="aws_secretsmanager_secret_version.made",
        ),
        "starts-before-its-rights": Fault(
            in_block(SERVICES, service("web"), r"    aws_iam_role_policy.execution,\n", ""),
            "starts-before-grant",
            SERVICES,
            "web",
            says="aws_iam_role_policy.execution",
        ),
    },
    "rights": {
        "signing-keys-unreadable": Fault(
            replaced(
                IDENTITIES,
                "contains(local.of_signing, role) ? aws_secretsmanager_secret.signing[*].arn : []",
                "[]",
            ),
            "secret-grant-missing",
            SERVICES,
            "api",
            "AWS_SM_SIGNING_SECRET_ARN",
            "which the task role may not read",
        ),
        "objects-on-the-bucket-itself": Fault(
            replaced(IDENTITIES, '"${arn}/*"]', "arn]"),
            "storage-not-granted",
            WORKER,
            "worker",
            "S3_BUCKET",
            "s3:PutObject",
        ),
        "bucket-for-a-role-too-many": Fault(
            replaced(
                LOCALS,
                "for role in local.roles : role if local.own_storage && anytrue([",
                'for role in local.roles : role if role == "migrate" || '
                "local.own_storage && anytrue([",
            ),
            "storage-grant-extra",
            MIGRATE,
            "migrate",
        ),
        "rights-to-everything": Fault(
            replaced(IDENTITIES, '["kms:Decrypt", "kms:GenerateDataKey"]', '["kms:*"]'),
            "grant-too-wide",
            IDENTITIES,
            "worker",
            says="kms:*, which is more than is used",
        ),
        "rights-on-everything": Fault(
            in_block(CI, "locals", r"Resource = local.service_arns", 'Resource = ["*"]'),
            "grant-too-wide",
            CI,
            says="ecs:UpdateService on everything in the account",
        ),
        "trust-in-any-account": Fault(
            replaced(IDENTITIES, 'StringEquals = { "aws:SourceAccount" = local.account_id }\n', ""),
            "trust-too-wide",
            IDENTITIES,
            "migrate",
            says="tasks of any account",
        ),
        "trust-in-every-repository": Fault(
            replaced(
                CI,
                'StringEquals = {\n          "${local.github}:aud"',
                'StringLike = {\n          "${local.github}:aud"',
            ),
            "ci-trust-too-wide",
            CI,
            variable="github_repository",
            says="repo:acme/shop:environment:production",
        ),
        "roles-for-any-service": Fault(
            replaced(
                CI,
                '      Condition = { StringEquals = { "iam:PassedToService" = '
                '"ecs-tasks.amazonaws.com" } }\n',
                "",
            ),
            "pass-role-unbound",
            CI,
        ),
        "nobody-runs": Fault(
            removed(SERVICES, "  task_role_arn            = aws_iam_role.task[each.key].arn\n"),
            "identity-missing",
            SERVICES,
            "web",
            "task_role_arn",
        ),
    },
    "definitions": {
        "not-in-the-network": Fault(
            replaced(WORKER, '"awsvpc"', '"bridge"'),
            "launch-differs",
            WORKER,
            "worker",
            "network_mode",
        ),
        "size-that-nobody-sells": Fault(
            replaced(WORKER, "tostring(local.sizes[each.key].memory)", '"1500"'),
            "cpu-memory-pair",
            WORKER,
            "worker",
            "worker_memory_mib",
        ),
        "worker-runs-the-apis-image": Fault(
            replaced(
                LOCALS,
                "worker  = var.worker_image != null ? var.worker_image : var.api_image",
                "worker  = var.api_image",
            ),
            "image-differs",
            WORKER,
            "worker",
            "worker_image",
        ),
        "registry-accepted-and-ignored": Fault(
            replaced(SERVICES, "contains(local.by_login, role) ? {\n", "false ? {\n"),
            "registry-ignored",
            SERVICES,
            "web",
            "registry_server",
        ),
        "port-of-its-own": Fault(
            replaced(
                SERVICES,
                "containerPort = local.contract.roles[role].port\n",
                "containerPort = 8080\n",
            ),
            "port-differs",
            SERVICES,
            "web",
            "PORT",
            "opens the ports 8080",
        ),
        "command-of-the-image": Fault(
            replaced(SERVICES, "local.contract.roles[role].command\n", '["serve"]\n'),
            "command-differs",
            SERVICES,
            "api",
            "command",
        ),
        "killed-while-stopping": Fault(
            replaced(SERVICES, "local.contract.roles[role].stop_seconds\n", "10\n"),
            "stop-too-short",
            WORKER,
            "worker",
            "stopTimeout",
        ),
        "root-to-write-on": Fault(
            replaced(
                SERVICES, "readonlyRootFilesystem = true", 'readonlyRootFilesystem = role != "api"'
            ),
            "writable-root",
            SERVICES,
            "api",
        ),
        "nowhere-to-write": Fault(
            replaced(
                SERVICES,
                'tmpfs = [{ containerPath = "/tmp", size = 64 }]',
                "tmpfs = []",
            ),
            "writable-place-missing",
            SERVICES,
            "web",
            "tmpfs",
        ),
        "capabilities-kept": Fault(
            replaced(SERVICES, '{ drop = ["ALL"] }', "{ drop = [] }"),
            "capabilities-kept",
            SERVICES,
            "web",
        ),
        "privileged": Fault(
            replaced(
                SERVICES, "essential              = true", "essential = true, privileged = true"
            ),
            "privileged",
            SERVICES,
            "api",
        ),
        "revision-deregistered": Fault(
            removed(WORKER, "  skip_destroy             = true\n"),
            "revision-lost",
            WORKER,
            "worker",
        ),
        "log-to-nowhere": Fault(
            replaced(SERVICES, "aws_cloudwatch_log_group.role[role].name", '"/elsewhere"'),
            "logs-not-kept",
            SERVICES,
            "api",
            "logConfiguration",
        ),
        "job-that-does-not-say-where": Fault(
            replaced(MIGRATE, "    cluster         = ", "    of_cluster      = "),
            "role-kind-differs",
            MIGRATE,
            "migrate",
            "cluster",
        ),
    },
    "more-of-definitions": {
        "no-tag-of-a-role": Fault(
            removed(MIGRATE, "    role            = each.key\n"), "role-untagged", MIGRATE
        ),
        "capability-added": Fault(
            replaced(SERVICES, '{ drop = ["ALL"] }', '{ drop = ["ALL"], add = ["SYS_PTRACE"] }'),
            "capability-added",
            WORKER,
            "worker",
            says="SYS_PTRACE",
        ),
        "too-large": Fault(
            both(
                replaced(
                    SERVICES,
                    "{ name = name, value = value }]",
                    '{ name = name, value = name == "LOG_LEVEL" ? '
                    'join("", [for _ in range(1000) : local.long]) : value }]',
                ),
                appended(SERVICES, f'locals {{\n  long = "{"x" * 70}"\n}}\n'),
                replaced(OUTPUTS, "> 60000", "> 600000"),
            ),
            "definition-too-large",
            WORKER,
            "worker",
            says="64 KiB",
        ),
        "worker-asked-for-nothing": Fault(
            replaced(
                SERVICES,
                'concat(["CMD"], local.contract.roles[role].health.command)',
                '["CMD", "true"]',
            ),
            "healthcheck-differs",
            WORKER,
            "worker",
            "healthCheck",
        ),
        "no-time-to-start": Fault(
            replaced(
                SERVICES,
                "startPeriod = local.contract.roles[role].start_seconds",
                "startPeriod = 0",
            ),
            "start-too-short",
            WORKER,
            "worker",
            "startPeriod",
        ),
    },
    "health": {
        "nobody-asks": Fault(
            replaced(
                SERVICES,
                "healthCheck = local.health_commands[role] != null ?",
                "healthCheck = false ?",
            ),
            "healthcheck-missing",
            WORKER,
            "worker",
        ),
        "worker-without-a-service": Fault(
            in_block(
                SERVICES,
                service("web"),
                r"for_each = setintersection\(local.services, \[\"web\"\]\)",
                "for_each = toset([])",
            ),
            "role-kind-differs",
            SERVICES,
            "web",
            says="is kept running by nothing",
        ),
    },
    "services": {
        "two-workers-at-once": Fault(
            replaced(WORKER, "local.worker_overlaps ? 200 : 100", "200"),
            "handover-differs",
            WORKER,
            "worker",
            "deployment_maximum_percent",
        ),
        "worker-moved-between-zones": Fault(
            replaced(WORKER, 'local.worker_overlaps ? "ENABLED" : "DISABLED"', '"ENABLED"'),
            "handover-differs",
            WORKER,
            "worker",
            "availability_zone_rebalancing",
        ),
        "a-gap-at-every-release": Fault(
            in_block(
                SERVICES,
                service("api"),
                "deployment_minimum_healthy_percent = 100",
                "deployment_minimum_healthy_percent = 50",
            ),
            "gap-in-service",
            SERVICES,
            "api",
        ),
        "rotation-unseen": Fault(
            removed(WORKER, "  triggers             = local.new_secrets\n"),
            "rotation-unseen",
            WORKER,
            "worker",
            "secrets_version",
        ),
        "one-of-each-in-production": Fault(
            replaced(LOCALS, "local.production ? 2 : 1", "1"),
            "instances-too-few",
            SERVICES,
            "web",
            "web_min_instances",
        ),
        "tasks-with-public-addresses": Fault(
            in_block(
                SERVICES, service("web"), "assign_public_ip = false", "assign_public_ip = true"
            ),
            "task-public",
            SERVICES,
            "web",
            "assign_public_ip",
        ),
        "tasks-in-public-subnets": Fault(
            replaced(WORKER, "aws_subnet.private[*].id", "aws_subnet.public[*].id"),
            "task-public",
            WORKER,
            "worker",
            "subnets",
        ),
        "no-grace-behind-the-balancer": Fault(
            in_block(
                SERVICES,
                service("api"),
                r"health_check_grace_period_seconds = [^\n]*",
                "health_check_grace_period_seconds = 5",
            ),
            "start-too-short",
            SERVICES,
            "api",
            "health_check_grace_period_seconds",
        ),
        "web-before-api": Fault(
            removed(SERVICES, "    aws_ecs_service.api,\n"),
            "api-unreachable",
            SERVICES,
            "web",
            "API_BASE_URL",
            "may start before api",
        ),
        "logs-for-ever": Fault(
            in_block(
                SERVICES,
                'resource "aws_cloudwatch_log_group" "role"',
                r"  retention_in_days = var.log_retention_days\n",
                "",
            ),
            "logs-not-kept",
            SERVICES,
            "worker",
            "log_retention_days",
        ),
    },
    "stores": {
        "public-database": Fault(
            replaced(DATABASE, "publicly_accessible    = false", "publicly_accessible    = true"),
            "store-public",
            DATABASE,
            variable="publicly_accessible",
        ),
        "database-where-roles-are": Fault(
            replaced(DATABASE, "aws_subnet.data[*].id", "aws_subnet.private[*].id"),
            "store-public",
            DATABASE,
            variable="db_subnet_group_name",
        ),
        "deletion-protection-off-in-production": Fault(
            replaced(
                DATABASE,
                "deletion_protection       = local.protected",
                "deletion_protection = false",
            ),
            "store-unprotected",
            DATABASE,
            variable="deletion_protection",
        ),
        "nothing-left-of-the-database": Fault(
            replaced(
                DATABASE,
                "skip_final_snapshot       = !local.protected",
                "skip_final_snapshot = true",
            ),
            "store-unprotected",
            DATABASE,
            variable="skip_final_snapshot",
        ),
        "postgres-of-another-major": Fault(
            replaced(DATABASE, 'postgres_major = "17"', 'postgres_major = "16"'),
            "database-version",
            DATABASE,
            variable="engine_version",
        ),
        "backups-of-a-day": Fault(
            replaced(DATABASE, "= var.db_backup_retention_days", "= 1"),
            "store-not-backed-up",
            DATABASE,
            variable="db_backup_retention_days",
        ),
        "database-without-tls": Fault(
            replaced(
                DATABASE,
                'name  = "rds.force_ssl"\n    value = "1"',
                'name = "rds.force_ssl"\n    value = "0"',
            ),
            "store-plaintext",
            DATABASE,
            variable="rds.force_ssl",
        ),
        "password-behind-our-back": Fault(
            matched(
                DATABASE,
                r"  password_wo         = var.db_admin_password\n"
                r"  password_wo_version = var.secrets_version\n",
                "  manage_master_user_password = true\n",
            ),
            "database-rotates",
            DATABASE,
            variable="manage_master_user_password",
        ),
        "authority-that-is-not-shipped": Fault(
            replaced(DATABASE, '"rds-ca-rsa2048-g1"', '"rds-ca-2019"'),
            "store-authority",
            DATABASE,
            variable="ca_cert_identifier",
        ),
        "disk-unencrypted": Fault(
            replaced(DATABASE, "storage_encrypted     = true", "storage_encrypted     = false"),
            "store-unencrypted",
            DATABASE,
            variable="storage_encrypted",
        ),
        "redis-also-in-the-clear": Fault(
            replaced(REDIS, '"required"', '"preferred"'),
            "store-plaintext",
            REDIS,
            variable="transit_encryption_mode",
        ),
        "redis-for-everybody": Fault(
            matched(REDIS, r"  auth_token = var.redis_auth_token\n", ""),
            "store-without-password",
            REDIS,
            variable="redis_auth_token",
        ),
        "redis-forgets": Fault(
            replaced(REDIS, '"noeviction"', '"allkeys-lru"'),
            "store-forgets",
            REDIS,
            variable="maxmemory-policy",
        ),
        "redis-alone": Fault(
            replaced(REDIS, "local.redis_ha ? 2 : 1", "1"),
            "store-alone",
            REDIS,
            variable="redis_high_availability",
        ),
        "redis-in-shards": Fault(
            replaced(
                REDIS,
                "  # What the application queued",
                '  parameter {\n    name  = "cluster-enabled"\n    value = "yes"\n  }\n\n'
                "  # What the application queued",
            ),
            "redis-clustered",
            REDIS,
            variable="REDIS_CLUSTER_MODE",
        ),
        "redis-of-another-kind": Fault(
            replaced(REDIS, '= "valkey"\n', '= "redis"\n'), "store-kind", REDIS, variable="engine"
        ),
        "bucket-for-everybody": Fault(
            in_block(
                STORAGE,
                'resource "aws_s3_bucket_public_access_block" "storage"',
                "block_public_policy     = true",
                "block_public_policy     = false",
            ),
            "bucket-public",
            STORAGE,
            variable="block_public_policy",
        ),
        "bucket-without-tls": Fault(
            without(STORAGE, 'resource "aws_s3_bucket_policy" "storage"'),
            "store-plaintext",
            STORAGE,
            variable="policy",
        ),
        "bucket-keeps-nothing": Fault(
            replaced(STORAGE, 'status = "Enabled"\n  }\n}', 'status = "Suspended"\n  }\n}'),
            "store-not-backed-up",
            STORAGE,
            variable="versioning",
        ),
        "bucket-destroyed-with-its-objects": Fault(
            replaced(STORAGE, "force_destroy = !local.protected", "force_destroy = true"),
            "store-unprotected",
            STORAGE,
            variable="force_destroy",
        ),
    },
    "edge": {
        "tls-by-default": Fault(
            matched(EDGE, r"  ssl_policy = [^\n]*\n", ""),
            "edge-old-tls",
            EDGE,
            says="the default of 2016",
        ),
        "plain-http": Fault(
            matched(
                EDGE,
                r'type = "redirect"\n\n    redirect \{.*?\n    \}',
                'type = "forward"\n    target_group_arn = aws_lb_target_group.role["web"].arn',
            ),
            "edge-plain-http",
            EDGE,
            variable="default_action",
        ),
        "any-host-is-web": Fault(
            matched(
                EDGE,
                r'type = "fixed-response"\n\n    fixed_response \{.*?\n    \}',
                'type = "forward"\n    target_group_arn = aws_lb_target_group.role["web"].arn',
            ),
            "edge-open-default",
            EDGE,
            variable="default_action",
        ),
        "certificate-before-it-is-issued": Fault(
            replaced(
                EDGE,
                "certificate_arn   = aws_acm_certificate_validation.main[0].certificate_arn",
                "certificate_arn   = aws_acm_certificate.main[0].arn",
            ),
            "edge-without-certificate",
            EDGE,
            variable="certificate_arn",
        ),
        "name-without-certificate": Fault(
            matched(EDGE, r"  subject_alternative_names = [^\n]*\n", ""),
            "edge-without-certificate",
            EDGE,
            "api",
            "api_domain",
        ),
        "host-that-nobody-asks-for": Fault(
            replaced(
                EDGE,
                "values = [each.value]",
                'values = [each.key == "api" ? "backend.example.com" : each.value]',
            ),
            "edge-role-unserved",
            SERVICES,
            "api",
            "api_domain",
        ),
        "another-host-that-leads-in": Fault(
            appended(
                EDGE,
                'resource "aws_lb_listener_rule" "extra" {\n'
                "  listener_arn = aws_lb_listener.https[0].arn\n  priority = 30\n"
                '  action {\n    type = "forward"\n'
                '    target_group_arn = aws_lb_target_group.role["api"].arn\n  }\n'
                '  condition {\n    host_header {\n      values = ["internal.example.com"]\n'
                "    }\n  }\n}\n",
            ),
            "exposure-differs",
            SERVICES,
            "api",
            says="internal.example.com",
        ),
        "smuggled-headers": Fault(
            removed(EDGE, "  drop_invalid_header_fields = true\n"),
            "edge-smuggling",
            EDGE,
            variable="drop_invalid_header_fields",
        ),
        "requests-unlogged": Fault(
            matched(EDGE, r"  access_logs \{.*?\n  \}\n", ""),
            "edge-unlogged",
            EDGE,
        ),
        "requests-cut-off": Fault(
            replaced(EDGE, "local.contract.roles[each.key].drain_seconds", "0"),
            "edge-drain",
            EDGE,
            "web",
            "deregistration_delay",
        ),
        "requests-to-another-port": Fault(
            replaced(EDGE, "local.contract.roles[each.key].port\n  protocol", "80\n  protocol"),
            "port-differs",
            SERVICES,
            "api",
            "PORT",
            "is sent requests at 80, 8000",
        ),
        "load-balancer-unprotected": Fault(
            replaced(
                EDGE,
                "enable_deletion_protection = local.protected",
                "enable_deletion_protection = false",
            ),
            "store-unprotected",
            EDGE,
            variable="enable_deletion_protection",
        ),
    },
    "network": {
        "web-reaches-the-database": Fault(
            in_block(
                NETWORK,
                'resource "aws_vpc_security_group_ingress_rule" "database"',
                "for_each = local.of_database",
                "for_each = toset(local.roles)",
            ),
            "web-reaches-stores",
            DATABASE,
            "web",
            "DATABASE_URL",
        ),
        "redis-at-a-port-that-does-not-fit": Fault(
            replaced(NETWORK, "local.contract.connections.redis.port", "6380"),
            "store-unreachable",
            REDIS,
            "worker",
            "REDIS_URL",
        ),
        "ssh-for-everybody": Fault(
            appended(
                NETWORK,
                'resource "aws_vpc_security_group_ingress_rule" "ssh" {\n'
                '  security_group_id = aws_security_group.role["api"].id\n'
                '  ip_protocol = "tcp"\n  from_port = 22\n  to_port = 22\n'
                '  cidr_ipv4 = "0.0.0.0/0"\n}\n',
            ),
            "port-open",
            NETWORK,
            says="lets everybody in at 22",
        ),
        "balancer-shut-out": Fault(
            in_block(
                NETWORK,
                'resource "aws_vpc_security_group_ingress_rule" "from_edge"',
                "for_each = local.hosts",
                'for_each = { for role, host in local.hosts : role => host if role == "api" }',
            ),
            "role-unreachable",
            SERVICES,
            "web",
        ),
        "web-shut-out-by-api": Fault(
            without(NETWORK, 'resource "aws_vpc_security_group_ingress_rule" "api_from_web"'),
            "role-unreachable",
            SERVICES,
            "api",
            says="does not let web in",
        ),
        "no-two-ways-out": Fault(
            replaced(NETWORK, "local.production ? local.zones : 1", "1"),
            "zone-alone",
            NETWORK,
            variable="gateways",
        ),
        "stores-with-a-way-out": Fault(
            appended(
                NETWORK,
                'resource "aws_route" "data" {\n  route_table_id = aws_route_table.data.id\n'
                '  destination_cidr_block = "0.0.0.0/0"\n'
                "  gateway_id = aws_internet_gateway.main.id\n}\n",
            ),
            "store-public",
            NETWORK,
            says="has a way out",
        ),
        "roles-without-a-way-out": Fault(
            in_block(
                NETWORK,
                'resource "aws_vpc_security_group_egress_rule" "role"',
                r"for_each = toset\(local.roles\)",
                "for_each = toset([])",
            ),
            "no-way-out",
            SERVICES,
            "api",
        ),
        "endpoint-that-nobody-finds": Fault(
            replaced(NETWORK, "private_dns_enabled = true", "private_dns_enabled = false"),
            "endpoint-closed",
            NETWORK,
            variable="private_dns_enabled",
        ),
        "endpoint-that-lets-nobody-in": Fault(
            in_block(
                NETWORK,
                'resource "aws_vpc_security_group_ingress_rule" "endpoints"',
                r"for_each = toset\(local.roles\)",
                'for_each = toset(["api", "web", "migrate"])',
            ),
            "endpoint-closed",
            NETWORK,
            "worker",
        ),
        "the-same-addresses-twice": Fault(
            replaced(NETWORK, "count.index + 8", "count.index + 4"),
            "subnet-overlap",
            NETWORK,
            variable="network_cidr",
        ),
    },
    "no-password": {
        "database-without-a-password": Fault(
            removed(DATABASE, "  password_wo         = var.db_admin_password\n"),
            "store-without-password",
            DATABASE,
            variable="db_admin_password",
        ),
    },
    "one-zone": {
        "one-zone": Fault(
            replaced(NETWORK, "zones = 2", "zones = 1"), "zone-alone", NETWORK, variable="zones"
        ),
    },
    "text": {
        "image-ignored": Fault(
            replaced(WORKER, "[desired_count]", "[desired_count, task_definition]"),
            "image-ignored",
            WORKER,
            says="task_definition",
            views=TEXT,
        ),
        "unformatted": Fault(
            replaced(MIGRATE, "  skip_destroy             = true", " skip_destroy = true"),
            "terraform-fmt",
            MIGRATE,
            views=TEXT,
        ),
        "shared-file-edited-here": Fault(
            replaced(CONTRACT_TF, "# Role to required", "# Of roles, required"),
            "shared-file-differs",
            CONTRACT_TF,
            views=TEXT,
        ),
    },
    "unknown-count": {
        "zones-by-what-is-not-known-yet": Fault(
            replaced(
                NETWORK, "for_each = local.endpoints", "for_each = toset(aws_subnet.private[*].id)"
            ),
            "terraform-refused",
            NETWORK,
            variable="aws_vpc_endpoint.interface",
            says="Invalid for_each argument",
            views=UNKNOWN,
        ),
    },
    "word-that-is-not-there": {
        "argument-of-another-provider": Fault(
            replaced(DATABASE, "  publicly_accessible ", "  public_accessible   "),
            "terraform-refused",
            DATABASE,
            variable="aws_db_instance.main",
            says="Unsupported argument",
        ),
    },
    "all-authorities": {
        "authorities-of-every-region": Fault(
            replaced(
                DATABASE,
                'fileexists(local.database_ca_file) ? file(local.database_ca_file) : ""',
                'join("", [for name in fileset("${path.module}/rds-ca", "*.pem") : '
                'file("${path.module}/rds-ca/${name}")])',
            ),
            "terraform-refused",
            OUTPUTS,
            says="ECS takes 64 KiB for a task definition",
        ),
    },
}

BATCHES = {**{f"reference-{name}": batch for name, batch in REFERENCE.items()}, **OWN}
FAULTS = [(batch, name) for batch, faults in BATCHES.items() for name in faults]
caught: set[str] = set()


# --- the tests ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    faults = {batch: list(planted.values()) for batch, planted in BATCHES.items()}
    return Batches("aws", faults, lambda _: tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize(("batch", "name"), FAULTS, ids=[name for _, name in FAULTS])
def test_a_planted_fault_is_found(batch: str, name: str, batches: Batches) -> None:
    assert_told(batches.found(batch), BATCHES[batch][name], HERE)
    caught.add(name)


def test_every_check_of_this_cloud_finds_something() -> None:
    """A check that no fault was planted for may as well find nothing."""
    planted = {fault.check for faults in BATCHES.values() for fault in faults.values()}
    # No committed schema has a user's resource: tests/unit/checks/clouds/test_aws.py.
    assert aws.CHECKS.keys() - planted == {"static-key"}


@pytest.mark.parametrize("view", ["plan", "elsewhere", "unknown", "text", "api", "web, worker"])
def test_an_untouched_blueprint_has_no_finding(view: str) -> None:
    """The test of the tests: without a fault, nothing is found."""
    outcome = work("aws", Blueprint(paths.ROOT))[view].work()

    assert not outcome.checked.findings, "\n".join(map(str, outcome.checked.findings))
    assert outcome.checked.count


def test_every_fault_that_was_planted_was_found(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_all_found(request, capsys, caught, test="test_a_planted_fault_is_found", of="aws")
