from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.runner import plain, room
from hostwright.runner.engine import EngineError
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout("shop", tmp_path)


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(room, "_free", lambda _: size)


def test_what_does_not_fit_is_refused_with_both_numbers() -> None:
    room.demand("disk", 256 * MIB, 256 * MIB)
    with pytest.raises(RunnerError) as refused:
        room.demand("disk", 256 * MIB - 1, 256 * MIB)
    assert refused.value.code == Code.PREFLIGHT
    assert refused.value.what == "the host has 255 MiB of disk left, the release needs 256 MiB"
    assert "docker system df" in refused.value.remedy


def test_a_little_is_set_aside_once_and_given_back_when_the_disk_is_full(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1000 * MIB)
    room.set_aside(layout)
    made = layout.aside.stat()
    assert (made.st_size, made.st_mode & 0o777) == (MIB, 0o600)
    assert made.st_blocks * 512 >= MIB  # a hole would give nothing back
    room.set_aside(layout)
    assert layout.aside.stat().st_mtime_ns == made.st_mtime_ns

    room.use_aside(layout)
    assert layout.aside.exists()
    free(monkeypatch, 0)
    room.use_aside(layout)
    assert not layout.aside.exists()
    room.use_aside(layout)


def test_nothing_is_set_aside_where_little_is_left(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10 * MIB)
    room.set_aside(layout)
    assert not layout.aside.exists()


def test_neither_fails_where_the_directory_is_gone(tmp_path: Path) -> None:
    nowhere = Layout("shop", tmp_path / "none")
    room.set_aside(nowhere)
    room.use_aside(nowhere)


@pytest.mark.parametrize(
    ("error", "remedied"),
    [
        (EngineError(500, "write /x: no space left on device"), True),
        (OSError(28, "No space left on device", "/x"), True),
        (EngineError(500, "something else"), False),
        (OSError(13, "Permission denied", "/x"), False),
    ],
)
def test_a_full_disk_is_told_with_its_remedy(
    error: Exception,
    remedied: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert (plain.explained(error).remedy == room.FREE_SOME) is remedied
