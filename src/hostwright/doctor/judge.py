"""What the facts mean: a line for each, and the exit code. Pure.

What every task needs is *missing* where it is not there. What one target needs is *missing* if that
target was asked for, and else a *note*: nobody hosts on all five.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.doctor import targets
from hostwright.doctor.model import Line
from hostwright.errors import ToolError
from hostwright.toolchain.search import remedy
from hostwright.toolchain.table import LOCAL_IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hostwright.contract.models import TargetName
    from hostwright.doctor.model import Facts, Machine, Severity, ToolFact

MACHINE = "this machine"
TOOLS = "tools"
#: The sessions that boot throwaway servers.
SERVERS = "nox -s demo and nox -s e2e_vps"
#: What the servers' root file systems and images may take below the cache directory.
CACHE_BYTES = 4 * 1024**3
_GIB = 1024**3


def report(facts: Facts, asked: Sequence[TargetName] = ()) -> list[Line]:
    """A line for each fact: this machine, its tools in the table's order, then the targets."""
    machine = facts.machine
    here = [_python(machine), _engine(machine), _servers(machine), _cache(machine)]
    return [*here, *map(_tool, machine.tools), *targets.report(facts, asked)]


def exit_code(lines: Iterable[Line]) -> int:
    """0, or ToolError's exit code if a line says *missing*."""
    return ToolError.exit_code if any(line.severity == "missing" for line in lines) else 0


def _python(facts: Machine) -> Line:
    used = paths.shown(facts.interpreter)
    return Line(MACHINE, "python", "ok", "running this", version=facts.python, used=used)


def _tool(fact: ToolFact) -> Line:
    wanted, tool = fact.wanted, fact.tool
    if tool is None:
        why = f"{fact.error} (needed for {', '.join(wanted.needed_by)})"
        severity: Severity = "missing" if wanted.essential else "note"
        return Line(TOOLS, wanted.name, severity, why, remedy(wanted))
    used = " ".join((_short(Path(tool.argv[0])), *tool.argv[1:]))
    return Line(
        TOOLS, wanted.name, "ok", tool.why, version=fact.version, origin=tool.origin, used=used
    )


def _short(program: Path) -> str:
    """The path without the middle that every packaged program has in common."""
    library = Path(sysconfig.get_path("platlib"))
    if program.is_relative_to(library):
        return f"{paths.shown(Path(sys.prefix))}/…/{program.relative_to(library)}"
    return paths.shown(program)


def _engine(facts: Machine) -> Line:
    if facts.engine:
        return Line(MACHINE, "docker engine", "ok", "answers", version=facts.engine)
    why = f"no engine answers (needed for {LOCAL_IMAGES}; throwaway servers have their own)"
    advice = "Start one, set DOCKER_HOST, or deploy images from a registry."
    return Line(MACHINE, "docker engine", "note", why, advice)


def _servers(facts: Machine) -> Line:
    if not facts.lacking:
        return Line(MACHINE, "throwaway servers", "ok", f"can boot ({SERVERS})")
    names = ", ".join(name for name, _ in facts.lacking)
    advice = "\n".join(dict.fromkeys(remedy for _, remedy in facts.lacking))
    return Line(MACHINE, "throwaway servers", "note", f"no {names} ({SERVERS})", advice)


def _cache(facts: Machine) -> Line:
    free = f"{facts.cache_free / _GIB:.1f} GiB free"
    used = paths.shown(facts.cache)
    if facts.cache_free >= CACHE_BYTES:
        return Line(MACHINE, "cache", "ok", free, used=used)
    why = f"{free}, and throwaway servers may take {CACHE_BYTES // _GIB} GiB"
    return Line(MACHINE, "cache", "note", why, "Make room, or set HOSTWRIGHT_CACHE.", used=used)
