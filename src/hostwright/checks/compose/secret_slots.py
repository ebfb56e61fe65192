"""Secrets stay in files: none in an environment, in the blueprint's text, or with a stranger."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from hostwright.checks import credentials
from hostwright.checks.compose.told import (
    TARGET,
    ProjectRule,
    ServiceRule,
    of_project,
    of_service,
)
from hostwright.checks.finding import Finding
from hostwright.contract.models import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.contract.located import Located
    from hostwright.contract.models import Contract
    from hostwright.render.project import Project, Service

#: The directory of the blueprint that holds file secrets.
SECRETS = "secrets"

_INTERPOLATION = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)(:?[-?+])?([^{}]*)")


class Interpolation(NamedTuple):
    """One ``${NAME…}`` of the blueprint's text: how it goes on, and its line."""

    name: str
    operator: str
    rest: str
    line: int


def interpolations(text: str) -> list[Interpolation]:
    """Every interpolation in *text*, comments left out."""
    return [
        Interpolation(match[1], match[2] or "", match[3], number)
        for number, line in enumerate(text.splitlines(), 1)
        if not line.lstrip().startswith("#")
        for match in _INTERPOLATION.finditer(line)
    ]


def literals(contract: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """No secret stands in the environment of a service."""
    for name, value in service.environment.items():
        declared = contract.variables.get(name)
        if declared and service.role in declared.roles:
            continue  # parity knows it, and says where it should come from
        if credentials.in_variable(name, value):
            yield of_service(
                project,
                service,
                "secret-literal",
                "holds a secret in readable configuration",
                "Use a file secret (secrets:) and a …_FILE variable.",
                "environment",
                name,
                variable=name,
            )


def arguments(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """No password in a command line: every user of the host can read those."""
    check = service.data.get("healthcheck") or {}
    lines = {
        "command": service.words("command"),
        "entrypoint": service.words("entrypoint"),
        "healthcheck": [str(word) for word in check.get("test") or []],
    }
    for key, words in lines.items():
        if credentials.in_words(words):
            yield of_service(
                project,
                service,
                "secret-argument",
                f"its {key} holds a password, which every process list shows",
                "Let it read a file secret.",
                key,
            )


def held(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Roles get no file secret of the target, and a store only its own."""
    for index, item in enumerate(service.data.get("secrets") or []):
        key = str(item.get("source"))
        if service.role in ROLES or not key.startswith(service.role):
            yield of_service(
                project,
                service,
                "secret-shared",
                f"can read the secret {key}, which is not its own",
                "Take it out of the service's secrets.",
                "secrets",
                index,
            )


def files(contract: Contract, project: Project) -> Iterator[Finding]:
    """Every secret is a file below ``secrets/``, and each of the target's own is there."""
    for key, item in project.secrets.items():
        path = PurePosixPath(str(item.get("file") or ""))
        if path.parent.name != SECRETS or not path.is_relative_to(str(project.root)):
            yield of_project(
                project,
                "secret-not-a-file",
                f"the secret {key} is not a file below {SECRETS}/",
                f"Set file: ./{SECRETS}/{key}.",
                "secrets",
                key,
            )
    missing = [
        name for name in contract.targets["vps"].secrets if name.lower() not in project.secrets
    ]
    for name in missing if project.kind == "whole" else ():
        yield Finding(
            "target-secret-missing",
            "vps",
            project.source.file,
            project.line("secrets"),
            "",
            name,
            "is a secret that the contract gives this target, and nothing here takes it",
            f"Declare secrets: {{{name.lower()}: {{file: ./{SECRETS}/{name.lower()}}}}}.",
        )


def env_files(contract: Contract, project: Project) -> Iterator[Finding]:
    """Each role reads the env file of its own, and nobody reads another's."""
    services = (project.source.data or {}).get("services") or {}
    for service in project.services:
        given = services.get(service.role, {}).get("env_file") or []
        paths = [_path(item) for item in ([given] if isinstance(given, str) else given)]
        own = [f"./env/{service.role}.env"] if service.role in contract.roles else []
        for path in paths:
            if path not in own:
                yield of_service(
                    project,
                    service,
                    "env-file-shared",
                    f"reads {path}, which is not its own env file",
                    f"Read {own[0]} alone." if own else "Remove env_file.",
                    "env_file",
                )


def _path(item: object) -> str:
    return str(item.get("path")) if isinstance(item, dict) else str(item)


def defaults(source: Located, found: Iterable[Interpolation]) -> Iterator[Finding]:
    """No secret is interpolated, with or without a default, and nothing refuses to render.

    Args:
        source: The blueprint's file.
        found: Its interpolations: what the engine rendered no longer shows them.
    """
    for name, operator, rest, line in found:
        fault = _fault(name, operator, rest)
        if fault:
            check, what, remedy = fault
            role = service_at(source, line)
            yield Finding(check, TARGET, source.file, line, role, name, what, remedy)


def _fault(name: str, operator: str, rest: str) -> tuple[str, str, str] | None:
    remedy = "Use a file secret (secrets:), and let the entrypoint refuse a blank one."
    if credentials.SECRET_NAME.search(name) and operator in {"-", ":-"} and rest:
        return "default-password", "is a secret with a default that everybody knows", remedy
    if credentials.SECRET_NAME.search(name):
        what = "is a secret and is interpolated into readable configuration"
        return "secret-interpolated", what, remedy
    if operator in {"?", ":?"}:
        what = "must be set before anything can be rendered"
        return "interpolation-required", what, "Give it a default, or let the entrypoint refuse."
    return None


def service_at(source: Located, line: int) -> str:
    """The service that *line* of the Compose file belongs to; empty if it is none's."""
    starts = {path: number for path, number in source.lines.items() if len(path) in {1, 2}}
    before = [(number, path) for path, number in starts.items() if number <= line]
    _, path = max(before, default=(0, ()))
    return str(path[1]) if len(path) == 2 and path[0] == "services" else ""  # noqa: PLR2004


SERVICE_RULES: tuple[ServiceRule, ...] = (literals, arguments, held)
PROJECT_RULES: tuple[ProjectRule, ...] = (files, env_files)
