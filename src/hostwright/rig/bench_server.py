"""What moving traffic on one server takes: each move's times, the rename itself, memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig.prove.stage import RUNNER
from hostwright.rig.scene import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.scene import Scene

_RENAME = re.compile(r"one rename, ([0-9.]+) ms")
#: There on the server as long as its memory is watched.
_FLAG = "/run/hostwright-bench"
#: Run by the server's own Python: the most memory (kB) that any one process of the runner has had,
#: as the kernel keeps it.
_WATCH = f"""\
import glob, os, time
most = 0
while os.path.exists("{_FLAG}"):
    for place in glob.glob("/proc/[0-9]*"):
        if place == "/proc/" + str(os.getpid()):  # its own words hold what is looked for
            continue
        try:
            words = open(place + "/cmdline", "rb").read()
            if b"/hostwright/runner.pyz" in words and b"python" in words:
                lines = open(place + "/status").read().splitlines()
                most = max(most, *(int(l.split()[1]) for l in lines if l.startswith("VmHWM")))
        except (OSError, TypeError):
            pass
    time.sleep(0.02)
print(most)
"""


class Move(NamedTuple):
    """A deploy or rollback.

    Attributes:
        typed: Seconds from the command to the word that traffic has moved.
        serving: Seconds from being connected to that word.
        connect: Seconds of connecting.
        rename: Milliseconds of the rename that is the switch.
        previous: The release that served before.
    """

    typed: float
    serving: float
    connect: float
    rename: float
    previous: str

    @classmethod
    def make(cls, scene: Scene, *words: str) -> Move:
        """Run it, noting when the switch is told.

        Raises:
            ToolError: It failed.
        """
        argv = [sys.executable, "-m", "invoke", *words, "--host", HOST, "--json"]
        env = {**os.environ, **scene.env}
        began, typed, lines = time.monotonic(), 0.0, []
        with subprocess.Popen(  # noqa: S603 - our own command
            argv,
            cwd=paths.ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stderr or ():
                lines.append(line)
                if "SWITCHED" in line:
                    typed = time.monotonic() - began
            out = process.stdout.read() if process.stdout else ""
        rename = _RENAME.search("".join(lines))
        if process.returncode or rename is None:
            raise ToolError("".join(lines[-20:]), where=" ".join(words))
        told: dict[str, Any] = json.loads(out)
        return cls(
            typed,
            told["serving_seconds"],
            told["connect_seconds"],
            float(rename.group(1)),
            told["previous"] or "",
        )


def deploys(scene: Scene, count: int) -> list[Move]:
    """Two versions in turns."""
    versions = [("1", "2")[number % 2] for number in range(count)]
    return [Move.make(scene, "vps.deploy", *scene.version(version)) for version in versions]


def warm_rollbacks(scene: Scene, last: Move, count: int) -> list[Move]:
    """To the release that the last move left warm, and so to and fro between two."""
    done = [last]
    for _ in range(count):
        done.append(Move.make(scene, "vps.rollback", "--to", done[-1].previous))
    return done[1:]


def cold_rollbacks(scene: Scene, count: int) -> list[Move]:
    """To the newest good release that has no containers any more."""
    return [Move.make(scene, "vps.rollback", "--to", _cold(scene)) for _ in range(count)]


def _cold(scene: Scene) -> str:
    told = scene.server.exec([RUNNER, "status", "--app", "app"]).stdout
    found = [item["id"] for item in json.loads(told)["releases"] if item["state"] == "good"]
    if not found:
        raise ToolError("no release is good and cold", where="the server")
    return str(found[0])


@contextmanager
def memory(scene: Scene) -> Iterator[list[float]]:
    """MiB of the largest process of the runner while the block runs: one number, at its end.

    Raises:
        ToolError: No process of the runner was seen.
    """
    most: list[float] = []
    scene.server.exec(["touch", _FLAG])
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(scene.server.exec, ["python3", "-c", _WATCH], timeout=3600.0)
        try:
            yield most
        finally:
            scene.server.exec(["rm", "-f", _FLAG])
        seen = int(watching.result().stdout)
        if not seen:
            raise ToolError("no process of the runner was seen", where="the server's memory")
        most.append(seen / 1024)
