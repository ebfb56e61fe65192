from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from hostwright.errors import ToolError, UserError
from hostwright.rig import ledger as ledgers
from hostwright.rig.processes import identify
from hostwright.rig.resources import (
    KINDS,
    Cgroup,
    Chain,
    Directory,
    Link,
    Machine,
    Mounts,
    Namespace,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.rig.resources import Resource


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ledgers, "HOME", tmp_path / "rigs")
    monkeypatch.setattr(ledgers, "FORWARDING", tmp_path / "ip_forward")
    (tmp_path / "ip_forward").write_text("0\n")
    return tmp_path


@dataclass(frozen=True)
class Made:
    name: str
    undone: ClassVar[list[str]] = []

    def undo(self) -> None:
        if self.name == "stuck":
            raise ToolError("it is stuck")
        self.undone.append(self.name)


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(KINDS, "Made", Made)
    Made.undone.clear()
    return Made.undone


def test_two_rigs_never_get_the_same_network() -> None:
    assert ledgers.claim("one").number != ledgers.claim("two").number


def test_a_rig_that_goes_while_all_are_read_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = ledgers.claim("one"), ledgers.claim("two")
    read = ledgers.read

    def late(name: str) -> ledgers.Ledger:
        if name == two.name:
            (ledgers.HOME / name / "ledger.json").unlink()
        return read(name)

    monkeypatch.setattr(ledgers, "read", late)
    assert [found.name for found in ledgers.every()] == [one.name]


def test_a_taken_name_is_refused_with_the_way_to_free_it() -> None:
    ledgers.claim("one")
    with pytest.raises(UserError) as caught:
        ledgers.claim("one")
    assert "clean one" in caught.value.remedy


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../x", "1st", "x" * 21])
def test_a_name_that_could_not_be_a_machines_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no name"):
        ledgers.claim(name)


def test_every_kind_of_resource_survives_the_file(tmp_path: Path) -> None:
    resources: list[Resource] = [
        Directory(str(tmp_path)),
        Machine("m", "/root"),
        Cgroup("c"),
        Link("l"),
        Chain("nat", "C", ("POSTROUTING",)),
        Namespace("n"),
        Mounts("/m"),
    ]
    process = identify(os.getpid())
    assert process is not None
    ledger = ledgers.claim("one")
    for resource in [*resources, process]:
        ledger.add(resource)
    assert ledgers.read("one").resources == [*resources, process]


def test_everything_is_taken_back_newest_first(undone: list[str]) -> None:
    ledger = ledgers.claim("one")
    for name in ("a", "b", "c"):
        ledger.add(Made(name))
    ledgers.read("one").tear_down()
    assert undone == ["c", "b", "a"]
    assert ledgers.every() == []


def test_what_is_stuck_stays_in_the_ledger_and_the_rest_goes(undone: list[str]) -> None:
    ledger = ledgers.claim("one")
    for name in ("a", "stuck", "c"):
        ledger.add(Made(name))
    with pytest.raises(ToolError, match="it is stuck"):
        ledger.tear_down()
    assert undone == ["c", "a"]
    assert ledgers.read("one").resources == [Made("stuck")]


def test_only_a_rig_whose_owner_is_gone_is_abandoned() -> None:
    ledger = ledgers.claim("one")
    assert not ledgers.read("one").abandoned
    assert ledger.owner is not None
    # The same pid, started at another time: it is somebody else's now.
    ledger.owner = replace(ledger.owner, started=ledger.owner.started - 1)
    ledger.save()
    assert ledgers.read("one").abandoned
    ledger.owner = None
    ledger.save()
    assert not ledgers.read("one").abandoned


def test_forwarding_is_put_back_by_the_last_rig_only(home: Path) -> None:
    one, two = ledgers.claim("one"), ledgers.claim("two")
    for _ in (one, two):
        ledgers.switch_forwarding_on()
    assert (home / "ip_forward").read_text() == "1\n"
    one.tear_down()
    assert (home / "ip_forward").read_text() == "1\n"
    two.tear_down()
    assert (home / "ip_forward").read_text() == "0\n"
