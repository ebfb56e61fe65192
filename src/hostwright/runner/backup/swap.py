"""Put restored data in place of today's by renames, and back again: nothing is ever overwritten.

A volume's directory ``_data`` becomes ``kept-<mark>`` beside it, ``incoming-<mark>`` becomes
``_data``; a database becomes ``<name>_before_<stamp>``. Each is one rename, each can be undone by
looking at what is there, so a process may die between any two of them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import base, cooling, durable, plain, releases
from ..engine import EngineError
from ..fault import Code, RunnerError
from ..parallel import together
from . import postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from ..operation import Host

_REDIS_STOP_SECONDS = 30
_READY_SECONDS = 120.0
_LONGEST = 30
#: Who of the base has a volume open.
_SERVICES = {"postgres": "postgres", "redis": "redis", "caddy_data": "caddy"}


class Plan(NamedTuple):
    """What a restore exchanges; kept in a file, so that the next command can undo it.

    Attributes:
        backup: The backup's id.
        mark: Names this restore of it.
        database: Today's database; empty where there is none.
        volumes: ``_data`` directories of the volumes to exchange, by service or role.
    """

    backup: str
    mark: str
    database: str
    volumes: dict[str, str]

    @property
    def aside(self) -> str:
        """What today's database is called afterwards."""
        return f"{self.database[:_LONGEST]}_before_{self.mark[:16]}"

    @property
    def restoring(self) -> str:
        """The database that is loaded beside it."""
        return f"{self.database[:_LONGEST]}_restoring"

    def incoming(self, volume: str) -> Path:
        """What is to become a volume's ``_data``."""
        return Path(self.volumes[volume]).with_name(f"incoming-{self.mark}")

    def kept(self, volume: str) -> Path:
        """What a volume's ``_data`` becomes."""
        return Path(self.volumes[volume]).with_name(f"kept-{self.mark}")


def stop_roles(host: Host, *, but: str | None = None) -> None:
    """End every role of every release: nobody may write while data changes.

    The serving release's containers stay, stopped; warm ones are ended. Those of *but* are left as
    they are: they were made and have not begun.
    """
    for release in host.layout.known():
        if release not in {host.serving, but}:
            cooling.end(host, release)
            if releases.state(host.layout, release).warm_until is not None:
                releases.change(host.layout, release, warm_until=None)
    serving = host.serving
    manifest = releases.load(host.layout, serving) if serving else None
    if serving is None:
        return

    def stopper(name: str, role: str) -> Callable[[Event], None]:
        seconds = manifest.stop_seconds(role) if manifest else 10
        return lambda _: cooling.stop(host, name, seconds)

    together(*(stopper(name, role) for name, role in cooling.containers(host, serving)))


def start_roles(host: Host) -> None:
    """Bring the serving release back, each role seen to be well.

    Raises:
        RunnerError: One does not get well.
    """
    from .. import recovery

    recovery.whole(host)


def exchange(host: Host, plan: Plan) -> None:
    """Put the restored data in place; the roles are stopped.

    Raises:
        RunnerError: It could not be done; :func:`put_back` undoes what was.
    """
    if plan.database:
        database = ready(host)
        postgres.rename(host, database, plan.database, plan.aside)
        postgres.rename(host, database, plan.restoring, plan.database)
    for name in plan.volumes:
        with_service_stopped(host, name, lambda name=name: _in(plan, name))  # type: ignore[misc]


def put_back(host: Host, plan: Plan, services: frozenset[str] = frozenset()) -> None:
    """Undo whatever of an exchange was done, by looking; the roles are stopped.

    Files come first: a service whose directory was just renamed away cannot start. Then whatever of
    the base stands still is started, as a full disk or a power loss may have left it.

    Args:
        host: The host.
        plan: What was to be exchanged.
        services: What of the base may be made anew.

    Raises:
        RunnerError: It could not be undone; the next command tries again.
        EngineError: Docker cannot start a service; the next command tries again.
    """
    for name in plan.volumes:
        if plan.kept(name).is_dir():
            _stop(host, name)
            _out(plan, name)
        # What was restored may be what a service lacks room for.
        shutil.rmtree(plan.incoming(name), ignore_errors=True)
    try:
        base.mend(host, services)
    except plain.FAULTS as error:
        if not _up(host, plan):
            raise
        # All files are as they were: so was that. Postgres, where it is needed, is asked below.
        host.events.note(f"the former data is in place, and the base is not well: {error}")
    if plan.database:
        database = ready(host)
        if postgres.exists(host, database, plan.aside):
            if postgres.exists(host, database, plan.database):
                postgres.drop(host, database, plan.restoring)
                postgres.rename(host, database, plan.database, plan.restoring)
            postgres.rename(host, database, plan.aside, plan.database)


