"""Where an operator's values come from: an env file, the environment, or a command of theirs."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.backup.delivery import CREDENTIALS
from hostwright.contract import envfile
from hostwright.errors import ValuesError
from hostwright.fleet.shared import once
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hostwright.contract.envfile import EnvFile, Given
    from hostwright.contract.models import Contract, TargetName
    from hostwright.settings import Values

#: How long a command that prints values may take, in seconds: people type into some of them.
COMMAND_SECONDS = 120.0
#: How the name of a value begins that is the password of a registry.
REGISTRY_PASSWORD = "REGISTRY_PASSWORD"  # noqa: S105 - the name of one


def gather(
    values: Values, contract: Contract, target: TargetName, apart: Collection[str] = ()
) -> dict[str, Given]:
    """Every value that *values* names, later sources winning: env file, environment, command.

    The credentials of backups and the passwords of registries are left out: they are no role's
    (:func:`of_no_role` has them). *apart* names those of the host in question.

    Raises:
        ValuesError: A source is unreadable, world-readable, fails (its output is not shown: it may
            hold secrets), or has lines that must be corrected.
        ToolError: The command cannot be run.
    """
    hidden = {*CREDENTIALS, *apart}
    return of_roles(_gathered(values, contract, target, hidden), target)


def of_roles(given: Mapping[str, Given], target: TargetName) -> dict[str, Given]:
    """*given* without what no role gets: a server's values hold hostwright's own credentials, too.

    Those are what opens the repositories of backups, and the passwords of registries.
    """
    return {name: item for name, item in given.items() if target != "vps" or not _is_own(name)}


def _is_own(name: str) -> bool:
    return name in CREDENTIALS or name.startswith(REGISTRY_PASSWORD)


def of_no_role(
    values: Values, contract: Contract, target: TargetName, names: Collection[str]
) -> dict[str, str]:
    """What *names* are in the same sources, as far as they have it: credentials of hostwright's.

    Raises:
        ValuesError, ToolError: As for ``gather``.
    """
    found = _gathered(values, contract, target, names)
    return {name: found[name].value for name in names if name in found}


def _gathered(
    values: Values, contract: Contract, target: TargetName, apart: Collection[str]
) -> dict[str, Given]:
    found: dict[str, Given] = {}
    if values.env_file:
        found.update(from_file(Path(values.env_file)))
    if values.environment:
        found.update(from_environment(os.environ, contract, target, apart))
    if values.command:
        found.update(from_command(values.command))
    return found


def from_file(path: Path) -> dict[str, Given]:
    """The values of an env file that nobody else can read.

    Raises:
        ValuesError: As for ``gather``.
    """
    shown = paths.shown(path)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes().decode()  # line ends stay: they are part of quoted values
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        remedy = "`invoke contract.new-env` writes one with fresh secrets."
        raise ValuesError(f"cannot be read: {reason}", where=shown, remedy=remedy) from error
    if mode & 0o077:
        raise ValuesError(
            f"holds secrets and others can read it (mode {mode:04o})",
            where=shown,
            remedy=f"Run `chmod 600 {shlex.quote(shown)}`.",
        )
    return _readable(envfile.parse(text, shown), shown)


def from_environment(
    environ: Mapping[str, str],
    contract: Contract,
    target: TargetName,
    apart: Collection[str] = CREDENTIALS,
) -> dict[str, Given]:
    """The contract's own names and those *apart*, as far as the process's variables have them."""
    known = {*contract.variables, *contract.targets[target].secrets}
    operator = {
        name
        for name in known
        if name not in contract.variables
        or contract.variables[name].source(target).kind in {"operator", "input"}
    }
    return {
        name: envfile.Given(environ[name], "environment")
        for name in (*operator, *apart)
        if name in environ
    }


def from_command(command: tuple[str, ...]) -> dict[str, Given]:
    """What a command prints, read as an env file."""
    shown = f"output of {command[0]}"
    done = once(("values", command), lambda: run(command, timeout=COMMAND_SECONDS, check=False))
    if done.exit_code != 0:
        raise ValuesError(
            f"exit code {done.exit_code}; its output is not shown, it may hold secrets",
            where=shown,
            remedy=f"Run `{shlex.join(command)}` by hand.",
        )
    if "\ufffd" in done.stdout:  # what `run` puts where the bytes are no UTF-8
        raise ValuesError("is not UTF-8 text", where=shown, remedy="Encode such a value first.")
    return _readable(envfile.parse(done.stdout, shown), shown)


def _readable(file: EnvFile, shown: str) -> dict[str, Given]:
    if file.unread:
        lines = [
            f"  {item.where}: {item.name or 'this line'} {item.what}. {item.remedy}"
            for item in file.unread
        ]
        raise ValuesError("\n".join([f"{shown} has lines to correct", *lines]))
    return file.values
