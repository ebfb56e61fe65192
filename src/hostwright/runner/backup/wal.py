"""Bring what Postgres has written to its log to every repository, every few seconds.

A replication slot lets Postgres keep what has not been brought away yet, up to a bound. Each call
copies the segments from there on as they are, the last one up to the byte that was flushed, and
stores them as one snapshot; only when every repository has it the slot moves on. There is no
process that has to live on: whatever a dead call left, the next one does again.

It takes a lock of its own, not the host's: a long deploy must not be a gap in the log.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable, lock, plain, room
from ..fault import Code, RunnerError
from . import make, postgres, restic, tools, wal_chain
from .wal_chain import CHUNK, Branch, Piece

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from ..layout import Layout
    from ..operation import Host
    from .settings import Repository, Settings

SLOT = "hostwright"
#: A chunk ends when it is that long or that old: what a restore fetches, and what a call looks at.
CHUNK_SEGMENTS = 16
CHUNK_SECONDS = 3600.0
#: Where nothing is written, the repositories still learn now and then that this is so.
QUIET_SECONDS = 600.0
#: A backup is begun because no base fits the log: after so long, and not more often than that.
_GRACE_SECONDS, _ASK_SECONDS = 60.0, 3600.0
_COPY_SECONDS = 600.0
_PATIENCE_SECONDS = 120.0
#: How far the database's clock and this process's may be apart without a word.
_CLOCK_SECONDS = 5.0
_EXCHANGING = ("SWAPPING", "SWAPPED", "HEALTHY")

_LOOK = """
select extract(epoch from clock_timestamp()), pg_current_wal_flush_lsn(),
 pg_walfile_name(pg_current_wal_insert_lsn()), (select system_identifier from pg_control_system()),
 (select setting from pg_settings where name = 'wal_segment_size'),
 (select setting from pg_settings where name = 'max_slot_wal_keep_size'),
 coalesce((select coalesce(restart_lsn::text, '') || ' ' || coalesce(wal_status, '')
  from pg_replication_slots where slot_name = 'hostwright'), '')
"""


class Server(NamedTuple):
    """A running Postgres, as far as its log goes.

    Attributes:
        clock: Its time; what was committed by then is below *flushed*.
        flushed: How far its log is on the disk.
        timeline: The one that it writes.
        system: The cluster's identifier.
        size: Bytes of a segment.
        limit: MiB that the slot keeps at the most.
        slot: From where on it keeps its log; None where there is no slot, or no such log any more.
    """

    clock: float
    flushed: int
    timeline: int
    system: str
    size: int
    limit: int
    slot: int | None

    @property
    def last(self) -> int:
        """The segment of the last flushed byte."""
        return max(self.flushed - 1, 0) // self.size

    @property
    def unsent(self) -> int:
        """Bytes that the slot keeps."""
        return self.flushed - self.slot if self.slot is not None else 0


def place(layout: Layout) -> Path:
    """Where the chunk lies that is growing, and what is known of it."""
    return layout.backup / "wal"


def state_file(layout: Layout) -> Path:
    """What the last call did."""
    return place(layout) / "state.json"


def state(layout: Layout) -> dict[str, Any]:
    """The same; empty where nothing is known."""
    value = durable.read_json(state_file(layout))
    return value if isinstance(value, dict) else {}


def note(layout: Layout, **changes: Any) -> None:  # noqa: ANN401 - JSON
    """Write down what changed; the lock of this module is held."""
    durable.write_json(state_file(layout), {**state(layout), **changes})


def repository(one: Repository) -> Repository:
    """Where the log goes: beside a repository of backups, so that neither waits for the other."""
    return one._replace(where=f"{one.where.rstrip('/')}-wal" if one.where.strip("/") else "wal")


def store(host: Host, settings: Settings, one: Repository) -> restic.Store:
    """The repository of the log beside one of backups."""
    return restic.Store(host.layout, host.shell, settings, repository(one))


@contextlib.contextmanager
def alone(layout: Layout, patience: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Nobody else touches the log meanwhile.

    Raises:
        RunnerError: Somebody does, for too long.
    """
    place(layout).mkdir(mode=0o700, exist_ok=True)
    held = lock.acquire(place(layout) / "lock", patience=patience, orphans=patience)
    try:
        held.sign("hostwright", "log")
        yield
    finally:
        held.close()


