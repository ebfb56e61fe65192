"""Version numbers as tools print them, and ranges of them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Every tool of the table prints other dotted numbers, if any, only after its own.
_DOTTED = re.compile(r"\d+(?:\.\d+)+")


def parse(output: str) -> str:
    """The version in what a tool says about itself; empty if there is none."""
    found = _DOTTED.search(output)
    return found[0] if found else ""


def numbers(version: str) -> tuple[int, ...]:
    """``2.40.3`` as ``(2, 40, 3)``, for comparing."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Range:
    """Versions from *least* up to, and without, *below*."""

    least: str
    below: str

    def __contains__(self, version: str) -> bool:
        return numbers(self.least) <= numbers(version) < numbers(self.below)

    def __str__(self) -> str:
        return f">={self.least},<{self.below}"
