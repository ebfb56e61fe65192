"""A plan, as people read it: every value that a provider would decide names whose it is.

``${aws_db_instance.main.address}`` in a value says that it is that attribute of that resource,
wherever Terraform carried it. A resource's own attribute that names itself is one that its
configuration leaves to the provider. Write-only values, which Terraform keeps out of plans, are
put back where they were written.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hostwright.terraform.provider.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hostwright.terraform.diagnostics import Diagnostic
    from hostwright.terraform.lines import SourceBlock, Sources
    from hostwright.terraform.provider.marks import Mark, Marks, Subject

Json = Any
#: What stands for a value that nothing here can know.
UNDECIDED = "(known after apply)"
#: The key of an instance at the end of an address.
_INDEX = re.compile(r"\[.*\]$")
#: What the document says of an expression; a block has its arguments there instead.
_EXPRESSION = ("constant_value", "references")
_POSITION = re.compile(r"\.(\d+)(?=\.|$)")


@dataclass(frozen=True)
class Resource:
    """A resource or data source that a plan would make or read.

    Args:
        address: ``aws_subnet.private["a"]``.
        type: ``aws_subnet``.
        name: ``private``.
        index: The key of count or for_each, if there is one.
        mode: Data sources are there too, as they were read.
        values: Every attribute and block that the schema has; what is not set is None or empty.
        unknown: Paths of what even this plan does not know: ``template.0.labels``.
    """

    address: str
    type: str
    name: str
    index: str | int | None
    mode: Literal["managed", "data"]
    values: Mapping[str, Json]
    unknown: tuple[str, ...] = ()

    def get(self, path: str) -> Json:
        """What is at ``template.0.containers.0.env``; None if there is no such thing."""
        return at(self.values, path)

    def decides(self, path: str) -> bool:
        """Whether the attribute at *path* is left to the provider: not configured, but computed."""
        return bool(self.get(path) == reference(self.address, path))


@dataclass(frozen=True)
class Output:
    """An output of the root module; *value* is None where the plan does not have it."""

    name: str
    value: Json
    sensitive: bool
    #: What its expression refers to: ``aws_lb.main.dns_name``, ``var.region``.
    references: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True)
class Variable:
    """A variable of the root module; *type*, *ephemeral* and *validations* are as written."""

    name: str
    type: str
    default: Json
    required: bool
    sensitive: bool
    ephemeral: bool
    nullable: bool
    validations: int
    description: str


@dataclass(frozen=True)
class Provider:
    """A provider that the root module uses, with the range of versions that it asks for."""

    name: str
    address: str
    versions: str


@dataclass(frozen=True)
class Plan:
    """What Terraform would do with an empty state."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Output]
    variables: Mapping[str, Variable]
    providers: Mapping[str, Provider]
    sources: Sources
    diagnostics: tuple[Diagnostic, ...] = ()
    document: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The managed resources of these types."""
        return tuple(each for each in self.resources if each.type in types and is_managed(each))

    def at(self, address: str) -> Resource:
        """The resource with this address.

        Raises:
            KeyError: There is none.
        """
        found = next((each for each in self.resources if each.address == address), None)
        if found is None:
            raise KeyError(address)
        return found


def is_managed(resource: Resource) -> bool:
    """Whether it is made, not read."""
    return resource.mode == "managed"


def reference(address: str, path: str) -> str:
    """``${aws_x.y.endpoint[0].port}``: how Terraform's language refers to an attribute."""
    attribute = _POSITION.sub(r"[\1]", path)
    return f"${{{address}.{attribute}}}"


