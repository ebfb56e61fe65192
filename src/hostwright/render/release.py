"""Build releases of the blueprint from values that can be recognised, for every choice there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hostwright.contract.envfile import Given
from hostwright.contract.values import Request, applies, complete
from hostwright.images import Placed
from hostwright.release import blueprint as parts
from hostwright.release import build
from hostwright.settings import Host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hostwright.contract.models import Contract, RoleName, Variable
    from hostwright.contract.values import Resolved
    from hostwright.release.blueprint import Projects
    from hostwright.render.blueprint import Blueprint

#: Fixed, so that two renderings of one blueprint are equal.
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
#: Values of each type for what an operator gives; documentation names, reserved for that.
TYPED = {
    "int": "7",
    "bool": "true",
    "port": "8443",
    "url": "https://given.example.org/path",
    "host_list": "given.example.org",
    "url_list": "https://given.example.org",
    "path": "/given",
}
_FILL = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Choice:
    """A setting of the canonical inputs, in words for messages: ``secrets_provider=vault_hcp``."""

    inputs: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.inputs.items()) or "defaults"


def choices(contract: Contract) -> list[Choice]:
    """The defaults, then every value of every input that decides what is required."""
    deciding = {name for item in contract.variables.values() for when in item.when for name in when}
    found = [Choice({})]
    for name, variable in contract.variables.items():
        source = variable.source("vps")
        if name in deciding and source.kind == "input":
            found += [Choice({source.text: value}) for value in variable.allowed_on("vps")]
    return found


def without(contract: Contract, roles: frozenset[RoleName]) -> Contract:
    """The contract of an application that has *roles* alone."""
    kept = {name: role for name, role in contract.roles.items() if name in roles}
    return contract.model_copy(update={"roles": kept})


def secret(name: str, least: int = 0) -> str:
    """A recognisable value for a secret; not its name, which may look like a placeholder."""
    text = f"mark-{name.encode().hex()}-{_FILL}"
    return text + _FILL * (max(0, least - len(text)) // len(_FILL) + 1)


def plan(blueprint: Blueprint, contract: Contract, choice: Choice) -> build.Plan:
    """A release of *contract* under *choice*, with a value for whatever an operator gives."""
    host = Host(
        address="192.0.2.1",
        app_domain="app.example.org",
        api_domain="api.example.org" if "api" in contract.roles else None,
        inputs=dict(choice.inputs),
    )
    return build.Plan(
        contract=contract,
        host=host,
        given=_given(contract, host),
        images={role: _image(role) for role in contract.roles},
        static=blueprint.static,
        acme_root=None,
        created=CREATED,
        salt="salt",
        architecture="amd64",
    )


def _image(role: str) -> Placed:
    return Placed(ref=f"registry.example.org/{role}:1.0", id=None, pull=True)


def _given(contract: Contract, host: Host) -> dict[str, Given]:
    values = dict(complete(contract, "vps", host.canonical()))
    chosen = {
        name: values.get(item.source("vps").text, "")
        for name, item in contract.variables.items()
        if item.source("vps").kind == "input"
    }
    given = {
        name: _value(name, item)
        for name, item in contract.variables.items()
        if item.source("vps").kind in {"operator", "input"}
        and not chosen.get(name)
        and applies(item, chosen)
        and set(item.roles) & set(contract.roles)
    }
    own = contract.targets["vps"].secrets
    given |= {name: secret(name, item.min_length) for name, item in own.items()}
    return {name: Given(value, "given") for name, value in given.items()}


def _value(name: str, variable: Variable) -> str:
    if variable.allowed:
        return variable.allowed_on("vps")[0]
    if variable.secret and variable.type == "string":
        return secret(name, variable.min_length or 0)
    return TYPED.get(variable.type, "given")


def request(planned: build.Plan) -> Request:
    """What the contract is asked for the same release."""
    return build.request(planned, build.identify(planned))


def resolved(planned: build.Plan) -> Resolved:
    """What the release gives each role."""
    return build.resolved(planned, build.identify(planned))


def projects(planned: build.Plan, document: Mapping[str, object], state: Path) -> Projects:
    """The two Compose projects of a release whose host keeps everything below *state*."""
    return parts.split(
        document,
        app=planned.app,
        release_id=build.identify(planned),
        roles=frozenset(planned.contract.roles),
        images={role: item.ref for role, item in planned.images.items()},
        settings=build.settings(planned),
        state=str(state),
    )


def caddy_files(planned: build.Plan, document: Mapping[str, object]) -> dict[str, str]:
    """Caddy's directory of that release: final text, by path."""
    texts = {
        path: file.content.decode()
        for path, file in planned.static.items()
        if path.startswith(build.CADDY_PREFIXES)
    }
    return parts.caddy_files(
        texts,
        app=planned.app,
        roles=frozenset(planned.contract.roles),
        values=parts.caddy_values(document, build.settings(planned)),
    )
