"""Whether Caddy runs the configuration that lies on the disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import caddy, plain, wire
from .drifted import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .engine import Engine
    from .layout import Layout

_SECONDS = 15.0
_OK = 200
_RELOAD = (
    "`docker restart` its container on the host: it starts with its file. A deploy with another "
    "Caddyfile reloads it."
)


def look(layout: Layout, engine: Engine) -> Iterator[Finding]:
    """What Caddy has loaded against its Caddyfile, adapted by that very Caddy."""
    running = caddy.find(engine, layout)
    if running is None:
        return  # the base's containers have been looked at
    socket = caddy.admin_socket(layout, running)
    inner = running.inside(layout.caddy / "Caddyfile")
    if socket is None or inner is None:
        what = "it has no admin socket that the host could ask"
        yield Finding("caddy", "admin", what, "Deploy again: its Caddyfile names one.")
        return
    argv = ["caddy", "adapt", "--adapter", "caddyfile", "--config", inner]
    code, output = engine.execute(running.name, argv, _SECONDS)
    wanted, found = adapted(output) if code == 0 else None, loaded(socket)
    if wanted is None:
        what = "Caddy cannot read it: it would not start again"
        yield Finding("caddy", "caddy/Caddyfile", what, "Deploy again: it is written anew.")
    elif found is None:
        yield Finding("caddy", "admin", "Caddy does not tell what it runs", _RELOAD)
    elif wanted != found:
        where = ", ".join(places(wanted, found))
        what = f"it runs another configuration than its file has ({where})"
        yield Finding("caddy", "loaded configuration", what, _RELOAD)


def loaded(socket: Path) -> dict[str, Any] | None:
    """What Caddy runs, or None where it does not say."""
    try:
        # Caddy takes a unix socket's Host header only when it is a loopback address.
        asked = wire.unix(str(socket), _SECONDS)
        reply = wire.ask(asked, "GET", "/config/", host="127.0.0.1")
        found = json.loads(reply.body)
    except (*plain.FAULTS, ValueError):
        return None
    return found if reply.status == _OK and isinstance(found, dict) else None


def adapted(output: str) -> dict[str, Any] | None:
    """The configuration among the lines that ``caddy adapt`` writes, its warnings left out."""
    for line in output.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "level" not in found:
            return found
    return None


def places(wanted: Any, found: Any, path: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """The first few keys that differ, as paths: no value is told."""
    if wanted == found:
        return []
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = sorted({*wanted, *found})
        below = (places(wanted.get(k), found.get(k), f"{path}/{k}") for k in keys)
        return [place for places_ in below for place in places_][:_SHOWN]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        below = (places(one, other, f"{path}/{at}") for at, (one, other) in pairs)
        return [place for places_ in below for place in places_][:_SHOWN]
    return [path or "/"]


_SHOWN = 3
