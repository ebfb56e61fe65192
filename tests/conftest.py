"""What is said at the end of all tests.

Here, since pytest loads no deeper file where it hands the tests to other processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.rig import suites

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are supported and that no server of the tests was."""
    ran = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("server" in report.keywords for report in ran):
        terminalreporter.write_line(suites.not_run())
