"""A host to be looked at while nobody changes it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hostwright.errors import Busy
from hostwright.remote import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.progress import Progress
    from hostwright.transport import Session

#: What a host does by itself, soon after a deploy or a boot; it is over in a moment.
HOUSEKEEPING = frozenset({"cool", "resume"})
#: How long that is waited for: a role may finish its requests, and then its last job.
PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 1.0


@contextmanager
def still(session: Session, app: str, progress: Progress) -> Iterator[Runner]:
    """The runner of a host where nobody is at work; the host's own housekeeping is waited for.

    A person who holds the host does not mind that it is looked at.

    Raises:
        Busy: Somebody is at work: what is seen now would not be true a moment later.
        HostError: The host does not answer as it should.
    """
    deadline, waits = time.monotonic() + PATIENCE_SECONDS, False
    while True:
        with Runner(session, app) as runner:
            busy = runner.hello.get("busy")
            if busy is None:
                yield runner
                return
            if busy.get("op") not in HOUSEKEEPING or time.monotonic() > deadline:
                actor, op = busy.get("actor") or "somebody", busy.get("op") or "a command"
                raise Busy(
                    f"{actor} is running {op} there (process {busy.get('pid', 'unknown')})",
                    where=runner.where,
                    remedy="Wait for its end, then look again.",
                )
        if not waits:
            progress.note(f"the host ends what is no longer needed ({busy['op']}): waiting for it")
        waits = True
        time.sleep(_LOOK_SECONDS)
