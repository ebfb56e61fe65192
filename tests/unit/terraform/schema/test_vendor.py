from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform.lab import LAB

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.terraform.schema import vendor
from hostwright.terraform.schema.vendor import Used, dumped
from hostwright.terraform.schema.wheel import PACKAGES

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "lab.json"
    vendor.write(LAB, file)
    assert vendor.read(file) == LAB


def test_one_attribute_is_one_line_and_keys_are_sorted(tmp_path: Path) -> None:
    vendor.write(LAB, tmp_path / "lab.json")
    text = (tmp_path / "lab.json").read_text()
    assert re.search(
        r'^ +"size": \{"computed": true, "optional": true, "type": "number"\},?$',
        text,
        re.MULTILINE,
    )
    assert dumped({"b": 1, "a": {"type": {"type": "x", "of": [2]}, "c": {}}}) == (
        '{\n "a": {\n  "c": {},\n  "type": {"of": [2], "type": "x"}\n },\n "b": 1\n}'
    )


@pytest.mark.parametrize("content", [None, "", "{}", '{"provider_schemas": {}}', "[]"])
def test_what_is_no_schema_is_refused_by_its_path(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "aws.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ToolError) as caught:
        vendor.read(file)
    assert caught.value.where == str(file)
    assert "nox -s schemas" in caught.value.remedy


def test_types_are_used_where_a_block_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text(
        'resource "aws_vpc" "main" {\n}\ndata "aws_region" "here" {}\n'
        '# resource "aws_eip" "no" {}\nresource "google_sql_user" "app" {\n  aws_s3 = 1\n}\n'
    )
    assert vendor.used(tmp_path.glob("*.tf")) == {
        "aws": Used(frozenset({"aws_vpc"}), frozenset({"aws_region"})),
        "google": Used(frozenset({"google_sql_user"}), frozenset()),
    }


@pytest.mark.parametrize("provider", PACKAGES)
def test_the_committed_schemas_hold_exactly_what_the_blueprints_use(provider: str) -> None:
    """If not: `nox -s schemas`."""
    schema = vendor.load(provider)
    held = Used(frozenset(schema.resources), frozenset(schema.data_sources))
    assert held == vendor.used(vendor.blueprints()).get(provider)


@pytest.mark.parametrize("provider", PACKAGES)
def test_the_committed_files_are_as_they_would_be_written_and_hold_no_address(
    provider: str, tmp_path: Path
) -> None:
    file = paths.INFRA_VENDOR / f"{provider}.json"
    vendor.write(vendor.load(provider), tmp_path / "again.json")
    assert file.read_text() == (tmp_path / "again.json").read_text()
    assert "://" not in file.read_text()
    source = json.loads(file.read_text())["source"]
    assert (source["license"], source["package"]) == ("MPL-2.0", PACKAGES[provider])
    notice = (paths.INFRA_VENDOR / "NOTICE").read_text()
    assert file.name in notice
    assert source["package"] in notice
    assert "LICENSE.MPL-2.0" in notice
    assert (paths.INFRA_VENDOR / "LICENSE.MPL-2.0").is_file()
