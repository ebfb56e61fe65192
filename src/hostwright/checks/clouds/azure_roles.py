"""What each role runs as on Container Apps: its secrets, health, size, exposure and image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.clouds.azure_planned import APP, IDENTITY, JOB
from hostwright.render.clouds.azure import env_of, role_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.clouds.azure_planned import Planned, Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Json, Resource

CHECKS = {
    "role-untagged": "what runs a role says which",
    "secret-name-grammar": "secrets have names that the platform takes",
    "secret-unresolved": "a container refers to secrets that are there",
    "secret-fetch-identity": "secrets are fetched by an identity that can have the right to",
    "secret-not-a-reference": "a container's secrets are references, not values",
    "secret-version-fixed": "a secret that is written anew reaches the roles",
    "identity-shared": "each role has an identity of its own",
    "cpu-memory-pair": "processor and memory are a pair that the platform has",
    "instances-too-few": "a role always runs; in production what answers runs twice",
    "health-missing": "what answers requests is asked whether it lives and is ready",
    "health-kills-on-ready": "what kills asks whether the process lives, and nothing more",
    "health-gates-on-live": "what gates requests asks whether the role is ready",
    "health-port": "health is asked at the role's own port",
    "health-by-http": "what has no port is not asked over HTTP",
    "health-limit": "probes have intervals and thresholds that the platform takes",
    "start-too-short": "whatever starts gets the time it needs",
    "exposure-differs": "public is what the contract says, and nothing else",
    "ingress-port": "requests go to the role's own port",
    "ingress-insecure": "requests come in over TLS",
    "handover-split": "the newest revision gets every request",
    "registry-ignored": "a private registry is logged in to",
    "migration-repeats": "a migration runs once, in the time it has",
}
#: The pairs of Consumption: a quarter to four processors, each with 2 GiB.
LEAST_CPU, MOST_CPU, GIB_OF_CPU = 0.25, 4.0, 2.0
#: Least instances in production of what answers requests: one may always be on its way.
LEAST_IN_PRODUCTION = 2
#: Longest that the platform waits for a stop, in seconds.
LONGEST_STOP = 600
#: Most failures that each probe may wait for, and its path in a container.
THRESHOLDS = {"startup_probe": 240, "liveness_probe": 30, "readiness_probe": 48}
LONGEST_INTERVAL = 240
KILLING = ("startup_probe", "liveness_probe")
#: What the provider takes where nothing is set.
INTERVAL, FAILURES = 10, 3

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")
_MEMORY = re.compile(r"([0-9.]+)Gi")


def tagged(planned: Planned) -> Iterator[Finding]:
    """Every app and job says which role it runs."""
    for resource in planned.compute:
        if not role_of(resource):
            yield planned.finding(
                "role-untagged",
                resource.address,
                f"{resource.address} runs a container, and no tag says which role",
                'Tag it: tags = merge(local.tags, { role = "…" }).',
            )


# --- secrets -----------------------------------------------------------------------------------


def secret_names(planned: Planned) -> Iterator[Finding]:
    """Secrets of apps have names of the platform's grammar: DATABASE_URL is database-url."""
    grammar = re.compile(planned.contract.targets["azure"].secret_name)
    for resource in planned.compute:
        for name in secrets_of(resource):
            if not grammar.fullmatch(name):
                yield planned.finding(
                    "secret-name-grammar",
                    resource.address,
                    f"names a secret {name}, which Container Apps refuses: {grammar.pattern}",
                    'Name it in lower case with dashes: lower(replace(name, "_", "-")).',
                    role_of(resource),
                    name,
                )


def secrets_there(planned: Planned) -> Iterator[Finding]:
    """Whatever a container or a registry refers to is among the app's secrets."""
    for resource in planned.compute:
        known = secrets_of(resource)
        for variable, name in _referred(resource):
            if name not in known:
                yield planned.finding(
                    "secret-unresolved",
                    resource.address,
                    f"refers to the secret {name}, which this app does not have",
                    "Give the app that secret, under the same name.",
                    role_of(resource),
                    variable,
                )


def _referred(resource: Resource) -> Iterator[tuple[str, str]]:
    for item in env_of(resource):
        if item.get("secret_name"):
            yield str(item["name"]), str(item["secret_name"])
    for registry in resource.get("registry") or []:
        if registry.get("password_secret_name"):
            yield "registry_password", str(registry["password_secret_name"])


def secret_identities(planned: Planned) -> Iterator[Finding]:
    """References are read by an identity of the app's that exists before the app does."""
    for resource in planned.compute:
        for name, secret in secrets_of(resource).items():
            told = _identity_fault(planned, resource, secret)
            if told:
                yield planned.finding(
                    "secret-fetch-identity",
                    resource.address,
                    told,
                    "Read it by the role's user-assigned identity, which is among identity_ids.",
                    role_of(resource),
                    _variable(resource, name),
                )