def main(host: Host, settings: Settings | None) -> int:
    """What the timer starts: one call. What goes wrong is kept for the watch to tell of."""
    layout = host.layout
    if exchanging(layout):
        return 0
    try:
        with alone(layout, 0.0):
            if settings is None or settings.point_in_time is None:
                stop(host)
                return 0
            _kept_going(host, settings)
    except RunnerError as error:
        if error.code is not Code.BUSY:  # the one before is still at it
            raise
    return 0


def _kept_going(host: Host, settings: Settings) -> None:
    before = state(host.layout).get("error") or ""
    try:
        said = ship(host, settings)
    except plain.FAULTS as error:
        said = str(error)
    with contextlib.suppress(OSError):
        note(host.layout, error=said)
    if said != before:
        sys.stdout.write(f"{said or 'the log reaches every repository again'}\n")
    _ask_for_a_base(host)


def exchanging(layout: Layout) -> bool:
    """Whether a restore exchanges data, or was killed while it did: that log is nobody's."""
    value = durable.read_json(layout.backup / "restore.json")
    return isinstance(value, dict) and value.get("phase") in _EXCHANGING


def ship(host: Host, settings: Settings) -> str:
    """Bring to every repository what it lacks; the lock of this module is held.

    Returns:
        What went wrong in which repository; empty where all have all of it.

    Raises:
        RunnerError: Postgres does not answer, or there is no room.
    """
    database = postgres.find(host)
    wanted = settings.point_in_time
    if database is None or wanted is None:
        note(host.layout, absent=True)
        return ""
    server = _bounded(host, database, wanted.unsent_bytes >> 20)
    known = state(host.layout)
    until = moment(known, server)
    chunk = next_chunk(known, server, history(host, database, server))
    fresh = chunk.id != known.get("id")
    if not fresh and server.flushed == known.get("end") and _recent(known, server, settings):
        note(host.layout, until=until, reached=_reached(settings, known, server, ()))
        return ""
    note(host.layout, unsent=server.unsent, absent=False)
    _gather(host, database, server, chunk, begin=fresh)
    chunk = chunk._replace(end=server.flushed, until=until)
    span = chunk.id if chunk.fresh and fresh else known.get("span") or chunk.id
    begun = {"last": server.last, "span": span, "closed": False, "sent": 0, "arrived": None}
    note(host.layout, **{**_facts(chunk), **begun})
    failed = _stored(host, settings, chunk)
    reached = _reached(settings, known, server, failed)
    if failed:
        note(host.layout, reached=reached)
        return "; ".join(f"{error.what}" for error in failed.values())
    _advance(host, database, server)
    closed = ended(chunk, server)
    note(host.layout, sent=server.clock, reached=reached, closed=closed, unsent=0)
    if closed:
        _forget_grown(host, settings, chunk)
    return ""


def moment(known: dict[str, Any], server: Server) -> float:
    """The server's time, but never earlier than what is stored of its log.

    The order of moments is the order of the log, also when the clock is set back: until it has
    caught up, what is written counts as of the last moment before.
    """
    before = known.get("until") if known.get("system") == server.system else None
    return max(server.clock, float(before or 0))


def look(host: Host, database: postgres.Database) -> Server:
    """What a Postgres says of its log.

    Raises:
        RunnerError: It does not answer, or still recovers.
    """
    [line] = postgres.query(host, database, " ".join(_LOOK.split()))
    clock, flushed, file, system, size, limit, slot = line.split("|")
    restart, _, status = slot.partition(" ")
    kept = bool(restart) and status != "lost"
    return Server(
        float(clock),
        wal_chain.position(flushed),
        int(file[:8], 16),
        system,
        int(size),
        int(limit),
        wal_chain.position(restart) if kept else None,
    )


def _bounded(host: Host, database: postgres.Database, limit: int) -> Server:
    """The server with a slot of ours that keeps no more than it may."""
    server = look(host, database)
    if server.limit != limit:
        sql = f"alter system set max_slot_wal_keep_size = '{limit}MB'"
        postgres.query(host, database, sql)
        postgres.query(host, database, "select pg_reload_conf()")
    if server.slot is not None:
        return server
    make_slot(host, database)
    return look(host, database)


