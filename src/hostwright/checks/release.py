"""A built release against the contract: who gets what under every choice, and where secrets lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.finding import Finding
from hostwright.contract.rules import roles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.contract.located import Located
    from hostwright.contract.models import Contract, RoleName
    from hostwright.contract.values import Problem
    from hostwright.release.bundle import File

#: Permission bits of every file that may hold a secret.
PRIVATE = 0o600
GUARDED = ("env/", "secrets/")

_NAME = re.compile(r'^([A-Za-z_]\w*)="', re.MULTILINE)

Names = frozenset[str]


def delivered(
    contract_lines: Located,
    choice: str,
    expected: Mapping[RoleName, tuple[Names, Names]],
    got: Mapping[RoleName, Names],
) -> Iterator[Finding]:
    """Every role gets what the contract requires under *choice*, and nothing that it does not know.

    Args:
        contract_lines: The contract's document, for lines.
        choice: The inputs that were set, in words.
        expected: Role to the names it must get, and those it may get besides.
        got: Role to the names it gets.
    """
    for role, (required, optional) in expected.items():
        names = got.get(role, frozenset())
        for name in sorted(required - names):
            yield _of_variable(
                contract_lines,
                "release-missing",
                role,
                name,
                f"is required, and a release does not deliver it (with {choice})",
                "Compose it in release/composed.py, or correct its source.",
            )
        for name in sorted(names - required - optional):
            yield _of_variable(
                contract_lines,
                "release-extra",
                role,
                name,
                f"is delivered, and the contract does not give it to the role (with {choice})",
                "Remove it, or correct its roles and conditions.",
            )


def problems(contract_lines: Located, choice: str, found: list[Problem]) -> Iterator[Finding]:
    """What a release refuses though every value was given."""
    for problem in found:
        yield _of_variable(
            contract_lines,
            "release-refused",
            "",
            problem.name,
            f"{problem.what} (with {choice})",
            problem.remedy,
        )


def leaks(
    contract: Contract, file: str, files: Mapping[str, File], secrets: Mapping[str, str]
) -> Iterator[Finding]:
    """No secret's value stands outside the files made for it.

    Args:
        contract: Says which roles get secrets at all.
        file: The blueprint's file as findings name it.
        files: The release's files by path.
        secrets: Secret to its value, recognisable wherever it turns up.
    """
    entitled = {
        role
        for variable in contract.variables.values()
        if variable.secret
        for role in roles_of(contract, variable)
    }
    guarded = {f"env/{role}.env" for role in entitled}
    for path, content in files.items():
        if path in guarded or path.startswith("secrets/"):
            continue
        role = path.removeprefix("env/").removesuffix(".env") if path.startswith("env/") else ""
        for name, value in secrets.items():
            if value.encode() in content.content:
                yield Finding(
                    "secret-leak",
                    "vps",
                    file,
                    1,
                    role,
                    name,
                    f"is a secret, and its value stands in the release's {path}",
                    "Let it travel in an env file of a role that has secrets, or in secrets/.",
                )


def modes(file: str, files: Mapping[str, File]) -> Iterator[Finding]:
    """Whatever may hold a secret is its owner's alone."""
    for path, content in files.items():
        if path.startswith(GUARDED) and content.mode & 0o077:
            role = path.removeprefix("env/").removesuffix(".env")
            yield Finding(
                "secret-readable",
                "vps",
                file,
                1,
                role,
                "",
                f"the release's {path} has mode {content.mode:04o}: others can read it",
                f"Give it mode {PRIVATE:04o}.",
            )


def names_in(files: Mapping[str, File], role: RoleName) -> Names:
    """The variables in a release's env file of *role*: a line each, since newlines are escaped."""
    path = f"env/{role}.env"
    return frozenset(_NAME.findall(files[path].content.decode()) if path in files else ())


def _of_variable(  # noqa: PLR0913, PLR0917 - a finding is what it is
    lines: Located, check: str, role: str, name: str, message: str, remedy: str
) -> Finding:
    line = lines.line(("variables", name))
    return Finding(check, "vps", lines.file, line, role, name, message, remedy)
