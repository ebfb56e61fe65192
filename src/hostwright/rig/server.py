"""A throwaway server: Debian booted by systemd-nspawn, with its own network, sshd and disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.errors import ToolError
from hostwright.rig import carried, network, processes, rootfs
from hostwright.rig.network import Subnet
from hostwright.rig.processes import Process
from hostwright.rig.resources import (
    Cgroup,
    Directory,
    Machine,
    hierarchies,
    namespace_pids,
)
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.rig.ledger import Ledger
    from hostwright.run import Completed

#: CAP_SYS_TIME would let the server's clock service set this machine's clock.
DROPPED = "CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_BOOT"
#: Docker in the server keeps keyrings and loads device programs.
SYSTEM_CALLS = "bpf keyctl add_key @keyring"
BOOT_SECONDS = 60.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Server:
    """A server; every one has its own address, host keys and login key.

    Attributes:
        name: Host name inside.
        address: Its IPv4 address; the port of sshd is 22.
        user: Who may log in with *key* at first: root, as on a fresh cloud server.
        key: Private key file for ssh.
        known_hosts: File with the host keys, written before the first boot.
        root: Its disk, a directory of this machine.
        namespace: Its network namespace, for ``ip netns exec``.
    """

    name: str
    address: str
    key: Path
    known_hosts: Path
    root: Path
    namespace: str
    log: Path
    ledger: Ledger
    port: int = 22
    user: str = "root"
    process: Process | None = field(default=None)

    @property
    def machine(self) -> str:
        """Its name among all servers of all rigs."""
        return f"hwrig-{self.ledger.name}-{self.name}"

    @property
    def home(self) -> Path:
        """Its directory of this machine: disk, keys, console log."""
        return self.root.parent

    @property
    def running(self) -> bool:
        """Whether it is switched on."""
        return self.process is not None and processes.alive(self.process)

    def boot(self) -> None:
        """Switch it on and wait until systemd has started everything and sshd answers.

        Raises:
            ToolError: It did not come up within a minute.
        """
        if self.running:
            return
        Machine(self.machine, str(self.root)).undo()  # what pulling its plug left behind
        make_cgroup(self.machine)
        self.process = processes.start(
            in_cgroup(self.machine, boot_command(self)),
            log=self.log,
            env={"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
            grace=0,
        )
        self.ledger.add(self.process)
        self.ledger.note(f"pid of {self.name}", self.process.pid)
        self._await_start()

    def power_off(self) -> None:
        """Shut it down as its power button would; the disk stays.

        Raises:
            ToolError: It did not end in time and was killed.
        """
        if self.process is None or not self.running:
            return
        run(["kill", "-TERM", str(self.process.pid)], check=False)
        ended = processes.wait(lambda: not self.running, BOOT_SECONDS)
        self._end()
        if not ended:
            raise ToolError(
                f"the server did not shut down within {BOOT_SECONDS:g} s", where=self.name
            )

    def kill(self) -> None:
        """Pull the plug: nothing in it gets to say a word. The kernel's page cache survives."""
        self._end()

    def reached(self, path: str) -> bool:
        """Whether something in it has said that a point is reached: here, by making a file."""
        return (self.root / path.lstrip("/")).exists()

    def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout: float = 120.0,
        check: bool = True,
    ) -> Completed:
        """Run something as root in it, without ssh: works whatever has been done to sshd.

        Raises:
            ToolError: It is switched off, or (with *check*) the command failed.
        """
        line = enter_command(self.leader, argv)
        return run(line, stdin=stdin, timeout=timeout, check=check)

    def ssh(self, *argv: str) -> list[str]:
        """The ssh command line for a person or a test."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "StrictHostKeyChecking=yes"]
        given = [word for option in [*options, "IdentitiesOnly=yes"] for word in ("-o", option)]
        remote = [shlex.join(argv)] if argv else []
        return ["ssh", "-i", str(self.key), *given, f"{self.user}@{self.address}", *remote]

    @property
    def leader(self) -> int:
        """The pid, out here, of its PID 1.

        Raises:
            ToolError: It is switched off.
        """
        pids = self._children()
        if not pids:
            raise ToolError("the server is switched off", where=self.name)
        return pids[0]

    def _children(self) -> list[int]:
        if self.process is None:
            return []
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return []
        inside = set(namespace_pids(self.namespace))
        return [child for child in map(int, text.split()) if child in inside]

    def _await_start(self) -> None:
        done = processes.wait(lambda: self._up() or not self.running, BOOT_SECONDS)
        if not (done and self.running):
            shown = processes.tail(self.log)
            raise ToolError(f"the server did not start\n{shown}", where=self.name)
        self._await_services()

    def _await_services(self) -> None:
        state = self.exec(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        if state != "running":
            failed = self.exec(["systemctl", "--failed", "--no-legend", "--plain"], check=False)
            raise ToolError(f"the server is {state}\n{failed.stdout}", where=self.name)

    def _up(self) -> bool:
        if not self._children():
            return False
        probe = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22 && head -c 4 <&3"]
        return self.exec(probe, check=False, timeout=5).stdout == "SSH-"

    def _end(self) -> None:
        """Kill PID 1 first (the kernel ends the rest of it), then nspawn itself."""
        for pid in namespace_pids(self.namespace):
            run(["kill", "-KILL", str(pid)], check=False)
        if self.process is not None:
            processes.wait(lambda: not self.running, 5.0)
            self.ledger.drop(self.process)
            self.process = None


def boot_command(server: Server) -> list[str]:
    """The systemd-nspawn line of a server."""
    return [
        "systemd-nspawn",
        "--boot",
        "--quiet",
        f"--directory={server.root}",
        f"--machine={server.machine}",
        f"--hostname={server.name}",
        "--register=no",
        "--keep-unit",
        f"--network-namespace-path=/run/netns/{server.namespace}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
        "--capability=all",
        f"--drop-capability={DROPPED}",
        f"--system-call-filter={SYSTEM_CALLS}",
    ]


def enter_command(leader: int, argv: Sequence[str]) -> list[str]:
    """A command line that runs *argv* in the server of that PID 1, with the server's powers.

    A process that enters a namespace keeps its capabilities, so those that the server was never
    given (the clock is the whole machine's) are given up before it enters.
    """
    lost = ",".join(f"-{name.removeprefix('CAP_').lower()}" for name in DROPPED.split(","))
    return [
        *("setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"),
        *("nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid"),
        *("--root", "--wd", "env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"),
        *argv,
    ]


def make_cgroup(name: str) -> None:
    """A cgroup in every hierarchy: without one of its own, two servers would share the root's."""
    for hierarchy in hierarchies():
        place = hierarchy / name
        place.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # Version 1 leaves both empty in a new group, which then takes no process.
            if (place / setting).exists() and (hierarchy / setting).exists():
                (place / setting).write_text((hierarchy / setting).read_text())


def in_cgroup(name: str, argv: Sequence[str]) -> list[str]:
    """A command line that enters the cgroups first and then becomes *argv*."""
    enter = "".join(f"echo $$ > {place / name}/cgroup.procs; " for place in hierarchies())
    return ["/bin/sh", "-ec", f'{enter}exec "$@"', "sh", *argv]


def attach_all(ledger: Ledger) -> list[Server]:
    """The servers of a rig that another process made."""
    made: list[Server] = []
    for index, name in enumerate(ledger.notes.get("servers", ())):
        server = place(ledger, index, name)
        pid = ledger.notes.get(f"pid of {name}")
        found = [r for r in ledger.resources if isinstance(r, Process) and r.pid == pid]
        server.process = found[0] if found else None
        made.append(server)
    return made


def make(ledger: Ledger, name: str, *, suite: str, say: Callable[[str], None]) -> Server:
    """Unpack and connect a server, switched off.

    Args:
        ledger: The rig's; its network is laid.
        name: Its host name.
        suite: ``trixie`` or ``bookworm``.
        say: Told what takes long.
    """
    taken = carried.gather()
    packed = rootfs.tarball(rootfs.server(suite, taken), say)
    index = len(ledger.notes.get("servers", ()))
    server = place(ledger, index, name)
    # Before the namespace: taken back after it, when what ran in it is dead.
    ledger.add(Directory(str(server.home)))
    ledger.add(Machine(server.machine, str(server.root)))
    ledger.add(Cgroup(server.machine))
    server.home.mkdir(mode=0o700)
    ledger.note("servers", [*ledger.notes.get("servers", ()), name])
    rootfs.unpack(packed, server.root)
    personalise(server, taken.resolvers)
    network.connect(ledger, index, server.namespace)
    return server


def place(ledger: Ledger, index: int, name: str) -> Server:
    """A server of a rig as it is known, whether it has been made or not."""
    home = ledger.home / name
    return Server(
        name=name,
        address=Subnet(ledger.number).address(index),
        key=home / "key",
        known_hosts=home / "known_hosts",
        root=home / "root",
        namespace=f"hwrig-{ledger.name}-{name}",
        log=home / "console.log",
        ledger=ledger,
    )


def personalise(server: Server, resolvers: str) -> None:
    """Host keys, a login key, names: what makes a copy of an image a server of its own."""
    root = server.root
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    run(["ssh-keygen", "-q", "-A", "-f", root])
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", server.machine, "-f", server.key])
    public = sorted((root / "etc/ssh").glob("ssh_host_*.pub"))
    lines = [f"{server.address} {' '.join(path.read_text().split()[:2])}\n" for path in public]
    server.known_hosts.write_text("".join(lines))
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    login = f"{server.key}.pub"
    texts = {
        "/root/.ssh/authorized_keys": Path(login).read_text(),
        "/etc/hostname": f"{server.name}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {server.name}\n::1 localhost\n",
        "/etc/resolv.conf": resolvers,
        # An empty file: systemd writes a new id at the first boot.
        "/etc/machine-id": "",
    }
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    rootfs.write(root, texts)
