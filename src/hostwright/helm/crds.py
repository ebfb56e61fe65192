"""Schemas of custom resources: a CustomResourceDefinition as a JSON Schema of one kind.

A cluster prunes or refuses what a definition does not have, so the schema is closed: an object
takes the properties that it lists and no others, but for where the definition itself keeps unknown
ones. What only a cluster can judge is left out: rules in CEL, keys of lists, defaults.

The schemas that the chart needs lie in ``ops/charts/vendor``; :mod:`hostwright.helm.vendoring`
makes them anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import yaml

from hostwright.errors import ToolError
from hostwright.paths import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Json = dict[str, Any]

#: What a schema keeps of a definition as it is.
_KEPT = (
    "type",
    "format",
    "enum",
    "pattern",
    "required",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
#: Schemas below one that judge the same value: they say what holds besides, and close nothing.
_ALSO = ("allOf", "anyOf", "oneOf")
#: What only the cluster writes.
_CLUSTERS_OWN = "status"
_UNKNOWN_KEPT = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"


@dataclass(frozen=True)
class Origin:
    """Where a definition was read.

    Args:
        repository: ``OWNER/NAME`` on GitHub.
        tag: The release.
        commit: What the tag stood for.
        file: Path in the repository.
        sha256: Of the file.
        licence: SPDX id.
    """

    repository: str
    tag: str
    commit: str
    file: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class Custom:
    """One kind of custom resource: ``external-secrets.io/v1`` ExternalSecret."""

    api_version: str
    kind: str
    schema: Json
    origin: Origin | None = None


def served(definition: Mapping[str, Any], origin: Origin | None = None) -> list[Custom]:
    """Every version of a definition that a cluster serves, in the definition's order.

    Args:
        definition: A CustomResourceDefinition of ``apiextensions.k8s.io/v1``.
        origin: Where it was read.

    Raises:
        ToolError: It is no such definition.
    """
    try:
        spec = definition["spec"]
        group, kind = spec["group"], spec["names"]["kind"]
        found = [
            (f"{group}/{version['name']}", version["schema"]["openAPIV3Schema"])
            for version in spec["versions"]
            if version["served"]
        ]
    except (KeyError, TypeError) as error:
        raise ToolError(f"is no CustomResourceDefinition: it lacks {error}") from error
    return [
        Custom(api_version, kind, _whole(api_version, kind, schema), origin)
        for api_version, schema in found
    ]


def parse(text: str, origin: Origin | None = None) -> list[Custom]:
    """The same for the text of a YAML file with one definition or several.

    Raises:
        ToolError: It has none, or is not YAML.
    """
    try:
        documents = [item for item in yaml.safe_load_all(text) if item]
    except yaml.YAMLError as error:
        raise ToolError(f"is not YAML: {error}") from error
    found = [
        custom
        for item in documents
        if isinstance(item, dict) and item.get("kind") == "CustomResourceDefinition"
        for custom in served(item, origin)
    ]
    if not found:
        raise ToolError("has no CustomResourceDefinition with a version that is served")
    return found


def load(directory: Path) -> list[Custom]:
    """Every schema that lies in *directory*.

    Raises:
        ToolError: One cannot be read.
    """
    return [_read(file) for file in sorted(directory.glob("*.json"))]


def dumped(custom: Custom) -> str:
    """A schema as its file has it."""
    return json.dumps(asdict(custom), indent=1, sort_keys=True) + "\n"


def _read(file: Path) -> Custom:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        origin = data.pop("origin")
        return Custom(**data, origin=origin and Origin(**origin))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ToolError(
            "no schema of a custom resource can be read there",
            where=shown(file),
            remedy="`python -m hostwright crds` writes it.",
        ) from error


# --- from a definition to a schema ---------------------------------------------------------------


def _whole(api_version: str, kind: str, definition: Mapping[str, Any]) -> Json:
    """The schema of a whole object; a chart writes no status."""
    properties = {
        name: item
        for name, item in (definition.get("properties") or {}).items()
        if name != _CLUSTERS_OWN
    }
    schema = _schema({**definition, "type": "object", "properties": properties})
    # What metadata may hold is Kubernetes's own to say, in its own schemas.
    own = {
        "apiVersion": {"const": api_version},
        "kind": {"const": kind},
        "metadata": {"type": "object", "required": ["name"]},
    }
    schema["properties"] = {**schema["properties"], **own}
    schema["required"] = sorted({*schema.get("required", ()), *own})
    return schema


def _schema(node: Mapping[str, Any]) -> Json:
    """One node of a definition, closed against what it does not list."""
    made: Json = {key: node[key] for key in _KEPT if key in node}
    made |= _bounds(node) | _below(node)
    if made.get("type") == "object" and not node.get(_UNKNOWN_KEPT):
        made.setdefault("additionalProperties", False)
    if node.get(_INT_OR_STRING):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return _nullable(made) if node.get("nullable") else made


def _below(node: Mapping[str, Any]) -> Json:
    """What a node says of the values inside its own, and besides of its own."""
    made: Json = {}
    if "properties" in node:
        made["properties"] = {name: _schema(item) for name, item in node["properties"].items()}
    if "items" in node:
        made["items"] = _schema(node["items"])
    more = node.get("additionalProperties")
    if more is not None:
        made["additionalProperties"] = _schema(more) if isinstance(more, dict) else more
    made |= {key: [_besides(item) for item in node[key]] for key in _ALSO if key in node}
    return {**made, "not": _besides(node["not"])} if "not" in node else made


def _besides(node: Mapping[str, Any]) -> Json:
    """A node that judges a value which another describes: it is not closed."""
    made = _schema({**node, _UNKNOWN_KEPT: True})
    if "properties" in node:
        made["properties"] = {name: _besides(item) for name, item in node["properties"].items()}
    return made


def _bounds(node: Mapping[str, Any]) -> Json:
    """Bounds that are excluded: OpenAPI 3.0 marks the bound, JSON Schema names it."""
    return {
        exclusive: node[bound]
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
        if node.get(exclusive) is True and bound in node
    }


def _nullable(made: Json) -> Json:
    changed = dict(made)
    if "type" in changed:
        changed["type"] = [changed["type"], "null"]
    if "enum" in changed:
        changed["enum"] = [*changed["enum"], None]
    return changed
