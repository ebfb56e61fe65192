from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from hostwright.runner import lock
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_held_lock_names_its_owner_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = lock.acquire(path)
    held.sign("anna@laptop", "deploy", tmp_path / "events")

    with pytest.raises(RunnerError) as refused:
        lock.acquire(path)

    assert refused.value.code is Code.BUSY
    assert "anna@laptop has been running deploy since 20" in refused.value.what
    assert str(os.getpid()) in refused.value.what
    assert (lock.held(path) or {})["events"] == str(tmp_path / "events")
    held.close()


def test_a_lock_that_was_given_back_is_free_whatever_its_file_says(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = lock.acquire(path)
    held.sign("anna", "deploy")
    held.close()

    assert lock.held(path) is None
    assert (lock.holder(path) or {})["actor"] == "anna"
    lock.acquire(path).close()


def test_looking_does_not_take_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert lock.held(path) is None

    lock.acquire(path).close()

    assert lock.held(path) is None
    lock.acquire(path).close()


def test_a_dead_owners_last_tool_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    orphan = _orphan(path, seconds=0.4)

    held = lock.acquire(path, orphans=30)

    held.close()
    assert orphan.wait(10) == 0


def test_a_dead_owners_tool_that_never_ends_is_busy_at_last(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    orphan = _orphan(path, seconds=30)

    with pytest.raises(RunnerError) as refused:
        lock.acquire(path, orphans=0.1)

    orphan.kill()
    orphan.wait(10)
    assert refused.value.code is Code.BUSY


def test_what_the_host_does_by_itself_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    cooling = lock.acquire(path)
    cooling.sign("cool", "cool")
    end = threading.Timer(0.4, cooling.close)
    end.start()

    lock.acquire(path).close()

    end.join()


def test_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BETWEEN_SECONDS", 0.2)
    held = lock.acquire(tmp_path / "lock")
    held.sign("resume", "resume")

    with pytest.raises(RunnerError, match="running resume"):
        lock.acquire(tmp_path / "lock")

    held.close()


def _orphan(path: Path, *, seconds: float) -> subprocess.Popen[bytes]:
    """A process that keeps the lock of an owner that is dead."""
    held = lock.acquire(path)
    held.sign("dead", "deploy")
    text = path.read_text().replace(f'"pid": {os.getpid()}', '"pid": 4194303')
    path.write_text(text)
    words = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
    tool = subprocess.Popen(words, pass_fds=[held.descriptor])  # noqa: S603 - this interpreter
    held.close()
    return tool
