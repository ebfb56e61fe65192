"""Terraform's values as its plugin protocol carries them: MessagePack with one extension.

What Terraform does not know yet is an extension; here it is :data:`UNKNOWN`. Objects are
dictionaries with every attribute, collections are lists, numbers may come as texts where they
do not fit. A value of dynamic type is a pair: its type as JSON, and the value.
"""

from __future__ import annotations

from typing import Any, Final

#: A value as MessagePack reads it.
Value = Any
Object = dict[str, Value]


class Unknown:
    """What is not known before it is applied; there is one, :data:`UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
#: The extension's code, and a byte that means nothing.
_WIRE = (0, b"\0")


def decode(data: bytes) -> Value:
    """Read a value; what is unknown loses what little Terraform said of it (its refinements)."""
    import msgpack

    return msgpack.unpackb(data, ext_hook=_unknown, raw=False, strict_map_key=False)


def encode(value: Value) -> bytes:
    """Write a value."""
    import msgpack

    packed: bytes = msgpack.packb(value, default=_extension)
    return packed


def _unknown(_code: int, _data: bytes) -> Unknown:
    return UNKNOWN


def _extension(_value: Unknown) -> Value:
    import msgpack

    return msgpack.ExtType(*_WIRE)
