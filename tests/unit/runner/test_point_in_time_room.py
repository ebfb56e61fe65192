"""What does not fit on the disk is refused before anything of it is copied or fetched."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.unit.runner import fake_host
from tests.unit.runner.test_point_in_time import HISTORY, SEGMENT, snapshot

from hostwright.runner import room
from hostwright.runner.backup import (
    point_in_time,
    point_in_time_replay,
    postgres,
    tools,
    wal,
    wal_chain,
)
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.backup.settings import Repository, Settings

#: The cluster of the tests, in bytes.
CLUSTER = 1000
SETTINGS = cast("Settings", SimpleNamespace(point_in_time=SimpleNamespace(), repositories=()))


class Touched(Exception):
    """Something was copied or fetched."""


def touch(*_: object, **__: object) -> Any:  # noqa: ANN401 - it never returns
    raise Touched


def a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = fake_host.host(tmp_path)
    database = postgres.Database("db", "app", "app", "image")
    monkeypatch.setattr(postgres, "find", lambda _: database)
    monkeypatch.setattr(postgres, "query", lambda *_: [str(CLUSTER)])
    monkeypatch.setattr(wal, "alone", lambda _: nullcontext())
    monkeypatch.setattr(wal, "ship", lambda *_: "")
    monkeypatch.setattr(wal, "look", lambda *_: None)
    monkeypatch.setattr(tools, "run", touch)
    point_in_time.keep(at, SETTINGS, {"id": "20261123t030000z-abcdef0"})


def a_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SimpleNamespace(
        open=lambda: None, snapshots=lambda: [snapshot(piece) for piece in HISTORY], fetch=touch
    )
    monkeypatch.setattr(wal, "store", lambda *_: store)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    at, one = fake_host.host(tmp_path), cast("Repository", SimpleNamespace(name="away"))
    point_in_time_replay.fetch(at, SETTINGS, one, 20, tmp_path / "work")


#: Of a moment of :data:`HISTORY`: its base packed and unpacked. Its one chunk is empty.
RESTORE = 2 * 1000


@pytest.mark.parametrize(
    ("work", "needed", "refusal"),
    [
        (a_base, CLUSTER, (Code.BACKUP, "the base")),
        (a_restore, RESTORE, (Code.RESTORE, "the restore")),
    ],
)
def test_room_is_asked_for_before_anything_is_copied(
    work: Any,  # noqa: ANN401 - one of the two above
    needed: int,
    refusal: tuple[Code, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, by = refusal
    monkeypatch.setattr(room, "disk", lambda: room.RESERVE_BYTES + needed - 1)
    with pytest.raises(RunnerError, match=f"MiB of disk left, {by} needs") as told:
        work(tmp_path / "short", monkeypatch)
    assert told.value.code == code

    monkeypatch.setattr(room, "disk", lambda: room.RESERVE_BYTES + needed)
    with pytest.raises(Touched):
        work(tmp_path / "enough", monkeypatch)


def test_the_log_of_a_moment_needs_room_too() -> None:
    choice = wal_chain.choose(HISTORY, None, "away")
    longer = choice.chunks[0]._replace(first=1, end=5 * SEGMENT)
    more = choice._replace(chunks=(longer,))
    grown = point_in_time_replay._needed(more) - point_in_time_replay._needed(choice)  # noqa: SLF001
    assert grown == 4 * SEGMENT


def test_a_repository_whose_thread_dies_of_something_unforeseen_has_not_taken_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or Postgres would be told to forget what is nowhere else."""

    def save(target: Any, *_: object) -> None:  # noqa: ANN401 - a name
        if target == "bad":
            raise RuntimeError("can't start new thread")

    names = [SimpleNamespace(name=name) for name in ("bad", "good")]
    monkeypatch.setattr(wal, "store", lambda _, __, one: one.name)
    monkeypatch.setattr(wal, "save", save)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    settings = cast("Settings", SimpleNamespace(repositories=names))

    found = wal._stored(fake_host.host(tmp_path), settings, HISTORY[0])  # noqa: SLF001

    assert list(found) == ["bad"]
    assert "not known" in found["bad"].what
