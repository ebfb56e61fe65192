"""What this machine has of what hostwright needs, and why each tool was chosen.

Facts are read by :func:`look`, judged by :func:`report` (pure) and drawn by :func:`drawn`. A tool
that an Invoke task cannot do without and that cannot be had is *missing*; anything else that is
not there is a *note*, which does not fail.
"""

from __future__ import annotations

import platform
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hostwright import paths, toolchain
from hostwright.errors import ToolError
from hostwright.run import run as run_tool
from hostwright.toolchain.search import asked, remedy
from hostwright.toolchain.table import LOCAL_IMAGES, TOOLS, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Severity = Literal["ok", "note", "missing"]

#: The sessions that boot throwaway servers.
SERVERS = "nox -s demo and nox -s e2e_vps"
#: What the servers' root file systems and images may take below the cache directory.
CACHE_BYTES = 4 * 1024**3
_GIB = 1024**3
#: Seconds the engine may take to answer; one that is starting takes longer, and is not ready.
_ENGINE_PATIENCE = 10.0


@dataclass(frozen=True)
class ToolFact:
    """What became of looking for one tool: *tool*, or the *error* that says why there is none."""

    wanted: Wanted
    tool: toolchain.Tool | None = None
    #: What the tool said when it was started; empty where it has nothing to say.
    version: str = ""
    error: str = ""


@dataclass(frozen=True)
class Facts:
    """What was found on this machine."""

    python: str
    interpreter: Path
    #: What throwaway servers need and this machine has not: names and remedies.
    lacking: tuple[tuple[str, str], ...]
    cache: Path
    cache_free: int
    #: Version of the Docker engine that answers; empty if none does.
    engine: str
    tools: tuple[ToolFact, ...]


@dataclass(frozen=True)
class Line:
    """One row of the report; *used* is a path or command line as people read it."""

    subject: str
    severity: Severity
    version: str
    origin: str
    used: str
    why: str
    remedy: str = ""


def run(json: bool, say: Callable[[str], None]) -> int:  # noqa: FBT001 - the task's flag
    """Say what this machine has.

    Args:
        json: Say one JSON document instead of a table.
        say: Takes the text.

    Returns:
        0, or ToolError's exit code if something an Invoke task needs is missing.
    """
    lines = report(look())
    code = exit_code(lines)
    say(as_json(lines, code) if json else drawn(lines, table=sys.stdout.isatty()))
    return code


def exit_code(lines: Iterable[Line]) -> int:
    """0, or ToolError's exit code if a line says *missing*."""
    return ToolError.exit_code if any(line.severity == "missing" for line in lines) else 0


def look() -> Facts:
    """Read the facts; every tool is really started, to see that it can be."""
    from hostwright.rig import requirements

    needs = requirements.missing(requirements.gather())
    with ThreadPoolExecutor() as pool:
        engine = pool.submit(_engine)
        tools = tuple(pool.map(_tool_fact, TOOLS.values()))
    cache = paths.cache()
    return Facts(
        python=platform.python_version(),
        interpreter=Path(sys.executable),
        lacking=tuple((need.name, need.remedy) for need in needs),
        cache=cache,
        cache_free=shutil.disk_usage(_existing(cache)).free,
        engine=engine.result(),
        tools=tools,
    )


def report(facts: Facts) -> list[Line]:
    """The facts, judged: this Python, the tools in the table's order, then the machine; pure."""
    tools = [_tool_line(fact) for fact in facts.tools]
    return [_python(facts), *tools, _engine_line(facts), _servers(facts), _cache(facts)]


def as_json(lines: Sequence[Line], code: int) -> str:
    """The report for programs: ``{"exit_code": …, "lines": [{…}, …]}``."""
    from json import dumps

    return dumps({"exit_code": code, "lines": [asdict(line) for line in lines]}, indent=2)


def drawn(lines: Sequence[Line], *, table: bool) -> str:
    """The report for people: a table with colours, or plain aligned lines."""
    body = _table(lines) if table else _plain(lines)
    return f"{body}\n{_verdict(lines)}"


