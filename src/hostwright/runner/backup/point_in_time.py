"""Go back to any moment: a base with each backup, the log between, and a restore to a moment.

The log is brought away by :mod:`.wal`. A restore replays beside what serves, proves the result,
and exchanges whole clusters by the renames of :mod:`.swap`, journalled in ``restore.json`` as any
other restore: killed anywhere, the next command puts the former cluster back or finishes.
"""

from __future__ import annotations

import calendar
import contextlib
import os
import re
import shutil
import time
from typing import TYPE_CHECKING, Any

from .. import durable, plain, room
from ..fault import Code, RunnerError, refused
from . import make, point_in_time_replay, postgres, restore, scratch, swap, tools, wal, wal_chain
from .steps import size, step
from .wal_chain import BASE, Piece

if TYPE_CHECKING:
    from pathlib import Path

    from ..layout import Layout
    from ..operation import Host
    from .point_in_time_replay import Fetched
    from .settings import Repository, Settings

LATEST = "latest"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z")
_BASE_SECONDS = 6 * 3600.0
_SHOWN_LINES = 8
_VOLUME = "postgres"


def asked(value: object) -> float | None:
    """The moment that a request names; None is the latest.

    Raises:
        RunnerError: It names none.
    """
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if value == LATEST:
        return None
    try:
        if found is not None:
            whole = calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))
            return whole + int(found[2]) / 1_000_000
    except ValueError:
        pass
    raise refused("this is no moment", where="to")


# -- the base -------------------------------------------------------------------------------------


def base_place(layout: Layout) -> Path:
    """Where a base waits to be stored."""
    return layout.backup / "base"


def keep(host: Host, settings: Settings, record: dict[str, Any]) -> dict[str, RunnerError]:
    """Store a base with a backup, and forget what is no longer needed.

    Args:
        host: The host; its lock is held.
        settings: What is in force.
        record: What the ledger will say of the backup.

    Returns:
        The repositories that did not take it, with the reason.

    Raises:
        RunnerError: There is no base.
    """
    if settings.point_in_time is None:
        with wal.alone(host.layout):
            wal.stop(host)
        return {}
    database = postgres.find(host)
    if database is None:
        return {}
    with step(host, "BASE") as words:
        with wal.alone(host.layout):
            said = wal.ship(host, settings)
            span = wal.state(host.layout).get("span")
        piece = _taken(host, database, record)
        words.append(f"{size(piece.size)} of the cluster")
        words.extend([said] if said else [])
    try:
        failed = _stored(host, settings, piece)
    finally:
        clear(host.layout)
    with wal.alone(host.layout):
        if not failed:
            wal.note(host.layout, based=span, asked=0)
        for one in settings.repositories:
            if one.name not in failed:
                _tidy(host, settings, one, failed)
    record["point_in_time"] = {"base": piece.until, "size": piece.size}
    return failed


def _taken(host: Host, database: postgres.Database, record: dict[str, Any]) -> Piece:
    """Copy the running cluster into one file.

    Raises:
        RunnerError: It is not whole, or there is no room.
    """
    place = base_place(host.layout)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    [total] = postgres.query(
        host, database, "select sum(pg_database_size(oid))::bigint from pg_database"
    )
    room.demand_disk(int(total), "the base", Code.BACKUP)
    before = wal.look(host, database)
    target = place / point_in_time_replay.ARCHIVE
    words = ("pg_basebackup", "-U", database.user, "-D", "-", "--format=tar", "--wal-method=fetch")
    argv = ["docker", "exec", database.container, *words, "--checkpoint=fast"]
    done = tools.run(host.shell, argv, timeout=_BASE_SECONDS, streams=tools.Streams(target=target))
    if done.exit_code != 0 or not target.stat().st_size:
        shutil.rmtree(place, ignore_errors=True)
        raise RunnerError(
            Code.BACKUP,
            "the base for recovery to a moment is not whole",
            where="postgres",
            remedy="Its last words are shown.",
            log=tuple(line[:300] for line in done.stderr.splitlines()[-_SHOWN_LINES:]),
        )
    after, known = wal.look(host, database), wal.state(host.layout)
    return Piece(
        BASE,
        str(record["id"]),
        after.system,
        after.timeline,
        wal_chain.branches(wal.history(host, database, after)),
        before.last,
        after.flushed,
        wal.moment(known, before),
        wal.moment(known, after),
        size=target.stat().st_size,
    )


def _stored(host: Host, settings: Settings, piece: Piece) -> dict[str, RunnerError]:
    failed: dict[str, RunnerError] = {}
    for one in settings.repositories:
        with step(host, f"BASED in {one.name}") as words:
            try:
                store = wal.store(host, settings, one)
                wal.save(store, [base_place(host.layout)], piece, host.layout)
            except RunnerError as error:
                failed[one.name] = error
                words.append(error.what)
    return failed


def _tidy(host: Host, settings: Settings, one: Repository, failed: dict[str, RunnerError]) -> None:
    """Forget what no moment that is kept needs; and know which is the first."""
    wanted = settings.point_in_time
    if wanted is None:
        raise AssertionError
    store = wal.store(host, settings, one)
    try:
        found = wal_chain.pieces(store.snapshots())
        dead = wal_chain.doomed(found, time.time(), wanted.keep)
        store.drop(dead, prune=bool(dead))
    except RunnerError as error:  # the base is there; there is only more than wanted
        host.events.note(error.what)
        return
    staying = [piece for piece in found if piece.snapshot not in dead]
    spans = wal_chain.spans(staying)
    if spans and one == settings.repository(None) and one.name not in failed:
        wal.note(host.layout, since=spans[0].since)


