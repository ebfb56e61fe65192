"""What the end-to-end tests say where one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hostwright.rig import looks
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
