"""What the chart's values may be: JSON Schemas made of values.yaml and the contract. Pure.

Types, names and descriptions come from the chart's own values.yaml; words of the contract (which
providers there are on Kubernetes, which variables an operator sets) from the contract; what a value
must be like beyond its type from the table here. Where a template's message says more than a schema
can, the schema lets the value through.

There are two. Helm drops a default that is overridden with ``null`` before it asks the schema, so
the chart's own one demands every key; a file of somebody's values holds few of them, and the one
for editors demands none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from hostwright import paths
from hostwright.contract import commented
from hostwright.contract.models import ROLES
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hostwright.contract.commented import Default
    from hostwright.contract.models import Contract, RoleName, TargetName, Variable

    Json = dict[str, Any]

TARGET: TargetName = "kubernetes"
VALUES = paths.CHART / "values.yaml"
RENAMED = paths.CHART / "renamed.yaml"
SCHEMA = paths.CHART / "values.schema.json"
#: What an input is called behind its role, where it stands in the role's block of the values.
_OF_ROLE = frozenset(
    {"image", "env", "secrets", "cpu", "memory_mib", "min_instances", "max_instances"}
)
#: Roles with a block of their own, by the roles that read it: migrations are the worker's.
READERS: dict[str, tuple[RoleName, ...]] = {
    "api": ("api",),
    "web": ("web",),
    "worker": ("worker", "migrate"),
}


def value_path(name: str) -> str:
    """Where the chart takes a canonical input from: ``api_memory_mib`` from ``api.memoryMib``."""
    role, _, rest = name.partition("_")
    if role in READERS and rest in _OF_ROLE:
        return f"{role}.{_camel(rest)}"
    return _camel(name)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def files(contract: Contract) -> dict[Path, str]:
    """The two schemas by path; nothing where there is no chart.

    Raises:
        UserError: values.yaml or renamed.yaml cannot be used.
    """
    if not VALUES.is_file():
        return {}
    values = commented.read(VALUES.read_text(encoding="utf-8"), paths.shown(VALUES))
    old = renamed(RENAMED.read_text(encoding="utf-8")) if RENAMED.is_file() else {}
    return {
        SCHEMA: _text(schema(contract, values, old, whole=True)),
        paths.VALUES_SCHEMA: _text(schema(contract, values, old, whole=False)),
    }


def renamed(text: str) -> dict[str, str]:
    """Path of another chart to what to use here, as renamed.yaml has them.

    Raises:
        UserError: It is not a mapping of texts to texts.
    """
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UserError(f"is not YAML: {error}", where=paths.shown(RENAMED)) from error
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise UserError(
            "holds something other than texts",
            where=paths.shown(RENAMED),
            remedy="Write one `old.path: what to use` a line.",
        )
    return {str(key): value for key, value in found.items()}


def schema(
    contract: Contract, values: list[Default], old: Mapping[str, str], *, whole: bool
) -> Json:
    """The schema of the values.

    Args:
        contract: Names variables and allowed values.
        values: Every key of values.yaml.
        old: Paths that other charts have, with words that say what to use here instead.
        whole: Whether every key must be there, as it is when Helm has laid values over defaults.

    Raises:
        UserError: A renamed path is one of the chart's own, or leads to none.
    """
    making = _Making(contract, whole, {each.path: each for each in values})
    top = making.block((), {each.path[0]: each.value for each in values if len(each.path) == 1})
    top["properties"] |= {
        "global": {"description": "What an umbrella chart shares.", "type": "object"},
        "enabled": {"description": "Read by an umbrella chart alone.", "type": "boolean"},
    }
    for path, new in old.items():
        _let_through(top, path.split("."), new, values)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Generated from values.yaml and the contract by `invoke contract.export`.",
        "title": "Values of the chart",
        **top,
    }


def _let_through(top: Json, steps: list[str], new: str, values: list[Default]) -> None:
    """Let a renamed value reach the template that names what to use instead."""
    path = ".".join(steps)
    fault = "is a value of the chart" if path in {each.dotted for each in values} else ""
    fault = fault or _misleading(new, values)
    if fault:
        raise UserError(f"{path} {fault}", where=paths.shown(RENAMED), remedy="Correct the line.")
    told = {"description": f"Not a value of this chart: use {new}.", "deprecated": True}
    node = top
    for step in steps[:-1]:
        own = {"type": "object", "additionalProperties": False, "properties": {}}
        node = node["properties"].setdefault(step, {**told, **own})
        # A path below another renamed one is let through with it.
        if "properties" not in node:
            return
    node["properties"].setdefault(steps[-1], told)


def _misleading(new: str, values: list[Default]) -> str:
    """What is wrong with the words that say what to use instead; nothing if they lead there.

    They name values by path (``secrets.references.DATABASE_URL`` too), by name alone where each
    role has its own (``cpu``), or the contract.
    """
    known = {each.path for each in values}
    maps = {each.path for each in values if each.value == {}}
    words = [tuple(word.split(".")) for word in re.findall(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*", new)]
    led = False
    for word in words:
        there = word in known or word[:-1] in maps
        if len(word) > 1 and word[:1] in known and not there:
            return f"leads to {'.'.join(word)}, which is no value"
        led = led or there or (len(word) == 1 and any(path[-1:] == word for path in known))
    return "" if led or "contract.yaml" in new else "leads to no value"


@dataclass(frozen=True)
class _Making:
    """A schema on its way to be made."""

    contract: Contract
    whole: bool
    values: Mapping[tuple[str, ...], Default]

    def block(self, path: tuple[str, ...], data: Mapping[str, Any]) -> Json:
        """A block of values that takes the keys that it has and no others."""
        made: Json = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: self.key(self.values[*path, key]) for key in data},
        }
        demanded = [key for key, value in data.items() if value is not None]
        return {**made, "required": demanded} if self.whole and demanded else made

    def key(self, key: Default) -> Json:
        """What one key may be, with its meaning and its default."""
        told: Json = {"description": self.meaning(key)}
        if key.is_block:
            return {**told, **self.block(key.path, key.value)}
        own = _own(key) | self.words(key)
        default = {} if key.value in (None, "", {}, []) else {"default": key.value}
        return {**told, **own, **default}

    def meaning(self, key: Default) -> str:
        """Its comment, its input's meaning, or the api's word for the same."""
        alike = self.values.get(("api", *key.path[1:])) if key.path[0] in READERS else None
        found = (
            key.comment or self._inputs().get(key.dotted, "") or (alike.comment if alike else "")
        )
        if not found:
            raise UserError(
                f"{key.dotted} has no description",
                where=paths.shown(VALUES),
                remedy="Write a `# --` comment above it.",
            )
        return found

    def _inputs(self) -> dict[str, str]:
        return {
            value_path(name): f"{item.meaning}."
            for name, item in self.contract.inputs.items()
            if TARGET in item.targets
        }

    def words(self, key: Default) -> Json:
        """What the contract says that a value may be."""
        row = _row(key.path)
        if row in {"env", "ROLE.env"}:
            return {"properties": self.names(key, secret=False)}
        if row in {"secrets.references", "ROLE.secrets"}:
            return {"properties": self.names(key, secret=True)}
        for variable in self.contract.variables.values():
            source = variable.source(TARGET)
            taken = source.kind == "input" and value_path(source.text) == key.dotted
            if taken and variable.allowed:
                unset = [""] if key.value == "" else []
                return {"enum": [*variable.allowed_on(TARGET), *unset]}
        return {}

    def names(self, key: Default, *, secret: bool) -> Json:
        """The operator's variables that a map may hold, so that editors complete them."""
        readers = READERS.get(key.path[0], ROLES)
        return {
            name: _variable(variable)
            for name, variable in self.contract.variables.items()
            if variable.secret == secret
            and variable.source(TARGET).kind == "operator"
            and set(readers) & set(variable.roles) & self.contract.roles.keys()
        }


