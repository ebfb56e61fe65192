"""From the generator's JavaScript to the schema's JSON: each case is what one attribute becomes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.terraform.schema.bindings import (
    accessor,
    collection,
    entry,
    held,
    read,
    resource,
    structure,
    writer,
)

from hostwright.terraform.schema import blocks, javascript


def schema(*parts: str, members: list[str], entries: list[str] | None = None) -> dict[str, Any]:
    text = "".join((*parts, resource("lab_thing", members, entries or [])))
    return blocks.resource(javascript.read(text)).to_json()


@pytest.mark.parametrize(
    ("getter", "of"),
    [
        ("getStringAttribute", "string"),
        ("getNumberAttribute", "number"),
        ("getBooleanAttribute", "bool"),
        ("getListAttribute", ["list", "string"]),
        ("getNumberListAttribute", ["list", "number"]),
        ("getStringMapAttribute", ["map", "string"]),
        ("getAnyMapAttribute", ["map", "dynamic"]),
        ("interpolationForAttribute", "dynamic"),
    ],
)
def test_a_computed_attribute_has_the_type_that_its_getter_gives(getter: str, of: object) -> None:
    found = schema(members=[read("it", getter, computed=True, optional=False)])
    assert found == {"attributes": {"it": {"type": of, "computed": True}}}


def test_a_list_that_is_unwrapped_from_a_set_is_a_set() -> None:
    body = "get it() { return cdktn.Fn.tolist(this.getListAttribute('it')); }"
    member = accessor("it", body, computed=True, optional=False)
    assert schema(members=[member])["attributes"]["it"]["type"] == ["set", "string"]


@pytest.mark.parametrize(
    ("type_", "storage", "of"),
    [
        ("simple", "string", "string"),
        ("simple", "number", "number"),
        ("simple", "boolean", "bool"),
        ("list", "stringList", ["list", "string"]),
        ("set", "stringList", ["set", "string"]),
        ("set", "numberList", ["set", "number"]),
        ("map", "stringMap", ["map", "string"]),
    ],
)
def test_what_can_be_configured_has_the_type_that_it_is_written_with(
    type_: str, storage: str, of: object
) -> None:
    members = [read("it", "getListAttribute")]
    found = schema(members=members, entries=[entry("it", type_, storage)])
    assert found["attributes"]["it"] == {"type": of, "optional": True}


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ({"computed": True, "optional": True}, {"computed": True, "optional": True}),
        ({"computed": False, "optional": False}, {"required": True}),
    ],
)
def test_flags_are_those_of_the_comment(flags: dict[str, bool], shown: dict[str, bool]) -> None:
    found = schema(members=[read("it", "getStringAttribute", **flags)])
    assert found["attributes"]["it"] == {"type": "string", **shown}


@pytest.mark.parametrize(
    ("name", "computed", "write_only"),
    [("password_wo", False, True), ("has_password_wo", True, False), ("two", False, False)],
)
def test_a_name_says_whether_an_attribute_is_write_only(
    name: str, *, computed: bool, write_only: bool
) -> None:
    member = read(name, "getStringAttribute", computed=computed, optional=not computed)
    assert schema(members=[member])["attributes"][name].get("write_only", False) is write_only


INNER = structure("ThingRule", read("port", "getNumberAttribute"))
INNER_WRITER = writer("ThingRule", entry("port", "simple", "number"))
PORT = {"attributes": {"port": {"type": "number", "optional": True}}}


@pytest.mark.parametrize(
    ("type_", "of", "optional", "shape"),
    [
        ("list", "ThingRuleList", True, {"nesting_mode": "list"}),
        ("list", "ThingRuleOutputReference", True, {"nesting_mode": "list", "max_items": 1}),
        (
            "list",
            "ThingRuleOutputReference",
            False,
            {"nesting_mode": "list", "min_items": 1, "max_items": 1},
        ),
        ("set", "ThingRuleList", True, {"nesting_mode": "set"}),
        ("struct", "ThingRuleOutputReference", True, {"nesting_mode": "single"}),
    ],
)
def test_blocks_keep_their_nesting_and_the_limits_that_are_one(
    type_: str, of: str, *, optional: bool, shape: dict[str, Any]
) -> None:
    found = schema(
        INNER_WRITER,
        INNER,
        collection("ThingRule"),
        members=[held("rule", of, optional=optional)],
        entries=[entry("rule", type_, "ThingRuleList", block=True)],
    )
    assert found == {"block_types": {"rule": {**shape, "block": PORT}}}


@pytest.mark.parametrize(
    ("of", "of_set", "type_"),
    [
        ("ThingRuleList", False, ["list", ["object", {"port": "number"}]]),
        ("ThingRuleList", True, ["set", ["object", {"port": "number"}]]),
        ("ThingRuleMap", None, ["map", ["object", {"port": "number"}]]),
        ("ThingRuleOutputReference", None, ["object", {"port": "number"}]),
        ("cdktn.StringMap", None, ["map", "string"]),
        ("cdktn.StringMapList", False, ["list", ["map", "string"]]),
        ("Elsewhere", None, "dynamic"),
    ],
)
def test_computed_nested_values_are_attributes_with_objects(
    of: str, *, of_set: bool | None, type_: object
) -> None:
    found = schema(
        INNER_WRITER,
        INNER,
        collection("ThingRule"),
        collection("ThingRule", "ComplexMap"),
        members=[held("rule", of, of_set=of_set, computed=True, optional=False)],
    )
    assert found == {"attributes": {"rule": {"type": type_, "computed": True}}}


def test_a_recursive_block_ends_at_its_first_repetition() -> None:
    again = structure("ThingRule", held("rule", "ThingRuleList"))
    entries = [entry("rule", "list", "ThingRuleList", block=True)]
    found = schema(
        writer("ThingRule", *entries),
        again,
        collection("ThingRule"),
        members=[held("rule", "ThingRuleList")],
        entries=entries,
    )
    inner = found["block_types"]["rule"]["block"]
    assert inner == {"block_types": {"rule": {"nesting_mode": "list", "block": {}}}}


def test_a_set_of_blocks_becomes_a_list_where_terraform_allows_no_set() -> None:
    anything = structure("ThingRule", read("any", "interpolationForAttribute"))
    found = schema(
        anything,
        collection("ThingRule"),
        members=[held("rule", "ThingRuleList")],
        entries=[entry("rule", "set", "ThingRuleList", block=True)],
    )
    assert found["block_types"]["rule"]["nesting_mode"] == "list"


def test_nothing_in_a_set_of_blocks_is_write_only() -> None:
    secret = structure("ThingRule", read("text_wo", "getStringAttribute"))
    found = schema(
        secret,
        collection("ThingRule"),
        members=[held("rule", "ThingRuleList")],
        entries=[entry("rule", "set", "ThingRuleList", block=True)],
    )
    inner = found["block_types"]["rule"]["block"]
    assert inner == {"attributes": {"text_wo": {"type": "string", "optional": True}}}


def test_the_providers_own_block_is_read_from_how_it_is_written() -> None:
    text = writer("LabProviderRetry", entry("times", "simple", "number")) + resource(
        "lab",
        [],
        [
            entry("alias", "simple", "string"),
            entry("region", "simple", "string"),
            entry("retry", "list", "LabProviderRetryList", block=True),
            entry("features", "list", "LabProviderRetry", block=True),
        ],
        base="TerraformProvider",
    )
    found = blocks.provider(javascript.read(text)).to_json()
    times = {"attributes": {"times": {"type": "number", "optional": True}}}
    assert found == {
        "attributes": {"region": {"type": "string", "optional": True}},
        "block_types": {
            "features": {"nesting_mode": "list", "max_items": 1, "block": times},
            "retry": {"nesting_mode": "list", "block": times},
        },
    }