def at(value: Json, path: str) -> Json:
    """What a dotted path leads to; None if nothing is there."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


# --- reading -----------------------------------------------------------------------------------


def read(document: Mapping[str, Json], marks: Marks, sources: Sources) -> Plan:
    """Make a plan of ``terraform show -json``.

    Args:
        document: What it printed.
        marks: Those that were given out while it was planned.
        sources: The files, for what the document does not say of variables.
    """
    found = list(_found(document))
    module = document.get("configuration", {}).get("root_module", {})
    expressions = {
        each["address"]: each.get("expressions", {}) for each in module.get("resources", ())
    }
    names = Names(marks, _owners(found, expressions, marks))
    unknown = {
        change["address"]: tuple(sorted(_paths(change["change"].get("after_unknown"))))
        for change in document.get("resource_changes", ())
    }
    return Plan(
        resources=tuple(_resource(each, names, unknown.get(each["address"], ())) for each in found),
        outputs=_outputs(document, module, names),
        variables=_variables(module, sources),
        providers=_providers(document),
        sources=sources,
        document=document,
    )


def _found(document: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """The data sources that were read, then the resources that would be made."""
    state = document.get("prior_state", {}).get("values", {}).get("root_module", {})
    yield from (each for each in _in_module(state) if each["mode"] == "data")
    yield from _in_module(document.get("planned_values", {}).get("root_module", {}))


def _in_module(module: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _in_module(child)


class Names:
    """Which address each subject of the marks has, as Terraform wrote it."""

    def __init__(self, marks: Marks, owners: Mapping[Subject, str]) -> None:
        self.marks = marks
        self._owners = owners
        self.subjects = {address: subject for subject, address in owners.items()}

    def address(self, raw: str) -> str:
        """An address with the marks in its keys named; they are there with their quotes."""
        return self.text(raw)

    def text(self, text: str) -> str:
        """A text with every mark in it named; what was JSON is JSON afterwards, too."""
        if text.startswith(("{", "[")):
            with suppress(ValueError):
                return json.dumps(self.value(json.loads(text)), separators=(",", ":"))
        return self.marks.replace(text, self._name)

    def value(self, value: Json) -> Json:
        """A value with every mark in it named; a number that is a mark becomes a text."""
        if isinstance(value, dict):
            return {self.text(key): self.value(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, str):
            return self.text(value)
        if value is UNKNOWN:
            return UNDECIDED
        mark = self.marks.read(value)
        return self._name(mark) if mark else value

    def _name(self, mark: Mark) -> str:
        raw = self._owners.get(mark.subject)
        return reference(self.address(raw), mark.path) if raw else str(mark)


def _owners(
    resources: Iterable[Mapping[str, Json]],
    expressions: Mapping[str, Mapping[str, Json]],
    marks: Marks,
) -> dict[Subject, str]:
    """The address of each subject: that of the resource that has most of its marks in place.

    A mark is in place at its own path, where nothing is configured: what is may be a copy.
    """
    votes: Counter[tuple[Subject, str]] = Counter()
    for resource in resources:
        written = expressions.get(_INDEX.sub("", resource["address"]), {})
        for path, leaf in _leaves(resource.get("values", {})):
            mark = marks.read(leaf)
            if mark and mark.path == path and not _configured(written, path):
                votes[mark.subject, resource["address"]] += 1
    found: dict[Subject, str] = {}
    for (subject, address), _ in votes.most_common():
        if subject not in found and address not in found.values():
            found[subject] = address
    return found


def _configured(expressions: Json, path: str) -> bool:
    """Whether an expression stands at *path*, or at what holds it."""
    for step in path.split("."):
        if isinstance(expressions, dict) and not expressions.keys().isdisjoint(_EXPRESSION):
            return True
        expressions = at(expressions, step)
        if expressions is None:
            return False
    return True


def _leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    for step, each in _steps(value):
        below = f"{path}.{step}" if path else step
        if isinstance(each, dict | list):
            yield from _leaves(each, below)
        else:
            yield below, each


def _steps(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), each) for index, each in enumerate(value))


def _paths(unknown: Json) -> Iterator[str]:
    """The paths of what ``after_unknown`` says true of."""
    yield from (path for path, leaf in _leaves(unknown) if leaf is True)


def _resource(raw: Mapping[str, Json], names: Names, unknown: tuple[str, ...]) -> Resource:
    values = names.value(raw.get("values", {}))
    subject = names.subjects.get(raw["address"])
    for mark, value in names.marks.written.items():
        if mark.subject == subject:
            _put(values, mark.path, names.value(value))
    index = raw.get("index")
    return Resource(
        address=names.address(raw["address"]),
        type=raw["type"],
        name=raw["name"],
        index=names.text(index) if isinstance(index, str) else index,
        mode=raw["mode"],
        values=values,
        unknown=unknown,
    )


def _put(values: Json, path: str, value: Json) -> None:
    *way, last = path.split(".")
    within = at(values, ".".join(way)) if way else values
    within[last] = value


def _outputs(
    document: Mapping[str, Json], module: Mapping[str, Json], names: Names
) -> dict[str, Output]:
    planned = document.get("planned_values", {}).get("outputs", {})
    return {
        name: Output(
            name,
            names.value(planned.get(name, {}).get("value")),
            bool(each.get("sensitive")),
            tuple(each.get("expression", {}).get("references", ())),
            each.get("description", ""),
        )
        for name, each in module.get("outputs", {}).items()
    }


def _variables(module: Mapping[str, Json], sources: Sources) -> dict[str, Variable]:
    written = {block.labels[0]: block for block in sources.of_kind("variable") if block.labels}
    return {
        name: _variable(name, each, written.get(name))
        for name, each in module.get("variables", {}).items()
    }


def _variable(name: str, told: Mapping[str, Json], block: SourceBlock | None) -> Variable:
    says: Callable[[str], str] = block.argument if block else lambda _: ""
    return Variable(
        name=name,
        type=says("type"),
        default=told.get("default"),
        required="default" not in told and not (block and block.count("default")),
        sensitive=bool(told.get("sensitive")),
        ephemeral=says("ephemeral") == "true",
        nullable=says("nullable") != "false",
        validations=block.count("validation") if block else 0,
        description=told.get("description", ""),
    )


def _providers(document: Mapping[str, Json]) -> dict[str, Provider]:
    listed = document.get("configuration", {}).get("provider_config", {})
    return {
        name: Provider(
            name,
            "/".join(each.get("full_name", "").split("/")[-2:]),
            each.get("version_constraint", ""),
        )
        for name, each in listed.items()
    }
