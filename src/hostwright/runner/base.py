"""The base project: Caddy, Postgres and Redis, which outlive every release.

It is touched only where a deploy brings another base than the one applied last, or where it does
not run; a rollback leaves it alone, because going back to an older Postgres is no small thing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import durable, redact, releases, room
from .engine import EngineError
from .fault import broken, unfit
from .manifest import Account
from .operation import tolerant
from .wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .layout import Layout
    from .manifest import Manifest
    from .operation import Host, Operation

#: Files by their path below the base's directory.
Files = dict[str, tuple[bytes, os.stat_result]]

#: How long the base may take to get well, and how often it is looked at, in seconds.
WELL_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_CHECK_SECONDS = 10.0
_COMPOSE_SECONDS = 300.0
_SHOWN_LINES = 20


def bring(op: Operation, before_up: Callable[[], None] = lambda: None) -> str | None:
    """Bring the base up where it has to be, and say what was done; None where nothing was.

    Args:
        op: The operation.
        before_up: Called when the files are in place and nothing was started.

    Raises:
        RunnerError: It did not come up; where there was one before, that one is back.
    """
    from . import passwords

    same = releases.base_applied(op.layout) == op.goal.base_sha256
    if same and not _down(op.host, op.goal.base_services):
        return None
    if op.is_rollback and not same:
        return leave(op)
    before = {} if same else files_of_project(op.layout)
    if same:
        before_up()
        mend(op.host)
        up(op.host, op.goal.base_services)
    else:
        turning, former = refuse_other_secrets(op), durable.read_json(op.layout.base_state)
        _change(op, before, before_up, turning)
        passwords.begin(op, turning, former)
    durable.write_json(op.layout.base_state, {"sha256": op.goal.base_sha256, "release": op.goal.id})
    done = "was started" if same or not before else "was changed"
    left = sorted({_service(found) for found in strangers(op.host, op.goal.base_services)})
    stay = f" ({', '.join(left)}: kept for the releases before)" if left else ""
    return f"the base project {done}{stay}"


def leave(op: Operation) -> str | None:
    """Say that the base differs from the goal's and stays, if that is so."""
    if releases.base_applied(op.layout) == op.goal.base_sha256:
        return None
    return "the base project stays as it is: a rollback does not change it"


def refuse_other_secrets(op: Operation) -> list[str]:
    """Refuse a release that changes a password of the base while somebody serves with the old one.

    Unless that was asked for: then those are returned, for :mod:`.passwords` to change.

    Postgres takes its password only when it makes its database, and Compose does not look into
    secret files: the service would go on with the old password until it starts again one day, and
    then lock out whoever serves.

    Raises:
        RunnerError: It brings another one, or one that the service cannot take; nothing was
            changed.
    """
    from . import passwords

    found = passwords.changed(op.layout, op.goal.id) if op.host.serving else []
    if found and not op.passwords:
        raise unfit(
            f"this release has another {found[0]} than the base that runs",
            where=f"secrets/{found[0]}",
            remedy="Deploy with the former value. `invoke vps.secrets.push` changes it in the "
            "running service as well.",
        )
    passwords.refuse_unfit(op.layout, op.goal.id, found)
    return found


def _change(
    op: Operation, before: Files, before_up: Callable[[], None], but: Collection[str]
) -> None:
    """Bring another base up. From its first file on it counts as nobody's, until it is well."""
    known, started = durable.read_json(op.layout.base_state), False
    try:
        durable.write_json(op.layout.base_state, {"sha256": None, "release": None})
        write(op.layout, op.goal, but)
        before_up()
        started = True
        up(op.host, op.goal.base_services)
    except Exception:
        if before:
            # What failed first is what is told.
            with tolerant(op.host, "putting the base project back"):
                _put_back(op, before, known, started=started)
        raise


def _put_back(op: Operation, before: Files, known: object, *, started: bool) -> None:
    op.events.note("the base project is put back as it was")
    room.use_aside(op.layout)
    restore(op.layout, before)
    if started:
        up(op.host, op.previous.base_services if op.previous else frozenset())
    if known is not None:
        durable.write_json(op.layout.base_state, known)


