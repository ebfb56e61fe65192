"""Let a release that no longer serves finish the requests it has, before it is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import caddy

if TYPE_CHECKING:
    from .manifest import Manifest
    from .operation import Host

_LOOK_SECONDS = 0.1


def in_flight(host: Host, release: Manifest) -> int | None:
    """How many requests Caddy still has open to a release; None where it cannot be asked."""
    running = caddy.find(host.engine, host.layout)
    socket = caddy.admin_socket(host.layout, running) if running else None
    return caddy.in_flight(socket, addresses(host, release)) if socket else None


def addresses(host: Host, release: Manifest) -> set[str]:
    """A release's upstreams as Caddy dials them."""
    return {
        f"{host.layout.container(release.id, role)}:{service.port}"
        for role, service in release.services.items()
    }


def wait(host: Host, release: Manifest) -> str:
    """Wait until a release has no request left, at most as long as its contract says."""
    seconds = max((service.drain_seconds for service in release.services.values()), default=0)
    deadline = time.monotonic() + seconds
    while True:
        open_now = in_flight(host, release)
        if open_now is None:
            return "requests in flight cannot be counted"
        if open_now == 0:
            return "no request is left"
        if time.monotonic() > deadline:
            return f"{open_now} requests were still open after {seconds} s"
        time.sleep(_LOOK_SECONDS)
