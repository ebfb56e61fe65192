"""Pieces of Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: What stands in a cell where there is nothing to say.
NOTHING = "-"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; an empty cell gets a dash, and a bar in one stays a bar."""
    yield _row(head)
    yield _row(["---"] * len(head))
    for cells in body:
        yield _row([_cell(cell) for cell in cells])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or NOTHING


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """*text* as inline code; nothing stays nothing."""
    return f"`{text}`" if text else ""
