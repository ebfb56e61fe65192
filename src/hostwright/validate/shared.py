"""The jobs that all targets share: the contract, what is generated from it, and its example."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostwright.checks import contract_rules
from hostwright.checks.finding import Checked, merged
from hostwright.contract import export
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from hostwright.render.blueprint import Blueprint


def jobs(blueprint: Blueprint) -> list[Job]:
    """The contract's jobs."""
    return [Job("contract", partial(_contract, blueprint))]


def _contract(blueprint: Blueprint) -> Outcome:
    rules = contract_rules.check(blueprint.contract, blueprint.contract_document)
    return Outcome(merged([rules, _exports(blueprint)]))


def _exports(blueprint: Blueprint) -> Checked:
    """The generated files; of targets whose blueprint is not here there are none."""
    made = {blueprint.path(path): text for path, text in export.files(blueprint.contract).items()}
    stale = [
        blueprint.shown(path)
        for path, text in made.items()
        if path.parent.is_dir() and (not path.is_file() or path.read_text(encoding="utf-8") != text)
    ]
    return Checked(len(made), contract_rules.stale(stale).findings)
