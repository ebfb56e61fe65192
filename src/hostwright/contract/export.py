"""The contract as blueprints read it: one JSON per target, and the schemas that editors read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.contract import chart, example

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from hostwright.contract.models import Contract, RoleName, TargetName, Variable

#: Where a target's blueprint reads its export; a target without its directory has no export yet.
EXPORTS: dict[TargetName, Path] = {
    "aws": paths.INFRA / "aws" / "contract.json",
    "azure": paths.INFRA / "azure" / "contract.json",
    "gcp": paths.INFRA / "gcp" / "contract.json",
    "kubernetes": paths.OPS / "charts" / "app" / "contract.json",
    "vps": paths.COMPOSE / "contract.json",
}


def exported(contract: Contract, target: TargetName) -> dict[str, Any]:
    """What a blueprint of *target* needs to know of the contract, as plain JSON data.

    ``roles`` and ``variables`` hold only what the application has and the target emits;
    ``reserved`` and ``secret_name`` are the target's own rules.
    """
    spec = contract.targets[target]
    return {
        "version": contract.version,
        "application": contract.application,
        "target": target,
        "roles": {
            name: role.model_dump(mode="json", exclude_none=True)
            for name, role in contract.roles.items()
        },
        "variables": {
            name: _variable(contract, variable, target)
            for name, variable in contract.variables.items()
            if variable.source(target).emitted
        },
        "secrets": {name: item.model_dump(mode="json") for name, item in spec.secrets.items()},
        "reserved": list(spec.reserved),
        "secret_name": spec.secret_name,
        "connections": spec.connections.model_dump(mode="json"),
    }


def _variable(contract: Contract, variable: Variable, target: TargetName) -> dict[str, Any]:
    source = variable.source(target)
    roles: list[RoleName] = [role for role in variable.roles if role in contract.roles]
    told: dict[str, Any] = {
        "type": variable.type,
        "roles": roles,
        "secret": variable.secret,
        "required": list(variable.required),
        "source": source.kind,
    }
    if source.per_role:
        told["literal"] = {role: source.per_role[role] for role in roles}
    elif source.text:
        told[source.kind] = source.text
    if variable.when:
        told["when"] = [
            {name: list(values) for name, values in item.items()} for item in variable.when
        ]
    if variable.needs_role:
        told["needs_role"] = variable.needs_role
    if variable.default is not None:
        told["default"] = variable.default
    if variable.allowed:
        told["allowed"] = list(variable.allowed_on(target))
    return told


def schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The JSON Schema of a YAML file that people write, for their editor."""
    body = _closed(model.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": title}


def _closed(node: Any) -> Any:  # noqa: ANN401 - JSON
    """*node* where a mapping takes no names but those of its pattern, as the models have it."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    return {"additionalProperties": False, **closed} if "patternProperties" in node else closed


def files(contract: Contract) -> dict[Path, str]:
    """Every file that is made of the contract: exports of targets that are here, and schemas."""
    from hostwright.contract.models import Contract as Model
    from hostwright.settings import HostsFile
    from hostwright.setup import pages as answers

    made = {
        path: _text(exported(contract, target))
        for target, path in EXPORTS.items()
        if path.parent.is_dir()
    }
    # Without secrets: `invoke contract.new-env` makes those, and blanks are refused.
    if paths.ENV_EXAMPLE.parent.is_dir():
        made[paths.ENV_EXAMPLE] = example.text(contract, "vps", "production", lambda: "")
    made[paths.CONTRACT_SCHEMA] = _text(schema(Model, "hostwright env contract"))
    made[paths.HOSTS_SCHEMA] = _text(schema(HostsFile, "hostwright hosts.yaml"))
    made |= chart.files(contract)
    if values := made.get(paths.VALUES_SCHEMA):
        made |= answers.files(contract, json.loads(values))
    return made


def stale(contract: Contract) -> list[Path]:
    """The generated files that are missing or differ from what the contract gives."""
    return differing(files(contract))


def differing(made: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or hold something other than what they should."""
    return [
        path
        for path, text in made.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def write(made: Mapping[Path, str]) -> list[Path]:
    """Bring the files up to date; return those that changed."""
    changed = differing(made)
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
    return changed


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
