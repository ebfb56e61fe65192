"""Make a secret anew: into the operator's env file first, then to the host; back where it fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths
from hostwright.deploy import gather_values
from hostwright.errors import HostwrightError, UserError
from hostwright.rotation import fresh, push

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.progress import Progress
    from hostwright.rotation.push import Pushed
    from hostwright.settings import Host
    from hostwright.transport import Session

_TELLS = "`invoke vps.secrets.diff` tells whether the new value serves"


class Rotated(NamedTuple):
    """What was pushed, and where the env file of before is."""

    pushed: Pushed
    kept: Path


def rotate(session: Session, host: Host, name: str, progress: Progress) -> Rotated:
    """Make secret *name* anew, write it, push it.

    The file is written before the host is told, so that a value that serves is never nowhere but
    on the host. Where the host refuses, the file is as it was.

    Raises:
        UserError: It cannot be made here, or does not come from a file; nothing was touched.
        HostError: The push failed; the remedy says what the env file has now.
    """
    local = gather_values(host)
    value = fresh.make(local.contract, name)
    path = fresh.place(host.values, local.given, name)
    before, _ = push.compare(session, local)
    text = path.read_bytes().decode()
    kept = fresh.aside(path, datetime.now(UTC))
    fresh.write(path, fresh.replaced(text, name, value), kept)
    progress.note(f"{paths.shown(path)} has a new {name}; the file of before is {kept.name}")
    try:
        return Rotated(push.push(session, gather_values(host), progress), kept)
    except UserError:
        fresh.put_back(path, kept)
        raise
    except HostwrightError as error:
        words = _after(session, host, before, path, kept)
        error.remedy = "\n  ".join(text for text in (error.remedy, words) if text)
        raise
    except BaseException:
        progress.note(f"both env files stay, the one of before as {kept.name}; {_TELLS}")
        raise


def _after(session: Session, host: Host, before: str, path: Path, kept: Path) -> str:
    """Leave the env file as what serves has it, and say so."""
    shown = paths.shown(path)
    try:
        serving, changes = push.compare(session, gather_values(host))
    except HostwrightError:
        return f"{shown} has the new value, {kept.name} the former one: {_TELLS}."
    if serving == before and changes:
        fresh.put_back(path, kept)
        return f"{shown} has the former value again."
    return f"{shown} has the new value, which serves; the file of before is {kept.name}."
