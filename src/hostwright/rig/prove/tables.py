"""What people read: a page for each group of rows, and the same rows as JSON beside it."""

from __future__ import annotations

import json
import statistics
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from hostwright.rig.prove import rows
from hostwright.rig.prove.cases import FAULTS
from hostwright.rig.prove.rows import Killed, Loaded, Restored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hostwright.rig.prove.rows import Row

HEADS = {
    "load": """\
# What visitors notice

Each run is a stream of requests at a server of the rig: reads and writes, over kept and fresh
connections, a tenth of them of two seconds, and a WebSocket that has to survive. Pause is the
longest time without a good answer to a quick request. Made by `nox -s prove_vps`; do not edit.
""",
    "kill": """\
# What a release survives

Each row is a command that something happens to under load, and then the next command. *In* a phase
is in the middle of its work, before the journal says that it is done; *after* it is when it has
been told as done. No row needs more than typing the next command, but room on a full disk. Made by
`nox -s prove_vps`; do not edit.
""",
    "power": """\
# What a release survives of a power loss

Each row is a command under a light load on a virtual machine (qemu without hardware's help, so
times are not of interest here). In the middle of a phase, before the journal says that it is done,
the processes of the machine and of its disk are killed; the same disk is booted again, and the
next command is typed. Two things are lost that killing a server's processes leaves: the page cache
of its kernel, and whatever its disk was given since it was last asked to flush. No row needs more
than typing the next command. Made by `nox -s prove_vps -- power`; do not edit.
""",
    "restore": """\
# What comes back

Each row is a database of some size that is backed up to an object store, drilled, damaged and
restored into place; then its server is lost, and one command makes a bare server the one that was
lost. Equal means that the rows of every table and two sums over all of them are as before. Made by
`nox -s prove_vps`; do not edit.
""",
}
NONE: Mapping[str, Sequence[str]] = MappingProxyType({})
#: How many reasons of failed requests are named.
_REASONS = 3
#: What the rig cannot show.
LIMITS = {
    "load": "",
    "kill": (
        "Killing the server ends every process in it at once; this machine's page cache survives. "
        "A power loss, which takes it as well, is tried on a virtual machine: power.md. The "
        "jumping clock is the runner's own: the server shares this machine's. A full disk was made "
        "room on by hand.\n"
    ),
    "power": (
        "The disk loses all that was not flushed, and nothing that was: one that keeps a part of "
        "it, in another order, or lies about a flush is not shown. A reply is lost where it was on "
        "its way; only writes that were answered count as data.\n"
    ),
    "restore": "",
}


