"""What a VPS composes itself: addresses and URLs out of its own roles, database and Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Contract, RoleName

#: Names of the base project's services on its networks.
POSTGRES, REDIS = "postgres", "redis"


def composed(
    contract: Contract,
    inputs: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    hosts: Mapping[str, str],
) -> dict[str, str | dict[RoleName, str]]:
    """The composed values by name.

    Args:
        contract: For ports and pool sizes.
        inputs: Canonical inputs, completed.
        secrets: The target's own (``POSTGRES_PASSWORD``, ``REDIS_PASSWORD``); what is missing
            leaves out what is made of it.
        hosts: Role to the host name that its containers answer to, unique to the release.
    """
    made: dict[str, str | dict[RoleName, str] | None] = {
        "port": {name: str(role.port) for name, role in contract.roles.items() if role.port},
        "pool_size": {
            name: str(role.pool_size) for name, role in contract.roles.items() if role.pool_size
        },
        "api_base_url": inputs.get("api_base_url") or _api_url(contract, hosts),
        "allowed_hosts": _allowed_hosts(inputs, hosts),
        "allowed_origins": inputs.get("app_public_url"),
        "database_url": _database_url(contract, inputs, secrets.get("POSTGRES_PASSWORD")),
        "redis_url": _redis_url(contract, secrets.get("REDIS_PASSWORD")),
        "auth_key_storage_backend": "file"
        if inputs.get("auth_key_storage_provider") == "env"
        else "secret-manager",
    }
    return {name: value for name, value in made.items() if value}


def _api_url(contract: Contract, hosts: Mapping[str, str]) -> str | None:
    api = contract.roles.get("api")
    return f"http://{hosts['api']}:{api.port}" if api and "api" in hosts else None


def _allowed_hosts(inputs: Mapping[str, str], hosts: Mapping[str, str]) -> str:
    names = [inputs.get("api_domain"), inputs.get("app_domain"), hosts.get("api")]
    return ",".join(dict.fromkeys(name for name in names if name))


def _database_url(
    contract: Contract, inputs: Mapping[str, str], password: str | None
) -> str | None:
    if not password:
        return None
    port = contract.targets["vps"].connections.postgres.port
    user, name = (quote(inputs[key], safe="") for key in ("db_admin_username", "db_name"))
    return f"postgresql://{user}:{quote(password, safe='')}@{POSTGRES}:{port}/{name}"


def _redis_url(contract: Contract, password: str | None) -> str | None:
    if not password:
        return None
    port = contract.targets["vps"].connections.redis.port
    return f"redis://:{quote(password, safe='')}@{REDIS}:{port}/0"
