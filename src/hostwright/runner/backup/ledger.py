"""What became of each backup and each drill: one line per event, in files that only grow.

A line that a crash tore, or that somebody edited, is passed over and counted: the repositories are
the truth, these files are what a person is shown and what decides whether a backup is due.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import durable
from ..layout import RELEASE_ID

if TYPE_CHECKING:
    from pathlib import Path

    from ..layout import Layout

_OUTCOMES = ("ok", "failed")


class Lines(NamedTuple):
    """What a file holds: its good lines in order, and how many could not be read."""

    entries: list[dict[str, Any]]
    unreadable: int


def backups(layout: Layout) -> Path:
    """One line per backup: id, time, outcome, sizes, snapshots and what it was made of."""
    return layout.backup / "backups.jsonl"


def drills(layout: Layout) -> Path:
    """One line per drill: time, outcome, which backup, seconds, data age."""
    return layout.backup / "drills.jsonl"


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add a line; where the last one was torn, this one begins on a line of its own."""
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    durable.append(path, f"\n{text}" if _torn(path) else text)


def _torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # there is none, or nothing in it
        return False


def read(path: Path) -> Lines:
    """What a file holds, of each id the last word; one that is missing holds nothing."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Lines([], 0)
    lines = [line for line in text.splitlines() if line.strip()]
    good = [entry for line in lines if (entry := _entry(line)) is not None]
    last = {str(entry["id"]): entry for entry in good}
    return Lines(list(last.values()), len(lines) - len(good))


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict) or value.get("outcome") not in _OUTCOMES:
        return None
    known = RELEASE_ID.fullmatch(str(value.get("id")))
    return value if known and isinstance(value.get("time"), int) else None


def last_good(path: Path) -> dict[str, Any] | None:
    """The last entry that ended well: by its place in the file, as a clock may be set back."""
    good = [entry for entry in read(path).entries if entry["outcome"] == "ok"]
    return good[-1] if good else None


def by_id(layout: Layout, identity: str) -> dict[str, Any] | None:
    """The last word about a backup."""
    found = [entry for entry in read(backups(layout)).entries if entry["id"] == identity]
    return found[-1] if found else None
