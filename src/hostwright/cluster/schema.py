"""What does not fit a JSON Schema, as far as the schema of the chart's values goes. Pure.

Whoever only operates has no package that reads JSON Schema: that belongs to what proves the chart.
The schema is generated here (:mod:`hostwright.contract.chart`), so its words are known.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Json = Mapping[str, Any]
    Path = tuple[str | int, ...]
    Judge = Callable[[Any, Any, Json, Path], Iterator["Fault"]]

#: Words that tell something and refuse nothing.
TELLING = frozenset({"$schema", "$comment", "title", "description", "default", "deprecated"})


class Fault(NamedTuple):
    """A value that does not fit.

    Attributes:
        path: Where it is.
        keyword: The word of the schema that refuses it.
        schema: The schema that has the word.
        value: What is there.
    """

    path: Path
    keyword: str
    schema: Json
    value: Any

    @property
    def wanted(self) -> Any:  # noqa: ANN401 - JSON Schema
        """What the word asks for."""
        return self.schema[self.keyword]


def faults(value: Any, schema: Json, path: Path = ()) -> Iterator[Fault]:  # noqa: ANN401 - YAML
    """Everything that does not fit, at any depth.

    Args:
        value: Of a YAML document.
        schema: What it has to fit; :data:`KNOWN` and :data:`TELLING` are its words.
        path: Where the value is.
    """
    for keyword, wanted in schema.items():
        if keyword in _WITHIN:
            yield from _WITHIN[keyword](value, wanted, schema, path)
        elif keyword in _FITS and not _FITS[keyword](value, wanted):
            yield Fault(path, keyword, schema, value)


# --- words that look further in ------------------------------------------------------------------


def _properties(value: Any, wanted: Any, _: Json, path: Path) -> Iterator[Fault]:  # noqa: ANN401
    for key, schema in wanted.items() if isinstance(value, dict) else ():
        if key in value:
            yield from faults(value[key], schema, (*path, key))


def _others(value: Any, wanted: Any, schema: Json, path: Path) -> Iterator[Fault]:  # noqa: ANN401
    """What ``properties`` does not name."""
    others = others_of(value, schema) if isinstance(value, dict) else []
    if wanted is False and others:
        yield Fault(path, "additionalProperties", schema, value)
    elif isinstance(wanted, dict):
        for key in others:
            yield from faults(value[key], wanted, (*path, key))


def others_of(value: Json, schema: Json) -> list[str]:
    """Keys that the schema's ``properties`` does not name."""
    return [key for key in value if key not in schema.get("properties", ())]


def _items(value: Any, wanted: Any, _: Json, path: Path) -> Iterator[Fault]:  # noqa: ANN401
    for index, item in enumerate(value) if isinstance(value, list) else ():
        yield from faults(item, wanted, (*path, index))


_WITHIN: dict[str, Judge] = {
    "properties": _properties,
    "additionalProperties": _others,
    "items": _items,
}

# --- words that judge the value itself -----------------------------------------------------------


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and int(value) == value,
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _has_type(value: object, wanted: Any) -> bool:  # noqa: ANN401 - a word or several
    return any(_IS[kind](value) for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _is_one_of(value: object, wanted: Any) -> bool:  # noqa: ANN401 - a list
    # True is no 1 in JSON.
    return any(isinstance(value, bool) == isinstance(one, bool) and value == one for one in wanted)


def _is_unique(value: object, wanted: object) -> bool:
    if not isinstance(value, list) or not wanted:
        return True
    return len({json.dumps(item, sort_keys=True, default=str) for item in value}) == len(value)


#: Each lets through what it does not speak of.
_FITS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _has_type,
    "enum": _is_one_of,
    "anyOf": lambda value, wanted: any(not list(faults(value, one)) for one in wanted),
    "required": lambda value, wanted: not isinstance(value, dict) or value.keys() >= set(wanted),
    "minimum": lambda value, wanted: not _is_number(value) or value >= wanted,
    "maximum": lambda value, wanted: not _is_number(value) or value <= wanted,
    "minLength": lambda value, wanted: not isinstance(value, str) or len(value) >= wanted,
    "minProperties": lambda value, wanted: not isinstance(value, dict) or len(value) >= wanted,
    "pattern": lambda value, wanted: not isinstance(value, str) or bool(re.search(wanted, value)),
    "uniqueItems": _is_unique,
}

#: Words that are understood.
KNOWN = frozenset(_WITHIN) | frozenset(_FITS)
