"""Fetch a base and its log, and let a Postgres of its own replay them: nothing that serves is seen.

The replay runs in a scratch container without a network, as Postgres's own user; the base is
unpacked in there as well, so that nothing of a repository is ever unpacked by root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from .. import plain, room
from ..fault import Code, RunnerError
from . import postgres, scratch, wal, wal_chain
from .steps import size, step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..operation import Host
    from .settings import Repository, Settings
    from .wal_chain import Choice, Piece

ARCHIVE = "base.tar"
_LOOK_SECONDS = 0.3
_SHOWN_LINES = 12
_STOP_SECONDS = 300
#: Postgres's own words where its log ends before the moment: then all of it is what is wanted.
_ENDED_BEFORE = "recovery ended before configured recovery target was reached"
_TOO_EARLY = "before consistent recovery point"

_SCRIPT = """
set -eu
umask 077
if [ ! -e /cluster/replaying ]; then
  tar -xf /base/base.tar -C /cluster
  rm -f /cluster/standby.signal /cluster/postmaster.pid
  : >/cluster/recovery.signal
  : >/cluster/replaying
fi
exec postgres -D /cluster "$@"
"""
#: The password of the moment may be another one; it is no word of any command.
_FIT = """
set -eu
secret=$(sed "s/'/''/g" /run/secrets/postgres_password)
printf "alter role \\"%s\\" password '%s'" "$1" "$secret" | psql -XAtq -v ON_ERROR_STOP=1 \
  -U "$1" -d postgres
rm -f /cluster/replaying
"""


class Fetched(NamedTuple):
    """A base and its log on this host.

    Attributes:
        place: Has ``base/base.tar``, ``wal/`` and room for ``cluster/``.
        choice: What was chosen, and why.
        repository: Where it came from.
    """

    place: Path
    choice: Choice
    repository: str

    @property
    def cluster(self) -> Path:
        """Where the replayed cluster lies."""
        return self.place / "cluster"


class Replayed(NamedTuple):
    """A cluster that has come to its moment and takes connections.

    Attributes:
        database: The server and its database.
        last: When the last transaction of it was committed; None where none was replayed.
    """

    database: postgres.Database
    last: float | None


def fetch(
    host: Host, settings: Settings, one: Repository, moment: float | None, place: Path
) -> Fetched:
    """Bring what a moment needs below *place*, which is made anew.

    Raises:
        RunnerError: It cannot be reached, or did not come whole, or there is no room for it.
    """
    shutil.rmtree(place, ignore_errors=True)
    with step(host, "FETCHED") as words:
        store = wal.store(host, settings, one)
        store.open()
        found = _known_here(host, one, wal_chain.pieces(store.snapshots()))
        choice = _never_had(host, wal_chain.choose(found, moment, one.name, _system(host)))
        room.demand_disk(_needed(choice), "the restore", Code.RESTORE)
        place.mkdir(mode=0o700)
        for name in ("base", "wal", "cluster"):
            (place / name).mkdir(mode=0o700)
            os.chown(place / name, scratch.UID, scratch.UID)
        for piece in (choice.base, *choice.chunks):
            store.fetch(piece.snapshot, place / "fetched")
            _take(piece, place)
        _reserve_timelines(place / "wal", choice)
        words.append(
            f"the base of {wal_chain.shown(choice.base.until)} and {len(choice.chunks)} pieces of "
            f"its log from {one.name}, for {wal_chain.shown(choice.until)}"
        )
    return Fetched(place, choice, one.name)


def _known_here(host: Host, one: Repository, found: list[Piece]) -> list[Piece]:
    """What this host knows beside: that nothing was written since."""
    known = wal.state(host.layout)
    reached = (known.get("reached") or {}).get(one.name)
    return wal_chain.known_until(found, str(known.get("id")), float(reached)) if reached else found


def _system(host: Host) -> str | None:
    """The cluster whose log is brought away here."""
    return wal.state(host.layout).get("system")


def _never_had(host: Host, choice: Choice) -> Choice:
    """This host may have had a timeline that the repository does not know."""
    known = wal.state(host.layout)
    mine = int(known.get("timeline") or 1) if known.get("system") == choice.base.system else 1
    return choice._replace(newest=max(choice.newest, mine))


def _needed(choice: Choice) -> int:
    """Bytes of disk while it is replayed: the base packed and unpacked, and the log."""
    log = sum(max(chunk.end - chunk.first * (16 << 20), 0) for chunk in choice.chunks)
    return 2 * choice.base.size + log


def _take(piece: Piece, place: Path) -> None:
    """Take the files that belong to a piece, and nothing else that may be in its snapshot."""
    came = place / "fetched"
    for path in sorted(came.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if piece.kind == wal_chain.BASE and path.name == ARCHIVE:
            target = place / "base" / ARCHIVE
        elif piece.kind == wal_chain.CHUNK and wal_chain.is_log(path.name):
            target = place / "wal" / path.name
        else:
            continue
        path.replace(target)
        os.chown(target, scratch.UID, scratch.UID)
    shutil.rmtree(came)
    if piece.kind == wal_chain.BASE and not (place / "base" / ARCHIVE).is_file():
        raise _broken("the base is not in its snapshot")


def _reserve_timelines(log: Path, choice: Choice) -> None:
    """Let Postgres take a timeline that the cluster has never had: it looks for these files."""
    for timeline in range(2, choice.newest + 1):
        path = log / wal_chain.history_name(timeline)
        if not path.exists():
            path.write_text("# taken\n", encoding="ascii")
            os.chown(path, scratch.UID, scratch.UID)


@contextlib.contextmanager
def replayed(
    host: Host, settings: Settings, fetched: Fetched, *, lasting: bool
) -> Iterator[Replayed]:
    """The cluster as it was at the moment, running.

    Args:
        host: The host.
        settings: Bounds the time.
        fetched: What to replay.
        lasting: The cluster is to be used afterwards, so it is flushed to the disk.

    Raises:
        RunnerError: It did not come to its moment.
    """
    base = postgres.service(host, "postgres")
    if base is None:
        raise _broken("there is no Postgres here to replay it with")
    until = time.monotonic() + settings.timeout
    targets = [fetched.choice.moment, None] if fetched.choice.moment is not None else [None]
    for moment in targets:
        with _started(host, base, fetched, moment, lasting=lasting) as name:
            made = host.engine.container(name)
            if made is None:
                raise _broken("the scratch Postgres is gone")
            database = postgres.of_container(made)
            if _come(host, database, name, until, last=moment is None):
                yield Replayed(database, _last(host, database))
                return
    raise AssertionError


@contextlib.contextmanager
def _started(
    host: Host,
    base: dict[str, object],
    fetched: Fetched,
    moment: float | None,
    *,
    lasting: bool,
) -> Iterator[str]:
    known = postgres.of_container(base)
    own = {
        "POSTGRES_USER": known.user,
        "POSTGRES_DB": known.name,
        "PGDATA": "/cluster",
    }
    words = [word for option in options(fetched.choice, moment, lasting=lasting) for word in option]
    binds = {
        fetched.place / "base": "/base:ro",
        fetched.place / "wal": "/wal:ro",
        fetched.cluster: "/cluster",
    }
    secret = host.layout.base / "secrets" / "postgres_password"
    if lasting and secret.is_file():
        binds[secret] = "/run/secrets/postgres_password:ro"
    command = ["/bin/sh", "-c", _SCRIPT, "sh", *words]
    with scratch.container(
        host, "postgres", str(base["Image"]), command, env=own, binds=binds
    ) as name:
        yield name


def options(choice: Choice, moment: float | None, *, lasting: bool) -> list[tuple[str, str]]:
    """Postgres's options for a replay; none of them stays in the cluster."""
    given = {
        "listen_addresses": "",
        # With readers during the replay it would ask for the settings of the former server.
        "hot_standby": "off",
        "shared_buffers": "64MB",
        "autovacuum": "off",
        "archive_mode": "off",
        "fsync": "on" if lasting else "off",
        "restore_command": 'cp "/wal/%f" "%p"',
        "recovery_target_timeline": str(choice.timeline),
        "recovery_target_action": "promote",
    }
    if moment is not None:
        given["recovery_target_time"] = wal_chain.shown(moment)
    return [("-c", f"{name}={value}") for name, value in given.items()]


