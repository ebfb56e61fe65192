"""What an Azure plan gives each role: container apps, and the job that migrates.

A variable is a value, or the name of a secret of its app; that secret is a reference to one in a
key vault, which this stack wrote or which the operator named.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from hostwright.render.clouds.model import Cloud, Container, Endpoints, EnvValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.terraform.plan import Json, Plan, Resource

#: Whatever runs a role.
COMPUTE = ("azurerm_container_app", "azurerm_container_app_job")
#: A reference to a secret of this stack's own vault, with whose attribute it is.
_OWN = re.compile(r"\$\{(azurerm_key_vault_secret\..+)\.(?:versionless_id|id)\}")


def containers(plan: Plan) -> list[Container]:
    """Every role's container in *plan*."""
    return [_container(plan, resource) for resource in plan.of_type(*COMPUTE)]


def role_of(resource: Resource) -> str:
    """The role that an app or a job is tagged with; empty without the tag."""
    return str((resource.get("tags") or {}).get("role", ""))


def env_of(resource: Resource) -> list[Mapping[str, Json]]:
    """The variables of an app's or a job's own containers, as they are planned."""
    found = resource.get("template.0.container") or []
    return [item for container in found for item in container.get("env") or []]


def secrets_of(resource: Resource) -> dict[str, Mapping[str, Json]]:
    """The secrets of an app or a job by their names there."""
    return {str(item.get("name")): item for item in resource.get("secret") or []}


def written_by(plan: Plan, reference: str) -> Resource | None:
    """The secret of this stack that *reference* leads to; None for an operator's own."""
    match = _OWN.fullmatch(reference)
    return next((item for item in plan.resources if match and item.address == match[1]), None)


def _container(plan: Plan, resource: Resource) -> Container:
    names = Counter(str(item.get("name")) for item in env_of(resource))
    return Container(
        role_of(resource),
        resource.address,
        dict(_env(plan, resource)),
        tuple(sorted(name for name, count in names.items() if count > 1)),
    )


def _env(plan: Plan, resource: Resource) -> Iterator[tuple[str, EnvValue]]:
    secrets = secrets_of(resource)
    for item in env_of(resource):
        name, secret = str(item.get("name")), item.get("secret_name")
        if secret:
            yield name, _secret(plan, secrets.get(str(secret), {}))
        else:
            yield name, EnvValue(_text(item.get("value")), secret=False)


def _secret(plan: Plan, secret: Mapping[str, Json]) -> EnvValue:
    reference = _text(secret.get("key_vault_secret_id"))
    if not reference:
        return EnvValue(_text(secret.get("value")), secret=True)
    made = written_by(plan, reference)
    return EnvValue(reference, secret=True, written=_text(made.get("value_wo")) if made else "")


def _text(value: Json) -> str:
    return "" if value is None else str(value)


def _digest(name: str) -> str:
    return f"registry.example.com/{name}@sha256:{'0' * 64}"


_DOMAIN = r"\$\{azurerm_container_app_environment\.main\.default_domain\}"

CLOUD = Cloud(
    target="azure",
    provider="azurerm",
    containers=containers,
    composed={
        "api_base_url": rf"https://marked-api\.{_DOMAIN}",
        "allowed_hosts": rf"api\.example\.com,marked-api\.{_DOMAIN}",
        "allowed_origins": r"https://app\.example\.com",
        "storage_bucket": r"marked-production",
        "blob_account_url": r"\$\{azurerm_storage_account\.main\[0\]\.primary_blob_endpoint\}",
        "key_vault_url": r"\$\{azurerm_key_vault\.main\.vault_uri\}",
        "signing_secret": r"marked-signing-keys",
        "identity_client_id": (
            r"\$\{azurerm_user_assigned_identity\.role\[\"{role}\"\]\.client_id\}"
        ),
    },
    endpoints=Endpoints(
        database_host=r"\$\{azurerm_postgresql_flexible_server\.main\.fqdn\}",
        redis_host=r"\$\{azurerm_managed_redis\.main\.hostname\}",
        redis_port=r"\$\{azurerm_managed_redis\.main\.default_database\[0\]\.port\}",
        redis_password=(  # noqa: S106 - a pattern, of whose password it is
            r"\$\{azurerm_managed_redis\.main\.default_database\[0\]\.primary_access_key\}"
        ),
    ),
    inputs={
        "project_name": "marked",
        "region": "westeurope",
        "subscription_id": "00000000-0000-0000-0000-000000000000",
        "operator_ranges": ["203.0.113.7/32"],
        "api_image": _digest("api"),
        "web_image": _digest("web"),
        "worker_image": _digest("worker"),
        "registry_server": "registry.example.com",
        "registry_username": "reader",
        "registry_password": "marked-read-only-token",
        "app_public_url": "https://app.example.com/start",
        "app_domain": "app.example.com",
        "api_domain": "api.example.com",
        "dns_zone": "example.com",
        "auth_key_secret_name": "marked-signing-keys",
        "github_repository": "marked/repository",
    },
)
