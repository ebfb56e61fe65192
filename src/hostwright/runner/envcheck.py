"""Compare what a container really has in its environment with what the manifest declares.

Only names and salted hashes are compared and only names are told.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def salted(salt: str, name: str, value: str) -> str:
    """The hash by which a value is known; the laptop computes the same."""
    return hashlib.sha256(f"{salt}\0{name}\0{value}".encode()).hexdigest()


def variables(pairs: Iterable[str] | None) -> dict[str, str]:
    """A container's variables from Docker's list of ``NAME=value``."""
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs or ())}


def differences(
    declared: Mapping[str, str],
    salt: str,
    actual: Mapping[str, str],
    inherited: Mapping[str, str],
) -> list[str]:
    """What is wrong, one sentence fragment per variable, sorted by name.

    Args:
        declared: Hash by name, possibly cut; what the contract wants there.
        salt: What the hashes were salted with.
        actual: What the container has.
        inherited: What the image brings along; it may be there besides.
    """
    found = dict.fromkeys(actual.keys() - declared.keys() - inherited.keys(), "is not declared")
    for name, wanted in declared.items():
        if name not in actual:
            found[name] = "is missing"
        elif not salted(salt, name, actual[name]).startswith(wanted):
            found[name] = "has another value" if actual[name] else "is blank"
    return [f"{name} {words}" for name, words in sorted(found.items())]
