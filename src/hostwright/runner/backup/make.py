"""Make a backup: gather everything into files, store these in every repository, write it down.

Postgres comes first, then Redis, then files: between the first and the last of them the application
goes on, and a restore gives each as it was at its own moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable, plain, room
from ..fault import Code, RunnerError
from ..layout import RELEASE_ID
from . import ledger, postgres, redis, restic
from .steps import size, step

if TYPE_CHECKING:
    from ..layout import Layout
    from ..operation import Host
    from .settings import Settings

#: Volumes whose files are backed up, after the application's name.
VOLUMES = ("storage", "caddy_data")
#: One part of the data of a repository is read back with each backup: all of it in so many.
_PARTS = 20
DUMP, SNAPSHOT, RECORD = "postgres.dump", "redis.rdb", "record.json"


class Before(NamedTuple):
    """What a backup precedes: a release's deploy, and whether its migration has no way back."""

    release: str
    irreversible: bool


def stage(layout: Layout) -> Path:
    """Where files wait to be stored: always the same, so that restic finds what is unchanged."""
    return layout.backup / "stage"


def current(layout: Layout) -> Path:
    """Says that a backup is at work, and which."""
    return layout.backup / "current.json"


def stamp(now: float) -> str:
    """A moment as names begin with it: they sort by time."""
    return time.strftime("%Y%m%dt%H%M%Sz", time.gmtime(now))


def identify(app: str, now: float) -> str:
    """A name that sorts by time and is unique; of the same form as a release's."""
    digest = hashlib.sha256(f"{app}\n{now}\n{os.getpid()}\n{os.urandom(8).hex()}".encode())
    return f"{stamp(now)}-{digest.hexdigest()[:7]}"


def make(
    host: Host, settings: Settings, *, reason: str, before: Before | None = None
) -> dict[str, Any]:
    """Make one backup.

    Args:
        host: The host; its lock is held.
        settings: What is in force.
        reason: Why: ``asked``, ``timer`` or ``deploy``.
        before: What it precedes; such a one is quick: repositories are not pruned and checked.

    Returns:
        What the ledger says of it.

    Raises:
        RunnerError: It is not in every repository; the ledger says so.
    """
    now = time.time()
    identity, began = identify(host.layout.app, now), time.monotonic()
    record: dict[str, Any] = {
        "id": identity,
        "app": host.layout.app,
        "time": int(now),
        "reason": reason,
        "before": before.release if before else None,
        "keep": bool(before and before.irreversible),
        "release": host.serving,
    }
    durable.write_json(current(host.layout), {"id": identity, "time": int(now)})
    try:
        return _made(host, settings, record, began, thorough=before is None)
    except plain.FAULTS as error:
        told = plain.explained(error)
        _write_down(host, record, began, error=told.what)
        raise (
            told
            if told.code in {Code.BACKUP, Code.STORE, Code.KEY, Code.PREFLIGHT}
            else RunnerError(
                Code.BACKUP, told.what, where=told.where, remedy=told.remedy, log=told.log
            )
        ) from error
    finally:
        clear(host.layout)


def _made(
    host: Host, settings: Settings, record: dict[str, Any], began: float, *, thorough: bool
) -> dict[str, Any]:
    stores = [restic.Store(host.layout, host.shell, settings, one) for one in settings.repositories]
    failed = _opened(host, stores)
    if len(failed) == len(stores):
        raise next(iter(failed.values()))
    paths = gather(host, settings, record)
    for store in stores:
        if store.name not in failed:
            _store(host, store, paths, record, failed)
    if thorough:
        failed |= _based(host, settings, record)
    _write_down(host, record, began, error="; ".join(str(error.what) for error in failed.values()))
    if thorough:
        for store in stores:
            if store.name not in failed:
                _tidy(host, store, settings, record["id"], failed)
    if failed:
        raise _incomplete(record, failed)
    return record


def _opened(host: Host, stores: list[restic.Store]) -> dict[str, RunnerError]:
    """Open every repository before anything is dumped; those that cannot be, with the reason."""
    failed: dict[str, RunnerError] = {}
    with step(host, "OPENED") as words:
        for store in stores:
            try:
                if store.open(make=True):
                    words.append(f"{store.name} is a new repository")
            except RunnerError as error:
                failed[store.name] = error
                words.append(error.what)
    return failed


def gather(host: Host, settings: Settings, record: dict[str, Any]) -> list[Path]:
    """Bring everything into files and say in *record* what there is.

    Raises:
        RunnerError: Something could not be had whole.
    """
    place = stage(host.layout)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    record["sizes"] = {}
    _gather_postgres(host, settings, record, place)
    _gather_redis(host, record, place)
    volumes = {name: path for name in VOLUMES if (path := volume(host, name)) is not None}
    record |= {"volumes": {name: str(path) for name, path in volumes.items()}, "stage": str(place)}
    durable.write_json(place / RECORD, record)
    return [place, *volumes.values(), host.layout.releases]


