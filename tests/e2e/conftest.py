"""What the end-to-end tests say where one fails, and at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hostwright.errors import HostwrightError
from hostwright.rig import suites
from hostwright.rig.scene import Scene
from hostwright.run import blank

if TYPE_CHECKING:
    from collections.abc import Generator

#: What is looked at on a server where a test of it failed; it is gone before anybody could.
LOOKS = (
    "uptime",
    "docker ps --all --format '{{.Names}}: {{.Status}}'",
    "journalctl --boot --unit docker --no-pager --output cat | tail --lines 20",
    "journalctl --boot --unit 'hostwright*' --no-pager --output cat | tail --lines 20",
    "systemctl list-jobs --no-legend; systemctl --failed --no-legend",
    "for one in $(docker ps -aq --filter health=unhealthy); do docker logs --tail 5 $one; done",
    "for one in $(docker ps -aq --filter status=exited); do docker logs --tail 5 $one; done",
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:  # noqa: ANN401 - a CallInfo of anything
    """Show how the server was when a test of it failed."""
    report: Any = yield
    if call.when == "call" and report.failed:
        given = getattr(item, "funcargs", {}).values()
        scenes = [found for one in given for found in (one, getattr(one, "scene", None))]
        for scene in (one for one in scenes if isinstance(one, Scene)):
            text = "\n".join(looked(scene, line) for line in LOOKS)
            report.sections.append((f"the server {scene.server.name}", text))
    return report


def looked(scene: Scene, line: str) -> str:
    """What a line of shell says on the server; never a fault of its own."""
    try:
        done = scene.server.exec(["sh", "-c", line], check=False, timeout=20)
    except HostwrightError as error:
        return f"$ {line}\n{error}"
    return blank(f"$ {line}\n{done.stdout}{done.stderr}".rstrip(), scene.secrets())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are supported and that none of these servers was."""
    ran = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("server" in report.keywords for report in ran):
        terminalreporter.write_line(suites.not_run())
