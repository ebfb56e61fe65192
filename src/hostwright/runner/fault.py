"""The one exception of the runner, and the exit codes that it carries.

The numbers are those of ``hostwright.errors``; a test holds the two together, because the runner
may not import that module on the server.
"""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Why a command did not do what was asked."""

    REQUEST = 2
    PREFLIGHT = 15
    BUSY = 16
    RELEASE = 18
    VERSION = 19
    BACKUP = 22
    STORE = 23
    KEY = 24
    RESTORE = 25
    DRILL = 26
    BUG = 70


class RunnerError(Exception):
    """A failure with a plain explanation.

    Args:
        code: Whose fault it is; see :class:`Code`.
        what: What happened, one sentence, without any value of a variable.
        where: A file, role or key; may be empty.
        remedy: What to do about it; may be empty.
        log: The last lines of the role that failed, already blanked.
    """

    def __init__(
        self,
        code: Code,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.remedy = remedy
        self.log = log


def refused(what: str, *, where: str = "", remedy: str = "") -> RunnerError:
    """A bad request or bundle: nothing was touched."""
    return RunnerError(Code.REQUEST, what, where=where, remedy=remedy)


def unfit(what: str, *, where: str = "", remedy: str = "") -> RunnerError:
    """The host cannot take this release now: nothing was changed on it."""
    return RunnerError(Code.PREFLIGHT, what, where=where, remedy=remedy)


def broken(
    what: str, *, where: str = "", remedy: str = "", log: tuple[str, ...] = ()
) -> RunnerError:
    """The release failed: traffic is where it was."""
    return RunnerError(Code.RELEASE, what, where=where, remedy=remedy, log=log)
