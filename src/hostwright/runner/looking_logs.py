"""What roles wrote: the last lines of each, in order; and on request whatever comes after.

Who follows goes on following when another release takes over, or when a container starts again.
Every line is blanked before it leaves: a log may quote its own configuration.
"""

from __future__ import annotations

import calendar
import heapq
import select
import time
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from . import looking, looking_stream, plain, redact, switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .engine import Engine
    from .layout import Layout
    from .looking import Found
    from .looking_stream import Frame, Stream

#: How often a follower looks for containers that are new.
_LOOK_SECONDS = 0.5
LONGEST_LINE = 16_384
_STAMP = "%Y-%m-%dT%H:%M:%S"


class Line(NamedTuple):
    """One line of a log.

    Attributes:
        time: When it was written, as Docker says it: RFC 3339 with nine digits of a second.
        role: Who wrote it.
        error: Whether to standard error.
        text: What, blanked.
    """

    time: str
    role: str
    error: bool
    text: str

    @property
    def event(self) -> dict[str, Any]:
        """For the laptop."""
        return {"event": "log", **self._asdict()}


class Wanted(NamedTuple):
    """What was asked for.

    Attributes:
        roles: Whose; none means those of the release.
        lines: How many of the last lines of each; 0 means all.
        since: Nothing older, in seconds since the epoch; 0 means no bound.
    """

    roles: tuple[str, ...]
    lines: int
    since: int


class Tail:
    """The log of one container, as it is being read.

    Args:
        found: The container.
        stream: Docker's answer.
        texts: What to blank.
    """

    def __init__(self, found: Found, stream: Stream, texts: tuple[str, ...]) -> None:
        self.found = found
        self.stream = stream
        self.texts = texts
        self.last = ""
        self._begun: dict[bool, tuple[str, bytes]] = {}

    def fileno(self) -> int:
        """For select."""
        return self.stream.fileno()

    def fresh(self) -> Iterator[Line]:
        """The lines that are whole, waiting for some; at the end, also one that is not."""
        for frame in self.stream.read():
            yield from self._lines(frame)
        if self.stream.ended:
            for error, (stamp, content) in self._begun.items():
                yield self._line(error=error, stamp=stamp, content=content)
            self._begun.clear()

    def _lines(self, frame: Frame) -> Iterator[Line]:
        """A frame is one message of the log: a time, and a line or a part of a long one."""
        if not self.stream.framed:
            yield from self._unframed(frame.content)
            return
        stamp, _, content = frame.content.partition(b" ")
        began, before = self._begun.pop(frame.error, (stamp.decode(errors="replace"), b""))
        whole = before + content
        if not whole.endswith(b"\n") and len(whole) < LONGEST_LINE * 8:
            self._begun[frame.error] = (began, whole)
            return
        yield self._line(error=frame.error, stamp=began, content=whole)

    def _unframed(self, content: bytes) -> Iterator[Line]:
        _, before = self._begun.pop(False, ("", b""))
        *whole, rest = (before + content).split(b"\n")
        if rest:
            self._begun[False] = ("", rest)
        for line in whole:
            stamp, _, text = line.partition(b" ")
            yield self._line(error=False, stamp=stamp.decode(errors="replace"), content=text)

    def _line(self, *, error: bool, stamp: str, content: bytes) -> Line:
        self.last = max(self.last, stamp)
        text = content.decode(errors="replace").rstrip("\r\n")
        # Blanked first: a cut could leave half of a secret.
        return Line(stamp, self.found.role, error, redact.blank(text, self.texts)[:LONGEST_LINE])


def snapshot(layout: Layout, engine: Engine, wanted: Wanted) -> Iterator[Line]:
    """The last lines of the roles, the oldest first; never more than a few in memory.

    Raises:
        RunnerError: A role is not there.
    """
    query = {"tail": str(wanted.lines or "all"), "since": str(wanted.since)}
    found = looking.containers(layout, engine, wanted.roles)
    yield from heapq.merge(*(_whole(_open(layout, engine, one, query)) for one in found))


def _whole(tail: Tail) -> Iterator[Line]:
    while not tail.stream.ended:
        yield from tail.fresh()


def follow(
    layout: Layout,
    engine: Engine,
    wanted: Wanted,
    tell: Callable[[Line], None],
    source: BinaryIO | None,
) -> None:
    """Tell the last lines, then every new one, until whoever asked is gone.

    Args:
        layout: Whose logs.
        engine: Docker.
        wanted: Which.
        tell: Told each line.
        source: What the laptop sends: its end is the end.

    Raises:
        RunnerError: A role is not there, at the beginning.
    """
    began = f"{time.time():.9f}"
    seen: dict[str, str] = {}
    known = {found.name: found.role for found in looking.containers(layout, engine, wanted.roles)}
    names = {role: name for name, role in known.items()}
    for line in snapshot(layout, engine, wanted):
        seen[names[line.role]] = line.time
        tell(line)
    _follow(_Follower(layout, engine, wanted, seen, began), tell, source)


class _Follower:
    """The containers that are being followed, by name."""

    def __init__(
        self, layout: Layout, engine: Engine, wanted: Wanted, seen: dict[str, str], began: str
    ) -> None:
        self.layout = layout
        self.engine = engine
        self.wanted = wanted
        self.seen = seen
        self.began = began
        self.tails: dict[str, Tail] = {}

    def look(self) -> None:
        """Open the logs of containers that run and are not followed yet."""
        if switch.target(self.layout) is None:
            return
        try:
            for found in looking.containers(self.layout, self.engine, self.wanted.roles):
                if found.running and found.name not in self.tails:
                    stamp = self.seen.get(found.name)
                    since = after(stamp) if stamp else self.began
                    query = {"follow": "1", "since": since}
                    self.tails[found.name] = _open(self.layout, self.engine, found, query)
        except plain.FAULTS:
            return  # Docker restarts, or a release is just being exchanged: the next look tells

    def fresh(self, tail: Tail) -> list[Line]:
        """What came of one container."""
        lines = list(tail.fresh())
        if tail.last:
            self.seen[tail.found.name] = tail.last
        if tail.stream.ended:
            del self.tails[tail.found.name]
        return lines


def _follow(follower: _Follower, tell: Callable[[Line], None], source: BinaryIO | None) -> None:
    looked = 0.0
    while True:
        if time.monotonic() - looked >= _LOOK_SECONDS:
            follower.look()
            looked = time.monotonic()
        watched: list[Any] = [*follower.tails.values(), *([source] if source else [])]
        ready, _, _ = select.select(watched, [], [], _LOOK_SECONDS)
        if source in ready:
            return  # it says no more: it is gone
        for line in sorted(line for tail in ready for line in follower.fresh(tail)):
            tell(line)


def _open(layout: Layout, engine: Engine, found: Found, query: dict[str, str]) -> Tail:
    stream = looking_stream.logs(engine, found.name, query, terminal=found.terminal)
    return Tail(found, stream, looking.secrets(layout, found.release))


def after(stamp: str) -> str:
    """The moment just after a line, as Docker's ``since`` takes it."""
    moment, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(moment, _STAMP))
    nanoseconds = seconds * 10**9 + int(fraction.ljust(9, "0")[:9] or 0) + 1
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