def _variable(variable: Variable) -> Json:
    told: Json = {"description": f"{variable.meaning}."}
    if variable.secret:
        return {**told, "type": "string"}
    if variable.allowed:
        return {**told, "enum": list(variable.allowed_on(TARGET))}
    if variable.type == "bool":
        return {**told, "enum": [True, False, "true", "false"]}
    return {**told, **_SCALAR}


def _row(path: tuple[str, ...]) -> str:
    """A path as the tables have it: the blocks of the roles are alike."""
    role = len(path) > 1 and path[0] in READERS
    return ".".join(("ROLE", *path[1:]) if role else path)


def _own(key: Default) -> Json:
    """What a key may be by the table, else by the type of its default."""
    found = _TABLE.get(_row(key.path)) or _by_type(key.value)
    if key.value is None and "type" in found:
        return {**found, "type": [found["type"], "null"]}
    return dict(found)


def _by_type(value: object) -> Json:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, dict):
        return _TEXTS
    what = f"the default {value!r} says too little of what a value may be"
    raise UserError(what, where=paths.shown(VALUES), remedy="Add a row to contract/chart.py.")


# --- the table ---------------------------------------------------------------------------------

_SCALAR: Json = {"type": ["string", "number", "boolean"]}
_TEXTS: Json = {"type": "object", "additionalProperties": _SCALAR}
_REFERENCES: Json = {"type": "object", "additionalProperties": {"type": "string"}}
_WORDS: Json = {"type": "array", "items": {"type": "string"}}
_RANGES: Json = {
    "type": "array",
    "items": {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"},
}
_SELECTOR: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}},
        "matchExpressions": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["key", "operator"],
                "properties": {
                    "key": {"type": "string"},
                    "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                    "values": _WORDS,
                },
            },
        },
    },
}
_PEERS: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "podSelector": _SELECTOR,
            "namespaceSelector": _SELECTOR,
            "ipBlock": {
                "type": "object",
                "additionalProperties": False,
                "required": ["cidr"],
                "properties": {"cidr": _RANGES["items"], "except": _RANGES},
            },
        },
    },
}
_TOLERATIONS: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "key": {"type": "string"},
            "operator": {"enum": ["Exists", "Equal"]},
            "value": {"type": "string"},
            "effect": {"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
            "tolerationSeconds": {"type": "integer", "minimum": 0},
        },
    },
}
_PULL_SECRETS: Json = {
    "type": "array",
    "items": {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {"name": {"type": "string", "minLength": 1}},
            },
        ]
    },
}
_TRIGGERS: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "metadata"],
        "properties": {
            "type": {"type": "string", "minLength": 1},
            "name": {"type": "string"},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "authenticationRef": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "kind": {"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]},
                },
            },
            "metricType": {"enum": ["AverageValue", "Value", "Utilization"]},
            "useCachedMetrics": {"type": "boolean"},
        },
    },
}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}


