"""What api and worker depend on, each opened on first use and checked by name.

Drivers are imported here, in a thread, and not when the process starts: ``/health`` answers
meanwhile, and a wrong variable breaks only what it belongs to.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from probe import keys, storage
from probe.config import ConfigError
from probe.readiness import Readiness

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from probe.config import Config
    from probe.database import Pool


class Dependencies:
    """Database, Redis, storage and keys of one process.

    Args:
        config: The process's variables.
        role: ``api`` or ``worker``; the database sees it as part of the application's name.
    """

    def __init__(self, config: Config, role: str) -> None:
        self._config = config
        self._role = role
        self._opening = asyncio.Lock()
        self._pool: Pool | None = None
        self._redis: Redis | None = None
        self._store: storage.Store | None = None
        self.readiness = Readiness(
            {
                "database": self._check_database,
                "redis": self._check_redis,
                "secrets": self._check_secrets,
                "storage": self._check_storage,
            },
            config,
        )

    async def pool(self) -> Pool:
        """The database's pool."""
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._open_pool)
        return self._pool

    async def redis(self) -> Redis:
        """Redis's client."""
        async with self._opening:
            if self._redis is None:
                self._redis = await asyncio.to_thread(self._open_redis)
        return self._redis

    async def warm(self) -> None:
        """Import the drivers; what is wrong with a variable is told where it is used."""
        for opened in (self.pool, self.redis):
            with suppress(ConfigError):
                await opened()

    async def close(self) -> None:
        """Close what was opened."""
        if self._pool is not None:
            await self._pool.close()
        if self._redis is not None:
            await self._redis.aclose()

    def _open_pool(self) -> Pool:
        from probe import database

        return database.open_pool(self._config, self._role)

    def _open_redis(self) -> Redis:
        from probe import jobs

        return jobs.connect(self._config)

    async def _check_database(self) -> None:
        pool = await self.pool()
        from probe import database

        await database.check(pool)

    async def _check_redis(self) -> None:
        redis = await self.redis()
        from probe import jobs

        await jobs.check(redis)

    async def _check_secrets(self) -> None:
        await asyncio.to_thread(keys.check, self._config)

    async def _check_storage(self) -> None:
        await asyncio.to_thread(self._round_trip)

    def _round_trip(self) -> None:
        self._store = self._store or storage.open_store(self._config)
        storage.check(self._store)