# --- judging -----------------------------------------------------------------------------------


def _python(facts: Facts) -> Line:
    return Line(
        "python", "ok", facts.python, "path", paths.shown(facts.interpreter), "running this"
    )


def _tool_line(fact: ToolFact) -> Line:
    wanted, tool = fact.wanted, fact.tool
    if tool is None:
        severity: Severity = "missing" if wanted.essential else "note"
        why = f"{fact.error} (needed for {', '.join(wanted.needed_by)})"
        return Line(wanted.name, severity, "", "", "", why, remedy(wanted))
    used = " ".join((_short(Path(tool.argv[0])), *tool.argv[1:]))
    return Line(wanted.name, "ok", fact.version, tool.origin, used, tool.why)


def _short(program: Path) -> str:
    """The path without the middle that every packaged program has in common."""
    library = Path(sysconfig.get_path("platlib"))
    if program.is_relative_to(library):
        return f"{paths.shown(Path(sys.prefix))}/…/{program.relative_to(library)}"
    return paths.shown(program)


def _engine_line(facts: Facts) -> Line:
    if facts.engine:
        return Line("docker engine", "ok", facts.engine, "", "", "answers")
    why = f"no engine answers (needed for {LOCAL_IMAGES}; throwaway servers have their own)"
    advice = "Start one, set DOCKER_HOST, or deploy images from a registry."
    return Line("docker engine", "note", "", "", "", why, advice)


def _servers(facts: Facts) -> Line:
    if not facts.lacking:
        return Line("throwaway servers", "ok", "", "", "", f"can boot ({SERVERS})")
    names = ", ".join(name for name, _ in facts.lacking)
    advice = "\n".join(dict.fromkeys(remedy for _, remedy in facts.lacking))
    return Line("throwaway servers", "note", "", "", "", f"no {names} ({SERVERS})", advice)


def _cache(facts: Facts) -> Line:
    free = f"{facts.cache_free / _GIB:.1f} GiB free"
    used = paths.shown(facts.cache)
    if facts.cache_free >= CACHE_BYTES:
        return Line("cache", "ok", "", "", used, free)
    why = f"{free}, and throwaway servers may take {CACHE_BYTES // _GIB} GiB"
    return Line("cache", "note", "", "", used, why, "Make room, or set HOSTWRIGHT_CACHE.")


# --- reading -----------------------------------------------------------------------------------


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
        return run_tool(question, timeout=_ENGINE_PATIENCE).stdout.strip()
    except ToolError:
        return ""


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


# --- drawing -----------------------------------------------------------------------------------


def _plain(lines: Sequence[Line]) -> str:
    cells = [(line.severity, line.subject, line.version, line.origin) for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = []
    for line, row in zip(lines, cells, strict=True):
        head = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        rows.append(f"{head}  {_words(line)}".rstrip())
        rows += [f"{' ' * (widths[0] + 2)}{text}" for text in line.remedy.splitlines()]
    return "\n".join(rows)


def _words(line: Line) -> str:
    return ": ".join(part for part in (line.used, line.why) if part)


def _table(lines: Sequence[Line]) -> str:
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "note": "yellow", "missing": "bold red"}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("", "what", "version", "from", "which, and why"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        state = Text(line.severity, colours[line.severity])
        text = "\n".join(part for part in (_words(line), line.remedy) if part)
        table.add_row(state, *map(Text, (line.subject, line.version, line.origin, text)))
    screen = shutil.get_terminal_size().columns
    console = Console(file=StringIO(), force_terminal=True, width=screen)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _verdict(lines: Sequence[Line]) -> str:
    missing = [line.subject for line in lines if line.severity == "missing"]
    notes = sum(line.severity == "note" for line in lines)
    head = f"missing: {', '.join(missing)}" if missing else "every Invoke task can run here"
    return f"{head}; {notes} note{'' if notes == 1 else 's'}"
