from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.rig import __main__ as command
from hostwright.rig import ledger as ledgers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "HOME", tmp_path)
    monkeypatch.setattr(ledgers, "FORWARDING", tmp_path / "ip_forward")


def abandon(name: str) -> None:
    ledger = ledgers.claim(name)
    assert ledger.owner is not None
    ledger.owner = type(ledger.owner)(ledger.owner.pid, 0, "another boot")
    ledger.save()


def test_clean_removes_what_was_abandoned_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    abandon("dead")
    ledgers.claim("living")
    detached = ledgers.claim("detached")
    detached.owner = None
    detached.save()

    assert command.main(["clean"]) == 0

    assert [rig.name for rig in ledgers.every()] == ["detached", "living"]
    assert capsys.readouterr().err == "rig dead is gone\n"


def test_clean_takes_down_what_it_is_told_by_name() -> None:
    detached = ledgers.claim("detached")
    detached.owner = None
    detached.save()
    assert command.main(["clean", "detached"]) == 0
    assert ledgers.every() == []


def test_a_rig_that_is_not_there_is_the_users_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["clean", "nobody"]) == 2
    assert capsys.readouterr().err == "there is no rig named nobody\n"


def test_list_shows_each_rig_and_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    abandon("dead")
    ledgers.claim("living")
    assert command.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [(line.split()[0], line.split("  ")[-1]) for line in lines] == [
        ("dead", "abandoned"),
        ("living", "in use"),
    ]
