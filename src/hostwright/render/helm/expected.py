"""What each role must get under some values of the chart, by the contract alone. Pure.

The values are a user's: what they leave out has the contract's default. Which variable a role gets,
whose value wins and which condition holds is the same resolution as on a VPS
(:func:`hostwright.contract.values.resolve`); here is only where the chart's values have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from hostwright.contract.chart import READERS, TARGET, value_path
from hostwright.contract.envfile import Given
from hostwright.contract.values import Request, complete, resolve
from hostwright.helm.manifest import dig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Contract, Profile, RoleName

    Values = Mapping[str, Any]

#: How secrets reach the pods where the values do not say.
SECRETS = "external"


class Expected(NamedTuple):
    """What one variable of one role must be.

    Args:
        text: The value; of a secret its reference, ``NAME`` or ``NAME#PROPERTY``.
        secret: Whether it is a reference.
    """

    text: str
    secret: bool


def expected(
    contract: Contract, values: Values, release: str = "app"
) -> dict[RoleName, dict[str, Expected]]:
    """Role to variable to what it must be.

    Args:
        contract: The contract.
        values: What the user gives, without the chart's defaults.
        release: The release's name.
    """
    inputs = canonical(contract, values)
    given = {**texts(values.get("env")), **texts(dig(values, "secrets", "references"))}
    request = Request(
        target=TARGET,
        profile=cast("Profile", inputs.get("environment", "production")),
        given=_given(given),
        inputs=inputs,
        composed=composed(contract, inputs, release),
        by_role={
            cast("RoleName", role): _given(
                {**_map(values, role, "env"), **_map(values, role, "secrets")}
            )
            for role in READERS
        },
    )
    existing = (dig(values, "secrets", "type") or SECRETS) == "existing"
    return {
        role: {
            name: _expected(contract, name, text, existing=existing)
            for name, text in found.items()
            if (contract.variables[name].needs_role or role) in contract.roles
        }
        for role, found in resolve(contract, request).roles.items()
    }


def _expected(contract: Contract, name: str, text: str, *, existing: bool) -> Expected:
    if not contract.variables[name].secret:
        return Expected(text, secret=False)
    # A Secret of the user's own always has a key: the variable's name, where none is given.
    whole = text if "#" in text or not existing else f"{text}#{name}"
    return Expected(whole, secret=True)


def canonical(contract: Contract, values: Values) -> dict[str, str]:
    """The canonical inputs as texts, defaults and fallbacks filled in."""
    stated = {
        name: text(dig(values, *value_path(name).split(".")))
        for name, item in contract.inputs.items()
        if TARGET in item.targets and item.type not in {"map", "list"}
    }
    return complete(contract, TARGET, {name: value for name, value in stated.items() if value})


def composed(
    contract: Contract, inputs: Mapping[str, str], release: str
) -> dict[str, str | Mapping[RoleName, str]]:
    """What the chart composes itself, by name."""
    service = f"{inputs.get('project_name') or release}-api"
    api = contract.roles.get("api")
    url = inputs.get("api_base_url") or (f"http://{service}:{api.port}" if api else "")
    hosts = (inputs.get("api_domain"), _host(url), service)
    made: dict[str, str | Mapping[RoleName, str]] = {
        "port": {name: str(role.port) for name, role in contract.roles.items() if role.port},
        "pool_size": {
            name: str(role.pool_size) for name, role in contract.roles.items() if role.pool_size
        },
        "api_base_url": url,
        "allowed_hosts": ",".join(dict.fromkeys(host for host in hosts if host)),
        "allowed_origins": _origin(inputs.get("app_public_url", "")),
    }
    return {name: value for name, value in made.items() if value}


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "") if url else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _map(values: Values, *path: str) -> dict[str, str]:
    return texts(dig(values, *path))


def texts(given: Any) -> dict[str, str]:  # noqa: ANN401 - somebody's values
    """A map of values as texts, without what is null or empty: that counts as not given."""
    found = {name: text(value) for name, value in given.items()} if isinstance(given, dict) else {}
    return {name: value for name, value in found.items() if value}


def text(value: object) -> str:
    """A scalar of values.yaml as a process must see it: ``true``, ``10000000``, ``0.5``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _given(values: Mapping[str, str]) -> dict[str, Given]:
    return {name: Given(value, "values.yaml") for name, value in values.items()}
