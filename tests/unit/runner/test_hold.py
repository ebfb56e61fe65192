from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import hold, protocol
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return fake.layout(tmp_path)


def test_nobody_holds_a_host_that_nobody_took(layout: Layout) -> None:
    assert hold.told(layout) is None
    for op in protocol.MUTATING:
        hold.refuse(layout, op)


def test_what_is_refused_says_who_and_why(layout: Layout) -> None:
    hold.take(layout, "anna@desk", "restoring by hand")

    with pytest.raises(RunnerError, match=r"anna@desk has held .*: restoring by hand") as caught:
        hold.refuse(layout, "deploy")
    assert caught.value.code == Code.BUSY


@pytest.mark.parametrize("op", ["backup", "backup-settings", "drill", "resume"])
def test_backups_go_on(layout: Layout, op: str) -> None:
    hold.take(layout, "anna@desk", "restoring by hand")

    hold.refuse(layout, op)


@pytest.mark.parametrize("op", sorted(hold.HELD))
def test_what_changes_what_serves_is_refused(layout: Layout, op: str) -> None:
    assert op in protocol.REQUESTS
    hold.take(layout, "anna@desk", "x")
    with pytest.raises(RunnerError):
        hold.refuse(layout, op)


@pytest.mark.parametrize("reason", [None, "", " \n", "\x1b"])
def test_a_lock_without_a_reason_is_none(layout: Layout, reason: object) -> None:
    with pytest.raises(RunnerError, match="reason"):
        hold.take(layout, "anna@desk", reason)
    assert hold.read(layout) is None


def test_its_owner_may_change_the_reason_and_nobody_else(layout: Layout) -> None:
    first = hold.take(layout, "anna@desk", "one")
    assert hold.take(layout, "anna@desk", "two") == first._replace(reason="two")

    with pytest.raises(RunnerError, match="anna@desk"):
        hold.take(layout, "ben@desk", "three")


def test_somebody_elses_is_given_back_only_by_force(layout: Layout) -> None:
    hold.take(layout, "anna@desk", "one")

    with pytest.raises(RunnerError, match="anna@desk"):
        hold.give_back(layout, "ben@desk", force=False)
    former = hold.give_back(layout, "ben@desk", force=True)

    assert former is not None
    assert former.owner == "anna@desk"
    assert hold.read(layout) is None
    assert hold.give_back(layout, "ben@desk", force=False) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"owner": "a", "reason": "b"}'])
def test_one_that_cannot_be_read_holds_as_well(layout: Layout, content: bytes) -> None:
    layout.hold.write_bytes(content)

    with pytest.raises(RunnerError, match="cannot be read"):
        hold.refuse(layout, "deploy")
    hold.give_back(layout, "ben@desk", force=True)
    hold.refuse(layout, "deploy")


@pytest.mark.parametrize("content", [b'{"keep_backups": true}', b"", b"7"])
def test_while_a_destroy_is_unfinished_only_a_destroy_is_taken(
    layout: Layout, content: bytes
) -> None:
    layout.destroying.write_bytes(content)

    for op in (*protocol.MUTATING, "planned"):
        if op == "destroy":
            hold.refuse(layout, op)
            continue
        with pytest.raises(RunnerError, match="destroy") as caught:
            hold.refuse(layout, op)
        assert caught.value.code == Code.PREFLIGHT


def test_a_session_that_has_the_hosts_lock_already_is_refused_as_well(layout: Layout) -> None:
    """A deploy first tells the settings of its backups, which a held host takes."""
    hold.take(layout, "anna@desk", "x")
    session = Session(layout, io.BytesIO(), io.BytesIO())

    session.lock({"do": "backup-settings"})
    with pytest.raises(RunnerError, match="anna@desk"):
        session.lock({"do": "deploy"})

    assert session.held is not None
    session.held.close()
