"""Probes: what kills asks whether a process lives, what gates asks whether it is ready."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Hosted, Rule, View
    from hostwright.contract.models import Role
    from hostwright.helm.manifest import Container

CHECKS = {
    "probe-missing": "whatever stays up is asked whether it started, lives and is ready",
    "probe-port": "probes ask a port that the container has",
    "probes-identical": "what kills and what gates ask different things",
    "probe-delayed": "a startup probe waits, and no fixed delay",
    "probe-hasty": "a busy node is no reason to kill",
}
STARTUP, LIVENESS, READINESS = "startupProbe", "livenessProbe", "readinessProbe"
_WHY = {
    STARTUP: "a slow start is killed",
    LIVENESS: "nothing notices that it hangs",
    READINESS: "requests reach it before it can answer",
}
_HANDLERS = ("httpGet", "tcpSocket", "grpc", "exec")
#: Seconds that a command gets at least: starting an interpreter takes several on a busy node.
LEAST_TIMEOUT = 10
#: What Kubernetes takes where a probe does not say.
_PERIOD, _FAILURES, _TIMEOUT = 10, 3, 1


class Probe(NamedTuple):
    """One probe of a role's container."""

    hosted: Hosted
    container: Container
    key: str
    body: Mapping[str, Any]

    @property
    def kills(self) -> bool:
        """Whether failing it ends the container."""
        return self.key != READINESS

    @property
    def handler(self) -> str:
        """How it asks; empty if it does not say."""
        return next((name for name in _HANDLERS if name in self.body), "")

    @property
    def asked(self) -> Mapping[str, Any]:
        """What it asks."""
        return self.body.get(self.handler) or {}

    @property
    def shown(self) -> str:
        """What it asks, for people."""
        if self.handler == "exec":
            return f"`{shlex.join(self.words)}`"
        return str(self.asked.get("path") or self.handler)

    @property
    def words(self) -> list[str]:
        """The command that it runs."""
        return [str(word).replace("$$", "$") for word in self.asked.get("command") or ()]

    def finding(self, check: str, message: str, remedy: str) -> Finding:
        """A finding on it."""
        return told(check, self.container, f"its {self.key} {message}", remedy, self.key)


def _probes(view: View) -> Iterator[Probe]:
    """Every probe of every role."""
    for hosted in view.staying:
        if hosted.main is None:
            continue
        for key in (STARTUP, LIVENESS, READINESS):
            body = hosted.main.at(key)
            if body:
                yield Probe(hosted, hosted.main, key, body)


def missing(view: View) -> Iterator[Finding]:
    """Whatever stays up has its probes."""
    for hosted in view.staying:
        wanted = [STARTUP, LIVENESS, *([READINESS] if hosted.role.kind == "service" else [])]
        for key in wanted:
            if hosted.main and not hosted.main.at(key):
                what = f"has no {key}: {_WHY[key]}"
                yield told("probe-missing", hosted.main, what, f"Add a {key}.", key)


def asks(view: View) -> Iterator[Finding]:
    """Each probe asks what the contract says."""
    for probe in _probes(view):
        yield from _by_path(probe) if probe.hosted.role.health.live else _by_command(probe)


def _by_command(probe: Probe) -> Iterator[Finding]:
    wanted = list(probe.hosted.role.health.command)
    remedy = "Let it run the contract's health command."
    if probe.handler != "exec":
        what = f"asks a port ({probe.handler}), and the role has none"
        yield probe.finding("health-by-http", what, remedy)
    elif wanted and probe.words != wanted:
        what = f"runs {probe.shown}, and the contract says `{shlex.join(wanted)}`"
        yield probe.finding("healthcheck-differs", what, remedy)


