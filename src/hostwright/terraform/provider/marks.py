"""Marks: values for what only a cloud can decide, which say whose they are.

A text is ``~~aws_db_instance~3f9a1c2e~address~~``: type, serial and attribute path, in characters
that jsonencode(), urlencode(), lower() and split() leave alone, so that it is found again inside
longer texts. A number is ten digits that are registered. The serial stands for one resource; which
address that has, Terraform tells its provider nowhere, but the resource's own values in the plan
do (:mod:`hostwright.terraform.plan`).

The serial comes from the resource's configuration, so that planning the same twice gives the same;
resources of one type that are configured the same are counted.
"""

from __future__ import annotations

import hashlib
import re
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple

from hostwright.terraform.provider.values import UNKNOWN, Value, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.terraform.provider.values import Object
    from hostwright.terraform.schema.model import Type

_TEXT = re.compile(r"~~(data\.)?([a-z0-9_]+)~([0-9a-f]{8}(?:-\d+)?)~([A-Za-z0-9_.-]+)~~")
#: Seven billion and something: longer than what anybody configures, short enough for every tool.
_NUMBER = re.compile(r"(?<![0-9.])7\d{9}(?![0-9])")
_SPREAD = 10**9
#: How many elements a list that the provider decides has: slice(zones, 0, 2) must work.
_ELEMENTS = {"resource": 1, "data": 3}

Kind = Literal["resource", "data"]


class Subject(NamedTuple):
    """One resource or data source of a plan, whose address is not known here."""

    kind: Kind
    type: str
    serial: str


class Mark(NamedTuple):
    """What a mark says: whose value it is, and of which attribute: ``endpoint.0.port``."""

    subject: Subject
    path: str

    def __str__(self) -> str:
        subject = self.subject
        data = "data." if subject.kind == "data" else ""
        return f"~~{data}{subject.type}~{subject.serial}~{self.path}~~"


class Marks:
    """The marks of one plan; Terraform asks for them from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._subjects: dict[tuple[Kind, str, str], int] = {}
        self._numbers: dict[int, Mark] = {}
        self._written: dict[Mark, Value] = {}

    @property
    def written(self) -> Mapping[Mark, Value]:
        """What write-only attributes were given, which no plan holds."""
        return self._written

    def subject(self, kind: Kind, type_: str, config: Object) -> Subject:
        """A new subject for what is configured so; *config* without write-only values."""
        digest = hashlib.sha256(encode(config)).hexdigest()[:8]
        with self._lock:
            count = self._subjects.get((kind, type_, digest), 0) + 1
            self._subjects[kind, type_, digest] = count
        return Subject(kind, type_, digest if count == 1 else f"{digest}-{count}")

    def value(self, subject: Subject, path: str, of: Type) -> Value:
        """A value of the type *of* for the attribute at *path*."""
        if of.kind == "number":
            return self._number(Mark(subject, path))
        if of.kind == "bool":
            return False
        if of.kind == "map":
            return {}
        if of.kind == "object":
            return {
                name: self.value(subject, f"{path}.{name}", each)
                for name, each in of.fields.items()
            }
        if of.kind in {"list", "set"}:
            indexes = range(_ELEMENTS[subject.kind])
            return [self.value(subject, f"{path}.{index}", of.inner) for index in indexes]
        text = str(Mark(subject, path))
        return [b'"string"', text] if of.kind == "dynamic" else text

    def write(self, subject: Subject, path: str, value: Value) -> None:
        """Remember what a write-only attribute was given."""
        with self._lock:
            self._written[Mark(subject, path)] = value

    def read(self, value: Value) -> Mark | None:
        """The mark that *value* is, whole; None if it is anything else."""
        if isinstance(value, str):
            found = _TEXT.fullmatch(value)
            return _mark(found) if found else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._numbers.get(int(value))
        return None

    def replace(self, text: str, name: Callable[[Mark], str]) -> str:
        """*text* with every mark in it replaced by its *name*, numbers too."""
        named = _TEXT.sub(lambda found: name(_mark(found)), text)
        return _NUMBER.sub(lambda found: self._named(found[0], name), named)

    def _named(self, digits: str, name: Callable[[Mark], str]) -> str:
        mark = self._numbers.get(int(digits))
        return name(mark) if mark else digits

    def _number(self, mark: Mark) -> int:
        offset = int.from_bytes(hashlib.sha256(str(mark).encode()).digest()[:8], "big") % _SPREAD
        with self._lock:
            while self._numbers.get(7 * _SPREAD + offset, mark) != mark:
                offset = (offset + 1) % _SPREAD
            self._numbers[7 * _SPREAD + offset] = mark
        return 7 * _SPREAD + offset


def _mark(found: re.Match[str]) -> Mark:
    data, type_, serial, path = found.groups()
    return Mark(Subject("data" if data else "resource", type_, serial), path)


def undecided(_path: str, _of: Type) -> Value:
    """What is computed before it is applied, where a plan is to look as a cloud would have it."""
    return UNKNOWN
