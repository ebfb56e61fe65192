"""The questions on a real terminal: a pseudo-terminal, and keys as a person presses them."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.unit.setup.setups import example

from hostwright import paths
from hostwright.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 120.0
DOWN, ENTER, CTRL_C, ERASE = "\x1b[B", "\r", "\x03", "\x15"
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\r")


@dataclass
class Terminal:
    """`invoke setup` on a terminal of its own."""

    process: subprocess.Popen[bytes]
    keys: int
    screen: str = ""

    def expect(self, text: str) -> None:
        """Wait until *text* has appeared since the last time."""
        end = time.monotonic() + PATIENCE
        while text not in self.screen:
            ready, _, _ = select.select([self.keys], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} did not appear:\n{self.screen}"
            try:
                shown = os.read(self.keys, 65_536).decode(errors="replace")
            except OSError:  # the other side is closed
                shown = ""
            assert shown, f"it ended before {text!r}:\n{self.screen}"
            if "\x1b[6n" in shown:  # where the cursor is, prompt_toolkit asks
                os.write(self.keys, b"\x1b[1;1R")
            self.screen += _CODES.sub("", shown)
        self.screen = self.screen.partition(text)[2]

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self.keys, key.encode())
            time.sleep(0.1)

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """`invoke setup` as typed in an empty directory, some answers given as flags."""
    given = {key: str(example("vps")[key]) for key in ("address", "web_image")}
    words = [word for key, value in given.items() for word in ("--var", f"{key}={value}")]
    argv = [sys.executable, "-m", "invoke", "--search-root", str(paths.ROOT), "setup", *words]
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(  # noqa: S603 - ourselves
        argv, cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_person_answers_goes_back_and_gets_the_files(terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("(preset)")
    terminal.press(*[DOWN] * 4, ENTER)
    terminal.expect("(profile)")
    terminal.press(ENTER)
    terminal.expect("(app_domain)")
    terminal.press("https://x")
    terminal.expect("app_domain is not a host name")  # before Enter
    terminal.press(ERASE, "wrong.example.com", ENTER)
    terminal.expect("(api_image)")
    terminal.press("<", ENTER)
    terminal.expect("(app_domain)")
    terminal.press("app.example.com", ENTER)
    terminal.expect("(api_image)")
    terminal.press("ghcr.io/acme/api:1", ENTER)
    terminal.expect("(api_domain) [none]")
    terminal.press(ENTER)
    terminal.expect("(acme_email) [none]")
    terminal.press(ENTER)
    terminal.expect("+ hosts.yaml")
    terminal.expect("Write these files?")
    assert not list(tmp_path.iterdir())
    terminal.press("y")
    terminal.expect("invoke vps.deploy --host app")
    assert terminal.ends() == 0
    host = load(tmp_path / "hosts.yaml").hosts["app"]
    assert (host.app_domain, host.images["api"]) == ("app.example.com", "ghcr.io/acme/api:1")
    assert host.api_domain is None


def test_no_is_an_exit_code_of_its_own_and_nothing_is_written(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.expect("(preset)")
    terminal.press(*[DOWN] * 4, ENTER)
    for key, answer in (("profile", ""), ("app_domain", "a.example.com"), ("api_image", "a:1"),
                        ("api_domain", ""), ("acme_email", "")):  # fmt: skip
        terminal.expect(f"({key})")
        terminal.press(answer, ENTER)
    terminal.expect("Write these files?")
    terminal.press("n")
    assert terminal.ends() == 8
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("at", ["(preset)", "(app_domain)"])
def test_an_interrupt_leaves_nothing(at: str, terminal: Terminal, tmp_path: Path) -> None:
    terminal.expect("(preset)")
    if at != "(preset)":
        terminal.press(*[DOWN] * 4, ENTER)
        terminal.expect("(profile)")
        terminal.press(ENTER)
        terminal.expect(at)
    terminal.press(CTRL_C)
    terminal.expect("interrupted")
    assert terminal.ends() == 130
    assert not list(tmp_path.iterdir())
