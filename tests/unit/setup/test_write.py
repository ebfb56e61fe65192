"""All files or none, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import UserError
from hostwright.setup import write

if TYPE_CHECKING:
    from collections.abc import Iterator


def there(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


def test_files_are_replaced_together_and_keep_their_modes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "below" / "new"
    old.write_text("before")
    old.chmod(0o640)
    write.together({old: "after", new: "made"})
    assert (old.read_text(), new.read_text()) == ("after", "made")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o640, 0o600]
    assert {path.name for path in tmp_path.iterdir()} == {"old", "below"}


def test_where_one_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("before")
    with pytest.raises(UserError, match=r"/b: cannot be written: it is a directory; nothing was"):
        write.together({tmp_path / "a": "after", tmp_path / "b": "x", tmp_path / "c": "x"})
    assert there(tmp_path) == {"a": "before"}


def test_directories_that_were_made_for_nothing_go_again(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError):
        write.together({tmp_path / "x" / "y" / "a": "after", tmp_path / "b": "x"})
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_rename_that_fails_takes_back_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("before")
    real = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if target.name == "c":
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(UserError, match="c: cannot be written: No space left"):
        write.together({tmp_path / name: "after" for name in ("a", "b", "c")})
    assert there(tmp_path) == {"a": "before"}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What runs in the background may have been told to pass interrupts over."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_files_are_made_ready_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("before")
    seen: list[int] = []

    def interrupted(handle: int) -> None:
        seen.append(handle)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write.together({tmp_path / "a": "after", tmp_path / "b": "x"})
    assert there(tmp_path) == {"a": "before"}


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_between_the_renames_waits_for_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def interrupts(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupts)
    with pytest.raises(KeyboardInterrupt):
        write.together({tmp_path / "a": "x", tmp_path / "b": "x"})
    assert there(tmp_path) == {"a": "x", "b": "x"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    write.together({tmp_path / "link": "after"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"
