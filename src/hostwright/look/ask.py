"""Ask the runner one thing, and follow what takes longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright import remote
from hostwright.deploy import same_version
from hostwright.errors import SettingsError
from hostwright.remote import Runner, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostwright.progress import Progress
    from hostwright.remote import Event
    from hostwright.transport import Session


class Asked:
    """An open runner that is ours: the host has this clone's."""

    def __init__(self, session: Session, app: str) -> None:
        self.runner = Runner(session, app)
        try:
            same_version(self.runner)
        except BaseException:
            self.runner.__exit__(None, None, None)
            raise

    @property
    def hello(self) -> Event:
        """What the host said first."""
        return self.runner.hello

    def close(self) -> None:
        """Leave; what was accepted goes on."""
        self.runner.__exit__(None, None, None)

    def one(self, request: Event, last: str) -> Event:
        """The one answer to a request.

        Raises:
            HostError: The host refused.
        """
        return list(self.all(request, last))[-1]

    def all(self, request: Event, last: str) -> Iterator[Event]:
        """Every answer to a request, as it comes.

        Raises:
            HostError: The host refused.
        """
        self.runner.send({**request, "actor": remote.actor()})
        yield from self.runner.events(last)


def one(session: Session, app: str, request: Event, last: str) -> tuple[Event, Event]:
    """The greeting, and the one answer to a request.

    Raises:
        HostError: The host refused.
    """
    asked = Asked(session, app)
    try:
        return asked.hello, asked.one(request, last)
    finally:
        asked.close()


def follow(asked: Asked, request: Event, kind: str, progress: Progress) -> tuple[Event, Event]:
    """Have the host do something, and show its steps until it is done.

    Returns:
        The event of *kind*, which says what was done, and the last one.

    Raises:
        HostError: It failed; what serves is told.
    """
    done: Event = {}
    event: Event = {}
    for event in asked.all(request, "done"):
        show(event, progress)
        if event["event"] == kind:
            done = event
    return done, event


def logs(
    session: Session, app: str, request: Event, since: Callable[[float], int]
) -> Iterator[Event]:
    """Every line that the host tells, without an end where it is followed.

    Args:
        session: An open connection.
        app: The application.
        request: What is wanted; ``since`` is filled in.
        since: The host's time to the moment that nothing is older than.
    """
    asked = Asked(session, app)
    try:
        wanted = {"do": "logs", **request, "since": since(float(asked.hello["time"]))}
        for event in asked.all(wanted, "logs"):
            if event["event"] == "log":
                yield event
    finally:
        asked.close()


def confirmed(asked: Callable[[str], str] | None, name: str, given: str, question: str) -> None:
    """See that whoever asks means this host: its name is typed, or was given.

    Args:
        asked: Puts the question; None where nobody is there to answer it.
        name: What has to be typed.
        given: What was given as a flag.
        question: What is shown first.

    Raises:
        SettingsError: It is another name, or none.
    """
    if not given and asked is None:
        raise SettingsError(
            "this removes the application and its data",
            where=name,
            remedy=f"Give --confirm {name}. Nothing was touched.",
        )
    typed = given or (asked(question) if asked else "")
    if typed.strip() != name:
        raise SettingsError(
            f"{typed.strip()[:60]!r} is not the host's name; nothing was touched", where=name
        )
