"""Postgres: how to reach it by the contract's variables, and a small bounded pool."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo

from probe.config import Config, ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds to wait for one connection, and for a free place in the pool.
CONNECT_SECONDS = 2
Connection = psycopg.AsyncConnection[tuple[Any, ...]]


def connection_string(config: Config, role: str) -> str:
    """What libpq is given: DATABASE_URL, DATABASE_SSL_MODE and the CA's file.

    Raises:
        ConfigError: A variable is missing or malformed; a URL that libpq cannot read is not quoted.
    """
    url = config.text("DATABASE_URL")
    if url.startswith(("postgresql+", "postgres+")):  # SQLAlchemy's spelling names a driver
        url = "postgresql" + url[url.index(":") :]
    try:
        parameters: dict[str, Any] = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigError("DATABASE_URL is not a database URL") from None
    parameters |= {"connect_timeout": CONNECT_SECONDS, "application_name": f"probe-{role}"}
    if mode := config.text("DATABASE_SSL_MODE", ""):
        parameters["sslmode"] = mode
    if str(parameters.get("sslmode", "")).startswith("verify"):
        parameters["sslrootcert"] = _authority(config)
    return conninfo.make_conninfo("", **parameters)


def _authority(config: Config) -> str:
    """The file of the CA that must have signed the server's certificate."""
    pem = config.text("DATABASE_CA_CERT", "")
    if not pem:  # a certificate of the public authorities; the wheel's libpq knows no system store
        import certifi

        return certifi.where()
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise ConfigError("DATABASE_CA_CERT is not a PEM certificate")
    # libpq wants a path. The file is 0600 and lives as long as the container's /tmp.
    with tempfile.NamedTemporaryFile("w", prefix="database-ca-", suffix=".pem", delete=False) as f:
        f.write(pem + "\n")
    return f.name


class Pool:
    """At most DATABASE_POOL_SIZE connections, opened when first needed, kept, and checked on use.

    Args:
        dsn: A connection string of :func:`connection_string`.
        size: Most connections at a time.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection in a transaction that is committed at the end, else rolled back.

        Raises:
            TimeoutError: No place in the pool became free.
            psycopg.Error: What the database said.
        """
        await asyncio.wait_for(self._places.acquire(), CONNECT_SECONDS)
        try:
            connection = await self._take()
            try:
                async with connection.transaction():
                    yield connection
            except BaseException:
                await connection.close()  # it may be in any state: the next user gets a new one
                raise
            self._idle.append(connection)
        finally:
            self._places.release()

    async def _take(self) -> Connection:
        """An idle connection that still answers, else a new one."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.execute("select 1")
            except psycopg.Error:
                await connection.close()
            else:
                return connection
        return await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()


def open_pool(config: Config, role: str) -> Pool:
    """The role's pool; nothing is connected yet."""
    return Pool(connection_string(config, role), config.number("DATABASE_POOL_SIZE", 5, high=1000))


async def check(pool: Pool) -> None:
    """Reach the database and find the schema that the probe needs.

    Raises:
        ConfigError: The schema was not migrated.
        psycopg.Error: The database did not answer.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute("select to_regclass('items') is not null")
        row = await cursor.fetchone()
    if row != (True,):
        raise ConfigError("there is no table items: run `migrate up` first")
