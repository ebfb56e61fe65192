"""Runs in a pod: calls the application without a pause until it is told to stop, and counts.

Half of the calls come over kept connections, half over fresh ones. It prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE = 20
PATIENCE = 15.0


class Caller:
    """Sends requests at a fixed rate, whatever the answers do."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._stop = asyncio.Event()
        self.requests = 0
        self.failures = Counter[str]()
        self.versions = Counter[str]()
        self.slowest = 0.0

    async def run(self) -> None:
        """Call until SIGTERM, then wait for the answers that are still due."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        due: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(timeout=PATIENCE) as kept:
            while not self._stop.is_set():
                task = asyncio.create_task(self._call(kept, self.requests))
                due.add(task)
                task.add_done_callback(due.discard)
                self.requests += 1
                await asyncio.sleep(1 / RATE)
            await asyncio.gather(*due)

    async def _call(self, kept: httpx.AsyncClient, number: int) -> None:
        url = self._urls[number % len(self._urls)]
        began = time.monotonic()
        try:
            if number // len(self._urls) % 2:
                answer = await kept.get(url)
            else:
                async with httpx.AsyncClient(timeout=PATIENCE) as fresh:
                    answer = await fresh.get(url)
            answer.raise_for_status()
            self.versions[str(answer.json()["version"])] += 1
        except (httpx.HTTPError, ValueError, KeyError) as error:
            self.failures[f"{url}: {type(error).__name__} {error}"[:200]] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def report(self) -> dict[str, Any]:
        """What came of it."""
        return {
            "requests": self.requests,
            "failed": sum(self.failures.values()),
            "failures": dict(self.failures),
            "versions": dict(self.versions),
            "slowest": round(self.slowest, 3),
        }


if __name__ == "__main__":
    caller = Caller(sys.argv[1:])
    print("calling", flush=True)  # noqa: T201 - read from the pod's log
    asyncio.run(caller.run())
    print(json.dumps(caller.report()), flush=True)  # noqa: T201 - same