def write(layout: Layout, goal: Manifest, but: Collection[str] = ()) -> None:
    """Put the files of a release's base into the base's project directory, *but* those secrets."""
    source = layout.release(goal.id).directory
    _copy(source / "base.yaml", layout.base / "compose.yaml", 0o600)
    for path in sorted((source / "base").rglob("*")):
        if path.is_file():
            _copy(path, layout.base / path.relative_to(source / "base"), path.stat().st_mode)
    for path in sorted((source / "entrypoints").rglob("*")):
        if path.is_file():
            _copy(path, layout.base / path.relative_to(source), path.stat().st_mode)
    secrets = (path for path in sorted((source / "secrets").glob("*")) if path.name not in but)
    for path in secrets:
        owner = goal.secrets.get(path.name, Account(0, 0))
        _copy(path, layout.base / "secrets" / path.name, 0o400, owner)
    layout.run.chmod(0o700)
    os.chown(layout.run, *goal.caddy)


def _copy(source: Path, target: Path, mode: int, owner: Account | None = None) -> None:
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
        target.parent.chmod(0o755)
    content = source.read_bytes()
    if not target.is_file() or target.read_bytes() != content:
        durable.write(target, content, mode=mode & 0o777, owner=owner)


def files_of_project(layout: Layout) -> Files:
    """The base's files as they are, to put them back."""
    return {
        str(path.relative_to(layout.base)): (path.read_bytes(), path.stat())
        for path in layout.base.rglob("*")
        if path.is_file() and path != layout.base_state
    }


def restore(layout: Layout, before: Files) -> None:
    """Put the base's files back; what is as it was is not written, as the disk may be full."""
    for name, (content, stat) in before.items():
        path, owner = layout.base / name, (stat.st_uid, stat.st_gid)
        there = path.is_file() and (path.read_bytes(), path.stat().st_mode)
        if there != (content, stat.st_mode):
            durable.write(path, content, mode=stat.st_mode & 0o777, owner=owner)


def up(host: Host, services: frozenset[str]) -> None:
    """Start what does not run or has changed, and wait until all of it is well.

    Args:
        host: The host.
        services: What has to get well; everything where there is none.

    Raises:
        RunnerError: Compose refused, or a service did not get well.
    """
    _compose_up(host)
    await_well(host, services)


def _compose_up(host: Host) -> None:
    from . import compose

    argv = compose.base_argv(host.tool, host.layout)
    done = host.shell.run(argv, cwd=host.layout.base, timeout=_COMPOSE_SECONDS)
    if done.exit_code != 0:
        raise broken("Compose could not bring the base up", where="base.yaml", log=done.tail)


def services(host: Host, release: str | None) -> frozenset[str]:
    """What the base of a release consists of; nothing where its manifest cannot be read."""
    manifest = releases.load(host.layout, release) if release else None
    return manifest.base_services if manifest else frozenset()


def mend(host: Host, services: frozenset[str] = frozenset()) -> None:
    """Start what of the base does not run any more, and wait until that is well.

    A full disk keeps a service from starting. Not left to Compose: where Docker could not write
    down that a service has ended, its list, which Compose believes, goes on saying that it runs.

    Args:
        host: The host.
        services: What may be made anew, as :func:`stand` does.

    Raises:
        EngineError: Docker cannot start one; the others were started all the same.
        RunnerError: One does not get well, or Compose cannot make one anew.
    """
    if started := stand(host, services):
        await_well(host, started)


def stand(host: Host, services: frozenset[str]) -> frozenset[str]:
    """Start what of the base does not run, and leave it to get well.

    What a power loss has spoiled is made anew: Docker can neither tell nor start it, or has
    forgotten it. All data lies in volumes. One that only releases before need is left as it is, as
    Compose makes what the newest base declares and nothing else.

    Args:
        host: The host.
        services: What the base consists of.

    Returns:
        What was started or made.

    Raises:
        EngineError: Docker cannot start one for want of disk, or one that cannot be made anew; the
            others were started all the same.
        RunnerError: Compose cannot make one anew.
    """
    there: set[str] = set()
    started: set[str] = set()
    spoiled: list[str] = []
    refused: list[EngineError] = []
    for listed in host.engine.containers(host.layout.base_project):
        name = str(listed["Labels"].get("com.docker.compose.service"))
        try:
            found = host.engine.container(listed["Id"])
            if found is not None:
                if _started(host, found):
                    started.add(name)
                there.add(name)
        except EngineError as error:
            host.events.note(f"{name} of the base does not start: {error}")
            if room.ran_out(str(error)) or name not in services:
                there.add(name)
                refused.append(error)
            else:
                spoiled.append(listed["Id"])
    for identity in spoiled:
        host.engine.remove(identity)
    if gone := sorted(services - there):
        host.events.note(f"{', '.join(gone)} of the base: not there, and made anew")
        _compose_up(host)
    if refused:
        raise refused[0]
    return frozenset(started.union(gone))


