"""The Kubernetes objects in what Helm rendered, with the place that each came from. Pure.

Scalars are read as Kubernetes reads them (YAML 1.1 as sigs.k8s.io/yaml has it), not as PyYAML does:
``1e+06`` is a number, ``y`` a boolean, ``1:30`` and ``2026-01-01`` texts.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.located import KeyPath

_SOURCE = re.compile(r"^# Source: ([^/\s]+)/(\S+)$", re.MULTILINE)
COMPONENT = "app.kubernetes.io/component"
#: Kind to the path of the pod template in it.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


class Unreadable(UserError):
    """What was rendered is no Kubernetes object; *file* and *line* say where."""

    def __init__(self, what: str, *, file: str, line: int) -> None:
        super().__init__(what, where=f"{file}:{line}")
        self.file, self.line = file, line


@dataclass(frozen=True)
class Object:
    """One object.

    Args:
        kind: ``Deployment``, …
        name: Of its metadata.
        role: Its label ``app.kubernetes.io/component``; empty if it has none.
        file: The template that it was rendered from, relative to the repository.
        line: Where it begins in what was rendered (from 1).
        body: The object itself.
        lines: Path in the body to its line in what was rendered.
    """

    kind: str
    name: str
    role: str
    file: str
    line: int
    body: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def api_version(self) -> str:
        """Group and version: ``apps/v1``."""
        return str(self.body.get("apiVersion", ""))

    @property
    def labels(self) -> Mapping[str, str]:
        """Of its metadata."""
        return self.at("metadata", "labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """Of its metadata."""
        return self.at("metadata", "annotations") or {}

    @property
    def hooks(self) -> tuple[str, ...]:
        """The points at which Helm makes it: ``pre-install``, ``test``; none as a rule."""
        told = str(self.annotations.get("helm.sh/hook", ""))
        return tuple(word.strip() for word in told.split(",") if word.strip())

    def at(self, *path: str | int) -> Any:  # noqa: ANN401 - JSON
        """What lies at *path*; None where nothing does."""
        return dig(self.body, *path)

    def line_of(self, *path: str | int) -> int:
        """The line of *path*, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Container:
    """A container of a pod.

    Args:
        pod: Whose.
        name: Its own.
        path: Where it stands in the object.
        body: The container itself.
        init: Whether it runs before the others.
    """

    pod: Pod
    name: str
    path: tuple[str | int, ...]
    body: Mapping[str, Any]
    init: bool

    @property
    def role(self) -> str:
        """The role whose pod it is in."""
        return self.pod.role

    @property
    def line(self) -> int:
        """Where it begins in what was rendered."""
        return self.pod.object.line_of(*self.path)

    @property
    def env(self) -> list[Mapping[str, Any]]:
        """Its variables, in order, doubles included."""
        return list(self.body.get("env") or ())

    def at(self, *path: str | int) -> Any:  # noqa: ANN401 - JSON
        """What lies at *path* in it; None where nothing does."""
        return dig(self.body, *path)

    def __str__(self) -> str:
        return f"{self.pod.object}: {self.name}"


@dataclass(frozen=True)
class Pod:
    """A pod template, or a pod that stands alone.

    Args:
        object: What holds it.
        path: Where it stands there; empty for a pod that stands alone.
    """

    object: Object
    path: tuple[str, ...]

    @property
    def role(self) -> str:
        """Its own label of the role, or that of what holds it."""
        return str(self.labels.get(COMPONENT) or self.object.role)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its own."""
        return self.object.at(*self.path, "metadata", "labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its own."""
        return self.object.at(*self.path, "metadata", "annotations") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its specification."""
        return self.object.at(*self.path, "spec") or {}

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Init containers first, then the others."""
        return tuple(
            Container(self, str(each.get("name", "")), (*self.path, "spec", key, index), each, init)
            for key, init in (("initContainers", True), ("containers", False))
            for index, each in enumerate(self.spec.get(key) or ())
        )


