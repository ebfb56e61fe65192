"""How the Compose rules word a finding, and the shapes of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hostwright.checks.finding import Finding
from hostwright.contract.models import Contract
from hostwright.render.project import Project, Service

if TYPE_CHECKING:
    from hostwright.contract.located import Key

TARGET = "vps"

ServiceRule = Callable[[Contract, Project, Service], Iterator[Finding]]
ProjectRule = Callable[[Contract, Project], Iterator[Finding]]


def of_service(  # noqa: PLR0913 - a finding is what it is
    project: Project,
    service: Service,
    check: str,
    message: str,
    remedy: str,
    *path: Key,
    variable: str = "",
) -> Finding:
    """A finding on *service*, at the line of *path* below it."""
    line = project.line("services", service.role, *path)
    return Finding(
        check, TARGET, project.source.file, line, service.role, variable, message, remedy
    )


def of_project(project: Project, check: str, message: str, remedy: str, *path: Key) -> Finding:
    """A finding on the project, at the line of *path*."""
    line = project.line(*path)
    return Finding(check, TARGET, project.source.file, line, "", "", message, remedy)
