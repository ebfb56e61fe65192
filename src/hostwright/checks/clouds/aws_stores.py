"""What holds data: Postgres, Redis, the bucket, secrets, and the key that encrypts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds.aws_view import View, block, statements
from hostwright.checks.clouds.musts import Must, musts
from hostwright.render.clouds.aws import addressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.aws_view import Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "store-public": "stores have no public address",
    "store-plaintext": "stores speak TLS alone",
    "store-without-password": "stores ask for a password",
    "store-authority": "certificates of stores are signed by an authority that clients are given",
    "store-unencrypted": "what is stored is encrypted with the stack's own key",
    "store-unprotected": "what holds data is not destroyed by mistake",
    "store-alone": "stores have a standby in production",
    "store-not-backed-up": "what holds data is backed up",
    "store-forgets": "Redis forgets nothing when it is full",
    "store-kind": "Redis is a replication group of Valkey",
    "redis-clustered": "Redis answers plain clients",
    "database-version": "the database is the Postgres that is tested",
    "database-rotates": "no password changes behind the variable that carries it",
    "bucket-public": "the bucket is nobody else's to read",
}

POSTGRES = "17"
DATABASE, REDIS = "aws_db_instance", "aws_elasticache_replication_group"
_WEEK = 7

TABLE = (
    Must(
        "store-public",
        DATABASE,
        "publicly_accessible",
        (False,),
        "everybody may knock",
        "Set publicly_accessible = false.",
    ),
    Must(
        "store-unencrypted",
        DATABASE,
        "storage_encrypted",
        (True,),
        "its disk and snapshots can be read",
        "Set storage_encrypted = true, and kms_key_id.",
    ),
    Must(
        "store-unencrypted",
        REDIS,
        "at_rest_encryption_enabled",
        (True, "true"),  # a text since 6.0
        "its snapshots can be read",
        "Set at_rest_encryption_enabled = true, and kms_key_id.",
    ),
    Must(
        "store-plaintext",
        REDIS,
        "transit_encryption_enabled",
        (True,),
        "its password crosses the network in the clear",
        "Set transit_encryption_enabled = true.",
    ),
    Must(
        "store-plaintext",
        REDIS,
        "transit_encryption_mode",
        ("required",),
        "it also takes connections in the clear",
        'Set transit_encryption_mode = "required".',
    ),
    Must(
        "store-unprotected",
        DATABASE,
        "deletion_protection",
        (True,),
        "one plan removes it",
        "Set deletion_protection = local.protected.",
        production=True,
    ),
    Must(
        "store-unprotected",
        DATABASE,
        "skip_final_snapshot",
        (False,),
        "nothing is left when it is removed",
        "Set skip_final_snapshot = !local.protected.",
        production=True,
    ),
    Must(
        "store-unprotected",
        "aws_s3_bucket",
        "force_destroy",
        (False, None),
        "destroying takes the objects along",
        "Set force_destroy = !local.protected.",
        production=True,
    ),
    Must(
        "store-alone",
        DATABASE,
        "multi_az",
        (True,),
        "a zone's failure takes it away",
        "Set multi_az = local.database_ha.",
        production=True,
    ),
    Must(
        "store-alone",
        REDIS,
        "automatic_failover_enabled",
        (True,),
        "a node's failure takes it away",
        "Set automatic_failover_enabled = local.redis_ha, and num_cache_clusters to 2.",
        production=True,
    ),
    Must(
        "store-alone",
        REDIS,
        "multi_az_enabled",
        (True,),
        "a zone's failure takes it away",
        "Set multi_az_enabled = local.redis_ha.",
        production=True,
    ),
    Must(
        "store-kind",
        REDIS,
        "engine",
        ("valkey",),
        "it is not what is tested",
        'Set engine = "valkey".',
    ),
    Must(
        "database-rotates",
        DATABASE,
        "manage_master_user_password",
        (None, False),
        "RDS changes the password every seven days, and DATABASE_URL stays",
        "Set password_wo and password_wo_version.",
    ),
    Must(
        "store-authority",
        DATABASE,
        "ca_cert_identifier",
        ("rds-ca-rsa2048-g1",),
        "the roots in rds-ca/ may not have signed its certificate",
        'Set ca_cert_identifier = "rds-ca-rsa2048-g1".',
    ),
)


def table(view: View) -> Iterator[Finding]:
    """Single attributes."""
    return musts(view, TABLE)


def database(view: View) -> Iterator[Finding]:
    """The Postgres that is tested, refusing anything but TLS, backed up, where nobody passes."""
    for item in view.plan.of_type(DATABASE):
        version = str(item.get("engine_version") or "")
        if item.get("engine") != "postgres" or version.partition(".")[0] != POSTGRES:
            yield view.finding(
                "database-version",
                item,
                f"is {item.get('engine')} {version}",
                f"Set engine_version to {POSTGRES}.",
                variable="engine_version",
            )
        if (item.get("backup_retention_period") or 0) < _WEEK:
            yield view.finding(
                "store-not-backed-up",
                item,
                f"keeps backups for {item.get('backup_retention_period') or 0} days",
                "Set backup_retention_period = var.db_backup_retention_days.",
                variable="db_backup_retention_days",
            )
        if not item.get("password_wo"):
            yield view.finding(
                "store-without-password",
                item,
                "has no password that is written only",
                "Set password_wo = var.db_admin_password, and password_wo_version.",
                variable="db_admin_password",
            )
        yield from _forced_tls(view, item)
        yield from _keyed(view, item)
        yield from _placed(view, item, "db_subnet_group_name", "aws_db_subnet_group")


def _forced_tls(view: View, item: Resource) -> Iterator[Finding]:
    settings = _settings(view, item.get("parameter_group_name"), "aws_db_parameter_group")
    if settings.get("rds.force_ssl") != "1":
        yield view.finding(
            "store-plaintext",
            item,
            "takes connections without TLS",
            "Set rds.force_ssl = 1 in its parameter group.",
            variable="rds.force_ssl",
        )


def redis(view: View) -> Iterator[Finding]:
    """One shard with a password, that forgets nothing."""
    for item in view.plan.of_type(REDIS):
        if not item.get("auth_token") and not item.get("auth_token_wo"):
            yield view.finding(
                "store-without-password",
                item,
                "lets everybody in who reaches it",
                "Set auth_token = var.redis_auth_token.",
                variable="redis_auth_token",
            )
        settings = _settings(
            view, item.get("parameter_group_name"), "aws_elasticache_parameter_group"
        )
        if settings.get("maxmemory-policy") != "noeviction":
            yield view.finding(
                "store-forgets",
                item,
                "drops what the application queued when it is full",
                "Set maxmemory-policy = noeviction in its parameter group.",
                variable="maxmemory-policy",
            )
        shards = item.get("num_node_groups")
        enabled = settings.get("cluster-enabled") == "yes"
        if enabled or (isinstance(shards, int) and shards > 1):
            yield view.finding(
                "redis-clustered",
                item,
                "has several shards: plain clients are answered with MOVED",
                "Leave num_node_groups out, and REDIS_CLUSTER_MODE is disabled.",
                variable="REDIS_CLUSTER_MODE",
            )
        wanted = 2 if view.production else 1
        nodes = item.get("num_cache_clusters")
        if isinstance(nodes, int) and nodes < wanted:
            yield view.finding(
                "store-alone",
                item,
                f"has {nodes} node, and this profile asks for {wanted}",
                "Set num_cache_clusters by local.redis_ha.",
                variable="redis_high_availability",
            )
        if not item.get("snapshot_retention_limit"):
            yield view.finding(
                "store-not-backed-up",
                item,
                "makes no snapshots",
                "Set snapshot_retention_limit.",
                variable="snapshot_retention_limit",
            )
        yield from _keyed(view, item)
        yield from _placed(view, item, "subnet_group_name", "aws_elasticache_subnet_group")
    for item in view.plan.of_type("aws_elasticache_cluster", "aws_elasticache_serverless_cache"):
        yield view.finding(
            "store-kind",
            item,
            "is not a replication group: a single cache has neither TLS nor a standby for Valkey",
            f"Make it an {REDIS}.",
        )


def _settings(view: View, reference: object, kind: str) -> dict[str, str]:
    """The parameters of the group that a store names; none where it names no group of ours."""
    group = view.named(reference) or next(
        (item for item in view.plan.of_type(kind) if item.get("name") == reference), None
    )
    listed = (group.get("parameter") if group else None) or ()
    return {str(each.get("name")): str(each.get("value")) for each in listed}


def _keyed(view: View, item: Resource) -> Iterator[Finding]:
    if not addressed(item.get("kms_key_id")).startswith("aws_kms_key."):
        yield view.finding(
            "store-unencrypted",
            item,
            "is encrypted with a key that nobody here can take back",
            "Set kms_key_id = aws_kms_key.main.arn.",
            variable="kms_key_id",
        )


def _placed(view: View, item: Resource, argument: str, kind: str) -> Iterator[Finding]:
    """A store is in subnets without a way out."""
    reference = item.get(argument)
    group = view.named(reference) or next(
        (each for each in view.plan.of_type(kind) if each.get("name") == reference), None
    )
    subnets = {addressed(each) for each in (group.get("subnet_ids") if group else None) or ()}
    open_to = sorted({block(each) for each in subnets if block(each) != "aws_subnet.data"})
    if open_to or not subnets:
        yield view.finding(
            "store-public",
            item,
            f"is in {', '.join(open_to) or 'no subnets of its own'}, which lead further",
            "Put it in the data subnets.",
            variable=argument,
        )


# --- bucket, secrets, key ------------------------------------------------------------------------


def buckets(view: View) -> Iterator[Finding]:
    """Private in all four ways, over TLS, encrypted; what the application keeps also versioned."""
    companions = {
        kind: {addressed(item.get("bucket")): item for item in view.plan.of_type(kind)}
        for kind in (
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_versioning",
            "aws_s3_bucket_policy",
        )
    }
    access, encrypted, versioned, policies = companions.values()
    for bucket in view.plan.of_type("aws_s3_bucket"):
        yield from _private(view, bucket, access.get(bucket.address), policies.get(bucket.address))
        if bucket.address not in encrypted:
            yield view.finding(
                "store-unencrypted",
                bucket,
                "has no encryption of its own",
                "Add its aws_s3_bucket_server_side_encryption_configuration.",
            )
        status = versioned.get(bucket.address)
        kept = status.get("versioning_configuration.0.status") if status else None
        if bucket.name == "storage" and kept != "Enabled":
            yield view.finding(
                "store-not-backed-up",
                bucket,
                "keeps nothing of what is overwritten or deleted",
                "Add its aws_s3_bucket_versioning, enabled.",
                variable="versioning",
            )


def _private(
    view: View, bucket: Resource, access: Resource | None, policy: Resource | None
) -> Iterator[Finding]:
    ways = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    for way in (*ways, "restrict_public_buckets"):
        if access is None or access.get(way) is not True:
            yield view.finding(
                "bucket-public",
                access or bucket,
                f"can be opened to everybody: {way} is not set",
                "Set all four of its aws_s3_bucket_public_access_block.",
                variable=way,
            )
    said = statements(policy, "policy") if policy else ()
    for statement in said:
        if statement.allows and "*" in statement.principals.get("AWS", ()):
            yield view.finding(
                "bucket-public",
                statement.policy,
                f"lets everybody {', '.join(statement.actions)}",
                "Allow roles, not everybody.",
                variable="policy",
            )
    denied = [
        each
        for each in said
        if not each.allows and each.conditions.get("Bool", {}).get("aws:SecureTransport")
    ]
    if not denied:
        yield view.finding(
            "store-plaintext",
            bucket,
            "may be read without TLS",
            "Deny it in the bucket's policy where aws:SecureTransport is false.",
            variable="policy",
        )


def secrets(view: View) -> Iterator[Finding]:
    """Encrypted with the stack's key, and in production not gone at once."""
    for item in view.plan.of_type("aws_secretsmanager_secret"):
        yield from _keyed(view, item)
        if view.production and item.get("recovery_window_in_days") == 0:
            yield view.finding(
                "store-unprotected",
                item,
                "is gone at once when it is removed",
                "Set recovery_window_in_days = local.recovery_days.",
                variable="recovery_window_in_days",
            )
    for key in view.plan.of_type("aws_kms_key"):
        if key.get("enable_key_rotation") is not True:
            yield view.finding(
                "store-unencrypted",
                key,
                "encrypts everything with one key for ever",
                "Set enable_key_rotation = true.",
                variable="enable_key_rotation",
            )


RULES: tuple[Rule, ...] = (table, database, redis, buckets, secrets)
