"""What point-in-time recovery has in a repository, and what that can bring back. Pure.

A **base** is a copy of the whole cluster, a **chunk** some write-ahead log of it in a row. Each is
a snapshot whose tags say all that is needed to choose; nothing has to be fetched to know what can
be reached. Moments are epoch seconds by the database's clock, positions in the log are byte counts.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from ..fault import refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .restic import Snapshot

BASE, CHUNK = "base", "wal"
_HALF = 1 << 32
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_FILE = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
_HISTORY = re.compile(r"^\s*(\d+)\s+([0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8})", re.MULTILINE)


class Branch(NamedTuple):
    """A timeline that another one came from, and where it left it."""

    timeline: int
    end: int


class Piece(NamedTuple):
    """A base or a chunk.

    Attributes:
        kind: :data:`BASE` or :data:`CHUNK`.
        id: Its name; a chunk that grew has several snapshots of one name, the last one counts.
        system: The cluster's own identifier.
        timeline: Whose log it is.
        history: Where that timeline came from, the oldest first.
        first: The segment that it begins with.
        end: The position that it reaches.
        began: Nothing of it is older; for a chunk the moment up to which the one before reaches.
        until: What was committed by then is in it; for a base: from then on it can be used.
        fresh: The chunk does not go on where an earlier one ended.
        size: Bytes of a base.
        snapshot: Its id in the repository.
    """

    kind: str
    id: str
    system: str
    timeline: int
    history: tuple[Branch, ...]
    first: int
    end: int
    began: float
    until: float
    fresh: bool = False
    size: int = 0
    snapshot: str = ""

    @property
    def tags(self) -> list[str]:
        """All of it as words that restic keeps with a snapshot."""
        facts = {
            "system": self.system,
            "timeline": self.timeline,
            "history": ".".join(f"{tl}:{end}" for tl, end in self.history) or "none",
            "first": self.first,
            "end": self.end,
            "began": f"{self.began:.6f}",
            "until": f"{self.until:.6f}",
            "fresh": int(self.fresh),
            "size": self.size,
        }
        return [self.kind, self.id, *(f"{name}={value}" for name, value in facts.items())]

    def descends(self, other: Piece) -> bool:
        """Whether the other one's data is on the way to this one's timeline."""
        if other.timeline == self.timeline:
            return True
        return any(other.timeline == tl and other.end <= end for tl, end in self.history)


class Span(NamedTuple):
    """Bases and chunks of one cluster without a gap between them."""

    bases: tuple[Piece, ...]
    chunks: tuple[Piece, ...]

    @property
    def since(self) -> float:
        """The first moment that can be reached."""
        return self.bases[0].until

    @property
    def until(self) -> float:
        """The last one."""
        return max(piece.until for piece in (*self.chunks, *self.bases))


class Choice(NamedTuple):
    """What brings a moment back.

    Attributes:
        base: To begin with.
        chunks: To replay, the oldest first.
        timeline: To follow.
        newest: The newest timeline that the cluster has ever had: the next one has to be another.
        moment: Where to stop; None for the end of all there is.
        until: What was committed by then comes back at the most.
    """

    base: Piece
    chunks: tuple[Piece, ...]
    timeline: int
    newest: int
    moment: float | None
    until: float


def position(text: str) -> int:
    """A position as Postgres writes it: ``16/B374D848``.

    Raises:
        ValueError: It is none.
    """
    found = _LSN.fullmatch(text)
    if found is None:
        raise ValueError(text[:40])
    return int(found[1], 16) * _HALF + int(found[2], 16)


def written(place: int) -> str:
    """The same, as Postgres reads it."""
    return f"{place // _HALF:X}/{place % _HALF:X}"


def segment_name(timeline: int, segment: int, size: int) -> str:
    """The file of a segment of *size* bytes."""
    each = _HALF // size
    return f"{timeline:08X}{segment // each:08X}{segment % each:08X}"


def history_name(timeline: int) -> str:
    """The file that says where a timeline came from."""
    return f"{timeline:08X}.history"


def branches(text: str) -> tuple[Branch, ...]:
    """What such a file says."""
    return tuple(Branch(int(tl), position(end)) for tl, end in _HISTORY.findall(text))


def is_log(name: str) -> bool:
    """Whether a file of a chunk is one of Postgres's log."""
    return _FILE.fullmatch(name) is not None


def pieces(snapshots: Iterable[Snapshot]) -> list[Piece]:
    """Every base and chunk, those that grew by all their snapshots; what is damaged is left out."""
    found = (_piece(one) for one in snapshots)
    return sorted((piece for piece in found if piece), key=_in_order)


def _in_order(piece: Piece) -> tuple[float, float, int, int]:
    """By time; where the clock was set back, it stands still, and the log itself goes on."""
    return piece.began, piece.until, piece.timeline, piece.end


def _piece(snapshot: Snapshot) -> Piece | None:
    kind = next((tag for tag in snapshot.tags if tag in {BASE, CHUNK}), None)
    facts = dict(tag.split("=", 1) for tag in snapshot.tags if "=" in tag)
    if kind is None or not snapshot.backup:
        return None
    try:
        return Piece(
            kind,
            snapshot.backup,
            facts["system"],
            int(facts["timeline"]),
            tuple(
                Branch(*(int(part) for part in word.split(":")))
                for word in facts["history"].split(".")
                if word != "none"
            ),
            int(facts["first"]),
            int(facts["end"]),
            float(facts["began"]),
            float(facts["until"]),
            facts["fresh"] == "1",
            int(facts["size"]),
            snapshot.id,
        )
    except (KeyError, ValueError, TypeError):
        return None


