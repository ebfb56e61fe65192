"""Start the few tools that have no socket to talk to: compose, pull, systemd.

Lists of words only, never a shell line; nothing secret is ever a word. A tool inherits the lock,
so that the next command waits for it where the runner is killed (see :mod:`.lock`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ("DOCKER_HOST", "DOCKER_CONFIG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_SHOWN_LINES = 20


class Ended(NamedTuple):
    """What a tool left: its exit code, and its two outputs as text."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of stderr, or of stdout where stderr is empty."""
        text = self.stderr.strip() or self.stdout.strip()
        return tuple(text.splitlines()[-_SHOWN_LINES:])


class Shell(NamedTuple):
    """Runs tools; each inherits the *inherited* descriptors.

    Attributes:
        inherited: Descriptors that the tools keep open.
        path: Where tools are looked for.
    """

    inherited: tuple[int, ...] = ()
    path: str = _PATH

    def run(self, argv: Sequence[str], *, cwd: Path | None = None, timeout: float = 120.0) -> Ended:
        """Run a tool to its end; a missing one or one that takes too long fails like any other."""
        import subprocess

        try:
            done = subprocess.run(  # noqa: S603 - a list of words, no shell
                argv,
                cwd=cwd,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
                pass_fds=self.inherited,
            )
        except FileNotFoundError:
            return Ended(127, "", f"{argv[0]} is not installed")
        except subprocess.TimeoutExpired:
            return Ended(124, "", f"{argv[0]} did not end within {timeout:g} s")
        out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        return Ended(done.returncode, out, err)

    def environment(self) -> dict[str, str]:
        """A small environment: nothing of the caller's reaches a Compose file."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {"PATH": self.path, "HOME": "/root", "LC_ALL": "C.UTF-8", **kept}
