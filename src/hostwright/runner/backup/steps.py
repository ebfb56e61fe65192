"""Say what is being done, as an operation's phases do, and how long it took."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..operation import Host


@contextlib.contextmanager
def step(host: Host, phase: str) -> Iterator[list[str]]:
    """One step; the words that are put into the list are said at its end."""
    host.events.emit("begin", phase=phase)
    began = time.monotonic()
    words: list[str] = []
    yield words
    facts = {"text": "; ".join(words)} if words else {}
    host.events.emit("phase", phase=phase, seconds=round(time.monotonic() - began, 3), **facts)


def size(count: int) -> str:
    """Bytes for people."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":  # noqa: PLR2004 - of a decimal unit
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
