"""What the tests on a cluster say at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e_kubernetes.installation import ACCOUNTS

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what became of the requests."""
    for line in ACCOUNTS:
        terminalreporter.write_line(line)
