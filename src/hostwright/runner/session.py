"""The SSH side of a command: greet, read requests, start the work, follow what it says.

The session holds nothing that matters: when it dies, an upload that was not complete is gone, and
work that was accepted goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from . import events, hello, hold, lock, looking_requests, plain, protocol, switch
from .engine import Engine
from .fault import Code, RunnerError, refused
from .identity import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .compose import Compose
    from .layout import Layout
    from .operation import Host

_LONGEST_LINE = 65_536
_PIECE = 1 << 20
#: How long nothing may come from the laptop while it holds the lock.
_IDLE_SECONDS = 600
_LOOK_SECONDS = 0.01


class Body:
    """The raw bytes that follow a request; what a handler leaves is dropped, to stay in step.

    Args:
        source: Where they come from.
        left: How many have not been read yet.
    """

    def __init__(self, source: BinaryIO, left: int) -> None:
        self.source = source
        self.left = left

    def pieces(self) -> Iterator[bytes]:
        """All of them, in pieces.

        Raises:
            RunnerError: The connection ended before.
        """
        while self.left > 0:
            signal.alarm(_IDLE_SECONDS)
            piece = self.source.read(min(_PIECE, self.left))
            signal.alarm(0)
            if not piece:
                self.left = 0
                raise refused("the connection was lost in the middle of an upload")
            self.left -= len(piece)
            yield piece

    def drop(self) -> None:
        """Read what is left, and forget it."""
        with contextlib.suppress(RunnerError):
            for _ in self.pieces():
                pass


class Session:
    """One channel.

    Args:
        layout: The application's places.
        source: What the laptop sends.
        sink: What it reads.
    """

    def __init__(self, layout: Layout, source: BinaryIO, sink: BinaryIO) -> None:
        self.layout = layout
        self.source = source
        self.sink = sink
        self.engine = Engine()
        #: The lock, from the first request that changes something until it is handed over.
        self.held: lock.Lock | None = None
        #: A request failed: what was sent along with it is read and dropped.
        self.refused = False

    def run(self) -> None:
        """Serve requests until the laptop closes its side."""
        self.layout.ensure()
        self.say(hello.hello(self.layout, self.engine))
        _warm_up()
        while True:
            # A laptop that is gone without a word must not keep the lock.
            signal.alarm(_IDLE_SECONDS if self.held else 0)
            line = self.source.readline(_LONGEST_LINE)
            signal.alarm(0)
            if not line:
                return
            if line.strip():
                self._answer(line)

    def say(self, event: dict[str, Any]) -> None:
        """Send one event."""
        self.sink.write(events.encode(event))
        self.sink.flush()

    def fail(self, error: RunnerError) -> None:
        """Say why a request was refused."""
        serving = switch.target(self.layout)
        self.say({"event": "failed", "phase": None, "serving": serving, **events.explained(error)})

    def _answer(self, line: bytes) -> None:
        body = Body(self.source, 0)
        try:
            request = protocol.parse(line)
            body.left = request["bytes"]
            if self.refused and request["do"] in protocol.MUTATING:
                raise refused("an earlier request of this session was refused")
            HANDLERS[request["do"]](self, request, body)
        except BrokenPipeError:
            raise
        except plain.FAULTS as error:
            self.refused = True
            self._let_go()
            # Said first: whoever is still sending a large archive may stop.
            self.fail(plain.explained(error))
            body.drop()

    def _let_go(self) -> None:
        if self.held is not None:
            self.held.close()
            self.held = None

    def lock(self, request: dict[str, Any]) -> None:
        """Take the lock, unless this session has it.

        Raises:
            RunnerError: Somebody else has it, or a person holds the host.
        """
        if self.held is None:
            self.held = lock.acquire(self.layout.lock)
            self.held.sign(protocol.actor(request), str(request["do"]))
        hold.refuse(self.layout, str(request["do"]))

    def launch(
        self, request: dict[str, Any], release: str | None, work: Callable[[Host], None]
    ) -> None:
        """Hand the lock to a process of its own that does the work, and follow it."""
        from . import launch
        from .compose import require
        from .process import Shell

        if self.held is None:
            raise AssertionError
        held, self.held = self.held, None
        files = self.layout.release(release) if release else None
        path = files.events if files else self.layout.events
        log = files.log if files else self.layout.root / "runner.log"
        path.unlink(missing_ok=True)
        try:
            found = require(hello.Memory(self.layout).compose(Shell()))
            pid = launch.detach(
                lambda: _work(self.layout, held, path, request, found, work), log=log
            )
        finally:
            held.close()
        self.say({"event": "accepted", "release": release, "pid": pid})
        self.follow(path, pid)

    def follow(self, path: Path, pid: int, *, after: int = 0) -> None:
        """Pass events on until the operation has ended, or its process has."""
        reader = events.Reader(path)
        birth = started(pid)
        while True:
            alive = started(pid) == birth != 0
            for event in reader.fresh():
                if event["n"] > after:
                    self.say(event)
                if event["event"] in events.LAST:
                    return
            if not alive:
                raise _died(pid)
            time.sleep(_LOOK_SECONDS)


def _warm_up() -> None:
    """Import what the work will need while the laptop reads the greeting."""
    from . import bundle, launch, operate, status

    del bundle, launch, operate, status


def _died(pid: int) -> RunnerError:
    return RunnerError(
        Code.RELEASE,
        f"the runner's process {pid} died in the middle of its work",
        where="the host",
        remedy="Run the command again: it finishes or takes back what was begun.",
    )


def _work(  # noqa: PLR0913, PLR0917 - what a detached process has to be given
    layout: Layout,
    held: lock.Lock,
    path: Path,
    request: dict[str, Any],
    found: Compose,
    work: Callable[[Host], None],
) -> None:
    from . import launch
    from .operation import Host
    from .parallel import Group
    from .process import Shell

    held.sign(protocol.actor(request), str(request["do"]), path)
    shell = Shell(inherited=(held.descriptor,))
    logins = request.get("registries") or {}
    host = Host(layout, Engine(), found, shell, events.Events(path), logins)
    unit = f"hostwright-{layout.app}-{os.getpid()}"
    aside = Group([lambda _: launch.own_unit(Shell(), unit)])
    work(host)
    aside.abandon()


def _images(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import images
    from .arriving import arriving
    from .process import Shell

    session.lock(request)
    with arriving(session.layout, session.engine, Shell()):
        loaded = images.load(session.engine, body.pieces(), request["bytes"])
    session.say({"event": "images", "images": loaded})


def _deploy(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import bundle, operate, room

    session.lock(request)
    if request["bytes"] > bundle.LARGEST:
        raise refused("the bundle is too large to be one", where="bytes")
    room.demand("disk", room.disk(), room.RESERVE_BYTES)  # before anything is unpacked
    release = bundle.unpack(session.layout, b"".join(body.pieces())).id
    who, turning = protocol.actor(request), request.get("passwords") is True
    session.launch(
        request, release, lambda host: operate.deploy(host, who, release, turning=turning)
    )


def _rollback(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import operate
    from .backup import work

    del body
    wanted = protocol.release(request, "to")
    session.lock(request)
    who = protocol.actor(request)
    if request.get("with_data"):
        session.launch(request, None, lambda host: work.rollback(host, who, wanted))
        return
    session.launch(request, None, lambda host: operate.rollback(host, who, wanted))


def _resume(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import operate

    del body
    session.lock(request)
    session.launch(request, None, lambda host: operate.resume(host, protocol.actor(request)))


def _backup_settings(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import settings

    session.lock(request)
    if request["bytes"] > settings.LARGEST:
        raise refused("the document is too large to be one", where="bytes")
    digest = settings.store(session.layout, b"".join(body.pieces()))
    session.say({"event": "backup-settings", "sha256": digest})


def _backup(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import work

    del body
    session.lock(request)
    who = protocol.actor(request)
    session.launch(request, None, lambda host: work.backup(host, who, "asked"))


def _restore(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import work

    del body
    protocol.release(request, "backup")
    if request.get("to") is not None:
        from .backup import point_in_time

        point_in_time.asked(request["to"])
    wanted = {**request, "repository": protocol.repository(request)}
    session.lock(request)
    who = protocol.actor(request)
    session.launch(request, None, lambda host: work.restore(host, who, wanted))


def _recover(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import work

    del body
    backup = protocol.release(request, "backup")
    if not request.get("look") and backup is None:
        raise refused("a backup is needed here", where="backup")
    wanted = {**request, "repository": protocol.repository(request)}
    session.lock(request)
    who = protocol.actor(request)
    session.launch(request, None, lambda host: work.recover(host, who, wanted))


def _way_back(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import way_back

    del body
    found = way_back.find(session.layout, protocol.release(request, "to"))
    session.say({"event": "way-back", **found._asdict()})


def _drill(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import work

    del body
    name = protocol.repository(request)
    session.lock(request)
    who = protocol.actor(request)
    session.launch(request, None, lambda host: work.drill(host, who, name))


def _backups(session: Session, request: dict[str, Any], body: Body) -> None:
    from .backup import work

    del request, body
    session.say(work.listing(session.layout))


def _planned(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import planned

    del request, body
    session.say(planned.planned(session.layout, session.engine))


def _pending(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import planned_migration

    if request["bytes"] > planned_migration.LARGEST:
        raise refused("the request is too large to be one", where="bytes")
    who, content = protocol.actor(request), b"".join(body.pieces())
    session.say(planned_migration.pending(session.layout, session.engine, content, who))


def _drift(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import drifted

    del request, body
    session.say(drifted.drifted(session.layout, session.engine))


def _status(session: Session, request: dict[str, Any], body: Body) -> None:
    from . import status

    del request, body
    session.say(status.status(session.layout, session.engine))


def _follow(session: Session, request: dict[str, Any], body: Body) -> None:
    del body
    wanted = protocol.release(request, "release")
    signature = lock.held(session.layout.lock) or {}
    last = lock.holder(session.layout.lock) or {}
    named = session.layout.release(wanted).events if wanted else None
    path = named or Path(str(last.get("events") or session.layout.events))
    pid = int(signature.get("pid") or 0)
    session.follow(path, pid, after=int(request.get("from") or 0))


HANDLERS: dict[str, Callable[[Session, dict[str, Any], Body], None]] = {
    "images": _images,
    "deploy": _deploy,
    "rollback": _rollback,
    "resume": _resume,
    "backup-settings": _backup_settings,
    "backup": _backup,
    "restore": _restore,
    "drill": _drill,
    "recover": _recover,
    "planned": _planned,
    "pending": _pending,
    "drift": _drift,
    "way-back": _way_back,
    "backups": _backups,
    "status": _status,
    "follow": _follow,
    **looking_requests.HANDLERS,
}