def make_slot(host: Host, database: postgres.Database) -> None:
    """Let a server keep its log from now on; a slot that has lost some of it begins anew."""
    _drop_slot(host, database)
    sql = f"select pg_create_physical_replication_slot('{SLOT}', true)"
    postgres.query(host, database, sql)


def _drop_slot(host: Host, database: postgres.Database) -> None:
    named = f"slot_name = '{SLOT}'"
    sql = f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where {named}"  # noqa: S608 - our own word
    postgres.query(host, database, sql)


def history(host: Host, database: postgres.Database, server: Server) -> str:
    """Where the server's timeline came from, in Postgres's own words."""
    if server.timeline == 1:
        return ""
    name = wal_chain.history_name(server.timeline)
    code, text = host.engine.execute(
        database.container, ["/bin/sh", "-c", 'cat "$PGDATA/pg_wal/$1"', "sh", name], 60
    )
    if code != 0:
        raise _broken(f"Postgres has no {name} of the timeline that it writes")
    return text


def next_chunk(known: dict[str, Any], server: Server, history: str) -> Piece:
    """The chunk to store: the growing one, the next one, or one that begins after a gap."""
    came_from = wal_chain.branches(history)
    begin = server.slot // server.size if server.slot is not None else server.last
    following = _following(known, server, came_from, begin)
    last = known.get("last")
    grows = following and known.get("timeline") == server.timeline and not known.get("closed")
    if grows and isinstance(last, int):
        return _piece_of(known)._replace(end=server.flushed)
    if following and isinstance(last, int) and known.get("timeline") == server.timeline:
        began, first = float(known["until"]), last
    else:
        arrived = known.get("arrived") if following else None
        began = moment(known, server._replace(clock=float(arrived or server.clock)))
        # The files of this timeline begin where it left the one before; the slot may begin earlier.
        first = max(begin, came_from[-1].end // server.size) if came_from else begin
    return Piece(
        CHUNK,
        make.identify(server.system, time.time()),
        server.system,
        server.timeline,
        came_from,
        first,
        server.flushed,
        began,
        moment(known, server),
        fresh=not following,
    )


def _following(
    known: dict[str, Any], server: Server, came_from: tuple[Branch, ...], begin: int
) -> bool:
    """Whether nothing is missing between what was stored and what the slot kept."""
    if known.get("system") != server.system or not isinstance(known.get("last"), int):
        return False
    if known.get("timeline") == server.timeline:
        return begin <= int(known["last"]) <= server.last
    return bool(came_from) and begin <= came_from[-1].end // server.size


def arrived(host: Host, database: postgres.Database) -> None:
    """A restored cluster is in place: what is written from now on is of its own timeline."""
    note(host.layout, arrived=look(host, database).clock)


def ended(chunk: Piece, server: Server) -> bool:
    """Whether a chunk is long enough, so that the next call begins another."""
    long = server.last - chunk.first + 1 >= CHUNK_SEGMENTS
    return long or chunk.until - chunk.began >= CHUNK_SECONDS


def _facts(chunk: Piece) -> dict[str, Any]:
    facts = chunk._asdict()
    del facts["kind"], facts["snapshot"], facts["size"]
    return facts


def _piece_of(known: dict[str, Any]) -> Piece:
    return Piece(
        CHUNK,
        str(known["id"]),
        str(known["system"]),
        int(known["timeline"]),
        tuple(Branch(int(tl), int(end)) for tl, end in known["history"]),
        int(known["first"]),
        int(known["end"]),
        float(known["began"]),
        float(known["until"]),
        bool(known["fresh"]),
    )


def _recent(known: dict[str, Any], server: Server, settings: Settings) -> bool:
    """Whether every repository has heard of this moment's log not long ago."""
    everywhere = {one.name for one in settings.repositories} <= set(known.get("reached") or ())
    return everywhere and 0 <= server.clock - float(known.get("sent") or 0) < QUIET_SECONDS


def _reached(
    settings: Settings, known: dict[str, Any], server: Server, failed: Container[str]
) -> dict[str, float]:
    """Up to which moment each repository has everything."""
    before = known.get("reached") or {}
    names = [one.name for one in settings.repositories]
    now = {name: server.clock for name in names if name not in failed}
    return {name: float(before[name]) for name in names if name in before} | now


# -- gathering ------------------------------------------------------------------------------------


def files(layout: Layout) -> Path:
    """The files of the growing chunk: always the same place, so restic finds what is unchanged."""
    return place(layout) / "chunk"


def _gather(
    host: Host, database: postgres.Database, server: Server, chunk: Piece, *, begin: bool
) -> None:
    """Copy the segments of a chunk that are new, and the last one anew."""
    target = files(host.layout)
    if begin:
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, exist_ok=True)
    whole = {path.name for path in target.iterdir() if path.name != _partial(host.layout)}
    names = [
        (number, wal_chain.segment_name(server.timeline, number, server.size))
        for number in range(chunk.first, server.last + 1)
    ]
    wanted = [(number, name) for number, name in names if name not in whole]
    needed = len(wanted) * server.size + room.RESERVE_BYTES
    if (free := room.disk()) < needed:
        mib = 1 << 20
        raise _broken(f"{free // mib} MiB of disk are left, the log needs {needed // mib} MiB")
    for number, name in wanted:
        up_to = min(server.flushed - number * server.size, server.size)
        _copy(host, database, name, target, up_to, server.size)
        _mark_partial(host.layout, name if up_to < server.size else "")
    if server.timeline > 1:
        name = wal_chain.history_name(server.timeline)
        if not (target / name).exists():
            durable.write(target / name, history(host, database, server).encode())