@dataclass(frozen=True)
class Manifest:
    """All objects of one render, in its order.

    Args:
        objects: The objects.
        text: What Helm wrote.
        chart: The chart's directory, as findings name it.
    """

    objects: tuple[Object, ...]
    text: str = field(default="", repr=False)
    chart: str = ""

    def of(self, *kinds: str) -> list[Object]:
        """The objects of these kinds."""
        return [each for each in self.objects if each.kind in kinds]

    def of_role(self, role: str) -> list[Object]:
        """The objects of one role."""
        return [each for each in self.objects if each.role == role]

    def find(self, kind: str, name: str) -> Object | None:
        """One object, if it is there."""
        return next((each for each in self.of(kind) if each.name == name), None)

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod that it makes, hooks and tests included."""
        return tuple(
            Pod(each, TEMPLATES[each.kind]) for each in self.objects if each.kind in TEMPLATES
        )

    @property
    def containers(self) -> Iterator[Container]:
        """Every container of every pod."""
        return (container for pod in self.pods for container in pod.containers)


@lru_cache(maxsize=16)
def parse(text: str, chart: str) -> Manifest:
    """Read what Helm rendered; the same text, as several Helms render it, once.

    Args:
        text: Its standard output.
        chart: The chart's directory as errors and findings name it: ``ops/charts/app``.

    Raises:
        Unreadable: It is not YAML, gives a key twice, or holds something that is no object.
    """
    found = (_object(each) for each in _documents(text, chart) if each.body is not None)
    return Manifest(tuple(found), text, chart)


def read(text: str, file: str) -> Any:  # noqa: ANN401 - JSON
    """One YAML document, such as a file of values, with its scalars as Kubernetes reads them.

    Raises:
        Unreadable: It is not YAML, gives a key twice, or is several documents.
    """
    found = list(_documents(text, file))
    if len(found) > 1:
        raise Unreadable("holds several documents", file=file, line=found[1].line)
    return found[0].body if found else None


def dig(body: Any, *path: str | int) -> Any:  # noqa: ANN401 - JSON
    """What lies at *path* in *body*; None where nothing does."""
    for step in path:
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and isinstance(step, int) and step < len(body):
            body = body[step]
        else:
            return None
    return body


class _Document(NamedTuple):
    """A document: where it came from, and what it holds."""

    file: str
    line: int
    body: Any
    lines: dict[KeyPath, int]


def _documents(text: str, file: str) -> Iterator[_Document]:
    """Every document; of what Helm rendered, each with the template that it names above it."""
    sources = [
        (text.count("\n", 0, found.start()) + 1, f"{file}/{found[2]}")
        for found in _SOURCE.finditer(text)
    ]
    try:
        with closing(_Loader(text)) as loader:
            while loader.check_node():
                node = loader.get_node()
                line = node.start_mark.line + 1
                reading = _Reading(_source(sources, line, file), {})
                yield _Document(reading.file, line, reading.value(node, ()), reading.lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = f"not valid YAML: {error.problem}"
        raise Unreadable(what, file=_source(sources, line, file), line=line) from error
    except yaml.reader.ReaderError as error:
        raise Unreadable(f"not valid YAML: {error.reason}", file=file, line=1) from error


def _source(sources: list[tuple[int, str]], line: int, file: str) -> str:
    """The template that a line was rendered from: the last one named above it."""
    return next((named for begin, named in reversed(sources) if begin <= line), file)


def _object(found: _Document) -> Object:
    body = found.body
    name = dig(body, "metadata", "name")
    if not name or not body.get("kind") or not body.get("apiVersion"):
        what = "is no object: it lacks apiVersion, kind or metadata.name"
        raise Unreadable(what, file=found.file, line=found.line)
    return Object(
        kind=str(body["kind"]),
        name=str(name),
        role=str(dig(body, "metadata", "labels", COMPONENT) or ""),
        file=found.file,
        line=found.line,
        body=body,
        lines=found.lines,
    )


# --- YAML as Kubernetes reads it ---------------------------------------------------------------


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml: 6x
    """PyYAML's parser with the plain scalars of sigs.k8s.io/yaml."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def close(self) -> None:
        """Let go of what the parser holds."""
        self.dispose()


_INT = r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)"
_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_TRUE = "y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON"
_FALSE = "n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
_TAGS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (f"{_TRUE}|{_FALSE}", list("yYnNtTfFoO")),
    "int": (_INT, list("-+0123456789")),
    "float": (_FLOAT, list("-+.0123456789")),
}
for _tag, (_pattern, _first) in _TAGS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first
    )


class _Reading(NamedTuple):
    """A document on its way to be read: its file, and the lines found so far."""

    file: str
    lines: dict[KeyPath, int]

    def value(self, node: yaml.Node, path: KeyPath) -> Any:  # noqa: ANN401 - JSON
        """*node* as JSON data."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        return _scalar(node.tag.rpartition(":")[2], str(node.value))

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, Any]]:
        for key, value in node.value:
            child, line = (*path, str(key.value)), key.start_mark.line + 1
            if child in self.lines:
                what = f"{'.'.join(map(str, child))} is given twice"
                raise Unreadable(what, file=self.file, line=line)
            self.lines[child] = line
            yield str(key.value), self.value(value, child)


def _scalar(tag: str, text: str) -> object:
    if tag == "null":
        return None
    if tag == "bool":
        return text in _TRUE.split("|")
    if tag == "int":
        return _integer(text.replace("_", ""))
    if tag == "float":
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int:
    """As Go's ``ParseInt`` with base 0: a leading zero alone means octal."""
    digits = text.lstrip("-+")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()
    return int(text, 8 if octal else 0)
