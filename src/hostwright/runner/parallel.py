"""Do several things at once, and end all of them where one fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Group:
    """Threads that end together; each task is given the event that tells it to give up."""

    def __init__(self, tasks: Iterable[Callable[[threading.Event], None]]) -> None:
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(task,), daemon=True) for task in tasks
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, task: Callable[[threading.Event], None]) -> None:
        try:
            task(self._stop)
        except BaseException as error:  # noqa: BLE001 - handed to whoever joins
            self._errors.append(error)
            self._stop.set()

    def abandon(self) -> None:
        """Tell all to give up, wait for them, and forget how they ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def join(self) -> None:
        """Wait for all, and raise what the first one raised that failed."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]


def together(*tasks: Callable[[threading.Event], None]) -> None:
    """Run tasks at once to their end; the first failure ends the others and is raised."""
    Group(tasks).join()
