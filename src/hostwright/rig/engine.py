"""A throwaway Docker engine that leaves this machine's network and Docker alone.

Its images are kept under the cache, so that a second run builds nothing. An engine owns its data
while it runs; a second rig at the same time gets the next slot, with data of its own.
"""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig import processes
from hostwright.rig.requirements import which
from hostwright.rig.resources import Cgroup, Directory, Mounts
from hostwright.run import run

if TYPE_CHECKING:
    from io import TextIOWrapper

    from hostwright.rig.ledger import Ledger
    from hostwright.run import Completed

START_SECONDS = 30.0
SLOTS = range(16)


@dataclass(frozen=True)
class Engine:
    """A running dockerd.

    Attributes:
        socket: Its socket; only root may use it.
        data: Its data root, kept for the next run.
    """

    socket: Path
    data: Path

    @property
    def docker_host(self) -> str:
        """The value of ``DOCKER_HOST``."""
        return f"unix://{self.socket}"

    @property
    def env(self) -> dict[str, str]:
        """Variables for a Docker client; no BuildKit: its plugin may be missing."""
        return {"DOCKER_HOST": self.docker_host, "DOCKER_BUILDKIT": "0"}

    def docker(
        self,
        *argv: str | Path,
        stdin: bytes | None = None,
        timeout: float = 600.0,
        check: bool = True,
    ) -> Completed:
        """Run the Docker client against it.

        Raises:
            ToolError: With *check*, docker failed.
        """
        words = [client(), *argv]
        return run(words, env=self.env, stdin=stdin, timeout=timeout, check=check)


def client() -> str:
    """The Docker client of the same package as the engine, which is as old as the engine."""
    beside = Path("/usr/bin/docker")
    return str(beside) if beside.exists() else which("docker")


def command(home: Path, data: Path, name: str) -> list[str]:
    """The dockerd line: no bridge and no firewall rules, so containers use the host's network."""
    return [
        which("dockerd"),
        f"--config-file={home / 'daemon.json'}",
        f"--host=unix://{home / 'docker.sock'}",
        f"--pidfile={home / 'docker.pid'}",
        f"--exec-root={home / 'exec'}",
        f"--data-root={data}",
        f"--cgroup-parent=/{name}",
        f"--containerd-namespace={name}",
        f"--containerd-plugins-namespace={name}-plugins",
        "--insecure-registry=10.99.0.0/16",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
        "--log-level=warn",
    ]


def start(ledger: Ledger) -> Engine:
    """Start an engine and wait until it answers.

    Raises:
        ToolError: It did not start.
    """
    name, home = f"hwrig-{ledger.name}-engine", ledger.home / "engine"
    data, lock = _slot()
    with lock:
        for resource in (Directory(str(home)), Cgroup(name), Mounts(str(data)), Mounts(str(home))):
            ledger.add(resource)
        home.mkdir(mode=0o700)
        (home / "daemon.json").write_text("{}\n")
        engine, log = Engine(home / "docker.sock", data), home / "dockerd.log"
        # It inherits the lock: the slot is free when engine and containerd are gone, not before.
        words = command(home, data, name)
        process = processes.start(words, log=log, keep=[lock.fileno()], grace=20.0)
    ledger.add(process)
    _await(engine, process, log)
    return engine


def _await(engine: Engine, process: processes.Process, log: Path) -> None:
    def answers() -> bool:
        ready = engine.socket.exists() and engine.docker("version", check=False).exit_code == 0
        return ready or not processes.alive(process)

    if not (processes.wait(answers, START_SECONDS) and processes.alive(process)):
        raise ToolError(f"the Docker engine did not start\n{processes.tail(log)}", where="dockerd")


def _slot() -> tuple[Path, TextIOWrapper]:
    """The first data root that no engine uses, and the lock that says so."""
    home = paths.cache() / "rig" / "docker"
    home.mkdir(parents=True, exist_ok=True)
    for number in SLOTS:
        lock = (home / f"{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return home / str(number), lock
    raise ToolError("all data roots for Docker engines are in use", where=str(home))
