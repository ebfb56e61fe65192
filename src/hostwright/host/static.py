"""Files of ``ops/host``, with their few ``@NAME@`` places filled in."""

from __future__ import annotations

import re

from hostwright import paths

_PLACE = re.compile(r"@([A-Z][A-Z_]*)@")
_PLAIN = re.compile(r"[A-Za-z0-9 ,._:/-]*")


def text(name: str, **values: str) -> bytes:
    """The file *name*, every place filled.

    Raises:
        ValueError: A place without a value, a value without a place, or a value with characters
            that could mean something to whoever reads the file. All three are faults of ours.
    """
    template = (paths.HOST_FILES / name).read_text()
    places = set(_PLACE.findall(template))
    if places != set(values):
        raise ValueError(f"ops/host/{name} has {sorted(places)}, given {sorted(values)}")
    for value in values.values():
        if not _PLAIN.fullmatch(value):
            raise ValueError(f"not a plain value for ops/host/{name}: {value!r}")
    return _PLACE.sub(lambda match: values[match[1]], template).encode()
