from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.rig.prove.test_rows import KILLED

from hostwright.rig.prove import store, tables
from hostwright.rig.prove.store import State

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_row_is_there_for_the_next_session() -> None:
    State.of("key").put(KILLED.case.id, KILLED)

    again = State.of("key")

    assert again.kept("kill", [KILLED.case.id, "kill/none"]) == [KILLED]
    assert State.of("other").done == {}


def test_sessions_side_by_side_keep_each_others_rows() -> None:
    one, other = State.of("key"), State.of("key")
    moved = replace(KILLED, case=KILLED.case._replace(fault="cut"))

    one.put(KILLED.case.id, KILLED)
    other.put(moved.case.id, moved)
    other.know("kept", {"Kernel": "6"})

    assert State.of("key").kept("kill", [KILLED.case.id, moved.case.id]) == [KILLED, moved]
    assert State.of("key").facts == {"kept": {"Kernel": "6"}}


def test_a_machine_without_the_state_goes_on_from_committed_tables(tmp_path: Path) -> None:
    about = {"Sources": "key", "Kernel": "6"}
    tables.write(tmp_path, "kill", [KILLED], 197, about)
    tables.write(tmp_path, "power", [], 18, about)

    state = State.of("key")
    state.adopt(tmp_path)

    assert State.of("key").kept("kill", [KILLED.case.id]) == [KILLED]
    assert State.of("key").facts == {"plain": about, "power": about}


def test_a_broken_row_that_is_taken_anew_is_not_forgotten() -> None:
    state, name = State.of("key"), KILLED.case.id
    state.put(name, replace(KILLED, failed=3, lost=1))
    state.put(name, KILLED)
    state.put(name, KILLED)

    words = "it broke what is promised: 3 of 100 requests failed; data lost: 1"
    assert State.of("key").missed == {name: [words]}


def test_sessions_side_by_side_keep_each_others_reasons() -> None:
    one, other = State.of("key"), State.of("key")

    one.miss("kill/x", "the server\nis away")
    other.miss("kill/x", "again")

    assert State.of("key").missed == {"kill/x": ["the server is away", "again"]}


def test_reasons_come_from_committed_tables_too(tmp_path: Path) -> None:
    missed = {"kill/x": ["no answer"], "kill/y": ["a panic"]}
    tables.write(tmp_path, "kill", [KILLED], 197, {"Sources": "key"}, missed=missed)
    state = State.of("key")
    state.miss("kill/y", "of this machine")

    state.adopt(tmp_path)

    assert State.of("key").missed == {"kill/x": ["no answer"], "kill/y": ["of this machine"]}


def test_what_is_known_already_is_not_taken_from_tables(tmp_path: Path) -> None:
    tables.write(tmp_path, "kill", [replace(KILLED, sent=1)], 197, {"Sources": "key"})
    state = State.of("key")
    state.put(KILLED.case.id, KILLED)

    state.adopt(tmp_path)

    assert state.kept("kill", [KILLED.case.id]) == [KILLED]


@pytest.mark.parametrize("about", [{"Sources": "other"}, {}])
def test_tables_of_other_sources_count_for_nothing(tmp_path: Path, about: dict[str, str]) -> None:
    tables.write(tmp_path, "kill", [KILLED], 197, about)
    (tmp_path / "load.json").write_text("{")
    (tmp_path / "restore.json").write_text('{"about": {"Sources": "key"}, "rows": [{}]}')
    state = State.of("key")

    state.adopt(tmp_path)

    assert state.done == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows": 3, "facts": {}}'])
def test_a_state_that_cannot_be_read_counts_for_nothing(cache: Path, text: str) -> None:
    (cache / "prove").mkdir(parents=True)
    (cache / "prove" / "key.json").write_text(text)

    assert State.of("key").done == {}


def test_a_row_of_another_version_is_taken_anew() -> None:
    state = State.of("key")
    state.done["kill/x"] = {"case": {"op": "deploy"}}

    assert state.kept("kill", ["kill/x"]) == []


def clone(place: Path) -> Path:
    for name in ("src/hostwright/deploy.py", "src/hostwright/rig/prove/tables.py", "tasks.py"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("1")
    return place


@pytest.mark.parametrize(
    ("changed", "rows"),
    [
        ("src/hostwright/deploy.py", "anew"),
        ("ops/compose/Caddyfile", "anew"),
        ("tasks.py", "anew"),
        ("src/hostwright/rig/prove/tables.py", "kept"),
        ("src/hostwright/__pycache__/x.pyc", "kept"),
        ("src/hostwright/setup/ask.py", "kept"),
        ("README.md", "kept"),
    ],
)
def test_rows_are_taken_anew_where_what_they_prove_has_changed(
    tmp_path: Path, changed: str, rows: str
) -> None:
    root = clone(tmp_path / "clone")
    before = store.key(root, "whole")

    (root / changed).parent.mkdir(parents=True, exist_ok=True)
    (root / changed).write_text("2")

    assert (store.key(root, "whole") != before) is (rows == "anew")


def test_the_short_cut_is_kept_apart(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")

    assert store.key(root, "short") != store.key(root, "whole")
