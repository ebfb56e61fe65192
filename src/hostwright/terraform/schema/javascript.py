"""Read the generated JavaScript of one type's bindings: only what speaks of its schema.

The generator writes three things that together say nearly all that a schema says:

- before each accessor, ``// name - computed: X, optional: Y, required: Z``;
- in the accessor, the getter (``getStringAttribute``) or the class of the nested value;
- in ``…ToHclTerraform``, for what can be configured, whether it is a block and of what type.

Its lines are taken one by one; nothing is executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CLASS = re.compile(r"class (\w+) extends cdkt[nf]\.(\w+)")
_ATTRIBUTE = re.compile(
    r"\s+// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)"
)
_NESTED = re.compile(r'= new (?:\w+\.)?(\w+)\(this, "\w+"(?:, (true|false))?\)')
_ITEM = re.compile(r"return new (?:\w+\.)?(\w+OutputReference)\(this\.terraformResource")
_GETTER = re.compile(
    r"return ((?:cdkt[nf]\.(?:Fn|Token)\.\w+\()*)"
    r"this\.(get\w+Attribute|interpolationForAttribute)\("
)
RESOURCE_TYPE = re.compile(r'\s+static tfResourceType = "(\w+)"')
_PROVIDER_VERSION = re.compile(r"providerVersion: '([^']+)'")
_WRITER = re.compile(r"function (\w+)ToHclTerraform\(")
_OWN_WRITER = "synthesizeHclAttributes()"
_ENTRY = re.compile(r"\s{8,16}(\w+): \{$")
_FACT = re.compile(r'\s+(isBlock|type|storageClassType): "?(\w+)"?,?$')

#: The key of the layout of the resource itself, beside those of its nested structures.
OWN = "@"


@dataclass
class Entry:
    """How one configurable attribute or block is written: one entry of a ``…ToHclTerraform``."""

    block: bool = False
    #: simple, list, set, map, struct …
    type: str = ""
    #: string, numberList, booleanMap …, or the name of the structure in a block
    storage: str = ""


@dataclass
class Member:
    """One accessor of a class."""

    name: str
    computed: bool
    optional: bool
    required: bool
    #: The class of its value, where that is nested, and whether it wraps a set.
    nested: str = ""
    of_set: bool = False
    #: The function that reads it, where it is not nested, and whether it unwraps a set.
    getter: str = ""
    from_set: bool = False


@dataclass
class Class:
    """One class: the resource itself, the object in a nested value, or a list or map of those."""

    base: str
    members: list[Member] = field(default_factory=list)
    #: For lists and maps: the class of what they hold.
    item: str = ""


@dataclass
class Bindings:
    """What one file says; *layouts* go by the structure's name, its own by :data:`OWN`."""

    classes: dict[str, Class] = field(default_factory=dict)
    layouts: dict[str, dict[str, Entry]] = field(default_factory=dict)
    #: ``google_sql_user``, its class, and the version of the provider it was generated from.
    type: str = ""
    own_class: str = ""
    provider_version: str = ""


def read(text: str) -> Bindings:
    """Read the text of one type's ``index.js``, its split-off structures before it."""
    reader = _Reader()
    for line in text.splitlines():
        reader.take(line)
    return reader.bindings


class _Reader:
    """Where in the file the reading is: in which class, accessor, layout and entry."""

    def __init__(self) -> None:
        self.bindings = Bindings()
        self.name = ""
        self.within: Class | None = None
        self.member: Member | None = None
        self.layout: dict[str, Entry] | None = None
        self.entry: Entry | None = None

    def take(self, line: str) -> None:
        if line.startswith("class "):
            self._class(line)
        elif line.startswith("function "):
            self._writer(line)
        elif self.layout is not None:
            self._entry(self.layout, line)
        elif self.within is not None:
            self._body(self.within, line)

    def _class(self, line: str) -> None:
        if found := _CLASS.match(line):
            self.name = found[1]
            self.within = self.bindings.classes[self.name] = Class(found[2])
            self.member = self.layout = self.entry = None

    def _writer(self, line: str) -> None:
        self.within = self.layout = self.entry = None
        if found := _WRITER.match(line):
            structure = found[1][0].upper() + found[1][1:]
            self.layout = self.bindings.layouts[structure] = {}

    def _entry(self, layout: dict[str, Entry], line: str) -> None:
        if found := _ENTRY.match(line):
            self.entry = layout.setdefault(found[1], Entry())
        elif self.entry and (found := _FACT.match(line)):
            fact, value = found.groups()
            if fact == "isBlock":
                self.entry.block = value == "true"
            elif fact == "type":
                self.entry.type = value
            else:
                self.entry.storage = value

    def _body(self, within: Class, line: str) -> None:
        if found := _ATTRIBUTE.match(line):
            computed, optional, required = (flag == "true" for flag in found.groups()[1:])
            self.member = Member(found[1], computed, optional, required)
            within.members.append(self.member)
        elif _OWN_WRITER in line:
            self.layout, self.entry = self.bindings.layouts.setdefault(OWN, {}), None
        elif found := _ITEM.search(line):
            within.item = found[1]
        elif found := RESOURCE_TYPE.match(line):
            self.bindings.type, self.bindings.own_class = found[1], self.name
        elif found := _PROVIDER_VERSION.search(line):
            self.bindings.provider_version = found[1]
        elif self.member:
            self._accessor(self.member, line)

    @staticmethod
    def _accessor(member: Member, line: str) -> None:
        if not member.nested and (found := _NESTED.search(line)):
            member.nested, member.of_set = found[1], found[2] == "true"
        if not member.getter and (found := _GETTER.search(line)):
            member.getter, member.from_set = found[2], "tolist" in found[1].lower()
