"""Measure what the README states, in one run on one machine: medians and ratios, never a test.

``nox -s bench`` measures everything, ``nox -s bench -- start clouds kubernetes`` all that needs no
server.
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
from hostwright.rig import Rig, bench_clouds, bench_fleet, bench_kubernetes, bench_server
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
        "kubernetes": kubernetes,
        "server": server,
        "fleet": fleet,
    }
    groups = words or list(known)
    for group in groups:
        if group not in known:
            raise UserError(f"there is no group {group!r}", remedy=f"Known: {', '.join(known)}.")
    # Build machines set it, people do not: every start would compile all its modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
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


def kubernetes() -> Iterator[Figure]:
    """What validating the chart takes, whole sessions."""
    ours, theirs = zip(*bench_kubernetes.compared(RUNS), strict=True)
    yield figure("nox -s validate_kubernetes, nothing remembered", ours)
    yield figure("helm lint and helm template per preset, by a shell script", theirs)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    yield figure("ratio of the two", ratios, "< 4")
    yield figure("nox -s validate_kubernetes, nothing changed", bench_kubernetes.again(RUNS), "< 1")


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


def fleet() -> Iterator[Figure]:
    """What a command for eight hosts takes, all of them far, against the same for one."""
    with Rig("bench-fleet", say=lambda text: print(text, file=sys.stderr)) as rig:  # noqa: T201
        for name, pairs in bench_fleet.compared(rig, RUNS):
            where = f"+{bench_fleet.DELAY_MS:.0f} ms, whole command"
            yield figure(f"{name}, one host, {where}", [pair.one.seconds for pair in pairs])
            count = f"{bench_fleet.HOSTS} hosts"
            yield figure(f"{name}, {count}, {where}", [pair.all.seconds for pair in pairs])
            ratios = [pair.all.seconds / pair.one.seconds for pair in pairs]
            yield figure(f"{name}, {count} against one, ratio", ratios, "<= 2")
            busy = [100 * pair.all.busy for pair in pairs]
            yield figure(f"{name}, {count}, this machine's processors busy, %", busy)


def _at(rig: Rig, scene: Scene, delay: float) -> Iterator[Figure]:
    """No-op provision, deploys and rollbacks at an added round trip."""
    if delay:
        address, port = rig.relay(scene.server, delay_ms=delay)
        scene.write_hosts(address=address, port=port)
        scene.trust()
    provisions = [_after_connect(_unchanged(scene)) for _ in range(RUNS)]
    with bench_server.memory(scene) as memory:
        moves = bench_server.deploys(scene, 2 * RUNS)
        warm = bench_server.warm_rollbacks(scene, moves[-1], RUNS)
        cold = bench_server.cold_rollbacks(scene, RUNS)
    where = f"+{delay:.0f} ms"
    yield figure(f"provision, nothing to change, after connecting, {where}", provisions)
    yield figure(f"connect, {where}", [move.connect for move in moves])
    for name, done, whole, serving in (
        ("deploy", moves, "< 3", ""),
        ("warm rollback", warm, "", "< 0.5"),
        ("cold rollback", cold, "", "< 2.5"),
    ):
        yield figure(f"{name}, command to serving, {where}", [move.typed for move in done], whole)
        after = [move.serving for move in done]
        yield figure(f"{name}, connected to serving, {where}", after, serving)
    renames = [move.rename for move in (*moves, *warm, *cold)]
    yield figure(f"the switch, milliseconds, {where}", renames, "< 50")
    of_moves = f"most memory of one process of the runner (deploys, rollbacks), MiB, {where}"
    yield figure(of_moves, memory, "< 40")


def _timed(argv: Sequence[str], cwd: Path) -> float:
    started = time.monotonic()
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise ToolError(done.stderr.decode()[-2000:], where=" ".join(argv))
    return time.monotonic() - started


def _unchanged(scene: Scene) -> dict[str, dict[str, float]]:
    """A provision that has nothing to do.

    Raises:
        ToolError: It changed something.
    """
    told = _json(scene, "vps.provision", "--host", HOST, "--json")
    if told["changes"]:
        raise ToolError(f"it was to change nothing: {told['changes']}", where="vps.provision")
    return told


def _json(scene: Scene, *words: str) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = json.loads(scene.invoke(*words).stdout)
    return told


def _after_connect(told: dict[str, dict[str, float]]) -> float:
    seconds = told["seconds"]
    return sum(seconds.values()) - seconds["connect"]
