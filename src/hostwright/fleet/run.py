"""Run one body for several hosts side by side: a thread each, and what each of them said."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import traceback
from contextlib import ExitStack, redirect_stdout
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import HostwrightError
from hostwright.fleet.shared import MEMBER, Crew, Member
from hostwright.progress import VIEW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from hostwright.fleet.board import Board

#: What the body of a host that is being worked on prints goes here.
_HEARD: ContextVar[io.StringIO | None] = ContextVar("heard", default=None)


class Ended(NamedTuple):
    """How a host's part of a command ended.

    Attributes:
        host: Its name.
        code: The exit code that the command for it alone would have had.
        seconds: How long it took.
        said: What it printed on standard output.
        error: Why it failed, where it did.
    """

    host: str
    code: int
    seconds: float
    said: str
    error: HostwrightError | None = None


class _Apart(io.TextIOBase):
    """Standard output that each host has for itself; everybody else has the real one."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        return (_HEARD.get() or self._real).write(text)

    def flush(self) -> None:
        (_HEARD.get() or self._real).flush()


def side_by_side(
    names: Sequence[str], body: Callable[[str], int | None], board: Board
) -> list[Ended]:
    """Run *body* for each name; all have ended when this returns, each in its own way.

    Nobody can be asked meanwhile: standard input is empty, so that what would ask is refused.

    Raises:
        KeyboardInterrupt: It was interrupted. What a host has taken on goes on there.
    """
    crew, ended = Crew(names), dict[str, Ended]()

    def work(name: str) -> None:
        MEMBER.set(Member(crew, name))
        VIEW.set(board.row(name))
        ended[name] = _one(name, body)
        crew.leave(name, failed=ended[name].code != 0)
        board.row(name).ended(ended[name])

    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(_Apart(sys.stdout)))
        stack.enter_context(_Silent())
        stack.enter_context(board)
        # Threads that do not outlive an interrupt; each with variables of its own.
        threads = [
            threading.Thread(target=copy_context().run, args=(work, name), name=name, daemon=True)
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [ended[name] for name in names]


def _one(name: str, body: Callable[[str], int | None]) -> Ended:
    heard = io.StringIO()
    _HEARD.set(heard)
    began = time.monotonic()
    error: HostwrightError | None = None
    try:
        code = body(name) or 0
    except HostwrightError as failure:
        code, error = failure.exit_code, failure
    except Exception:  # noqa: BLE001 - one host's fault is not the end of the others
        error = HostwrightError(f"a fault of ours:\n{traceback.format_exc()}", where=name)
        code = error.exit_code
    return Ended(name, code, time.monotonic() - began, heard.getvalue(), error)


class _Silent:
    """An empty standard input while it lasts."""

    def __enter__(self) -> None:
        self._before = sys.stdin
        self._empty = Path(os.devnull).open(encoding="utf-8")
        sys.stdin = self._empty

    def __exit__(self, *_: object) -> None:
        sys.stdin = self._before
        self._empty.close()
