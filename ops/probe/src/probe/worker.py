"""The worker role: takes jobs one at a time, and on SIGTERM finishes the one in hand and leaves."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import redis

from probe import build, heartbeat, items, jobs, logs
from probe.config import Config, ConfigError, from_environment
from probe.dependencies import Dependencies

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Seconds between two tries when a dependency fails.
PAUSE = 0.5
OUTAGES = (OSError, psycopg.Error, redis.RedisError)


class Worker:
    """One worker.

    Args:
        config: The process's variables.
        name: What its jobs in hand are kept under; the same after a restart of the container, and
            no other's at the same time. A container's host name is both.
    """

    def __init__(self, config: Config, name: str) -> None:
        self._name = name
        self._config = config
        self._version = build.read().version
        self._needs = Dependencies(config, "worker")
        self._stopping = asyncio.Event()
        self._ready = False
        self._reason = "starting"

    async def run(self) -> None:
        """Work until :meth:`stop`."""
        beating = asyncio.create_task(self._beat())
        try:
            await self._work()
        finally:
            beating.cancel()
            heartbeat.stop()
            await self._leave()

    def stop(self) -> None:
        """Take no further job."""
        self._stopping.set()

    async def _work(self) -> None:
        await self._until_ready()
        while not self._stopping.is_set():
            try:
                client = await self._needs.redis()
                await self._start(client)
                while not self._stopping.is_set():
                    await self._next(client)
            except OUTAGES as failure:
                await self._pause(failure)

    async def _start(self, client: Redis) -> None:
        """Put back what is in hand from before: of a killed worker of this name, or an outage."""
        back = await jobs.release(client, self._name)
        await jobs.renew(client, self._name, self._version)
        self._ready = True
        heartbeat.beat(ready=True)
        logs.event("started", worker=self._name, put_back=back)

    async def _until_ready(self) -> None:
        """Wait until every dependency is usable; the health check says what it waits for."""
        while not self._stopping.is_set():
            report = await self._needs.readiness.report()
            wrong = [
                f"{name}: {o.status} {o.reason}" for name, o in report.items() if o.status != "ok"
            ]
            if not wrong:
                return
            self._reason = "; ".join(wrong)
            logs.event("not ready", logging.WARNING, reason=self._reason)
            await self._sleep(PAUSE)

    async def _next(self, client: Redis) -> None:
        """Take a job and do it; return at once when told to stop while there is none."""
        taking = asyncio.create_task(jobs.take(client, self._name))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not taking.done():
            # If Redis moved a job meanwhile, _leave puts it back.
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking
        elif text := taking.result():
            await self._do(client, text)

    async def _do(self, client: Redis, text: str) -> None:
        """Do one job; it is forgotten only after its effect is committed."""
        try:
            job = jobs.decode(text)
        except ValueError:
            logs.failure("job refused", reason="something else wrote to the queue")
            await jobs.acknowledge(client, self._name, text)
            return
        await asyncio.sleep(job.seconds)
        fresh = await self._finish(job.item)
        await jobs.acknowledge(client, self._name, text)
        logs.event("job done", item=job.item, fresh=fresh)

    async def _finish(self, item: int) -> bool:
        """Mark the item done, however long the database is away; a stop leaves it to the next."""
        while True:
            try:
                return await items.finish(await self._needs.pool(), item, self._version)
            except OUTAGES as failure:
                if self._stopping.is_set():
                    raise
                await self._pause(failure)

    async def _beat(self) -> None:
        """Show life and hold the lease, also while a long job runs; reclaim what others lost."""
        while True:
            heartbeat.beat(ready=self._ready, reason=self._reason)
            if self._ready:
                with suppress(*OUTAGES):
                    await self._tend(await self._needs.redis())
            await asyncio.sleep(heartbeat.INTERVAL)

    async def _tend(self, client: Redis) -> None:
        await jobs.renew(client, self._name, self._version)
        for name, count in (await jobs.reclaim(client)).items():
            logs.event("jobs reclaimed", worker=name, put_back=count)

    async def _leave(self) -> None:
        """Give back what is in hand (nothing, after a clean stop) and close."""
        with suppress(ConfigError, *OUTAGES):
            back = await jobs.release(await self._needs.redis(), self._name)
            logs.event("stopped", worker=self._name, put_back=back)
        await self._needs.close()

    async def _pause(self, failure: Exception) -> None:
        logs.failure("dependency failed", reason=self._config.scrub(str(failure)))
        await self._sleep(PAUSE)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake when told to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def work(config: Config, name: str) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(config, name)
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, worker.stop)
    await worker.run()


def main(name: str = "") -> int:
    """Run the worker role."""
    config = from_environment()
    try:
        logs.configure("worker", config)
    except ConfigError as wrong:
        sys.stderr.write(f"worker: {wrong}\n")
        return 2
    asyncio.run(work(config, name or socket.gethostname()))
    return 0