def latest(found: Iterable[Piece]) -> list[Piece]:
    """Of every piece the snapshot that reaches furthest, in the order of time."""
    last: dict[str, Piece] = {}
    for piece in sorted(found, key=lambda piece: (piece.end, piece.until)):
        last[piece.id] = piece
    return sorted(last.values(), key=_in_order)


def _reach(piece: Piece) -> tuple[float, int]:
    return piece.until, piece.end


def spans(found: Iterable[Piece]) -> list[Span]:
    """What there is without a gap, the oldest first; without a base nothing can be reached."""
    known = latest(found)
    made: list[Span] = []
    for system in dict.fromkeys(piece.system for piece in known):
        mine = [piece for piece in known if piece.system == system]
        made += _of_one(mine)
    return sorted((span for span in made if span.bases), key=lambda span: span.since)


def _of_one(mine: Sequence[Piece]) -> list[Span]:
    runs: list[list[Piece]] = []
    for chunk in (piece for piece in mine if piece.kind == CHUNK):
        if chunk.fresh or not runs:
            runs.append([])
        runs[-1].append(chunk)
    bases: list[list[Piece]] = [[] for _ in runs]
    for base in (piece for piece in mine if piece.kind == BASE):
        before = [at for at, run in enumerate(runs) if _begins_before(run[0], base)]
        if before:
            bases[before[-1]].append(base)
    return [
        Span(tuple(sorted(own, key=_reach)), tuple(run))
        for own, run in zip(bases, runs, strict=True)
    ]


def _begins_before(chunk: Piece, base: Piece) -> bool:
    """Whether the log of a base may be in a run that begins with a chunk."""
    if chunk.began == base.until and chunk.timeline == base.timeline:
        return chunk.first <= base.first  # the clock stood still
    return chunk.began <= base.until


def known_until(found: Iterable[Piece], chunk: str, until: float) -> list[Piece]:
    """The same pieces, where a chunk is known to reach further: nothing was written since."""
    return [
        piece._replace(until=max(piece.until, until))
        if piece.kind == CHUNK and piece.id == chunk
        else piece
        for piece in found
    ]


def choose(
    found: Sequence[Piece], moment: float | None, where: str, system: str | None = None
) -> Choice:
    """What brings a moment back, or the newest one that there is.

    Args:
        found: What the repository has.
        moment: Where to go; None is the end.
        where: The repository.
        system: The cluster whose end is the newest, where that is known: the one that runs here.

    Raises:
        RunnerError: It cannot be reached; says what can.
    """
    known = spans(found)
    if not known:
        raise refused(
            f"the repository {where} has no moment to go back to",
            where="--to",
            remedy="Set `point_in_time` of `backup`, provision, and make a backup: a base comes "
            "with each. `invoke vps.backups` says what can be reached.",
        )
    if moment is None:
        mine = [span for span in known if span.bases[0].system == system]
        span = max(mine or known, key=lambda span: span.until)
    else:
        fitting = [span for span in known if span.since <= moment <= span.until]
        if not fitting:
            raise _unreachable(known, moment)
        span = fitting[-1]
    return _chosen(found, span, moment) or _raise(_unreachable(known, moment or span.until))


def _chosen(found: Sequence[Piece], span: Span, moment: float | None) -> Choice | None:
    goal = span.until if moment is None else moment
    alive = [chunk for chunk in span.chunks if chunk.began <= goal] or [span.chunks[0]]
    last = alive[-1]
    bases = [base for base in span.bases if base.until <= goal and last.descends(base)]
    if not bases:
        return None
    base = bases[-1]
    needed = [
        chunk
        for chunk in alive
        if chunk.until >= base.began
        and (chunk.timeline == last.timeline or chunk.timeline in dict(last.history))
    ]
    newest = max(piece.timeline for piece in found if piece.system == base.system)
    reached = min(goal, max((base.until, *(chunk.until for chunk in needed))))
    return Choice(base, tuple(needed), last.timeline, newest, moment, reached)


def _raise(error: Exception) -> Choice:
    raise error


def _unreachable(known: Sequence[Span], moment: float) -> Exception:
    reach = "; ".join(f"{shown(span.since)} to {shown(span.until)}" for span in known)
    return refused(
        f"{shown(moment)} cannot be reached: what can is {reach}",
        where="--to",
        remedy="Choose a moment in there; nothing was touched.",
    )


def doomed(found: Sequence[Piece], now: float, keep: float) -> list[str]:
    """The snapshots that no moment of the last *keep* seconds needs; never the newest base."""
    current = latest(found)
    staying = {piece.snapshot for piece in current}
    bases = sorted((p for p in current if p.kind == BASE), key=_reach)
    old = [base for base in bases if base.until <= now - keep]
    kept = bases[len(old) - 1 :] if old else bases
    staying -= {base.snapshot for base in bases} - {base.snapshot for base in kept}
    for chunk in (piece for piece in current if piece.kind == CHUNK):
        wanted = [b for b in kept if b.system == chunk.system and b.began <= chunk.until]
        if not wanted and chunk.until < now - keep:
            staying.discard(chunk.snapshot)
    return [piece.snapshot for piece in found if piece.snapshot not in staying]


def shown(moment: float) -> str:
    """A moment for people and for Postgres, UTC."""
    whole, micro = divmod(round(moment * 1_000_000), 1_000_000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(whole))}.{micro:06d}+00"
