"""What Kubernetes itself says of an object: its own schemas by version, and those of custom kinds.

The schemas are those of the package kubernetes-validate, in their strict form, which refuses what a
cluster would drop without a word.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.helm import crds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from referencing import Registry

VENDOR = paths.CHARTS_VENDOR
_METADATA = "/api/_definitions.json#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#: Of an error's text, which may hold whole objects.
_SHOWN = 160


class Fault(NamedTuple):
    """Something that a schema refuses: where in the object, and why."""

    path: tuple[str | int, ...]
    what: str


@dataclass(frozen=True)
class Kubernetes:
    """One minor version of Kubernetes, and the custom kinds that are installed in it."""

    version: str
    custom: Mapping[tuple[str, str], crds.Custom]
    _known: dict[tuple[str, str], Draft202012Validator | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    _right: set[tuple[str, str]] = field(default_factory=set, repr=False, compare=False)

    @property
    def minor(self) -> str:
        """Without the patch: ``1.37``."""
        return self.version.rpartition(".")[0]

    def faults(self, body: Mapping[str, Any]) -> list[Fault] | None:
        """What is wrong with an object; None of a kind that is not known here."""
        key = (str(body.get("apiVersion")), str(body.get("kind")))
        if key not in self._known:
            self._known[key] = self._validator(*key)
        validator = self._known[key]
        if validator is None:
            return None
        return sorted(set(_faults(validator.iter_errors(body))), key=str)

    def _validator(self, api_version: str, kind: str) -> Draft202012Validator | None:
        custom = self.custom.get((api_version, kind))
        schema = _with_metadata(custom.schema) if custom else _own(self.version, api_version, kind)
        if schema is None:
            return None
        return _remembering(self._right)(schema, registry=_definitions(self.version))


def newest(count: int) -> tuple[Kubernetes, ...]:
    """The newest minor versions that there are schemas of, the newest first.

    Raises:
        ToolError: The package is missing or has fewer, or a vendored schema cannot be read.
    """
    try:
        from kubernetes_validate import utils
    except ModuleNotFoundError as error:
        raise ToolError(
            f"the package {error.name} is missing, which knows what Kubernetes takes",
            remedy="`nox -s validate_kubernetes` brings it; or `pip install --group kubernetes`.",
        ) from error

    # It names each version twice: for its two forms.
    versions = list(dict.fromkeys(utils.all_versions()))[-count:][::-1]
    if len(versions) < count:
        raise ToolError(f"kubernetes-validate has schemas of {len(versions)} versions only")
    return tuple(_kubernetes(version) for version in versions)


def _remembering(right: set[tuple[str, str]]) -> type[Draft202012Validator]:
    """A validator that judges alike parts once: pods share containers, probes, variables, labels.

    Args:
        right: What fits so far: a reference to a schema of this Kubernetes, and the part as JSON.
    """
    from jsonschema import Draft202012Validator, validators

    judge = Draft202012Validator.VALIDATORS["$ref"]

    def remembered(validator: Any, ref: str, part: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401 - JSON
        key = (ref, json.dumps(part, sort_keys=True))
        if key in right:
            return
        errors = list(judge(validator, ref, part, schema) or ())
        if not errors:
            right.add(key)
        yield from errors

    extend: Any = validators.extend  # it has no types
    made: type[Draft202012Validator] = extend(Draft202012Validator, {"$ref": remembered})
    return made


@cache
def _kubernetes(version: str) -> Kubernetes:
    installed = {(item.api_version, item.kind): item for item in crds.load(VENDOR)}
    return Kubernetes(version, installed)


def _faults(errors: Iterator[ValidationError]) -> Iterator[Fault]:
    for error in errors:
        # Of alternatives, the one that nearly fits says most.
        inner = [item for item in error.context or () if item.validator not in {"type", "const"}]
        if inner:
            yield from _faults(iter(inner))
        else:
            yield Fault(tuple(error.absolute_path), _shortened(error.message))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _with_metadata(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A custom kind's schema with Kubernetes's own of what every object's metadata may hold."""
    metadata = {"allOf": [schema["properties"]["metadata"], {"$ref": _METADATA}]}
    properties = {**schema["properties"], "metadata": metadata}
    return {"$id": "https://kubernetes.io/api/custom", **schema, "properties": properties}


def _own(version: str, api_version: str, kind: str) -> dict[str, Any] | None:
    """The schema of a kind of Kubernetes's own."""
    # networking.k8s.io/v1 is networking-v1 in the package; a kind of another group is not there.
    group, _, rest = api_version.rpartition("/")
    if group and "." in group and not group.endswith(".k8s.io"):
        return None
    name = re.sub(r"\..*$", "", group)
    file = f"{kind.lower()}-{name}-{rest}.json" if name else f"{kind.lower()}-{rest}.json"
    found = _read(version, file)
    return found if found and _is(found, group, rest, kind) else None


def _is(schema: Mapping[str, Any], group: str, version: str, kind: str) -> bool:
    """Whether it is that kind's, and not that of a group whose name begins alike."""
    kinds = schema.get("x-kubernetes-group-version-kind") or ()
    return {"group": group, "version": version, "kind": kind} in list(kinds)


@cache
def _definitions(version: str) -> Registry[Any]:
    from referencing import Registry, Resource

    text = _read(version, "_definitions.json")
    if text is None:
        raise ToolError(f"kubernetes-validate has no definitions of Kubernetes {version}")
    return Resource.from_contents(text) @ Registry()


def _read(version: str, file: str) -> dict[str, Any] | None:
    from kubernetes_validate import utils

    place = f"kubernetes-json-schema/v{version}-local-strict/{file}"
    try:
        found: dict[str, Any] = utils.schema_contents(place, version)
    except FileNotFoundError:
        return None
    return found
