"""Plant a fault into a copy of a cloud blueprint and validate the copy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hostwright import paths
from hostwright.checks.ids import is_known
from hostwright.contract.export import exported
from hostwright.contract.load import load
from hostwright.render.blueprint import Blueprint
from hostwright.render.clouds.model import CLOUDS
from hostwright.validate.clouds import work

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


def says(finding: Finding, fault: Fault) -> bool:
    """Whether a finding is that fault, told as it must be."""
    return (
        finding.check == fault.check
        and finding.file == fault.file
        and finding.role == fault.role
        and fault.variable in {"", finding.variable}
        and fault.says in finding.message
    )


class Batches:
    """Faults that are planted together, a copy and a validation for each batch."""

    def __init__(
        self, name: CloudName, faults: Mapping[str, list[Fault]], root: Callable[[str], Path]
    ) -> None:
        self._name, self._faults, self._root = name, faults, root
        self._found: dict[str, list[Finding]] = {}

    def found(self, batch: str) -> list[Finding]:
        """What is found where this batch was planted; validated once."""
        if batch not in self._found:
            faults = self._faults[batch]
            views = tuple(dict.fromkeys(view for fault in faults for view in fault.views))
            plant = both(*(fault.plant for fault in faults))
            self._found[batch] = findings_of(self._name, self._root(batch), plant, views)
        return self._found[batch]


def assert_told(there: list[Finding], fault: Fault, directory: str) -> None:
    """Assert that a fault is among the findings, told usefully."""
    told = [item for item in there if says(item, fault)]
    shown = "\n".join(map(str, there)) or "nothing"
    assert told, f"expected {fault.check} in {fault.file}, found:\n{shown}"
    finding = told[0]
    missing = fault.check in {"input-missing", "output-missing"}  # what is not there has no line
    assert finding.line or missing or fault.file == directory, str(finding)
    assert finding.remedy.endswith("."), str(finding)
    assert not finding.message.endswith("."), str(finding)
    assert is_known(finding.check), str(finding)