def write(  # noqa: PLR0913 - a page is of all of these
    place: Path,
    group: str,
    done: Sequence[Row],
    whole: int,
    about: Mapping[str, str],
    *,
    missed: Mapping[str, Sequence[str]] = NONE,
) -> None:
    """Write the page of a group and its JSON.

    Args:
        place: The directory.
        group: ``load``, ``kill``, ``power`` or ``restore``.
        done: Its rows so far.
        whole: How many there will be.
        about: Versions and the date, by name.
        missed: Why rows were taken more than once, or could not be taken, by their names.
    """
    place.mkdir(parents=True, exist_ok=True)
    document = {
        "about": about,
        "whole": whole,
        "missed": {name: list(why) for name, why in missed.items()},
        "rows": [rows.plain(row) for row in done],
    }
    _put(place / f"{group}.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    _put(place / f"{group}.md", page(group, done, whole, about, missed))


def _put(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def page(
    group: str,
    done: Sequence[Row],
    whole: int,
    about: Mapping[str, str],
    missed: Mapping[str, Sequence[str]] = NONE,
) -> str:
    """The page."""
    bad = [row for row in done if row.broken()]
    count = f"{len(done)} of {whole} rows are taken; {len(bad)} of them break what is promised."
    faults = "".join(f"- `{row.case.id}`: {'; '.join([*row.broken(), *why(row)])}\n" for row in bad)
    versions = "; ".join(f"{name} {value}" for name, value in about.items())
    head = (HEADS[group], f"{count}\n", faults, *takes(done, missed))
    parts = (*head, table(group, done), LIMITS[group], f"{versions}\n")
    return "\n".join(part for part in parts if part)


def takes(done: Sequence[Row], missed: Mapping[str, Sequence[str]]) -> list[str]:
    """Which rows are not what their first try gave, and which could not be taken at all."""
    taken = {row.case.id for row in done}
    kinds = (
        ("Taken more than once", [name for name in missed if name in taken]),
        ("Could not be taken yet", [name for name in missed if name not in taken]),
    )
    return [
        f"{words}:\n\n{''.join(_missed(name, missed[name]) for name in sorted(names))}"
        for words, names in kinds
        if names
    ]


def _missed(name: str, why: Sequence[str]) -> str:
    return f"- `{name}`: {'; '.join(_cell(reason) for reason in why)}\n"


def why(row: Row) -> list[str]:
    """The reasons of failed requests that came most often."""
    known = row.failures if isinstance(row, Killed | Loaded) else {}
    most = sorted(known.items(), key=lambda item: -item[1])[:_REASONS]
    return [f"{count} x {reason}" for reason, count in most]


def table(group: str, done: Sequence[Row]) -> str:
    """The rows of a group as a table."""
    if group == "load":
        return load([row for row in done if isinstance(row, Loaded)])
    if group in {"kill", "power"}:
        return kill([row for row in done if isinstance(row, Killed)])
    return restore([row for row in done if isinstance(row, Restored)])


# -- load ------------------------------------------------------------------------------------------


def load(done: Sequence[Loaded]) -> str:
    """The parts of each thing that was done as one row, and the figures."""
    lines = [
        [what, *_load_cells(list(parts))]
        for what, parts in groupby(done, lambda row: row.case.what)
    ]
    head = [
        *("done", "runs", "requests", "sent per second", "failed", "WebSockets lost", "p99"),
        "longest pause",
    ]
    total = [
        "all",
        str(sum(row.case.runs for row in done)),
        f"{sum(row.sent for row in done):,}",
        "",
        f"{sum(row.failed for row in done):,}",
        *("", "", ""),
    ]
    return _table(head, [*lines, total]) + _figures(done)


def _load_cells(parts: list[Loaded]) -> list[str]:
    return [
        str(sum(part.case.runs for part in parts)),
        f"{sum(part.sent for part in parts):,}",
        f"{min(part.rate for part in parts):.0f}",
        f"{sum(part.failed for part in parts):,}",
        str(sum(part.sockets for part in parts)),
        _ms(max(part.p99 for part in parts)),
        _ms(max(part.pause for part in parts)),
    ]


def _figures(done: Sequence[Loaded]) -> str:
    lines = []
    switch = [value for row in done for value in row.switch]
    if switch:
        lines.append(
            ["the switch: one rename", f"{_spread(switch, 1)} ms", "under 50 ms", str(len(switch))]
        )
    targets = {"warm rollback": "under 0.5 s", "cold rollback": "under 2.5 s", "deploy": ""}
    for what, target in targets.items():
        serving = [value for row in done if row.case.what == what for value in row.serving]
        if serving:
            name = f"{what}, connected to serving"
            lines.append([name, f"{_spread(serving, 2)} s", target, str(len(serving))])
    head = ["figure, under this load", "median (least to most)", "target", "runs"]
    return f"\n{_table(head, lines)}" if lines else ""


def _spread(values: Sequence[float], digits: int) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


# -- kill ------------------------------------------------------------------------------------------


def kill(done: Sequence[Killed]) -> str:
    """A row a case, as it was tried."""
    head = [
        *("operation", "what happened", "when", "served during", "served before the next command"),
        *("the next command found", "served after", "requests", "failed", "longest pause"),
        *("data lost", "by hand"),
    ]
    return _table(head, [_kill_cells(row) for row in done])


def _kill_cells(row: Killed) -> list[str]:
    lost = "none" if not row.lost else str(row.lost)
    hand = (*row.manual, *(["room was made"] if row.case.fault == "full" else []))
    goals = {"deploy": f"version {row.after}", "rollback": "the earlier release"}
    after = goals.get(row.case.op, "the same release")
    return [
        row.case.op,
        FAULTS[row.case.fault],
        row.case.at,
        ", ".join(f"version {version}" for version in row.during) or "nothing",
        row.between or "nothing",
        row.found or "nothing to do",
        after if row.after == row.wanted else row.after,
        str(row.sent),
        str(row.failed),
        _ms(row.pause),
        f"{lost} ({row.data})" if row.data else lost,
        ", ".join(hand) or "nothing",
    ]


# -- restore ---------------------------------------------------------------------------------------


def restore(done: Sequence[Restored]) -> str:
    """A row a size."""
    head = [
        *("database", "rows", "backup", "stored", "drill", "restore", "new server", "data age"),
        "equal, row for row",
    ]
    return _table(head, [_restore_cells(row) for row in done])


def _restore_cells(row: Restored) -> list[str]:
    return [
        f"{row.database / 1e6:,.0f} MB",
        f"{row.rows:,}",
        f"{row.backup:.1f} s",
        f"{row.stored / 1e6:,.1f} MB",
        f"{row.drill:.1f} s",
        f"{row.restore:.1f} s",
        "not tried" if row.recover is None else f"{row.recover:.0f} s",
        f"{row.age:.0f} s",
        ", ".join(f"{name}: {'yes' if same else 'no'}" for name, same in row.equal.items()),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    ruled = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in ruled)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
