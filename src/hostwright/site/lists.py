"""Lists as GitHub reads them, written as Python-Markdown does, which the site is rendered with.

What belongs to an item of a list is indented to the item's text: by two spaces after ``- ``, by
three after ``1. ``. Python-Markdown wants four a level, and an empty line before a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LEVEL = "    "
_ITEM = re.compile(r"(?P<indent> *)(?P<marker>[-*+]|\d{1,9}[.)])(?P<space> +)(?=\S)")
_FENCE = re.compile(r" *(?P<mark>`{3,}|~{3,})")


def respaced(text: str) -> str:
    """The same Markdown with lists that Python-Markdown reads as GitHub does."""
    reader = _Reader()
    return "\n".join(told for line in text.split("\n") for told in reader.read(line))


@dataclass
class _Reader:
    """Reads line by line; knows which items of lists are open.

    Attributes:
        offsets: Column at which the text of each open item begins, outermost first.
        fence: The mark that closes the fence that is open.
        before: The line before.
    """

    offsets: list[int] = field(default_factory=list)
    fence: str = ""
    before: str = ""

    def read(self, line: str) -> list[str]:
        """The line as it is to be written, perhaps after an empty one."""
        told = self._fenced(line) if self.fence else self._plain(line)
        self.before = line
        return told

    def _fenced(self, line: str) -> list[str]:
        if line.strip().startswith(self.fence):
            self.fence = ""
        return [self._moved(line)]

    def _plain(self, line: str) -> list[str]:
        if not line.strip():
            return [""]
        item = _ITEM.match(line)
        first = bool(item and not self.offsets and self.before.strip())
        self._close(line, starts=bool(item))
        told = self._moved(line)
        if item:
            self.offsets.append(item.end())
        elif mark := _FENCE.match(line):
            self.fence = mark["mark"]
        return ["", told] if first else [told]

    def _close(self, line: str, *, starts: bool) -> None:
        """End the items that the line does not belong to."""
        indent = len(line) - len(line.lstrip(" "))
        if not starts and self.before.strip() and not _FENCE.match(line):
            return  # a paragraph goes on, however it is indented
        while self.offsets and indent < self.offsets[-1]:
            self.offsets.pop()

    def _moved(self, line: str) -> str:
        """The line, four columns further in for each open item."""
        if not line.strip():
            return ""
        offset = self.offsets[-1] if self.offsets else 0
        indent = len(line) - len(line.lstrip(" "))
        return LEVEL * len(self.offsets) + line[min(offset, indent) :]
