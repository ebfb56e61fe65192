"""A command that an operator has typed and that still works: it can be ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, NamedTuple

from hostwright.rig.scene import HOST

if TYPE_CHECKING:
    from hostwright.rig.scene import Scene


class Ended(NamedTuple):
    """How it ended.

    Attributes:
        code: Its exit code; a negative one where it was killed.
        stdout: Its result.
        stderr: What it showed.
    """

    code: int
    stdout: str
    stderr: str


class Typed:
    """One command.

    Args:
        scene: Whose operator types.
        words: The task and its flags; the host is added.
    """

    def __init__(self, scene: Scene, *words: str) -> None:
        argv = [sys.executable, "-m", "invoke", words[0], "--host", HOST, *words[1:]]
        self._texts = {"stdout": "", "stderr": ""}
        self.process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
            argv,
            cwd=scene.clone,
            env={**os.environ, **scene.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("stdout", self.process.stdout), ("stderr", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def running(self) -> bool:
        """Whether it still works."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it as the loss of its machine would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def end(self, seconds: float = 600.0) -> Ended:
        """Wait for its end; after so many seconds, or when we are interrupted, it is killed."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        except BaseException:
            self.kill()
            raise
        code = self.process.wait(10)
        for reader in self._readers:
            reader.join(10)
        return Ended(code, self._texts["stdout"], self._texts["stderr"])

    def _read(self, name: str, pipe: IO[str] | None) -> None:
        for line in pipe or ():
            self._texts[name] += line
