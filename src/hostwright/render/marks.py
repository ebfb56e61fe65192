"""Marks: values that say whose they are, so that an engine's output can be traced back. Pure.

A mark ends in the characters that env files, shells and Compose treat specially. It is recognised
only when it arrives unchanged; a mark that an engine altered counts as a literal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Contract, RoleName, TargetName

_HEAD = "hostwright-mark"
_TAIL = """ $HOME ${X} "'\\n#é"""
_MARK = re.compile(rf"{_HEAD}:([a-z_]+):([A-Za-z0-9_]+):{re.escape(_TAIL)}")


class Owner(NamedTuple):
    """Whose mark a value is."""

    role: str
    variable: str

    def __str__(self) -> str:
        return f"{self.role}/{self.variable}"


def mark(role: str, variable: str) -> str:
    """The mark of *variable* in *role*."""
    return f"{_HEAD}:{role}:{variable}:{_TAIL}"


def owner(value: str) -> Owner | None:
    """Whose mark *value* is; None for anything else, an altered mark included."""
    found = _MARK.fullmatch(value)
    return Owner(*found.groups()) if found else None


def secret(name: str) -> str:
    """The mark of a secret that travels as a file: one line, and long enough for every rule."""
    return f"{_HEAD}-file:{name}"


def of_role(contract: Contract, target: TargetName, role: RoleName) -> dict[str, str]:
    """A mark for every variable that *target* can ever emit to *role*, conditions set aside."""
    return {
        name: mark(role, name)
        for name, variable in contract.of_role(role).items()
        if variable.source(target).emitted
    }


def of_roles(contract: Contract, target: TargetName) -> Mapping[RoleName, dict[str, str]]:
    """The same for every role that the application has."""
    return {role: of_role(contract, target, role) for role in contract.roles}
