from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from probe import revisions
from probe.revisions import Revision

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = [Revision("1", None, False), Revision("2", "1", True), Revision("3", "2", False)]  # noqa: FBT003


@pytest.mark.parametrize("extra", [0, 1, 2, 3])
def test_the_chain_is_the_one_that_alembic_walks(extra: int) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(revisions.SCRIPTS))
    settings.set_main_option("path_separator", "newline")
    locations = "\n".join(map(str, revisions.directories(extra)))
    settings.set_main_option("version_locations", locations)
    walked = [script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()]
    assert [revision.id for revision in revisions.chain(extra)] == walked[::-1]
    assert len(walked) == 2 + extra


def test_only_what_says_so_is_irreversible() -> None:
    assert [r.id for r in revisions.chain(3) if r.irreversible] == ["0004"]


@pytest.mark.parametrize(
    ("current", "pending", "irreversible", "ahead"),
    [
        (None, ["1", "2", "3"], ["2"], False),
        ("1", ["2", "3"], ["2"], False),
        ("2", ["3"], [], False),
        ("3", [], [], False),
        ("4", [], [], True),
    ],
)
def test_status_names_what_up_would_apply(
    current: str | None, pending: list[str], irreversible: list[str], *, ahead: bool
) -> None:
    expected: dict[str, Any] = {
        "current": current,
        "head": "3",
        "pending": pending,
        "irreversible": irreversible,
        "ahead": ahead,
    }
    assert revisions.status(CHAIN, current) == expected


@pytest.mark.parametrize("second", ['"0"', "None"])
def test_a_gap_or_a_fork_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    (tmp_path / "versions").mkdir()
    for number, previous in ((1, "None"), (2, second)):
        text = f'revision = "{number}"\ndown_revision = {previous}\n'
        (tmp_path / "versions" / f"m{number}.py").write_text(text)
    monkeypatch.setattr(revisions, "SCRIPTS", tmp_path)
    with pytest.raises(ValueError, match="not one chain"):
        revisions.chain(0)
