"""A server as a virtual machine: a kernel, memory and a disk of its own, so power can be cut.

qemu emulates it (TCG): no machine needs to offer virtualisation, and it is about five times slower.
Its disk is an image behind nbdkit's ``cache`` filter, which keeps what is written to itself until
the machine asks for a flush. Killing both processes is what a power loss is to a server: the page
cache of its kernel is gone, and so is all that its disk was given since the last flush.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hostwright.errors import ToolError
from hostwright.rig import carried, network, processes, requirements, rootfs
from hostwright.rig.agent import Agent
from hostwright.rig.network import Subnet
from hostwright.rig.resources import Directory
from hostwright.rig.server import PATH, Server, personalise, place
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hostwright.rig.ledger import Ledger
    from hostwright.rig.processes import Process
    from hostwright.run import Completed

CPUS, MEMORY_MIB, DISK_GIB = 2, 3072, 16
#: The port by which something in the machine says that a point is reached: its name, and where
#: that something finds it.
POINT = "hostwright.point"
POINT_PORT = f"/dev/virtio-ports/{POINT}"
AGENT = "org.qemu.guest_agent.0"
#: An emulated machine on a machine that is busy.
BOOT_SECONDS = 900.0
DISK_SECONDS = 120.0
#: Its root file system is checked before it is mounted, as on a server that people rent.
FSTAB = "/dev/vda / ext4 defaults 0 1\n"
#: The kernel's command line: its root, its console, no work around leaks that an emulated processor
#: has not, and patience.
KERNEL_LINE = (
    "root=/dev/vda ro net.ifnames=0 console=ttyS0 mitigations=off "
    "systemd.getty_auto=no systemd.default_timeout_start_sec=900"
)
#: Nobody answers DHCP here: the machine takes the address that the rig has for it.
NETWORK_UNIT = """\
[Unit]
Description=The address that the rig has for this machine
DefaultDependencies=no
After=systemd-udevd.service
Wants=network-pre.target
Before=network-pre.target sysinit.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
Restart=on-failure
RestartSec=1
ExecStart=udevadm wait /sys/class/net/eth0
ExecStart=ip link set lo up
ExecStart=ip address replace {address}/30 dev eth0
ExecStart=ip link set eth0 up
ExecStart=ip route replace default via {gateway}
"""
UNITS, NETWORK_UNIT_NAME = "etc/systemd/system", "hostwright-rig-network.service"


@dataclass
class VirtualServer(Server):
    """A server in qemu.

    Attributes:
        gateway: This machine's end of its link.
        tap: That end's name.
        disk: The process that keeps its disk; it is switched on and off with the machine.
    """

    gateway: str = ""
    tap: str = ""
    disk: Process | None = field(default=None)

    @property
    def image(self) -> Path:
        """Its disk."""
        return self.home / "disk.img"

    @property
    def point(self) -> Path:
        """What has been written to the port of that name."""
        return self.home / "point"

    def boot(self) -> None:
        """Switch it on and wait until systemd has started everything and sshd answers.

        Raises:
            ToolError: It did not come up in time.
        """
        if self.running:
            return
        self._end()  # a disk whose machine has ended by itself
        self.point.unlink(missing_ok=True)
        self.disk = self._start(disk_command(self), {"TMPDIR": str(self.home)})
        socket = self.home / "disk.sock"
        if not processes.wait(socket.exists, DISK_SECONDS):
            raise ToolError(f"no disk\n{processes.tail(self.log)}", where=self.name)
        self.process = self._start(machine_command(self), {})
        self.ledger.note(f"pid of {self.name}", self.process.pid)
        self._await_start()

    def power_off(self) -> None:
        """Shut it down as its power button would; the disk stays.

        Raises:
            ToolError: It did not end in time and was killed.
        """
        if not self.running:
            return
        with Agent(self.home / "agent.sock") as agent:
            agent.tell("guest-shutdown", mode="powerdown")
        ended = processes.wait(lambda: not self.running, BOOT_SECONDS)
        self._end()
        if not ended:
            raise ToolError(
                f"the machine did not shut down within {BOOT_SECONDS:g} s", where=self.name
            )

    def kill(self) -> None:
        """Cut the power: what was written and not flushed is gone."""
        self._end()

    def reached(self, path: str) -> bool:  # noqa: ARG002 - its files cannot be seen from here
        """Whether something in it has said that a point is reached: here, on the port for it."""
        return self.point.exists() and self.point.stat().st_size > 0

    def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout: float = 600.0,
        check: bool = True,
    ) -> Completed:
        """Run something as root in it, without ssh: works whatever has been done to sshd.

        Raises:
            ToolError: It is switched off, or (with *check*) the command failed.
        """
        if not self.running:
            raise ToolError("the server is switched off", where=self.name)
        env = (f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8")
        try:
            with Agent(self.home / "agent.sock") as agent:
                done = agent.run(["/usr/bin/env", *argv], env=env, stdin=stdin, timeout=timeout)
        except ToolError as error:
            raise ToolError(f"{error}\n{processes.tail(self.log)}", where=self.name) from error
        if check and done.exit_code != 0:
            raise ToolError(f"exit code {done.exit_code}\n{done.tail}", where=argv[0])
        return done

    def _await_start(self) -> None:
        done = processes.wait(lambda: self._up() or not self.running, BOOT_SECONDS)
        if not (done and self.running):
            shown = processes.tail(self.log)
            raise ToolError(f"the machine did not start\n{shown}", where=self.name)
        self._await_services()

    def _up(self) -> bool:
        try:
            with Agent(self.home / "agent.sock", patience=2.0):
                return True
        except ToolError:
            return False

    def _start(self, argv: Sequence[str], env: dict[str, str]) -> Process:
        process = processes.start(argv, log=self.log, env=env, grace=0)
        self.ledger.add(process)
        return process

    def _end(self) -> None:
        """Kill the machine and its disk, by their pids."""
        for process in (self.process, self.disk):
            if process is not None:
                self.ledger.drop(process)
        self.process = self.disk = None
        (self.home / "disk.sock").unlink(missing_ok=True)


def disk_command(server: VirtualServer) -> list[str]:
    """The line of the process that keeps a disk: a write is volatile until a flush is asked for."""
    return [
        *("nbdkit", "--foreground", "--unix", str(server.home / "disk.sock")),
        *("--filter=cache", "file", str(server.image)),
        *("cache=writeback", "cache-min-block-size=4K"),
    ]


def machine_command(server: VirtualServer) -> list[str]:
    """The qemu line of a machine."""
    home = server.home
    return [
        *("qemu-system-x86_64", "-name", server.machine, "-no-user-config", "-nodefaults"),
        *("-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"),
        *("-smp", str(CPUS), "-m", str(MEMORY_MIB), "-display", "none", "-no-reboot"),
        *("-kernel", str(home / "vmlinuz"), "-initrd", str(home / "initrd.img")),
        *("-append", KERNEL_LINE, "-serial", "chardev:console"),
        *("-chardev", f"file,id=console,path={server.log},append=on"),
        *("-drive", f"if=none,id=disk,format=raw,cache=writeback,file={disk_url(server)}"),
        *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"),
        *("-netdev", f"tap,id=net,ifname={server.tap},script=no,downscript=no"),
        *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={home / 'agent.sock'},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={AGENT}"),
        *("-chardev", f"file,id=point,path={server.point}"),
        *("-device", f"virtserialport,chardev=point,name={POINT}"),
    ]


def disk_url(server: VirtualServer) -> str:
    """Where qemu finds the disk."""
    return f"nbd+unix:///?socket={server.home / 'disk.sock'}"


def make(ledger: Ledger, name: str, *, suite: str, say: Callable[[str], None]) -> VirtualServer:
    """Write the disk of a machine and lay its link, switched off.

    Args:
        ledger: The rig's; its network is laid.
        name: Its host name.
        suite: ``trixie`` or ``bookworm``.
        say: Told what takes long.

    Raises:
        ToolError: The disk could not be made.
    """
    requirements.check_power()
    taken = carried.gather()
    packed = rootfs.tarball(rootfs.machine(suite, taken), say)
    index, subnet = len(ledger.notes.get("servers", ())), Subnet(ledger.number)
    known = vars(place(ledger, index, name))
    server = VirtualServer(**known, gateway=subnet.gateway(index), tap=subnet.link(index))
    ledger.add(Directory(str(server.home)))
    server.home.mkdir(mode=0o700)
    ledger.note("servers", [*ledger.notes.get("servers", ()), name])
    rootfs.unpack(packed, server.root)
    personalise(server, taken.resolvers)
    write_disk(server)
    network.tap(ledger, index)
    return server


def write_disk(server: VirtualServer) -> None:
    """Make the unpacked root file system a disk, beside the kernel that boots it."""
    unit = NETWORK_UNIT.format(address=server.address, gateway=server.gateway)
    texts = {"/etc/fstab": FSTAB, f"/{UNITS}/{NETWORK_UNIT_NAME}": unit}
    rootfs.write(server.root, texts)
    wanted = server.root / UNITS / "sysinit.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / NETWORK_UNIT_NAME).symlink_to(f"../{NETWORK_UNIT_NAME}")
    for name in ("vmlinuz", "initrd.img"):
        newest = max((server.root / "boot").glob(f"{name}-*"))
        shutil.copy(newest, server.home / name)
    image = ["-L", "root", "-d", str(server.root), str(server.image), f"{DISK_GIB}G"]
    run(["mke2fs", "-q", "-F", "-t", "ext4", *image], timeout=900)
    shutil.rmtree(server.root)
