"""Measure a command for eight far hosts against the same command for one of them.

Each host is a server of its own: two installations on one would wait for each other's ports. All
of them share this machine's processors, though, as the servers of a fleet do not. So what keeps a
server busy is measured twice: as it is, where one host has the whole machine to itself and eight
have an eighth each, and with every server held to the same share of one processor, alone or not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import yaml

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig.resources import hierarchies
from hostwright.rig.scene import HOST, Scene
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hostwright.rig import Rig
    from hostwright.rig.server import Server

HOSTS = 8
DELAY_MS = 50.0
#: Of one processor, for each server that is held; eight of them leave the operator enough of two.
SHARE = 0.2
#: Microseconds. Short, so that a server which has used up its share does not sleep for long.
_PERIOD = 20_000


class Pair(NamedTuple):
    """Seconds of one command, from typing it to its end: for one host, and for all."""

    one: float
    all: float


def compared(rig: Rig, runs: int) -> Iterator[tuple[str, list[Pair]]]:
    """What was measured, by what it is."""
    scene = _set_up(rig)
    scene.invoke("vps.provision", "--host", "all", timeout=1800)
    yield "provision, nothing to change", [_pair(scene, "vps.provision") for _ in range(runs)]
    for number in ("1", "2"):
        scene.invoke("vps.deploy", "--host", "all", *scene.version(number), timeout=1800)
    yield "warm rollback", [_rollback(scene) for _ in range(runs)]
    held_rollbacks = [_rollback(scene, rig.servers) for _ in range(runs)]
    yield f"warm rollback, each held to {SHARE} of a processor", held_rollbacks


def _rollback(scene: Scene, held: Sequence[Server] = ()) -> Pair:
    """Go back from version 2, which is then deployed again (not measured)."""
    took = []
    for which in (_name(0), "all"):
        with _held(held):
            took.append(_seconds(scene, "vps.rollback", "--host", which))
        scene.invoke("vps.deploy", "--host", which, *scene.version("2"), timeout=1800)
    return Pair(*took)


@contextmanager
def _held(servers: Sequence[Server]) -> Iterator[None]:
    """Give each of *servers* no more than its share of one processor meanwhile."""
    settings = [setting for server in servers for setting in _bandwidth(server.machine)]
    before = [(path, path.read_text()) for path, _ in settings]
    try:
        for path, text in settings:
            path.write_text(text)
        yield
    finally:
        for path, text in before:
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
    one = _seconds(scene, task, "--host", _name(0))
    return Pair(one, _seconds(scene, task, "--host", "all"))


def _seconds(scene: Scene, *words: str) -> float:
    """How long the whole command takes.

    Raises:
        ToolError: It failed.
    """
    argv = [sys.executable, "-m", "invoke", *words]
    env = {**os.environ, **scene.env}
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own command
        argv, cwd=paths.ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ToolError(done.stderr[-2000:], where=" ".join(words))
    return time.monotonic() - started


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
