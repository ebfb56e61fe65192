"""The one table: an item is pending until the worker has done its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probe.database import Pool


async def insert(pool: Pool, name: str, version: str) -> int:
    """Store a pending item and return its id."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "insert into items (name, made_by) values (%s, %s) returning id", (name, version)
        )
        row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - an insert that returns no row has raised
    return int(row[0])


async def remove(pool: Pool, item: int) -> None:
    """Forget an item whose job could not be queued."""
    async with pool.connection() as connection:
        await connection.execute("delete from items where id = %s", (item,))


async def find(pool: Pool, item: int) -> dict[str, Any] | None:
    """An item as the api answers it, or None."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select name, state, made_by, done_by from items where id = %s", (item,)
        )
        row = await cursor.fetchone()
    if row is None:
        return None
    return dict(zip(("id", "name", "state", "made_by", "done_by"), (item, *row), strict=True))


async def finish(pool: Pool, item: int, version: str) -> bool:
    """Mark an item done; False when it is done already or unknown, so that a job may run twice."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "update items set state = 'done', done_by = %s, done_at = now()"
            " where id = %s and state = 'pending'",
            (version, item),
        )
    return cursor.rowcount == 1
