"""Be the terminal of a command on a host: keys there, output here, its exit code for ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING

from hostwright import remote
from hostwright.errors import Unreachable
from hostwright.look.ask import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from hostwright.transport import Channel, Session

#: The exit code for a command that a signal ended, or whose end nobody knows.
LOST = 255
_CHUNK = 16_384


def interactive() -> bool:
    """Whether both sides here are a terminal: then the command gets one, too."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def run(session: Session, app: str, role: str, argv: Sequence[str], *, terminal: bool) -> int:
    """Run *argv* in the serving container of *role*; its exit code.

    Raises:
        HostError: It could not be started, or the connection was lost.
    """
    asked = Asked(session, app)
    try:
        columns, rows = shutil.get_terminal_size((80, 24))
        size = {"rows": rows, "columns": columns}
        request = {"do": "exec", "role": role, "argv": list(argv), "terminal": terminal, **size}
        asked.runner.send({**request, "actor": remote.actor()})
        list(asked.runner.events("exec"))
        channel = asked.runner.channel
        with _raw(channel) if terminal else contextlib.nullcontext():
            return _pass_on(channel)
    finally:
        asked.close()


def _pass_on(channel: Channel) -> int:
    """Both ways until the command ends."""
    channel.on_error = _write_error
    threading.Thread(target=_feed, args=(channel,), daemon=True).start()
    while content := channel.read():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    code, _ = channel.finish()
    return code if code >= 0 else LOST


def _write_error(content: bytes) -> None:
    sys.stderr.buffer.write(content)
    sys.stderr.buffer.flush()


def _feed(channel: Channel) -> None:
    """Pass on what is typed or piped, until there is no more."""
    # The descriptor itself: a buffered reader that waits could not be left at the end.
    descriptor = sys.stdin.fileno()
    with contextlib.suppress(Unreachable, OSError):
        while content := os.read(descriptor, _CHUNK):
            channel.send(input_of(content))
        channel.send(input_of(b""))


def _tell_size(channel: Channel) -> None:
    columns, rows = shutil.get_terminal_size()
    with contextlib.suppress(Unreachable):
        channel.send(size_of(rows, columns))


def input_of(content: bytes) -> bytes:
    """A request that carries input; without any, that there is no more."""
    head = json.dumps({"do": "input", "bytes": len(content)}).encode()
    return head + b"\n" + content


def size_of(rows: int, columns: int) -> bytes:
    """A request that tells the terminal's size."""
    return json.dumps({"do": "size", "rows": rows, "columns": columns}).encode() + b"\n"


@contextlib.contextmanager
def _raw(channel: Channel) -> Iterator[None]:
    """Every key goes there, Ctrl-C too; the terminal is put back whatever happens."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def resized(_: int, __: FrameType | None) -> None:
        # Elsewhere: this may have come while a lock of the connection's is held here.
        threading.Thread(target=_tell_size, args=(channel,), daemon=True).start()

    former = signal.signal(signal.SIGWINCH, resized)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, former)
