"""Look whether anything goes wrong, and tell of it: once when it begins, and daily while it lasts.

It takes no lock and changes nothing: a long deploy must not hide a full disk.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import plain, switch
from ..engine import Engine
from . import alerts, certificates, drill, ledger, settings, wal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..layout import Layout
    from .settings import Settings

_DOCKER_DATA = "/var/lib/docker"
_DAY = 86_400
#: A backup is overdue when the next one should have been made as well.
_OVERDUE = 2


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
    for sign in look(layout, found, Engine(), time.time()):
        if alerts.raised(layout, sign.kind, sign.subject, wrong=bool(sign.what)):
            wrong = alerts.tell(layout, found.alerts, sign.kind, sign.what, subject=sign.subject)
            sys.stdout.write("".join(f"{line}\n" for line in (sign.what, *wrong)))
            failed |= bool(wrong)
    return failed


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
        yield Sign("unhealthy", "docker", f"Docker does not answer: {error}")
        return
    yield Sign("unhealthy", "docker", "")
    if volume:
        yield from expiring(Path(volume["Mountpoint"]), found.alerts.certificate_days, now)


def overdue(layout: Layout, found: Settings, now: float) -> str:
    """What to say where the last good backup is too old; empty where it is not."""
    last = ledger.last_good(ledger.backups(layout))
    if last is None:
        return "there is no good backup yet"
    age = now - int(last["time"])
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


def expiring(data: Path, days: int, now: float) -> Iterator[Sign]:
    """The certificates that Caddy keeps."""
    for path in _certificates(data):
        until = certificates.not_after(path.read_text(encoding="ascii", errors="replace"))
        left = (until - now) / _DAY if until else None
        name = path.stem
        if left is None:
            yield Sign("certificate", name, f"the certificate of {name} cannot be read")
        else:
            text = f"the certificate of {name} ends in {left:.1f} days" if left < days else ""
            yield Sign("certificate", name, text)


def _certificates(data: Path) -> Iterable[Path]:
    return sorted((data / "caddy" / "certificates").glob("*/*/*.crt"))
