"""Measure a command for eight far hosts against the same command for one of them.

Each host is a server of its own: two installations on one would wait for each other's ports. All
of them share this machine's processors, though, as the servers of a fleet do not: alone, one has
the whole machine, and of eight each has an eighth. So what keeps a server busy is measured twice:
as it is, and with every server held to the same share of one processor, alone or not. How busy the
processors were is told with both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig.resources import hierarchies
from hostwright.rig.scene import HOST, Scene
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.rig import Rig
    from hostwright.rig.server import Server

HOSTS = 8
DELAY_MS = 50.0
#: Of one processor, for each server that is held; eight of them leave the operator some of two.
SHARE = 0.2
#: Microseconds. Short, so that a server which has used up its share does not sleep for long.
_PERIOD = 20_000
#: Lets no container have more than its server: cgroups refuse the server's share otherwise.
_LOWER = f"docker ps --all --quiet | xargs --no-run-if-empty docker update --cpus {SHARE}"


class Took(NamedTuple):
    """What a command took.

    Attributes:
        seconds: From typing it to its end.
        busy: How much of the time this machine's processors were busy, from 0 to 1.
    """

    seconds: float
    busy: float


class Pair(NamedTuple):
    """A command for one host, and the same for all."""

    one: Took
    all: Took


def compared(rig: Rig, runs: int) -> Iterator[tuple[str, list[Pair]]]:
    """What was measured, by what it is."""
    scene = _set_up(rig)
    scene.invoke("vps.provision", "--host", "all", timeout=1800)
    yield "provision, nothing to change", [_pair(scene, "vps.provision") for _ in range(runs)]
    for number in ("1", "2"):
        scene.invoke("vps.deploy", "--host", "all", *scene.version(number), timeout=1800)
    yield "warm rollback", [_rollback(scene) for _ in range(runs)]
    held = f"warm rollback, each server held to {SHARE} of a processor"
    yield held, [_rollback(scene, rig.servers) for _ in range(runs)]


def _rollback(scene: Scene, held: Sequence[Server] = ()) -> Pair:
    """Go back from version 2, which is then deployed again (not measured)."""
    took = []
    for which in (_name(0), "all"):
        with _held(held):
            took.append(_timed(scene, "vps.rollback", "--host", which))
        scene.invoke("vps.deploy", "--host", which, *scene.version("2"), timeout=1800)
    return Pair(*took)


@contextmanager
def _held(servers: Sequence[Server]) -> Iterator[None]:
    """Give each of *servers* no more than its share of one processor meanwhile."""
    for server in servers:
        server.exec(["sh", "-c", _LOWER])
    settings = [setting for server in servers for setting in _bandwidth(server.machine)]
    before = [(path, path.read_text()) for path, _ in settings]
    try:
        for path, text in settings:
            path.write_text(text)
        yield
    finally:
        for path, text in reversed(before):  # a longer period alone would make the share smaller
            path.write_text(text)


def _bandwidth(group: str) -> list[tuple[Path, str]]:
    """The files of a cgroup that bound its processor time, in order, and what they are to say.

    Raises:
        ToolError: This machine cannot bound it.
    """
    quota = int(SHARE * _PERIOD)
    written = {
        "cpu.cfs_period_us": f"{_PERIOD}",
        "cpu.cfs_quota_us": f"{quota}",
        "cpu.max": f"{quota} {_PERIOD}",
    }
    found = [
        (hierarchy / group / name, text)
        for name, text in written.items()
        for hierarchy in hierarchies()
        if (hierarchy / group / name).exists()
    ]
    if not found:
        raise ToolError("no cgroup bounds processor time here", where=group)
    return found


def _pair(scene: Scene, task: str) -> Pair:
    one = _timed(scene, task, "--host", _name(0))
    return Pair(one, _timed(scene, task, "--host", "all"))


def _timed(scene: Scene, *words: str) -> Took:
    """What the whole command takes.

    Raises:
        ToolError: It failed.
    """
    argv = [sys.executable, "-m", "invoke", *words]
    env = {**os.environ, **scene.env}
    before, started = _processors(), time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own command
        argv, cwd=paths.ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolError(done.stderr[-2000:], where=" ".join(words))
    seconds, after = time.monotonic() - started, _processors()
    idle, whole = (now - then for now, then in zip(after, before, strict=True))
    return Took(seconds, 1 - idle / whole)


def _processors() -> tuple[int, int]:
    """The ticks that this machine's processors have been idle, and all of them; proc_stat(5)."""
    words = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    # The last two, guests, are counted among the first ones already.
    ticks = [int(word) for word in words[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _name(number: int) -> str:
    return f"host-{number + 1}"


def _set_up(rig: Rig) -> Scene:
    """The servers, each behind a relay, in the operator's hosts.yaml; every key is pinned."""
    scene = Scene.set_up(rig)
    servers = [scene.server, *(rig.server() for _ in range(HOSTS - 1))]
    path = scene.home / "hosts.yaml"
    settings = yaml.safe_load(path.read_text())["hosts"][HOST]
    hosts = {}
    for number, server in enumerate(servers):
        address, port = rig.relay(server, delay_ms=DELAY_MS)
        own = {"address": address, "port": port, "identity_file": str(server.key)}
        hosts[_name(number)] = {**settings, **own}
    path.write_text(yaml.safe_dump({"version": 1, "hosts": hosts}, sort_keys=False))
    for number, server in enumerate(servers):
        scene.invoke("vps.trust", "--host", _name(number), "--fingerprint", fingerprint(server))
    return scene


def fingerprint(server: Server) -> str:
    """What the provider's console would show of a server's host key."""
    shown = run(["ssh-keygen", "-lf", server.known_hosts]).stdout.splitlines()
    return next(line.split()[1] for line in shown if "ED25519" in line)