def _identity_fault(planned: Planned, resource: Resource, secret: Mapping[str, Json]) -> str:
    identity = str(secret.get("identity") or "")
    if not secret.get("key_vault_secret_id"):
        return ""
    if identity == "System":
        return (
            "is read by the app's system identity, which exists only once the app does: it can "
            "have no right before, and the app is refused"
        )
    held = resource.get("identity.0.identity_ids") or []
    if identity not in held or not planned.named(identity):
        return f"is read by {identity or 'no identity'}, which the app does not have"
    return ""


def secret_values(planned: Planned) -> Iterator[Finding]:
    """A secret is a reference to the vault: a value would lie in the state."""
    for resource in planned.compute:
        for name, secret in secrets_of(resource).items():
            if secret.get("value") is not None:
                yield planned.finding(
                    "secret-not-a-reference",
                    resource.address,
                    f"the app's secret {name} holds its value, which the state keeps",
                    "Refer to the vault: key_vault_secret_id and identity instead of value.",
                    role_of(resource),
                    _variable(resource, name),
                )


def secret_versions(planned: Planned) -> Iterator[Finding]:
    """References name no version: the provider plans the old one when a secret is written anew."""
    for resource in planned.compute:
        for name, secret in secrets_of(resource).items():
            reference = str(secret.get("key_vault_secret_id") or "")
            if planned.named(reference) and not reference.endswith(".versionless_id}"):
                yield planned.finding(
                    "secret-version-fixed",
                    resource.address,
                    "refers to one version of its secret, and the provider learns of the next "
                    "one only after the apply that wrote it",
                    "Refer to versionless_id; raising secrets_version makes a new revision.",
                    role_of(resource),
                    _variable(resource, name),
                )


def _variable(resource: Resource, secret: str) -> str:
    """The variable that an app's secret arrives in; its own name where it is none's."""
    found = (str(item["name"]) for item in env_of(resource) if item.get("secret_name") == secret)
    return next(found, secret)


def identities(planned: Planned) -> Iterator[Finding]:
    """Each role has one identity, its own."""
    owners: dict[str, str] = {}
    for resource in planned.compute:
        role = role_of(resource)
        held = [str(item) for item in resource.get("identity.0.identity_ids") or []]
        shared = [item for item in held if owners.setdefault(item, role) != role]
        if shared or len(held) != 1 or resource.get("identity.0.type") != "UserAssigned":
            told = (
                f"runs as the identity of {owners[shared[0]]}"
                if shared
                else "does not run as exactly one user-assigned identity"
            )
            yield planned.finding(
                "identity-shared",
                resource.address,
                f"{told}: rights could not be given to this role alone",
                f"Give it {IDENTITY}.role[…] of its own.",
                role,
            )


# --- sizes -------------------------------------------------------------------------------------


def sizes(planned: Planned) -> Iterator[Finding]:
    """Processor and memory are a pair that Consumption has."""
    for resource in planned.compute:
        for index, container in enumerate(resource.get("template.0.container") or []):
            cpu, memory = container.get("cpu"), str(container.get("memory"))
            if not _is_pair(cpu, memory):
                yield planned.finding(
                    "cpu-memory-pair",
                    resource.address,
                    f"container {index} has {cpu} CPUs with {memory}: Container Apps takes "
                    f"{LEAST_CPU} to {MOST_CPU:g} CPUs in steps of {LEAST_CPU}, with 2Gi for each",
                    "Choose memory = 2Gi x cpu.",
                    role_of(resource),
                )


def _is_pair(cpu: Json, memory: str) -> bool:
    match = _MEMORY.fullmatch(memory)
    if not match or not isinstance(cpu, (int, float)):
        return False
    steps = cpu / LEAST_CPU
    return (
        LEAST_CPU <= cpu <= MOST_CPU and steps == int(steps) and float(match[1]) == cpu * GIB_OF_CPU
    )


def instances(planned: Planned) -> Iterator[Finding]:
    """No app goes down to nothing, and in production what answers has a second instance."""
    for app in planned.plan.of_type(APP):
        role = planned.of_role(app)
        service = role is not None and role.kind == "service"
        least = LEAST_IN_PRODUCTION if service and planned.production else 1
        has = app.get("template.0.min_replicas") or 0
        if has < least:
            yield planned.finding(
                "instances-too-few",
                app.address,
                f"may go down to {has} instances; {least} must always run",
                f"Set min_replicas to {least} or more.",
                role_of(app),
            )


# --- health ------------------------------------------------------------------------------------


def _probe(app: Resource, name: str) -> Mapping[str, Json] | None:
    found: Mapping[str, Json] | None = app.get(f"template.0.container.0.{name}.0")
    return found


