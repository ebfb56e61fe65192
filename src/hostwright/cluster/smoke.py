"""Ask an installation whether it is ready: at its public addresses, or through forwarded ports."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hostwright.cloud import smoke as asking
from hostwright.cloud.smoke import Wanted
from hostwright.cluster import commands, installed, refusals
from hostwright.cluster.model import name_of, role_of
from hostwright.errors import KubernetesError
from hostwright.run import Completed, background

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.cloud.smoke import Answer
    from hostwright.cluster.client import Cluster
    from hostwright.cluster.model import Body, Objects
    from hostwright.contract.models import Contract
    from hostwright.progress import Progress

_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


def smoke(
    cluster: Cluster, contract: Contract, progress: Progress, *, seconds: float, forward: bool
) -> list[Answer]:
    """Wait until every service answers that it is ready.

    Args:
        cluster: Where.
        contract: Says which path answers that.
        progress: Is told who answers.
        seconds: How long each may take.
        forward: Through forwarded ports, even where there is a public address.

    Raises:
        NoRelease: Nothing is installed.
        NotReady: A role is not, in time.
    """
    found = installed.manifest(cluster)
    values = cluster.read(commands.values(cluster.where)) or {}
    public = [] if forward else addresses(contract, values, found)
    if public:
        return asking.wait(public, seconds, progress)
    if not forward:
        progress.note("no role has a public address: asking through forwarded ports")
    return [
        answer
        for role, service in services(contract, found)
        for answer in _through(cluster, contract, role, service, progress, seconds)
    ]


def addresses(contract: Contract, values: Mapping[str, Any], installed_: Objects) -> list[Wanted]:
    """Where the public roles say that they are ready; nothing where no route leads to one.

    Args:
        contract: The paths.
        values: The installed ones.
        installed_: The installed objects: a route says who is public.
    """
    routed = {role_of(body) for key, body in installed_.items() if key.kind in _ROUTES}
    urls = {
        "web": values.get("appPublicUrl") or _https(values.get("appDomain")),
        "api": _https(values.get("apiDomain")),
    }
    return [
        Wanted(role, f"{str(urls[role]).rstrip('/')}{spec.health.ready}")
        for role, spec in contract.roles.items()
        if role in routed and urls.get(role)
    ]


_ROUTES = frozenset({"HTTPRoute", "Ingress"})


def _https(domain: object) -> str:
    return f"https://{domain}" if domain else ""


def services(contract: Contract, installed_: Objects) -> list[tuple[str, Body]]:
    """The roles that answer, each with its Service."""
    found = [
        (role_of(body), body)
        for key, body in installed_.items()
        if key.kind == "Service" and role_of(body) in contract.roles
    ]
    if not found:
        raise KubernetesError(
            "nothing that is installed answers", remedy="Only a worker: `invoke kubernetes.drift`."
        )
    return found


def _through(  # noqa: PLR0913, PLR0917 - one question
    cluster: Cluster,
    contract: Contract,
    role: str,
    service: Body,
    progress: Progress,
    seconds: float,
) -> list[Answer]:
    spec = next(item for name, item in contract.roles.items() if name == role)
    port = int((service.get("spec") or {})["ports"][0]["port"])
    with _forwarded(cluster, name_of(service), port) as local:
        wanted = Wanted(role, f"http://127.0.0.1:{local}{spec.health.ready}")
        return asking.wait([wanted], seconds, progress)


@contextmanager
def _forwarded(cluster: Cluster, service: str, port: int) -> Iterator[int]:
    """The service on a port of this machine, as long as the block lasts."""
    call = commands.forward(cluster.where, service, port)
    argv = cluster.argv(call)
    if cluster.echo:
        cluster.say(shlex.join(argv))
    with background(argv) as process:
        line = process.stdout.readline() if process.stdout else ""
        told = _FORWARDED.search(line)
        if told is None:
            code = process.wait()
            text = process.stderr.read() if process.stderr else ""
            done = Completed(tuple(argv), code, line, text)
            raise refusals.error(call, done, cluster.where)
        yield int(told[1])
