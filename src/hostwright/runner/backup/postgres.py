"""Postgres: dumped to a file that is read back, loaded beside, compared, exchanged by renames.

Everything runs inside a container of the database's own image, by its own tools, over the socket
that is open to the one user there: no password is in anybody's arguments.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from ..fault import Code, RunnerError
from ..layout import DATABASE_NAME
from . import tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..operation import Host
    from ..process import Ended

_QUERY_SECONDS = 120.0
_WORK_SECONDS = 6 * 3600.0
_SHOWN_LINES = 8

#: One row per thing of a schema, each a text; sorted by it, so that two servers agree.
_SCHEMA = """
select line from (
 select format('column %s.%s.%s %s %s %s', n.nspname, c.relname, a.attname,
   format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) as line
 from pg_attribute a join pg_class c on c.oid = a.attrelid
 join pg_namespace n on n.oid = c.relnamespace
 left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f')
 union all select format('relation %s.%s %s', n.nspname, c.relname, c.relkind)
 from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind <> 't'
 union all select format('index %s', pg_get_indexdef(i.indexrelid)) from pg_index i
 join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 union all select format('constraint %s %s %s', k.conrelid::regclass, k.conname,
   pg_get_constraintdef(k.oid)) from pg_constraint k
 join pg_namespace n on n.oid = k.connamespace
 union all select format('view %s.%s %s', schemaname, viewname, definition) from pg_views
 union all select format('function %s', pg_get_functiondef(p.oid)) from pg_proc p
 join pg_namespace n on n.oid = p.pronamespace
 where p.prokind in ('f', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
 union all select format('trigger %s', pg_get_triggerdef(t.oid)) from pg_trigger t
 where not t.tgisinternal
 union all select format('enum %s %s', e.enumtypid::regtype,
   string_agg(e.enumlabel, ',' order by e.enumsortorder)) from pg_enum e group by e.enumtypid
 union all select format('extension %s', extname) from pg_extension
) as lines
where line !~ '^(column|relation|view) (pg_catalog|information_schema|pg_toast)[.]'
 and line !~ ' (ON|on) (pg_catalog|pg_toast)[.]'
order by line collate "C"
"""
#: Where well-known tools keep how far a database is: the table, and its newest entry.
_HEADS = {
    "alembic_version": "select string_agg(version_num, ',' order by version_num) from {}",
    "schema_migrations": "select max(version::text) from {}",
    "django_migrations": "select count(*) || '/' || max(id) from {}",
    "flyway_schema_history": "select max(installed_rank)::text from {}",
    "_prisma_migrations": "select max(migration_name) from {}",
    "knex_migrations": "select max(name) from {}",
    "goose_db_version": "select max(version_id)::text from {}",
}


class Database(NamedTuple):
    """A running server and one database of it.

    Attributes:
        container: Its container.
        user: The user that owns everything.
        name: The database.
        image: The image it runs.
    """

    container: str
    user: str
    name: str
    image: str


class Facts(NamedTuple):
    """What a database is like; a restored one has to be the same."""

    version: int
    size: int
    fingerprint: str
    head: str
    rows: dict[str, int]

    @property
    def major(self) -> int:
        """17 of 170006."""
        return self.version // 10_000


def find(host: Host) -> Database | None:
    """The database of the base, or None where the application has none.

    Raises:
        RunnerError: It is there and does not run.
    """
    found = service(host, "postgres")
    if found is None:
        return None
    if not found["State"]["Running"]:
        raise _broken("Postgres does not run", "`docker ps -a` on the host says why.")
    return of_container(found)


def service(host: Host, name: str) -> dict[str, Any] | None:
    """The container of one of the base's services."""
    for entry in host.engine.containers(host.layout.base_project):
        if entry["Labels"].get("com.docker.compose.service") == name:
            return host.engine.container(str(entry["Id"]))
    return None


def of_container(found: dict[str, Any]) -> Database:
    """The database that a container's variables name.

    Raises:
        RunnerError: They name none that could be written as it is.
    """
    pairs = (str(item).partition("=") for item in found["Config"].get("Env") or ())
    env = {name: value for name, _, value in pairs}
    user = env.get("POSTGRES_USER") or "postgres"
    name = env.get("POSTGRES_DB") or user
    if not DATABASE_NAME.fullmatch(user) or not DATABASE_NAME.fullmatch(name):
        raise _broken("the database has a name that cannot be used in a command", "")
    return Database(str(found["Id"]), user, name, str(found["Image"]))


def facts(host: Host, database: Database, floors: Mapping[str, int]) -> Facts:
    """What a database is like.

    Raises:
        RunnerError: It does not answer.
    """
    sql = "select current_setting('server_version_num'), pg_database_size(current_database())"
    [line] = query(host, database, sql)
    version, _, size = line.partition("|")
    lines = query(host, database, " ".join(_SCHEMA.split()))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    rows = _counts(host, database, list(floors))
    return Facts(int(version), int(size), digest, head(host, database), rows)


def _counts(host: Host, database: Database, tables: Sequence[str]) -> dict[str, int]:
    """The rows of tables; a missing one has -1, which no floor allows."""
    quoted = {table: '"' + table.replace(".", '"."') + '"' for table in tables}
    there = _there(host, database, quoted.values())
    counted = {table: name for table, name in quoted.items() if name in there}
    found = dict.fromkeys(tables, -1)
    if counted:
        asked = [f"select '{table}', count(*) from {name}" for table, name in counted.items()]  # noqa: S608 - checked forms
        for line in query(host, database, " union all ".join(asked)):
            table, _, count = line.rpartition("|")
            found[table] = int(count)
    return found


def _there(host: Host, database: Database, names: Iterable[str]) -> list[str]:
    """Those of some tables that there are."""
    asked = [f"select '{name}' where to_regclass('{name}') is not null" for name in names]
    return query(host, database, " union all ".join(asked)) if asked else []


def head(host: Host, database: Database) -> str:
    """How far the migrations are, as the tables of well-known tools have it; may be empty."""
    asked = [
        f"select '{name}=' || coalesce(({_HEADS[name].format(name)})::text, '')"
        for name in _there(host, database, _HEADS)
    ]
    return ";".join(query(host, database, " union all ".join(asked))) if asked else ""


def query(host: Host, database: Database, sql: str, *, name: str = "") -> list[str]:
    """The rows of a statement, a line each.

    Raises:
        RunnerError: It failed.
    """
    words = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", name or database.name)
    done = _inside(host, database, words, _QUERY_SECONDS, extra=("-c", sql))
    if done.exit_code != 0:
        raise _broken("Postgres did not answer", "", _shown(done))
    return [line for line in done.stdout.splitlines() if line]


def dump(host: Host, database: Database, target: Path) -> None:
    """Write a dump to a file and read all of it back.

    A dump that dies half way leaves a file that looks like one; only its exit status, and a reader
    that comes to its end, say that it is whole.

    Raises:
        RunnerError: It is not whole; the file is gone.
    """
    words = ("pg_dump", "--format=custom", "--compress=6", "-d", database.name)
    done = _inside(host, database, words, _WORK_SECONDS, tools.Streams(target=target))
    if done.exit_code == 0:
        check = ("pg_restore", "--file=/dev/null")
        done = _inside(host, database, check, _WORK_SECONDS, tools.Streams(source=target))
    if done.exit_code != 0 or not target.stat().st_size:
        target.unlink(missing_ok=True)
        full = "no space left" in done.stderr.lower()
        raise RunnerError(
            Code.BACKUP,
            "the dump of the database is not whole",
            where="postgres",
            remedy="Make room on the host's disk." if full else "Its last words are shown.",
            log=_shown(done),
        )


def load(host: Host, database: Database, source: Path, name: str) -> None:
    """Load a dump into a new database *name*; one of that name from before is dropped first.

    Raises:
        RunnerError: It could not be loaded whole.
    """
    drop(host, database, name)
    query(host, database, f'create database "{name}" template template0', name="postgres")
    words = ("pg_restore", "--exit-on-error", "--no-owner", "-d", name)
    done = _inside(host, database, words, _WORK_SECONDS, tools.Streams(source=source))
    if done.exit_code != 0:
        drop(host, database, name)
        raise _broken("the dump could not be loaded", "Nothing was replaced.", _shown(done))


def drop(host: Host, database: Database, name: str) -> None:
    """Drop a database that may be missing."""
    query(host, database, f'drop database if exists "{name}" with (force)', name="postgres")


def exists(host: Host, database: Database, name: str) -> bool:
    """Whether there is a database of that name."""
    sql = f"select 1 from pg_database where datname = '{name}'"  # noqa: S608 - checked form
    return query(host, database, sql, name="postgres") == ["1"]


def rename(host: Host, database: Database, old: str, new: str) -> None:
    """Give a database another name; whoever is connected to it is sent away.

    Raises:
        RunnerError: It could not be done.
    """
    # One simple query is one transaction: all of it, or nothing.
    sql = (
        f"select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{old}'; "  # noqa: S608 - checked form
        f'alter database "{old}" rename to "{new}"'
    )
    query(host, database, sql, name="postgres")


def kept_names(host: Host, database: Database) -> list[str]:
    """The databases that earlier restores kept aside, the oldest first."""
    like = database.name[:30].replace("_", r"\_")
    sql = f"select datname from pg_database where datname like '{like}\\_before\\_%' order by 1"  # noqa: S608 - checked form
    return query(host, database, sql, name="postgres")


def await_ready(host: Host, database: Database, seconds: float) -> bool:
    """Whether a server that was just started takes connections in time."""
    import time

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        # Over TCP: while the first start prepares the database, only the socket answers.
        words = ("pg_isready", "-q", "-h", "127.0.0.1", "-d", database.name)
        if _inside(host, database, words, 20).exit_code == 0:
            return True
        time.sleep(0.2)
    return False


def answers(host: Host, database: Database) -> bool:
    """Whether a server takes connections over its socket."""
    return _inside(host, database, ("pg_isready", "-q", "-d", database.name), 20).exit_code == 0


def _inside(  # noqa: PLR0913 - what one of its tools is given
    host: Host,
    database: Database,
    words: tuple[str, ...],
    seconds: float,
    streams: tools.Streams = tools.Streams(),  # noqa: B008 - it cannot be changed
    *,
    extra: tuple[str, ...] = (),
) -> Ended:
    """Run one of Postgres's own tools in its container."""
    attached = ["--interactive"] if streams.source else []
    argv = ["docker", "exec", *attached, database.container, words[0], "-U", database.user]
    if words[0] == "pg_restore" and "-d" not in words:
        argv = argv[:-2]
    return tools.run(host.shell, [*argv, *words[1:], *extra], timeout=seconds, streams=streams)


def _shown(done: Ended) -> tuple[str, ...]:
    return tuple(line[:300] for line in done.stderr.splitlines()[-_SHOWN_LINES:])


def _broken(what: str, remedy: str, log: tuple[str, ...] = ()) -> RunnerError:
    return RunnerError(Code.BACKUP, what, where="postgres", remedy=remedy, log=log)
