"""The chart's three scripts, taken from what it renders, run by a real shell.

``sleep`` is a stub that hurries, so that nothing here takes minutes: it sleeps a tenth of a second
for one, which is how bounds are counted, and less between two questions. So even a busy machine
gives an answer within its bound.
"""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.blueprints.charts import Chart, main_of, pod_of

from hostwright.run import background, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

SHELLS = ("dash", "bash")
DASH = shutil.which("dash") or "dash"
NOTHING = '{"current": "2", "head": "2", "pending": [], "irreversible": [], "ahead": false}'
PENDING = '{"current": "1", "head": "2", "pending": ["2"], "irreversible": [], "ahead": false}'
AHEAD = '{"current": "3", "head": null, "pending": ["?"], "irreversible": [], "ahead": true}'
SPREAD = '{\n  "pending" : [\n  ],\n  "ahead" :\tfalse\n}'


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose ``sleep`` hurries."""
    stub = tmp_path / "bin" / "sleep"
    stub.parent.mkdir()
    stub.write_text(
        '#!/bin/sh\n[ "$1" = 1 ] && exec /bin/sleep 0.1\nexec /bin/sleep 0.04\n', encoding="utf-8"
    )
    stub.chmod(0o755)
    return f"{stub.parent}{os.pathsep}{os.environ['PATH']}"


def script(role: str, *, init: bool = False) -> str:
    """A script as the kubelet hands it to the shell."""
    found = Chart().manifest()
    containers = pod_of(found, role).containers
    (container,) = [each for each in containers if each.init == init]
    words = container.at("command")
    assert words[:2] == ["sh", "-c"]
    return str(words[2]).replace("$$", "$")


def status(place: Path, *answers: str, code: int = 0) -> list[str]:
    """A command that gives one answer after the other, and the last for ever."""
    for index, answer in enumerate(answers):
        (place / f"answer-{index}").write_text(answer, encoding="utf-8")
    count = place / "count"
    count.write_text("0", encoding="utf-8")
    text = (
        f'at=$(cat {count}); [ "$at" -lt {len(answers) - 1} ] && echo $((at + 1)) > {count}; '
        f"cat {place}/answer-$at; [ $at -lt {len(answers) - 1} ] && exit {code}; exit 0"
    )
    return ["sh", "-c", text]


def gated(words: list[str], path: str, *, shell: str = "dash", seconds: int = 250) -> Completed:
    """The gate, asking by these words."""
    argv = [shell, "-c", script("api", init=True), "gate", str(seconds), *words]
    return run(argv, env={"PATH": path}, timeout=60, check=False)


# --- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("answer", [NOTHING, SPREAD, AHEAD, NOTHING.replace(" ", "")])
def test_the_gate_opens_when_nothing_is_pending_or_the_schema_is_ahead(
    answer: str, shell: str, tmp_path: Path, path: str
) -> None:
    done = gated(status(tmp_path, answer), path, shell=shell)
    assert done.exit_code == 0, done
    assert done.stdout.count("migrated: ") == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_the_gate_waits_and_says_for_what_once(shell: str, tmp_path: Path, path: str) -> None:
    answers = [PENDING, PENDING, PENDING.replace('["2"]', '["2", "3"]'), NOTHING]
    done = gated(status(tmp_path, *answers), path, shell=shell)
    assert done.exit_code == 0, done
    assert done.stdout.splitlines() == [
        'migrated: waiting for the migration of "2"',
        'migrated: waiting for the migration of "2","3"',
        "migrated: nothing is pending",
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_gate_waits_for_a_database_that_is_not_there_yet(
    shell: str, tmp_path: Path, path: str
) -> None:
    done = gated(status(tmp_path, "", "", NOTHING, code=3), path, shell=shell)
    assert done.exit_code == 0, done
    assert done.stdout.count("failed with exit code 3") == 1
    assert done.stdout.endswith("nothing is pending\n")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("answer", [PENDING, "no JSON", "", '{"pending": null}'])
def test_the_gate_gives_up_and_never_opens(
    answer: str, shell: str, tmp_path: Path, path: str
) -> None:
    done = gated(status(tmp_path, answer), path, shell=shell, seconds=9)
    assert done.exit_code == 1, done
    assert "gave up after 9 seconds" in done.stdout


def test_the_gate_does_not_take_a_failed_command_for_an_answer(path: str) -> None:
    done = gated(["sh", "-c", f"echo '{NOTHING}'; exit 1"], path, seconds=9)
    assert done.exit_code == 1, done


def test_the_gate_asks_anew_what_hangs(tmp_path: Path, path: str) -> None:
    mark = tmp_path / "asked"
    hangs = f"[ -e {mark} ] && echo '{NOTHING}' && exit; touch {mark}; exec /bin/sleep 60"
    begun = time.monotonic()
    done = gated(["sh", "-c", hangs], path)
    assert done.exit_code == 0, done
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize("shell", SHELLS)
def test_the_gate_ends_when_its_pod_does(shell: str, tmp_path: Path, path: str) -> None:
    argv = [shell, "-c", script("api", init=True), "gate", "600", *status(tmp_path, PENDING)]
    with background(["env", f"PATH={path}", *argv]) as process:
        assert process.stdout is not None
        assert "waiting" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 143


def test_the_gate_of_every_role_is_one_script() -> None:
    assert script("api", init=True) == script("worker", init=True)


# --- the migration -------------------------------------------------------------------------------


def migrated(words: list[str], up: list[str], path: str, shell: str = "dash") -> Completed:
    argv = [shell, "-c", script("migrate"), "migrate", str(len(words)), *words, *up]
    return run(argv, env={"PATH": path}, timeout=60, check=False)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("answer", [NOTHING, SPREAD, AHEAD])
def test_nothing_is_migrated_twice_nor_by_an_older_release(
    answer: str, shell: str, tmp_path: Path, path: str
) -> None:
    done = migrated(status(tmp_path, answer), ["sh", "-c", "echo UP; exit 9"], path, shell)
    assert done.exit_code == 0, done
    assert "UP" not in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("answer", [PENDING, "", "no JSON"])
def test_what_is_pending_is_migrated_and_its_exit_code_kept(
    answer: str, shell: str, tmp_path: Path, path: str
) -> None:
    up = ["sh", "-c", 'echo "UP $0 $1"; exit 9', "two words", "*"]
    done = migrated(status(tmp_path, answer), up, path, shell)
    assert done.exit_code == 9, done
    assert done.stdout.endswith("UP two words *\n")


def test_a_status_that_fails_is_left_to_the_migration(path: str) -> None:
    done = migrated(["sh", "-c", f"echo '{NOTHING}'; exit 1"], ["echo", "UP"], path)
    assert done.exit_code == 0, done
    assert done.stdout == "UP\n"


def test_the_migration_takes_the_place_of_the_shell(tmp_path: Path, path: str) -> None:
    words = [*status(tmp_path, PENDING), "sh", "-c", "echo up; exec /bin/sleep 60"]
    argv = ["dash", "-c", script("migrate"), "migrate", str(len(words) - 3), *words]
    with background(["env", f"PATH={path}", *argv]) as process:
        assert process.stdout is not None
        # What it was, for whoever rolls back one day; and then the migration's own words.
        assert process.stdout.readline().startswith('migrate: {"current":"1"')
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == -signal.SIGTERM


def test_the_job_runs_the_contracts_commands() -> None:
    chart = Chart()
    words = main_of(chart.manifest(), "migrate").at("command")
    commands = chart.contract["roles"]["migrate"]["commands"]
    assert words[3:] == [
        "migrate",
        str(len(commands["status"])),
        *commands["status"],
        *commands["up"],
    ]


# --- whether the release is ready ----------------------------------------------------------------


class Answering(http.server.BaseHTTPRequestHandler):
    """Says 503 twice at each path that is slow, and for ever at one that is down."""

    asked: dict[str, int]

    def do_GET(self) -> None:
        self.asked[self.path] = self.asked.get(self.path, 0) + 1
        late = self.path == "/slow" and self.asked[self.path] < 3
        self.send_response(503 if late or self.path == "/down" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what matters."""


