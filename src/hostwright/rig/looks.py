"""How a server is when something failed on it: it is gone before anybody could look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.errors import HostwrightError
from hostwright.run import blank

if TYPE_CHECKING:
    from hostwright.rig.scene import Scene

LOOKS = (
    "uptime",
    "docker ps --all --format '{{.Names}}: {{.Status}}'",
    "journalctl --boot --unit docker --no-pager --output cat | tail --lines 20",
    "journalctl --boot --unit 'hostwright*' --no-pager --output cat | tail --lines 20",
    "systemctl list-jobs --no-legend; systemctl --failed --no-legend",
    "for one in $(docker ps -aq --filter health=unhealthy); do docker logs --tail 5 $one; done",
    "for one in $(docker ps -aq --filter status=exited); do docker logs --tail 5 $one; done",
    "for one in $(docker ps -aq --filter status=restarting); do docker logs --tail 5 $one; done",
)
_SECONDS = 60.0


def look(scene: Scene) -> str:
    """What a scene's server says of itself, secrets blanked; never a fault of its own."""
    return "\n".join(_said(scene, line) for line in LOOKS)


def _said(scene: Scene, line: str) -> str:
    try:
        done = scene.server.exec(["sh", "-c", line], check=False, timeout=_SECONDS)
    except HostwrightError as error:
        return f"$ {line}\n{error}"
    return blank(f"$ {line}\n{done.stdout}{done.stderr}".rstrip(), scene.secrets())
