from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import conninfo
from tests import engines

from probe import database
from probe.config import Config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.probe.roles import Surroundings

pytestmark = pytest.mark.engines


def with_pool(
    config: Config, use: Callable[[database.Pool], Awaitable[None]], role: str = "test"
) -> None:
    async def body() -> None:
        pool = database.open_pool(config, role)
        try:
            await use(pool)
        finally:
            await pool.close()

    asyncio.run(body())


async def answer(pool: database.Pool, query: str) -> object:
    async with pool.connection() as connection:
        cursor = await connection.execute(query)
        row = await cursor.fetchone()
    return row and row[0]


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_the_inline_ca_verifies_the_servers_certificate(
    postgres: engines.Postgres, around: Surroundings, mode: str
) -> None:
    env = around.env(DATABASE_SSL_MODE=mode, DATABASE_CA_CERT=postgres.tls.certificate)

    async def use(pool: database.Pool) -> None:
        query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
        assert await answer(pool, query) is True

    with_pool(Config(env), use)


def test_a_server_that_another_ca_signed_is_refused(around: Surroundings) -> None:
    other = engines.authority().certificate
    env = around.env(DATABASE_SSL_MODE="verify-full", DATABASE_CA_CERT=other)

    async def use(pool: database.Pool) -> None:
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            await answer(pool, "select 1")

    with_pool(Config(env), use)


def test_the_cas_file_is_private(postgres: engines.Postgres, around: Surroundings) -> None:
    env = around.env(DATABASE_SSL_MODE="verify-full", DATABASE_CA_CERT=postgres.tls.certificate)
    parameters = conninfo.conninfo_to_dict(database.connection_string(Config(env), "api"))
    path = Path(str(parameters["sslrootcert"]))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() == postgres.tls.certificate.strip()
    path.unlink()


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql+asyncpg", "postgres"])
def test_urls_that_name_a_driver_are_understood(around: Surroundings, scheme: str) -> None:
    url = around.database_url.replace("postgresql", scheme)
    dsn = database.connection_string(Config(around.env(DATABASE_URL=url)), "api")
    assert conninfo.conninfo_to_dict(dsn)["password"] == engines.PASSWORD


def test_the_pool_never_opens_more_than_its_size(around: Surroundings) -> None:
    query = "select count(*) from pg_stat_activity where application_name = 'probe-bounded'"

    async def use(pool: database.Pool) -> None:
        found = await asyncio.gather(*(answer(pool, query) for _ in range(12)))
        assert max(int(str(count)) for count in found) <= 2

    with_pool(Config(around.env(DATABASE_POOL_SIZE="2")), use, "bounded")


def test_a_connection_that_the_server_ended_is_replaced(
    postgres: engines.Postgres, around: Surroundings
) -> None:
    async def use(pool: database.Pool) -> None:
        pid = await answer(pool, "select pg_backend_pid()")
        with psycopg.connect(postgres.url()) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        assert await answer(pool, "select pg_backend_pid()") != pid

    with_pool(Config(around.env()), use)


def test_what_raised_inside_is_rolled_back(around: Surroundings) -> None:
    async def use(pool: database.Pool) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await answer(pool, "insert into items (name) values ('rolled back') returning 1 / 0")
        assert await answer(pool, "select count(*) from items where name = 'rolled back'") == 0

    with_pool(Config(around.env()), use)
