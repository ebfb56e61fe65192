"""What keeps a container going and within bounds: health, restarts, limits, logs, its stop."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from hostwright.checks.compose.told import ServiceRule, of_service
from hostwright.render.project import plain, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Contract, Role
    from hostwright.render.project import Project, Service

#: Compose's own, where a service says nothing.
DEFAULT_STOP = "10s"
#: Seconds that a store needs at least to bring its data to rest.
STORE_STOP_SECONDS = 30
STORES = frozenset({"postgres", "redis"})
RESTARTS = frozenset({"always", "unless-stopped"})
LIMITS = ("memory", "cpus", "pids")
LOG_OPTIONS = {"json-file": ("max-size", "max-file"), "local": ("max-size",)}


def role_of(contract: Contract, service: Service) -> Role | None:
    """The contract's role that *service* is, if it is one."""
    return next((role for name, role in contract.roles.items() if name == service.role), None)


def is_job(contract: Contract, service: Service) -> bool:
    """Whether the service runs to an end."""
    role = role_of(contract, service)
    return role is not None and role.kind == "job"


def health(contract: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Whatever stays up has a health check, and a role's asks what the contract says."""
    if is_job(contract, service):
        return
    check = service.data.get("healthcheck") or {}
    test = [plain(str(word)) for word in check.get("test") or []]
    if check.get("disable") or not test or test[0] == "NONE":
        yield of_service(
            project,
            service,
            "healthcheck-missing",
            "has no health check: nothing waits for it, nothing notices that it hangs",
            "Add a healthcheck.",
            "healthcheck",
        )
        return
    role = role_of(contract, service)
    fault = _health_fault(role, test) if role else None
    if fault:
        yield of_service(project, service, *fault, "healthcheck", "test")


def _health_fault(role: Role, test: list[str]) -> tuple[str, str, str] | None:
    shown = " ".join(test[1:])
    if role.health.command:
        wanted = shlex.join(role.health.command)
        right = shown == wanted or test[1:] == list(role.health.command)
        what = f"its health check runs `{shown}`, and the contract says `{wanted}`"
    elif role.health.ready in test:
        right = False
        what = f"its health check asks {role.health.ready}, so an outage of a dependency kills it"
    else:
        wanted = f"port {role.port}, path {role.health.live}"
        right = str(role.port) in test and role.health.live in test
        what = f"its health check is `{shown}`, and the contract says {wanted}"
    remedy = "Let it ask the live path, as contract.yaml has it."
    return None if right else ("healthcheck-differs", what, remedy)


def restart(contract: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Whatever stays up comes back by itself; a job does not run twice."""
    policy = str(service.data.get("restart") or "no")
    if is_job(contract, service):
        if policy in RESTARTS:
            yield of_service(
                project,
                service,
                "restart-policy",
                f"is a job, but restart is {policy}: it would run for ever",
                'Set restart: "no".',
                "restart",
            )
    elif policy not in RESTARTS:
        yield of_service(
            project,
            service,
            "restart-policy",
            f"does not come back after a crash or a reboot (restart is {policy})",
            "Set restart: unless-stopped.",
            "restart",
        )


def limits(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """Memory, processor and processes are bounded."""
    deploy = service.data.get("deploy") or {}
    limited = {**((deploy.get("resources") or {}).get("limits") or {})}
    limited.setdefault("memory", service.data.get("mem_limit"))
    limited.setdefault("pids", service.data.get("pids_limit"))
    for name in LIMITS:
        if not limited.get(name):
            yield of_service(
                project,
                service,
                "limit-missing",
                f"has no limit of {name}: it can starve everything else on the server",
                f"Set deploy.resources.limits.{name}.",
                "deploy",
                "resources",
                "limits",
            )


def logs(_: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """The log cannot fill the disk."""
    logging = service.data.get("logging") or {}
    driver = str(logging.get("driver") or "json-file")
    options = logging.get("options") or {}
    if driver not in LOG_OPTIONS:
        what, remedy = f"its log driver is {driver}", "Use json-file or local, with limits."
    else:
        missing = [name for name in LOG_OPTIONS[driver] if not options.get(name)]
        if not missing:
            return
        what = f"its log has no {' and no '.join(missing)}: it fills the disk"
        remedy = f"Set logging.options.{missing[0]}."
    yield of_service(project, service, "log-unbounded", what, remedy, "logging", "options")


def stop(contract: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """A service gets the time to stop that it needs."""
    role = role_of(contract, service)
    if role and role.kind != "job":
        needed, source = role.stop_seconds, "the contract gives it"
    elif service.role in STORES:
        needed, source = STORE_STOP_SECONDS, "bringing its data to rest takes up to"
    else:
        return
    given = str(service.data.get("stop_grace_period") or DEFAULT_STOP)
    if seconds(given) < needed:
        yield of_service(
            project,
            service,
            "stop-too-short",
            f"is killed {given} after it was asked to stop; {source} {needed} s",
            f"Set stop_grace_period: {needed}s or more.",
            "stop_grace_period",
        )


def command(contract: Contract, project: Project, service: Service) -> Iterator[Finding]:
    """A role runs the contract's command."""
    role = role_of(contract, service)
    if role is None:
        return
    wanted = list(role.commands.up if role.commands else role.command)
    if wanted and service.words("command") != wanted:
        yield of_service(
            project,
            service,
            "command-differs",
            f"runs `{shlex.join(service.words('command'))}`, and the contract says "
            f"`{shlex.join(wanted)}`",
            "Let the default of its command be the contract's.",
            "command",
        )


RULES: tuple[ServiceRule, ...] = (health, restart, limits, logs, stop, command)
