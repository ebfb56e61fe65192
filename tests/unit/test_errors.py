from __future__ import annotations

import inspect
import re

import pytest

from hostwright import errors
from hostwright.errors import HostwrightError, ToolError, UserError

TREE = re.compile(r"^    [│├└─ ]*([A-Z]\w+) +(\d+)?", re.MULTILINE)
CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, HostwrightError)
]


def drawn() -> dict[str, str]:
    """Class names of the tree in the module's docstring, with their exit codes."""
    return dict(TREE.findall(errors.__doc__ or ""))


def test_every_error_is_drawn_in_the_docstring_with_its_exit_code() -> None:
    codes = {error.__name__: str(error.exit_code) for error in CLASSES}
    assert drawn() == {**codes, "HostwrightError": ""}  # the root stands below the heading


def test_no_two_errors_share_an_exit_code() -> None:
    codes = [error.exit_code for error in CLASSES]
    assert sorted(codes) == sorted(set(codes))


def test_exit_codes_stay_clear_of_what_shells_and_signals_use() -> None:
    assert all(0 < error.exit_code < 126 for error in CLASSES)


@pytest.mark.parametrize(
    ("where", "remedy", "text"),
    [
        ("", "", "it failed"),
        ("a.yaml:3", "", "a.yaml:3: it failed"),
        ("", "Try again.", "it failed\n  Try again."),
        ("a.yaml:3", "Try again.", "a.yaml:3: it failed\n  Try again."),
    ],
)
def test_an_error_reads_where_what_and_remedy(where: str, remedy: str, text: str) -> None:
    assert str(HostwrightError("it failed", where=where, remedy=remedy)) == text


def test_a_missing_tool_is_the_users_to_fix() -> None:
    assert issubclass(ToolError, UserError)
