from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright import validate
from hostwright.report import Part, Report
from hostwright.validate import unchanged

if TYPE_CHECKING:
    from pathlib import Path

TOLD = unchanged.Told("the text", '{"schema": 1}', '{"version": "2.1.0"}', "22:05")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "ops").mkdir(parents=True)
    (tmp_path / "root" / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "root" / "ops" / "main.tf").write_text("a")
    (tmp_path / "root" / "constraints.txt").write_text("x==1")
    return tmp_path / "root"


def test_what_was_told_is_recalled_under_its_key_alone() -> None:
    unchanged.remember("key", TOLD)
    assert unchanged.recall("key") == TOLD
    assert unchanged.recall("other") is None


@pytest.mark.parametrize("text", ["", "[]", '{"text": "x"}'])
def test_a_broken_file_is_as_good_as_none(own_cache: Path, text: str) -> None:
    unchanged.remember("key", TOLD)
    [file] = (own_cache / "validate").iterdir()
    file.write_text(text)
    assert unchanged.recall("key") is None


@pytest.mark.parametrize("file", ["ops/main.tf", "ops/new.tf", "docs/reference/inputs.md"])
def test_any_changed_file_is_another_key(root: Path, file: str) -> None:
    before = unchanged.key(root, ["gcp"], "pipe")
    assert unchanged.key(root, ["gcp"], "pipe") == before
    (root / file).write_text("changed")
    assert unchanged.key(root, ["gcp"], "pipe") != before


def test_targets_and_screens_have_keys_of_their_own(root: Path) -> None:
    keys = {
        unchanged.key(root, ["gcp"], "pipe"),
        unchanged.key(root, ["aws"], "pipe"),
        unchanged.key(root, ["aws", "gcp"], "pipe"),
        unchanged.key(root, ["gcp"], "80"),
        unchanged.key(root, ["kubernetes"], "pipe"),
    }
    assert len(keys - {""}) == 5


def test_the_providers_that_a_setting_names_count(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = unchanged.key(root, ["aws"], "pipe")
    monkeypatch.setenv("HOSTWRIGHT_TERRAFORM_PLUGIN_DIR", str(tmp_path))
    assert unchanged.key(root, ["aws"], "pipe") != before


@pytest.mark.parametrize("targets", [[], ["vps"], ["gcp", "vps"]])
def test_what_depends_on_more_files_is_never_remembered(root: Path, targets: list[str]) -> None:
    assert unchanged.key(root, targets, "pipe") == ""
    unchanged.remember("", TOLD)
    assert unchanged.recall("") is None


def test_a_validation_without_findings_is_told_again_and_one_with_findings_is_done_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is replaced by a count of it: what is asked is whether it is done at all."""
    done: list[str] = []

    def examine(*_: object) -> Report:
        done.append("once")
        return Report((Part("gcp", 3),), 0.1)

    monkeypatch.setattr(validate, "examine", examine)
    said: list[str] = []
    report = tmp_path / "report.json"
    for _ in range(2):
        assert validate.run(["gcp"], report, say=said.append, root=root) == 0
    assert done == ["once"]
    assert said[0] == said[2]
    assert said[1].startswith("Nothing has changed since ")
    assert '"exit_code": 0' in report.read_text()
