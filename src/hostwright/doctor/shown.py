"""The report as text: sections of a table with colours, aligned lines, or one JSON document."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from hostwright.contract.models import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.contract.models import TargetName
    from hostwright.doctor.model import Line

_COLOURS = {"ok": "green", "note": "yellow", "missing": "bold red"}
#: Wider than this a line is no longer read as one.
_WIDEST = 140


def as_json(lines: Sequence[Line], code: int) -> str:
    """The report for programs: ``{"exit_code": …, "lines": [{"section": …, …}, …]}``."""
    from json import dumps

    return dumps({"exit_code": code, "lines": [asdict(line) for line in lines]}, indent=2)


def drawn(lines: Sequence[Line], asked: Sequence[TargetName], *, table: bool) -> str:
    """The report for people: tables with colours, or plain aligned lines."""
    body = _tables(lines) if table else _plain(lines)
    return f"{body}\n{_verdict(lines, asked)}"


def _sections(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    for name, found in groupby(lines, key=lambda line: line.section):
        yield name, list(found)


def _plain(lines: Sequence[Line]) -> str:
    widths = [max(map(len, column)) for column in zip(*map(_head, lines), strict=True)]
    indent = " " * (sum(widths) + 2 * len(widths))
    rows = []
    for name, found in _sections(lines):
        rows.append(name)
        for line in found:
            head = "  ".join(
                cell.ljust(width) for cell, width in zip(_head(line), widths, strict=True)
            )
            first, *more = [*_words(line).splitlines(), *line.remedy.splitlines()]
            rows += [f"{head}  {first}", *(f"{indent}{text}" for text in more)]
    return "\n".join(rows)


def _head(line: Line) -> tuple[str, str]:
    return line.severity, line.subject


def _words(line: Line) -> str:
    """Version and path in front of the reason, as far as there are any."""
    found = " ".join(part for part in (line.version, line.used) if part)
    origin = "packaged; " if line.origin == "package" else ""
    return ": ".join(part for part in (found, f"{origin}{line.why}") if part)


def _tables(lines: Sequence[Line]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    subject = max(len(line.subject) for line in lines)
    screen = min(shutil.get_terminal_size().columns, _WIDEST)
    console = Console(file=StringIO(), force_terminal=True, width=screen)
    with console.capture() as captured:
        for name, found in _sections(lines):
            table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
            table.add_column(width=max(map(len, _COLOURS)), no_wrap=True)
            table.add_column(width=min(subject, screen // 3), overflow="fold")
            table.add_column(overflow="fold")
            for line in found:
                state = Text(line.severity, _COLOURS[line.severity])
                text = Text(_words(line)).append(_advice(line), "dim")
                table.add_row(state, Text(line.subject), text)
            console.print(Text(name, "bold"))
            console.print(table)
            console.print()
    return captured.get().rstrip("\n") + "\n"


def _advice(line: Line) -> str:
    return f"\n{line.remedy}" if line.remedy else ""


def _verdict(lines: Sequence[Line], asked: Sequence[TargetName]) -> str:
    missing = [line for line in lines if line.severity == "missing"]
    notes = sum(line.severity == "note" for line in lines)
    told = ", ".join(_missed(missing))
    whole = f"{' and '.join(asked)}: nothing is missing" if asked else "every Invoke task can start"
    return f"{f'missing: {told}' if told else whole}; {notes} note{'' if notes == 1 else 's'}"


def _missed(lines: Sequence[Line]) -> Iterator[str]:
    """Tools by their names, what targets lack by its number."""
    for section, found in _sections(lines):
        if section in TARGETS:
            yield f"{len(found)} for {section}"
        else:
            yield from (line.subject for line in found)