def _up(host: Host, plan: Plan) -> bool:
    """Whether whoever of the base a plan is about runs, or runs again and again.

    Docker's list is not believed: after a full disk it may say so of what has ended.
    """
    wanted = {_SERVICES[name] for name in plan.volumes if name in _SERVICES}
    wanted |= {"postgres"} if plan.database else set()
    try:
        found = [postgres.service(host, service) for service in sorted(wanted)]
    except EngineError:
        return False
    return all(one is not None and _has_process(one) for one in found)


def _has_process(found: dict[str, Any]) -> bool:
    state = found["State"]
    return bool(state.get("Restarting") or (state["Running"] and not base.only_believed(found)))


def _stop(host: Host, volume: str) -> None:
    """Stop who of the base has a volume open."""
    service = _SERVICES.get(volume)
    for listed in host.engine.containers(host.layout.base_project):
        if service and listed["Labels"].get("com.docker.compose.service") == service:
            cooling.stop(host, str(listed["Id"]), _REDIS_STOP_SECONDS)


def _in(plan: Plan, name: str) -> None:
    place = Path(plan.volumes[name])
    place.rename(plan.kept(name))
    plan.incoming(name).rename(place)
    durable.sync_directory(place.parent)


def _out(plan: Plan, name: str) -> None:
    place = Path(plan.volumes[name])
    if place.is_dir():
        place.rename(plan.incoming(name))
    plan.kept(name).rename(place)
    durable.sync_directory(place.parent)


def with_service_stopped(host: Host, name: str, work: Callable[[], None]) -> None:
    """Do something while a service of the base does not run; a role's volume has none."""
    service = _SERVICES.get(name)
    found = postgres.service(host, service) if service else None
    if service is None or found is None:
        work()
        return
    host.engine.stop(str(found["Id"]), _REDIS_STOP_SECONDS)
    work()
    host.engine.start(str(found["Id"]))
    base.await_well(host, frozenset({service}))


def clean(host: Host, plan: Plan) -> None:
    """Remove what was loaded and is not in place.

    Raises:
        RunnerError: The database could not be dropped; the next restore does it.
    """
    for name in plan.volumes:  # first: that may be what Postgres lacks room for
        shutil.rmtree(plan.incoming(name), ignore_errors=True)
    if plan.database:
        postgres.drop(host, ready(host), plan.restoring)


def forget_older(host: Host, plan: Plan, *, all_of_it: bool = False) -> None:
    """Remove what earlier restores kept aside; what this one did stays, or goes as well."""
    if plan.database:
        database = ready(host)
        for name in postgres.kept_names(host, database):
            if all_of_it or name != plan.aside:
                postgres.drop(host, database, name)
    for name, place in plan.volumes.items():
        for older in Path(place).parent.glob("kept-*"):
            if all_of_it or older != plan.kept(name):
                shutil.rmtree(older, ignore_errors=True)


def place(source: Path, target: Path) -> None:
    """Bring a directory to where it can be renamed into place, with owners and modes."""
    shutil.rmtree(target, ignore_errors=True)
    try:
        source.rename(target)
    except OSError:  # another file system
        beside = target.with_name(f".{target.name}")
        shutil.rmtree(beside, ignore_errors=True)
        _copy(source, beside)
        beside.rename(target)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    for path in (source, *source.rglob("*")):
        stat = path.lstat()
        os.chown(target / path.relative_to(source), stat.st_uid, stat.st_gid, follow_symlinks=False)


def ready(host: Host) -> postgres.Database:
    """The database server, when it takes connections.

    Raises:
        RunnerError: There is none, or it does not.
    """
    try:
        found = postgres.find(host)
    except (RunnerError, EngineError):
        base.await_well(host, frozenset({"postgres"}))
        found = postgres.find(host)
    if found is None or not postgres.await_ready(host, found, _READY_SECONDS):
        raise RunnerError(Code.RESTORE, "Postgres does not take connections", where="postgres")
    return found
