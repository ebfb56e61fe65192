"""Measure what the README states, in one run on one machine: medians and ratios, never a test.

``nox -s bench`` measures everything, ``nox -s bench -- start clouds`` what needs no server.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError, UserError
from hostwright.rig import Rig, bench_clouds
from hostwright.rig.scene import HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: One task, so that what is measured is Invoke itself.
SINGLE_TASK = "from invoke import task\n\n@task\ndef only(c):\n    '''Do it.'''\n"
#: Added round trips in seconds that a person far from the server has.
DELAYS_MS = (0.0, 50.0, 100.0)
RUNS = 5


class Figure(NamedTuple):
    """One measured figure: seconds, unless it is a ratio."""

    name: str
    median: float
    low: float
    high: float
    target: str


def main(words: list[str]) -> int:
    """Measure and print.

    Raises:
        UserError: An unknown group of figures.
        ToolError: A measured command failed.
    """
    known: dict[str, Callable[[], Iterable[Figure]]] = {
        "start": start,
        "clouds": clouds,
        "server": server,
    }
    groups = words or list(known)
    for group in groups:
        if group not in known:
            raise UserError(f"there is no group {group!r}", remedy=f"Known: {', '.join(known)}.")
    for group in groups:
        for figure in known[group]():
            print(shown(figure), flush=True)  # noqa: T201 - the result
    return 0


def shown(figure: Figure) -> str:
    """A line of the table."""
    spread = f"{figure.low:.3f} to {figure.high:.3f}"
    return f"{figure.median:9.3f}  {spread:>18}  {figure.target:>10}  {figure.name}"


def figure(name: str, values: Sequence[float], target: str = "") -> Figure:
    """The median and the spread of *values*."""
    return Figure(name, statistics.median(values), min(values), max(values), target)


def start() -> list[Figure]:
    """What a person waits for before anything happens."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "tasks.py").write_text(SINGLE_TASK)
        listing = [sys.executable, "-m", "invoke", "--list"]
        single, ours = [], []
        # Taken in turns: these machines are noisy, and a ratio forgives what both suffer.
        for _ in range(3 * RUNS):
            single.append(_timed(listing, Path(scratch)))
            ours.append(_timed(listing, paths.ROOT))
    ratio = statistics.median(ours) / statistics.median(single)
    validate = [sys.executable, "-m", "hostwright", "validate", "--target", "vps"]
    proofs = [_timed(validate, paths.ROOT) for _ in range(RUNS)]
    return [
        figure("invoke --list, one task in a file", single),
        figure("invoke --list, here", ours),
        Figure("ratio of the two", ratio, ratio, ratio, "<= 1.5"),
        figure("python -m hostwright validate --target vps", proofs, "< 5"),
    ]


def clouds() -> Iterator[Figure]:
    """What validating the cloud blueprints takes, whole commands."""
    pairs = list(bench_clouds.compared(RUNS))
    ours, theirs = zip(*pairs, strict=True)
    yield figure("validate gcp, nothing remembered", ours)
    yield figure("the same tools one after another, by a shell script", theirs)
    yield figure("ratio of the two", [one / other for one, other in pairs], "<= 1.2")
    runs = list(bench_clouds.each(RUNS))
    for name in runs[0]:
        yield figure(f"validate {name}, nothing remembered", [run[name].seconds for run in runs])
    ratios = [
        run["together"].seconds
        / max(item.seconds for name, item in run.items() if name != "together")
        for run in runs
    ]
    yield figure("all three together against the slowest alone, ratio", ratios, "<= 2")
    memory = [
        max(item.memory_mib for name, item in run.items() if name != "together") for run in runs
    ]
    yield figure("most memory of one validation, MiB", memory, "< 1536")
    yield figure("nox -s validate_gcp, nothing changed", bench_clouds.again(RUNS), "< 1")


def server() -> Iterator[Figure]:
    """What provisioning and deploying take on a real server, near and far."""
    with Rig("bench", say=lambda text: print(text, file=sys.stderr)) as rig:  # noqa: T201
        scene = Scene.set_up(rig)
        scene.trust()
        first = _json(scene, "vps.provision", "--host", HOST, "--json")
        yield figure("first provision, after connecting", [_after_connect(first)], "<= 16.9")
        for number in ("1", "2"):
            scene.invoke("vps.deploy", "--host", HOST, *scene.version(number))
        for delay in DELAYS_MS:
            yield from _at(rig, scene, delay)


def _at(rig: Rig, scene: Scene, delay: float) -> list[Figure]:
    """No-op provision, deploys and warm rollbacks at an added round trip."""
    if delay:
        address, port = rig.relay(scene.server, delay_ms=delay)
        scene.write_hosts(address=address, port=port)
        scene.trust()
    provisions = [
        _after_connect(_json(scene, "vps.provision", "--host", HOST, "--json")) for _ in range(RUNS)
    ]
    moves = [
        _Move.make(scene, "vps.deploy", "--host", HOST, *scene.version(number))
        for number in ("1", "2") * RUNS
    ][: 2 * RUNS]
    back: list[_Move] = []
    for _ in range(RUNS):
        # To the release that the last move left warm, and so to and fro between two.
        warm = (back or moves)[-1].previous
        back.append(_Move.make(scene, "vps.rollback", "--host", HOST, "--to", warm))
    where = f"+{delay:.0f} ms"
    return [
        figure(f"provision, nothing to change, after connecting, {where}", provisions),
        figure(f"connect, {where}", [move.connect for move in moves]),
        figure(f"deploy, command to switched, {where}", [move.switched for move in moves], "< 3"),
        figure(
            f"deploy, connected to switched, {where}",
            [move.switched - move.connect for move in moves],
        ),
        figure(f"warm rollback, command to switched, {where}", [move.switched for move in back]),
    ]


class _Move(NamedTuple):
    """A deploy or rollback: seconds from the command to the switch and of connecting, what was."""

    switched: float
    connect: float
    previous: str

    @classmethod
    def make(cls, scene: Scene, *words: str) -> _Move:
        """Run it, noting when the switch is told."""
        argv = [sys.executable, "-m", "invoke", *words, "--json"]
        env = {**os.environ, **scene.env}
        started, switched, lines = time.monotonic(), 0.0, []
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
                    switched = time.monotonic() - started
            out = process.stdout.read() if process.stdout else ""
        if process.returncode:
            raise ToolError("".join(lines[-20:]), where=" ".join(words))
        told = json.loads(out)
        return cls(switched, told["connect_seconds"], told["previous"] or "")


def _timed(argv: Sequence[str], cwd: Path) -> float:
    started = time.monotonic()
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise ToolError(done.stderr.decode()[-2000:], where=" ".join(argv))
    return time.monotonic() - started


def _json(scene: Scene, *words: str) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = json.loads(scene.invoke(*words).stdout)
    return told


def _after_connect(told: dict[str, dict[str, float]]) -> float:
    seconds = told["seconds"]
    return sum(seconds.values()) - seconds["connect"]
