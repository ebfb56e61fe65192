"""End the releases that were kept warm, when their time is over.

A timer does it; the next command does it as well, and ``resume``, which every boot runs, sets the
timer again: it is lost with a reboot.
"""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import drain, durable, releases
from .engine import EngineError
from .identity import myself, owner_from
from .operation import tolerant
from .parallel import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from .operation import Host

#: What Docker says of a container that has a process, or is about to have one again.
UP = frozenset({"running", "restarting", "paused"})
_SYSTEMD = Path("/run/systemd/system")


def due(host: Host, but: str | None) -> list[releases.Release]:
    """The releases to end: warm ones whose time is over, or that are not *but*."""
    now, serving = time.time(), host.serving
    return [
        release
        for release in releases.listing(host.layout)
        if release.state.warm_until is not None
        and release.id != serving
        and (release.state.warm_until <= now or (but is not None and release.id != but))
    ]


def cool(host: Host, *, but: str | None = None) -> list[str]:
    """End what is due; only under the lock.

    Args:
        host: The host.
        but: The one release that stays warm; where given, all others end, due or not.

    Returns:
        The releases that were ended.
    """
    ended = []
    for release in due(host, but):
        if release.manifest is not None:
            drain.wait(host, release.manifest)
        end(host, release.id)
        releases.change(host.layout, release.id, warm_until=None)
        ended.append(release.id)
    return ended


def end(host: Host, release: str) -> None:
    """Stop and remove all containers of a release, side by side, each within its stop time.

    What the live link names is never stopped.
    """
    if release == host.serving:
        return
    manifest = releases.load(host.layout, release)

    def ender(name: str, role: str) -> Callable[[Event], None]:
        def finish(_: Event) -> None:
            stop(host, name, manifest.stop_seconds(role) if manifest else 10)
            host.engine.remove(name)

        return finish

    together(*(ender(name, role) for name, role in containers(host, release)))


def stop(host: Host, name: str, seconds: int) -> None:
    """Stop a container; one that a power loss has spoiled, so that Docker cannot, does not run.

    Raises:
        EngineError: It runs, and cannot be stopped.
    """
    try:
        host.engine.stop(name, seconds)
    except EngineError:
        for one in host.engine.containers():
            mine = one["Id"] == name or f"/{name}" in (one["Names"] or ())
            if mine and one["State"] in UP:
                raise


def containers(host: Host, release: str) -> list[tuple[str, str]]:
    """The containers of a release: name and role."""
    prefix = host.layout.container(release, "")
    names = [
        entry["Names"][0].lstrip("/")
        for entry in host.engine.containers(host.layout.project(release))
        if entry["Names"]
    ]
    return [(name, name.removeprefix(prefix)) for name in names]


def schedule(host: Host, release: str | None, seconds: int) -> None:
    """Have the warm release ended when its time is over, whatever becomes of this process."""
    if release is None:
        return
    if seconds == 0:
        cool(host)
    elif _SYSTEMD.is_dir():
        _timer(host, seconds)
    else:
        _sleeper(host, seconds)


def settle_within(host: Host, seconds: int) -> None:
    """Have what this process leaves settled, should it die: the same, as it waits for the lock."""
    if _SYSTEMD.is_dir():
        with tolerant(host, "setting the timer that settles what may be left"):
            _timer(host, seconds, "settle")


def settled(host: Host) -> None:
    """Nothing is left to be settled: no timer is needed."""
    if _SYSTEMD.is_dir():
        stop, _ = timer_argvs(host.layout.app, os.getpid(), 0, "settle")
        host.shell.run(stop, timeout=20)


def _timer(host: Host, seconds: int, kind: str = "cool") -> None:
    from .launch import command

    stop, start = timer_argvs(host.layout.app, os.getpid(), seconds, kind)
    host.shell.run(stop, timeout=20)
    done = host.shell.run([*start, *command("cool", "--app", host.layout.app)], timeout=20)
    if done.exit_code != 0:
        raise OSError(" ".join(done.tail)[:200])


def timer_argvs(
    app: str, pid: int, seconds: int, kind: str = "cool"
) -> tuple[list[str], list[str]]:
    """End the timers of a kind that were set before, and set a new one: there is one at a time.

    The service of such a timer is left alone: it may be this very process, or wait for the lock
    that this one holds. So the new timer has a name of its own. (No application's name has an
    underscore.)
    """
    name = f"hostwright-{kind}-{app}_"
    options = [f"--on-active={seconds}s", "--timer-property=AccuracySec=1s", "--collect", "--quiet"]
    return (
        ["systemctl", "stop", f"{name}*.timer"],
        ["systemd-run", *options, f"--unit={name}{pid}"],
    )


def _sleeper(host: Host, seconds: int) -> None:
    from .launch import command, detach

    words = command("cool", "--app", host.layout.app)
    place = host.layout.cooler

    def sleep() -> None:
        for descriptor in host.shell.inherited:
            os.close(descriptor)  # or the lock would be held all that time
        durable.write_json(place, myself()._asdict())
        time.sleep(seconds + 1)
        os.execv(words[0], words)  # noqa: S606 - this very program, no shell

    before = owner_from(durable.read_json(place))
    if before is not None and before.alive and before != myself():
        os.kill(before.pid, signal.SIGTERM)
    detach(sleep, log=host.layout.root / "cool.log")


def tidy(host: Host) -> None:
    """End what is overdue, and have the rest ended in its time; best effort."""
    with tolerant(host, "ending a warm release"):
        for release in cool(host):
            host.events.note(f"{release} is no longer warm")
    with tolerant(host, "setting the timer that ends the warm release"):
        known, now = releases.listing(host.layout), time.time()
        first = next_due(known, host.serving, now)
        if first is not None:
            until = first.state.warm_until or 0
            schedule(host, first.id, max(1, math.ceil(until - now)))


def next_due(
    known: Iterable[releases.Release], serving: str | None, now: float
) -> releases.Release | None:
    """The release that is the next to end; None where none is warm."""
    warm = [r for r in known if r.id != serving and (r.state.warm_until or 0) > now]
    return min(warm, key=lambda release: release.state.warm_until or 0, default=None)
