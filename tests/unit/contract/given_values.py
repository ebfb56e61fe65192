"""An operator's values for a VPS, whole and without fault, to be spoilt by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.contract.planted import real

from hostwright.contract.envfile import Given
from hostwright.contract.values import Request, complete
from hostwright.release.composed import composed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract import Contract
    from hostwright.contract.models import Profile

SECRETS = {
    "POSTGRES_PASSWORD": "p0stgr3s-Kx7/+@:#?&%-qwmz",
    "REDIS_PASSWORD": "r3d1s-Yb9/+@:#?&%-tvhcxn",
    "SECRET_KEY": "k3y-aGVsbG8gd29ybGQgYW5kIG1vcmUgb2Y",
    "AUTH_SESSION_ENCRYPTION_KEY": "s3ss10n-bm90aGluZyB0byBzZWUgaGVyZQ",
    "AUTH_PASSWORD_PEPPER": "p3pp3r-c2FsdCBhbmQgdmluZWdhciB0b28",
}
INPUTS = {
    "app_domain": "app.example.com",
    "app_public_url": "https://app.example.com",
    "api_domain": "api.example.com",
}
HOSTS = {"api": "app-r1-api", "web": "app-r1-web"}


def given(values: Mapping[str, str | None] | None = None) -> dict[str, Given]:
    """The values in the order of a file, one a line; None takes one out."""
    all_ = {**SECRETS, **(values or {})}
    kept = {name: value for name, value in all_.items() if value is not None}
    return {name: Given(value, f".env:{at}") for at, (name, value) in enumerate(kept.items(), 1)}


def request(
    values: Mapping[str, str | None] | None = None,
    inputs: Mapping[str, str] | None = None,
    profile: Profile = "production",
    contract: Contract | None = None,
) -> Request:
    """A deploy to a VPS with these values and inputs on top of good ones."""
    whole = contract or real()
    stated = {"environment": profile, **INPUTS, **(inputs or {})}
    told = given(values)
    made = composed(
        whole,
        complete(whole, "vps", stated),
        {name: item.value for name, item in told.items()},
        hosts={role: host for role, host in HOSTS.items() if role in whole.roles},
    )
    return Request("vps", profile, told, stated, made, ".env")


def with_roles(*roles: str) -> Contract:
    """The real contract of an application that has these roles alone."""
    kept = {name: role for name, role in real().roles.items() if name in roles}
    return real().model_copy(update={"roles": kept})
