from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.rig import processes

if TYPE_CHECKING:
    from pathlib import Path

STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""


def sleeper(log: Path, *, grace: float = 5.0) -> processes.Process:
    return processes.start(["sleep", "60"], log=log, grace=grace)


def test_a_daemon_is_alive_until_it_is_ended(tmp_path: Path) -> None:
    process = sleeper(tmp_path / "log")
    assert processes.alive(process)
    process.undo()
    assert not processes.alive(process)
    process.undo()  # harmless


def test_one_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.start([sys.executable, "-c", STUBBORN], log=log, grace=0.2)
    assert processes.wait(lambda: "ready" in log.read_text(), 10)
    processes.end(process)
    assert not processes.alive(process)


def test_a_pid_that_was_used_again_is_never_ended(tmp_path: Path) -> None:
    process = sleeper(tmp_path / "log")
    earlier = replace(process, started=process.started - 1)
    assert not processes.alive(earlier)
    processes.end(earlier)
    assert processes.alive(process)
    processes.end(process)


def test_a_process_of_an_earlier_boot_is_not_alive(tmp_path: Path) -> None:
    process = sleeper(tmp_path / "log")
    assert not processes.alive(replace(process, boot="another"))
    processes.end(process)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no-such-daemon is not installed"):
        processes.start(["no-such-daemon"], log=tmp_path / "log")


def test_a_daemon_that_does_not_listen_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = ["sh", "-c", "echo no such setting; sleep 0.2; exit 1"]
    process = processes.start(words, log=log)
    with pytest.raises(ToolError, match="no such setting"):
        processes.await_port(process, "127.0.0.1", 1, log=log)
