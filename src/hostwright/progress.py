"""Show what is going on: live on a terminal, a line a step elsewhere; always on standard error.

Standard output is left to results, so that ``--json`` can be piped while people watch.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status


class Progress:
    """Steps with their elapsed time. As a context manager it restores the terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._live: Status | None = None
        self._step = ""
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quiet()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def begin(self, text: str) -> None:
        """A step begins; on a terminal it turns until it ends."""
        self._quiet()
        self._step = text
        if self._console.is_terminal:
            self._live = self._console.status(f"[dim]{self.elapsed:6.1f} s[/]  {_safe(text)}")
            self._live.start()

    def end(self, text: str, seconds: float) -> None:
        """A step has ended after *seconds*."""
        self._quiet()
        self._console.print(f"[green]{seconds:6.2f} s[/]  {_safe(text)}")

    def note(self, text: str) -> None:
        """Something worth a line."""
        live = self._live is not None
        self._quiet()
        self._console.print(f"          {_safe(text)}", style="dim")
        if live:
            self.begin(self._step)

    def sent(self, done: int, whole: int) -> None:
        """How far an upload is; shown on a terminal only."""
        if self._live:
            self._live.update(f"[dim]sending[/] {done / 1e6:.1f} of {whole / 1e6:.1f} MB")

    def last(self, text: str) -> None:
        """The closing line."""
        self._quiet()
        self._console.print(_safe(text), style="bold")

    def _quiet(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def plain(text: str) -> None:
    """One line on standard error, without Rich (start-up cost)."""
    sys.stderr.write(f"{text}\n")
