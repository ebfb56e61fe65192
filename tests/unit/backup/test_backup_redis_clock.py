"""A snapshot of Redis does not wait for a clock that was set back to catch up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.runner.backup import redis

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0


@pytest.mark.parametrize("ahead", [-100, 0, 86_400])
def test_a_last_snapshot_of_tomorrow_is_waited_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    slept: list[float] = []
    saves = iter([int(NOW) + ahead, int(NOW) + ahead, int(NOW) + 2])

    def ask(_host: object, _container: str, *words: str) -> str:
        return f"{next(saves)}\n" if words == ("LASTSAVE",) else ""

    host: Any = None
    (tmp_path / "dump.rdb").write_bytes(b"snapshot")
    monkeypatch.setattr(redis, "ask", ask)
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(time, "sleep", slept.append)

    redis.save(host, redis.Store("redis", "image", tmp_path), tmp_path / "copy")

    assert max(slept) < 2
    assert (tmp_path / "copy").read_bytes() == b"snapshot"