def _whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


#: The largest number of 32 bits: what Kubernetes takes at most for most of its own.
_MOST = 2**31 - 1
_PORT = 65_535
_TIB = 1024 * 1024  # in MiB

#: Path to what a value may be, where its default's type says too little.
_TABLE: dict[str, Json] = {
    "secrets.type": _one_of("external", "csi", "existing"),
    "secrets.references": _REFERENCES,
    # A number or a date will do: it is only ever compared with what it was.
    "secrets.revision": _SCALAR,
    "secrets.external.storeKind": _one_of("SecretStore", "ClusterSecretStore"),
    "secrets.external.refreshInterval": {
        "type": "string",
        "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$",
    },
    "secrets.csi.provider": _one_of("aws", "azure", "gcp", "vault", ""),
    "identity.type": _one_of("none", "aws", "azure", "gcp"),
    "routing.type": _one_of("gateway", "ingress", "none"),
    "autoscaling.type": _one_of("none", "hpa", "keda"),
    "autoscaling.targetCpu": _whole(1, 100),
    "migrate.type": _one_of("job", "hook", "none"),
    "migrate.attempt": _whole(1, _MOST),
    "migrate.ttlSeconds": _whole(60, _MOST),
    "networkPolicy.ingressFrom": _PEERS,
    "networkPolicy.databaseRanges": _RANGES,
    "networkPolicy.redisRanges": _RANGES,
    "networkPolicy.databasePort": _whole(0, _PORT),
    "networkPolicy.redisPort": _whole(0, _PORT),
    "networkPolicy.egressPorts": {"type": "array", "items": _whole(1, _PORT), "uniqueItems": True},
    "databaseMaxConnections": _whole(0, _MOST),
    # Processes never run as root.
    "pods.user": _whole(1, _MOST),
    "pods.group": _whole(1, _MOST),
    "pods.imagePullSecrets": _PULL_SECRETS,
    "pods.tolerations": _TOLERATIONS,
    "ROLE.secrets": _REFERENCES,
    # A text such as 500m is Kubernetes's own word; the same number serves every target here.
    "ROLE.cpu": {"type": "number", "minimum": 0.001, "maximum": 1024},
    "ROLE.memoryMib": _whole(4, 16 * _TIB),
    "ROLE.diskMib": _whole(1, 16 * _TIB),
    "ROLE.minInstances": _whole(1, 1000),
    "ROLE.maxInstances": _whole(1, 1000),
    "ROLE.preStopSeconds": _whole(0, 3600),
    "ROLE.triggers": _TRIGGERS,
}


def _text(data: Json) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
