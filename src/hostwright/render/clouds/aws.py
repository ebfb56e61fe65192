"""The AWS blueprint's plan: ECS task definitions, and what their containers are given."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hostwright.render.clouds.model import Cloud, Container, Endpoints, EnvValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.terraform.plan import Plan, Resource

DEFINITION = "aws_ecs_task_definition"
_ATTRIBUTE = re.compile(r"\$\{(?P<address>.+)\.\w+\}")
#: A reference to a secret: its ARN, then perhaps key, stage and version.
_REFERENCE = re.compile(r"(?P<secret>\$\{.+?\}|arn:[^:]+:[^:]+:[^:]*:[^:]*:[^:]+:[^:]+)(?::.*)?")
_DIGEST = "sha256:" + "0" * 64


def containers(plan: Plan) -> list[Container]:
    """The containers of every task definition that carries the tag ``role``."""
    return [
        _container(plan, definition, role, json.loads(str(text)))
        for definition in plan.of_type(DEFINITION)
        if (role := role_of(definition)) and (text := definition.get("container_definitions"))
    ]


def role_of(resource: Resource) -> str:
    """The tag by which a resource says which role it belongs to."""
    tags: Mapping[str, Any] = resource.get("tags") or {}
    return str(tags.get("role") or "")


def addressed(text: object) -> str:
    """The address in ``${address.attribute}``; empty where a text is something else."""
    found = _ATTRIBUTE.fullmatch(str(text))
    return found["address"] if found else ""


def secret_of(reference: str) -> str:
    """Which secret a reference means, without key, stage and version: an address or an ARN."""
    found = _REFERENCE.fullmatch(reference)
    named = found["secret"] if found else reference
    return addressed(named) or named


def written(plan: Plan) -> dict[str, str]:
    """Address of each secret that the stack makes to the text that it writes into it."""
    return {
        address: str(version.get("secret_string_wo") or version.get("secret_string") or "")
        for version in plan.of_type("aws_secretsmanager_secret_version")
        if (address := addressed(version.get("secret_id")))
    }


def _container(
    plan: Plan, definition: Resource, role: str, parts: list[Mapping[str, Any]]
) -> Container:
    texts = written(plan)
    plain = [pair for part in parts for pair in part.get("environment") or ()]
    secret = [pair for part in parts for pair in part.get("secrets") or ()]
    names = Counter(str(pair.get("name")) for pair in (*plain, *secret))
    return Container(
        role=role,
        address=definition.address,
        env={
            **{str(pair.get("name")): _plain(pair) for pair in plain},
            **{str(pair.get("name")): _secret(pair, texts) for pair in secret},
        },
        duplicates=tuple(sorted(name for name, count in names.items() if count > 1)),
    )


def _plain(pair: Mapping[str, Any]) -> EnvValue:
    value = pair.get("value")
    return EnvValue("" if value is None else str(value), secret=False)


def _secret(pair: Mapping[str, Any], texts: Mapping[str, str]) -> EnvValue:
    reference = str(pair.get("valueFrom"))
    return EnvValue(reference, secret=True, written=texts.get(secret_of(reference), ""))


CLOUD = Cloud(
    target="aws",
    provider="aws",
    containers=containers,
    composed={
        "api_base_url": r"http://api:8000",
        "allowed_hosts": r"api\.example\.com,api",
        "allowed_origins": r"https://app\.example\.com",
        "database_ca_cert": r"(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+"
        r"-----END CERTIFICATE-----\n){3}",
        "storage_bucket": r"\$\{aws_s3_bucket\.storage\[0\]\.(id|bucket)\}|shop-given-bucket",
        "signing_secret": r"\$\{aws_secretsmanager_secret\.signing\[0\]\.(arn|id)\}",
    },
    endpoints=Endpoints(
        database_host=r"\$\{aws_db_instance\.main\.address\}",
        redis_host=r"\$\{aws_elasticache_replication_group\.main\.primary_endpoint_address\}",
        redis_port=r"6379",
        redis_password=r"given%21token%26of%23redis-0123456789abcdef",  # noqa: S106 - recognised, never used
    ),
    inputs={
        "project_name": "shop",
        "environment": "production",
        "region": "eu-central-1",
        "api_image": f"ghcr.io/acme/api@{_DIGEST}",
        "web_image": f"ghcr.io/acme/web@{_DIGEST}",
        "worker_image": f"ghcr.io/acme/worker@{_DIGEST}",
        "registry_server": "ghcr.io",
        "registry_username": "acme-reader",
        "registry_password": "given-registry-token",
        "app_public_url": "https://app.example.com/start",
        "app_domain": "app.example.com",
        "api_domain": "api.example.com",
        "dns_zone": "example.com",
        "auth_key_secret_name": "shop-given-signing-keys",
        "storage_bucket_name": "shop-given-bucket",
        "db_name": "shop_given",
        "db_admin_username": "shop_owner",
        "redis_auth_token": "given!token&of#redis-0123456789abcdef",
        "github_repository": "acme/shop",
    },
)
