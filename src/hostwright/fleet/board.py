"""Show several hosts at work: a table that lives on a terminal, lines with names elsewhere.

Always on standard error, as :mod:`hostwright.progress`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.live import Live

    from hostwright.fleet.run import Ended

_REFRESHED = 8


class Board:
    """One row a host.

    Args:
        names: The hosts, in the order of their rows.
        console: Where to show it; standard error where none is given.
    """

    def __init__(self, names: Sequence[str], console: Console | None = None) -> None:
        from rich.console import Console

        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.width = max(len(name) for name in names)
        self._rows = {name: Row(self, name) for name in names}
        self._lock = threading.Lock()
        self._live: Live | None = None

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal to draw on."""
        return bool(self.console.is_terminal)

    def row(self, name: str) -> Row:
        """The row of a host: what its :class:`~hostwright.progress.Progress` speaks to."""
        return self._rows[name]

    def say(self, name: str, text: str, *, style: str = "") -> None:
        """A line with the host's name before it; above the table where there is one."""
        from rich.markup import escape

        with self._lock:
            for line in text.splitlines() or [""]:
                self.console.print(escape(f"{name:<{self.width}}  {line}"), style=style or None)

    def __enter__(self) -> Self:
        if self.is_live:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._table,
                console=self.console,
                refresh_per_second=_REFRESHED,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _table(self) -> RenderableType:
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for row in self._rows.values():
            table.add_row(escape(row.name), f"[dim]{row.elapsed:.1f} s[/]", row.shown())
        return table


class Row:
    """What one host is at; the progress of its command speaks to it, from its own thread."""

    def __init__(self, board: Board, name: str) -> None:
        self.name = name
        self._board = board
        self._began = time.monotonic()
        self._text = "…"
        self._outcome: Ended | None = None

    @property
    def elapsed(self) -> float:
        """Seconds until now, or until it ended."""
        return self._outcome.seconds if self._outcome else time.monotonic() - self._began

    def shown(self) -> str:
        """The row's words, in Rich's markup."""
        from rich.markup import escape

        if self._outcome is None:
            return escape(self._text)
        if self._outcome.code == 0:
            return "[green]done[/]"
        return f"[red]failed[/] (exit code {self._outcome.code})"

    def begin(self, text: str) -> None:
        """A step begins."""
        self._text = text

    def end(self, text: str, seconds: float) -> None:
        """A step has ended after *seconds*."""
        self._text = text
        if not self._board.is_live:
            self._board.say(self.name, f"{seconds:6.2f} s  {text}")

    def note(self, text: str) -> None:
        """Something worth a line."""
        self._board.say(self.name, f"          {text}", style="dim")

    def sent(self, done: int, whole: int) -> None:
        """How far an upload is; shown in the table only."""
        self._text = f"sending {done / 1e6:.1f} of {whole / 1e6:.1f} MB"

    def last(self, text: str) -> None:
        """The closing line."""
        self._board.say(self.name, text)

    def ended(self, outcome: Ended) -> None:
        """The host's part has ended."""
        self._outcome = outcome
        if not self._board.is_live:
            words = "done" if outcome.code == 0 else f"failed (exit code {outcome.code})"
            self._board.say(self.name, f"{outcome.seconds:6.2f} s  {words}")
