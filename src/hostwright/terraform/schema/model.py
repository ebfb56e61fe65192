"""What a provider's schema says, in the shape of ``terraform providers schema -json``.

One document holds one provider and says where it came from::

    {"format_version": "1.0",
     "source": {"license": …, "package": …, "package_version": …, "sha256": …,
                "provider_version": …},
     "provider_schemas": {"hashicorp/google": {
         "provider": {"version": 0, "block": BLOCK},
         "resource_schemas": {"google_sql_user": {"version": 0, "block": BLOCK}, …},
         "data_source_schemas": {…}}}}

    BLOCK = {"attributes": {name: {"type": TYPE, "computed": true, …}, …},
             "block_types": {name: {"nesting_mode": …, "block": BLOCK, "max_items": 1}, …}}
    TYPE  = "string" | "number" | "bool" | "dynamic"
          | ["list" | "set" | "map", TYPE] | ["object", {name: TYPE}]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Kind = Literal["string", "number", "bool", "dynamic", "list", "set", "map", "object"]
Nesting = Literal["single", "list", "set", "map", "group"]
#: The three flags of an attribute, and whether Terraform may keep its value.
FLAGS = ("computed", "optional", "required", "write_only")


@dataclass(frozen=True)
class Type:
    """The type of an attribute; *element* is there for collections, *fields* for objects."""

    kind: Kind
    element: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict)

    @property
    def inner(self) -> Type:
        """What a collection holds; anything, where the schema does not say."""
        return self.element or DYNAMIC

    @classmethod
    def from_json(cls, value: Any) -> Type:  # noqa: ANN401 - a type expression is nested JSON
        """Read a type expression."""
        if isinstance(value, str):
            return cls(cast("Kind", value))
        kind, of = value
        if kind == "object":
            return cls(kind, fields={name: cls.from_json(each) for name, each in of.items()})
        return cls(kind, cls.from_json(of))

    def to_json(self) -> str | list[Any]:
        """Write the type expression."""
        if self.kind == "object":
            return [self.kind, {name: each.to_json() for name, each in self.fields.items()}]
        return [self.kind, self.element.to_json()] if self.element else self.kind

    def holds(self, kind: Kind) -> bool:
        """Whether *kind* occurs in it, at any depth."""
        below = [*self.fields.values(), *([self.element] if self.element else [])]
        return self.kind == kind or any(each.holds(kind) for each in below)


STRING, NUMBER, BOOL = Type("string"), Type("number"), Type("bool")
DYNAMIC = Type("dynamic")


@dataclass(frozen=True)
class Attribute:
    """One attribute: its type and who may set it."""

    type: Type
    computed: bool = False
    optional: bool = False
    required: bool = False
    write_only: bool = False

    @property
    def decided_by_provider(self) -> bool:
        """Whether configuration must not set it."""
        return self.computed and not self.optional and not self.required

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Attribute:
        """Read one attribute of a block."""
        return cls(Type.from_json(value["type"]), *(bool(value.get(flag)) for flag in FLAGS))

    def to_json(self) -> dict[str, Any]:
        """Write it; flags that are false are left out."""
        flags = {flag: True for flag in FLAGS if getattr(self, flag)}
        return {"type": self.type.to_json(), **flags}


@dataclass(frozen=True)
class Nested:
    """A kind of block inside a block; *max_items* 0 means any number."""

    nesting: Nesting
    block: Block
    min_items: int = 0
    max_items: int = 0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Nested:
        """Read one block type of a block."""
        block = Block.from_json(value["block"])
        limits = value.get("min_items", 0), value.get("max_items", 0)
        return cls(value["nesting_mode"], block, *limits)

    def to_json(self) -> dict[str, Any]:
        """Write it; limits that do not limit are left out."""
        limits = {"min_items": self.min_items, "max_items": self.max_items}
        shown = {name: limit for name, limit in limits.items() if limit}
        return {"nesting_mode": self.nesting, **shown, "block": self.block.to_json()}


@dataclass(frozen=True)
class Block:
    """The body of a provider, resource, data source or nested block."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: Mapping[str, Nested] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Block:
        """Read a block."""
        attributes, blocks = value.get("attributes", {}), value.get("block_types", {})
        return cls(
            {name: Attribute.from_json(each) for name, each in attributes.items()},
            {name: Nested.from_json(each) for name, each in blocks.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Write it, names sorted; what is empty is left out."""
        sections: dict[str, Mapping[str, Attribute] | Mapping[str, Nested]] = {
            "attributes": self.attributes,
            "block_types": self.blocks,
        }
        return {
            title: {name: section[name].to_json() for name in sorted(section)}
            for title, section in sections.items()
            if section
        }

    def walk(self, path: str = "") -> Iterator[tuple[str, Attribute | Nested]]:
        """Everything below it by its dotted path, blocks before what they hold."""
        for name, attribute in self.attributes.items():
            yield path + name, attribute
        for name, nested in self.blocks.items():
            yield path + name, nested
            yield from nested.block.walk(f"{path}{name}.")

    def at(self, path: str) -> Attribute | Nested | None:
        """What ``template.containers.image`` names; None if there is no such thing."""
        head, _, rest = path.partition(".")
        if not rest:
            return self.attributes.get(head) or self.blocks.get(head)
        return self.blocks[head].block.at(rest) if head in self.blocks else None

    def holds(self, kind: Kind) -> bool:
        """Whether any attribute below it has *kind* in its type."""
        return any(isinstance(it, Attribute) and it.type.holds(kind) for _, it in self.walk())


@dataclass(frozen=True)
class Source:
    """Where a schema was read from; the package's version is not the provider's."""

    package: str
    package_version: str
    #: Of the package's wheel.
    sha256: str
    provider_version: str
    license: str


@dataclass(frozen=True)
class Schema:
    """What a provider takes and gives; *name* is ``google``, without its namespace."""

    name: str
    source: Source
    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block]

    @property
    def address(self) -> str:
        """What ``required_providers`` calls it."""
        return f"hashicorp/{self.name}"

    @property
    def version(self) -> str:
        """The provider's version."""
        return self.source.provider_version

    def trimmed(self, resources: Collection[str], data_sources: Collection[str]) -> Schema:
        """Only these types; those that the provider does not have are left out silently."""
        return Schema(
            self.name,
            self.source,
            self.provider,
            {name: block for name, block in self.resources.items() if name in resources},
            {name: block for name, block in self.data_sources.items() if name in data_sources},
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Schema:
        """Read a document of the shape above."""
        [(address, parts)] = document["provider_schemas"].items()
        bodies = [
            {name: Block.from_json(each["block"]) for name, each in parts.get(section, {}).items()}
            for section in ("resource_schemas", "data_source_schemas")
        ]
        provider = Block.from_json(parts["provider"]["block"])
        name = address.rpartition("/")[2]
        return cls(name, Source(**document["source"]), provider, *bodies)

    def to_json(self) -> dict[str, Any]:
        """Write the document, types sorted."""
        sections = {
            "resource_schemas": self.resources,
            "data_source_schemas": self.data_sources,
        }
        parts: dict[str, Any] = {"provider": _versioned(self.provider)}
        for title, section in sections.items():
            parts[title] = {name: _versioned(section[name]) for name in sorted(section)}
        source = {name: getattr(self.source, name) for name in sorted(Source.__annotations__)}
        return {
            "format_version": "1.0",
            "source": source,
            "provider_schemas": {self.address: parts},
        }


def _versioned(block: Block) -> dict[str, Any]:
    return {"version": 0, "block": block.to_json()}
