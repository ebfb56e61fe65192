"""The report for people: findings by file, the matrix, the verdict."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from hostwright.report.matrix import LOCK, OPEN, rows
from hostwright.report.model import Report, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Contract
    from hostwright.report.matrix import Row
    from hostwright.report.model import Part

#: What a table must fit into where the terminal says nothing.
COLUMNS = 80


def plain(report: Report) -> str:
    """The matrix and one line a finding, for logs and pipes; then the verdict."""
    lines = [line for part in report.parts for line in _plain_matrix(report.contract, part)]
    lines += [str(finding) for finding in report.findings]
    if report.exempted:
        lines.append(_exempted(report.exempted))
    return "\n".join([*lines, verdict(report)])


def _plain_matrix(contract: Contract | None, part: Part) -> Iterator[str]:
    if not part.rendered or not contract:
        return
    roles = list(part.rendered.roles)
    found = rows(contract, part.rendered.target, part.rendered)
    table = [(part.name, *roles)]
    table += [(row.name, *(row.cells.get(role, "-") for role in roles)) for row in found]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        line = zip(cells, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in line).rstrip()
    yield _legend(found)


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
        style = "bold red" if report.findings else "bold green"
        console.print(Text(verdict(report), style), soft_wrap=True)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


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
    counts = Counter(finding.check for finding in findings)
    told = ", ".join(f"{check} ({count})" for check, count in counts.items())
    return f"{len(findings)} exempted until a stated day: {told}"


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
    for part in report.parts:
        if part.rendered and report.contract:
            yield _matrix(report.contract, part)


def _matrix(contract: Contract, part: Part) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if part.rendered is None:
        raise ValueError("a part that was not rendered has no matrix")
    found = rows(contract, part.rendered.target, part.rendered)
    table = Table(
        title=Text(f"{part.name}: what each role gets, as rendered", "bold"),
        title_justify="left",
        caption=_legend(found),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("variable", overflow="fold")
    for role in part.rendered.roles:
        table.add_column(role, no_wrap=True)
    for row in found:
        table.add_row(row.name, *(row.cells.get(role, "") for role in part.rendered.roles))
    return table
