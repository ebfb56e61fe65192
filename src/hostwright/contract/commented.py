"""A YAML file of defaults, each with the ``# --`` comment above it. Pure.

A comment that explains begins with ``# --`` and goes on to the line before its key; anything else
that begins with ``#`` is for whoever reads the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright.contract.located import parse
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.contract.located import Located

_COMMENT = re.compile(r"^\s*#\s?(?P<text>.*)$")


@dataclass(frozen=True)
class Default:
    """One key.

    Args:
        path: The keys that lead to it, its own last.
        value: What it is if nobody says otherwise.
        comment: What it means; empty where the file does not say.
    """

    path: tuple[str, ...]
    value: Any
    comment: str = ""

    @property
    def dotted(self) -> str:
        """The path as people write it."""
        return ".".join(self.path)

    @property
    def is_block(self) -> bool:
        """Whether it has keys of its own that the file lists."""
        return isinstance(self.value, dict) and bool(self.value)


def read(text: str, shown: str) -> list[Default]:
    """Every key of the file, blocks before what is in them.

    Args:
        text: The file.
        shown: How errors name it.

    Raises:
        UserError: It is not YAML, or no mapping.
    """
    document = parse(text, shown, UserError)
    if not isinstance(document.data, dict):
        raise UserError("is no mapping of keys to defaults", where=shown)
    lines = text.splitlines()
    return list(_below(document, lines, (), document.data))


def _below(
    document: Located, lines: list[str], path: tuple[str, ...], data: dict[str, Any]
) -> Iterator[Default]:
    for key, value in data.items():
        own = (*path, str(key))
        found = Default(own, value, _comment(lines, document.line(own) - 1))
        yield found
        if found.is_block:
            yield from _below(document, lines, own, value)


def _comment(lines: list[str], at: int) -> str:
    """The comment that ends on the line before the one at *at*."""
    words: list[str] = []
    for line in reversed(lines[:at]):
        found = _COMMENT.match(line)
        if not found:
            return ""
        words.insert(0, found["text"].removeprefix("--").strip())
        if found["text"].startswith("--"):
            return " ".join(words)
    return ""
