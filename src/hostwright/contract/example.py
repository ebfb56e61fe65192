"""A first env file: every variable the operator must or may give, secrets made fresh."""

from __future__ import annotations

import os
import secrets
import string
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.contract.envfile import quote
from hostwright.contract.values import applies, complete, deciding
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hostwright.contract.models import Contract, Profile, TargetName, Variable

#: Letters and digits alone: every store takes them, and no URL has to encode them.
ALPHABET = string.ascii_letters + string.digits
#: 256 bits of randomness and a little more.
LENGTH = 44


def fresh() -> str:
    """A new secret of 44 letters and digits, with upper case, lower case and a digit in it.

    Azure's database refuses passwords that lack one of the three.
    """
    while True:
        made = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if all(
            set(made) & set(kind)
            for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)
        ):
            return made


def long_enough(least: int) -> str:
    """A new secret of at least so many characters."""
    value = fresh()
    while len(value) < least:
        value += fresh()
    return value


def is_made(variable: Variable) -> bool:
    """Whether a secret can be made here: one with a condition is given by whose it is.

    A URL holds an address that somebody else knows.
    """
    return variable.secret and not variable.when and variable.type == "string"


def write(contract: Contract, target: TargetName, profile: Profile, path: Path) -> None:
    """Write the file, readable by its owner alone.

    Raises:
        UserError: It exists: what may be the only copy of a secret is never overwritten.
    """
    content = text(contract, target, profile, fresh)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(
            "exists already",
            where=paths.shown(path),
            remedy="Choose another --out, or move the file away.",
        ) from error
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=paths.shown(path)) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)


def text(contract: Contract, target: TargetName, profile: Profile, make: Callable[[], str]) -> str:
    """The file's text; *make* makes a secret."""
    lines = [
        f"# Values of the application on {target}, profile {profile}. Keep this file to yourself:",
        "# `invoke contract.check --env-file` says what is missing, and nothing here is committed.",
        "",
    ]
    for name, own in contract.targets[target].secrets.items():
        lines += [f"# {own.meaning}", f"{name}={quote(make())}", ""]
    for name, variable in _asked(contract, target):
        lines += [f"# {variable.meaning}", _line(name, variable, profile, make), ""]
    return "\n".join(lines)


def _asked(contract: Contract, target: TargetName) -> Iterator[tuple[str, Variable]]:
    """The operator's variables that the target's defaults have a use for."""
    chosen = deciding(contract, target, complete(contract, target, {}))
    for name, variable in contract.variables.items():
        mine = any(role in contract.roles for role in variable.roles)
        if mine and variable.source(target).kind == "operator" and applies(variable, chosen):
            yield name, variable


def _line(name: str, variable: Variable, profile: Profile, make: Callable[[], str]) -> str:
    needed = profile in variable.required
    if variable.secret and needed and variable.type == "string":
        return f"{name}={quote(make())}"
    return f"{'' if needed else '# '}{name}={variable.default or ''}"
