from __future__ import annotations

import json

import pytest
from tests.unit.terraform.lab import LAB

from hostwright.terraform.schema import Attribute, Nested, Schema, Type
from hostwright.terraform.schema.model import STRING


def test_a_schema_is_read_as_it_was_written() -> None:
    assert Schema.from_json(json.loads(json.dumps(LAB.to_json()))) == LAB


@pytest.mark.parametrize(
    "expression",
    [
        "string",
        ["list", "number"],
        ["map", ["set", "bool"]],
        ["object", {"a": "dynamic", "b": ["list", ["object", {"c": "string"}]]}],
    ],
)
def test_type_expressions_are_read_as_they_were_written(expression: object) -> None:
    assert Type.from_json(expression).to_json() == expression


def test_what_is_written_leaves_out_what_is_not_so() -> None:
    assert Attribute(STRING, optional=True).to_json() == {"type": "string", "optional": True}
    assert "min_items" not in Nested("list", LAB.provider, max_items=1).to_json()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("name", Attribute),
        ("listener", Nested),
        ("listener.port", Attribute),
        ("listener.nothing", type(None)),
        ("nothing.port", type(None)),
        ("name.port", type(None)),
    ],
)
def test_a_path_leads_to_an_attribute_a_block_or_nothing(path: str, kind: type) -> None:
    assert isinstance(LAB.resources["lab_database"].at(path), kind)


def test_walking_gives_everything_by_its_path_blocks_before_what_they_hold() -> None:
    paths = [path for path, _ in LAB.resources["lab_network"].walk()]
    assert paths[-5:] == [
        "rule.port",
        "owner",
        "owner.mail",
        "owner.secret",
        "owner.secret.text_wo",
    ]


def test_only_computed_attributes_are_decided_by_the_provider() -> None:
    attributes = LAB.resources["lab_database"].attributes
    decided = {name for name, each in attributes.items() if each.decided_by_provider}
    assert decided == {"address", "port", "public", "addresses", "certificates"}


def test_a_trimmed_schema_keeps_the_types_that_are_named_and_the_provider() -> None:
    trimmed = LAB.trimmed({"lab_file", "lab_nothing"}, set())
    assert (set(trimmed.resources), trimmed.data_sources) == ({"lab_file"}, {})
    assert (trimmed.provider, trimmed.source) == (LAB.provider, LAB.source)


@pytest.mark.parametrize(("type_", "holds"), [("lab_file", True), ("lab_network", False)])
def test_dynamic_types_are_found_at_any_depth(type_: str, *, holds: bool) -> None:
    assert LAB.resources[type_].holds("dynamic") is holds
