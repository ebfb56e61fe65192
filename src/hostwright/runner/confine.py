"""Refuse Compose files that reach beyond their containers.

Who may deploy is not root, and Compose is started by root: ``privileged: true`` or a mount of ``/``
in a bundle would make the one the other. So what is not known to stay inside is refused. The files
are JSON, which Compose reads as well: there is one way to read them, and it is exact.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Any, NamedTuple

from .fault import refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .fault import RunnerError
    from .layout import Layout

_TOP = frozenset({"name", "services", "networks", "volumes", "secrets"})
# fmt: off
#: Keys of a service that can be anything, and stay inside.
_HARMLESS = frozenset({
    "cap_drop", "command", "container_name", "cpu_shares", "cpus", "depends_on", "dns",
    "dns_opt", "dns_search", "entrypoint", "environment", "expose", "extra_hosts", "group_add",
    "healthcheck", "hostname", "image", "init", "labels", "mem_limit", "mem_reservation",
    "memswap_limit", "pids_limit", "platform", "profiles", "pull_policy", "read_only", "restart",
    "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "tmpfs", "tty", "ulimits",
    "user", "working_dir",
})
#: Keys that are looked into.
_LOOKED_INTO = frozenset({
    "cap_add", "deploy", "env_file", "logging", "networks", "ports", "secrets", "security_opt",
    "volumes",
})
# fmt: on
_ONLY_BASE = ("ports", "secrets")
#: What Caddy needs for ports 80 and 443.
_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_SECURITY = frozenset({"no-new-privileges", "no-new-privileges:true"})
_LOGGING = frozenset({"json-file", "local", "journald", "none"})
_RESOURCES = frozenset({"cpus", "memory", "pids"})
_SHARED = frozenset({"name", "external", "labels", "internal", "attachable", "enable_ipv6"})
#: A dollar that Compose would read as the beginning of a variable of root's.
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$(?!\$)")
_VOLUME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|")
_REMEDY = "Take it out of ops/compose/docker-compose.prod.yml: a release stays in its containers."


class _File(NamedTuple):
    """A Compose file.

    Attributes:
        name: In the bundle.
        app: The application, whose name its Docker objects carry.
        own: The project's directory on the host.
        mounts: Other directories that may be mounted, and whether they may be written.
    """

    name: str
    app: str
    own: Path
    mounts: Mapping[Path, bool]

    def wrong(self, key: str, what: str = "it may reach the host") -> RunnerError:
        return refused(f"this is not allowed: {what}", where=f"{self.name}: {key}", remedy=_REMEDY)

    def only(self, value: object, known: Iterable[str], key: str) -> dict[str, Any]:
        """An object that has none but *known* keys."""
        found = self.mapping(value, key)
        for name in found:
            if name not in known:
                raise self.wrong(f"{key}.{name}" if key else name)
        return found

    def mapping(self, value: object, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(key, "an object is needed here")
        return value

    def items(self, value: object, key: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.wrong(key, "a list is needed here")
        return value

    def path(self, text: object) -> Path:
        """Where a path of this file is on the host; relative ones begin at its directory."""
        return Path(normpath(self.own / str(text)))


def check(layout: Layout, release: str, files: Mapping[str, bytes]) -> None:
    """See that the Compose files of a release stay inside.

    Raises:
        RunnerError: One does not, or cannot be read.
    """
    own = layout.release(release).directory
    _check(_File("compose.yaml", layout.app, own, {}), files["compose.yaml"])
    mounts = {layout.caddy: False, layout.live: False, layout.run: True}
    _check(_File("base.yaml", layout.app, layout.base, mounts), files["base.yaml"])


def _check(file: _File, content: bytes) -> None:
    try:
        document = json.loads(content, object_pairs_hook=_once)
    except ValueError as error:
        raise refused(
            "the runner reads no Compose file that is not JSON",
            where=file.name,
            remedy="Build the release with the hostwright that installed this runner.",
        ) from error
    top = file.only(document, _TOP, "")
    _constant(file, top, "")
    for name, body in file.mapping(top.get("services", {}), "services").items():
        _service(
            file, file.only(body, _HARMLESS | _LOOKED_INTO, f"services.{name}"), f"services.{name}"
        )
    for kind in ("networks", "volumes"):
        for name, body in file.mapping(top.get(kind) or {}, kind).items():
            _shared(file, name, file.only(body or {}, _SHARED, f"{kind}.{name}"), kind)
    for name, body in file.mapping(top.get("secrets") or {}, "secrets").items():
        source = file.only(body, {"file"}, f"secrets.{name}").get("file")
        if file.path(source).parent != file.own / "secrets":
            raise file.wrong(f"secrets.{name}.file", "it is none of the bundle's secrets")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once and mean what they say, to every reader."""
    found = dict(pairs)
    if len(found) != len(pairs) or "<<" in found:
        raise ValueError
    return found