def _partial(layout: Layout) -> str:
    """The file that was copied before Postgres had filled it."""
    try:
        return (place(layout) / "partial").read_text(encoding="ascii")
    except OSError:
        return ""


def _mark_partial(layout: Layout, name: str) -> None:
    durable.write(place(layout) / "partial", name.encode())


def _copy(  # noqa: PLR0913, PLR0917 - what a copy is of
    host: Host, database: postgres.Database, name: str, target: Path, up_to: int, size: int
) -> None:
    """Copy the flushed bytes of a segment; after them come zeros, where recovery ends by itself."""
    incoming = place(host.layout) / "incoming"
    incoming.unlink(missing_ok=True)
    script = 'exec head -c "$2" "$PGDATA/pg_wal/$1"'
    argv = ["docker", "exec", database.container, "/bin/sh", "-c", script, "sh", name, str(up_to)]
    # The mark comes first: a copy that is cut off is made again.
    _mark_partial(host.layout, name)
    done = tools.run(
        host.shell, argv, timeout=_COPY_SECONDS, streams=tools.Streams(target=incoming)
    )
    if done.exit_code != 0 or incoming.stat().st_size != up_to:
        raise _broken(f"the segment {name} of the log could not be copied whole")
    os.truncate(incoming, size)
    incoming.replace(target / name)


# -- storing --------------------------------------------------------------------------------------


