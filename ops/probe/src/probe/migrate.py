"""The migrate role: ``up`` brings the schema to this image's head, ``status`` says what it would.

Only one `up` works at a time, by an advisory lock; the others wait and then find nothing to do.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

import psycopg

from probe import build, database, logs, revisions
from probe.config import Config, ConfigError, from_environment

if TYPE_CHECKING:
    from probe.revisions import Revision

Connection = psycopg.Connection[tuple[Any, ...]]
#: Seconds to wait for a database that does not answer yet, and between two tries.
PATIENCE = 30.0
PAUSE = 0.25
#: Seconds to wait for another `up` to end.
LOCK_SECONDS = 300
#: Key of the advisory lock: "probe" in ASCII.
LOCK = 0x70726F6265


def up(connection: Connection, chain: list[Revision], extra: int) -> None:
    """Apply what is pending.

    A database that is ahead is left alone: an older image may be started again after a rollback.

    Raises:
        psycopg.Error, sqlalchemy.exc.SQLAlchemyError: A migration failed; it was rolled back.
    """
    connection.execute(f"set lock_timeout = '{LOCK_SECONDS}s'")
    connection.execute("select pg_advisory_lock(%s)", (LOCK,))
    connection.execute("reset lock_timeout")
    before = revisions.status(chain, current(connection))
    if before["ahead"]:
        logs.event("schema is ahead of this image", logging.WARNING, **before)
    elif before["pending"]:
        logs.event("migrating", **before)
        _upgrade(connection, extra)
    logs.event("migrated", **revisions.status(chain, current(connection)))


def _upgrade(connection: Connection, extra: int) -> None:
    """Run alembic over the connection that holds the lock; each migration is one transaction."""
    from alembic import command
    from alembic.config import Config as Alembic
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    settings = Alembic()
    settings.set_main_option("script_location", str(revisions.SCRIPTS))
    settings.set_main_option("path_separator", "newline")
    locations = "\n".join(map(str, revisions.directories(extra)))
    settings.set_main_option("version_locations", locations)
    connection.autocommit = False
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    with engine.connect() as open_connection:
        settings.attributes["connection"] = open_connection
        command.upgrade(settings, "head")
        open_connection.commit()
    connection.autocommit = True


def current(connection: Connection) -> str | None:
    """The revision that the database is at."""
    row = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    if row != (True,):
        return None
    found = connection.execute("select version_num from alembic_version").fetchone()
    return None if found is None else str(found[0])


def connect(config: Config) -> Connection:
    """Connect, waiting a bounded time for a database that is still starting.

    Raises:
        ConfigError: A variable is missing or malformed.
        psycopg.OperationalError: The database refused, or did not answer in time.
    """
    dsn = database.connection_string(config, "migrate")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True)
        except psycopg.OperationalError as failure:
            # A refused password stays refused; anything else may be a server on its way up.
            if "authentication failed" in str(failure) or time.monotonic() > deadline:
                raise
            logs.event("waiting for the database", logging.WARNING, reason=str(failure))
            time.sleep(PAUSE)


def main(verb: str) -> int:
    """Run ``up`` or ``status``; status alone prints to standard output, as one line of JSON."""
    config = from_environment()
    try:
        logs.configure("migrate", config, sys.stderr if verb == "status" else sys.stdout)
        return _run(config, verb)
    except ConfigError as wrong:
        sys.stderr.write(f"migrate: {wrong}\n")
        return 2
    except Exception as failure:  # noqa: BLE001 - whatever a driver or a migration raises
        logs.failure("migrate failed", reason=str(failure) or type(failure).__name__)
        return 1


def _run(config: Config, verb: str) -> int:
    extra = build.read().extra_migrations
    chain = revisions.chain(extra)
    with connect(config) as connection:
        if verb == "up":
            up(connection, chain, extra)
        else:
            print(json.dumps(revisions.status(chain, current(connection))))  # noqa: T201 - its result
    return 0
