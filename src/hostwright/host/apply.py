"""Carry a plan out: one archive to one command on the host, with live progress.

The archive holds ``apply.sh`` (locks, and follows the output), ``steps.sh`` (the words of
``ops/host/steps.sh`` with a block per change) and the files. It travels over standard input, so
nothing of it is in a process list; and the steps end by themselves if the connection is lost.
"""

from __future__ import annotations

import io
import shlex
import tarfile
import time
from typing import TYPE_CHECKING, Protocol

from hostwright.errors import Busy, HostError, LoginError, ProvisionError
from hostwright.host import static
from hostwright.host.steps.directories import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.host.change import Change, File
    from hostwright.transport import Completed, Session

#: apply.sh ends so when another one holds a lock.
BUSY = 75

#: The shell's word for a command that is not there (sudo, on a minimal system).
NOT_FOUND = 127

#: How many of a failed step's last lines are shown.
SHOWN_LINES = 20

#: Uploads below this are not worth a line.
LARGE = 1 << 20

MARK = "@hostwright "


class Say(Protocol):
    """Whoever shows progress (``hostwright.progress.Progress``)."""

    def begin(self, text: str) -> None:
        """A step begins."""

    def end(self, text: str, seconds: float) -> None:
        """A step has ended."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def sent(self, done: int, whole: int) -> None:
        """Bytes of an upload."""


def as_root(session: Session, command: str) -> str:
    """The shell line that runs *command* as root: as it is for root, else by sudo."""
    return command if session.user == "root" else f"sudo -n {command}"


def root_exec(session: Session, command: str, stdin: bytes = b"") -> Completed:
    """Run a command as root that must succeed.

    Raises:
        LoginError: The user may not become root.
        HostError: The command failed.
    """
    done = session.exec(as_root(session, command), stdin)
    if done.exit_code != 0:
        check_root(session, done)
        raise HostError(done.tail or "a command failed", where=str(session.address))
    return done


def check_root(session: Session, done: Completed) -> None:
    """Raise LoginError where a command failed for want of sudo."""
    if session.user != "root" and ("sudo:" in done.err or done.exit_code == NOT_FOUND):
        raise LoginError(
            f"{session.user} may not become root without a password",
            where=str(session.address),
            remedy="Log in as root, or as a user with passwordless sudo, for provisioning.",
        )


def apply(session: Session, changes: Sequence[Change], app: str, say: Say) -> None:
    """Make the changes in order.

    Raises:
        Busy: Another provisioning or a release is under way; nothing was done.
        ProvisionError: A step failed; those before it are done, those after it are not.
        LoginError: The user may not become root.
    """
    progress = _Progress(changes, say)
    archive = bundle(changes)
    sent = (lambda done: say.sent(done, len(archive))) if len(archive) > LARGE else None
    done = session.exec(command(session, app), archive, progress.line, sent)
    if done.exit_code == BUSY:
        raise Busy(
            "another provisioning or a release is under way",
            where=str(session.address),
            remedy="Try again when it has ended.",
        )
    if done.exit_code != 0:
        check_root(session, done)
        raise progress.failure(str(session.address), done)


def command(session: Session, app: str) -> str:
    """The shell line that takes the archive from standard input."""
    line = (
        "umask 077; work=$(mktemp -d /var/tmp/hostwright.XXXXXXXX) && tar -xf - -C $work"
        f" && exec sh $work/apply.sh $work {ROOT}/{app}/lock"
    )
    return as_root(session, f"sh -c {shlex.quote(line)}")


def bundle(changes: Sequence[Change]) -> bytes:
    """The archive for *changes*."""
    files = [file for change in changes for file in change.files]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        _add(archive, "apply.sh", static.text("apply.sh"))
        _add(archive, "steps.sh", script(changes).encode())
        for number, file in enumerate(files):
            _add(archive, f"files/{number}", file.content)
    return target.getvalue()


def script(changes: Sequence[Change]) -> str:
    """The shell text that makes *changes*; file *n* of them all is ``files/n``."""
    first = 0
    blocks = [static.text("steps.sh").decode()]
    for number, change in enumerate(changes, start=1):
        blocks.append("\n".join(_block(number, change, first)))
        first += len(change.files)
    return "\n".join(blocks) + "\n"


def _block(number: int, change: Change, first: int) -> Iterator[str]:
    yield f"begin {number}"
    for item in change.directories:
        yield _words("put_directory", f"{item.mode:04o}", item.owner, item.group, item.path)
    for index, file in enumerate(change.files, start=first):
        yield _put(index, file)
    yield from change.commands
    yield "done_with"


def _put(index: int, file: File) -> str:
    verb = "put_packed" if file.packed else "put_file"
    mode = f"{file.mode:04o}"
    return _words(verb, str(index), mode, file.owner, file.group, file.path, file.check)


def _words(*words: str) -> str:
    return shlex.join(words)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))


class _Progress:
    """Follows the marks in the output and keeps the lines of the step that is under way."""

    def __init__(self, changes: Sequence[Change], say: Say) -> None:
        self._changes = changes
        self._say = say
        self._current: Change | None = None
        self._began = 0.0
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        if not text.startswith(MARK):
            self._lines.append(text)
            return
        word, number, *_ = text.removeprefix(MARK).split()
        if word == "begin":
            self._begin(self._changes[int(number) - 1])
        elif word == "done" and self._current:
            self._say.end(self._current.title, time.monotonic() - self._began)
            self._current = None

    def _begin(self, change: Change) -> None:
        self._current = change
        self._began = time.monotonic()
        self._lines = []
        self._say.begin(change.title)

    def failure(self, where: str, done: Completed) -> ProvisionError:
        title = self._current.title if self._current else "provisioning did not start"
        lines = self._lines[-SHOWN_LINES:] or done.err.splitlines()[-SHOWN_LINES:]
        shown = "".join(f"\n    {line}" for line in lines)
        return ProvisionError(
            f"{title} (exit code {done.exit_code}){shown}",
            where=where,
            remedy="What came before it is done; run it again when the cause is gone.",
        )
