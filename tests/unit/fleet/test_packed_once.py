"""What a deploy to several hosts does once for all of them."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from tests.unit.contract.planted import real

from hostwright import deploy, image_pins, images, run, secrets
from hostwright.errors import PreflightError
from hostwright.fleet.board import Board
from hostwright.fleet.run import side_by_side
from hostwright.images import RESERVE_BYTES, LocalImage, chain_ids
from hostwright.settings import Values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYERS = tuple(f"sha256:{letter * 64}" for letter in "abc")
SHOP = LocalImage("shop:1", f"sha256:{'1' * 64}", "amd64", 1, LAYERS)
BASE, *_ = chain_ids(LAYERS)
NEEDED = 1000
ENOUGH = RESERVE_BYTES + NEEDED


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """What was taken for present, at each time that an archive was made."""
    found: list[set[str]] = []

    def save(_: object, present: set[str], work: Path, weighed: Callable[[int], object]) -> Path:
        found.append(present)
        weighed(NEEDED)
        archive = work / "archive"
        archive.write_bytes(b"content")
        return archive

    monkeypatch.setattr(images, "save", save)
    return found


def everywhere(hosts: dict[str, Any], body: Callable[[str], object]) -> list[int]:
    def quietly(name: str) -> None:
        body(name)

    ended = side_by_side(list(hosts), quietly, Board(list(hosts), Console(file=StringIO())))
    return [one.code for one in ended]


def test_hosts_that_lack_the_same_layers_get_the_same_archive(packed: list[set[str]]) -> None:
    hosts = {"shop": {"x"}, "blog": {"y", "z"}, "wiki": {BASE}}
    codes = everywhere(
        hosts, lambda name: deploy._packed({"tag": SHOP}, frozenset(hosts[name]), ENOUGH)  # noqa: SLF001 - what is shared
    )  # fmt: skip
    assert codes == [0, 0, 0]
    assert sorted(packed, key=len) == [set(), {BASE}]


def test_each_host_has_its_own_room(packed: list[set[str]]) -> None:
    free = {"shop": ENOUGH, "blog": ENOUGH - 1}
    codes = everywhere(free, lambda name: deploy._packed({"tag": SHOP}, frozenset(), free[name]))  # noqa: SLF001 - as above
    assert codes == [0, PreflightError.exit_code]
    assert len(packed) == 1


def test_a_tag_is_resolved_once_and_means_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digests = iter(f"sha256:{letter * 64}" for letter in "abc")
    monkeypatch.setattr(image_pins, "resolve", lambda *_, **__: next(digests))
    found = []
    hosts = dict.fromkeys(("shop", "blog", "wiki"))
    everywhere(hosts, lambda _: found.append(deploy._pinned("shop:1", {}, {})))  # noqa: SLF001 - as above
    assert len(set(found)) == 1


def test_a_command_that_gives_values_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """People type into some of them."""
    runs = []

    def ran(*_: object, **__: object) -> run.Completed:
        runs.append("x")
        return run.Completed((), 0, "LOG_LEVEL=debug\n", "")

    monkeypatch.setattr(secrets, "run", ran)
    got = []
    values = Values(command=("op", "inject"))
    hosts = dict.fromkeys(("shop", "blog"))
    everywhere(
        hosts, lambda _: got.append(secrets.gather(values, real(), "vps")["LOG_LEVEL"].value)
    )
    assert (got, runs) == (["debug"] * 2, ["x"])
