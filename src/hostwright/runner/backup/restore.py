"""Restore a backup: fetched and loaded beside first, compared, then exchanged by renames.

Until the exchange nothing that serves is touched. From then on the phase in ``restore.json`` says
what the next command does where this process dies: before HEALTHY it puts everything back, from
HEALTHY on it finishes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import base, cooling, durable, plain, recovery, releases, room
from .. import journal as operations
from ..fault import Code, RunnerError, refused, unfit
from ..operation import tolerant
from . import make, postgres, redis, restic, scratch, swap
from .steps import size, step

if TYPE_CHECKING:
    from ..layout import Layout
    from ..operation import Host
    from .settings import Settings

FETCHED, LOADED, SWAPPING, SWAPPED, HEALTHY = PHASES = (
    "FETCHED",
    "LOADED",
    "SWAPPING",
    "SWAPPED",
    "HEALTHY",
)

#: A backup may be good, and the floors those of another application.
_FLOORS = "Which tables have to be there is said by drill.row_floors in ops/contract/contract.yaml."
#: What two hosts' clocks may differ by.
_AHEAD_SECONDS = 300
#: From then on the host itself settles a restore whose process died while nothing served.
_SETTLE_SECONDS = 30
#: What Postgres's log takes at the most while a database is loaded: its own max_wal_size.
_LOG_BYTES = 1 << 30


def journal(layout: Layout) -> Path:
    """Says that a restore is at work, and how far it came."""
    return layout.backup / "restore.json"


def work_place(layout: Layout) -> Path:
    """Where a restore or a drill unpacks."""
    return layout.backup / "restore"


class Fetched:
    """A backup's files on this host, each of which is seen to be a plain file of the backup.

    Args:
        root: Where it was unpacked.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        found = sorted(self.root.rglob(f"stage/{make.RECORD}"))
        if not found:
            raise _broken("the backup does not say what it is")
        self.stage = found[0].parent
        self.record = make.recorded(self.file(make.RECORD))

    def file(self, name: str) -> Path:
        """A file that was gathered.

        Raises:
            RunnerError: It is not in the backup as a plain file.
        """
        return self.inside(self.stage / name)

    def inside(self, path: Path) -> Path:
        """A path of the backup that is seen to be a plain file of it.

        Raises:
            RunnerError: It is none.
        """
        if path.is_symlink() or not path.is_file() or not self._inside(path):
            raise _broken(f"the backup has no {path.name}")
        return path

    def directory(self, stored: str) -> Path | None:
        """A directory by the path that it had; None where the backup has none."""
        path = self.root / stored.lstrip("/")
        return path if stored and path.is_dir() and self._inside(path) else None

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.root)


def restore(
    host: Host,
    settings: Settings,
    *,
    backup: str | None,
    repository: str | None,
    beside: bool,
) -> dict[str, Any]:
    """Restore a backup.

    Args:
        host: The host; its lock is held and everything is settled.
        settings: What is in force.
        backup: Its id; the newest without one.
        repository: Where from; the first off this host without a name.
        beside: Only load it, beside what serves.

    Returns:
        What was restored, and what the former data is called now.

    Raises:
        RunnerError: It was not restored; what served before serves, with its data.
    """
    began = time.monotonic()
    if not beside:
        refuse_unread(host)
    try:
        fetched = fetch(host, settings, backup, repository)
        plan = load(host, fetched, settings)
        if beside:
            return _beside(host, fetched, plan, began)
        bring(host, plan, goal=None)
        with step(host, "HEALTHY") as words:
            swap.start_roles(host)
            words.append(f"{host.serving} is well" if host.serving else "nothing serves")
        finish(host, plan)
    except plain.FAULTS as error:
        raise failed(host, error) from error
    return {
        "backup": fetched.record["id"],
        "data_time": fetched.record["time"],
        "kept": plan.aside if plan.database else None,
        "kept_files": [str(plan.kept(name)) for name in plan.volumes],
        "seconds": round(time.monotonic() - began, 3),
    }


def refuse_unread(host: Host) -> None:
    """Refuse to stop a release that could not be started as what it is.

    Raises:
        RunnerError: The manifest of the release that serves is damaged; nothing was touched.
    """
    serving = host.serving
    if serving is not None and releases.load(host.layout, serving) is None:
        raise unfit(
            "the manifest of the release that serves is damaged: its roles could not be started as "
            "what they are",
            where=f"releases/{serving}/manifest.json",
            remedy="Deploy first; or restore --beside, which stops nothing.",
        )


