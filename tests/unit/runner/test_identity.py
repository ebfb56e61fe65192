from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hostwright.runner.identity import Owner, boot_id, myself, owner_from, started


def test_this_process_is_alive_and_is_itself() -> None:
    assert myself().alive
    assert myself().pid == os.getpid()


@pytest.mark.parametrize("changed", [{"start": 1}, {"boot_id": "another boot"}, {"pid": 4194303}])
def test_a_process_id_that_was_used_again_or_is_of_another_boot_is_not_alive(
    changed: dict[str, object],
) -> None:
    assert not owner_from({**myself()._asdict(), **changed}).alive  # type: ignore[union-attr]


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    owner = Owner(child.pid, started(child.pid), boot_id())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert not owner.alive
    child.wait()


@pytest.mark.parametrize(
    "value", [None, [], {}, {"pid": 1}, {"pid": "x", "start": 1, "boot_id": ""}]
)
def test_what_names_no_owner_is_none(value: object) -> None:
    assert owner_from(value) is None
