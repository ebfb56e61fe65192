"""From what the bindings of one type say to the block of its schema; pure.

Bindings say less than the provider does. Lost are: enums and formats, attributes that exclude or
need one another, minimum and maximum counts other than 1, what is sensitive or deprecated, what a
recursive block holds below its first repetition, and what the provider's own block requires.
An attribute that is optional, is never computed and holds objects looks like a block, and becomes
one. A name that ends in ``_wo`` is write-only by the providers' own convention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from hostwright.terraform.schema.javascript import OWN, Bindings, Class, Entry, Member
from hostwright.terraform.schema.model import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    Attribute,
    Block,
    Nested,
    Type,
)

if TYPE_CHECKING:
    from hostwright.terraform.schema.model import Nesting

#: What the generator calls the simple types.
_SIMPLE = {"string": STRING, "number": NUMBER, "boolean": BOOL, "any": DYNAMIC}
_MAPS = {"StringMap": STRING, "NumberMap": NUMBER, "BooleanMap": BOOL, "AnyMap": DYNAMIC}
_GETTERS = {
    "getStringAttribute": STRING,
    "getNumberAttribute": NUMBER,
    "getBooleanAttribute": BOOL,
    "getListAttribute": Type("list", STRING),
    "getNumberListAttribute": Type("list", NUMBER),
    "getStringMapAttribute": Type("map", STRING),
    "getNumberMapAttribute": Type("map", NUMBER),
    "getBooleanMapAttribute": Type("map", BOOL),
    "getAnyMapAttribute": Type("map", DYNAMIC),
}
_OBJECT = "OutputReference"
_COLLECTIONS: dict[str, Literal["list", "set"]] = {"list": "list", "set": "set"}


def resource(bindings: Bindings) -> Block:
    """The schema of a resource or data source."""
    own = bindings.classes[bindings.own_class]
    return _Reading(bindings).block(own, OWN, ())


def provider(bindings: Bindings) -> Block:
    """The schema of the provider's own block, whose nested structures have no classes."""
    block = _structure(bindings, OWN)
    attributes = {name: each for name, each in block.attributes.items() if name != "alias"}
    return Block(attributes, block.blocks)


class _Held(NamedTuple):
    """What a nested value is made of: the class of the object, and what holds it."""

    name: str
    layout: str
    by: str


class _Reading:
    def __init__(self, bindings: Bindings) -> None:
        self.classes = bindings.classes
        self.layouts = bindings.layouts

    def block(self, within: Class, layout: str, above: tuple[str, ...]) -> Block:
        """The block of a class; *above* are the classes that it is nested in."""
        attributes: dict[str, Attribute] = {}
        blocks: dict[str, Nested] = {}
        for member in within.members:
            entry = self.layouts.get(layout, {}).get(member.name, Entry())
            held = self.held(member.nested)
            if held and _is_block(member, entry):
                blocks[member.name] = self.nested(member, entry, held, above)
            else:
                attributes[member.name] = _attribute(member, self.type(member, entry))
        return Block(attributes, blocks)

    def nested(self, member: Member, entry: Entry, held: _Held, above: tuple[str, ...]) -> Nested:
        repeats = held.name in above
        below = (*above, held.name)
        body = Block() if repeats else self.block(self.classes[held.name], held.layout, below)
        if entry.type not in _COLLECTIONS:
            return Nested("single", body)
        # Terraform allows no dynamic type inside a set of blocks.
        as_set = entry.type == "set" and not body.holds("dynamic")
        nesting: Nesting = "set" if as_set else "list"
        body = _without_write_only(body) if as_set else body
        return Nested(nesting, body, int(member.required), int(held.by == "one"))

    def held(self, name: str) -> _Held | None:
        """What a nested value's class stands for; None for maps of simple values."""
        found = self.classes.get(name)
        if found is None:
            return None
        if found.base == "ComplexObject":
            return _Held(name, name.removesuffix(_OBJECT), "one")
        by = "map" if found.base == "ComplexMap" else "many"
        if found.item:
            return _Held(found.item, found.item.removesuffix(_OBJECT), by)
        return self.held(name.removesuffix("List")) if name.endswith("List") else None

    def type(self, member: Member, entry: Entry) -> Type:
        """The type of an attribute."""
        if not member.nested:
            return _simple(member, entry)
        if of := _of_maps(member):
            return of
        held = self.held(member.nested)
        if held is None:
            return DYNAMIC
        fields = Type("object", fields=self.fields(held))
        if held.by == "map":
            return Type("map", fields)
        if held.by == "one":
            return Type(_COLLECTIONS[entry.type], fields) if entry.type in _COLLECTIONS else fields
        return Type("set" if member.of_set else "list", fields)

    def fields(self, held: _Held) -> dict[str, Type]:
        layout = self.layouts.get(held.layout, {})
        return {
            member.name: self.type(member, layout.get(member.name, Entry()))
            for member in self.classes[held.name].members
        }


def _is_block(member: Member, entry: Entry) -> bool:
    """Only attributes are computed: what looks like a computed block is a list of objects."""
    return entry.block and not member.computed and entry.type != "map"


def _attribute(member: Member, of: Type) -> Attribute:
    writable = member.name.endswith("_wo") and not member.computed
    return Attribute(of, member.computed, member.optional, member.required, writable)


def _of_maps(member: Member) -> Type | None:
    """The type of a nested value that is one of the library's own maps, or a list of them."""
    simple = member.nested.removesuffix("List")
    if simple == "Map":
        return Type("list", Type("map", STRING))
    if simple not in _MAPS:
        return None
    of = Type("map", _MAPS[simple])
    return Type("set" if member.of_set else "list", of) if simple != member.nested else of


def _simple(member: Member, entry: Entry) -> Type:
    """The type of what is not nested: as it is written, else as it is read."""
    for name, of in _SIMPLE.items():
        if entry.storage == name:
            return of
        if entry.storage == f"{name}List":
            return Type("set" if entry.type == "set" else "list", of)
        if entry.storage == f"{name}Map":
            return Type("map", of)
    of = _GETTERS.get(member.getter, DYNAMIC)
    return Type("set", of.element) if of.kind == "list" and member.from_set else of


def _without_write_only(block: Block) -> Block:
    """The block as a set may hold it: values in a set are compared, so none is write-only."""
    attributes = {
        name: Attribute(it.type, it.computed, it.optional, it.required)
        for name, it in block.attributes.items()
    }
    blocks = {
        name: Nested(it.nesting, _without_write_only(it.block), it.min_items, it.max_items)
        for name, it in block.blocks.items()
    }
    return Block(attributes, blocks)


def _structure(bindings: Bindings, name: str) -> Block:
    """The block of a structure by its layout alone; everything in it is optional."""
    attributes: dict[str, Attribute] = {}
    blocks: dict[str, Nested] = {}
    for key, entry in bindings.layouts.get(name, {}).items():
        if entry.block:
            body = _structure(bindings, entry.storage.removesuffix("List"))
            single = entry.type in _COLLECTIONS and not entry.storage.endswith("List")
            blocks[key] = Nested(
                _COLLECTIONS.get(entry.type, "single"), body, max_items=int(single)
            )
        else:
            of = _simple(Member(key, computed=False, optional=True, required=False), entry)
            attributes[key] = Attribute(of, optional=True)
    return Block(attributes, blocks)
