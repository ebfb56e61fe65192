"""Talk to the runner on a host: one channel, requests out, events in.

``runner.protocol`` is the authority on both. Losing the connection loses nothing but the view: the
work goes on at the host, and the next command follows or reconciles it.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from hostwright import errors
from hostwright.errors import HostError, HostwrightError, RunnerError, Unreachable
from hostwright.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from hostwright.progress import Progress
    from hostwright.transport import Channel, Session

Event = dict[str, Any]

WRAPPER = "/usr/local/sbin/hostwright-runner"

#: How much of what a runner said last an error shows.
_SHOWN = 400


class Runner:
    """The runner's side of an open session; ``hello`` is what it said of the host."""

    def __init__(self, session: Session, app: str) -> None:
        self.where = str(session.address)
        #: The host has taken the work on: it no longer needs us.
        self._accepted = False
        self._channel: Channel = session.open(f"sudo -n {WRAPPER} session --app {app}")
        self.hello = self._hello()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    @property
    def channel(self) -> Channel:
        """What the runner talks on: after ``exec`` it is a command's."""
        return self._channel

    def send(
        self,
        request: Event,
        payload: bytes = b"",
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Send a request, and its bytes right behind it.

        Raises:
            RunnerError: The runner ended.
            Unreachable: The connection was lost.
        """
        try:
            self._send(request, payload, progress)
        except Unreachable as error:
            raise self._ended() from error

    def _send(
        self, request: Event, payload: bytes, progress: Callable[[int, int], object] | None
    ) -> None:
        whole = len(payload)
        body = {**request, "bytes": whole} if payload else request
        line = json.dumps(body).encode() + b"\n"
        if whole <= 1 << 20:
            # One write: a small release costs no extra round trip.
            self._channel.send(line + payload)
        else:
            self._channel.send(line)
            self._channel.send(payload, (lambda done: progress(done, whole)) if progress else None)

    def events(self, *last: str) -> Iterator[Event]:
        """Events up to and including one of the *last* kinds.

        Raises:
            HostwrightError: The runner reported a failure; the class is that of its exit code.
            RunnerError: The runner ended before.
            Unreachable: The connection was lost before.
        """
        for line in self._channel.lines():
            event = self._event(line)
            if event["event"] == "failed":
                raise failure(event, self.where)
            self._accepted |= event["event"] == "accepted"
            yield event
            if event["event"] in last:
                return
        raise self._ended()

    def _ended(self) -> HostError:
        """The error for an end that came too soon, be it the connection's or the runner's."""
        kind: type[HostError] = Unreachable
        what, tail = "the connection was lost", ""
        with suppress(Unreachable):
            code, text = self._channel.finish()
            how = f"exit code {code}" if code >= 0 else "a signal"
            kind, what, tail = RunnerError, f"the runner ended early ({how})", _tail(text)
        if self._accepted:
            what += "; the work goes on at the host"
            remedy = "`invoke vps.status` shows how it ended."
        else:
            remedy = "Run it again; `invoke vps.status` shows whether anything was begun."
        return kind(what + tail, where=self.where, remedy=remedy)

    def _hello(self) -> Event:
        line = self._channel.read_line()
        if line is None:
            code, text = self._channel.finish()
            raise RunnerError(
                f"the runner did not answer (exit code {code}){_tail(text)}",
                where=self.where,
                remedy="`invoke vps.provision` installs it.",
            )
        event = self._event(line)
        if event["event"] == "failed":
            raise failure(event, self.where)
        return event

    def _event(self, line: str) -> Event:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise RunnerError(
                f"unexpected answer: {line[:200]}",
                where=self.where,
                remedy="`invoke vps.provision` installs the runner that this clone talks to.",
            )
        return event


def _tail(text: str) -> str:
    shown = text.strip()[-_SHOWN:]
    return f": {shown}" if shown else ""


def failure(event: Event, where: str) -> HostwrightError:
    """The runner's failure as one of ours, its last log lines and what serves now included."""
    # The general class of a code, not a special one that shares it.
    by_code = {cls.exit_code: cls for cls in reversed(_family(HostwrightError))}
    kind = by_code.get(int(event.get("code") or errors.HostwrightError.exit_code), errors.HostError)
    log = "".join(f"\n    {printable(line)}" for line in event.get("log") or ())
    serving = event.get("serving")
    now = f"Serving now: {serving}." if serving else "Nothing serves yet."
    phase = f" ({event['phase']})" if event.get("phase") else ""
    place = f"{where}: {event['where']}" if event.get("where") else where
    remedy = "\n  ".join(text for text in (event.get("remedy"), now) if text)
    return kind(f"{event['what']}{phase}{log}", where=place, remedy=remedy)


def _family(kind: type[HostwrightError]) -> list[type[HostwrightError]]:
    """*kind* and all below it, the general before the special."""
    return [kind, *(one for child in kind.__subclasses__() for one in _family(child))]


def show(event: Event, progress: Progress) -> None:
    """Tell of a step or a note of an operation; other events say nothing to a person."""
    if event["event"] == "begin":
        progress.begin(event["phase"])
    elif event["event"] == "phase":
        text = f"{event['phase']:<10} {event.get('text') or ''}".rstrip()
        progress.end(text, event["seconds"])
    elif event["event"] in {"note", "reconciled"}:
        progress.note(event["text"])


def actor() -> str:
    """Who types, for the host's audit log."""
    return f"{_user()}@{platform.node() or 'unknown'}"


def _user() -> str:
    """Their name; a container may give a process a uid that nothing there has a name for."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"
