"""The network, and the stores in it: Cloud SQL, Memorystore and the bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.clouds.gcp_view import View, container, referred, template
from hostwright.checks.clouds.musts import Must, musts
from hostwright.render.clouds import gcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.gcp_view import Rule
    from hostwright.checks.finding import Finding

CHECKS = {
    "subnet-too-small": "the subnet has room for every instance",
    "private-access-off": "Google's own services are reached from inside",
    "web-reaches-stores": "web's packets do not reach the stores",
    "store-public": "stores have no public address",
    "store-plaintext": "stores speak TLS alone",
    "store-without-password": "stores ask for a password",
    "store-authority": "certificates of stores are signed by an authority that clients are given",
    "store-unprotected": "what holds data is not destroyed by mistake",
    "store-alone": "stores have a standby in production",
    "store-not-backed-up": "what holds data is backed up",
    "store-forgets": "Redis forgets nothing when it is full",
    "store-before-network": "stores wait for the connection that their addresses come from",
    "database-edition": "the database's edition is said, and has its size",
    "database-version": "the database is the Postgres that is tested",
    "database-user-dropped": "destroying does not stumble over what the owner owns",
    "bucket-public": "the bucket is nobody else's to read",
    "bucket-location": "the bucket is in the region that was asked for",
    "connection-abandoned": "destroying does not stumble over the peering that Cloud SQL holds",
}
DATABASE, REDIS = "google_sql_database_instance", "google_redis_instance"
SUBNET, BUCKET = "google_compute_subnetwork", "google_storage_bucket"
_ADDRESS = "Set ipv4_enabled = false and private_network: the roles are in that network."
_STANDBY = "Leave db_high_availability and redis_high_availability to the profile."
_PROTECTED = "Leave deletion_protection to the profile: local.protected."
#: Longest prefix that Cloud Run takes for Direct VPC egress.
LONGEST_PREFIX = 26
#: What needs the edition ENTERPRISE: custom and shared-core machines.
_CUSTOM = re.compile(r"db-(custom-.+|f1-micro|g1-small)")

TABLE = (
    Must(
        "private-access-off",
        SUBNET,
        "private_ip_google_access",
        (True,),
        "web could not reach the api's own address",
        "Set private_ip_google_access = true.",
    ),
    Must(
        "store-public",
        DATABASE,
        "settings.0.ip_configuration.0.ipv4_enabled",
        (False,),
        "it gets a public address",
        _ADDRESS,
    ),
    Must(
        "store-public",
        DATABASE,
        "settings.0.ip_configuration.0.authorized_networks",
        ([], None),
        "somebody outside is let in",
        "Remove authorized_networks: the roles are in its network.",
    ),
    Must(
        "store-public",
        REDIS,
        "connect_mode",
        ("PRIVATE_SERVICE_ACCESS",),
        "its address is not from the range that was set aside",
        'Set connect_mode = "PRIVATE_SERVICE_ACCESS".',
    ),
    Must(
        "store-plaintext",
        DATABASE,
        "settings.0.ip_configuration.0.ssl_mode",
        ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"),
        "passwords and rows travel readable",
        'Set ssl_mode = "ENCRYPTED_ONLY".',
    ),
    Must(
        "store-plaintext",
        REDIS,
        "transit_encryption_mode",
        ("SERVER_AUTHENTICATION",),
        "it listens on 6379 without TLS, and REDIS_URL says rediss",
        'Set transit_encryption_mode = "SERVER_AUTHENTICATION".',
    ),
    Must(
        "store-without-password",
        REDIS,
        "auth_enabled",
        (True,),
        "whoever is in the network may read and write",
        "Set auth_enabled = true.",
    ),
    Must(
        "store-authority",
        DATABASE,
        "settings.0.ip_configuration.0.server_ca_mode",
        ("GOOGLE_MANAGED_INTERNAL_CA",),
        "DATABASE_CA_CERT would not be its certificate's authority",
        'Set server_ca_mode = "GOOGLE_MANAGED_INTERNAL_CA".',
    ),
    Must(
        "store-unprotected",
        DATABASE,
        "deletion_protection",
        (True,),
        "Terraform would destroy it without asking twice",
        _PROTECTED,
        production=True,
    ),
    Must(
        "store-unprotected",
        DATABASE,
        "settings.0.deletion_protection_enabled",
        (True,),
        "anybody could delete it in the console",
        _PROTECTED,
        production=True,
    ),
    Must(
        "store-unprotected",
        REDIS,
        "deletion_protection",
        (True,),
        "Terraform would destroy it without asking twice",
        _PROTECTED,
        production=True,
    ),
    Must(
        "store-unprotected",
        BUCKET,
        "force_destroy",
        (False,),
        "Terraform would delete every object with it",
        _PROTECTED,
        production=True,
    ),
    Must(
        "store-alone",
        DATABASE,
        "settings.0.availability_type",
        ("REGIONAL",),
        "it is away when its zone is",
        _STANDBY,
        production=True,
    ),
    Must(
        "store-alone",
        REDIS,
        "tier",
        ("STANDARD_HA",),
        "it is away, and empty afterwards, when its zone is",
        _STANDBY,
        production=True,
    ),
    Must(
        "store-not-backed-up",
        DATABASE,
        "settings.0.backup_configuration.0.enabled",
        (True,),
        "nothing can be restored",
        "Set enabled = true in backup_configuration.",
    ),
    Must(
        "store-not-backed-up",
        DATABASE,
        "settings.0.backup_configuration.0.point_in_time_recovery_enabled",
        (True,),
        "what was written since last night cannot be restored",
        "Set point_in_time_recovery_enabled = true.",
    ),
    Must(
        "store-not-backed-up",
        REDIS,
        "persistence_config.0.persistence_mode",
        ("RDB",),
        "queued jobs are lost with its memory",
        'Set persistence_mode = "RDB" in production.',
        production=True,
    ),
    Must(
        "store-not-backed-up",
        BUCKET,
        "versioning.0.enabled",
        (True,),
        "an object that is overwritten is gone",
        "Set versioning { enabled = true }.",
    ),
    Must(
        "store-forgets",
        REDIS,
        "redis_configs.maxmemory-policy",
        ("noeviction",),
        "it throws away queued jobs when it is full",
        'Set redis_configs = { maxmemory-policy = "noeviction" }.',
    ),
    Must(
        "database-version",
        DATABASE,
        "database_version",
        ("POSTGRES_17",),
        "every other target has Postgres 17",
        'Set database_version = "POSTGRES_17".',
    ),
    Must(
        "database-user-dropped",
        "google_sql_user",
        "deletion_policy",
        ("ABANDON",),
        "Postgres does not drop a user that owns anything",
        'Set deletion_policy = "ABANDON".',
    ),
    Must(
        "bucket-public",
        BUCKET,
        "public_access_prevention",
        ("enforced",),
        "one grant to allUsers publishes it",
        'Set public_access_prevention = "enforced".',
    ),
    Must(
        "bucket-public",
        BUCKET,
        "uniform_bucket_level_access",
        (True,),
        "single objects can be published",
        "Set uniform_bucket_level_access = true.",
    ),
    Must(
        "connection-abandoned",
        "google_service_networking_connection",
        "deletion_policy",
        ("ABANDON",),
        "Cloud SQL holds on to it for days, so destroying it fails",
        'Set deletion_policy = "ABANDON".',
    ),
)


def attributes(view: View) -> Iterator[Finding]:
    """Every row of the table."""
    yield from musts(view, TABLE)


def subnet(view: View) -> Iterator[Finding]:
    """Cloud Run takes addresses in blocks of sixteen, two for each instance."""
    used = {
        referred(template(resource, "vpc_access.0.network_interfaces.0.subnetwork"))
        for resource, _, _ in view.compute
    }
    for resource in view.plan.of_type(SUBNET):
        prefix = str(resource.get("ip_cidr_range")).rpartition("/")[2]
        if resource.address in used and not (prefix.isdigit() and int(prefix) <= LONGEST_PREFIX):
            yield view.finding(
                "subnet-too-small",
                resource,
                f"is a /{prefix}: Cloud Run needs a /{LONGEST_PREFIX} or larger",
                "Take more of network_cidr: cidrsubnet(var.network_cidr, 4, 0).",
                variable="ip_cidr_range",
            )


def edition(view: View) -> Iterator[Finding]:
    """From Postgres 16 on the default edition has no custom and no shared-core machines."""
    for resource in view.plan.of_type(DATABASE):
        there = resource.get("settings.0.edition")
        said = None if resource.decides("settings.0.edition") else there
        tier = str(resource.get("settings.0.tier"))
        if said is None or (_CUSTOM.fullmatch(tier) and said != "ENTERPRISE"):
            yield view.finding(
                "database-edition",
                resource,
                f"has the edition {said or 'ENTERPRISE_PLUS by default'}, which refuses {tier}",
                'Set edition = "ENTERPRISE".',
                variable="edition",
            )


def before_network(view: View) -> Iterator[Finding]:
    """An instance that is asked for before the peering stands is refused."""
    for resource in view.plan.of_type(DATABASE, REDIS):
        waits = " ".join(view.depends_on(resource))
        if "google_service_networking_connection." not in waits:
            yield view.finding(
                "store-before-network",
                resource,
                "does not wait for the connection that gives it an address: apply fails",
                "Add google_service_networking_connection.services to depends_on.",
                variable="depends_on",
            )


def location(view: View) -> Iterator[Finding]:
    """Objects lie where everything else does."""
    region = str(view.given("region"))
    for resource in view.plan.of_type(BUCKET):
        if str(resource.get("location")).lower() != region:
            yield view.finding(
                "bucket-location",
                resource,
                f"lies in {resource.get('location')}, everything else in {region}",
                "Set location = var.region.",
                variable="location",
            )


def connections(view: View) -> Iterator[Finding]:
    """All pools of all instances together fit into max_connections."""
    flags = {
        str(flag.get("name")): str(flag.get("value"))
        for resource in view.plan.of_type(DATABASE)
        for flag in resource.get("settings.0.database_flags") or []
    }
    most = flags.get("max_connections", "")
    used = sum(_most(view, name) * (role.pool_size or 0) for _, name, role in view.compute)
    if not most.isdigit() or used >= int(most):
        resource = view.only(DATABASE)
        yield view.finding(
            "too-few-connections",
            resource or "locals",
            f"takes {most or 'an unknown number of'} connections, the roles may open {used}",
            "Set the flag max_connections from local.db_max_connections; take a larger db_size.",
            variable="max_connections",
        )


def _most(view: View, role: str) -> int:
    given = view.given(f"{role}_max_instances")
    return int(given) if given else 1


def firewall(view: View) -> Iterator[Finding]:
    """What web is not told it could still find; its packets are dropped."""
    stores = [
        f"{item.get('address')}/{item.get('prefix_length')}"
        for item in view.plan.of_type("google_compute_global_address")
        if item.get("purpose") == "VPC_PEERING"
    ]
    denied = {
        tag
        for rule in view.plan.of_type("google_compute_firewall")
        if rule.get("direction") == "EGRESS"
        and {str(deny.get("protocol")) for deny in rule.get("deny") or []} == {"all"}
        and {*stores} <= {*(rule.get("destination_ranges") or [])}
        for tag in rule.get("target_tags") or []
    }
    for resource, name, _ in view.compute:
        tags = {*(template(resource, "vpc_access.0.network_interfaces.0.tags") or [])}
        stored = any(
            str(block.get("name")).startswith(("DATABASE_", "REDIS_"))
            for block in gcp.env(resource)
        )
        if container(resource, "image") and not stored and not tags & denied:
            yield view.finding(
                "web-reaches-stores",
                resource,
                "has no store's address, but its packets would reach every store",
                "Deny egress to the services' range for the role's network tag.",
                role=name,
                variable="tags",
            )


RULES: tuple[Rule, ...] = (
    attributes,
    subnet,
    edition,
    before_network,
    location,
    connections,
    firewall,
)
