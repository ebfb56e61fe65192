"""What each preset gives, and what it asks: tables, no decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from hostwright.contract.models import PROFILES, TARGETS

if TYPE_CHECKING:
    from hostwright.contract.models import Profile, TargetName

PresetName = Literal["local_docker", "cloud_managed", "enterprise_custom", "kubernetes", "vps"]
CloudKind = Literal["aws", "azure", "gcp", "other"]
PRESETS: tuple[PresetName, ...] = get_args(PresetName)
CLOUD_KINDS: tuple[CloudKind, ...] = get_args(CloudKind)


class Preset(NamedTuple):
    """One way to begin.

    Attributes:
        meaning: For whom it is.
        targets: Where it hosts; the first unless an answer says otherwise. None for
            ``cloud_managed``: the cloud decides.
        profile: The profile that is offered first.
        asks: Answers that it asks for, though the target could do without.
        by_hand: Whether Compose is run by hand on this machine.
    """

    meaning: str
    targets: tuple[TargetName, ...]
    profile: Profile = "production"
    asks: tuple[str, ...] = ()
    by_hand: bool = False


class Cloud(NamedTuple):
    """What ``cloud_managed`` makes of a cloud."""

    target: TargetName
    secrets_provider: str
    storage_provider: str
    meaning: str


class Row(NamedTuple):
    """An answer that holds unless another is given; ``{project_name}`` and ``{profile}`` in it."""

    targets: tuple[TargetName, ...]
    profiles: tuple[Profile, ...]
    key: str
    value: str


class Ask(NamedTuple):
    """A value of the chart that has to be chosen, where ``key`` has the value ``of``."""

    name: str
    meaning: str
    key: str = ""
    of: str = ""


TABLE: dict[PresetName, Preset] = {
    "local_docker": Preset(
        "this machine, with Docker Compose by hand", ("vps",), profile="development", by_hand=True
    ),
    "cloud_managed": Preset(
        "a cloud's own database, Redis, storage and secrets", (), asks=("api_domain", "dns_zone")
    ),
    "enterprise_custom": Preset(
        "any target, with every choice made by you",
        TARGETS,
        asks=(
            "project_name",
            "api_domain",
            "secrets_provider",
            "auth_key_storage_provider",
            "auth_key_secret_name",
            "storage_provider",
            "network_cidr",
            "dns_zone",
            "registry_server",
            "registry_username",
            "db_size",
            "db_high_availability",
            "db_backup_retention_days",
            "redis_size",
            "redis_high_availability",
            "deletion_protection",
            "log_retention_days",
            "github_repository",
        ),
    ),
    "kubernetes": Preset("a cluster that you have", ("kubernetes",), asks=("api_domain",)),
    "vps": Preset(
        "one Debian or Ubuntu server over SSH", ("vps",), asks=("api_domain", "acme_email")
    ),
}

#: ``other`` has no blueprint of its own: the chart on that cloud's Kubernetes, with AWS's mapping.
CLOUDS: dict[CloudKind, Cloud] = {
    "aws": Cloud("aws", "aws_sm", "s3", "ECS Fargate, RDS, ElastiCache, S3, Secrets Manager"),
    "azure": Cloud("azure", "azure_kv", "azure_blob", "Container Apps, Flexible Server, Key Vault"),
    "gcp": Cloud("gcp", "gcp_sm", "gcs", "Cloud Run, Cloud SQL, Memorystore, Secret Manager"),
    "other": Cloud("kubernetes", "aws_sm", "s3", "the chart on another cloud's Kubernetes"),
}

#: What a target cannot do without and nothing else gives: its blueprint refuses to be planned.
NEEDS: dict[TargetName, tuple[str, ...]] = {
    "aws": ("region", "app_domain", "api_image", "web_image", "worker_image"),
    "azure": (
        "subscription_id",
        "region",
        "operator_ranges",
        "app_domain",
        "api_image",
        "web_image",
        "worker_image",
    ),
    "gcp": ("project_id", "region", "app_domain", "api_image", "web_image", "worker_image"),
    "kubernetes": ("app_domain", "api_image", "web_image", "worker_image"),
    "vps": ("address", "app_domain", "api_image", "web_image", "worker_image"),
}
NEEDS_BY_HAND = ("api_image", "web_image", "worker_image")

#: How requests and secrets reach pods: the chart has no default that works everywhere.
CHART: tuple[Ask, ...] = (
    Ask("secrets.type", "How secrets reach the pods"),
    Ask(
        "secrets.external.storeName",
        "Name of the ClusterSecretStore that holds the secrets",
        "secrets.type",
        "external",
    ),
    Ask("secrets.csi.provider", "Provider of the Secrets Store CSI driver", "secrets.type", "csi"),
    Ask("routing.type", "How requests get in"),
    Ask(
        "routing.gateway.name",
        "Name of the Gateway that takes the routes",
        "routing.type",
        "gateway",
    ),
    Ask("routing.ingress.className", "Class of the Ingress", "routing.type", "ingress"),
)

_DEVELOPMENT: tuple[Profile, ...] = ("development",)
_PRODUCTION: tuple[Profile, ...] = ("production",)
_CLOUD_TARGETS: tuple[TargetName, ...] = ("aws", "azure", "gcp")
GIVES: tuple[Row, ...] = (
    Row(TARGETS, _DEVELOPMENT, "LOG_LEVEL", "debug"),
    # An account, and a Google project, has one secret of a name: profiles may share it.
    Row(
        ("aws", "gcp"),
        ("development", "staging"),
        "auth_key_secret_name",
        "{project_name}-{profile}-auth-keys",
    ),
    # The smallest that runs: what the blueprints' own examples have.
    Row(("aws",), _DEVELOPMENT, "db_instance_type", "db.t4g.micro"),
    Row(("azure",), _DEVELOPMENT, "db_instance_type", "B_Standard_B2s"),
    Row(("gcp",), _DEVELOPMENT, "db_instance_type", "db-g1-small"),
    Row(("aws", "gcp"), _DEVELOPMENT, "db_storage_gib", "20"),
    Row(("aws",), _DEVELOPMENT, "redis_instance_type", "cache.t4g.micro"),
    Row(_CLOUD_TARGETS, _DEVELOPMENT, "api_max_instances", "2"),
    Row(_CLOUD_TARGETS, _DEVELOPMENT, "web_max_instances", "2"),
    Row(_CLOUD_TARGETS, _PRODUCTION, "db_backup_retention_days", "30"),
    Row(_CLOUD_TARGETS, _PRODUCTION, "log_retention_days", "90"),
    Row(("kubernetes",), PROFILES, "secrets.type", "external"),
    Row(("kubernetes",), PROFILES, "routing.type", "gateway"),
)
