"""Prove that the newest backup restores: into containers of its own that nobody can reach."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from .. import plain, room
from ..fault import Code, RunnerError
from . import ledger, make, postgres, redis, restic, restore, scratch
from .steps import size, step

if TYPE_CHECKING:
    from pathlib import Path

    from ..layout import Layout
    from ..operation import Host
    from .settings import Settings

_START_SECONDS = 120.0


def place(layout: Layout) -> Path:
    """Where a drill unpacks."""
    return layout.backup / "drill"


def drill(host: Host, settings: Settings, repository: str | None) -> dict[str, Any]:
    """Restore the newest backup for its own sake.

    Args:
        host: The host; its lock is held.
        settings: What is in force.
        repository: Where from; the first off this host without a name.

    Returns:
        What the ledger says of it.

    Raises:
        RunnerError: It does not restore, or is not what was backed up; the ledger says so.
    """
    began, now = time.monotonic(), time.time()
    chosen = settings.repository(repository)
    found: dict[str, Any] = {
        "id": make.identify(host.layout.app, now),
        "time": int(now),
        "repository": chosen.name,
    }
    try:
        store = restic.Store(host.layout, host.shell, settings, chosen)
        _prove(host, settings, store, found)
    except plain.FAULTS as error:
        told = plain.explained(error)
        _write_down(host, found, began, told.what)
        if told.code in {Code.STORE, Code.KEY}:
            raise told from error
        raise RunnerError(
            Code.DRILL, told.what, where=told.where, remedy=told.remedy, log=told.log
        ) from error
    finally:
        sweep(host)
    _write_down(host, found, began, "")
    return found


def _prove(host: Host, settings: Settings, store: restic.Store, found: dict[str, Any]) -> None:
    target = place(host.layout)
    shutil.rmtree(target, ignore_errors=True)
    with step(host, "FETCHED") as words:
        store.open()
        known = store.snapshots()
        past = [one for one in known if not restore.ahead(one)]
        chosen = restore.choose(past or known, None, store.name)
        room.demand_disk(store.size(chosen.id), "the drill", Code.DRILL, host.layout.backup)
        target.mkdir(mode=0o700)
        store.fetch(chosen.id, target / "files")
        fetched = restore.Fetched(target / "files")
        found["backup"] = fetched.record["id"]
        found["data_age"] = int(time.time()) - int(fetched.record["time"])
        words.append(f"{fetched.record['id']}, {restore.old(fetched.record['time'])}")
    if fetched.record.get("postgres"):
        with step(host, "POSTGRES") as words:
            facts = _postgres(host, settings, fetched)
            found["rows"] = facts.rows
            words.append(f"{size(facts.size)}, schema and migrations as backed up")
    if fetched.record.get("redis"):
        with step(host, "REDIS") as words:
            found["redis_keys"] = _redis(host, fetched, target / "redis")
            words.append(f"{found['redis_keys']} keys")
    if settings.point_in_time is not None:
        from . import point_in_time

        where = target / "point_in_time"
        found["point_in_time"] = point_in_time.prove(host, settings, store.repository, where)


def _postgres(host: Host, settings: Settings, fetched: restore.Fetched) -> postgres.Facts:
    base, stored = postgres.service(host, "postgres"), fetched.record["postgres"]
    if base is None:
        raise RunnerError(Code.DRILL, "there is no Postgres here to try it on", where="postgres")
    own = {
        "POSTGRES_USER": str(stored["user"]),
        "POSTGRES_DB": str(stored["database"]),
        "POSTGRES_PASSWORD": os.urandom(16).hex(),
        "POSTGRES_HOST_AUTH_METHOD": "scram-sha-256",
        "POSTGRES_INITDB_ARGS": "--auth-local=trust --auth-host=scram-sha-256",
        "PGDATA": "/var/lib/postgresql/data",
    }
    command = ["docker-entrypoint.sh", "postgres", "-c", "fsync=off", "-c", "shared_buffers=64MB"]
    with scratch.container(host, "postgres", str(base["Image"]), command, env=own) as name:
        made = host.engine.container(name)
        if made is None:
            raise RunnerError(Code.DRILL, "the scratch Postgres is gone", where="postgres")
        database = postgres.of_container(made)
        if not postgres.await_ready(host, database, _START_SECONDS):
            log = tuple(host.engine.logs(name, 10))
            raise RunnerError(
                Code.DRILL, "the scratch Postgres did not start", where="postgres", log=log
            )
        [version] = postgres.query(host, database, "show server_version_num")
        restore.refuse_newer(int(stored["version"]), int(version))
        restore.demand_room(fetched.record, Code.DRILL)
        postgres.load(host, database, fetched.file(make.DUMP), "drill")
        facts = postgres.facts(host, database._replace(name="drill"), settings.row_floors)
        restore.compare(stored, facts, settings.row_floors)
        return facts


def _redis(host: Host, fetched: restore.Fetched, directory: Path) -> int:
    base = postgres.service(host, "redis")
    if base is None:
        raise RunnerError(Code.DRILL, "there is no Redis here to try it on", where="redis")
    keys = redis.prepare(host, str(base["Image"]), fetched.file(make.SNAPSHOT), directory)
    restore.compare_keys(fetched.record, keys)
    return keys.all


def _write_down(host: Host, found: dict[str, Any], began: float, error: str) -> None:
    found["seconds"] = round(time.monotonic() - began, 3)
    found["outcome"] = "failed" if error else "ok"
    if error:
        found["error"] = error
    with contextlib.suppress(OSError):
        ledger.append(ledger.drills(host.layout), found)


def sweep(host: Host) -> None:
    """Remove what a drill left, a killed one as well; only under the lock."""
    if place(host.layout).exists():
        with contextlib.suppress(*plain.FAULTS):
            scratch.sweep(host)
        shutil.rmtree(place(host.layout), ignore_errors=True)


def stale(layout: Layout, settings: Settings, now: float) -> str:
    """What to say where the last good drill is too old; empty where it is not."""
    last = ledger.last_good(ledger.drills(layout))
    if last is None:
        if ledger.last_good(ledger.backups(layout)) is None:
            return ""  # there is nothing yet that could be tried
        return "no backup has been proven to restore yet"
    age = now - int(last["time"])
    if 0 <= age <= settings.drill_age:
        return ""
    if age < 0:
        return "the clock was set back since the last good drill: how old that is is not known"
    return f"the last good drill is {age / 86_400:.1f} days old"
