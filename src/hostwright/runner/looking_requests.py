"""The requests that look, hold, switch maintenance, prune and destroy; see :mod:`.protocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import protocol
from .fault import refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from .operation import Host
    from .session import Body, Session

_MOST_KEPT = 100


def _logs(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import looking, looking_logs

    del body
    wanted = looking_logs.Wanted(
        looking.roles(request),
        looking.number(request, "lines"),
        looking.number(request, "since", most=1 << 40),
    )
    if request.get("follow"):
        source = _watchable(session.source)
        looking_logs.follow(
            session.layout, session.engine, wanted, lambda line: session.say(line.event), source
        )
        return
    count = 0
    for line in looking_logs.snapshot(session.layout, session.engine, wanted):
        session.say(line.event)
        count += 1
    session.say({"event": "logs", "lines": count})


def _watchable(source: BinaryIO) -> BinaryIO | None:
    try:
        source.fileno()
    except OSError:
        return None
    return source


def _exec(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import looking_exec

    del body
    code = looking_exec.run(session.layout, session.engine, request, session.source, session.say)
    looking_exec.leave(code)


def _audit(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import looking

    del body
    session.say(looking.audit(session.layout, looking.number(request, "lines")))


def _hold(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import hold, lock

    del body
    who, verb = protocol.actor(request), request.get("verb")
    if verb == "take":
        mine = hold.take(session.layout, who, request.get("reason"))
        _record(session, request, "lock", reason=mine.reason)
    elif verb == "release":
        former = hold.give_back(session.layout, who, force=bool(request.get("force")))
        if former is not None:
            _record(session, request, "unlock", owner=former.owner)
    elif verb is not None:
        raise refused("a lock is taken or released, or only shown", where="verb")
    busy = lock.held(session.layout.lock)
    session.say({"event": "hold", "hold": hold.told(session.layout), "busy": busy})


def _maintenance(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import maintenance

    del body
    who, wanted = protocol.actor(request), request.get("on")
    if wanted is True:
        notice = maintenance.on(
            session.layout, who, request.get("reason"), request.get("allow") or []
        )
        facts = {"reason": notice["reason"], "allow": list(notice["allowed"])}
        _record(session, request, "maintenance-on", **facts)
    elif wanted is False:
        if maintenance.off(session.layout):
            _record(session, request, "maintenance-off")
    elif wanted is not None:
        raise refused("maintenance is on or off, or only shown", where="on")
    found = maintenance.told(session.layout)
    knows = maintenance.known(session.layout)
    session.say({"event": "maintenance", "maintenance": found, "known": knows})


def _prune(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import clearing, operate

    del body
    keep = _keep(request)
    if request.get("look"):
        plan = clearing.look(session.layout, session.engine, keep)
        session.say(plan.event)
        return
    session.lock(request)
    who = protocol.actor(request)

    def work(host: Host) -> None:
        swept = [str(path) for path in clearing.leftovers(host.layout)]

        def clear() -> None:
            host.events.emit("prune", **clearing.clear(host, keep, swept))

        operate.command(host, who, "prune", None, clear)

    session.launch(request, None, work)


def _keep(request: dict[str, Any]) -> int | None:
    keep = request.get("keep")
    if keep is None:
        return None
    if not isinstance(keep, int) or isinstance(keep, bool) or not 1 <= keep <= _MOST_KEPT:
        raise refused(f"a whole number from 1 to {_MOST_KEPT} is needed here", where="keep")
    return keep


def _destroy(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import destroy

    del body
    if request.get("app") != session.layout.app:
        raise refused("a destroy names the application that it means", where="app")
    keep = request.get("keep_backups")
    if not isinstance(keep, bool):
        raise refused("true or false is needed here", where="keep_backups")
    session.lock(request)
    who = protocol.actor(request)
    session.launch(request, None, lambda host: destroy.destroy(host, who, keep_backups=keep))


def _record(session: Session, request: dict[str, Any], op: str, **facts: object) -> None:
    from . import audit

    audit.record(session.layout, protocol.actor(request), op, **facts)


HANDLERS: dict[str, Callable[[Session, dict[str, Any], Body], None]] = {
    "logs": _logs,
    "exec": _exec,
    "audit": _audit,
    "lock": _hold,
    "maintenance": _maintenance,
    "prune": _prune,
    "destroy": _destroy,
}
