from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.rig import virtual
from hostwright.rig.ledger import Ledger
from hostwright.rig.virtual import (
    NETWORK_UNIT_NAME,
    UNITS,
    VirtualServer,
    disk_command,
    machine_command,
    write_disk,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> VirtualServer:
    home = tmp_path / "one"
    home.mkdir()
    return VirtualServer(
        name="one",
        address="10.99.7.2",
        key=home / "key",
        known_hosts=home / "known_hosts",
        root=home / "root",
        namespace="hwrig-try-one",
        log=home / "console.log",
        ledger=Ledger("try", 7, None),
        gateway="10.99.7.1",
        tap="hwr7s0",
    )


def test_a_write_is_volatile_until_the_machine_asks_for_a_flush(server: VirtualServer) -> None:
    argv = disk_command(server)
    assert "--filter=cache" in argv
    assert "cache=writeback" in argv
    assert argv[argv.index("file") + 1] == str(server.image)


def test_the_machine_sees_a_disk_with_a_cache_that_it_has_to_flush(server: VirtualServer) -> None:
    [drive] = [word for word in machine_command(server) if word.startswith("if=none,id=disk")]
    socket = server.home / "disk.sock"
    assert drive == f"if=none,id=disk,format=raw,cache=writeback,file=nbd+unix:///?socket={socket}"


def test_the_machine_is_emulated_and_small(server: VirtualServer) -> None:
    line = " ".join(machine_command(server))
    assert "-accel tcg,thread=multi" in line
    assert "-smp 2 -m 3072" in line


def test_it_is_linked_by_its_tap_and_has_its_address(
    server: VirtualServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tap,id=net,ifname=hwr7s0,script=no,downscript=no" in machine_command(server)
    ran: list[list[object]] = []
    monkeypatch.setattr(virtual, "run", lambda argv, **_: ran.append(argv))
    for name in ("vmlinuz-6.1", "vmlinuz-6.2", "initrd.img-6.1", "initrd.img-6.2"):
        (server.root / "boot").mkdir(parents=True, exist_ok=True)
        (server.root / "boot" / name).write_text(name)
    (server.root / UNITS).mkdir(parents=True)
    wanted = server.root / UNITS / "sysinit.target.wants" / NETWORK_UNIT_NAME
    seen: list[str] = []
    monkeypatch.setattr(shutil, "rmtree", lambda _: seen.append(wanted.read_text()))

    write_disk(server)

    assert "ip address replace 10.99.7.2/30 dev eth0" in seen[0]
    assert "ip route replace default via 10.99.7.1" in seen[0]
    assert (server.home / "vmlinuz").read_text() == "vmlinuz-6.2"
    assert ran[0][0] == "mke2fs"
    assert str(server.image) in ran[0]


def test_a_point_is_reached_when_something_says_so(server: VirtualServer) -> None:
    assert not server.reached("/any")
    server.point.touch()
    assert not server.reached("/any")
    server.point.write_text("reached\n")
    assert server.reached("/any")


def test_a_command_in_a_machine_that_is_off_is_refused(server: VirtualServer) -> None:
    with pytest.raises(ToolError, match="switched off"):
        server.exec(["true"])
