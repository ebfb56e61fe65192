"""Show jobs as they run: all at once on a terminal, a line each as they end elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hostwright.validate.job import Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hostwright.validate.job import Done, Job


def watch() -> Watch:
    """What fits standard error."""
    return _Live().watch() if sys.stderr.isatty() else Watch(end=_line)


def _line(done: Done) -> None:
    sys.stderr.write(f"{done.seconds:6.2f} s  {done.job.name}\n")


class _Live:
    """Rich's progress; it is gone when the last job has ended, or on an interrupt."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        self._progress: Progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def watch(self) -> Watch:
        return Watch(self._begin, self._end, self._progress.stop)

    def _begin(self, job: Job) -> None:
        self._progress.start()
        self._tasks[job.name] = self._progress.add_task(job.name, total=1)

    def _end(self, done: Done) -> None:
        self._progress.update(self._tasks[done.job.name], completed=1)
