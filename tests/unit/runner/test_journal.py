from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hostwright.runner import journal
from hostwright.runner.identity import myself
from hostwright.runner.phases import MIGRATED

if TYPE_CHECKING:
    from pathlib import Path

NEW = "20260102t000000z-bbbbbbb"
OLD = "20260101t000000z-aaaaaaa"


def begun(path: Path) -> journal.Journal:
    return journal.begin(path, op="deploy", release=NEW, previous=OLD, actor="me", warm=False)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"

    written = journal.record(path, begun(path), phase=MIGRATED, migration={"after": 2})

    assert journal.read(path) == written
    assert written.owner == myself()


def test_a_journal_that_has_ended_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    begun(path)

    journal.end(path)

    assert journal.read(path) is None


def test_every_truncation_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    begun(path)
    whole = path.read_bytes().rstrip()

    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(journal.UnreadableError):
            journal.read(path)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "destroy"},
        {"phase": "ALMOST"},
        {"release": "../../etc"},
        {"previous": "current"},
        {"owner": None},
        {"owner": {"pid": "x", "start": 1, "boot_id": "b"}},
        {"started": "yesterday"},
    ],
)
def test_an_edited_journal_is_not_believed(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "journal.json"
    begun(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(journal.UnreadableError):
        journal.read(path)


def test_an_unreadable_journal_is_kept_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text("{")

    kept = journal.set_aside(path)

    assert kept.read_text() == "{"
    assert not path.exists()
