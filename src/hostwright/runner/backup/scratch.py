"""Containers that live for one restore or drill: without a network, bounded, removed in any case.

One that a killed runner left has the same name as the next one's and is removed before it.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from . import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..operation import Host

#: Who Postgres and Redis run as, in the images of this blueprint as in the official ones.
UID = 999
KINDS = ("postgres", "redis")
_LEAST_MEMORY = 512 << 20


def name(host: Host, kind: str) -> str:
    """The scratch container of one kind."""
    return f"{host.layout.app}-scratch-{kind}"


@contextlib.contextmanager
def container(  # noqa: PLR0913 - what a container is
    host: Host,
    kind: str,
    image: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    binds: Mapping[Path, str] | None = None,
) -> Iterator[str]:
    """A running scratch container, by name."""
    own = name(host, kind)
    host.engine.remove(own)
    wanted = {
        "Image": image,
        "User": f"{UID}:{UID}",
        "Env": [f"{key}={value}" for key, value in (env or {}).items()],
        "Entrypoint": [],
        "Cmd": list(command),
        "Labels": {"dev.hostwright.app": host.layout.app, "dev.hostwright.part": "scratch"},
        "HostConfig": {
            "NetworkMode": "none",
            "Memory": _memory(host, kind),
            "PidsLimit": 256,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Binds": [f"{source}:{target}" for source, target in (binds or {}).items()],
        },
    }
    made = host.engine.call("POST", "/containers/create", {"name": own}, send=wanted)
    try:
        host.engine.start(str(json.loads(made.body)["Id"]))
        yield own
    finally:
        host.engine.remove(own)


def _memory(host: Host, kind: str) -> int:
    """What the service of the base may take that it stands for; what that holds has to fit."""
    base = postgres.service(host, kind)
    return max(_LEAST_MEMORY, int(base["HostConfig"].get("Memory") or 0) if base else 0)


def sweep(host: Host) -> None:
    """Remove what a killed runner left."""
    for kind in KINDS:
        host.engine.remove(name(host, kind))
