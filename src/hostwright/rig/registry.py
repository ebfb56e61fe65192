"""An image registry that servers can pull from, over plain HTTP on the rig's own network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostwright.rig import processes
from hostwright.rig.requirements import which
from hostwright.rig.resources import Directory

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.rig.ledger import Ledger

PORT = 5000


def settings(address: str, data: Path) -> dict[str, object]:
    """The registry's configuration; JSON is YAML."""
    return {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": {"addr": f"{address}:{PORT}"},
    }


def start(ledger: Ledger, address: str) -> str:
    """Start an empty registry.

    Returns:
        ``host:port``, the first part of its images' names; a Docker engine that pulls from it
        needs that address, or 10.99.0.0/16, in its ``insecure-registries``.

    Raises:
        ToolError: It did not start.
    """
    home = ledger.home / "registry"
    ledger.add(Directory(str(home)))
    home.mkdir(mode=0o700)
    file, log = home / "config.yml", home / "registry.log"
    file.write_text(json.dumps(settings(address, home / "data")))
    # Without these it would try to send traces somewhere.
    env = {"OTEL_TRACES_EXPORTER": "none"}
    process = processes.start([which("docker-registry"), "serve", file], log=log, env=env)
    ledger.add(process)
    processes.await_port(process, address, PORT, log=log)
    return f"{address}:{PORT}"