def _constant(file: _File, node: object, key: str) -> None:
    """No variable anywhere: what is read here is what Compose does."""
    if isinstance(node, str) and _VARIABLE.search(node):
        raise file.wrong(key, "it holds a variable")
    if isinstance(node, dict):
        for name, value in node.items():
            _constant(file, name, f"{key}.{name}"[:80])
            _constant(file, value, f"{key}.{name}".removeprefix("."))
    for item in node if isinstance(node, list) else ():
        _constant(file, item, key)


def _service(file: _File, body: dict[str, Any], key: str) -> None:
    if file.name != "base.yaml":
        for name in _ONLY_BASE:
            if body.get(name):
                raise file.wrong(f"{key}.{name}", "only the base has any")
    for name, known in (("cap_add", _CAPABILITIES), ("security_opt", _SECURITY)):
        for item in file.items(body.get(name) or [], f"{key}.{name}"):
            if item not in known:
                raise file.wrong(f"{key}.{name}: {item}")
    if not str(body.get("container_name", f"{file.app}-")).startswith(f"{file.app}-"):
        raise file.wrong(f"{key}.container_name", "the name is not the application's")
    logging = file.only(body.get("logging") or {}, {"driver", "options"}, f"{key}.logging")
    if logging.get("driver", "json-file") not in _LOGGING:
        raise file.wrong(f"{key}.logging.driver")
    _deploy(file, body, key)
    _env_files(file, body, key)
    for volume in file.items(body.get("volumes") or [], f"{key}.volumes"):
        _volume(file, volume, f"{key}.volumes")


def _deploy(file: _File, body: dict[str, Any], key: str) -> None:
    deploy = file.only(body.get("deploy") or {}, {"resources"}, f"{key}.deploy")
    place = f"{key}.deploy.resources"
    kinds = file.only(deploy.get("resources") or {}, {"limits", "reservations"}, place)
    for kind, resources in kinds.items():
        file.only(resources, _RESOURCES, f"{place}.{kind}")


def _env_files(file: _File, body: dict[str, Any], key: str) -> None:
    for entry in file.items(body.get("env_file") or [], f"{key}.env_file"):
        source = entry.get("path") if isinstance(entry, dict) else entry
        if file.path(source).parent != file.own / "env":
            raise file.wrong(f"{key}.env_file", "it is none of the bundle's files")


def _volume(file: _File, volume: object, key: str) -> None:
    kind, source, writable = _mount(file, volume, key)
    if kind == "tmpfs" or (kind == "volume" and _VOLUME.fullmatch(source)):
        return
    where = file.path(source)
    inside = where.is_relative_to(file.own) and where != file.own
    may_write = file.mounts.get(where)
    if str(source).startswith("~") or kind != "bind" or not (inside or may_write is not None):
        raise file.wrong(f"{key}: {source}", "it is a place of the host's")
    # Whoever may write there can lay a link that root would follow.
    if writable and not may_write:
        raise file.wrong(f"{key}: {source}", "it has to be read_only")


def _mount(file: _File, volume: object, key: str) -> tuple[str, str, bool]:
    """The kind, the source, and whether it can be written, of either form."""
    if isinstance(volume, str):
        source, _, rest = volume.partition(":")
        if not rest:  # a volume without a name
            return "volume", "", True
        kind = "bind" if source[:1] in {"/", ".", "~"} else "volume"
        return kind, source, "ro" not in rest.partition(":")[2].split(",")
    entry = file.mapping(volume, key)
    file.only(entry.get("bind") or {}, {"create_host_path"}, f"{key}.bind")
    known = {"type", "source", "target", "read_only", "bind", "volume", "tmpfs"}
    file.only(entry, known, key)
    return (
        str(entry.get("type")),
        str(entry.get("source") or ""),
        entry.get("read_only") is not True,
    )


def _shared(file: _File, name: str, body: dict[str, Any], kind: str) -> None:
    """Networks and volumes are the application's; ``host`` is the name of a network, too."""
    given = body.get("name") or (name if body.get("external") else f"{file.app}_")
    if not str(given).startswith(f"{file.app}_"):
        raise file.wrong(f"{kind}.{name}", "the name is not the application's")