def _stored(host: Host, settings: Settings, chunk: Piece) -> dict[str, RunnerError]:
    """Store a chunk in all repositories at once; those that did not take it, with the reason."""
    # Each has failed until it says otherwise: a thread that died of something unforeseen, too.
    unknown = _broken(
        "what became of the log there is not known",
        "`journalctl -u 'hostwright-wal@*'` on the host says why; the next call tries again.",
    )
    failed = {where.name: unknown for where in settings.repositories}

    def one(where: Repository) -> None:
        try:
            save(store(host, settings, where), [files(host.layout)], chunk, host.layout)
        except plain.FAULTS as error:
            failed[where.name] = plain.explained(error)
        else:
            del failed[where.name]

    threads = [threading.Thread(target=one, args=(where,)) for where in settings.repositories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def save(target: restic.Store, paths: list[Path], piece: Piece, layout: Layout) -> None:
    """Store files as a piece; a repository that was not opened before is opened, or made.

    Raises:
        RunnerError: It did not take them.
    """
    opened = place(layout) / f"opened-{target.name}"
    try:
        target.ready()
        where = restic.location(target.repository)
        if not opened.is_file() or opened.read_text(encoding="utf-8") != where:
            target.open(make=True)
            durable.write(opened, where.encode())
        target.save(paths, piece.tags)
    except plain.FAULTS:
        opened.unlink(missing_ok=True)  # looked at from the beginning the next time
        raise


def _advance(host: Host, database: postgres.Database, server: Server) -> None:
    """Let Postgres remove what every repository has; the last segment still grows."""
    goal = server.last * server.size
    if server.slot is not None and goal > server.slot:
        sql = f"select pg_replication_slot_advance('{SLOT}', '{wal_chain.written(goal)}')"
        postgres.query(host, database, sql)


def _forget_grown(host: Host, settings: Settings, chunk: Piece) -> None:
    """A chunk that has ended needs its last snapshot only; best effort, retention does the rest."""
    for one in settings.repositories:
        with contextlib.suppress(*plain.FAULTS):
            target = store(host, settings, one)
            mine = [p for p in wal_chain.pieces(target.snapshots()) if p.id == chunk.id]
            last = {piece.snapshot for piece in wal_chain.latest(mine)}
            target.drop([piece.snapshot for piece in mine if piece.snapshot not in last])


def stop(host: Host) -> None:
    """Point-in-time recovery is not wanted: Postgres keeps nothing for it, nor does the disk."""
    if not state_file(host.layout).exists():
        return
    database = postgres.find(host)
    if database is not None:
        _drop_slot(host, database)
    shutil.rmtree(files(host.layout), ignore_errors=True)
    durable.remove(state_file(host.layout))


def _ask_for_a_base(host: Host) -> None:
    """Begin a backup where the log goes on from no base; not again and again."""
    known = state(host.layout)
    if not known.get("span") or known.get("based") == known["span"]:
        return
    now = time.time()
    if 0 <= now - float(known.get("asked") or 0) < _ASK_SECONDS:
        return
    if 0 <= now - float(known.get("began") or 0) < _GRACE_SECONDS:
        return
    if lock.held(host.layout.lock) is not None:  # perhaps it is a backup
        return
    note(host.layout, asked=now)
    unit = f"hostwright-backup@{host.layout.app}.service"
    host.shell.run(["systemctl", "start", "--no-block", unit], timeout=20)


def stale(layout: Layout, settings: Settings, now: float) -> str:
    """What to say where the log has not reached every repository for too long; else empty."""
    wanted, known = settings.point_in_time, state(layout)
    if wanted is None or known.get("absent"):
        return ""
    reached = known.get("reached") or {}
    for one in settings.repositories:
        age = now - float(reached.get(one.name) or 0)
        if one.name not in reached:
            return f"the log of Postgres has not reached the repository {one.name} yet"
        if age < -wanted.max_age:
            return f"the clock was set back: how far {one.name} is behind is not known"
        if age > wanted.max_age:
            why = f": {known['error']}" if known.get("error") else ""
            return f"what was written in the last {age:.0f} s is not in {one.name}{why}"
    return ""


def unsent(layout: Layout, settings: Settings) -> str:
    """What to say where Postgres keeps much of its log that cannot be brought away; else empty."""
    wanted, known = settings.point_in_time, state(layout)
    if wanted is None:
        return ""
    kept = int(known.get("unsent") or 0)
    if 2 * kept < wanted.unsent_bytes:
        return ""
    mib = 1 << 20
    return (
        f"Postgres keeps {kept // mib} MiB of its log that could not be brought away; from "
        f"{wanted.unsent_bytes // mib} MiB on it gives them up, and moments are lost"
    )


def based(layout: Layout, settings: Settings) -> str:
    """What to say where the log goes on from no base; else empty."""
    known = state(layout)
    if settings.point_in_time is None or not known.get("span"):
        return ""
    if known.get("based") == known["span"]:
        return ""
    return "no moment since the last gap can be restored: a backup is needed"


def told(layout: Layout, settings: Settings | None) -> dict[str, Any] | None:
    """What a listing says of it; None where it is not wanted."""
    if settings is None or settings.point_in_time is None:
        return None
    known = state(layout)
    reached = known.get("reached") or {}
    return {
        "since": known.get("since"),
        "until": min(reached.values()) if reached else None,
        "repositories": reached,
        "unsent": int(known.get("unsent") or 0),
        "error": known.get("error") or based(layout, settings) or _set_back(known),
    }


def _set_back(known: dict[str, Any]) -> str:
    """What to say while the clock has not caught up with the log; empty where it has."""
    until = float(known.get("until") or 0)
    if until - time.time() < _CLOCK_SECONDS:
        return ""
    return (
        f"the clock was set back: until it is {wal_chain.shown(until)} again, what is written is "
        "reached by `--to latest` alone"
    )


def _broken(what: str, remedy: str = "") -> RunnerError:
    return RunnerError(Code.BACKUP, what, where="log of Postgres", remedy=remedy)
