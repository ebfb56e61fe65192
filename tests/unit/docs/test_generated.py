"""The command that writes every generated file, and says which are stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.docs import generated
from hostwright.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- generated: exit-codes -->", "<!-- /generated -->"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone's docs and READMEs; what is made of the contract alone stays where it is."""
    for name, place in {
        "ROOT": "",
        "OPS": "ops",
        "DOCS": "docs",
        "REFERENCE": "docs/reference",
    }.items():
        (tmp_path / place).mkdir(exist_ok=True)
        monkeypatch.setattr(paths, name, tmp_path / place)
    return tmp_path


def test_every_generated_file_of_this_clone_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    code = generated.main(["--check"])
    told = capsys.readouterr()
    assert (code, told.err) == (0, ""), told.out
    assert told.out == "Every generated file is current.\n"


def test_a_stale_page_is_named_with_what_mends_it(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generated.main([]) == 0
    capsys.readouterr()
    page = clone / "docs" / "reference" / "tasks.md"
    page.write_text(page.read_text() + "more\n")
    assert generated.main(["--check"]) == 1
    told = capsys.readouterr()
    assert told.out == "docs/reference/tasks.md is stale\n"
    assert told.err == "Run `invoke contract.export`, and commit the result.\n"
    assert generated.main([]) == 0
    assert capsys.readouterr().out == "docs/reference/tasks.md written\n"
    assert generated.main(["--check"]) == 0


@pytest.mark.parametrize("place", ["README.md", "docs/ops/a.md", "ops/infra/aws/README.md"])
def test_a_region_is_filled_wherever_it_stands(
    place: str, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = clone / place
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"# A\n\n{BEGIN}\n{END}\n")
    generated.main(["--check"])
    assert f"{place} is stale\n" in capsys.readouterr().out
    generated.main([])
    assert "| 11 | `Unreachable` |" in page.read_text()
    assert generated.main(["--check"]) == 0


@pytest.mark.parametrize("place", ["ops/a/.terraform/modules/x/README.md", "ops/notes.md"])
def test_what_is_not_ours_is_left_alone(place: str, clone: Path) -> None:
    page = clone / place
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{BEGIN}\n{END}\n")
    generated.main([])
    assert page.read_text() == f"{BEGIN}\n{END}\n"


def test_nothing_is_written_where_one_region_is_wrong(clone: Path) -> None:
    (clone / "README.md").write_text(f"# A\n\n{BEGIN}\n{END}\n")
    (clone / "docs" / "b.md").write_text(f"# B\n\n{BEGIN}\n")
    with pytest.raises(UserError) as told:
        generated.main([])
    assert told.value.where == "docs/b.md:3"
    assert (clone / "README.md").read_text() == f"# A\n\n{BEGIN}\n{END}\n"
    assert not list((clone / "docs" / "reference").iterdir())


def test_a_clone_without_a_noxfile_has_no_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hostwright.contract import load

    monkeypatch.setattr(paths, "NOXFILE", tmp_path / "noxfile.py")
    assert generated.reference(load()).sessions == ()


def test_a_word_that_is_not_known_writes_nothing(clone: Path) -> None:
    with pytest.raises(SystemExit) as end:
        generated.main(["--chek"])
    assert end.value.code == 2
    assert not list((clone / "docs" / "reference").iterdir())
