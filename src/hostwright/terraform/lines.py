"""Where in a directory's files the blocks of a configuration stand, so that findings can say it.

Files are taken as ``terraform fmt`` leaves them: a block begins at the margin and ends at the next
``}`` there, what is directly in it is indented by two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_HEAD = re.compile(r'(\w+)((?:\s+"[^"]*")*)\s*\{')
_LABEL = re.compile(r'"([^"]*)"')
_WITHIN = re.compile(r"  (\w+)(?:\s+\"[^\"]*\")*\s*(?:=\s*(?P<value>.*)|\{.*)$")
#: The blocks whose names are written without their kind.
_BARE = ("resource", "module")
_SHORT = {"variable": "var"}


class Place(NamedTuple):
    """A file, relative to the directory, and a line from 1; ``("", 0)`` is nowhere."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


class Inside(NamedTuple):
    """An argument or block directly in a block; *value* is the rest of its first line."""

    name: str
    line: int
    value: str


@dataclass(frozen=True)
class SourceBlock:
    """One top-level block, as it is written."""

    kind: str
    labels: tuple[str, ...]
    place: Place
    inside: tuple[Inside, ...]

    @property
    def address(self) -> str:
        """``aws_vpc.main``, ``data.aws_region.here``, ``var.region`` or ``output.url``."""
        kind = _SHORT.get(self.kind, self.kind)
        words = self.labels if self.kind == "resource" else (kind, *self.labels)
        return ".".join(words)

    def argument(self, name: str) -> str:
        """The first line of an argument's expression; empty if it is not set."""
        return next((each.value for each in self.inside if each.name == name), "")

    def count(self, name: str) -> int:
        """How many arguments or blocks of this name are directly in it."""
        return sum(each.name == name for each in self.inside)


@dataclass(frozen=True)
class Sources:
    """The blocks of a directory's files."""

    blocks: tuple[SourceBlock, ...]
    _places: Mapping[str, Place]

    def place(self, address: str) -> Place:
        """Where something is defined.

        Args:
            address: ``aws_vpc.main["a"]``, ``data.aws_region.here``, ``var.region``,
                ``local.name``, ``output.url``, ``provider.aws``, ``module.x``; indexes are
                ignored. With an argument's name behind it (``aws_vpc.main.tags``), the argument's
                line, if it is directly in the block.
        """
        words = _without_indexes(address).split(".")
        for end in range(len(words), 0, -1):
            found = self._places.get(".".join(words[:end]))
            if found:
                return found
        return NOWHERE

    def of_kind(self, kind: str) -> tuple[SourceBlock, ...]:
        """The blocks of one kind: ``resource``, ``data``, ``variable``, ``provider``."""
        return tuple(block for block in self.blocks if block.kind == kind)


def read(directory: Path) -> Sources:
    """Read the ``.tf`` files of a directory."""
    blocks = tuple(
        block
        for file in sorted(directory.glob("*.tf"))
        for block in scan(file.name, file.read_text(encoding="utf-8"))
    )
    places: dict[str, Place] = {}
    for address, place in (found for block in blocks for found in _of(block)):
        # Of several blocks of one kind, the first.
        places.setdefault(address, place)
    return Sources(blocks, places)


def scan(file: str, text: str) -> Iterator[SourceBlock]:
    """The blocks of one file's text."""
    head: re.Match[str] | None = None
    start = 0
    inside: list[Inside] = []
    for number, line in enumerate(text.splitlines(), 1):
        if head is None:
            head, start, inside = _HEAD.match(line), number, []
            closed = head is not None and line.rstrip().endswith("}")
        else:
            closed = line.startswith("}")
            if found := _WITHIN.match(line):
                inside.append(Inside(found[1], number, (found["value"] or "").strip()))
        if head is not None and closed:
            labels = tuple(_LABEL.findall(head[2]))
            yield SourceBlock(head[1], labels, Place(file, start), tuple(inside))
            head = None


def _without_indexes(address: str) -> str:
    """An address without its keys, which may refer to something with keys of its own."""
    kept, depth = "", 0
    for letter in address:
        depth += letter == "["
        kept += letter if depth == 0 else ""
        depth -= letter == "]"
    return kept


def _of(block: SourceBlock) -> Iterator[tuple[str, Place]]:
    file = block.place.file
    if block.kind == "locals":
        yield from ((f"local.{each.name}", Place(file, each.line)) for each in block.inside)
        return
    yield block.address, block.place
    for each in block.inside:
        yield f"{block.address}.{each.name}", Place(file, each.line)
