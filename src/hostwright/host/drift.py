"""Compare what should be with the facts: shared by all steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hostwright.host.change import Directory, File

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.host.facts import Facts

Item = TypeVar("Item", File, Directory)


def difference(facts: Facts, wanted: File | Directory) -> str:
    """What is not as it should be about a file or directory, in a few words; empty: nothing."""
    there = facts.paths.get(wanted.path)
    if there is None:
        return f"{wanted.path} is missing"
    kind = "file" if isinstance(wanted, File) else "directory"
    if there.kind != kind:
        return f"{wanted.path} is not a {kind}"
    if isinstance(wanted, File) and there.sha256 != wanted.digest:
        return f"{wanted.path} has another content"
    if (there.owner, there.group) != (wanted.owner, wanted.group):
        return f"{wanted.path} belongs to {there.owner}:{there.group}"
    if there.mode != wanted.mode:
        return f"{wanted.path} has mode {there.mode:04o}, not {wanted.mode:04o}"
    return ""


def differing(facts: Facts, wanted: Iterable[Item]) -> tuple[Item, ...]:
    """Those that are not as they should be."""
    return tuple(item for item in wanted if difference(facts, item))


def reasons(facts: Facts, wanted: Iterable[File | Directory]) -> str:
    """All differences in one line; what is missing is named together."""
    items = tuple(wanted)
    missing = [item.path for item in items if item.path not in facts.paths]
    there = [item for item in items if item.path in facts.paths]
    texts = [text for item in there if (text := difference(facts, item))]
    return "; ".join(([f"missing: {', '.join(missing)}"] if missing else []) + texts)


def idle(facts: Facts, units: Iterable[str]) -> tuple[str, ...]:
    """Units that do not run now, or would not after a boot."""
    return tuple(name for name in units if name not in facts.units or not facts.units[name].runs)