def health_there(planned: Planned) -> Iterator[Finding]:
    """A service has all three probes: left out, Container Apps asks only whether a port is open."""
    for app, _ in planned.services:
        for name in THRESHOLDS:
            if _probe(app, name) is None:
                yield planned.finding(
                    "health-missing",
                    app.address,
                    f"has no {name}",
                    f"Add it, with path and port of local.contract.roles.{role_of(app)}.",
                    role_of(app),
                    name,
                )


def health_paths(planned: Planned) -> Iterator[Finding]:
    """What kills looks at the live path, what gates at the ready path."""
    for app, role in planned.services:
        for name in THRESHOLDS:
            probe = _probe(app, name)
            wanted = role.health.live if name in KILLING else role.health.ready
            if probe is None or probe.get("path") == wanted:
                continue
            yield planned.finding(
                "health-kills-on-ready" if name in KILLING else "health-gates-on-live",
                app.address,
                f"{name} asks {probe.get('path')}, not {wanted}: {_consequence(name)}",
                f"Take path from local.contract.roles[…].health.{_word(name)}.",
                role_of(app),
                name,
            )


def _word(probe: str) -> str:
    return "live" if probe in KILLING else "ready"


def _consequence(probe: str) -> str:
    if probe in KILLING:
        return "it would kill every instance when something that they depend on is down"
    return "requests would reach an instance that cannot serve them"


def health_ports(planned: Planned) -> Iterator[Finding]:
    """Probes ask the port that the role listens on."""
    for app, role in planned.services:
        for name in THRESHOLDS:
            probe = _probe(app, name)
            if probe is not None and probe.get("port") != role.port:
                yield planned.finding(
                    "health-port",
                    app.address,
                    f"{name} asks port {probe.get('port')}; the role listens on {role.port}",
                    "Take port from local.contract.roles[…].port.",
                    role_of(app),
                    name,
                )


def health_without_port(planned: Planned) -> Iterator[Finding]:
    """A role without a port is not asked over one: every instance would be killed."""
    for resource in planned.compute:
        role = planned.of_role(resource)
        asked = [name for name in THRESHOLDS if _probe(resource, name) is not None]
        if role is not None and role.port is None and asked:
            yield planned.finding(
                "health-by-http",
                resource.address,
                f"is asked by {', '.join(asked)}, but listens on no port",
                "Remove the probe: Container Apps cannot ask by a command.",
                role_of(resource),
            )


def health_limits(planned: Planned) -> Iterator[Finding]:
    """Intervals and thresholds are what the platform takes."""
    for app, _ in planned.services:
        for name, most in THRESHOLDS.items():
            interval, failures = _patience(_probe(app, name) or {})
            if interval > LONGEST_INTERVAL or failures > most:
                yield planned.finding(
                    "health-limit",
                    app.address,
                    f"{name} waits for {failures} failures, {interval} seconds apart: the platform "
                    f"takes {most} and {LONGEST_INTERVAL} at most",
                    "Ask less often rather than more times.",
                    role_of(app),
                    name,
                )


def _patience(probe: Mapping[str, Json]) -> tuple[int, int]:
    """Interval and failures of a probe."""
    interval, failures = probe.get("interval_seconds"), probe.get("failure_count_threshold")
    return int(interval or INTERVAL), int(failures or FAILURES)


def start_time(planned: Planned) -> Iterator[Finding]:
    """The start-up probe waits as long as the role may take."""
    for app, role in planned.services:
        probe = _probe(app, "startup_probe")
        if probe is None:
            continue
        interval, failures = _patience(probe)
        if interval * failures < role.start_seconds:
            yield planned.finding(
                "start-too-short",
                app.address,
                f"is killed {interval * failures} seconds after its start; it may take "
                f"{role.start_seconds}",
                "Let interval_seconds x failure_count_threshold cover start_seconds.",
                role_of(app),
                "startup_probe",
            )


def stop_time(planned: Planned) -> Iterator[Finding]:
    """Instances are given the time to stop that the contract says."""
    for app in planned.plan.of_type(APP):
        role = planned.of_role(app)
        has = app.get("template.0.termination_grace_period_seconds") or 0
        if role is not None and not role.stop_seconds <= has <= LONGEST_STOP:
            yield planned.finding(
                "stop-too-short",
                app.address,
                f"is killed {has} seconds after it was told to stop; it may take "
                f"{role.stop_seconds}",
                "Set termination_grace_period_seconds to the role's stop_seconds.",
                role_of(app),
            )


# --- what runs, and who reaches it -------------------------------------------------------------


