"""What the site is made from; the repository's own pages among it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.contract import load
from hostwright.errors import ToolError, UserError
from hostwright.site import build, mermaid
from hostwright.site.config import config
from hostwright.site.matrix import page
from hostwright.site.nav import Entry
from hostwright.site.stage import ALONE, MATRIX, place, stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("README.md", "index.md"),
        ("docs/ops/x.md", "ops/x.md"),
        ("docs/README.md", "contents.md"),
        ("docs/proof/README.md", "proof/index.md"),
        ("docs/ops/picture.svg", "ops/picture.svg"),
        ("ops/infra/aws/README.md", "blueprints/infra-aws.md"),
        ("docs/zensical.toml", None),
        ("ops/contract/contract.yaml", None),
        ("src/README.md", None),
    ],
)
def test_a_file_has_its_place(file: str, found: str | None) -> None:
    assert place(file) == found


def test_every_page_of_the_repository_is_in_the_navigation() -> None:
    staged = build.gather(paths.ROOT)
    listed = {entry.path for entries in staged.sections.values() for entry in entries}
    assert listed == {path for path in staged.texts if path.endswith(".md")}
    written = {place(f"docs/{file.relative_to(paths.ROOT / 'docs')}") for file in _pages()}
    assert written <= listed
    assert staged.texts[ALONE] == page(load())
    assert "matrix" in staged.texts[MATRIX]


@pytest.mark.parametrize("file", ["docs/index.md", "docs/reference/matrix.md"])
def test_two_files_at_one_place_are_refused(file: str) -> None:
    texts = {"README.md": "# Home\n", file: "# Other\n"}
    with pytest.raises(UserError, match="its place on the site"):
        stage(texts, {}, load(), exists=lambda _: True)


def _pages() -> list[Path]:
    return [*(paths.ROOT / "docs").rglob("*.md")]


def test_zensical_is_told_what_the_file_says_and_the_navigation() -> None:
    settings = tomllib.loads((paths.ROOT / "docs" / "zensical.toml").read_text())
    told = tomllib.loads(config(settings, {"Start": [Entry('A "title"', "index.md")]}))["project"]
    assert told["nav"] == [{"Start": [{'A "title"': "index.md"}]}]
    assert {key: told[key] for key in settings["project"]} == settings["project"]


def test_nothing_of_the_site_comes_from_elsewhere() -> None:
    project = tomllib.loads((paths.ROOT / "docs" / "zensical.toml").read_text())["project"]
    assert project["theme"]["font"] is False
    for path in [*project["extra_css"], *project["extra_javascript"]]:
        assert (paths.ROOT / "src/hostwright/site" / path).is_file()


def test_another_mermaid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mermaid.js").write_text("other")
    with pytest.raises(ToolError, match="not the one that npm publishes"):
        mermaid.checked(tmp_path.glob("*.js"))


def test_mermaid_is_served_with_its_licence() -> None:
    assert b"Permission is hereby granted" in mermaid.served(b"script")
    assert mermaid.served(b"script").endswith(b"*/\nscript")


def test_a_directory_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="no site of ours"):
        build.build(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_warnings_are_told_without_colours_and_traceback() -> None:
    told = "\x1b[33mWarning:\x1b[0m gone\nTraceback (most recent call last):\n  x\nE: y\n"
    assert build.warnings(told) == "Warning: gone"
    assert build.warnings("E: y") == "E: y"
