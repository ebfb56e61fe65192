from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform.schema.test_wheel import FILES, METADATA, made

from hostwright import paths
from hostwright.errors import ToolError, UserError
from hostwright.terraform.schema import refresh, vendor
from hostwright.terraform.schema.vendor import Used
from hostwright.terraform.schema.wheel import extract

if TYPE_CHECKING:
    from pathlib import Path

THING = Used(frozenset({"google_thing"}), frozenset())
NONE = Used(frozenset(), frozenset())


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that has one package of bindings, so that nothing is downloaded."""
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path))
    home = tmp_path / "bindings"
    home.mkdir()
    return made(home, FILES)


@pytest.fixture
def repository(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Blueprints that use one type of one provider, and its committed schema."""
    monkeypatch.setattr(paths, "INFRA", tmp_path)
    monkeypatch.setattr(paths, "INFRA_VENDOR", tmp_path / "vendor")
    monkeypatch.setattr(refresh, "PACKAGES", {"google": "cdktn-provider-google"})
    (tmp_path / "gcp").mkdir()
    (tmp_path / "gcp" / "main.tf").write_text('resource "google_thing" "a" {\n}\n')
    schema = extract(cached, "google").trimmed(*THING)
    vendor.write(schema, tmp_path / "vendor" / "google.json")
    return tmp_path


def test_a_package_in_the_cache_is_not_downloaded_again(cached: Path) -> None:
    assert refresh.wheel("google", "7.8.9") == cached


def test_only_the_types_that_are_used_are_kept(cached: Path) -> None:
    pinned = extract(cached, "google")
    found = refresh.current("google", THING, pinned)
    assert (set(found.resources), set(found.data_sources)) == ({"google_thing"}, set())


def test_a_package_that_changed_under_its_version_is_refused(cached: Path) -> None:
    pinned = extract(cached, "google")
    made(cached.parent, FILES, METADATA + "Summary: another\n")
    with pytest.raises(ToolError, match="not the one") as caught:
        refresh.current("google", NONE, pinned)
    assert caught.value.where == "cdktn-provider-google 7.8.9"


def test_a_type_that_the_provider_does_not_have_is_named(cached: Path) -> None:
    pinned = extract(cached, "google")
    wanted = Used(frozenset({"google_thing", "google_thnig"}), frozenset({"google_region"}))
    with pytest.raises(ToolError, match=r"1\.2\.3 has no google_region, google_thnig"):
        refresh.current("google", wanted, pinned)


def test_nothing_is_said_and_nothing_changes_where_all_is_current(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (repository / "vendor" / "google.json").read_text()
    assert refresh.main(["--check"]) == 0
    assert refresh.main([]) == 0
    assert (capsys.readouterr().out, (repository / "vendor" / "google.json").read_text()) == (
        "",
        before,
    )


def test_a_new_type_is_told_and_only_written_when_not_checking(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "gcp" / "more.tf").write_text('data "google_thing" "b" {\n}\n')
    assert refresh.main(["--check"]) == 1
    assert refresh.main([]) == 0
    assert capsys.readouterr().out == "+ data.google_thing\n" * 2
    assert refresh.main(["--check"]) == 0


@pytest.mark.parametrize("words", [["--all"], ["--check", "--upgrade"]])
def test_unknown_words_are_refused(words: list[str]) -> None:
    with pytest.raises(UserError):
        refresh.main(words)
