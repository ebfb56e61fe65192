from __future__ import annotations

import gzip
import sys
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.host.builders import bare, desired

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.fleet.board import Board
from hostwright.fleet.run import side_by_side
from hostwright.host import plugin as plugins
from hostwright.host import provision
from hostwright.host.plugin import load, machine
from hostwright.toolchain import Tool

ELF = b"\x7fELF" + bytes(14) + b"\x3e\x00" + b"rest"


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "docker-compose"
    path.write_bytes(ELF)
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    tool = Tool("docker-compose", (str(path),), "2.40.3", "package", "none on PATH")
    monkeypatch.setattr(toolchain, "pinned", lambda _: tool)
    return path


def test_the_plugin_is_packed_and_known_by_its_sum(binary: Path) -> None:
    plugin = load("amd64")
    assert plugin.sha256 == sha256(ELF).hexdigest()
    assert gzip.decompress(plugin.packed()) == ELF
    assert binary.exists()


def test_another_binary_at_the_same_place_is_not_taken_for_the_old(binary: Path) -> None:
    load("amd64").packed()
    binary.write_bytes(ELF + b"newer")
    assert gzip.decompress(load("amd64").packed()) == ELF + b"newer"


def test_another_command_may_make_the_same_at_the_same_time(
    binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Path.replace

    def late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", really)
        plugins._cached(target.name, lambda: b"content")  # noqa: SLF001 - the other command
        return really(self, target)

    monkeypatch.setattr(Path, "replace", late)
    assert plugins._cached("x", lambda: b"content") == b"content"  # noqa: SLF001 - and this one
    assert [file.name for file in (binary.parent / "cache").iterdir()] == ["x"]


def test_what_cannot_be_made_leaves_nothing(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        load("amd64")
    assert list((binary.parent / "cache").iterdir()) == []


def test_the_hosts_of_a_command_share_one(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["shop", "blog", "wiki"]
    looked: list[str] = []
    packed: list[bytes] = []
    tool = toolchain.pinned("docker-compose")

    def pinned(name: str) -> Tool:
        looked.append(name)
        return tool

    monkeypatch.setattr(toolchain, "pinned", pinned)

    def body(_: str) -> None:
        whole = provision._complete(bare(("debian", "12")), desired())  # noqa: SLF001 - what asks for it
        assert whole.plugin
        packed.append(whole.plugin.packed())

    ended = side_by_side(names, body, Board(names, Console(file=StringIO())))
    assert [one.error for one in ended] == [None] * 3
    assert looked == ["docker-compose"]
    assert len({id(content) for content in packed}) == 1
    assert gzip.decompress(packed[0]) == binary.read_bytes()


def test_a_binary_for_another_machine_is_refused(binary: Path) -> None:
    assert binary.exists()
    with pytest.raises(ToolError, match="made for amd64, the host needs arm64"):
        load("arm64")


def test_compose_inside_the_docker_client_cannot_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool("docker-compose", ("docker", "compose"), "2.40.3", "path", "on PATH")
    monkeypatch.setattr(toolchain, "pinned", lambda _: tool)
    with pytest.raises(ToolError, match="file of its own"):
        load("amd64")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (ELF[:20], "amd64"),
        (b"\x7fELF" + bytes(14) + b"\xb7\x00", "arm64"),
        (b"\x7fELF" + bytes(14) + b"\x08\x00", "an unknown machine"),
        (b"\xcf\xfa\xed\xfe" + bytes(16), "another system than Linux"),
    ],
)
def test_the_machine_is_read_from_the_file_itself(header: bytes, name: str) -> None:
    assert machine(header) == name


def test_this_pythons_own_header_is_read() -> None:
    with Path(sys.executable).resolve().open("rb") as file:
        assert machine(file.read(20)) in {"amd64", "arm64"}
