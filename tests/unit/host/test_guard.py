"""The guard's decisions, and its lines for the host in a real shell, on files of the test's own."""

from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.host.builders import KEY, desired
from tests.host.talk import Scripted, as_session

from hostwright import paths
from hostwright.host.guard import LOCK, arm, disarm, proofs
from hostwright.host.steps.unproven import BEFORE
from hostwright.run import Completed, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: How long anything here may take before the test fails instead of waiting on.
PATIENCE_SECONDS = 20.0
PIPELINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxGVvPHaV7pPYxHNkTHbz3kfQpm4kZZ0v4JpJmCkq1x"
RUNS = "sudo -n /usr/local/sbin/hostwright-runner version"
FOR_DEPLOY = f"sudo -n sudo -n -u deploy {RUNS}"


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({}, {"deploy": RUNS, "admin": "sudo -n true"}),
        ({"administrator": "root"}, {"deploy": RUNS}),
        (
            {"deploy_keys": (PIPELINE, f"{KEY} me@laptop")},
            {"deploy": RUNS, "admin": "sudo -n true"},
        ),
        ({"deploy_keys": (PIPELINE,)}, {"admin": FOR_DEPLOY}),
        ({"deploy_keys": (PIPELINE,), "administrator": "root"}, {"root": FOR_DEPLOY}),
        (
            {"deploy_keys": (PIPELINE,), "deploy_user": "ci", "bootstrap_user": "debian"},
            {"debian": f"sudo -n sudo -n -u ci {RUNS}"},
        ),
    ],
)
def test_a_login_is_tried_where_the_operators_key_may_be_used_for_it(
    settings: dict[str, Any], needed: dict[str, str]
) -> None:
    assert proofs(desired(**settings), KEY) == needed


class Machine:
    """A host's directories below *root*, and the few programs that would reach further."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.go = root / "go"
        self.rules = root / "usr/local/lib/hostwright/firewall.nft"
        self.before = root / BEFORE[1:]
        for place in ("bin", "etc/ssh/sshd_config.d", "usr/local/lib/hostwright", BEFORE[1:]):
            (root / place).mkdir(parents=True)
        os.mkfifo(self.go)
        # Reloading sshd is what comes between the two files: it waits until it is let go.
        self.program("bin/systemctl", f'case $1 in reload) cat "{self.go}" ;; esac')
        self.program("bin/nft", "exit 0")
        self.program("usr/local/lib/hostwright/firewall", "exit 0")
        self.rules.write_text("new")
        (self.before / "firewall.nft").write_text("old")

    def program(self, place: str, line: str) -> None:
        path = self.root / place
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def here(self, text: str) -> str:
        """*text* with the host's places moved below the root."""
        for place in ("/run/hostwright", "/etc/ssh", "/usr/local/lib"):
            text = text.replace(place, f"{self.root}{place}")
        return text.replace("\nPATH=", f"\nPATH={self.root}/bin:")

    def revert(self) -> Completed:
        script = self.here((paths.HOST_FILES / "revert.sh").read_text())
        return run(["sh", "-c", script], check=False, timeout=PATIENCE_SECONDS)

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Between the two files of a revert, which goes on afterwards."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (go := self._opened()) is None:
            assert time.monotonic() < end, "sshd is never reloaded"
            time.sleep(0.01)
        try:
            yield
        finally:
            os.close(go)

    def _opened(self) -> int | None:
        """The pipe that sshd's reload reads; None where nobody does yet."""
        try:
            return os.open(self.go, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return None

    def disarm(self) -> Completed:
        session = Scripted(user="root")
        disarm(as_session(session))
        path = f"{self.root}/bin:{os.environ['PATH']}"
        return run(["sh", "-c", self.here(session.commands[-1])], env={"PATH": path}, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_revert_under_way_is_not_disarmed_and_puts_everything_back(machine: Machine) -> None:
    with ThreadPoolExecutor(1) as aside:
        revert = aside.submit(machine.revert)
        with machine.reloading():
            assert machine.disarm().exit_code != 0
            assert machine.before.is_dir()
    assert revert.result().exit_code == 0
    assert machine.rules.read_text() == "old"
    assert not machine.before.exists()
    assert machine.disarm().exit_code != 0


def test_what_was_disarmed_is_reverted_no_more(machine: Machine) -> None:
    assert machine.disarm().exit_code == 0
    assert machine.revert().exit_code == 0
    assert machine.rules.read_text() == "new"


def test_copies_are_taken_when_no_revert_is_using_the_earlier_ones() -> None:
    commands = arm(60).commands
    alone = commands.index(f"flock {LOCK} true")
    [stopped] = [index for index, line in enumerate(commands) if "stop" in line]
    [copied] = [index for index, line in enumerate(commands) if "cp -p" in line]
    assert stopped < alone < copied
