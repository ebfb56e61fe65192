"""Start processes: the only module that does.

Every external tool goes through :func:`run`: a list of arguments (never a shell line), a time
limit, and output that is kept so that an error can show its last lines. Secrets travel by
``stdin`` or ``env``, never in the arguments; :class:`Secret` texts are blanked from what is shown.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

#: How many of a failed tool's last lines an error shows.
SHOWN_LINES = 20
#: Seconds that a tool in the background has to end once it is told to.
ENDING = 5.0


@dataclass(frozen=True)
class Completed:
    """What a process left: its exit code and its two outputs, decoded as UTF-8."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines of stderr, or of stdout where stderr is empty."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-SHOWN_LINES:])


def run(  # noqa: PLR0913 - the options of a process are what they are
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
    stdin: bytes | None = None,
    timeout: float = 120.0,
    check: bool = True,
    redact: Iterable[str] = (),
) -> Completed:
    """Run a tool to its end.

    Args:
        argv: Program and arguments.
        cwd: Working directory.
        env: Variables on top of this process's own.
        without: Variables of this process that it is not to have.
        stdin: Bytes for its standard input; without them it reads nothing.
        timeout: Seconds until it is killed.
        check: Whether a non-zero exit code raises.
        redact: Texts to blank in whatever is kept of the output.

    Raises:
        ToolError: The program is missing, ran out of time, or (with *check*) failed.
    """
    words = tuple(str(word) for word in argv)
    own = {name: value for name, value in os.environ.items() if name not in set(without)}
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            words,
            cwd=cwd,
            env={**own, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        if cwd and not cwd.is_dir():
            raise ToolError(f"there is no directory {cwd}", where=shown(words)) from error
        raise ToolError(
            f"{words[0]} is not installed", remedy="`invoke doctor` says how to get it."
        ) from error
    except OSError as error:
        raise ToolError(f"cannot be started: {error.strerror}", where=shown(words)) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"no end after {timeout:g} s", where=shown(words)) from error
    out, err = (
        blank(stream.decode(errors="replace"), redact) for stream in (done.stdout, done.stderr)
    )
    completed = Completed(words, done.returncode, out, err)
    if check and completed.exit_code != 0:
        raise ToolError(f"exit code {completed.exit_code}\n{completed.tail}", where=shown(words))
    return completed


def attached(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a tool that speaks to the person at the terminal itself; return its exit code.

    An interrupt reaches the tool from the terminal, too: it is given the time to end cleanly (a
    killed ``terraform apply`` would leave its lock and half-made resources behind), and the
    interrupt goes on once it has.

    Raises:
        ToolError: The program is missing or cannot be started.
        KeyboardInterrupt: It was interrupted, and has ended.
    """
    words = [str(word) for word in argv]
    try:
        process = subprocess.Popen(words, cwd=cwd, env={**os.environ, **(env or {})})  # noqa: S603
    except FileNotFoundError as error:
        raise ToolError(
            f"{words[0]} is not installed", remedy="`invoke doctor` says how to get it."
        ) from error
    except OSError as error:
        raise ToolError(f"cannot be started: {error.strerror}", where=shown(words)) from error
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
            continue
        if interrupted:
            raise KeyboardInterrupt
        return code


@contextmanager
def background(argv: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """A tool that runs beside us until the block ends; its outputs are pipes of lines.

    Raises:
        ToolError: The program is missing or cannot be started.
    """
    words = [str(word) for word in argv]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )
    except OSError as error:
        raise ToolError(f"cannot be started: {error.strerror}", where=shown(words)) from error
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()


def blank(text: str, secrets: Iterable[str]) -> str:
    """*text* with every one of the *secrets* replaced by stars."""
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return text


def shown(argv: Sequence[str]) -> str:
    """A command line as a person would type it, cut to one screen line."""
    line = shlex.join(argv)
    limit = 160
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
