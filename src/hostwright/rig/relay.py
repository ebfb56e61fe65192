"""A TCP relay that adds a round trip: a far server without touching a kernel queue."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

CHUNK = 65536


class Relay:
    """Forwards one port of loopback to an address, with half the delay in each direction.

    A connection costs what TCP's handshake would: the far side first hears of it one and a half
    round trips after the near side asked. Bytes keep their spacing, so bandwidth is not reduced.

    Args:
        address: Where to forward to.
        port: Its port.
        delay: Added round trip in seconds.
    """

    def __init__(self, address: str, port: int, delay: float) -> None:
        self.target = (address, port)
        self.delay = delay
        self.address, self.port = "127.0.0.1", 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)
        self._listening = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: asyncio.Event

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cut every connection and stop listening."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, self.address, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._forward(reader, writer)
        writer.close()

    async def _forward(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.delay)
        far, out = await asyncio.open_connection(*self.target)
        try:
            half = self.delay / 2
            await asyncio.gather(pump(near, out, half), pump(far, back, half))
        finally:
            out.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Copy to the end, every piece *delay* seconds after it arrived, then pass the end on."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)

    async def fill() -> None:
        data = b"-"
        while data:
            data = await reader.read(CHUNK)
            await line.put((loop.time() + delay, data))

    filling = asyncio.ensure_future(fill())
    try:
        while True:
            due, data = await line.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    finally:
        filling.cancel()
