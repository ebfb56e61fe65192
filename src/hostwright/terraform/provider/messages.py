"""The messages of Terraform's plugin protocol, version 6, as far as a schema can answer. Pure.

Field numbers are the protocol's. What is read are requests, what is written are responses.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from hostwright.terraform.provider.values import UNKNOWN, Object, Value, decode, encode
from hostwright.terraform.provider.wire import data, element, field, fields, number, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.terraform.schema.model import Attribute, Block, Nested, Schema

_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
_ERROR = 1

#: Names, and positions in lists, from the resource to the attribute.
Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """An error that Terraform shows at the attribute's place in the file."""

    summary: str
    detail: str
    path: Path = ()


# --- the schema --------------------------------------------------------------------------------


def schema_response(schema: Schema) -> bytes:
    """GetProviderSchema.Response."""
    return b"".join(
        (
            field(1, _schema(schema.provider)),
            *(_entry(2, name, block) for name, block in schema.resources.items()),
            *(_entry(3, name, block) for name, block in schema.data_sources.items()),
            # So Terraform asks for the schema once in a process, whatever the number of walks.
            field(6, field(2, 1)),
        )
    )


def _entry(number: int, name: str, block: Block) -> bytes:
    return element(number, field(1, name) + element(2, _schema(block)))


def _schema(block: Block) -> bytes:
    return element(2, _block(block))


def _block(block: Block) -> bytes:
    attributes = (element(2, _attribute(name, each)) for name, each in block.attributes.items())
    blocks = (element(3, _nested(name, each)) for name, each in block.blocks.items())
    return b"".join((*attributes, *blocks))


def _attribute(name: str, attribute: Attribute) -> bytes:
    return b"".join(
        (
            field(1, name),
            field(2, json.dumps(attribute.type.to_json())),
            field(4, attribute.required),
            field(5, attribute.optional),
            field(6, attribute.computed),
            field(11, attribute.write_only),
        )
    )


def _nested(name: str, nested: Nested) -> bytes:
    return b"".join(
        (
            field(1, name),
            element(2, _block(nested.block)),
            field(3, _NESTING[nested.nesting]),
            field(4, nested.min_items),
            field(5, nested.max_items),
        )
    )


# --- requests ----------------------------------------------------------------------------------


class Typed(NamedTuple):
    """A request about one resource or data source: Validate…Config and ReadDataSource."""

    type: str
    config: Object


def typed(message: bytes) -> Typed:
    """Read ValidateResourceConfig, ValidateDataResourceConfig or ReadDataSource."""
    found = fields(message)
    return Typed(text(found, 1), _value(data(found, 2)) or {})


class Change(NamedTuple):
    """PlanResourceChange: null is None; *prior* is null on creation, *proposed* on deletion."""

    type: str
    prior: Object | None
    proposed: Object | None
    config: Object


def change(message: bytes) -> Change:
    """Read PlanResourceChange."""
    found = fields(message)
    prior, proposed, config = (_value(data(found, number)) for number in (2, 3, 4))
    return Change(text(found, 1), prior, proposed, config or {})


class Applied(NamedTuple):
    """ApplyResourceChange: *planned* is null on deletion."""

    type: str
    planned: Object | None
    config: Object


def applied(message: bytes) -> Applied:
    """Read ApplyResourceChange."""
    found = fields(message)
    return Applied(text(found, 1), _value(data(found, 3)), _value(data(found, 4)) or {})


def stored_state(message: bytes) -> bytes:
    """UpgradeResourceState: the JSON of the state as it was stored."""
    return data(fields(data(fields(message), 3)), 1)


def current_state(message: bytes) -> bytes:
    """ReadResource: the state, undecoded."""
    return data(fields(message), 2)


def _value(dynamic: bytes) -> Value:
    packed = data(fields(dynamic), 1)
    value = decode(packed) if packed else None
    return {} if value is UNKNOWN else value


# --- responses ---------------------------------------------------------------------------------


def faults_response(number: int, faults: Iterable[Fault]) -> bytes:
    """A response that holds nothing but what is wrong, in field *number*."""
    return b"".join(element(number, _diagnostic(fault)) for fault in faults)


def state_response(state: Value) -> bytes:
    """A response whose first field is a state: planned, new, read."""
    return element(1, element(1, encode(state)))


def raw_state_response(state: bytes) -> bytes:
    """The same with a state that is a DynamicValue already."""
    return element(1, state)


def json_state_response(state: bytes) -> bytes:
    """The same with a state in JSON."""
    return element(1, element(2, state))


def _diagnostic(fault: Fault) -> bytes:
    steps = b"".join(element(1, _step(step)) for step in fault.path)
    head = field(1, _ERROR) + field(2, fault.summary) + field(3, fault.detail)
    return head + field(4, steps)


def _step(step: str | int) -> bytes:
    return field(1, step) if isinstance(step, str) else number(3, step)
