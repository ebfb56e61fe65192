"""Look whether anything goes wrong, and tell of it: once when it begins, and daily while it lasts.

It takes no lock and changes nothing: a long deploy must not hide a full disk.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import plain, releases, switch
from ..engine import Engine
from . import alerts, certificates, drill, ledger, settings, wal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..layout import Layout
    from .settings import Settings

_DOCKER_DATA = "/var/lib/docker"
_DAY = 86_400
#: A backup is overdue when the next one should have been made as well.
_OVERDUE = 2
#: Caddy asks for the certificate of a name when it first has the name: that takes a while.
_NEW_SECONDS = 900


class Sign(NamedTuple):
    """One thing that was looked at.

    Attributes:
        kind: What sort of thing; see :func:`.alerts.tell`.
        subject: Which one of them.
        what: What is wrong, one sentence; empty where nothing is.
    """

    kind: str
    subject: str
    what: str


def main(layout: Layout) -> int:
    """Look at everything; prints what was told, and fails where telling did."""
    found = settings.load(layout)
    if found is None:
        return 0
    failed = 0
    for what, told in itertools.chain(alerts.again(layout, found.alerts), _tell(layout, found)):
        sys.stdout.write("".join(f"{line}\n" for line in (what, *told.wrong)))
        failed |= bool(told.wrong)
    return failed


def _tell(layout: Layout, found: Settings) -> Iterator[tuple[str, alerts.Told]]:
    """Tell of what is wrong and due; what nobody took is due again at the next look."""
    for sign in look(layout, found, Engine(), time.time()):
        if not sign.what:
            alerts.clear(layout, sign.kind, sign.subject)
        elif alerts.due(layout, sign.kind, sign.subject):
            told = alerts.tell(layout, found.alerts, sign.kind, sign.what, subject=sign.subject)
            if told.taken:
                alerts.mark(layout, sign.kind, sign.subject)
            yield sign.what, told


def look(layout: Layout, found: Settings, engine: Engine, now: float) -> Iterator[Sign]:
    """Everything that is watched, well or not."""
    yield Sign("backup-stale", "", overdue(layout, found, now))
    yield Sign("drill-stale", "", drill.stale(layout, found, now))
    yield Sign("log-stale", "", wal.stale(layout, found, now))
    yield Sign("log-unsent", "", wal.unsent(layout, found))
    yield Sign("log-unbased", "", wal.based(layout, found))
    for place in (str(layout.root), _DOCKER_DATA):
        yield Sign("disk", place, _disk(place, found.alerts.disk_percent))
    try:
        yield from _roles(layout, engine)
        volume = engine.find(f"/volumes/{layout.app}_caddy_data")
    except plain.FAULTS as error:
        yield Sign("unhealthy", "docker", plain.explained(error).what)
        return
    yield Sign("unhealthy", "docker", "")
    names, since = served(layout)
    ends = certificates.newest(Path(volume["Mountpoint"])) if volume else {}
    yield from expiring(ends, names, found.alerts.certificate_days, now, since)


def overdue(layout: Layout, found: Settings, now: float) -> str:
    """What to say where the last good backup is too old; empty where it is not."""
    last = ledger.last_good(ledger.backups(layout))
    if last is None:
        return "there is no good backup yet"
    age = now - int(last["time"])
    if age < 0:
        return "the clock was set back since the last good backup: how old that is is not known"
    if age <= _OVERDUE * found.max_age:
        return ""
    return f"the last good backup is {age / 3600:.0f} hours old"


def _disk(place: str, percent: int) -> str:
    try:
        stat = os.statvfs(place)
    except OSError:
        return ""
    used = 100 * (stat.f_blocks - stat.f_bavail) // max(stat.f_blocks, 1)
    return f"the disk of {place} is {used} % full" if used >= percent else ""


def _roles(layout: Layout, engine: Engine) -> Iterator[Sign]:
    """Every container that should be well: the base's, and the serving release's."""
    serving = switch.target(layout)
    projects = [layout.base_project, *([layout.project(serving)] if serving else [])]
    for project in projects:
        for entry in engine.containers(project):
            name = str(entry["Labels"].get("com.docker.compose.service"))
            job = entry["Labels"].get("com.docker.compose.oneoff") == "True"
            if not job and not name.startswith("migrate"):
                yield Sign("unhealthy", name, unwell(name, entry))


def unwell(name: str, entry: dict[str, object]) -> str:
    """What to say of a container as Docker lists it; empty where it is well."""
    state, status = str(entry["State"]), str(entry.get("Status"))
    if state != "running":
        return f"{name} is {state}"
    return f"{name} is unhealthy" if "(unhealthy)" in status else ""


def served(layout: Layout) -> tuple[tuple[str, ...], float]:
    """The names that the serving release answers to, and since when it does.

    What Caddy keeps of a name that nobody serves any more is not renewed, and harms nobody.
    """
    serving = switch.target(layout)
    manifest = releases.load(layout, serving) if serving else None
    if serving is None or manifest is None:
        return (), 0.0
    since = releases.state(layout, serving).committed
    return manifest.domains, time.time() if since is None else float(since)


def expiring(
    ends: Mapping[str, float | None],
    names: Iterable[str],
    days: int,
    now: float,
    since: float = 0.0,
) -> Iterator[Sign]:
    """The certificates of the names that are served.

    Args:
        ends: When the newest one of each name ends that Caddy keeps.
        names: What is served.
        days: How long before its end one is told of.
        now: The time.
        since: Since when the names are served.
    """
    for name in names:
        if name in ends:
            yield Sign("certificate", name, _ending(name, ends[name], days, now))
        elif now - since >= _NEW_SECONDS:
            yield Sign("certificate", name, f"there is no certificate of {name}")


def _ending(name: str, until: float | None, days: int, now: float) -> str:
    if until is None:
        return f"the certificate of {name} cannot be read"
    left = (until - now) / _DAY
    return f"the certificate of {name} ends in {left:.1f} days" if left < days else ""
