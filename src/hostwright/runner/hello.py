"""The greeting: what the laptop has to know before it decides what to send.

It is the first thing that anybody waits for, so it asks Docker no more than it must: what cannot
change (the layers of an image, the version of a program) is remembered on the disk.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

from . import compose, durable, hold, lock, maintenance, plain, releases, room, switch
from .arriving import names, trusted
from .engine import Engine, chain_ids
from .identity import boot_id
from .journal import UnreadableError, read
from .manifest import PROTOCOL
from .process import Shell
from .version import VERSION

if TYPE_CHECKING:
    from .compose import Compose
    from .layout import Layout
    from .releases import Release


def hello(layout: Layout, engine: Engine) -> dict[str, Any]:
    """The greeting of an application's session."""
    memory = Memory(layout)
    serving, known = switch.target(layout), releases.listing(layout)
    found = memory.compose(Shell())
    greeting = {
        "event": "hello",
        "runner": VERSION,
        "protocol": PROTOCOL,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "app": layout.app,
        "boot_id": boot_id(),
        "time": round(time.time(), 3),
        **_docker(layout, engine, memory),
        "compose": found.version if found else None,
        "disk_free": room.disk(),
        "memory_available": room.memory(),
        "serving": serving,
        "releases": [described(release, serving) for release in known],
        **open_work(layout),
        **_hashes(known, serving),
        "base_applied": releases.base_applied(layout),
        "backup": _backup(layout),
    }
    memory.keep()
    return greeting


def _backup(layout: Layout) -> dict[str, Any] | None:
    if not (layout.backup / "settings.json").exists():
        return None
    from .backup import work

    return work.told(layout)


def described(release: Release, serving: str | None) -> dict[str, Any]:
    """One release, as the laptop sees it."""
    manifest, state = release.manifest, release.state
    facts: dict[str, Any] = {
        "id": release.id,
        "state": releases.word(release, serving),
        "sequence": state.sequence,
        "withdrawn": state.withdrawn,
        "migration": state.migration,
        "warm_until": state.warm_until,
        "committed": state.committed,
    }
    if manifest is None:
        return {**facts, "state": "damaged", "images": {}}
    return {
        **facts,
        "created": manifest.created,
        "images": {
            name: {"ref": image.ref, "id": image.id, "asked": image.asked}
            for name, image in manifest.images.items()
        },
        "contract_sha256": manifest.contract_sha256,
        "base_sha256": manifest.base_sha256,
        "caddy_sha256": manifest.caddy_sha256,
    }


def open_work(layout: Layout) -> dict[str, Any]:
    """Who is at work (``busy``), and what a dead owner left (``pending``)."""
    held = {"hold": hold.told(layout), "maintenance": maintenance.told(layout)}
    busy = lock.held(layout.lock)
    if busy is not None:
        return {"busy": busy, "pending": None, **held}
    try:
        recorded = read(layout.journal)
    except UnreadableError:
        return {"busy": None, "pending": {"unreadable": True}, **held}
    return {"busy": None, "pending": recorded.as_json() if recorded else None, **held}


def _hashes(known: list[Release], serving: str | None) -> dict[str, Any]:
    names = ("contract_sha256", "base_sha256", "caddy_sha256")
    now = next((r.manifest for r in known if r.id == serving), None)
    return {name: getattr(now, name) if now else None for name in names}


def _docker(layout: Layout, engine: Engine, memory: Memory) -> dict[str, Any]:
    try:
        version = engine.version()
        listed = trusted(layout, engine.images())
        layers = memory.layers(engine, listed)
    except plain.FAULTS:
        return {"arch": None, "docker": None, "store": None, "images": {}, "layers": []}
    return {
        "arch": version.get("Arch"),
        "docker": version.get("Version"),
        "store": "containerd" if any("Descriptor" in image for image in listed) else "layers",
        "images": named(listed),
        "layers": layers,
    }


def named(listed: list[dict[str, Any]]) -> dict[str, str]:
    """The id of each image by each of its names."""
    return {name: str(image["Id"]) for image in listed for name in names(image)}


class Memory:
    """Facts that never change for their key, kept in one file that may be lost at any time."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.facts
        value = durable.read_json(self._path)
        self._known: dict[str, Any] = value if isinstance(value, dict) else {}
        self._before = dict(self._known)

    def compose(self, shell: Shell) -> Compose | None:
        """The Compose of this host; asked anew when its file has changed."""
        for program in compose.candidates(shell.path):
            try:
                stat = program.stat()
            except OSError:
                continue
            key = f"compose {program} {stat.st_size} {stat.st_mtime_ns}"
            if not self._known.get(key):
                found = compose.find(shell)
                if found is None:  # it may do the next time: a loaded host, a timeout
                    return None
                self._known[key] = list(found)
            return compose.Compose(*self._known[key])
        return None

    def layers(self, engine: Engine, listed: list[dict[str, Any]]) -> list[str]:
        """The chain ids of all layers that the host has."""
        chains: dict[str, list[str]] = {}
        for image in listed:
            name = str(image["Id"])
            known = self._known.get(f"layers {name}")
            chains[name] = known if known is not None else _chain(engine, name)
        kept = {key: value for key, value in self._known.items() if not key.startswith("layers ")}
        self._known = {**kept, **{f"layers {name}": chain for name, chain in chains.items()}}
        return sorted({layer for chain in chains.values() for layer in chain})

    def keep(self) -> None:
        """Write down what is new; on a full disk it is found out again the next time."""
        if self._known != self._before:
            with contextlib.suppress(OSError):
                durable.write_json(self._path, self._known)


def _chain(engine: Engine, name: str) -> list[str]:
    found = engine.image(name) or {}
    return chain_ids((found.get("RootFS") or {}).get("Layers") or [])