def _come(host: Host, database: postgres.Database, name: str, until: float, *, last: bool) -> bool:
    """Whether it has come to its moment; False where its log ends before, and *last* is not set.

    Raises:
        RunnerError: It ended otherwise, or takes too long.
    """
    while time.monotonic() < until:
        if host.engine.running(name):
            if postgres.answers(host, database):
                return True
            time.sleep(_LOOK_SECONDS)
            continue
        said = host.engine.logs(name, 60)
        if not last and any(_ENDED_BEFORE in line for line in said):
            return False
        early = any(_TOO_EARLY in line for line in said)
        raise _broken(
            "the moment is too close to the base's end"
            if early
            else "the log could not be replayed",
            tuple(line[:300] for line in said[-_SHOWN_LINES:]),
        )
    raise _broken("the log was not replayed in time", tuple(host.engine.logs(name, _SHOWN_LINES)))


def _last(host: Host, database: postgres.Database) -> float | None:
    sql = "select coalesce(extract(epoch from pg_last_xact_replay_timestamp())::text, '')"
    found = postgres.query(host, database, sql, name="postgres")
    return float(found[0]) if found else None


def ready_to_serve(host: Host, done: Replayed, name: str) -> None:
    """Give it today's password and a slot for its log, and end it cleanly.

    Raises:
        RunnerError: It could not be done.
    """
    user = done.database.user
    code, _ = host.engine.execute(name, ["/bin/sh", "-c", _FIT, "sh", user], 60)
    if code != 0:
        raise _broken("the restored Postgres did not take today's password")
    wal.make_slot(host, done.database)
    host.engine.stop(name, _STOP_SECONDS)
    found = host.engine.container(name)
    if found is None or found["State"]["Running"] or found["State"]["ExitCode"] != 0:
        raise _broken(
            "the restored Postgres did not end cleanly", tuple(host.engine.logs(name, 10))
        )


def told(host: Host, done: Replayed, settings: Settings) -> str:
    """What there is in it, for people.

    Raises:
        RunnerError: It does not answer as a database does.
    """
    facts = postgres.facts(host, done.database, settings.row_floors)
    last = f", the last commit at {wal_chain.shown(done.last)}" if done.last else ""
    return f"{size(facts.size)} in Postgres{last}"


def sweep(host: Host) -> None:
    """Remove the container that a killed replay left; best effort."""
    with contextlib.suppress(*plain.FAULTS):
        scratch.sweep(host)


def _broken(what: str, log: tuple[str, ...] = ()) -> RunnerError:
    return RunnerError(Code.RESTORE, what, where="point in time", log=log)
