"""A host to be looked at while nobody changes it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hostwright import resting
from hostwright.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.progress import Progress
    from hostwright.remote import Runner
    from hostwright.transport import Session


@contextmanager
def still(session: Session, app: str, progress: Progress) -> Iterator[Runner]:
    """The runner of a host where nobody is at work; the host's own housekeeping is waited for.

    A person who holds the host does not mind that it is looked at.

    Raises:
        Busy: Somebody is at work: what is seen now would not be true a moment later.
        HostError: The host does not answer as it should.
    """
    with resting.at_rest(session, app, progress) as runner:
        busy = runner.hello.get("busy")
        if busy is not None:
            actor, op = busy.get("actor") or "somebody", busy.get("op") or "a command"
            raise Busy(
                f"{actor} is running {op} there (process {busy.get('pid', 'unknown')})",
                where=runner.where,
                remedy="Wait for its end, then look again.",
            )
        yield runner
