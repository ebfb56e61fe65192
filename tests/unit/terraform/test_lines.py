from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.terraform.lines import NOWHERE, Place, read, scan

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# resource "no" "comment" {
locals {
  name = "x"
  tags = {
    inner = 1
  }
}

resource "lab_file" "main" {
  content = <<-EOT
    not_an_argument = 1
  EOT
  open {
    port = 1
  }
  open {}
}
data "lab_zones" "there" {}
variable "region" {
  type    = string
  default = "here"
}
output "url" { value = 1 }
provider "lab" {
}
module "inner" {
  source = "./inner"
}
terraform {
  required_version = ">= 1.11"
}
"""


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("local.name", 3),
        ("local.tags", 4),
        ("lab_file.main", 9),
        ('lab_file.main["key"]', 9),
        ("lab_file.main[0].content", 10),
        ('lab_file.main["${lab_x.y["z"].list[0]}"].open[0].port', 13),
        ("lab_file.main.open.0.port", 13),
        ("lab_file.main.nothing", 9),
        ("data.lab_zones.there", 18),
        ("var.region", 19),
        ("var.region.default", 21),
        ("output.url", 23),
        ("provider.lab", 24),
        ("module.inner", 26),
        ("terraform.required_version", 30),
    ],
)
def test_an_address_leads_to_its_line(tmp_path: Path, address: str, line: int) -> None:
    (tmp_path / "main.tf").write_text(TEXT)
    assert read(tmp_path).place(address) == Place("main.tf", line)


@pytest.mark.parametrize("address", ["lab_file.other", "local.inner", "var.main", "no.comment", ""])
def test_what_is_not_defined_is_nowhere(tmp_path: Path, address: str) -> None:
    (tmp_path / "main.tf").write_text(TEXT)
    assert read(tmp_path).place(address) == NOWHERE


def test_blocks_say_what_is_directly_in_them() -> None:
    blocks = {block.address: block for block in scan("main.tf", TEXT)}
    variable, resource = blocks["var.region"], blocks["lab_file.main"]
    assert (variable.argument("type"), variable.argument("nullable")) == ("string", "")
    assert (resource.count("open"), resource.count("port")) == (2, 0)
    assert list(blocks)[-2:] == ["module.inner", "terraform"]


def test_blocks_are_found_by_kind_in_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_text('variable "one" {\n}\n')
    (tmp_path / "b.tf").write_text('variable "two" {\n}\n')
    (tmp_path / "c.txt").write_text('variable "three" {\n}\n')
    found = read(tmp_path).of_kind("variable")
    assert [(block.labels, block.place) for block in found] == [
        (("one",), Place("a.tf", 1)),
        (("two",), Place("b.tf", 1)),
    ]
