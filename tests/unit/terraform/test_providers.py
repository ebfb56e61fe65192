from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform import plugin
from tests.unit.terraform.lab import LAB, write

from hostwright import toolchain
from hostwright.errors import SettingsError
from hostwright.terraform import providers
from hostwright.terraform.cli import workbench
from hostwright.terraform.providers import SETTING, Local, Required, Used

if TYPE_CHECKING:
    from pathlib import Path

TERRAFORM = toolchain.pinned("terraform")
WANTED = Required("lab", ">= 1.2, < 2")
BROKEN = 'resource "lab_database" "main" {\n  name = "x"\n  address = "y"\n}\n'


@pytest.mark.parametrize(
    ("versions", "inside", "outside"),
    [
        ("", ["1.0.0", "99"], []),
        (">= 5.100, < 7", ["5.100.0", "6.69.1"], ["5.99.9", "7.0.0"]),
        ("~> 8.0", ["8.0.0", "8.7.0"], ["7.9.9", "9.0.0"]),
        ("~> 8.1.2", ["8.1.2", "8.1.9"], ["8.1.1", "8.2.0"]),
        ("1.2.3", ["1.2.3"], ["1.2.4"]),
        ("= 1.2", ["1.2.0"], ["1.2.1"]),
        ("!= 1.2.3, > 1, <= 2", ["1.2.4", "2.0.0"], ["1.2.3", "1.0.0", "2.0.1"]),
    ],
)
def test_ranges_take_the_versions_that_terraform_would(
    versions: str, inside: list[str], outside: list[str]
) -> None:
    assert all(providers.fits(version, versions) for version in inside)
    assert not any(providers.fits(version, versions) for version in outside)


def test_what_is_required_is_read_with_its_ranges(tmp_path: Path) -> None:
    text = """
    terraform {
      required_version = ">= 1.11"
      required_providers {
        aws    = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
        google = {
          version = "~> 8.0"
          source  = "hashicorp/google"
        }
        azurerm = { source = "registry.terraform.io/hashicorp/azurerm" }
      }
    }
    """
    module = write(tmp_path, text)
    (module / "versions.tf").unlink()
    assert providers.required(module) == (
        Required("aws", ">= 5.100, < 7"),
        Required("google", "~> 8.0"),
        Required("azurerm", ""),
    )


def test_the_newest_real_provider_in_range_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path))
    for version in ("1.9.0", "1.10.0", "2.0.0"):
        plugin.install(tmp_path, version)
    assert providers.local([WANTED, Required("other", "")]) == {
        "lab": Local("lab", "1.10.0", tmp_path)
    }


def test_a_directory_without_a_program_is_no_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path))
    place = tmp_path / "mirror.test" / "hashicorp" / "lab"
    (place / "1.3.0" / providers.machine()).mkdir(parents=True)
    (place / "index.json").touch()
    assert providers.local([WANTED]) == {}


@pytest.mark.parametrize(
    ("setting", "places", "registry"),
    [(None, len(providers.PLACES), True), ("none", 0, False), (".", 1, False)],
)
def test_the_setting_says_where_to_look(
    setting: str | None, places: int, *, registry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    if setting:
        monkeypatch.setenv(SETTING, setting)
    assert len(providers.places()) == places
    assert providers.registry_wanted() is registry


def test_a_setting_that_leads_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "/nowhere")
    with pytest.raises(SettingsError) as caught:
        providers.local([WANTED])
    assert caught.value.where == SETTING


def test_a_real_provider_is_used_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a process that Terraform starts; plans still come with marks."""
    monkeypatch.setenv(SETTING, str(tmp_path / "plugins"))
    plugin.install(tmp_path / "plugins", "1.5.0")
    module = write(tmp_path / "module", BROKEN)
    with workbench(module, [LAB], real=True, tool=TERRAFORM) as bench:
        assert bench.used == (Used("real", "lab", "1.5.0", str(tmp_path / "plugins")),)
        [said] = bench.validate()
        (module / "main.tf").write_text('resource "lab_file" "a" {}\n')
        plan, _ = bench.plan()
    assert (said.summary, said.line) == ("Value for unconfigurable attribute", 3)
    assert plan
    assert plan.at("lab_file.a").decides("id")


def test_a_real_provider_out_of_range_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path / "plugins"))
    plugin.install(tmp_path / "plugins", "2.0.0")
    with workbench(write(tmp_path / "module", ""), [LAB], real=True, tool=TERRAFORM) as bench:
        assert [each.kind for each in bench.used] == ["schema"]
        assert bench.validate() == ()


def test_without_a_real_provider_and_a_registry_that_answers_the_schema_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    with workbench(write(tmp_path / "module", ""), [LAB], real=True, tool=TERRAFORM) as bench:
        assert bench.used == (Used("schema", "lab", "1.2.3", "lab-bindings 7.0.0"),)
        assert bench.validate() == ()


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        (
            Used("schema", "google", "8.7.0", "cdktn-provider-google 21.1.0"),
            "well-formed against google 8.7.0's schema; not applied anywhere",
        ),
        (
            Used("real", "aws", "5.100.0", "/opt/plugins"),
            "accepted by the real provider aws 5.100.0 (from /opt/plugins); not applied anywhere",
        ),
    ],
)
def test_which_provider_it_was_is_told_in_one_sentence(used: Used, sentence: str) -> None:
    assert str(used) == sentence


def test_the_versions_that_init_chose_are_read_from_its_lock_file(tmp_path: Path) -> None:
    lock = tmp_path / "lock.hcl"
    assert providers.locked(lock) == {}
    lock.write_text(
        'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "6.69.1"\n'
        '  constraints = ">= 5.100.0"\n}\n'
    )
    assert providers.locked(lock) == {"aws": "6.69.1"}
