"""Plant a fault into a copy of a cloud blueprint and validate the copy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hostwright import paths
from hostwright.contract.export import exported
from hostwright.contract.load import load
from hostwright.render.blueprint import Blueprint
from hostwright.validate.clouds import CLOUDS, work

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding
    from hostwright.render.clouds.model import CloudName

Plant = Callable[[Path], None]
CONTRACT = "ops/contract/contract.yaml"


@dataclass(frozen=True)
class Fault:
    """One fault, and how it must be told.

    Args:
        plant: Makes it, in a copy of the repository's ``ops``.
        check: Id of the check that finds it.
        file: Which the finding names, relative to the repository.
        role: Which it names; empty if none.
        variable: Which it names; empty if any will do.
        says: A piece of the message.
        views: The jobs to be done (``hostwright.validate.clouds.work``).
    """

    plant: Plant
    check: str
    file: str
    role: str = ""
    variable: str = ""
    says: str = ""
    views: tuple[str, ...] = ("plan",)


def replaced(file: str, old: str, new: str, *, count: int = 0) -> Plant:
    """Replace a text that the file has; *count* of them, all without it."""

    def plant(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text, f"{file} has no {old!r} any more: plant this fault another way"
        (root / file).write_text(text.replace(old, new, count or -1))

    return plant


def matched(file: str, pattern: str, new: str) -> Plant:
    """Replace what a pattern (multi-line, dot matches all) finds first."""

    def plant(root: Path) -> None:
        text = (root / file).read_text()
        changed, count = re.subn(pattern, new, text, count=1, flags=re.MULTILINE | re.DOTALL)
        assert count, f"{file} has no {pattern!r} any more: plant this fault another way"
        (root / file).write_text(changed)

    return plant


def appended(file: str, text: str) -> Plant:
    """Append blocks to a file."""

    def plant(root: Path) -> None:
        with (root / file).open("a") as to:
            to.write(f"\n{text}\n")

    return plant


def contract(change: Callable[[dict[str, Any]], object]) -> Plant:
    """Change the contract as data, and export it into every blueprint."""

    def plant(root: Path) -> None:
        document = yaml.safe_load((root / CONTRACT).read_text())
        change(document)
        (root / CONTRACT).write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
        changed = load(root / CONTRACT)
        for name in CLOUDS:
            text = json.dumps(exported(changed, name), indent=2)
            (root / "ops/infra" / name / "contract.json").write_text(text + "\n")

    return plant


def both(*plants: Plant) -> Plant:
    """Several changes that are one fault."""

    def plant(root: Path) -> None:
        for each in plants:
            each(root)

    return plant


def findings_of(
    name: CloudName, root: Path, plant: Plant, views: tuple[str, ...] = ("plan",)
) -> list[Finding]:
    """Copy what a cloud's validation reads to *root*, plant, and validate."""
    for part in ("infra", "contract"):
        shutil.copytree(paths.OPS / part, root / "ops" / part)
    plant(root)
    every = work(name, Blueprint(root))
    outcomes = [every[view].work() for view in views]
    return sorted({item for outcome in outcomes for item in outcome.checked.findings})


def assert_found(name: CloudName, root: Path, fault: Fault) -> None:
    """Assert that a planted fault is found, by the right check, and told usefully."""
    found = findings_of(name, root, fault.plant, fault.views)
    told = "\n".join(map(str, found)) or "nothing was found"
    mine = [item for item in found if item.check == fault.check]
    assert mine, told
    fitting = [
        item
        for item in mine
        if item.file == fault.file
        and item.role == fault.role
        and (not fault.variable or item.variable == fault.variable)
        and fault.says in item.message
    ]
    assert fitting, told
    assert all(item.remedy for item in fitting)
