"""The chain of migrations, read without alembic: ``status`` runs at every deploy."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where env.py lies, and the directories of revisions.
SCRIPTS = Path(__file__).parent / "migrations"


class Revision(NamedTuple):
    """One migration file's own words about itself."""

    id: str
    previous: str | None
    irreversible: bool


def directories(extra: int) -> list[Path]:
    """Where this image's revisions lie: the standing ones, and so many extra ones."""
    return [SCRIPTS / "versions", *(SCRIPTS / f"extra{number}" for number in range(1, extra + 1))]


def chain(extra: int) -> list[Revision]:
    """The image's revisions, oldest first.

    Raises:
        ValueError: They are not one chain.
    """
    files = [file for where in directories(extra) for file in sorted(where.glob("m*.py"))]
    after = {revision.previous: revision for revision in map(read, files)}
    found: list[Revision] = []
    while following := after.pop(found[-1].id if found else None, None):
        found.append(following)
    if after or len(found) != len(files):
        raise ValueError("the migrations are not one chain")
    return found


def read(file: Path) -> Revision:
    """The revision of one file, by its top-level assignments."""
    words: dict[str, Any] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(value)):
                words[name] = value
    return Revision(words["revision"], words["down_revision"], bool(words.get("irreversible")))


def status(revisions: Sequence[Revision], current: str | None) -> dict[str, Any]:
    """Where a database stands at revision *current*, None for one that was never migrated.

    Returns:
        ``current`` and ``head`` (revision ids), ``pending`` (ids that `up` would apply, in order),
        ``irreversible`` (those of them that no older image can live with), and ``ahead``: the
        database is at a revision that this image does not know, so a newer image migrated it.
    """
    ids = [revision.id for revision in revisions]
    ahead = current is not None and current not in ids
    pending = [] if ahead else revisions[ids.index(current) + 1 if current else 0 :]
    return {
        "current": current,
        "head": ids[-1] if ids else None,
        "pending": [revision.id for revision in pending],
        "irreversible": [revision.id for revision in pending if revision.irreversible],
        "ahead": ahead,
    }
