"""Say how many of the faults that were planted were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def assert_all_found(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    caught: set[str],
    *,
    test: str,
    of: str = "",
) -> None:
    """Print the count, and assert that it is whole.

    Args:
        request: Of the test that asks; of a part of the tests, those of its file are counted that
            were asked for.
        capsys: Of the same.
        caught: Ids of the faults that were found.
        test: Name of the test that plants them.
        of: What they were planted into.
    """
    asked = [
        item.name
        for item in request.session.items
        if item.path == request.path and item.name.startswith(f"{test}[")
    ]
    with capsys.disabled():
        print(f"\nplanted faults found{of and f' on {of}'}: {len(caught)} of {len(asked)}")  # noqa: T201
    assert len(caught) == len(asked)
