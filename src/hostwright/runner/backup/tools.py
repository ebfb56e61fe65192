"""Start tools that read or write large files, or that need a secret in their environment.

As in :mod:`..process`: lists of words, a small environment, and the lock is inherited. What such a
tool says may quote what it was given, so nothing of it is shown before it is blanked.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from typing import IO, TYPE_CHECKING, NamedTuple

from ..process import Ended

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from ..process import Shell

#: What a tool says that tries again and again, and how long it may do so.
_RETRYING = re.compile(r"returned error, retrying after|server misbehaving")
PATIENCE_SECONDS = 45.0
_CALM_SECONDS = 60.0
_KEPT_LINES = 60
_END_SECONDS = 10.0
_LOOK_SECONDS = 0.02
TOO_LONG = 124
GAVE_UP = 125


class Streams(NamedTuple):
    """Files that a tool reads and writes instead of pipes."""

    source: Path | None = None
    target: Path | None = None


class Retries:
    """Judges from what a tool says whether it will ever get through.

    One disturbance that passes is no reason to give up; one that lasts is.
    """

    def __init__(self) -> None:
        self._first = self._last = 0.0

    def hopeless(self, line: str, now: float) -> bool:
        """Whether, with this line, it has been trying for too long."""
        if not _RETRYING.search(line):
            return False
        if not self._first or now - self._last > _CALM_SECONDS:
            self._first = now
        self._last = now
        return now - self._first >= PATIENCE_SECONDS


def run(
    shell: Shell,
    argv: Sequence[str],
    *,
    timeout: float,
    env: dict[str, str] | None = None,
    streams: Streams = Streams(),  # noqa: B008 - it cannot be changed
) -> Ended:
    """Run a tool to its end; a missing one, a full disk or one that takes too long fails as others.

    Args:
        shell: Gives the environment, and the lock to inherit.
        argv: Program and arguments.
        timeout: Seconds until it is stopped.
        env: Variables beside the shell's.
        streams: A file to read, a file to write (it is flushed to the disk).
    """
    import subprocess

    with contextlib.ExitStack() as stack:
        source = stack.enter_context(streams.source.open("rb")) if streams.source else None
        target = stack.enter_context(streams.target.open("xb")) if streams.target else None
        try:
            process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                argv,
                env={**shell.environment(), **(env or {})},
                stdin=source or subprocess.DEVNULL,
                stdout=target or subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=shell.inherited,
            )
        except FileNotFoundError:
            return Ended(127, "", f"{argv[0]} is not installed")
        ended = _follow(process, timeout)
        if target is not None:
            import os

            target.flush()
            os.fsync(target.fileno())
        return ended


def _follow(process: subprocess.Popen[bytes], timeout: float) -> Ended:
    out: list[bytes] = []
    said: list[str] = []
    stuck = threading.Event()
    readers = [
        threading.Thread(target=_listen, args=(process.stderr, said, stuck), daemon=True),
        threading.Thread(target=_keep, args=(process.stdout, out), daemon=True),
    ]
    for reader in readers:
        reader.start()
    code = _await(process, time.monotonic() + timeout, stuck)
    for reader in readers:
        reader.join(_END_SECONDS)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if code == TOO_LONG:
        said.append(f"it did not end within {timeout:g} s")
    return Ended(code, b"".join(out).decode(errors="replace"), "\n".join(said))


def _await(process: subprocess.Popen[bytes], deadline: float, stuck: threading.Event) -> int:
    while process.poll() is None:
        late = time.monotonic() > deadline
        if late or stuck.is_set():
            _end(process)
            return TOO_LONG if late else GAVE_UP
        time.sleep(_LOOK_SECONDS)
    return int(process.returncode)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it tidy up, for a moment."""
    import subprocess

    process.send_signal(signal.SIGINT)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _listen(stream: IO[bytes] | None, said: list[str], stuck: threading.Event) -> None:
    retries = Retries()
    for raw in stream or ():
        line = raw.decode(errors="replace").rstrip()
        said.append(line)
        del said[:-_KEPT_LINES]
        if retries.hopeless(line, time.monotonic()):
            stuck.set()


def _keep(stream: IO[bytes] | None, out: list[bytes]) -> None:
    """Keep the end of an output: progress comes first, and what counts comes last."""
    for line in stream or ():
        if line.startswith(b'{"message_type":"status"'):
            continue
        out.append(line)
