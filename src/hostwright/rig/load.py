"""A constant stream of requests in a process of its own, and an account of every one.

A deploy is zero-downtime when this says that nothing failed. It sends at a fixed rate whatever the
server does (a slow server does not slow the stream down): reads and writes, quick and slow ones,
over kept and fresh connections. Names resolve to the server without touching ``/etc/hosts``, and
certificates are verified.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import ssl
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from hostwright.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import httpx


@dataclass(frozen=True)
class Request:
    """One kind of request of the stream.

    Attributes:
        url: With the name that the certificate must have.
        method: HTTP method.
        body: JSON text to send.
        weight: How often it comes, relative to the others.
        slow: Takes long by design: left out of the percentiles and of the longest pause.
    """

    url: str
    method: str = "GET"
    body: str = ""
    weight: int = 1
    slow: bool = False

    @property
    def shown(self) -> str:
        """What a person reads."""
        return f"{self.method} {self.url}"


#: The probe application behind its two names; a tenth of it takes a second.
PROBE = (
    Request("https://api.test/version", weight=4),
    Request("https://app.test/api/version", weight=3),
    Request("https://api.test/items", "POST", '{"name": "load"}', weight=2),
    Request("https://api.test/slow?seconds=1", weight=1, slow=True),
)


@dataclass(frozen=True)
class Stream:
    """What to send where.

    Attributes:
        address: The server; every name of the URLs goes there.
        authority: PEM file of the root to verify against; empty: plain HTTP.
        requests: Kinds of requests, mixed by weight.
        rate: Requests per second.
        fresh: Every how many requests one opens a connection of its own; 0 for none.
        websocket: ``wss://…`` that echoes; one connection is held and used; empty for none.
        port: Port of the server; 0 is that of the URL's scheme.
        timeout: Seconds after which a request has failed.
    """

    address: str
    authority: str = ""
    requests: tuple[Request, ...] = PROBE
    rate: float = 50.0
    fresh: int = 5
    websocket: str = ""
    port: int = 0
    timeout: float = 15.0


@dataclass(frozen=True)
class Sample:
    """What became of one request.

    Attributes:
        request: What it was.
        start: When it was due, in seconds from the start of the stream.
        seconds: How long it took from then on: a generator that lags flatters nobody.
        failure: Why it failed; empty when it did not.
        version: The version that answered, where it says so.
        made: The id of what a write made, where the answer names one.
    """

    request: Request
    start: float
    seconds: float
    failure: str = ""
    version: str = ""
    made: int | None = None


@dataclass(frozen=True)
class Report:
    """The account. Times are seconds; percentiles are of good, quick requests.

    Attributes:
        sent: Requests sent.
        failed: Those that got no answer, or one from 400 up.
        failures: How often each reason came.
        p50: Median.
        p99: 99th percentile.
        slowest: Longest quick request.
        pause: Longest time without a good answer to a quick request.
        versions: Good answers by the version that gave them.
        seconds: Length of the stream.
        rate: Requests per second that were really sent.
        sockets: WebSocket connections opened, messages echoed, connections dropped.
        answered: Good answers by the request that they are to.
        first: When each version first answered, in seconds from the start of the stream.
        posted: The ids of what answered writes made.
    """

    sent: int
    failed: int
    failures: dict[str, int]
    p50: float
    p99: float
    slowest: float
    pause: float
    versions: dict[str, int]
    seconds: float
    rate: float
    sockets: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    posted: list[int] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """Answered writes."""
        return sum(count for kind, count in self.answered.items() if kind.startswith("POST "))


class LoadGenerator:
    """The stream in a child process: ``with LoadGenerator(stream) as load: …; load.stop()``.

    Args:
        stream: What to send.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.report: Report | None = None
        self._begun = time.monotonic()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is not None:
            with contextlib.suppress(ToolError):
                self.stop()

    @property
    def elapsed(self) -> float:
        """Seconds from the start of the stream, by this process's clock."""
        return time.monotonic() - self._begun

    def start(self) -> None:
        """Begin; returns when the first request has been sent.

        Raises:
            ToolError: The process did not start.
        """
        argv = [sys.executable, "-m", "hostwright.rig.load", json.dumps(asdict(self.stream))]
        pipe = subprocess.PIPE
        # The end of its input ends it, also when this process is killed.
        self._child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        if self._child.stdout is None or self._child.stdout.readline() != b"started\n":
            self.stop()
        self._begun = time.monotonic()

    def stop(self) -> Report:
        """Send no more, wait for what is under way, and give the account.

        Raises:
            ToolError: The process failed.
        """
        if self._child is None:
            raise ToolError("the load was not started")
        child, self._child = self._child, None
        try:
            out, error = child.communicate(timeout=self.stream.timeout + 15)
        except subprocess.TimeoutExpired:
            child.kill()
            out, error = child.communicate()
        if child.returncode != 0:
            raise ToolError(f"the load generator failed\n{error.decode(errors='replace')}")
        self.report = Report(**json.loads(out))
        return self.report


