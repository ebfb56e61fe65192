"""Show what is going on: live on a terminal, a line a step elsewhere; always on standard error.

Standard output is left to results, so that ``--json`` can be piped while people watch.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, Self, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from rich.status import Status


class View(Protocol):
    """Where the progress of one of several hosts is shown, beside that of the others."""

    def begin(self, text: str) -> None:
        """A step begins."""

    def end(self, text: str, seconds: float) -> None:
        """A step has ended."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def sent(self, done: int, whole: int) -> None:
        """How far an upload is."""

    def last(self, text: str) -> None:
        """The closing line."""


#: Set where several hosts are worked on: every progress that begins there is shown by it.
VIEW: ContextVar[View | None] = ContextVar("view", default=None)


class Progress:
    """Steps with their elapsed time. As a context manager it restores the terminal."""

    def __new__(cls) -> Self:
        """The terminal's; or one that speaks to the view of a host, where there is one."""
        return cast("Self", object.__new__(cls if VIEW.get() is None else _Viewed))

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


class _Viewed(Progress):
    """Progress that is shown by the view of its host."""

    def __init__(self) -> None:
        view = VIEW.get()
        if view is None:
            raise AssertionError
        self._view = view
        self._live = None
        self._started = time.monotonic()

    def begin(self, text: str) -> None:
        self._view.begin(text)

    def end(self, text: str, seconds: float) -> None:
        self._view.end(text, seconds)

    def note(self, text: str) -> None:
        self._view.note(text)

    def sent(self, done: int, whole: int) -> None:
        self._view.sent(done, whole)

    def last(self, text: str) -> None:
        self._view.last(text)


class Told:
    """What a step says when it ends."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, text: str) -> None:
        """Say it, instead of the step's name."""
        self.text = text


@contextmanager
def step(progress: Progress, text: str) -> Iterator[Told]:
    """A step: the block is its work, and may say what came of it."""
    begun, told = time.monotonic(), Told()
    progress.begin(text)
    yield told
    progress.end(told.text or text, time.monotonic() - begun)


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def plain(text: str) -> None:
    """One line on standard error, without Rich (start-up cost)."""
    sys.stderr.write(f"{text}\n")
