"""A power loss takes what was not flushed, and nothing else: shown before rows lean on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.rig import Rig, processes
from hostwright.rig.virtual import VirtualServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.server, pytest.mark.long]

PLACE = "/var/lib/proof"
#: Writes with the runner's own module, and without it; then the same again over what was flushed.
WRITES = f"""
import os
from pathlib import Path
import durable

place = Path("{PLACE}")
place.mkdir()
durable.sync_directory(place.parent)
for round in ("first", "second"):
    for number in range(20):
        durable.write_json(place / "journal.json", {{"round": round, "phase": number}})
    durable.relink(place / "current", round)
    durable.append(place / "audit.log", round)
    (place / f"lazy-{{round}}").write_text(round)
(place / "journal.lazy").write_text("never flushed")
os.rename(place / "journal.lazy", place / "lazily-renamed")
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[VirtualServer]:
    with Rig(f"test-power-{os.getpid()}") as rig:
        server = rig.server(kind="machine")
        assert isinstance(server, VirtualServer)
        yield server


def read(machine: VirtualServer, name: str) -> str:
    return machine.exec(["cat", f"{PLACE}/{name}"], check=False).stdout


def test_what_was_flushed_is_there_after_a_power_loss_and_the_rest_is_gone(
    machine: VirtualServer,
) -> None:
    runner = (paths.ROOT / "src/hostwright/runner/durable.py").read_bytes()
    machine.exec(["mkdir", "-p", "/opt/proof"])
    machine.exec(["tee", "/opt/proof/durable.py"], stdin=runner)
    machine.exec(["tee", "/opt/proof/writes.py"], stdin=WRITES.encode())
    # Its kernel flushes nothing by itself any more, so it does not matter how slow this machine is.
    machine.exec(["sysctl", "-w", "vm.dirty_writeback_centisecs=0"])
    machine.exec(["sync"])
    machine.exec(["python3", "/opt/proof/writes.py"])
    assert read(machine, "lazily-renamed") == "never flushed"
    boot = machine.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout

    machine.kill()
    assert not machine.running
    machine.boot()

    assert machine.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout != boot
    assert '"phase": 19' in read(machine, "journal.json")
    assert '"round": "second"' in read(machine, "journal.json")
    assert machine.exec(["readlink", f"{PLACE}/current"]).stdout.strip() == "second"
    assert read(machine, "audit.log").split() == ["first", "second"]
    assert read(machine, "lazily-renamed") == ""
    assert read(machine, "lazy-second") == ""
    leftover = machine.exec(["find", PLACE, "-name", ".*", "-type", "f"]).stdout
    assert leftover == ""


#: Past the kernel's own cache: what it reads back is what the disk has been given.
PAST_THE_CACHE = f"""
import mmap, os

path = "{PLACE}/past-the-cache"
page = mmap.mmap(-1, 4096)
file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
page[:] = b"o" * 4096
os.pwrite(file, page, 0)
os.fsync(file)
page[:] = b"n" * 4096
os.pwrite(file, page, 0)
page[:] = bytes(4096)
os.preadv(file, [page], 0)
print(page[:3].decode())
"""


def test_what_its_disk_was_given_and_not_asked_to_flush_is_gone_as_well(
    machine: VirtualServer,
) -> None:
    """A disk that kept it would lose less than a real one; here nothing lies in the kernel."""
    machine.exec(["mkdir", "-p", PLACE])
    # Whatever else is flushed flushes the whole disk: nothing is, but by us.
    machine.exec(["sysctl", "-w", "vm.dirty_writeback_centisecs=0"])
    machine.exec(["mount", "-o", "remount,commit=600", "/"])
    machine.exec(["sync"])
    assert machine.exec(["python3", "-c", PAST_THE_CACHE]).stdout == "nnn\n"

    machine.kill()
    machine.boot()

    assert read(machine, "past-the-cache")[:3] == "ooo"


def test_it_is_switched_off_in_order_and_keeps_what_was_never_flushed(
    machine: VirtualServer,
) -> None:
    machine.exec(["sh", "-c", "echo kept > /var/lib/unflushed"])

    machine.power_off()
    assert not machine.running
    machine.boot()

    assert machine.exec(["cat", "/var/lib/unflushed"]).stdout == "kept\n"


def test_its_processes_end_with_its_power(machine: VirtualServer) -> None:
    mine = [process for process in (machine.process, machine.disk) if process is not None]
    assert [processes.alive(process) for process in mine] == [True, True]

    machine.kill()

    assert [processes.alive(process) for process in mine] == [False, False]
