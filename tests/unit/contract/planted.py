"""The real contract with a fault planted into its text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.contract.load import check
from hostwright.contract.located import Located, parse
from hostwright.errors import ContractError

if TYPE_CHECKING:
    from hostwright.contract import Contract

TEXT = paths.CONTRACT.read_text(encoding="utf-8")
FILE = "contract.yaml"


@cache
def document(text: str = TEXT) -> Located:
    """*text* as YAML with its lines."""
    return parse(text, FILE, ContractError)


@cache
def real() -> Contract:
    """The contract as it is."""
    return check(document())


def edited(old: str, new: str, text: str = TEXT) -> str:
    """*text* with its one *old* replaced: a fault that is not planted proves nothing."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def loaded(text: str) -> Contract:
    """The contract in *text*."""
    return check(document(text))


def variable(name: str) -> str:
    """The text of one variable's block, to be edited and put back."""
    start = TEXT.index(f"\n  {name}:\n") + 1
    lines = TEXT[start:].splitlines(keepends=True)
    end = next(
        (at for at, line in enumerate(lines[1:], 1) if not line.startswith("    ")), len(lines)
    )
    return "".join(lines[:end])


def of_variable(name: str, old: str, new: str) -> str:
    """The contract's text with an edit in one variable's block."""
    block = variable(name)
    return edited(block, edited(old, new, block))


def line_of(mark: str, text: str) -> int:
    """The line of the one place where *mark* stands."""
    assert text.count(mark) == 1, f"{mark!r} is there {text.count(mark)} times"
    return text.count("\n", 0, text.index(mark)) + 1
