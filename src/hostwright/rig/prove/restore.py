"""Back a database of some size up, drill it, restore it, make a new server of it; compare rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostwright.rig.prove.rows import Restored

if TYPE_CHECKING:
    from hostwright.rig.prove.cases import Size
    from hostwright.rig.prove.stage import Stage

#: Bytes of text in a row of the ballast: sums that no two rows have in common.
_SUMS, _SUM_BYTES = 30, 32
#: A row is larger than its text.
_ROW_BYTES = _SUMS * _SUM_BYTES + 40
_FILL_SECONDS = 1800.0
_TABLE = "create table if not exists ballast (id bigint primary key, text text not null)"
_FILL = (
    "insert into ballast select i, (select string_agg(md5(i || '-' || j), '') "
    "from generate_series(1, {sums}) j) from generate_series({first}, {last}) i"
)


def attempt(stage: Stage, case: Size) -> Restored:
    """Take one row of the restore table.

    Raises:
        ToolError: A command failed.
    """
    began = time.monotonic()
    grow(stage, case.mb)
    stage.scene.do_job()
    before, database = stage.checksum(), size(stage)
    made = stage.asked("vps.backup")
    drilled = stage.asked("vps.drill")
    stage.sql("delete from ballast where id % 2 = 0; delete from items", timeout=_FILL_SECONDS)
    restored = stage.asked("vps.restore", "--yes")
    age = time.time() - float(restored["data_time"])
    equal = {"restore": stage.checksum() == before}
    recover = None
    if case.recover:
        recover, age = _recovered(stage)
        equal["recover"] = stage.checksum() == before and stage.answers()
    return Restored(
        case=case,
        database=database,
        rows=rows(before),
        backup=float(made["seconds"]),
        stored=int(made["stored"]["away"]["added"]),
        drill=float(drilled["seconds"]),
        restore=float(restored["seconds"]),
        recover=recover,
        age=age,
        equal=equal,
        seconds=time.monotonic() - began,
    )


def rows(checksum: str) -> int:
    """How many rows a checksum is of."""
    return sum(int(line.split("|")[1]) for line in checksum.splitlines())


def _recovered(stage: Stage) -> tuple[float, float]:
    """The server is lost; a bare one becomes it: seconds that took, and the age of its data."""
    scene = stage.scene
    scene.server.power_off()
    scene.server = scene.rig.server()
    scene.write_hosts()
    scene.trust()
    began = time.monotonic()
    told = stage.asked("vps.recover")
    return time.monotonic() - began, time.time() - float(told["data_time"])


def size(stage: Stage) -> int:
    """Bytes of the database, as Postgres says."""
    return int(stage.sql("select pg_database_size(current_database())"))


def grow(stage: Stage, mb: int) -> None:
    """Add rows until the database is that large; what is there is counted in."""
    stage.sql(_TABLE)
    wanted = mb * 1_000_000
    while (there := size(stage)) < wanted:
        first = int(stage.sql("select coalesce(max(id), 0) + 1 from ballast"))
        more = max(100, (wanted - there) // _ROW_BYTES)
        text = _FILL.format(sums=_SUMS, first=first, last=first + more - 1)
        stage.sql(text, timeout=_FILL_SECONDS)
