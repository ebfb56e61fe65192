"""The linters as jobs: each is started once, on every file of its kind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostwright import toolchain
from hostwright.checks.finding import Checked, Finding
from hostwright.checks.linters import READERS
from hostwright.render.blueprint import OPERATORS
from hostwright.run import run
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.render.blueprint import Blueprint
    from hostwright.toolchain import Tool

FORMATS = {
    "hadolint": ("--no-color", "--format", "json"),
    "shellcheck": ("--format", "json1"),
    "yamllint": ("--format", "parsable"),
}
PATTERNS = {
    "hadolint": ("Dockerfile", "*.Dockerfile"),
    "shellcheck": ("*.sh",),
    "yamllint": ("*.yaml", "*.yml"),
}
#: Directories below the root that hold what is linted.
PLACES = ("ops", ".github", "src")


def jobs(blueprint: Blueprint) -> list[Job]:
    """One job for each linter that has files.

    Raises:
        ToolError: A linter is missing.
    """
    return [
        Job(name, partial(_lint, blueprint, toolchain.find(name), files))
        for name, patterns in PATTERNS.items()
        if (files := _files(blueprint, patterns))
    ]


def _files(blueprint: Blueprint, patterns: tuple[str, ...]) -> list[str]:
    found = {
        path
        for place in PLACES
        for pattern in patterns
        for path in (blueprint.root / place).rglob(pattern)
        if path.is_file() and not _is_operators(blueprint, path)
    }
    return sorted(blueprint.shown(path) for path in found if not _is_template(path))


def _is_operators(blueprint: Blueprint, path: Path) -> bool:
    inside = path.is_relative_to(blueprint.compose)
    return inside and path.relative_to(blueprint.compose).parts[0] in OPERATORS


def _is_template(path: Path) -> bool:
    """Whether it is a chart's template: Helm reads it, and what it renders is YAML."""
    return "templates" in path.parts and path.suffix in {".yaml", ".tpl"}


def _lint(blueprint: Blueprint, tool: Tool, files: list[str]) -> Outcome:
    done = run([*tool.argv, *FORMATS[tool.name], *files], cwd=blueprint.root, check=False)
    try:
        findings = READERS[tool.name](done.stdout)
    except ValueError:
        findings = []
    if done.exit_code and not findings:
        findings = [_failed(tool.name, done.tail, files[0])]
    return Outcome(Checked(len(files), tuple(findings)))


def _failed(name: str, tail: str, file: str) -> Finding:
    what = f"{name} did not do its work: {tail.splitlines()[-1] if tail else 'no output'}"
    remedy = "`invoke doctor` says which one is used."
    return Finding("tool-failed", "vps", file, 0, "", "", what, remedy)
