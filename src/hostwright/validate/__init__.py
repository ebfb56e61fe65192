"""Prove blueprints against the contract: render, check, report.

:func:`run` is what `invoke validate`, `nox -s validate` and `python -m hostwright validate` call.
Each target brings its jobs from a module of its own (:data:`TARGETS`); all jobs of all targets run
side by side, one ledger judges what they find and one report tells it.
"""

from __future__ import annotations

import shutil
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hostwright import paths
from hostwright.errors import ContractError, FindingsError, UserError
from hostwright.validate import unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.checks.finding import Finding
    from hostwright.render.blueprint import Blueprint
    from hostwright.report import Part, Report
    from hostwright.validate.job import Done, Job, Watch
    from hostwright.validate.unchanged import Told

#: Targets that can be validated, each with the module whose ``jobs(blueprint)`` do it.
TARGETS = {
    name: f"hostwright.validate.{name}" for name in ("aws", "azure", "gcp", "kubernetes", "vps")
}
#: What all targets share comes first, under this name.
SHARED = "contract"


def run(  # noqa: PLR0913 - where a report goes to
    targets: Sequence[str] = (),
    json_path: str | Path = "",
    github: bool = False,  # noqa: FBT001, FBT002 - the command's flag
    say: Callable[[str], None] = print,
    *,
    sarif_path: str | Path = "",
    root: Path = paths.ROOT,
) -> int:
    """Validate, and say what was found.

    Args:
        targets: Which ones; all that exist without any.
        json_path: Also write the report there, as JSON.
        github: Also say the findings as GitHub annotations.
        say: Takes the text for people.
        sarif_path: Also write the report there, as SARIF.
        root: The repository, or a copy of one.

    Returns:
        0, FindingsError's exit code, or ContractError's where the contract is broken.

    Raises:
        UserError: There is no such target.
        ToolError: A tool is missing.
    """
    chosen = _chosen(targets)
    key = unchanged.key(root, chosen, _screen())
    known = unchanged.recall(key)
    if known:
        say(f"Nothing has changed since {known.at}; this is what was found then.")
        say(known.text)
        _write(known, json_path, sarif_path)
        return 0

    from hostwright.render.blueprint import Blueprint

    begun = time.monotonic()
    try:
        report = examine(Blueprint(root), chosen, _watch())
        code = FindingsError.exit_code if report.findings else 0
    except ContractError as error:
        report = _broken(error, time.monotonic() - begun)
        code = error.exit_code
    told = _told(report, code)
    _tell(report, told, say, github=github)
    _write(told, json_path, sarif_path)
    if code == 0:
        unchanged.remember(key, told)
    return code


def _chosen(targets: Sequence[str]) -> list[str]:
    for name in targets:
        if name not in TARGETS:
            known = f"Known: {', '.join(TARGETS)}."
            raise UserError(f"there is no blueprint of the target {name}", remedy=known)
    return list(dict.fromkeys(targets)) or list(TARGETS)


class _Piece(NamedTuple):
    """A job, and the part of the report that it belongs to."""

    part: str
    job: Job


def examine(blueprint: Blueprint, targets: Sequence[str], watch: Watch) -> Report:
    """Validate without saying anything.

    Raises:
        ContractError: The contract is broken: nothing can be checked against it.
        ToolError: A tool is missing.
    """
    from hostwright.report import Report
    from hostwright.validate import job, ledger, shared

    begun = time.monotonic()
    contract = blueprint.contract
    pieces = [_Piece(SHARED, item) for item in shared.jobs(blueprint)]
    for name in targets:
        module = import_module(TARGETS[name])
        pieces += [_Piece(name, item) for item in module.jobs(blueprint, targets)]
    done = job.run([piece.job for piece in pieces], watch)
    parts = [
        part_of(
            name, [item for piece, item in zip(pieces, done, strict=True) if piece.part == name]
        )
        for name in (SHARED, *targets)
    ]
    return Report(tuple(ledger.judged(blueprint, parts)), time.monotonic() - begun, contract)


def part_of(name: str, done: Sequence[Done]) -> Part:
    """The outcomes of a part's jobs as one, before the ledger is asked."""
    from hostwright.checks.finding import of_views
    from hostwright.report import Part

    checked = of_views((item.job.view, item.outcome.checked) for item in done)
    rendered = next((item.outcome.rendered for item in done if item.outcome.rendered), None)
    return Part(
        name,
        checked.count,
        checked.findings,
        seconds=sum(item.seconds for item in done),
        rendered=rendered,
        proofs=tuple(dict.fromkeys(proof for item in done for proof in item.outcome.proofs)),
        not_run=tuple(dict.fromkeys(told for item in done for told in item.outcome.not_run)),
    )


def _broken(error: ContractError, seconds: float) -> Report:
    from hostwright.checks.contract_rules import broken
    from hostwright.report import Part, Report

    file = str(paths.CONTRACT.relative_to(paths.ROOT))
    findings: list[Finding] = broken(error, file)
    return Report((Part(SHARED, 1, tuple(findings)),), seconds)


def _screen() -> str:
    """How the text is laid out: for a terminal of so many columns, or for a pipe."""
    return str(shutil.get_terminal_size().columns) if sys.stdout.isatty() else "pipe"


def _told(report: Report, code: int) -> Told:
    """The report in every form."""
    from hostwright.report import document, sarif, terminal

    screen = _screen()
    text = terminal.plain(report) if screen == "pipe" else terminal.drawn(report, int(screen))
    if code == ContractError.exit_code:
        text += "\nNothing else was checked: everything is checked against the contract."
    at = time.strftime("%H:%M")
    return unchanged.Told(text, document.text(report, code), sarif.text(report), at)


def _tell(report: Report, told: Told, say: Callable[[str], None], *, github: bool) -> None:
    from hostwright.report.github import commands

    if github:
        for line in commands(report.findings):
            say(line)
    say(told.text)


def _write(told: Told, json_path: str | Path, sarif_path: str | Path) -> None:
    if json_path:
        _save(Path(json_path), told.document)
    if sarif_path:
        _save(Path(sarif_path), told.sarif)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _watch() -> Watch:
    from hostwright.validate.progress import watch

    return watch()
