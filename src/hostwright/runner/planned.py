"""What a plan is made from, beyond the greeting: what serves, as texts, names and salted hashes.

It is read without a lock and changes nothing. No value of a variable leaves the host: Compose files
and Caddyfiles hold none, variables and file secrets are told as hashes with the release's own salt.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from . import caddy, envcheck, plain, releases, switch

if TYPE_CHECKING:
    from pathlib import Path

    from .engine import Engine
    from .layout import Layout
    from .manifest import Manifest

#: A salted hash is told by as many digits as manifests have.
_DIGITS = 32
_NOT_COMPARED = ("compose.yaml", "state.json")


def planned(layout: Layout, engine: Engine) -> dict[str, Any]:
    """The answer to a laptop that plans a deploy."""
    serving = switch.target(layout)
    manifest = releases.load(layout, serving) if serving else None
    salt = manifest.salt if manifest else ""
    return {
        "event": "planned",
        "serving": serving,
        "salt": salt,
        "env": manifest.env if manifest else {},
        "compose": _text(layout.release(serving).compose) if serving else None,
        "base": _base(layout, engine, salt),
        "caddy": {
            "sha256": caddy.installed(layout)[0],
            "files": _caddy(layout, manifest),
        },
        "backup": _backup(layout),
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _base(layout: Layout, engine: Engine, salt: str) -> dict[str, Any]:
    files = {
        str(path.relative_to(layout.base)): path
        for path in sorted(layout.base.rglob("*"))
        if path.is_file()
    }
    secret = {name: path for name, path in files.items() if name.startswith("secrets/")}
    others = {n: p for n, p in files.items() if n not in {*secret, *_NOT_COMPARED}}
    return {
        "compose": _text(layout.base / "compose.yaml"),
        "files": {name: _digest(path) for name, path in others.items() if "/." not in f"/{name}"},
        "secrets": {name: _salted(salt, name, path) for name, path in secret.items()},
        "up": _up(layout, engine),
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _salted(salt: str, name: str, path: Path) -> str:
    """A file secret by its one line, as the services read it."""
    line = path.read_text(encoding="utf-8", errors="replace").rstrip("\r\n")
    return envcheck.salted(salt, name, line)[:_DIGITS]


def _up(layout: Layout, engine: Engine) -> bool | None:
    """Whether the whole base runs; None where Docker does not say."""
    try:
        listed = engine.containers(layout.base_project)
    except plain.FAULTS:
        return None
    return bool(listed) and all(entry["State"] == "running" for entry in listed)


def _caddy(layout: Layout, manifest: Manifest | None) -> dict[str, str]:
    """Caddy's files as the serving release brought them."""
    if manifest is None:
        return {}
    found = caddy.files_of(layout.release(manifest.id).directory / "caddy")
    return {name: content.decode(errors="replace") for name, content in found.items()}


def _backup(layout: Layout) -> dict[str, Any] | None:
    """Whether a deploy would back up before it, migrations aside; None where none are set."""
    if not (layout.backup / "settings.json").exists():
        return None
    from .backup import drill, due, ledger, settings

    found = settings.load(layout)
    if found is None:
        return None
    last = ledger.last_good(ledger.backups(layout))
    return {
        "due": due.reason(last, found, (), time.time()),
        "last": int(last["time"]) if last else None,
        "stale_drill": drill.stale(layout, found, time.time()),
        "refuse_stale": found.refuse_stale,
    }