@pytest.fixture
def server() -> Iterator[str]:
    Answering.asked = {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


#: Programs that can ask, of which an image has one.
ASKING = ("curl", "wget", "python3", "node")


def only(tool: str, to: Path, path: str) -> str:
    """A PATH with what a shell needs and one program that can ask."""
    to.mkdir()
    for name in dict.fromkeys((tool, "sh", "sleep")):
        # The PATH's Python may be a version manager's script, which needs more than this PATH.
        found = sys.executable if name == "python3" else shutil.which(name, path=path)
        if not found:
            pytest.fail(f"{name} is not installed here, and images that have it are tested with it")
        (to / name).symlink_to(Path(found).resolve())
    return str(to)


@pytest.mark.parametrize("tool", ASKING)
def test_every_service_is_asked_until_it_is_ready(
    tool: str, server: str, tmp_path: Path, path: str
) -> None:
    argv = [DASH, "-c", script("test"), "ready", f"{server}/one", f"{server}/slow"]
    done = run(argv, env={"PATH": only(tool, tmp_path / "only", path)}, timeout=60, check=False)
    assert done.exit_code == 0, done
    assert done.stdout == f"ready: {server}/one\nready: {server}/slow\n"


def test_what_does_not_get_ready_fails_the_test(server: str, tmp_path: Path, path: str) -> None:
    # The quickest of them: it is asked thirty times.
    paths = only("wget", tmp_path / "only", path)
    argv = [DASH, "-c", script("test"), "ready", f"{server}/down", f"{server}/one"]
    done = run(argv, env={"PATH": paths}, timeout=120, check=False)
    assert done.exit_code == 1, done
    assert f"{server}/down" in done.stderr
    assert "/one" not in Answering.asked


def test_an_image_that_cannot_ask_says_so(tmp_path: Path, path: str) -> None:
    argv = [DASH, "-c", script("test"), "ready", "http://127.0.0.1:1/"]
    done = run(argv, env={"PATH": only("sleep", tmp_path / "only", path)}, timeout=60, check=False)
    assert done.exit_code == 1, done
    assert "neither curl nor wget" in done.stderr