def commands(planned: Planned) -> Iterator[Finding]:
    """Each role runs the contract's command."""
    for resource in planned.compute:
        role = planned.of_role(resource)
        has = tuple(resource.get("template.0.container.0.command") or ())
        if role is not None and role.command and has != role.command:
            yield planned.finding(
                "command-differs",
                resource.address,
                f"runs {' '.join(has) or 'the image its own way'}; the contract says "
                f"{' '.join(role.command)}",
                "Take command from local.contract.roles[…].command.",
                role_of(resource),
            )


def images(planned: Planned) -> Iterator[Finding]:
    """Images are digests."""
    for resource in planned.compute:
        image = str(resource.get("template.0.container.0.image"))
        if not _PINNED.search(image) and "${" not in image:
            yield planned.finding(
                "image-unpinned",
                resource.address,
                f"runs {image}, which names no digest: a tag can move",
                "Take image from local.images[…].",
                role_of(resource),
            )


def exposure(planned: Planned) -> Iterator[Finding]:
    """Public is what the contract calls public, and what has a domain where it is optional."""
    for app in planned.plan.of_type(APP):
        role = planned.of_role(app)
        if role is None:
            continue
        ingress, public = app.get("ingress.0"), bool(app.get("ingress.0.external_enabled"))
        wanted = role.exposure == "public" or (
            role.exposure == "optional" and planned.input("api_domain") is not None
        )
        if public != wanted or (ingress is not None) != (role.kind == "service"):
            told = "is reachable" if ingress is not None else "is not reachable"
            yield planned.finding(
                "exposure-differs",
                app.address,
                f"{told}{' from everywhere' if public else ''}; the contract says "
                f"{role.kind}, exposure {role.exposure}",
                "Take external_enabled from local.exposed[…]; a worker has no ingress.",
                role_of(app),
            )


def ingress(planned: Planned) -> Iterator[Finding]:
    """Requests come in over TLS and go to the role's port."""
    for app, role in planned.services:
        found = app.get("ingress.0") or {}
        if found and found.get("target_port") != role.port:
            yield planned.finding(
                "ingress-port",
                app.address,
                f"sends requests to port {found.get('target_port')}, not to {role.port}",
                "Take target_port from local.contract.roles[…].port.",
                role_of(app),
                "PORT",
            )
        if found.get("allow_insecure_connections"):
            yield planned.finding(
                "ingress-insecure",
                app.address,
                "answers plain HTTP: sessions can be read on the way",
                "Set allow_insecure_connections = false: plain HTTP is redirected then.",
                role_of(app),
            )


def handover(planned: Planned) -> Iterator[Finding]:
    """One revision at a time, and all requests to the newest."""
    for app in planned.plan.of_type(APP):
        weights = app.get("ingress.0.traffic_weight") or []
        whole = all(item.get("latest_revision") for item in weights)
        if app.get("revision_mode") != "Single" or not whole:
            yield planned.finding(
                "handover-split",
                app.address,
                "keeps several revisions at work, or sends requests to an old one: a deploy "
                "would not replace what runs",
                'Set revision_mode = "Single" and latest_revision = true.',
                role_of(app),
            )


def registries(planned: Planned) -> Iterator[Finding]:
    """The private registry that was given is logged in to, by a secret."""
    server = planned.input("registry_server")
    for resource in planned.compute if server else ():
        held = resource.get("registry") or []
        if not any(
            item.get("server") == server and item.get("password_secret_name") for item in held
        ):
            yield planned.finding(
                "registry-ignored",
                resource.address,
                f"does not log in to {server}, though registry_server says so: no image is pulled",
                "Add the registry block, with password_secret_name.",
                role_of(resource),
                "registry_server",
            )


def migration(planned: Planned) -> Iterator[Finding]:
    """The job runs once, by hand, and ends when its time is over."""
    for job in planned.plan.of_type(JOB):
        role = planned.of_role(job)
        seconds = role.timeout_seconds if role else None
        once = (
            not job.get("replica_retry_limit")
            and job.get("manual_trigger_config.0.parallelism") == 1
            and job.get("manual_trigger_config.0.replica_completion_count") == 1
        )
        if not once or job.get("replica_timeout_in_seconds") != seconds:
            yield planned.finding(
                "migration-repeats",
                job.address,
                "may be repeated or run beside itself, or its time is not the contract's",
                "Use manual_trigger_config with 1 and 1, replica_retry_limit = 0, and the role's "
                "timeout_seconds.",
                role_of(job),
            )


RULES: tuple[Rule, ...] = (
    tagged,
    secret_names,
    secrets_there,
    secret_identities,
    secret_values,
    secret_versions,
    identities,
    sizes,
    instances,
    health_there,
    health_paths,
    health_ports,
    health_without_port,
    health_limits,
    start_time,
    stop_time,
    commands,
    images,
    exposure,
    ingress,
    handover,
    registries,
    migration,
)
