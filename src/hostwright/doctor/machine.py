"""Read what this machine has, whatever the target: every tool is really started."""

from __future__ import annotations

import platform
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, toolchain
from hostwright.doctor.model import Machine, ToolFact
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain.search import asked
from hostwright.toolchain.table import TOOLS

if TYPE_CHECKING:
    from collections.abc import Collection

    from hostwright.toolchain.table import Wanted

#: Seconds the engine may take to answer; one that is starting takes longer, and is not ready.
_ENGINE_PATIENCE = 10.0


def look(names: Collection[str]) -> Machine:
    """Read the facts, with the tools called *names*."""
    from hostwright.rig import requirements

    needs = requirements.missing(requirements.gather())
    with ThreadPoolExecutor() as pool:
        engine = pool.submit(_engine)
        wanted = [row for name, row in TOOLS.items() if name in names]
        tools = tuple(pool.map(_tool_fact, wanted))
    cache = paths.cache()
    return Machine(
        python=platform.python_version(),
        interpreter=Path(sys.executable),
        lacking=tuple((need.name, need.remedy) for need in needs),
        cache=cache,
        cache_free=shutil.disk_usage(_existing(cache)).free,
        engine=engine.result(),
        tools=tools,
    )


def _tool_fact(wanted: Wanted) -> ToolFact:
    try:
        tool = toolchain.find(wanted.name)
    except ToolError as error:
        return ToolFact(wanted, error=error.what)
    if wanted.apart and tool.origin == "package":
        # What was made for it alone is as it was made; it would take seconds to answer.
        return ToolFact(wanted, tool, tool.version)
    version = asked(tool.argv, wanted.ask, dict(wanted.quiet)) if wanted.ask else ""
    if wanted.ask and not version:
        return ToolFact(wanted, error=f"{paths.shown(Path(tool.argv[0]))} does not start")
    return ToolFact(wanted, tool, version)


def _engine() -> str:
    try:
        client = toolchain.find("docker").argv
        question = (*client, "version", "--format", "{{.Server.Version}}")
        return run(question, timeout=_ENGINE_PATIENCE).stdout.strip()
    except ToolError:
        return ""


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