def _started(host: Host, found: dict[str, Any]) -> bool:
    """Start a container that does not run; whether that was to be done."""
    if only_believed(found):
        host.engine.stop(str(found["Id"]), 0)
    elif found["State"]["Running"]:
        return False
    host.events.note(f"{_service(found)} of the base did not run, and is started")
    host.engine.start(str(found["Id"]))
    return True


def only_believed(found: dict[str, Any]) -> bool:
    """Whether Docker believes that a container runs whose process is not there."""
    state = found["State"]
    return bool(state["Running"]) and not Path(f"/proc/{state['Pid']}").exists()


def await_well(host: Host, services: frozenset[str]) -> None:
    """Wait until the services of the base are well; all of them where *services* names none.

    Raises:
        RunnerError: One is not, in time.
    """
    deadline = time.monotonic() + WELL_SECONDS
    while True:
        mine = (c for c in _containers(host) if not services or _service(c) in services)
        verdicts = {_service(found): _asked(host, found) for found in mine}
        failed = [name for name, well in verdicts.items() if well is False]
        if failed or time.monotonic() > deadline:
            late = failed or [name for name, well in verdicts.items() if not well]
            raise _unwell(host, late[0] if late else "caddy")
        if all(verdicts.values()):
            return
        time.sleep(_LOOK_SECONDS)


def verdict(found: dict[str, Any]) -> bool | None:
    """Whether a container is well; None where that is not decided yet."""
    state = found["State"]
    health = (state.get("Health") or {}).get("Status")
    if state["Status"] in {"exited", "dead"} or int(found.get("RestartCount", 0)) > 2:  # noqa: PLR2004 - once more may be bad luck, thrice is not
        return False
    if state["Status"] != "running" or health == "starting":
        return None
    return True if health in {None, "none", "healthy"} else None


def _asked(host: Host, found: dict[str, Any]) -> bool | None:
    """The verdict on a container; where Docker has none yet, its health check is run at once.

    Docker first asks when a whole interval is over, ten seconds or more after the start.
    """
    said = verdict(found)
    test = check_argv(found)
    if said is not None or test is None or found["State"]["Status"] != "running":
        return said
    try:
        return host.engine.execute(found["Id"], test, _CHECK_SECONDS)[0] == 0 or None
    except (EngineError, OSError, WireError):
        return None


def check_argv(found: dict[str, Any]) -> list[str] | None:
    """The words of a container's own health check, or None where it has none."""
    test = list((found["Config"].get("Healthcheck") or {}).get("Test") or ())
    if len(test) < 2 or test[0] == "NONE":  # noqa: PLR2004 - the kind and at least one word
        return None
    return ["/bin/sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]


def strangers(host: Host, services: frozenset[str]) -> list[dict[str, Any]]:
    """Containers of the base project that are none of *services*; none where it names none."""
    return [c for c in _containers(host) if services and _service(c) not in services]


def _containers(host: Host) -> list[dict[str, Any]]:
    listed = host.engine.containers(host.layout.base_project)
    found = (host.engine.container(entry["Id"]) for entry in listed)
    return [container for container in found if container is not None]


def _service(found: dict[str, Any]) -> str:
    return str(found["Config"]["Labels"].get("com.docker.compose.service"))


def _unwell(host: Host, service: str) -> Exception:
    for found in _containers(host):
        if _service(found) == service:
            texts = redact.secrets(
                path.read_text(errors="replace") for path in host.layout.base.glob("secrets/*")
            )
            lines = host.engine.logs(found["Id"], _SHOWN_LINES)
            log = tuple(redact.blank(line, texts) for line in lines)
            return broken(
                f"{service} of the base project does not get well", where=service, log=log
            )
    return broken("the base project has no containers", where="base.yaml")


def _down(host: Host, services: frozenset[str]) -> bool:
    """Whether one of *services* is missing or something of the base does not run."""
    found = _containers(host)
    missing = services - {_service(container) for container in found}
    still = [container for container in found if not container["State"]["Running"]]
    return not found or bool(missing or still)
