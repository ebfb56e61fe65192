from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.terraform.lab import LAB, attribute, nested

from hostwright.terraform.schema import Schema
from hostwright.terraform.schema.difference import difference

RESOURCES = "resource_schemas"


def changed(*path: str, to: object) -> Schema:
    """The lab's schema with one thing replaced, or taken away."""
    document = json.loads(json.dumps(LAB.to_json()))
    *way, last = path
    within: Any = document["provider_schemas"]["hashicorp/lab"]
    for step in way:
        within = within[step]
    if to is None:
        del within[last]
    else:
        within[last] = to
    return Schema.from_json(document)


FILE = (RESOURCES, "lab_file")
OPEN = (*FILE, "block", "block_types", "open")


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (LAB, []),
        (changed(*FILE, to=None), ["- lab_file"]),
        (changed(RESOURCES, "lab_new", to={"block": {}}), ["+ lab_new"]),
        (changed("data_source_schemas", "lab_zones", to=None), ["- data.lab_zones"]),
        (
            changed(*FILE, "block", "attributes", "content", to=attribute("string", "required")),
            ["~ lab_file.content: string, optional -> string, required"],
        ),
        (
            changed(*FILE, "block", "attributes", "content", to=attribute(["list", "string"])),
            ['~ lab_file.content: string, optional -> ["list", "string"]'],
        ),
        (
            changed(*FILE, "block", "attributes", "a_wo", to=attribute("string", "write_only")),
            ["+ lab_file.a_wo: string, write_only"],
        ),
        (changed(*OPEN, "block", "attributes", "port", to=None), ["- lab_file.open.port"]),
        (
            changed(*OPEN, to=nested("set", {}, max_items=1)),
            [
                "~ lab_file.open: list block -> set block, at most 1",
                "- lab_file.open.anything",
                "- lab_file.open.port",
            ],
        ),
        (
            changed("provider", "block", "attributes", "zone", to=attribute("string", "optional")),
            ["+ provider.zone: string, optional"],
        ),
    ],
)
def test_each_change_is_one_line(after: Schema, lines: list[str]) -> None:
    assert difference(LAB, after) == lines


def test_a_new_version_is_said_first() -> None:
    document = LAB.to_json()
    document["source"] = {**document["source"], "provider_version": "1.3.0"}
    assert difference(LAB, Schema.from_json(document)) == ["~ hashicorp/lab 1.2.3 -> 1.3.0"]