def order(requests: Sequence[Request]) -> Iterator[Request]:
    """The requests for ever, each by its weight and spread evenly, always in the same order."""
    total = sum(request.weight for request in requests)
    slots = (
        sorted(
            ((turn + 0.5) / request.weight, place, request)
            for place, request in enumerate(requests)
            for turn in range(request.weight)
        )
        if total
        else []
    )
    return itertools.cycle([request for _, _, request in slots])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that *share* of them do not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else 0.0


def pause(samples: Sequence[Sample], end: float) -> float:
    """Longest time between good answers to quick requests, the ends of the stream included."""
    answers = sorted(s.start + s.seconds for s in samples if not (s.failure or s.request.slow))
    moments = [0.0, *answers, max([end, *answers])]
    return max(later - sooner for sooner, later in itertools.pairwise(moments))


def account(samples: Sequence[Sample], end: float, sockets: dict[str, int]) -> Report:
    """Sum up a stream that sent its last request *end* seconds after its start."""
    bad = [s for s in samples if s.failure]
    quick = [s.seconds for s in samples if not (s.failure or s.request.slow)]
    return Report(
        sent=len(samples),
        failed=len(bad),
        failures=dict(Counter(f"{s.request.shown}: {s.failure}" for s in bad).most_common()),
        p50=percentile(quick, 0.5),
        p99=percentile(quick, 0.99),
        slowest=max(quick, default=0.0),
        pause=pause(samples, end),
        versions=dict(Counter(s.version for s in samples if s.version)),
        seconds=end,
        rate=len(samples) / end if end else 0.0,
        sockets=sockets,
        answered=dict(Counter(s.request.shown for s in samples if not s.failure)),
        first=firsts(samples),
        posted=[s.made for s in samples if s.made is not None],
    )


def firsts(samples: Sequence[Sample]) -> dict[str, float]:
    """When each version first answered, in that order."""
    found: dict[str, float] = {}
    for sample in sorted(samples, key=lambda s: s.start + s.seconds):
        if sample.version:
            found.setdefault(sample.version, sample.start + sample.seconds)
    return found


