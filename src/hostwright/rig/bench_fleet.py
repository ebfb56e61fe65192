"""Measure a command for eight far hosts against the same command for one of them.

Each host is a server of its own: two installations on one would wait for each other's ports.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import yaml

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig.scene import HOST, Scene
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig import Rig
    from hostwright.rig.server import Server

HOSTS = 8
DELAY_MS = 50.0


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
    yield "warm rollback", list(_rollbacks(scene, runs))


def _rollbacks(scene: Scene, runs: int) -> Iterator[Pair]:
    """Each goes back from version 2, which is then deployed again (not measured)."""
    for _ in range(runs):
        one = _seconds(scene, "vps.rollback", "--host", _name(0))
        scene.invoke("vps.deploy", "--host", _name(0), *scene.version("2"))
        everywhere = _seconds(scene, "vps.rollback", "--host", "all")
        scene.invoke("vps.deploy", "--host", "all", *scene.version("2"), timeout=1800)
        yield Pair(one, everywhere)


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
