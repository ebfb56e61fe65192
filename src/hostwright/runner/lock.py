"""One command at a time: an flock that the kernel takes back when its holder dies.

The lock is never removed by hand. Its file also says who holds it, so that the one who has to
wait can be told; that text decides nothing but the words. Tools that the runner starts inherit
the descriptor: where a runner is killed while one of them still works, the next command waits for
that tool instead of working against it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Any

from .fault import Code, RunnerError
from .housekeeping import BETWEEN_SECONDS, HOUSEKEEPING
from .identity import myself, owner_from

if TYPE_CHECKING:
    from pathlib import Path

#: How long a dead runner's last tool may go on before the lock counts as held, in seconds.
ORPHAN_SECONDS = 60.0
_POLL_SECONDS = 0.02
#: Somebody who only looks (:func:`held`) has the lock for a moment; that is not being busy.
_GLANCE_SECONDS = 0.1


class Lock:
    """A held lock; closing the descriptor, or dying, gives it back."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def sign(self, actor: str, op: str, events: Path | None = None) -> None:
        """Write who holds it, for those who find it held."""
        owner = myself()
        text = json.dumps(
            {
                **owner._asdict(),
                "actor": actor,
                "op": op,
                "since": int(time.time()),
                "events": str(events or ""),
            }
        ).encode()
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))

    def close(self) -> None:
        """Give up this process's hold; a process forked from it keeps its own."""
        os.close(self.descriptor)


def holder(path: Path) -> dict[str, Any] | None:
    """Who signed last, alive or not; None where nobody ever did."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def held(path: Path) -> dict[str, Any] | None:
    """The signature of a lock that is held right now, or None where it is free."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try(descriptor) else holder(path) or {}
    finally:
        os.close(descriptor)


def acquire(path: Path, *, patience: float = 0.0, orphans: float = ORPHAN_SECONDS) -> Lock:
    """Take the lock.

    Args:
        path: The lock file; made where it is missing.
        patience: Seconds to wait for a living owner; for the host's own housekeeping it is more.
        orphans: Seconds to wait where the owner is dead and only its last tool still works.

    Raises:
        RunnerError: Another command holds it (code 16).
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    began = time.monotonic()
    while not _try(descriptor):
        signature = holder(path) or {}
        owner = owner_from(signature)
        alive = owner is not None and owner.alive
        wait = _wait(signature, patience) if alive else orphans
        if time.monotonic() - began >= max(wait, _GLANCE_SECONDS):
            os.close(descriptor)
            raise busy(signature)
        time.sleep(_POLL_SECONDS)
    return Lock(descriptor)


def _wait(signature: dict[str, Any], patience: float) -> float:
    """How long a living owner is waited for: nobody asked for what the host does by itself."""
    return max(patience, BETWEEN_SECONDS) if signature.get("op") in HOUSEKEEPING else patience


def busy(signature: dict[str, Any]) -> RunnerError:
    """Name the holder and since when."""
    since = signature.get("since")
    clock = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(since)) if since else "a moment"
    actor = signature.get("actor") or "somebody"
    return RunnerError(
        Code.BUSY,
        f"{actor} has been running {signature.get('op') or 'a command'} since {clock}"
        f" (process {signature.get('pid', 'unknown')})",
        where="the host's lock",
        remedy="Wait for its end; it is given back by itself, also when that process dies.",
    )


def _try(descriptor: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