def clear(layout: Layout) -> None:
    """Remove what a base needed only while it was stored."""
    shutil.rmtree(base_place(layout), ignore_errors=True)


# -- the restore ----------------------------------------------------------------------------------


def go_back(
    host: Host, settings: Settings, moment: float | None, repository: str | None, *, beside: bool
) -> dict[str, Any]:
    """Bring Postgres back to a moment; Redis and files stay as they are.

    Args:
        host: The host; its lock is held and everything is settled.
        settings: What is in force.
        moment: Where to; None is the latest that can be reached.
        repository: Where from; the first off this host without a name.
        beside: Only load the database of that moment beside what serves.

    Returns:
        What was restored, and what the former cluster is called now.

    Raises:
        RunnerError: It was not restored; what served before serves, with its data.
    """
    began, one = time.monotonic(), settings.repository(repository)
    if not beside:
        restore.refuse_unread(host)
    try:
        _bring_the_rest(host, settings)
        durable.write_json(restore.journal(host.layout), {"phase": restore.FETCHED})
        place = restore.work_place(host.layout)
        fetched = point_in_time_replay.fetch(host, settings, one, moment, place)
        found = _beside(host, settings, fetched) if beside else _into_place(host, settings, fetched)
    except plain.FAULTS as error:
        raise restore.failed(host, error) from error
    return {
        "backup": fetched.choice.base.id,
        "moment": fetched.choice.until,
        "data_time": int(fetched.choice.until),
        **found,
        "seconds": round(time.monotonic() - began, 3),
    }


def _bring_the_rest(host: Host, settings: Settings) -> None:
    """What was written until now belongs to what can be reached; a dead Postgres has no more."""
    if settings.point_in_time is None:
        return
    try:
        with wal.alone(host.layout):
            said = wal.ship(host, settings)
    except plain.FAULTS as error:
        said = str(error)
    if said:
        host.events.note(f"the newest of the log may be missing: {said}")


def _into_place(host: Host, settings: Settings, fetched: Fetched) -> dict[str, Any]:
    plan = _plan(host, fetched)
    restore.note(host, restore.LOADED, plan)
    with step(host, "REPLAYED") as words:
        with point_in_time_replay.replayed(host, settings, fetched, lasting=True) as done:
            words.append(point_in_time_replay.told(host, done, settings))
            name = scratch.name(host, "postgres")
            point_in_time_replay.ready_to_serve(host, done, name)
        swap.place(fetched.cluster, plan.incoming(_VOLUME))
        os.sync()
    # From here on until it is well, the log that is written may belong to nobody.
    with wal.alone(host.layout):
        restore.bring(host, plan, goal=None)
        with step(host, "HEALTHY") as words:
            wal.arrived(host, swap.ready(host))
            swap.start_roles(host)
            words.append(f"{host.serving} is well" if host.serving else "nothing serves")
        restore.finish(host, plan)
    return {"kept": None, "kept_files": [str(plan.kept(_VOLUME))], "last": done.last}


def _plan(host: Host, fetched: Fetched) -> swap.Plan:
    found = make.volume(host, _VOLUME)
    if found is None:
        raise RunnerError(
            Code.RESTORE,
            "there is no Postgres here to restore into",
            where="postgres",
            remedy="Deploy first, or `invoke vps.recover` on an empty host.",
        )
    mark = make.identify(host.layout.app, time.time())
    return swap.Plan(fetched.choice.base.id, mark, "", {_VOLUME: str(found)})


def _beside(host: Host, settings: Settings, fetched: Fetched) -> dict[str, Any]:
    """Load the database of the moment into the server that serves, under another name."""
    mark = make.identify(host.layout.app, time.time())
    server, dump = swap.ready(host), fetched.place / make.DUMP
    name = f"{server.name[:30]}_restored_{mark[:16]}"
    with (
        step(host, "REPLAYED") as words,
        point_in_time_replay.replayed(host, settings, fetched, lasting=False) as done,
    ):
        words.append(point_in_time_replay.told(host, done, settings))
        postgres.dump(host, done.database, dump)
    with step(host, "BESIDE") as words:
        postgres.load(host, server, dump, name)
        words.append(f"database {name}")
    restore.close(host)
    return {"beside": name, "files": {}, "last": done.last}


# -- the drill ------------------------------------------------------------------------------------


def prove(host: Host, settings: Settings, one: Repository, place: Path) -> dict[str, Any] | None:
    """Replay to the newest moment for its own sake; what a drill says of it.

    Raises:
        RunnerError: It does not replay.
    """
    if settings.point_in_time is None:
        return None
    fetched = point_in_time_replay.fetch(host, settings, one, None, place)
    with (
        step(host, "REPLAYED") as words,
        point_in_time_replay.replayed(host, settings, fetched, lasting=False) as done,
    ):
        facts = postgres.facts(host, done.database, settings.row_floors)
        restore.refuse_fewer(facts, settings.row_floors)
        age = time.time() - fetched.choice.until
        words.append(f"{size(facts.size)}, its data is {age:.0f} s old")
    with contextlib.suppress(OSError):
        shutil.rmtree(place)
    return {"moment": fetched.choice.until, "data_age": round(age, 3), "rows": facts.rows}
