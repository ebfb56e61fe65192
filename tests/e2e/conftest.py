"""What the end-to-end tests say where one fails, and at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hostwright.rig import looks, suites
from hostwright.rig.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:  # noqa: ANN401 - a CallInfo of anything
    """Show how the server was when a test of it failed."""
    report: Any = yield
    if call.when == "call" and report.failed:
        given = getattr(item, "funcargs", {}).values()
        scenes = [found for one in given for found in (one, getattr(one, "scene", None))]
        for scene in (one for one in scenes if isinstance(one, Scene)):
            report.sections.append((f"the server {scene.server.name}", looks.look(scene)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are supported and that none of these servers was."""
    ran = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("server" in report.keywords for report in ran):
        terminalreporter.write_line(suites.not_run())
