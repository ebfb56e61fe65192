"""Docker Engine and Compose v2, from the distribution wherever it has them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hostwright.host import drift
from hostwright.host.change import Change, File, Phase, Watch

if TYPE_CHECKING:
    from hostwright.host.desired import Desired
    from hostwright.host.facts import Facts

PLUGIN = "/usr/local/lib/docker/cli-plugins/docker-compose"
SERVICE = "docker.service"

#: Logs are bounded; containers outlive an upgrade of the engine. The userland proxy stays on,
#: which is the default: without it nothing would answer on 443 over IPv6.
CONFIG = File(
    "/etc/docker/daemon.json",
    json.dumps(
        {
            "live-restore": True,
            "log-driver": "local",
            "log-opts": {"max-size": "20m", "max-file": "5"},
        },
        indent=2,
    ).encode()
    + b"\n",
)

_FROM_DISTRIBUTION = {
    ("debian", "12"): ("docker.io",),
    ("debian", "13"): ("docker.io", "docker-cli", "docker-compose"),
    ("ubuntu", "22.04"): ("docker.io", "docker-compose-v2"),
    ("ubuntu", "24.04"): ("docker.io", "docker-compose-v2"),
}
_FROM_DOCKER = ("docker-ce", "docker-compose-plugin")

#: The engine itself, the distribution's or Docker's own.
ENGINES = ("docker.io", "docker-ce")


def watch(_desired: Desired) -> Watch:
    """Both sets of packages: Docker's own is left alone where it is installed."""
    every = [name for names in _FROM_DISTRIBUTION.values() for name in names]
    return Watch(
        paths=(CONFIG.path, PLUGIN),
        packages=(*every, *_FROM_DOCKER, "apparmor"),
        units=(SERVICE,),
    )


def packages(facts: Facts, _desired: Desired) -> tuple[str, ...]:
    """The engine; and AppArmor's loader where the kernel has it on, or no container starts."""
    loader = ("apparmor",) if facts.apparmor else ()
    if "docker-ce" in facts.packages:
        return (*_FROM_DOCKER, *loader)
    return (*_FROM_DISTRIBUTION[facts.distribution], *loader)


def needs_plugin(facts: Facts) -> bool:
    """Whether no package of this host brings Compose v2."""
    return facts.distribution == ("debian", "12") and "docker-ce" not in facts.packages


def plan(facts: Facts, desired: Desired) -> list[Change]:
    """Configure, start, and complete Docker."""
    return [*_configure(facts), *_start(facts), *_complete(facts, desired)]


def _configure(facts: Facts) -> list[Change]:
    """Written before the engine is installed, so that its first start reads it."""
    why = drift.difference(facts, CONFIG)
    if not why:
        return []
    restart = (f"systemctl restart {SERVICE}",) if _active(facts) else ()
    return [Change("Configure Docker", why, Phase.CONFIGURE, files=(CONFIG,), commands=restart)]


def _start(facts: Facts) -> list[Change]:
    if not drift.idle(facts, [SERVICE]):
        return []
    return [
        Change(
            "Start Docker",
            "it does not run, or would not after a boot",
            commands=(f"keep_running {SERVICE}",),
        )
    ]


def _complete(facts: Facts, desired: Desired) -> list[Change]:
    if not needs_plugin(facts) or desired.plugin is None:
        return []
    file = File(PLUGIN, b"", 0o755, sha256=desired.plugin.sha256, packed=True)
    why = drift.difference(facts, file)
    if not why:
        return []
    whole = replace(file, content=desired.plugin.packed())
    return [Change("Upload the Compose plugin", why, files=(whole,))]


def _active(facts: Facts) -> bool:
    return SERVICE in facts.units and facts.units[SERVICE].active == "active"
