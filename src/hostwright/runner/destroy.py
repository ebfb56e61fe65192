"""Remove an application from its host: what provisioning left is left, and the audit log.

It begins with a mark on the disk. From then on every other command is refused, and the boot and
the next ``destroy`` go on where a killed one was: each step looks at what is there. Backups off
the host are never touched; those on it only on request.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import syslog
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import audit, clearing, durable, hold, plain, releases, room, switch
from .engine import EngineError, quote
from .fault import Code, RunnerError
from .layout import RELEASE_ID
from .parallel import together

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from .layout import Layout
    from .operation import Host

#: What stays in the application's directory.
_STAYS = frozenset({"lock", "audit.jsonl", "events.jsonl", "destroying.json", "backup"})
_PROJECT = "com.docker.compose.project"
_APP = "dev.hostwright.app"
_STOP_SECONDS = 10
_TOOL_SECONDS = 30.0


def destroy(host: Host, actor: str, *, keep_backups: bool) -> None:
    """Remove the application, and say how that went.

    Args:
        host: The host; its lock is held.
        actor: Who asked.
        keep_backups: Whether repositories on the host, and the list of backups, stay.
    """
    layout, serving = host.layout, host.serving
    room.use_aside(layout)  # a full disk must not keep it from going
    outcome = "failed"
    try:
        before = hold.destroying(layout) or {}
        durable.write_json(
            layout.destroying,
            {"actor": actor, "keep_backups": keep_backups and before.get("keep_backups", True)},
        )
        removed = finish(host)
        outcome = "done"
        seconds = host.events.seconds
        host.events.emit("destroyed", **removed)
        host.events.emit(
            "done", op="destroy", previous=serving, serving=None, seconds=seconds, migration=None
        )
    except plain.FAULTS as error:
        host.events.failed(_again(plain.explained(error)), phase=None, serving=host.serving)
    except Exception as error:
        what = f"a fault of the runner itself: {type(error).__name__}"
        host.events.failed(RunnerError(Code.BUG, what), phase=None, serving=host.serving)
        raise
    finally:
        with contextlib.suppress(OSError):
            audit.record(layout, actor, "destroy", previous=serving, outcome=outcome)
        words = f"hostwright: destroy of {layout.app} by {actor}: {outcome}"
        syslog.syslog(syslog.LOG_NOTICE, words)


def finish(host: Host) -> dict[str, Any]:
    """Do all that is left to do; what was removed.

    Raises:
        RunnerError: Docker refused something; the next try goes on.
    """
    layout = host.layout
    asked = hold.destroying(layout) or {}
    removed: dict[str, Any] = {}
    for name, step in _STEPS.items():
        began = time.monotonic()
        host.events.emit("begin", phase=name)
        removed[name.lower()] = gone = step(host)
        seconds = round(time.monotonic() - began, 3)
        host.events.emit("phase", phase=name, seconds=seconds, text=_counted(gone))
    if asked.get("keep_backups", True):
        # What opens the repositories is the operator's to keep, and no longer this host's.
        (layout.backup / "settings.json").unlink(missing_ok=True)
        shutil.rmtree(layout.backup / "run", ignore_errors=True)
    else:
        removed["backups"] = _backups(layout)
    layout.ensure()  # what provisioning made
    durable.remove(layout.destroying)
    return removed


def _timers(host: Host) -> list[str]:
    """The timer that ends the warm release; those of backups do nothing without settings."""
    pattern = f"hostwright-cool-{host.layout.app}_*.timer"
    host.shell.run(["systemctl", "stop", pattern], timeout=_TOOL_SECONDS)
    return []


def _containers(host: Host) -> list[str]:
    app = host.layout.app
    entries = [entry for entry in host.engine.containers() if _is_ours(app, entry)]
    names = sorted(entry["Names"][0].lstrip("/") for entry in entries if entry["Names"])

    def ender(name: str) -> Callable[[Event], None]:
        def end(_: Event) -> None:
            host.engine.stop(name, _STOP_SECONDS)
            host.engine.remove(name)

        return end

    together(*(ender(name) for name in names))
    return names


def _is_ours(app: str, entry: dict[str, Any]) -> bool:
    """Whether a container is this application's: by its label, or by its project's name."""
    labels = entry.get("Labels") or {}
    if labels.get(_APP):
        return bool(labels[_APP] == app)
    project = str(labels.get(_PROJECT, ""))
    name = project.removeprefix(f"{app}-")
    return project != name and (name == "base" or RELEASE_ID.fullmatch(name) is not None)


def _networks(host: Host) -> list[str]:
    found = host.engine.get("/networks", {"filters": json.dumps({"name": [f"{host.layout.app}_"]})})
    return _remove(host, "networks", [str(one["Name"]) for one in found])


def _volumes(host: Host) -> list[str]:
    found = host.engine.get("/volumes", {"filters": json.dumps({"name": [f"{host.layout.app}_"]})})
    return _remove(host, "volumes", [str(one["Name"]) for one in found.get("Volumes") or ()])


def _remove(host: Host, kind: str, names: list[str]) -> list[str]:
    """Remove those that carry the application's name: ``<app>_`` begins nobody else's."""
    mine = sorted(name for name in names if name.startswith(f"{host.layout.app}_"))
    for name in mine:
        try:
            host.engine.call("DELETE", f"/{kind}/{quote(name)}")
        except EngineError as error:
            if error.status != 404:  # noqa: PLR2004 - it is gone already
                raise
    return mine


def _images(host: Host) -> list[str]:
    known = releases.listing(host.layout)
    return [
        ref
        for ref in clearing.unneeded(host.layout, host.engine, known, ())
        if clearing.remove(host.engine, ref)
    ]


def _files(host: Host) -> list[str]:
    """Releases, configuration and secrets; the link first, so that no later boot starts any."""
    layout = host.layout
    serving = switch.target(layout)
    layout.link.unlink(missing_ok=True)
    gone = list(layout.known())
    for path in sorted(layout.root.iterdir()):
        if path.name not in _STAYS:
            _discard(path)
    return gone or ([serving] if serving else [])


def _backups(layout: Layout) -> list[str]:
    """The repositories on this host, and everything the host knows of backups."""
    from .backup import settings, wal

    found: list[str] = []
    with contextlib.suppress(RunnerError):
        known = settings.load(layout)
        local = [one for one in known.repositories if not one.off_host] if known else []
        # Postgres's log lies in a repository beside each.
        places = [Path(each.where) for one in local for each in (one, wal.repository(one))]
        for place in places:
            # Only what restic made: the path came from whoever may deploy.
            if (place / "config").is_file() and (place / "data").is_dir():
                shutil.rmtree(place)
                found.append(str(place))
    shutil.rmtree(layout.backup, ignore_errors=True)
    return found


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _counted(gone: list[str]) -> str:
    return f"{len(gone)} removed" if gone else ""


def _again(error: RunnerError) -> RunnerError:
    remedy = f"{error.remedy} Run `invoke vps.destroy` again: it goes on where it was.".strip()
    return RunnerError(error.code, error.what, where=error.where, remedy=remedy, log=error.log)


#: In this order: nothing starts again, nobody writes, and the names go with what they name.
_STEPS: dict[str, Callable[[Host], list[str]]] = {
    "TIMERS": _timers,
    "CONTAINERS": _containers,
    "NETWORKS": _networks,
    "VOLUMES": _volumes,
    "IMAGES": _images,
    "RELEASES": _files,
}
