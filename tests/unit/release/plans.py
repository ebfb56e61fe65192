"""Plans of releases to build in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.unit.contract.given_values import given, with_roles
from tests.unit.contract.planted import real

from hostwright.deploy import static_files
from hostwright.images import Placed
from hostwright.release.build import Plan
from hostwright.settings import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATED = datetime(2026, 11, 22, 17, 3, 1, tzinfo=UTC)
IMAGE = Placed("hostwright/app-api:0123456789ab", f"sha256:{'0123456789ab' * 5}0123", pull=False)
PULLED = Placed(f"caddy@sha256:{'ab' * 32}", None, pull=True)


def host(**more: Any) -> Host:  # noqa: ANN401 - fields of Host
    settings = {"app_domain": "app.example.com", "api_domain": "api.example.com", **more}
    return Host.model_validate({"address": "203.0.113.7", **settings})


def plan(
    *roles: str,
    values: Mapping[str, str | None] | None = None,
    changed: Mapping[str, Any] | None = None,
    **settings: Any,  # noqa: ANN401 - fields of Host
) -> Plan:
    """A plan of an application with *roles* (all without any), *values* on top of good ones."""
    contract = with_roles(*roles) if roles else real()
    images = dict.fromkeys(contract.roles, IMAGE)
    parts: dict[str, Any] = {
        "contract": contract,
        "host": host(**settings),
        "given": given(values),
        "images": {**images, **dict.fromkeys(("caddy", "postgres", "redis"), PULLED)},
        "static": static_files(),
        "acme_root": None,
        "created": CREATED,
        "salt": "5a17" * 8,
        "architecture": "amd64",
    }
    return Plan(**{**parts, **(changed or {})})
