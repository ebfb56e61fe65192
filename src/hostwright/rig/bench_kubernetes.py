"""Measure the validation of the chart: against a script of Helm alone, and repeated."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, toolchain
from hostwright.errors import ToolError
from hostwright.rig.bench_clouds import forgetful, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The session as people type it.
SESSION = [sys.executable, "-m", "nox", "--session", "validate_kubernetes"]


def compared(runs: int) -> Iterator[tuple[float, float]]:
    """By turns: a session that remembers nothing, and a script of Helm alone; seconds.

    The session's environment is made before: that is done once, not whenever one validates.
    """
    timed(SESSION, {})
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        scratch = Path(name)
        script = _script(scratch)
        for _ in range(runs):
            ours = timed(SESSION, forgetful(scratch))
            yield ours.seconds, timed(["sh", str(script)], {}).seconds


def again(runs: int) -> list[float]:
    """The same session with nothing changed since: seconds."""
    timed(SESSION, {})
    return [timed(SESSION, {}).seconds for _ in range(runs)]


def _script(scratch: Path) -> Path:
    """What a person would put into a shell script: Helm on each preset, one after another.

    Raises:
        ToolError: The chart has no presets.
    """
    helm = shlex.join(toolchain.provide("helm").argv)
    chart = shlex.quote(str(paths.CHART))
    presets = sorted((paths.CHART / "ci").glob("*-values.yaml"))
    if not presets:
        raise ToolError("there are no presets", where=paths.shown(paths.CHART / "ci"))
    lines = [
        line.format(helm=helm, chart=chart, preset=shlex.quote(str(preset)))
        for preset in presets
        for line in (
            "{helm} lint {chart} --values {preset}",
            "{helm} template app {chart} --values {preset}",
        )
    ]
    script = scratch / "by-hand.sh"
    script.write_text("\n".join(["set -e", *lines, ""]), encoding="utf-8")
    return script
