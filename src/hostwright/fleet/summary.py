"""How the hosts of a command ended: a table, a list for machines, one exit code. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.fleet.run import Ended

_SHOWN = 100


def exit_code(ended: Sequence[Ended]) -> int:
    """That of the worst: the highest, since a fault that touched a host has a higher one."""
    return max((one.code for one in ended), default=0)


def document(ended: Sequence[Ended]) -> list[dict[str, Any]]:
    """What ``--json`` prints: for each host its result as the command for it alone prints it."""
    return [_entry(one) for one in ended]


def _entry(one: Ended) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "host": one.host,
        "exit_code": one.code,
        "seconds": round(one.seconds, 3),
    }
    if one.said.strip():
        entry["result"] = _result(one.said)
    if one.error is not None:
        entry["error"] = {
            "what": one.error.what,
            "where": one.error.where,
            "remedy": one.error.remedy,
        }
    return entry


def _result(said: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(said)
    except json.JSONDecodeError:  # a command that has only lines for people
        return said.splitlines()


def lines(ended: Sequence[Ended]) -> list[str]:
    """What people read: what each host printed but its last line, then a table of those."""
    shown: list[str] = []
    for one in ended:
        said = one.said.splitlines()
        before = said if one.error else said[:-1]
        if before:
            shown += [f"{one.host}:", *(f"  {line}" for line in before)]
    return [*shown, *table(ended), last(ended)]


def table(ended: Sequence[Ended]) -> list[str]:
    """A line a host: name, how it ended, seconds, and in what words."""
    rows = [("host", "outcome", "seconds", "")]
    rows += [(one.host, _outcome(one), f"{one.seconds:.1f}", _words(one)) for one in ended]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    return [
        f"{host:<{widths[0]}}  {outcome:<{widths[1]}}  {seconds:>{widths[2]}}  {words}".rstrip()
        for host, outcome, seconds, words in rows
    ]


def _outcome(one: Ended) -> str:
    return "done" if one.code == 0 else f"exit code {one.code}"


def _words(one: Ended) -> str:
    said = one.said.strip().splitlines()
    text = one.error.what if one.error else (said[-1] if said else "")
    # A fault of ours ends with what happened; every other text says it first.
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= _SHOWN else f"{first[: _SHOWN - 1]}…"


def last(ended: Sequence[Ended]) -> str:
    """One line for all of them."""
    failed = [one.host for one in ended if one.code]
    if not failed:
        return f"{len(ended)} of {len(ended)} hosts: done"
    return f"{len(ended) - len(failed)} of {len(ended)} hosts: done; not {', '.join(failed)}"


def errors(ended: Sequence[Ended]) -> list[str]:
    """Every failure in full, with its host."""
    return [f"{one.host}: {one.error}" for one in ended if one.error is not None]
