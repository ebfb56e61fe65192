"""What became different between two schemas of one provider. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostwright.terraform.schema.model import Attribute, Nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.terraform.schema.model import Block, Schema


def difference(before: Schema, after: Schema) -> list[str]:
    """One line for each type, attribute or block that was added, removed or changed.

    ``+ google_sql_user.password_wo: string, optional, write_only``.
    """
    found: list[str] = []
    if before.version != after.version:
        found.append(f"~ {after.address} {before.version} -> {after.version}")
    found += _blocks({"provider": before.provider}, {"provider": after.provider})
    found += _blocks(before.resources, after.resources)
    data = [
        {f"data.{name}": block for name, block in each.data_sources.items()}
        for each in (before, after)
    ]
    return found + list(_blocks(*data))


def _blocks(before: Mapping[str, Block], after: Mapping[str, Block]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"- {name}"
        elif name not in before:
            yield f"+ {name}"
        else:
            yield from _block(name, before[name], after[name])


def _block(name: str, before: Block, after: Block) -> Iterator[str]:
    old, new = ({path: _words(it) for path, it in block.walk()} for block in (before, after))
    for path in sorted({*old, *new}):
        if path not in new:
            yield f"- {name}.{path}"
        elif path not in old:
            yield f"+ {name}.{path}: {new[path]}"
        elif old[path] != new[path]:
            yield f"~ {name}.{path}: {old[path]} -> {new[path]}"


def _words(it: Attribute | Nested) -> str:
    if isinstance(it, Nested):
        limits = {"at least": it.min_items, "at most": it.max_items}
        counts = [f"{word} {limit}" for word, limit in limits.items() if limit]
        return ", ".join((f"{it.nesting} block", *counts))
    flags = [
        flag for flag in ("required", "optional", "computed", "write_only") if getattr(it, flag)
    ]
    of = it.type.to_json()
    return ", ".join((of if isinstance(of, str) else json.dumps(of), *flags))
