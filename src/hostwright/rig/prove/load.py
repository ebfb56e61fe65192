"""Do one thing again and again under load, and add up what became of every request."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.errors import ToolError
from hostwright.rig.load import LoadGenerator, Report
from hostwright.rig.prove import stage as stages
from hostwright.rig.prove.cases import LOAD_RATE
from hostwright.rig.prove.rows import Loaded
from hostwright.rig.prove.typed import Typed
from hostwright.runner.phases import PHASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.rig.prove.cases import Load
    from hostwright.rig.prove.stage import Stage
    from hostwright.rig.prove.typed import Ended

#: How long a run goes on at least, in seconds.
RUN_SECONDS = 13.0
#: How soon a version that never gets ready is given up, in seconds.
HEALTH_SECONDS = 8
_SWITCH = re.compile(r"one rename, ([0-9.]+) ms")
#: How a failure names its phase.
_FAILED_IN = re.compile(rf"\(({'|'.join(PHASES)})\)")


class Run(NamedTuple):
    """One run: the account of its requests, and how the command ended, where one was typed."""

    report: Report
    ended: Ended | None = None


def attempt(stage: Stage, case: Load) -> Loaded:
    """Take one part of the load table.

    Raises:
        ToolError: A command failed that prepares a run, or the server does not come back.
    """
    began = time.monotonic()
    done = [under_load(stage, case) for _ in range(case.runs)]
    return summed(case, done, jobs_left(stage), time.monotonic() - began)


def under_load(stage: Stage, case: Load) -> Run:
    """One run."""
    act = WHAT[case.what](stage)
    with LoadGenerator(stage.stream(LOAD_RATE, socket=True)) as load:
        begun = time.monotonic()
        time.sleep(1)
        ended = act()
        time.sleep(max(1.0, RUN_SECONDS - (time.monotonic() - begun)))
        return Run(load.stop(), ended)


def summed(case: Load, done: list[Run], jobs: int, seconds: float) -> Loaded:
    """The runs as one row."""
    reports = [run.report for run in done]
    reasons = {why for report in reports for why in report.failures}
    typed = [run.ended for run in done if run.ended is not None]
    timed = [times for ended in typed if (times := told(ended)) is not None]
    return Loaded(
        case=case,
        sent=sum(report.sent for report in reports),
        failed=sum(report.failed for report in reports),
        failures={why: sum(r.failures.get(why, 0) for r in reports) for why in sorted(reasons)},
        p99=max(report.p99 for report in reports),
        pause=max(report.pause for report in reports),
        sockets=sum(report.sockets["dropped"] for report in reports),
        codes=tuple(ended.code for ended in typed),
        jobs=jobs,
        switch=tuple(switch for switch, _ in timed),
        serving=tuple(serving for _, serving in timed),
        seconds=seconds,
        rate=min(report.rate for report in reports),
        writes=min(report.writes for report in reports),
        echoed=min(report.sockets["echoed"] for report in reports),
        phases=tuple(failed_in(ended) for ended in typed if ended.code != 0),
    )


def failed_in(ended: Ended) -> str:
    """The phase that a command says it failed in; empty where it names none."""
    found = _FAILED_IN.search(ended.stderr)
    return found.group(1) if found else ""


def told(ended: Ended) -> tuple[float, float] | None:
    """Milliseconds of the rename, and seconds from being connected to serving; None of neither."""
    rename = _SWITCH.search(ended.stderr)
    if ended.code != 0 or rename is None:
        return None
    outcome: dict[str, Any] = json.loads(ended.stdout)
    return float(rename.group(1)), float(outcome["serving_seconds"])


def jobs_left(stage: Stage) -> int:
    """Jobs that the worker has not done when it was given the time."""

    def pending() -> int:
        return int(stage.sql("select count(*) from items where state <> 'done'"))

    stages.until(lambda: pending() == 0, stages.JOBS_SECONDS)
    return pending()


# -- what is done; each function prepares a run and returns what is done under load ----------------


def _typed(stage: Stage, *words: str) -> Callable[[], Ended]:
    return lambda: Typed(stage.scene, *words, "--json").end()


def _deploy(stage: Stage) -> Callable[[], Ended]:
    return _typed(stage, "vps.deploy", *stage.image(stage.other()))


def _warm(stage: Stage) -> Callable[[], Ended]:
    return _typed(stage, "vps.rollback", "--to", stage.earlier("warm"))


def _cold(stage: Stage) -> Callable[[], Ended]:
    return _typed(stage, "vps.rollback", "--to", stage.earlier("good"))


def _unwell(stage: Stage) -> Callable[[], Ended]:
    words = ("vps.deploy", *stage.image("unwell"))
    stage.scene.write_hosts(health_seconds=HEALTH_SECONDS)

    def act() -> Ended:
        try:
            return _typed(stage, *words)()
        finally:
            stage.scene.write_hosts()

    return act


def _trips(stage: Stage) -> Callable[[], Ended]:
    return _typed(stage, "vps.deploy", *stage.image("trips"))


def _worker(stage: Stage) -> Callable[[], None]:
    name = f"{stages.APP}-{stage.link()}-worker"

    def act() -> None:
        stage.root("docker", "stop", name)
        time.sleep(2)
        stage.root("docker", "start", name)

    return act


def _caddy(stage: Stage) -> Callable[[], None]:
    return lambda: _nothing(stage.root("docker", "restart", f"{stages.APP}-caddy"))


def _reboot(stage: Stage) -> Callable[[], None]:
    def act() -> None:
        stage.scene.server.power_off()
        stage.scene.server.boot()
        if not stage.back():
            raise ToolError("it does not serve again by itself", where=stage.scene.server.name)

    return act


def _nothing(_: object) -> None:
    """Forget a result."""


WHAT: dict[str, Callable[[Stage], Callable[[], Ended | None]]] = {
    "deploy": _deploy,
    "warm rollback": _warm,
    "cold rollback": _cold,
    "failing health": _unwell,
    "failing migration": _trips,
    "worker stop": _worker,
    "Caddy restart": _caddy,
    "server reboot": _reboot,
}
