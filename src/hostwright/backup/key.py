"""The key that encrypts every backup: one line of a file that the operator keeps."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import stat
from typing import TYPE_CHECKING

from hostwright.errors import SettingsError, UserError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 32
_FORM = re.compile(r"[!-~]{32,200}")
_REMEDY = "`invoke vps.backup-key` makes one."


def make(path: Path) -> None:
    """Write a fresh key; one that is there is never replaced: it opens the backups so far.

    Raises:
        UserError: There is a file already, or it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(
            "there is a key already, and it opens the backups that were made with it",
            where=str(path),
            remedy="Choose another file for another host.",
        ) from error
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(_BYTES) + "\n")


def read(path: Path) -> str:
    """The key, from a file that nobody else can read.

    Raises:
        SettingsError: It is missing, open to others, or holds something else.
    """
    shown = str(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not ASCII"
        raise SettingsError(
            f"the backup key cannot be read: {reason}", where=shown, remedy=_REMEDY
        ) from error
    if mode & 0o077:
        raise SettingsError(
            f"holds a key and others can read it (mode {mode:04o})",
            where=shown,
            remedy=f"Run `chmod 600 {shlex.quote(shown)}`.",
        )
    if len(lines) != 1 or not _FORM.fullmatch(lines[0]):
        raise SettingsError(
            "is no backup key: one line of 32 or more plain characters", where=shown, remedy=_REMEDY
        )
    return lines[0]
