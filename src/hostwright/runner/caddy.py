"""Caddy: its configuration on the disk, its admin socket, and the requests it has in flight."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable, wire
from .fault import broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engine import Engine
    from .fault import RunnerError
    from .layout import Layout

_ADMIN = re.compile(r"^\s*admin\s+unix/(/[^\s|{]+)", re.MULTILINE)
CANDIDATE = ".candidate"
_SECONDS = 15.0
_OK = 200


class Caddy(NamedTuple):
    """The running Caddy.

    Attributes:
        name: Its container.
        mounts: Directory on the host by directory in the container.
    """

    name: str
    mounts: dict[str, str]

    def inside(self, path: Path) -> str | None:
        """Where a path of the host is in the container."""
        for inner, outer in self.mounts.items():
            if path.is_relative_to(outer):
                return str(Path(inner) / path.relative_to(outer))
        return None

    def outside(self, path: Path) -> Path | None:
        """Where a path in the container is on the host."""
        for inner, outer in self.mounts.items():
            if path.is_relative_to(inner):
                return Path(outer) / path.relative_to(inner)
        return None


def find(engine: Engine, layout: Layout) -> Caddy | None:
    """The base project's Caddy, or None where it does not run."""
    for entry in engine.containers(layout.base_project):
        if entry["Labels"].get("com.docker.compose.service") == "caddy":
            if entry["State"] != "running":
                return None
            return Caddy(entry["Names"][0].lstrip("/"), _mounts(entry))
    return None


def _mounts(entry: dict[str, Any]) -> dict[str, str]:
    return {m["Destination"]: m["Source"] for m in entry.get("Mounts") or () if m.get("Source")}


def admin_socket(layout: Layout, caddy: Caddy) -> Path | None:
    """Caddy's admin socket on the host, or None where its Caddyfile names no unix socket."""
    try:
        text = (layout.caddy / "Caddyfile").read_text(encoding="utf-8")
    except OSError:
        return None
    match = _ADMIN.search(text)
    return caddy.outside(Path(match[1])) if match else None


def in_flight(socket: Path, addresses: set[str]) -> int | None:
    """How many requests Caddy has open to these upstreams, or None where it does not say.

    Args:
        socket: Its admin socket.
        addresses: ``host:port`` as Caddy dials them.
    """
    try:
        # Caddy takes a unix socket's Host header only when it is a loopback address.
        reply = wire.ask(
            wire.unix(str(socket), _SECONDS), "GET", "/reverse_proxy/upstreams", host="127.0.0.1"
        )
        upstreams = json.loads(reply.body)
    except (OSError, wire.WireError, ValueError):
        return None
    if reply.status != _OK:
        return None
    return sum(int(u["num_requests"]) for u in upstreams or () if u["address"] in addresses)


def candidate(layout: Layout, files: Mapping[str, bytes]) -> Path:
    """Put a configuration beside the live one, where the running Caddy can see it."""
    place = layout.caddy / CANDIDATE
    shutil.rmtree(place, ignore_errors=True)
    for name, content in files.items():
        _put(place / name, content)
    return place / "Caddyfile"


def drop_candidate(layout: Layout) -> None:
    """Remove what :func:`candidate` made."""
    shutil.rmtree(layout.caddy / CANDIDATE, ignore_errors=True)


def validate(engine: Engine, caddy: Caddy, path: Path) -> None:
    """Ask the running Caddy whether it could run a configuration.

    Raises:
        RunnerError: It could not; the live one is as it was.
    """
    code, output = _caddy(engine, caddy, "validate", path)
    if code != 0:
        raise refused(output, "Caddy refuses the new configuration; the live one is as it was")


def refused(output: str, said: str) -> RunnerError:
    """Caddy does not take a configuration: its own complaints."""
    return broken(
        said,
        where="caddy/Caddyfile",
        remedy="`invoke vps.validate` shows the same on your side.",
        log=complaints(output),
    )


def reload(engine: Engine, layout: Layout, caddy: Caddy) -> None:
    """Let Caddy take the configuration on the disk.

    Raises:
        RunnerError: It refused; it goes on with what it had.
    """
    code, output = _caddy(engine, caddy, "reload", layout.caddy / "Caddyfile")
    if code != 0:
        raise refused(output, "Caddy did not take the new configuration; the old one stays")


def complaints(output: str) -> tuple[str, ...]:
    """What Caddy complains about, out of the JSON lines that it writes."""
    said = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            said.append(line)
            continue
        if entry.get("level") in {"error", "fatal"}:
            said.append(f"{entry.get('msg', '')} {entry.get('error', '')}".strip())
    return tuple(said[-5:])


def _caddy(engine: Engine, caddy: Caddy, verb: str, path: Path) -> tuple[int, str]:
    inner = caddy.inside(path)
    if inner is None:
        raise broken(
            "Caddy's container does not have the configuration's directory mounted",
            where=str(path.parent),
        )
    argv = ["caddy", verb, "--adapter", "caddyfile", "--config", inner]
    return engine.execute(caddy.name, argv, _SECONDS)


def files_of(directory: Path) -> dict[str, bytes]:
    """A release's Caddy configuration by relative path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def install(layout: Layout, files: Mapping[str, bytes]) -> None:
    """Make the configuration on the disk be *files*.

    Until :func:`settled` says whose it is, it counts as nobody's: whoever comes after a full disk
    or a kill in the middle of it installs it again.
    """
    durable.write_json(layout.caddy_state, {"sha256": None, "release": None})
    for name, content in files.items():
        path = layout.caddy / name
        if not path.is_file() or path.read_bytes() != content:
            _put(path, content)
    for path in layout.caddy.rglob("*"):
        name = str(path.relative_to(layout.caddy))
        if path.is_file() and name not in files and not name.startswith(CANDIDATE):
            path.unlink()


def settled(layout: Layout, release: str, sha256: str) -> None:
    """Note whose configuration is on the disk, now that Caddy has it."""
    durable.write_json(layout.caddy_state, {"sha256": sha256, "release": release})


def installed(layout: Layout) -> tuple[str | None, str | None]:
    """The hash and the release of Caddy's configuration; None where it may be torn."""
    value = durable.read_json(layout.caddy_state)
    return (value.get("sha256"), value.get("release")) if isinstance(value, dict) else (None, None)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    durable.write(path, content, mode=0o644)
