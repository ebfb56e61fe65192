from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.rig import resources
from hostwright.rig.resources import Cgroup, Chain, Directory, Link, Machine, Mounts, Namespace

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.rig.resources import Resource


@pytest.mark.parametrize(
    "resource",
    [
        Link("hwrnosuch"),
        Namespace("hwrig-no-such"),
        Cgroup("hwrig-no-such"),
        Mounts("/no/such"),
        Directory("/no/such"),
        Machine("hwrig-no-such", "/no/such"),
    ],
    ids=lambda resource: type(resource).__name__,
)
def test_taking_back_what_is_not_there_is_harmless(resource: Resource) -> None:
    resource.undo()


def test_a_directory_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    Directory(str(tmp_path / "a")).undo()
    assert not (tmp_path / "a").exists()


def test_a_directory_with_a_mount_below_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(resources, "mount_points", lambda: [f"{tmp_path}/kept/mounted"])
    with pytest.raises(ToolError, match="mounted"):
        Directory(str(tmp_path / "kept")).undo()
    assert (tmp_path / "kept").exists()


def test_a_chain_is_unhooked_before_it_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        exit_code = 0

    seen: list[str] = []

    def run(argv: list[str], **_: object) -> Done:
        seen.append(" ".join(argv))
        return Done()

    monkeypatch.setattr(resources, "run", run)
    Chain("filter", "OURS", ("FORWARD", "INPUT")).undo()
    assert seen == [
        "iptables -w -t filter -n -L OURS",
        "iptables -w -t filter -D FORWARD -j OURS",
        "iptables -w -t filter -D INPUT -j OURS",
        "iptables -w -t filter -F OURS",
        "iptables -w -t filter -X OURS",
    ]