def fetch(host: Host, settings: Settings, backup: str | None, repository: str | None) -> Fetched:
    """Bring a backup's files here.

    Raises:
        RunnerError: There is no such backup, or it did not come whole.
    """
    place = work_place(host.layout)
    shutil.rmtree(place, ignore_errors=True)
    durable.write_json(journal(host.layout), {"phase": FETCHED})
    store = restic.Store(host.layout, host.shell, settings, settings.repository(repository))
    with step(host, "FETCHED") as words:
        store.open()
        chosen = choose(store.snapshots(), backup, store.name)
        room.demand_disk(store.size(chosen.id), "the backup", Code.RESTORE, host.layout.backup)
        place.mkdir(mode=0o700)
        store.fetch(chosen.id, place / "files")
        fetched = Fetched(place / "files")
        words.append(f"{fetched.record['id']} from {store.name}, {old(fetched.record['time'])}")
    return fetched


def old(made: float) -> str:
    """How old a backup is, for people; by a clock that may have been set back since."""
    age = int(time.time() - made)
    return f"{age // 60} minutes old" if age >= 0 else f"from {-age // 60} minutes ahead of now"


def choose(known: list[restic.Snapshot], backup: str | None, where: str) -> restic.Snapshot:
    """The snapshot of a backup, or the newest.

    Raises:
        RunnerError: There is none, or which one is the newest cannot be told by this host's clock.
    """
    mine = [one for one in known if one.backup and backup in {None, one.backup}]
    if not mine:
        what = f"no backup {backup}" if backup else "no backup"
        raise refused(
            f"the repository {where} has {what}",
            where="backup",
            remedy="`invoke vps.backups` shows what there is.",
        )
    if backup is None and ahead(mine[-1]):
        others = [one.backup for one in mine if not ahead(one)]
        last = f" {others[-1]} is the last of the others." if others else ""
        raise refused(
            f"{mine[-1].backup}, the last in {where}, was made ahead of this host's clock: another "
            "one may be newer",
            where="backup",
            remedy=f"Set the clock, where that is wrong; or name one (--backup).{last}",
        )
    return mine[-1]


def ahead(snapshot: restic.Snapshot) -> bool:
    """Whether a backup was made later than now, so that the clock was wrong then or is now."""
    soon = make.stamp(time.time() + _AHEAD_SECONDS)
    return snapshot.backup[: len(soon)] > soon


def load(host: Host, fetched: Fetched, settings: Settings) -> swap.Plan:
    """Load everything beside what is there, and see that it is what was backed up.

    Raises:
        RunnerError: It is not, or this server is too old for it; what was loaded is removed.
    """
    record = fetched.record
    plan = _plan(host, fetched)
    demand_room(record, Code.RESTORE)
    demand_room_for(fetched, plan)
    note(host, LOADED, plan)
    with step(host, "LOADED") as words:
        if plan.database:
            words.append(_load_postgres(host, fetched, plan, settings))
        if "redis" in plan.volumes:
            store = redis.find(host)
            if store is None:
                raise AssertionError
            directory = work_place(host.layout) / "redis"
            keys = redis.prepare(host, store.image, fetched.file(make.SNAPSHOT), directory)
            compare_keys(record, keys)
            swap.place(directory, plan.incoming("redis"))
            words.append(f"{keys.all} keys")
        for name in make.VOLUMES:
            if name in plan.volumes:
                stored = fetched.directory(str(record["volumes"].get(name, "")))
                if stored is not None:
                    swap.place(stored, plan.incoming(name))
                    words.append(name)
    return plan


def demand_room(record: dict[str, Any], code: Code) -> None:
    """Refuse to load what there is no room for beside what serves: no disk, no database.

    Postgres writes what it loads to its log as well, up to its limit; Redis writes two forms of it.

    Raises:
        RunnerError: There is no room; with *code*.
    """
    database = int((record.get("postgres") or {}).get("size") or 0)
    keys = int((record.get("sizes") or {}).get("redis") or 0)
    room.demand_disk(database + min(database, _LOG_BYTES) + 2 * keys, "the restored data", code)


def demand_room_for(fetched: Fetched, plan: swap.Plan) -> None:
    """The same for files that were fetched to another disk than their place is on.

    Raises:
        RunnerError: There is no room for them there.
    """
    for name, place in plan.volumes.items():
        stored = fetched.directory(str(fetched.record["volumes"].get(name, "")))
        target = Path(place).parent
        if stored is not None and stored.stat().st_dev != target.stat().st_dev:
            needed = sum(path.lstat().st_size for path in stored.rglob("*"))
            room.demand_disk(needed, f"the files of {name}", Code.RESTORE, target)


