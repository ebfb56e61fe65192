"""Protocol Buffers on the wire, as far as the plugin protocol needs them. Pure.

A message is a sequence of fields; each is a key (number and kind) and a value, which is a varint
or a length and so many bytes. The protocol's messages have few fields and we read fewer, so this
is smaller than generated stubs, and ties nobody to the protobuf release those were made with.
"""

from __future__ import annotations

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: The bit that says that more of a number follows.
_MORE = 0x80
_FIXED = {_FIXED64: 8, _FIXED32: 4}

#: Field number to its values in the order in which they came.
Fields = dict[int, list[bytes | int]]


def field(at: int, value: bytes | str | int) -> bytes:
    """One field; empty, and so left out, where the value is the default of its type."""
    if not value:
        return b""
    return number(at, value) if isinstance(value, int) else element(at, value)


def number(at: int, value: int) -> bytes:
    """One field of a number that is there even if it is 0: a choice among several fields."""
    return _varint(at << 3 | _VARINT) + _varint(value)


def element(at: int, value: bytes | str) -> bytes:
    """One field of bytes or text that is there even if it is empty: one of a repeated field."""
    content = value.encode() if isinstance(value, str) else value
    return _varint(at << 3 | _BYTES) + _varint(len(content)) + content


def fields(message: bytes) -> Fields:
    """The fields of a message; texts and messages in it are bytes.

    Raises:
        ValueError: It is cut short, or not a message.
    """
    found: Fields = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        value, at = _read_value(message, at, key & 7)
        found.setdefault(key >> 3, []).append(value)
    return found


def text(message: Fields, at: int) -> str:
    """A field of text; empty if it is not there."""
    return data(message, at).decode()


def data(message: Fields, at: int) -> bytes:
    """A field of bytes or a message in it; empty if it is not there."""
    value = message.get(at, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value >= _MORE:
        octets.append(value % _MORE | _MORE)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        octet = message[at]
        at += 1
        value |= octet % _MORE << shift
        if octet < _MORE:
            return value, at
        shift += 7
    raise ValueError("the message ends within a number")


def _read_value(message: bytes, at: int, kind: int) -> tuple[bytes | int, int]:
    if kind == _VARINT:
        return _read_varint(message, at)
    if kind == _BYTES:
        size, at = _read_varint(message, at)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise ValueError(f"there is no field of kind {kind}")
    if at + size > len(message):
        raise ValueError("the message ends within a field")
    return message[at : at + size], at + size