def _by_path(probe: Probe) -> Iterator[Finding]:
    health, there = probe.hosted.role.health, probe.asked.get("path")
    if probe.kills and there == health.ready != health.live:
        what = f"asks {there}: an outage of a dependency kills every pod"
        yield probe.finding("health-kills-on-ready", what, f"Ask {health.live}.")
    elif probe.kills and there != health.live:
        what = f"asks {probe.shown}, and the contract says {health.live}"
        yield probe.finding("healthcheck-differs", what, f"Ask {health.live}.")
    elif not probe.kills and there != _gate(probe.hosted.role):
        what = f"asks {probe.shown}, and the contract says {_gate(probe.hosted.role)}"
        yield probe.finding("health-gate-differs", what, f"Ask {_gate(probe.hosted.role)}.")


def _gate(role: Role) -> str | None:
    return role.health.ready or role.health.live


def identical(view: View) -> Iterator[Finding]:
    """What kills asks less than what gates, where the contract has two paths."""
    for hosted in view.staying:
        if hosted.main is None or _gate(hosted.role) == hosted.role.health.live:
            continue
        gates, kills = ({**(hosted.main.at(key) or {})} for key in (READINESS, LIVENESS))
        if gates and all(gates.get(name) == kills.get(name) for name in _HANDLERS):
            what = "asks the same as its livenessProbe: whoever is not ready is killed"
            remedy = "Ask the ready path for readiness and the live path for liveness."
            probe = Probe(hosted, hosted.main, READINESS, gates)
            yield probe.finding("probes-identical", what, remedy)


def ports(view: View) -> Iterator[Finding]:
    """Probes ask a port that the container has; without one they fail for ever."""
    for probe in _probes(view):
        if probe.handler not in {"httpGet", "tcpSocket", "grpc"}:
            continue
        there = probe.container.body.get("ports") or ()
        known = {port.get(key) for port in there for key in ("name", "containerPort")}
        if probe.asked.get("port") not in known:
            what = f"asks port {probe.asked.get('port')}, which the container does not have"
            yield probe.finding("probe-port", what, "Ask a port of the container by its name.")


def delays(view: View) -> Iterator[Finding]:
    """A fixed delay is too long for a fast start, and too short for a slow one."""
    for probe in _probes(view):
        if probe.body.get("initialDelaySeconds"):
            what = f"waits {probe.body['initialDelaySeconds']} s whatever happens"
            remedy = "Remove initialDelaySeconds: the startupProbe waits as long as it takes."
            yield probe.finding("probe-delayed", what, remedy)


def start(view: View) -> Iterator[Finding]:
    """A role gets the time to start that the contract gives it."""
    for probe in _probes(view):
        if probe.key != STARTUP:
            continue
        given = _number(probe, "periodSeconds", _PERIOD) * _number(
            probe, "failureThreshold", _FAILURES
        )
        needed = probe.hosted.role.start_seconds
        if given < needed:
            what = f"kills it after {given} s, and the contract gives it {needed} s to start"
            remedy = "Raise failureThreshold."
            yield probe.finding("start-too-short", what, remedy)


def patience(view: View) -> Iterator[Finding]:
    """Neither one slow answer nor a slow interpreter is a reason to kill."""
    for probe in _probes(view):
        timeout = _number(probe, "timeoutSeconds", _TIMEOUT)
        if probe.handler == "exec" and timeout < LEAST_TIMEOUT:
            what = f"gives a command {timeout} s: a busy node kills what works"
            remedy = f"Set timeoutSeconds to {LEAST_TIMEOUT} or more."
            yield probe.finding("probe-hasty", what, remedy)
        if probe.key == LIVENESS and _number(probe, "failureThreshold", _FAILURES) < 2:  # noqa: PLR2004
            what = "kills at the first answer that is late"
            yield probe.finding("probe-hasty", what, "Set failureThreshold to 2 or more.")


def _number(probe: Probe, key: str, default: int) -> int:
    return int(probe.body.get(key) or default)


RULES: tuple[Rule, ...] = (
    missing,
    asks,
    identical,
    ports,
    delays,
    start,
    patience,
)
