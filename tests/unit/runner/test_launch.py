from __future__ import annotations

import json
import os
import select
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hostwright.runner import launch
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.identity import started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_detached_work_belongs_to_nobody_and_keeps_only_what_it_was_given(tmp_path: Path) -> None:
    place, log = tmp_path / "facts", tmp_path / "log"
    reader, writer = os.pipe()

    def work() -> None:
        facts = {"session": os.getsid(0), "parent": os.getppid(), "pid": os.getpid()}
        place.write_text(json.dumps({**facts, "stdin": os.readlink("/proc/self/fd/0")}))  # noqa: PTH115 - a descriptor's link
        os.write(writer, b"x")

    pid = launch.detach(work, log=log)
    os.close(writer)  # with its last end closed, nothing is waited for
    assert select.select([reader], [], [], 20)[0], "the work is still not done"
    assert os.read(reader, 1) == b"x"

    facts = json.loads(place.read_text())
    assert facts["pid"] == pid
    assert facts["parent"] != os.getpid()
    assert facts["session"] != os.getsid(0)
    assert facts["stdin"] == "/dev/null"
    os.close(reader)


def test_a_fault_of_detached_work_is_written_down(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def work() -> None:
        raise ValueError("a fault of ours")

    pid = launch.detach(work, log=log)

    deadline = time.monotonic() + 20
    while started(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "a fault of ours" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_systemd_is_asked_for_a_scope_around_a_process_that_already_works() -> None:
    assert " ".join(launch.scope_argv("hostwright-app-7", 7)) == (
        "busctl --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1"
        " org.freedesktop.systemd1.Manager StartTransientUnit ssa(sv)a(sa(sv))"
        " hostwright-app-7.scope fail 2 PIDs au 1 7 CollectMode s inactive-or-failed 0"
    )


def test_a_log_that_cannot_be_opened_ends_the_process_and_never_returns(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"

    with only_here(mark):
        pid = launch.detach(lambda: None, log=tmp_path / "none" / "log")

    deadline = time.monotonic() + 20
    while started(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not mark.exists()
    assert "No such file or directory" in capfd.readouterr().err


def test_where_there_can_be_no_process_the_work_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "setsid", full)  # in the child, before it becomes a parent
    mark = tmp_path / "mark"

    with (
        pytest.raises(RunnerError, match="could not start a process") as refused,
        only_here(mark),
    ):
        launch.detach(lambda: None, log=tmp_path / "log")

    assert refused.value.code is Code.PREFLIGHT
    assert not mark.exists()


@contextmanager
def only_here(mark: Path) -> Iterator[None]:
    """A fork that comes back into its caller leaves a mark, and ends instead of running tests."""
    me = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != me:
            mark.touch()
            os._exit(0)
