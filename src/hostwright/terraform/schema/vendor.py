"""The committed schemas: those of ``ops/infra/vendor``, trimmed to what the blueprints use."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.terraform.schema.model import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_USE = re.compile(r'^\s*(resource|data)\s+"((\w+?)_\w+)"\s+"', re.MULTILINE)


class Used(NamedTuple):
    """The types of one provider that some files use."""

    resources: frozenset[str]
    data_sources: frozenset[str]


@cache
def load(provider: str) -> Schema:
    """The committed schema of ``aws``, ``azurerm`` or ``google``.

    Raises:
        ToolError: There is none, or it cannot be read.
    """
    return read(paths.INFRA_VENDOR / f"{provider}.json")


def read(file: Path) -> Schema:
    """Read a schema that :func:`write` wrote.

    Raises:
        ToolError: There is none, or it is no schema.
    """
    try:
        return Schema.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(
            "no schema of a provider can be read there",
            where=paths.shown(file),
            remedy="`nox -s schemas` writes it.",
        ) from error


def write(schema: Schema, file: Path) -> None:
    """Write a schema so that a change of one attribute is a change of one line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dumped(schema.to_json()) + "\n", encoding="utf-8")


def dumped(value: Any, margin: str = "") -> str:  # noqa: ANN401 - any JSON
    """JSON with keys sorted and one line to an entry, but for what describes one thing."""
    if not isinstance(value, dict) or not value or _describes_one(value):
        return json.dumps(value, sort_keys=True)
    below = f"{margin} "
    entries = (f"{below}{json.dumps(key)}: {dumped(value[key], below)}" for key in sorted(value))
    return "{\n" + ",\n".join(entries) + f"\n{margin}}}"


def _describes_one(value: dict[str, Any]) -> bool:
    """Whether this is one attribute or kind of block; an attribute may be called ``type``."""
    return isinstance(value.get("type"), str | list) or isinstance(value.get("nesting_mode"), str)


def used(files: Iterable[Path]) -> dict[str, Used]:
    """The types that Terraform files name, by provider."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for file in files:
        for kind, type_, provider in _USE.findall(file.read_text(encoding="utf-8")):
            sets = found.setdefault(provider, (set(), set()))
            sets[kind == "data"].add(type_)
    return {name: Used(*map(frozenset, sets)) for name, sets in sorted(found.items())}


def blueprints() -> list[Path]:
    """The Terraform files of all blueprints."""
    return sorted(paths.INFRA.glob("*/*.tf"))
