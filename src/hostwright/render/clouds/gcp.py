"""The GCP blueprint's plan: Cloud Run services, worker pools and jobs, and what they are given."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hostwright.render.clouds.model import Cloud, Container, Endpoints, EnvValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostwright.terraform.plan import Plan, Resource

#: What runs a role, and where in it its one container is.
CONTAINERS = {
    "google_cloud_run_v2_service": "template.0.containers.0",
    "google_cloud_run_v2_worker_pool": "template.0.containers.0",
    "google_cloud_run_v2_job": "template.0.template.0.containers.0",
}
_VERSION_OF = re.compile(r"\$\{(google_secret_manager_secret_version\..+)\.version\}")
_SECRET_OF = re.compile(r"\$\{(google_secret_manager_secret\..+)\.(?:id|name|secret_id)\}")
_DIGEST = "sha256:" + "0" * 64


def containers(plan: Plan) -> list[Container]:
    """The containers of everything that carries the label ``role``."""
    return [
        _container(plan, resource, str((resource.get("labels") or {}).get("role")))
        for resource in compute(plan)
        if (resource.get("labels") or {}).get("role")
    ]


def compute(plan: Plan) -> tuple[Resource, ...]:
    """Everything that runs containers."""
    return plan.of_type(*CONTAINERS)


def env(resource: Resource) -> list[Mapping[str, Any]]:
    """The ``env`` blocks of a resource's container, as they were planned."""
    blocks: list[Mapping[str, Any]] = resource.get(f"{CONTAINERS[resource.type]}.env") or []
    return blocks


def secret_key(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``secret_key_ref`` of an ``env`` block; empty where it is a plain value."""
    for source in block.get("value_source") or []:
        for reference in source.get("secret_key_ref") or []:
            found: Mapping[str, Any] = reference
            return found
    return {}


def secrets_by_name(plan: Plan) -> dict[str, Resource]:
    """The secrets that the stack makes, by the name that Cloud Run and the application use."""
    return {
        str(item.get("secret_id")): item for item in plan.of_type("google_secret_manager_secret")
    }


def project(plan: Plan) -> str:
    """The project that everything is made in."""
    return str(plan.document.get("variables", {}).get("project_id", {}).get("value", ""))


def secret_of(plan: Plan, text: str) -> str:
    """Which secret a text means: the address of one that the stack makes, else its full name.

    Args:
        plan: The plan.
        text: ``${google_secret_manager_secret.made["A"].id}``, ``projects/p/secrets/a`` or ``a``.
    """
    if found := _SECRET_OF.fullmatch(text):
        return found[1]
    own = f"projects/{project(plan)}/secrets/"
    made = secrets_by_name(plan).get(text.removeprefix(own))
    if made:
        return made.address
    return text if text.startswith("projects/") else own + text


def version_of(plan: Plan, text: str) -> Resource | None:
    """The version that a text means, where it is one that the stack writes."""
    found = _VERSION_OF.fullmatch(text)
    versions = {item.address: item for item in plan.of_type("google_secret_manager_secret_version")}
    return versions.get(found[1]) if found else None


# --- one container -----------------------------------------------------------------------------


def _container(plan: Plan, resource: Resource, role: str) -> Container:
    blocks = env(resource)
    return Container(
        role=role,
        address=resource.address,
        env={str(block.get("name")): _value(plan, block) for block in blocks},
        duplicates=tuple(_twice(str(block.get("name")) for block in blocks)),
    )


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _value(plan: Plan, block: Mapping[str, Any]) -> EnvValue:
    reference = secret_key(block)
    if not reference:
        return EnvValue(str(block.get("value") or ""), secret=False)
    secret, version = str(reference.get("secret")), str(reference.get("version"))
    return EnvValue(
        _reference(plan, secret, version), secret=True, written=_written(plan, secret, version)
    )


def _reference(plan: Plan, secret: str, version: str) -> str:
    """The reference as an operator writes one, whatever Cloud Run was given of it."""
    whole = (
        secret
        if secret.startswith(("projects/", "${"))
        else f"projects/{project(plan)}/secrets/{secret}"
    )
    return f"{whole}/versions/{version}"


def _written(plan: Plan, secret: str, version: str) -> str:
    """What the stack writes into that version of that secret; empty if it is not the stack's."""
    address = secret_of(plan, secret)
    named = version_of(plan, version)
    candidates = [named] if named else plan.of_type("google_secret_manager_secret_version")
    for item in candidates:
        if secret_of(plan, str(item.get("secret"))) == address:
            return str(item.get("secret_data_wo") or item.get("secret_data") or "")
    return ""


# --- what is particular to GCP -----------------------------------------------------------------

_INTERNAL = r"shop-prod-api-\$\{data\.google_project\.main\.number\}\.europe-west3\.run\.app"

CLOUD = Cloud(
    target="gcp",
    provider="google",
    containers=containers,
    composed={
        "api_base_url": rf"https://{_INTERNAL}",
        "allowed_hosts": rf"api\.example\.com,{_INTERNAL}",
        "allowed_origins": r"https://app\.example\.com",
        "database_ca_cert": r"\$\{google_sql_database_instance\.main\.server_ca_cert\[0\]\.cert\}",
        "redis_ca_cert": r"\$\{google_redis_instance\.main\.server_ca_certs\[0\]\.cert\}",
        "storage_bucket": r"shop-given-bucket",
        "signing_secret": r"shop-prod-signing-secret",
        "project_id": r"acme-shop-prod",
        "signing_email": r'\$\{google_service_account\.role\["{role}"\]\.email\}',
    },
    endpoints=Endpoints(
        database_host=r"\$\{google_sql_database_instance\.main\.private_ip_address\}",
        redis_host=r"\$\{google_redis_instance\.main\.host\}",
        redis_port=r"(6378|\$\{google_redis_instance\.main\.port\})",
        redis_password=r"\$\{google_redis_instance\.main\.auth_string\}",  # noqa: S106 - a pattern
    ),
    inputs={
        "project_name": "shop",
        "environment": "production",
        "region": "europe-west3",
        "project_id": "acme-shop-prod",
        "api_image": f"ghcr.io/acme/api@{_DIGEST}",
        "web_image": f"ghcr.io/acme/web@{_DIGEST}",
        "worker_image": f"ghcr.io/acme/worker@{_DIGEST}",
        "registry_server": "ghcr.io",
        "registry_username": "acme-reader",
        "registry_password": "given-registry-token",
        "app_public_url": "https://app.example.com/start",
        "app_domain": "app.example.com",
        "api_domain": "api.example.com",
        "dns_zone": "example-com",
        "auth_key_secret_name": "shop-given-signing-keys",
        "storage_bucket_name": "shop-given-bucket",
        "db_name": "shop_given",
        "db_admin_username": "shop_owner",
        "github_repository": "acme/shop",
    },
)