class _Sender:
    """Sends a stream until it is told to stop."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.samples: list[Sample] = []
        self.sockets = {"opened": 0, "echoed": 0, "dropped": 0}
        self.stopped = asyncio.Event()
        self.begun = time.monotonic()
        self.context = trust(stream.authority)

    async def run(self) -> Report:
        asyncio.get_running_loop().add_reader(sys.stdin, self._end_of_input)
        async with (
            self._client(keep=True) as kept,
            self._client(keep=False) as fresh,
            asyncio.TaskGroup() as group,
        ):
            if self.stream.websocket:
                group.create_task(self._socket())
            await self._send(kept, fresh, group)
            end = time.monotonic() - self.begun
        return account(self.samples, end, self.sockets if self.stream.websocket else {})

    async def _send(
        self, kept: httpx.AsyncClient, fresh: httpx.AsyncClient, group: asyncio.TaskGroup
    ) -> None:
        self.begun = time.monotonic()
        for number, request in enumerate(order(self.stream.requests)):
            due = self.begun + number / self.stream.rate
            await self._until(due)
            if self.stopped.is_set():
                return
            own = self.stream.fresh and number % self.stream.fresh == 0
            group.create_task(self._one(fresh if own else kept, request, due))
            if number == 0:
                tell("started")

    def _end_of_input(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self.stopped.set()

    async def _until(self, moment: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), max(0.0, moment - time.monotonic()))

    async def _one(self, client: httpx.AsyncClient, request: Request, due: float) -> None:
        failure, content = await self._answer(client, request)
        seconds = time.monotonic() - due
        made = made_in(content) if request.method == "POST" else None
        version = version_in(content)
        self.samples.append(Sample(request, due - self.begun, seconds, failure, version, made))

    async def _answer(self, client: httpx.AsyncClient, request: Request) -> tuple[str, bytes]:
        """Why it failed, or what a good answer says."""
        import httpx

        url = httpx.URL(request.url)
        place = url.copy_with(host=self.stream.address, port=self.stream.port or None)
        headers = {
            "Host": url.host,
            **({"Content-Type": "application/json"} if request.body else {}),
        }
        try:
            answer = await client.request(
                request.method,
                place,
                content=request.body or None,
                headers=headers,
                extensions={"sni_hostname": url.host},
            )
        except httpx.HTTPError as error:
            return f"{type(error).__name__} {error}".strip(), b""
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            return f"status {answer.status_code}", b""
        return "", answer.content

    def _client(self, *, keep: bool) -> httpx.AsyncClient:
        import httpx

        most = None if keep else 0
        limits = httpx.Limits(max_keepalive_connections=most, keepalive_expiry=60)
        timeout = self.stream.timeout
        return httpx.AsyncClient(
            verify=self.context, limits=limits, timeout=timeout, trust_env=False
        )

    async def _socket(self) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                await self._talk()
            await self._until(time.monotonic() + 0.1)

    async def _talk(self) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        secure = self.stream.websocket.startswith("wss:")
        extra: dict[str, Any] = {"ssl": self.context} if secure else {}
        port = self.stream.port or (443 if secure else 80)
        try:
            async with connect(
                self.stream.websocket, host=self.stream.address, port=port, proxy=None, **extra
            ) as socket:
                self.sockets["opened"] += 1
                while not self.stopped.is_set():
                    await socket.send("load")
                    await asyncio.wait_for(socket.recv(), self.stream.timeout)
                    self.sockets["echoed"] += 1
                    await self._until(time.monotonic() + 0.2)
        except (WebSocketException, OSError, TimeoutError):
            self.sockets["dropped"] += 1


def tell(line: str) -> None:
    """One line to the process that asked."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def trust(authority: str) -> ssl.SSLContext:
    """Verify against one root only, or against the system's where none is given."""
    return ssl.create_default_context(cafile=authority or None)


def version_in(content: bytes) -> str:
    """The version that an answer of the probe names."""
    return str(_object(content).get("version", ""))


def made_in(content: bytes) -> int | None:
    """The id of what an answer of the probe says was made."""
    made = _object(content).get("id")
    return made if isinstance(made, int) else None


def _object(content: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(content)
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def stream_from(plain: dict[str, Any]) -> Stream:
    """A stream from its JSON."""
    requests = tuple(Request(**request) for request in plain.pop("requests"))
    return Stream(**plain, requests=requests)


def main() -> int:
    """Send the stream described by the first argument; print ``started``, later the account."""
    stream = stream_from(json.loads(sys.argv[1]))

    async def send() -> Report:
        return await _Sender(stream).run()

    tell(json.dumps(asdict(asyncio.run(send()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
