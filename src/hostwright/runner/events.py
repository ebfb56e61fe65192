"""What an operation says while it works: one JSON object per line, in a file that others follow.

The detached process writes; any number of sessions read. Losing a reader changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .fault import RunnerError

#: The events that end an operation.
LAST = ("done", "failed")


class Events:
    """The events of one operation.

    Args:
        path: The file; it is begun anew, what an earlier operation said is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started = time.monotonic()
        self.count = 0
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)

    @property
    def seconds(self) -> float:
        """Since the operation began."""
        return round(time.monotonic() - self.started, 3)

    def emit(self, event: str, **facts: object) -> None:
        """Say something.

        A disk that is full must not stop the operation: what cannot be written is left out.
        """
        self.count += 1
        line = encode({"event": event, "n": self.count, "t": self.seconds, **facts})
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def note(self, text: str) -> None:
        """Say something that people should know."""
        self.emit("note", text=text)

    def failed(self, error: RunnerError, *, phase: str | None, serving: str | None) -> None:
        """Say why it failed, and who serves."""
        self.emit("failed", phase=phase, serving=serving, seconds=self.seconds, **explained(error))


def explained(error: RunnerError) -> dict[str, Any]:
    """The parts of an explanation."""
    return {
        "code": int(error.code),
        "what": error.what,
        "where": error.where,
        "remedy": error.remedy,
        "log": list(error.log),
    }


def encode(value: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Reader:
    """Reads events as they come.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def fresh(self) -> Iterator[dict[str, Any]]:
        """The events that came since the last call; a half-written line waits."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)
