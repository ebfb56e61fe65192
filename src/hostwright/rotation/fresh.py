"""Make a secret anew: which can be, what the new one is like, and the env file that has it."""

from __future__ import annotations

import os
import stat
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from hostwright import paths
from hostwright.contract import example
from hostwright.contract.envfile import quote
from hostwright.contract.rules import near
from hostwright.errors import UserError, ValuesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hostwright.contract.envfile import Given
    from hostwright.contract.models import Contract
    from hostwright.settings import Values

_PUSH = "put the new value into the env file, and run `invoke vps.secrets.push`."


def make(contract: Contract, name: str) -> str:
    """A new value for a secret, as long as the contract wants it.

    Raises:
        UserError: It is no secret that can be made here; it says what to do instead.
    """
    if not name:
        raise UserError("no secret was named", remedy="Give --name, as the contract calls it.")
    own = contract.targets["vps"].secrets
    if name in own:
        return example.long_enough(own[name].min_length)
    variable = contract.variables.get(name)
    if variable is None:
        known = [*own, *(one for one, item in contract.variables.items() if item.secret)]
        raise UserError("is not in the contract", where=name, remedy=near(name, known))
    if not variable.secret:
        raise UserError("is no secret", where=name, remedy=f"Nothing has to be made: {_PUSH}")
    source = variable.source("vps")
    if source.kind == "composed":
        made_of = " or ".join(own)
        raise UserError(
            "is composed by hostwright", where=name, remedy=f"Rotate what it is made of: {made_of}."
        )
    if source.kind != "operator":
        raise UserError(f"has no value of yours here ({source.kind})", where=name)
    if not example.is_made(variable):
        raise UserError(
            "is given by somebody else, and has to be changed there",
            where=name,
            remedy=f"Change it there; then {_PUSH}",
        )
    return example.long_enough(variable.min_length or 1)


def meaning(contract: Contract, name: str) -> str:
    """What people are told of a secret before it is made anew; empty for the base's passwords."""
    return contract.variables[name].meaning if name in contract.variables else ""


def place(values: Values, given: Mapping[str, Given], name: str) -> Path:
    """The env file that the value comes from, where links lead to.

    Raises:
        ValuesError: It comes from elsewhere.
    """
    file = Path(values.env_file) if values.env_file else None
    now = given.get(name)
    if file is None or now is None or not now.where.startswith(f"{paths.shown(file)}:"):
        where = now.where if now else (values.env_file or "values")
        raise ValuesError(
            f"{name} does not come from an env file that could be written",
            where=where,
            remedy="Change it where it comes from; then run `invoke vps.secrets.push`.",
        )
    return file.resolve()


def replaced(text: str, name: str, value: str) -> str:
    """An env file with another value of one variable; all else stays as it is written. Pure."""
    parts = []
    for binding in parse_stream(StringIO(text, newline="")):
        original = binding.original.string
        if binding.key == name:
            before = original[: len(original) - len(original.lstrip())]
            original = f"{before}{name}={quote(value)}\n"
        parts.append(original)
    return "".join(parts)


def aside(path: Path, now: datetime) -> Path:
    """Where the file of before is kept."""
    return path.with_name(f"{path.name}.before-{now.strftime('%Y%m%dt%H%M%Sz')}")


def write(path: Path, text: str, kept: Path) -> None:
    """Put *text* in place by one rename; the file of before stays as *kept*. Both are 0600.

    Raises:
        UserError: It cannot be written; nothing was changed.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _new(kept, path.read_bytes())
        _new(fresh, text.encode())
        fresh.replace(path)
        _flush(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UserError(
            f"cannot be written: {error.strerror}",
            where=paths.shown(path),
            remedy="Nothing was changed.",
        ) from error


def put_back(path: Path, kept: Path) -> None:
    """The file of before again."""
    kept.replace(path)
    _flush(path.parent)


def _new(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
