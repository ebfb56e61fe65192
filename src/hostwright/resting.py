"""Wait for what a host does by itself, so that nobody has to type a command twice for it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hostwright.remote import Runner
from hostwright.runner.housekeeping import HOUSEKEEPING, PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.progress import Progress
    from hostwright.transport import Session

_LOOK_SECONDS = 1.0


@contextmanager
def at_rest(session: Session, app: str, progress: Progress) -> Iterator[Runner]:
    """The runner of a host that is done with its own housekeeping, or takes too long over it.

    Its greeting says how the host is then. Others may be at work: that is for the caller to judge.

    Raises:
        HostError: The host does not answer as it should.
    """
    deadline, waits = time.monotonic() + PATIENCE_SECONDS, False
    while True:
        with Runner(session, app) as runner:
            op = (runner.hello.get("busy") or {}).get("op")
            if op not in HOUSEKEEPING or time.monotonic() > deadline:
                yield runner
                return
        if not waits:
            progress.note(f"the host ends what is no longer needed ({op}): waiting for it")
        waits = True
        time.sleep(_LOOK_SECONDS)
