"""The report for people: findings by file, the matrix, the verdict."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from hostwright.checks.ids import TOOLS
from hostwright.report.matrix import INITIALS, LOCK, OPEN, combined, rows
from hostwright.report.model import Report, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from hostwright.checks.finding import Finding
    from hostwright.report.matrix import Row

#: What a table must fit into where the terminal says nothing.
COLUMNS = 80


def plain(report: Report) -> str:
    """The matrix and one line a finding, for logs and pipes; then the verdict."""
    lines = [line for grid in _grids(report) for line in _plain_grid(grid)]
    lines += [str(finding) for finding in report.findings]
    if report.exempted:
        lines.append(_exempted(report.exempted))
    lines += _notes(report)
    return "\n".join([*lines, verdict(report)])


class Grid(NamedTuple):
    """A matrix to be shown: its name, its columns, its rows, and what its signs mean."""

    name: str
    title: str
    columns: list[str]
    rows: list[Row]
    legend: str


def _grids(report: Report) -> Iterator[Grid]:
    """The matrix of what was rendered: by role, or by target where there are several."""
    every = [part.rendered for part in report.parts if part.rendered]
    if not report.contract or not every:
        return
    if len(every) == 1:
        [one] = every
        found = rows(report.contract, one.target, one)
        title = f"{one.target}: what each role gets, as rendered"
        yield Grid(one.target, title, list(one.roles), found, _legend(found))
        return
    found = combined(report.contract, every)
    title = "which roles get what on each target, as rendered"
    letters = ", ".join(f"{letter} {role}" for role, letter in INITIALS.items())
    yield Grid("", title, [one.target for one in every], found, f"{letters}; {_legend(found)}")


def _plain_grid(grid: Grid) -> Iterator[str]:
    table = [(grid.name, *grid.columns)]
    table += [(row.name, *(row.cells.get(key, "-") for key in grid.columns)) for row in grid.rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        line = zip(cells, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in line).rstrip()
    yield grid.legend


def _legend(found: list[Row]) -> str:
    told = f"{LOCK} secret, in a file of mode 0600 or a secret store"
    exposed = any(cell.endswith(OPEN) for row in found for cell in row.cells.values())
    return f"{told}; {OPEN} secret in readable configuration" if exposed else told


def drawn(report: Report, width: int = COLUMNS, *, colour: bool = True) -> str:
    """Tables for a terminal of *width* columns; then the verdict."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    with console.capture() as captured:
        for table in (*_matrices(report), *_findings(report)):
            console.print(table)
        for note in _notes(report):
            console.print(Text(note, "dim"))
        style = "bold red" if report.findings else "bold green"
        console.print(Text(verdict(report), style), soft_wrap=True)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _notes(report: Report) -> list[str]:
    """What was proven against what, and what was not run."""
    proofs = [f"{part.name}: {proof.sentence}" for part in report.parts for proof in part.proofs]
    missed = [f"{part.name}: not run: {item}" for part in report.parts for item in part.not_run]
    return [*proofs, *missed]


def _findings(report: Report) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for file, found in groupby(report.findings, key=_file):
        table = Table(title=Text(file, "bold"), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("line", justify="right", no_wrap=True)
        table.add_column("finding", overflow="fold", ratio=1)
        for finding in found:
            table.add_row(str(finding.line or "-"), _told(finding))
        yield table
    if report.exempted:
        yield Text(_exempted(report.exempted), "dim")


def _file(finding: Finding) -> str:
    return finding.file


def _exempted(findings: list[Finding]) -> str:
    counts = Counter(_family(finding.check) for finding in findings)
    told = ", ".join(f"{check} ({count})" for check, count in counts.items())
    return f"{len(findings)} exempted until a stated day: {told}"


def _family(check: str) -> str:
    """The tool whose rule it is, or the check itself."""
    return next((tool.rstrip("-") for tool in TOOLS if check.startswith(tool)), check)


def _told(finding: Finding) -> RenderableType:
    from rich.text import Text

    subject = ".".join(part for part in (finding.role, finding.variable) if part)
    told = Text()
    if subject:
        told.append(f"{subject}: ", "bold")
    told.append(f"{finding.message}. ")
    told.append(finding.remedy, "green")
    told.append(f" [{finding.check}]", "dim")
    return told


def _matrices(report: Report) -> Iterator[RenderableType]:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for grid in _grids(report):
        table = Table(
            title=Text(grid.title, "bold"),
            title_justify="left",
            caption=grid.legend,
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        table.add_column("variable", overflow="fold")
        for column in grid.columns:
            table.add_column(column, no_wrap=True)
        for row in grid.rows:
            table.add_row(row.name, *(row.cells.get(key, "") for key in grid.columns))
        yield table