def _gather_postgres(host: Host, settings: Settings, record: dict[str, Any], place: Path) -> None:
    database = postgres.find(host)
    record["postgres"] = None
    if database is None:
        return
    with step(host, "DUMPED") as words:
        facts = postgres.facts(host, database, settings.row_floors)
        room.demand_disk(facts.size // 2, "the backup", Code.BACKUP)
        postgres.dump(host, database, place / DUMP)
        record["postgres"] = {**facts._asdict(), "database": database.name, "user": database.user}
        record["sizes"]["postgres"] = (place / DUMP).stat().st_size
        words.append(f"{size(facts.size)} as {size(record['sizes']['postgres'])}")


def _gather_redis(host: Host, record: dict[str, Any], place: Path) -> None:
    store = redis.find(host)
    record["redis"] = None
    if store is None:
        return
    with step(host, "SNAPSHOT") as words:
        found = redis.save(host, store, place / SNAPSHOT)
        record["redis"] = found._asdict()
        record["sizes"]["redis"] = (place / SNAPSHOT).stat().st_size
        words.append(f"{found.all} keys, {size(record['sizes']['redis'])}")


def volume(host: Host, name: str) -> Path | None:
    """Where a volume of the application lies on this host, or None where there is none."""
    found = host.engine.find(f"/volumes/{host.layout.app}_{name}")
    return Path(found["Mountpoint"]) if found else None


def _store(
    host: Host,
    store: restic.Store,
    paths: list[Path],
    record: dict[str, Any],
    failed: dict[str, RunnerError],
) -> None:
    tags = [record["id"], *([restic.KEEP_TAG] if record["keep"] else [])]
    with step(host, f"STORED in {store.name}") as words:
        try:
            stored = store.save(paths, tags)
        except RunnerError as error:
            failed[store.name] = error
            words.append(error.what)
            return
        facts = {"snapshot": stored.snapshot, "total": stored.total, "added": stored.added}
        record.setdefault("stored", {})[store.name] = facts
        words.append(f"{size(stored.total)}, {size(stored.added)} of it new")
        if stored.vanished:
            words.append("files that were deleted meanwhile are not in it")


def _based(host: Host, settings: Settings, record: dict[str, Any]) -> dict[str, RunnerError]:
    """A base for recovery to a moment, where that is wanted."""
    from . import point_in_time

    return point_in_time.keep(host, settings, record)


def _tidy(
    host: Host,
    store: restic.Store,
    settings: Settings,
    newest: str,
    failed: dict[str, RunnerError],
) -> None:
    with step(host, f"TIDIED {store.name}") as words:
        try:
            store.retain(settings.keep, newest)
        except RunnerError as error:  # the backup is there; there is only more of it than wanted
            words.append(error.what)
        try:
            store.check(1 + int(time.time()) // 86_400 % _PARTS, _PARTS)
        except RunnerError as error:
            failed[store.name] = error
            words.append(error.what)


def _write_down(host: Host, record: dict[str, Any], began: float, *, error: str) -> None:
    record["seconds"] = round(time.monotonic() - began, 3)
    record["outcome"] = "failed" if error else "ok"
    if error:
        record["error"] = error
    with contextlib.suppress(OSError):  # a full disk: the repositories are the truth
        ledger.append(ledger.backups(host.layout), record)


def _incomplete(record: dict[str, Any], failed: dict[str, RunnerError]) -> RunnerError:
    first = next(iter(failed.values()))
    there = [name for name in record.get("stored", {}) if name not in failed]
    if record["outcome"] == "ok":
        return first  # stored everywhere, and then a check failed
    rest = f"; it is in {', '.join(there)}" if there else ""
    return RunnerError(
        first.code,
        f"the backup is not in every repository: {first.what}{rest}",
        where=", ".join(failed),
        remedy=first.remedy,
        log=first.log,
    )


def clear(layout: Layout) -> None:
    """Remove what a backup needed only while it worked."""
    shutil.rmtree(stage(layout), ignore_errors=True)
    shutil.rmtree(layout.backup / "base", ignore_errors=True)
    with contextlib.suppress(OSError):
        durable.remove(current(layout))


def settle(host: Host, settings: Settings | None) -> None:
    """Tidy up after a backup whose process died; only under the lock."""
    value = durable.read_json(current(host.layout))
    if value is None and not current(host.layout).exists():
        shutil.rmtree(stage(host.layout), ignore_errors=True)
        return
    identity = str(value.get("id")) if isinstance(value, dict) else ""
    known = ledger.by_id(host.layout, identity)
    if settings is not None and RELEASE_ID.fullmatch(identity) and not known:
        host.events.note(f"the backup {identity} was cut off: what is stored of it is removed")
        for one in settings.repositories:
            _forget(host, settings, one.name, identity)
        entry = {"id": identity, "time": int(time.time()), "outcome": "failed"}
        with contextlib.suppress(OSError):
            ledger.append(ledger.backups(host.layout), {**entry, "error": "it was cut off"})
    clear(host.layout)


def _forget(host: Host, settings: Settings, name: str, identity: str) -> None:
    store = restic.Store(host.layout, host.shell, settings, settings.repository(name))
    try:
        store.open()
        store.forget(identity)
    except plain.FAULTS as error:
        host.events.note(f"{error}")


def recorded(place: Path) -> dict[str, Any]:
    """What a stored backup says of itself.

    Raises:
        RunnerError: It says nothing that can be read.
    """
    try:
        value = json.loads(place.read_bytes())
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict) or not RELEASE_ID.fullmatch(str(value.get("id"))):
        raise RunnerError(Code.RESTORE, "the backup does not say what it is", where=RECORD)
    return value
