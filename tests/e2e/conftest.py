"""What the end-to-end tests say at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.rig import suites

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are supported and that none of these servers was."""
    ran = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("server" in report.keywords for report in ran):
        terminalreporter.write_line(suites.not_run())
