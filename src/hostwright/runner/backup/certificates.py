"""Until when Caddy's certificates are valid, read from their bytes: Python itself has no way."""

from __future__ import annotations

import base64
import calendar
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE")
_LONG = 0x80
_CONSTRUCTED_0 = 0xA0
_UTC_TIME, _SEQUENCE = 0x17, 0x30


def newest(data: Path) -> dict[str, float | None]:
    """When the last certificate of each name ends that Caddy keeps; None where none can be read.

    There is one of each issuer that a name ever had, and those of former ones are not renewed.
    """
    found: dict[str, float | None] = {}
    for path in sorted((data / "caddy" / "certificates").glob("*/*/*.crt")):
        until = not_after(path.read_text(encoding="ascii", errors="replace"))
        found[path.stem] = max(until or 0, found.get(path.stem) or 0) or None
    return found


def not_after(text: str) -> float | None:
    """When the first certificate of a PEM file ends, in epoch seconds; None if unknown."""
    match = _PEM.search(text)
    try:
        return _ends(base64.b64decode(match[1])) if match else None
    except (ValueError, IndexError):
        return None


def _ends(der: bytes) -> float:
    """Certificate, then what is signed: version, serial, algorithm, issuer, validity."""
    _, certificate, _ = _read(der)
    _, signed, _ = _read(certificate)
    kind, _, rest = _read(signed)
    if kind == _CONSTRUCTED_0:  # the version may be absent
        _, _, rest = _read(rest)
    for _ in range(2):  # algorithm, issuer
        _, _, rest = _read(rest)
    kind, validity, _ = _read(rest)
    if kind != _SEQUENCE:
        raise ValueError
    _, _, rest = _read(validity)
    kind, value, _ = _read(rest)
    digits = value.decode("ascii")
    if kind == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return float(calendar.timegm(time.strptime(digits, "%Y%m%d%H%M%SZ")))


def _read(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element: its tag and content, and what follows it."""
    tag, length, at = data[0], data[1], 2
    if length & _LONG:
        count = length & ~_LONG
        length, at = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if at + length > len(data):
        raise ValueError
    return tag, data[at : at + length], data[at + length :]
