from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform.schema.bindings import entry, held, read, resource, structure

from hostwright.errors import ToolError
from hostwright.terraform.schema import Source, vendor
from hostwright.terraform.schema.refresh import wheel
from hostwright.terraform.schema.wheel import PACKAGES, extract

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "Metadata-Version: 2.4\nName: cdktn-provider-google\nVersion: 7.8.9\nLicense: MPL-2.0\n"
FILES = {
    "provider/index.js": resource(
        "google", [], [entry("region", "simple", "string")], "TerraformProvider"
    ),
    "thing/index.js": resource("google_thing", [read("id", "getStringAttribute")], []),
    "data-google-thing/index.js": resource(
        "google_thing", [read("name", "getStringAttribute")], [], "TerraformDataSource"
    ),
    # What is split off is wanted before it is used, and the library's own files not at all.
    "long/index.js": resource(
        "google_long",
        [held("rule", "index_structs_1.LongRuleOutputReference")],
        [entry("rule", "list", "LongRule", block=True)],
    ),
    "long/index-structs/structs0.js": structure("LongRule", read("a", "getStringAttribute")),
    "long/index-structs/index.js": "exports.broken = (",
    "thing-function/index.js": "class ThingFunction {}",
    "index.js": "exports.thing = 1;",
}


def made(directory: Path, files: dict[str, str], metadata: str = METADATA) -> Path:
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/lib/{name}")
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    file = directory / "cdktn_provider_google-7.8.9-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cdktn_provider_google/_jsii/it@7.8.9.jsii.tgz", bundle.getvalue())
        archive.writestr("cdktn_provider_google-7.8.9.dist-info/METADATA", metadata)
    return file


def test_a_wheel_gives_every_type_and_says_where_it_came_from(tmp_path: Path) -> None:
    file = made(tmp_path, FILES)
    found = extract(file, "google")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found.source == Source("cdktn-provider-google", "7.8.9", digest, "1.2.3", "MPL-2.0")
    assert set(found.resources) == {"google_thing", "google_long"}
    assert set(found.resources["google_thing"].attributes) == {"id"}
    assert set(found.data_sources["google_thing"].attributes) == {"name"}
    assert found.resources["google_long"].at("rule.a")
    assert set(found.provider.attributes) == {"region"}


def test_only_the_types_that_are_wanted_are_read(tmp_path: Path) -> None:
    found = extract(made(tmp_path, FILES), "google", only={"google_long"})
    assert (set(found.resources), set(found.data_sources)) == ({"google_long"}, set())


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"not a wheel", "cannot be read"),
        (None, "cannot be read"),
        ({"index.js": ""}, "has no schema of google"),
    ],
)
def test_what_is_no_wheel_of_bindings_is_refused_by_its_name(
    tmp_path: Path, content: bytes | dict[str, str] | None, what: str
) -> None:
    file = tmp_path / "cdktn_provider_google-7.8.9-py3-none-any.whl"
    if isinstance(content, dict):
        made(tmp_path, content)
    elif content:
        file.write_bytes(content)
    with pytest.raises(ToolError) as caught:
        extract(file, "google")
    assert caught.value.where == file.name
    assert what in caught.value.what


def test_the_committed_schema_is_what_the_package_gives() -> None:
    """The smallest of the three stands for all; `nox -s schemas -- --check` compares every one."""
    committed = vendor.load("azurerm")
    file = wheel("azurerm", committed.source.package_version)
    types = [*committed.resources, *committed.data_sources]
    assert (
        extract(file, "azurerm", only=types).trimmed(committed.resources, committed.data_sources)
        == committed
    )


def test_every_package_is_named_for_its_provider() -> None:
    assert PACKAGES["aws"] == "cdktn-provider-aws"
