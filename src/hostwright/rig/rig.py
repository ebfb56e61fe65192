"""The rig as one context manager."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Self

from hostwright.rig import acme, engine, images, network, registry, requirements, s3, virtual
from hostwright.rig import ledger as ledgers
from hostwright.rig import server as servers
from hostwright.rig.load import PROBE, LoadGenerator, Request, Stream
from hostwright.rig.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType, TracebackType
    from typing import Any, Literal

    from hostwright.rig.acme import Acme
    from hostwright.rig.engine import Engine
    from hostwright.rig.ledger import Ledger
    from hostwright.rig.network import Subnet
    from hostwright.rig.registry import Registry
    from hostwright.rig.s3 import S3
    from hostwright.rig.server import Server

    ServerKind = Literal["container", "machine"]
    Handler = Callable[[int, FrameType | None], Any] | int | None


class Rig:
    """Throwaway servers and the services around them; several rigs may exist at once.

    Args:
        name: Lower-case letters, digits and hyphens; unique on this machine.
        say: Told what is going on when it takes more than a moment.

    Raises:
        ToolError: On entry: this machine cannot have a rig; it says what is missing.
        UserError: On entry: the name is taken.
    """

    def __init__(self, name: str = "rig", *, say: Callable[[str], None] = lambda _: None) -> None:
        self.name = name
        self.say = say
        self.servers: list[Server] = []
        self.ledger: Ledger
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        requirements.check()
        self.ledger = ledgers.claim(self.name)
        signals = _Signals()
        signals.take()
        self._stack.callback(signals.give_back)
        self._stack.callback(self._tear_down)
        self._stack.callback(signals.hold)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @cached_property
    def subnet(self) -> Subnet:
        """The rig's network."""
        return network.lay(self.ledger)

    @cached_property
    def engine(self) -> Engine:
        """A throwaway Docker engine, started when it is first asked for."""
        self.say("starting a Docker engine")
        return engine.start(self.ledger)

    @cached_property
    def acme(self) -> Acme:
        """A certificate authority that finds every name at the first server."""
        return acme.start(self.ledger, self.subnet.service, self.subnet.address(0))

    @cached_property
    def s3(self) -> S3:
        """An object store, reachable from the servers."""
        return s3.start(self.ledger, self.subnet.service)

    @cached_property
    def registry(self) -> Registry:
        """An image registry with TLS, reachable from the servers; empty at first."""
        return registry.start(self.ledger, self.subnet.service)

    def images(
        self, versions: Sequence[str | images.Probe] = ("1", "2"), *, suite: str = "trixie"
    ) -> dict[str, str]:
        """Postgres, Redis, Caddy and versions of the probe, built in :attr:`engine`.

        Args:
            versions: Versions of the probe; a :class:`images.Probe` can add migrations.
            suite: Debian of the images: ``trixie`` has Postgres 17, ``bookworm`` 15.

        Returns:
            References by name: ``postgres``, ``redis``, ``caddy``, ``probe:1`` …
        """
        probes = [v if isinstance(v, images.Probe) else images.Probe(v) for v in versions]
        return images.build_all(self.engine, probes, self.say, suite=suite)

    def server(
        self, suite: str = "trixie", *, name: str = "", kind: ServerKind = "container"
    ) -> Server:
        """A bare Debian server, booted and reachable by ssh as root.

        Args:
            suite: ``trixie`` (Debian 13) or ``bookworm`` (Debian 12).
            name: Its host name; without one, ``server1``, ``server2`` …
            kind: A ``container``, or a ``machine`` whose power can be cut: slow.
        """
        address = self.subnet.address(len(self.servers))
        name = name or f"server{len(self.servers) + 1}"
        self.say(f"{name} ({suite}) at {address}")
        make = virtual.make if kind == "machine" else servers.make
        made: Server = make(self.ledger, name, suite=suite, say=self.say)
        self.servers.append(made)
        made.boot()
        return made

    def relay(self, server: Server, *, delay_ms: float) -> tuple[str, int]:
        """Another address for a server's ssh, this much round trip further away."""
        relay = Relay(server.address, server.port, delay_ms / 1000)
        made = self._stack.enter_context(relay)
        return made.address, made.port

    def load(
        self,
        server: Server,
        *,
        requests: Sequence[Request] = PROBE,
        rate: float = 50.0,
        websocket: str = "",
    ) -> LoadGenerator:
        """A stream of requests at a server, to be used as a context manager.

        Args:
            server: Where every name of the requests is found.
            requests: What to send, mixed by weight.
            rate: Requests per second.
            websocket: ``wss://…`` of an echo to hold open as well.
        """
        return LoadGenerator(
            Stream(
                address=server.address,
                authority=str(self.acme.root_pem),
                requests=tuple(requests),
                rate=rate,
                websocket=websocket,
            )
        )

    def detach(self) -> None:
        """Leave everything running when the block ends, until ``clean`` is told this name."""
        self.ledger.owner = None
        self.ledger.save()

    def _tear_down(self) -> None:
        if self.ledger.owner is not None:
            self.ledger.tear_down(self.say)


class _Signals:
    """SIGTERM ends the block like an exception; while cleaning up, interrupts wait.

    Half a clean-up is worse than a moment's patience. Python lets only the main thread do this;
    a rig in another thread leaves signals to whoever owns them.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Handler] = {}

    def take(self) -> None:
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGINT, signal.SIGTERM)
            self._before = {number: signal.getsignal(number) for number in numbers}
            signal.signal(signal.SIGTERM, _exit)

    def hold(self) -> None:
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
