"""Regions of Markdown that are filled: between ``<!-- generated: NAME -->`` and its end. Pure.

A marker stands on a line of its own. In a block of code it is text like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Known = Mapping[str, Callable[[], Iterable[str]]]

END = "<!-- /generated -->"
_BEGIN = re.compile(r"<!-- generated: (\S+) -->")
#: What was meant for a marker, if it stands outside of code.
_LIKE = re.compile(r"<!--\s*/?\s*generated\b")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


def has_any(text: str) -> bool:
    """Whether there may be a region in *text*."""
    return _LIKE.search(text) is not None


def fill(text: str, file: str, known: Known) -> str:
    """*text* with every region filled with what *known* gives for its name.

    Raises:
        UserError: A name is not known, a region has no end or no begin, or one is in another.
    """
    page = _Page(file, known)
    for number, line in enumerate(text.split("\n"), 1):
        page.take(number, line)
    page.close()
    return "\n".join(page.lines)


@dataclass
class _Page:
    """A page while it is read, line by line."""

    file: str
    known: Known
    lines: list[str] = field(default_factory=list)
    #: The line of the region that is open; 0 where none is.
    open: int = 0
    name: str = ""
    #: What ends the block of code that is open.
    fence: str = ""

    def take(self, number: int, line: str) -> None:
        begin = None if self.fence else _BEGIN.fullmatch(line)
        if begin:
            self.begin(number, begin[1])
        elif line == END and not self.fence:
            self.end(number)
        elif not self.fence and _LIKE.search(_CODE.sub("", line)):
            raise self.wrong(
                number,
                "a marker that is none",
                f"Write `<!-- generated: NAME -->` or `{END}`, alone on its line.",
            )
        elif not self.open:
            self.keep(line)

    def keep(self, line: str) -> None:
        self.lines.append(line)
        mark = _FENCE.match(line)
        if not mark:
            return
        if not self.fence:
            self.fence = mark[1]
        elif mark[1].startswith(self.fence) and line.strip() == mark[1]:
            self.fence = ""

    def begin(self, number: int, name: str) -> None:
        if self.open:
            raise self.wrong(number, f"region {name} begins in region {self.name}", f"Write {END}.")
        if name not in self.known:
            every = ", ".join(sorted(self.known))
            raise self.wrong(number, f"there is no generated text {name!r}", f"Known: {every}.")
        self.open, self.name = number, name
        self.lines += [f"<!-- generated: {name} -->", "", *self.known[name](), "", END]

    def end(self, number: int) -> None:
        if not self.open:
            raise self.wrong(number, "a region ends that never began", "Remove the line.")
        self.open = 0

    def close(self) -> None:
        if self.open:
            raise self.wrong(self.open, f"region {self.name} has no end", f"Write {END} below it.")

    def wrong(self, number: int, what: str, remedy: str) -> UserError:
        return UserError(what, where=f"{self.file}:{number}", remedy=remedy)