def _plan(host: Host, fetched: Fetched) -> swap.Plan:
    record, volumes = fetched.record, {}
    server = postgres.find(host) if record.get("postgres") else None
    store = redis.find(host) if record.get("redis") else None
    if store is not None:
        volumes["redis"] = str(store.directory)
    # Certificates of today are newer: only an empty host takes Caddy's.
    for name in make.VOLUMES if host.serving is None else make.VOLUMES[:1]:
        found = make.volume(host, name)
        if found is not None and fetched.directory(str(record["volumes"].get(name, ""))):
            volumes[name] = str(found)
    mark = make.identify(host.layout.app, time.time())
    return swap.Plan(str(record["id"]), mark, server.name if server else "", volumes)


def _load_postgres(host: Host, fetched: Fetched, plan: swap.Plan, settings: Settings) -> str:
    database, dump = swap.ready(host), fetched.file(make.DUMP)
    stored = fetched.record["postgres"]
    [version] = postgres.query(host, database, "show server_version_num")
    refuse_newer(int(stored["version"]), int(version))
    postgres.load(host, database, dump, plan.restoring)
    loaded = database._replace(name=plan.restoring)
    facts = postgres.facts(host, loaded, settings.row_floors)
    compare(stored, facts, settings.row_floors)
    return f"{size(facts.size)} in Postgres"


def refuse_newer(dumped: int, server: int) -> None:
    """Refuse a dump of a newer server: it may hold what this one cannot.

    Raises:
        RunnerError: It is one.
    """
    if dumped // 10_000 > server // 10_000:
        raise _broken(
            f"the backup is of Postgres {dumped // 10_000}, the server here is {server // 10_000}",
            "Deploy with the newer image of Postgres first; nothing was touched.",
        )


def compare(stored: dict[str, Any], facts: postgres.Facts, floors: dict[str, int]) -> None:
    """See that a restored database is the one that was backed up.

    Raises:
        RunnerError: It is not.
    """
    wrong = []
    if (
        int(stored["version"]) // 10_000 == facts.major
        and stored["fingerprint"] != facts.fingerprint
    ):
        wrong.append("its schema is another one")
    if stored["head"] != facts.head:
        wrong.append(f"its migrations are at {facts.head or 'nothing'}, not at {stored['head']}")
    fewer = _fewer(facts, floors)
    if wrong := [*wrong, *fewer]:
        remedy = _FLOORS if wrong == fewer else ""
        raise _broken(f"what was restored is not what was backed up: {'; '.join(wrong)}", remedy)


def refuse_fewer(facts: postgres.Facts, floors: dict[str, int]) -> None:
    """See that a restored database has the rows that are expected at least.

    Raises:
        RunnerError: It has not.
    """
    if wrong := _fewer(facts, floors):
        raise _broken(f"what was restored cannot be all: {'; '.join(wrong)}", _FLOORS)


def _fewer(facts: postgres.Facts, floors: dict[str, int]) -> list[str]:
    wrong = []
    for table, floor in floors.items():
        count = facts.rows.get(table, -1)
        if count < floor:
            has = f"has {count} rows, at least {floor} are expected" if count >= 0 else "is missing"
            wrong.append(f"the table {table} {has}")
    return wrong


def compare_keys(record: dict[str, Any], keys: redis.Keys) -> None:
    """See that a restored Redis has the keys that were backed up.

    Raises:
        RunnerError: It has too few.
    """
    least = redis.Keys(**record["redis"]).least
    if keys.all < least:
        raise _broken(f"the restored Redis has {keys.all} keys, at least {least} are expected")


def bring(host: Host, plan: swap.Plan, goal: str | None, *, untouched: str | None = None) -> None:
    """Exchange the data: from here on until HEALTHY the application does not serve.

    Args:
        host: The host.
        plan: What to exchange.
        goal: The release that is to serve afterwards, where it is another one.
        untouched: A release whose containers are made and have not begun.

    Raises:
        RunnerError: It could not be done.
    """
    cooling.settle_within(host, _SETTLE_SECONDS)
    with step(host, "SWAPPED") as words:
        note(host, SWAPPING, plan, goal)
        swap.stop_roles(host, but=untouched)
        swap.exchange(host, plan)
        note(host, SWAPPED, plan, goal)
        words.append(f"the former database is {plan.aside}" if plan.database else "files")


def finish(host: Host, plan: swap.Plan) -> None:
    """It is well: keep the former data of this restore alone, and close."""
    note(host, HEALTHY, plan)
    swap.forget_older(host, plan)
    close(host)


