"""The bullet against a runner of a few lines, in a process of its own, as on a server."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.rig.prove import bullet
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path

#: Stands in for the runner: two phases of three acts, each journalled and then told.
MAIN = """
import json, os, sys, time
from . import events, journal, wire

def main(words):
    said = events.Events()
    for phase in ("ONE", "TWO"):
        said.emit("begin", phase=phase)
        for number in range(3):
            wire.ask(phase)
            time.sleep(0.1)
        journal.record("journal", phase=phase)
        said.emit("phase", phase=phase)
    said.emit("note", text=str(int(time.time())))
    said.emit("done")
    return 0
"""
#: Each act leaves its mark; the one that ``lasts`` names does not end by itself.
WIRE = """
import os, time

def ask(*words):
    with open("asked", "a") as file:
        file.write("x")
    if os.path.exists("lasts") and os.path.getsize("asked") == int(open("lasts").read()):
        time.sleep(60)
"""
MODULES = {
    "__init__": "",
    "__main__": MAIN,
    "wire": WIRE,
    "journal": "def record(path, **changes):\n"
    "    open('journal', 'a').write(changes['phase'] + ' ')\n",
    "events": "import json\nclass Events:\n    def emit(self, event, **facts):\n"
    "        open('said', 'a').write(json.dumps([event, facts]) + '\\n')\n",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "lib" / "runner").mkdir(parents=True)
    for name, text in MODULES.items():
        (tmp_path / "lib" / "runner" / f"{name}.py").write_text(text)
    shutil.copy(bullet.__file__, tmp_path / "bullet.py")
    return tmp_path


def words(place: Path, **order: str | int) -> list[str]:
    """The command line of a runner with an order, which cuts off nobody whom it does not name."""
    text = json.dumps({"archive": str(place / "lib"), "line": 0, **order})
    (place / "order.json").write_text(text)
    return [sys.executable, "-I", "-S", str(place / "bullet.py"), "session"]


def shoot(place: Path, **order: str | int) -> int:
    return run(words(place, **order), cwd=place, check=False).exit_code


def said(place: Path) -> list[tuple[str, dict[str, str]]]:
    return [tuple(json.loads(line)) for line in (place / "said").read_text().splitlines()]


def reached(place: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((place / "reached.json").read_text())
    return value


def happened(place: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((place / "happened.json").read_text())
    return value


def test_killed_in_the_middle_of_a_phase_is_before_its_journal_entry(place: Path) -> None:
    (place / "lasts").write_text(str(3 + 2))
    assert shoot(place, fault="killed", when="middle", phase="TWO", act=2) == -9

    assert (place / "journal").read_text().split() == ["ONE"]
    assert reached(place)["phase"] == "TWO"
    assert reached(place)["acts"] == {"ONE": 3, "TWO": 2}
    assert not (place / "order.json").exists()


def test_a_middle_that_no_act_reaches_is_the_end_of_the_work(place: Path) -> None:
    assert shoot(place, fault="killed", when="middle", phase="ONE", act=9) == -9

    assert len((place / "asked").read_text()) == 3
    assert not (place / "journal").exists()


def test_killed_after_a_phase_is_when_it_was_told(place: Path) -> None:
    assert shoot(place, fault="killed", when="after", phase="ONE") == -9

    assert (place / "journal").read_text().split() == ["ONE"]
    assert said(place)[-1] == ("phase", {"phase": "ONE"})


@pytest.mark.parametrize(("fault", "days"), [("ahead", 1), ("back", -1)])
def test_the_clock_jumps_for_the_runner_alone(place: Path, fault: str, days: int) -> None:
    assert shoot(place, fault=fault, when="middle", phase="ONE", act=1) == 0

    [text] = [facts["text"] for event, facts in said(place) if event == "note"]
    assert round((int(text) - time.time()) / bullet.DAY) == days
    assert happened(place)["days"] == days


def test_a_disk_is_filled_and_the_runner_goes_on(place: Path) -> None:
    order = {"script": "echo x >> full", "disk": str(place)}
    assert shoot(place, fault="full", when="middle", phase="ONE", act=1, **order) == 0

    assert (place / "full").read_text().split() == ["x"] * bullet.FILLS
    assert (place / "journal").read_text().split() == ["ONE", "TWO"]
    come = happened(place)
    assert come["refuses"] is False  # this machine's disk takes more, and the row is to say so
    assert come["free"] > 0
    assert not (place / ".one-block").exists()


def test_the_runner_does_not_end_before_what_happens_to_it_has(place: Path) -> None:
    order = {"script": "sleep 0.4", "disk": str(place)}
    assert shoot(place, fault="full", when="middle", phase="TWO", act=3, **order) == 0

    assert happened(place)["refuses"] is False


def test_work_that_ends_its_own_process_waits_for_that_as_well(place: Path) -> None:
    main = (place / "lib" / "runner" / "__main__.py").read_text()
    ended = main.replace("return 0", "os._exit(7)")
    (place / "lib" / "runner" / "__main__.py").write_text(ended)
    order = {"script": "sleep 0.4", "disk": str(place)}

    assert shoot(place, fault="full", when="middle", phase="TWO", act=3, **order) == 7
    assert happened(place)["refuses"] is False


@pytest.mark.parametrize(("code", "full"), [(errno.ENOSPC, True), (errno.EROFS, False)])
def test_a_disk_is_full_when_root_gets_no_block_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, full: bool
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(os, "posix_fallocate", refuse)

    assert bullet.refuses(tmp_path) is full
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_connection_that_is_what_came_of_it(place: Path) -> None:
    assert shoot(place, fault="cut", when="middle", phase="ONE", act=1) == 0

    assert happened(place)["line"] == 0


def test_the_connection_that_is_named_is_cut_and_no_other(place: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as line:
        try:
            assert shoot(place, fault="cut", when="middle", phase="ONE", act=1, line=line.pid) == 0
            assert line.wait(30) == -signal.SIGKILL
        finally:
            line.kill()

    assert happened(place)["line"] == line.pid


def test_a_phase_within_a_phase_does_not_end_it(place: Path) -> None:
    shot = bullet.Shot(place, {"fault": "none", "when": "after", "phase": "OUTER"}, 0)
    for phase in ("BEFORE", "OUTER", "INNER"):
        shot.begin(phase)
        if phase != "OUTER":
            shot.end(phase)

    shot.fire()

    assert (shot.phase, reached(place)["phase"]) == ("OUTER", "OUTER")
    shot.end("OUTER")
    shot.begin("NEXT")
    shot.fired = False
    shot.fire()
    assert reached(place)["phase"] == "NEXT"


def test_a_runner_that_is_to_wait_does_so_in_the_phase(place: Path) -> None:
    line = words(place, fault="busy", when="middle", phase="TWO", act=1)
    with subprocess.Popen(line, cwd=place) as process:  # noqa: S603 - our own
        end = time.monotonic() + 30
        while not (place / "reached.json").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        assert (place / "journal").read_text().split() == ["ONE"]
        assert process.poll() is None
        (place / "go").touch()
        assert process.wait(30) == 0
    assert happened(place)["go"] is True


def test_a_point_is_told_to_the_one_outside_and_then_nothing_more_is_done(place: Path) -> None:
    port = place / "port"
    port.touch()
    line = words(place, fault="power", when="middle", phase="TWO", act=2, point=str(port))
    with subprocess.Popen(line, cwd=place) as process:  # noqa: S603 - our own
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        try:
            assert os.WIFSTOPPED(status)
            assert port.read_text() == "reached\n"
            assert (place / "journal").read_text().split() == ["ONE"]
        finally:
            process.kill()


def test_a_run_that_nothing_happens_to_counts_the_acts_of_each_phase(place: Path) -> None:
    assert shoot(place, fault="none") == 0

    assert reached(place)["acts"] == {"ONE": 3, "TWO": 3}


#: A runner by its parents, as the kernel writes them down: under sudo, a shell, sshd, sshd, init.
FAMILY = {
    60: "60 (python3) S 50 60 60 0 -1",
    50: "50 (sudo) S 40 50 50 0 -1",
    40: "40 (a (sshd) b) S 30 40 40 0 -1",
    30: "30 (sshd-session) S 20 30 30 0 -1",
    20: "20 (sshd) S 10 20 20 0 -1",
    10: "10 (not sshd) S 1 10 10 0 -1",
    1: "1 (sshd) S 0 1 1 0 -1",
}


@pytest.mark.parametrize(
    ("pid", "line"),
    [(60, 30), (30, 30), (20, 20), (10, 0), (1, 0), (0, 0)],
    ids=["the nearest of two", "itself", "the other", "none", "only init", "no parent"],
)
def test_the_connection_is_the_nearest_sshd_above_the_runner(
    tmp_path: Path, pid: int, line: int
) -> None:
    for number, stat in FAMILY.items():
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "stat").write_text(f"{stat}\n")

    assert bullet.connection(pid, tmp_path) == line
