"""The schema of values, read without a package for it: as the package reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from tests.unit.cluster.lab import VALUES

from hostwright import paths
from hostwright.cluster.schema import KNOWN, TELLING, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

SCHEMA: Json = json.loads(paths.VALUES_SCHEMA.read_text())
#: One of each kind, and what borders on what numbers and texts may be.
ODD = [
    *(True, False, 0, 1, -1, 59, 60, 65_535, 65_536, 2**31, 1.0, 0.5, "", " ", "a", "true", "80"),
    *([], ["10.0.0.0/8"], ["a"], ["a", "a"], [1], [1, True], [{}], [{"name": ""}], [{"name": "a"}]),
    *([{"type": "cpu"}], [{"type": "", "metadata": {"a": 1}}], [{"ipBlock": {"cidr": "x"}}]),
    *([{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}],),
    *({}, {"a": 1}, {"a": {}}, {"DATABASE_URL": 1}, {"LOG_LEVEL": "loud"}, {"PORT": True}),
]


def schemas(schema: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Every schema in this one, by the keys that lead there."""
    yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from schemas(inner, (*path, key))
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from schemas(schema[word], (*path, word))
    for index, inner in enumerate(schema.get("anyOf", ())):
        yield from schemas(inner, (*path, str(index)))


EVERY = dict(schemas(SCHEMA))


def test_every_word_of_the_schema_is_understood() -> None:
    assert {word for schema in EVERY.values() for word in schema} <= KNOWN | TELLING


@pytest.mark.parametrize("path", EVERY, ids=".".join)
def test_it_refuses_what_the_package_refuses_and_where(path: tuple[str, ...]) -> None:
    schema = EVERY[path]
    package = Draft7Validator(schema)
    for value in ODD:
        refused = {
            (tuple(each.absolute_path), each.validator) for each in package.iter_errors(value)
        }
        assert {(each.path, each.keyword) for each in faults(value, schema)} == refused, value


def test_values_that_hold_have_no_fault() -> None:
    assert not list(faults(VALUES, SCHEMA))
    assert not list(Draft7Validator(SCHEMA).iter_errors(VALUES))