def failed(host: Host, error: Exception) -> RunnerError:
    """Undo a restore that failed, and say why it did."""
    told = plain.explained(error)
    try:
        settle(host)
    except plain.FAULTS as second:
        host.events.note(f"putting it back failed as well; the next command tries again: {second}")
    if told.code in {Code.BACKUP, Code.RELEASE}:
        return RunnerError(
            Code.RESTORE, told.what, where=told.where, remedy=told.remedy, log=told.log
        )
    return told


def settle(host: Host) -> None:
    """Bring a restore to an end whose process died, or that failed; only under the lock.

    Raises:
        RunnerError: It could not be done; the next command tries again.
    """
    path = journal(host.layout)
    if not path.exists():
        return
    with contextlib.suppress(*plain.FAULTS):
        scratch.sweep(host)
    value = durable.read_json(path)
    phase, plan, goal = _read(value)
    if plan is None:
        if phase != FETCHED:
            kept = path.with_name(f"restore.unreadable-{int(time.time())}.json")
            shutil.copyfile(path, kept)
            host.events.note(f"restore.json cannot be read; it is kept as {kept.name}")
        close(host)
        return
    taken = goal is not None and host.serving == goal
    if taken and _under_way(host, goal):
        return  # who serves in the end is not known yet
    # Nothing of it is needed any more, and it may be what fills the disk.
    shutil.rmtree(work_place(host.layout), ignore_errors=True)
    if phase in {SWAPPING, SWAPPED} and not taken:
        host.events.note("a restore was cut off: the former data is put back")
        swap.stop_roles(host)
        swap.put_back(host, plan, base.services(host, host.serving or goal))
        with tolerant(host, "removing what was loaded"):
            swap.clean(host, plan)
        # Who did not get well with this data before need not now: another restore may mend that.
        # For want of room it was not even tried: the next command does that.
        recovery.whole_or_said(host, roomy=False)
    elif phase == LOADED:
        with tolerant(host, "removing what was loaded"):
            swap.clean(host, plan)
    else:
        with tolerant(host, "removing what earlier restores kept"):
            swap.forget_older(host, plan)
    close(host)


def _under_way(host: Host, goal: str | None) -> bool:
    """Whether an operation that wants *goal* to serve has not come to its end."""
    try:
        recorded = operations.read(host.layout.journal)
    except operations.UnreadableError:
        return False
    return recorded is not None and recorded.release == goal


def close(host: Host) -> None:
    """Remove what a restore needed only while it worked."""
    cooling.settled(host)
    with contextlib.suppress(OSError):
        durable.remove(journal(host.layout))
    shutil.rmtree(work_place(host.layout), ignore_errors=True)


def note(host: Host, phase: str, plan: swap.Plan, goal: str | None = None) -> None:
    """Write down how far a restore has come."""
    durable.write_json(journal(host.layout), {"phase": phase, "plan": plan._asdict(), "goal": goal})


def _read(value: object) -> tuple[str, swap.Plan | None, str | None]:
    if not isinstance(value, dict):
        return "", None, None
    phase, plan, goal = str(value.get("phase")), value.get("plan"), value.get("goal")
    try:
        found = swap.Plan(**plan) if isinstance(plan, dict) and phase in PHASES else None
    except TypeError:
        found = None
    return phase, found, str(goal) if goal else None


def _beside(host: Host, fetched: Fetched, plan: swap.Plan, began: float) -> dict[str, Any]:
    """Leave the loaded data beside what serves, under names that are said."""
    name = f"{plan.database[:30]}_restored_{plan.mark[:16]}"
    places = {}
    with step(host, "BESIDE") as words:
        if plan.database:
            database = swap.ready(host)
            postgres.drop(host, database, name)
            postgres.rename(host, database, plan.restoring, name)
            words.append(f"database {name}")
        for volume in plan.volumes:
            target = plan.incoming(volume).with_name(f"restored-{plan.mark}")
            if plan.incoming(volume).is_dir():
                shutil.rmtree(target, ignore_errors=True)
                plan.incoming(volume).rename(target)
                places[volume] = str(target)
    close(host)
    return {
        "backup": fetched.record["id"],
        "data_time": fetched.record["time"],
        "beside": name if plan.database else None,
        "files": places,
        "seconds": round(time.monotonic() - began, 3),
    }


def _broken(what: str, remedy: str = "") -> RunnerError:
    return RunnerError(Code.RESTORE, what, where="backup", remedy=remedy)
