"""What runs the roles on Cloud Run: kinds, commands, sizes, health, addresses and images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hostwright.checks.clouds.gcp_view import View, container, template
from hostwright.checks.clouds.gcp_view import referred as address_in
from hostwright.render.clouds import gcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.gcp_view import Rule
    from hostwright.checks.finding import Finding
    from hostwright.contract.models import Role
    from hostwright.terraform.plan import Resource

CHECKS = {
    "role-kind-differs": "each kind of role is run by what fits it",
    "reserved-variable": "no container is given a variable that Cloud Run sets",
    "port-differs": "services listen on the contract's ports",
    "cpu-memory-pair": "CPU and memory are a pair that the platform has",
    "cpu-throttled": "services keep their CPU between requests",
    "instances-too-few": "every role that stays up has as many instances as its profile asks for",
    "instances-unbounded": "instances of all revisions together are bounded",
    "health-kills-on-ready": "what kills looks at the live path",
    "health-gate-differs": "what gates looks at the ready path",
    "start-too-short": "a role gets the time it needs to start",
    "job-timeout-differs": "the job gets the contract's time",
    "job-retried": "a failed migration is not run again by itself",
    "egress-not-private": "roles reach the stores through the subnet made for them",
    "starts-before-grant": "nothing is deployed before its secrets can be read",
    "registry-ignored": "images of the private registry are pulled through the remote repository",
}
#: What runs each kind of role.
KINDS = {
    "service": "google_cloud_run_v2_service",
    "worker": "google_cloud_run_v2_worker_pool",
    "job": "google_cloud_run_v2_job",
}
#: CPU to the least and most MiB with it.
MEMORY = {
    "1": (512, 4096),
    "2": (512, 8192),
    "4": (2048, 16384),
    "6": (4096, 24576),
    "8": (4096, 32768),
}
#: Prefixes of names that Cloud Run keeps to itself, besides those that the contract lists.
RESERVED = ("K_", "CLOUD_RUN_", "X_GOOGLE_")
#: Most seconds that Cloud Run waits for a start.
LONGEST_START = 240
_MEMORY = re.compile(r"(\d+)(Mi|Gi)")


def kind(view: View) -> Iterator[Finding]:
    """A worker run as a service sleeps between requests that never come."""
    for resource, name, role in view.compute:
        if resource.type != KINDS[role.kind]:
            yield view.finding(
                "role-kind-differs",
                resource,
                f"the contract's {role.kind} is run by a {resource.type}",
                f"Run it by a {KINDS[role.kind]}.",
                role=name,
            )


def reserved(view: View) -> Iterator[Finding]:
    """The API answers 400 to these, at apply; nothing before says so."""
    listed = view.contract.targets["gcp"].reserved
    for resource in gcp.compute(view.plan):
        for block in gcp.env(resource):
            name = str(block.get("name"))
            if name in listed or name.startswith(RESERVED):
                yield view.finding(
                    "reserved-variable",
                    resource,
                    "is set by Cloud Run, which refuses a deployment that sets it",
                    "Remove it; container_port decides the port.",
                    variable=name,
                )


def command(view: View) -> Iterator[Finding]:
    """Command and arguments together are the contract's command."""
    for resource, name, role in view.compute:
        words = (*(container(resource, "command") or ()), *(container(resource, "args") or ()))
        if words != role.command:
            yield view.finding(
                "command-differs",
                resource,
                f"runs {' '.join(words) or 'what the image says'}, not {' '.join(role.command)}",
                "Take command and args from local.commands and local.arguments.",
                role=name,
                variable="command",
            )


def port(view: View) -> Iterator[Finding]:
    """Cloud Run tells the process its port by container_port."""
    for resource, name, role in view.services:
        there = container(resource, "ports.0.container_port")
        if there != role.port:
            yield view.finding(
                "port-differs",
                resource,
                f"listens on {there}, the contract says {role.port}",
                "Take container_port from local.contract.roles.",
                role=name,
                variable="container_port",
            )


def size(view: View) -> Iterator[Finding]:
    """Cloud Run has 1, 2, 4, 6 and 8 CPUs, each with a range of memory."""
    for resource, name, _ in view.compute:
        limits = container(resource, "resources.0.limits") or {}
        cpu, memory = str(limits.get("cpu")), str(limits.get("memory"))
        least, most = MEMORY.get(cpu, (0, -1))
        if not least <= _mib(memory) <= most:
            yield view.finding(
                "cpu-memory-pair",
                resource,
                f"has {cpu} CPU with {memory}, which Cloud Run does not offer",
                "Take 1, 2, 4, 6 or 8 CPUs; 4 need 2 Gi, 6 and 8 need 4 Gi.",
                role=name,
                variable="limits",
            )


def _mib(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    return int(found[1]) * (1024 if found[2] == "Gi" else 1) if found else 0


def cpu_between_requests(view: View) -> Iterator[Finding]:
    """With ``resources`` given and cpu_idle left out, the provider decides; so it is said."""
    for resource, name, _ in view.services:
        if container(resource, "resources.0.cpu_idle") is not False:
            yield view.finding(
                "cpu-throttled",
                resource,
                "has no CPU between requests: connections and timers stand still",
                "Set cpu_idle = false.",
                role=name,
                variable="cpu_idle",
            )


def instances(view: View) -> Iterator[Finding]:
    """Two instances of a service in production, one elsewhere; a worker always runs."""
    for resource, name, role in view.compute:
        if role.kind == "job":
            continue
        wanted = 2 if view.production and role.kind == "service" else 1
        has = _least(resource)
        if not isinstance(has, int) or has < wanted:
            yield view.finding(
                "instances-too-few",
                resource,
                f"keeps {has if isinstance(has, int) else 'no'} instance running, not {wanted}",
                f"Let local.min_instances decide: it is {wanted} in this profile.",
                role=name,
                variable="scaling",
            )


def _least(resource: Resource) -> object:
    if resource.type == KINDS["worker"]:
        manual = resource.get("scaling.0.scaling_mode") == "MANUAL"
        return resource.get("scaling.0.manual_instance_count") if manual else None
    return resource.get("scaling.0.min_instance_count")


def most_instances(view: View) -> Iterator[Finding]:
    """A ceiling per revision doubles while a deployment has two of them."""
    for resource, name, _ in view.services:
        if not isinstance(resource.get("scaling.0.max_instance_count"), int):
            yield view.finding(
                "instances-unbounded",
                resource,
                "may have any number of instances while two revisions run",
                "Set max_instance_count in the service's own scaling block.",
                role=name,
                variable="max_instance_count",
            )


def what_kills(view: View) -> Iterator[Finding]:
    """Startup and liveness probes restart a container: they ask for nothing but life."""
    for resource, name, role in view.services:
        for probe in ("startup_probe", "liveness_probe"):
            path = container(resource, f"{probe}.0.http_get.0.path")
            if path != role.health.live:
                yield view.finding(
                    "health-kills-on-ready",
                    resource,
                    f"{probe} asks {path or 'nothing'}: a store's outage must restart no instance",
                    f"Let it ask {role.health.live}, the contract's live path.",
                    role=name,
                    variable=probe,
                )


def what_gates(view: View) -> Iterator[Finding]:
    """The readiness probe only takes an instance out of traffic."""
    for resource, name, role in view.services:
        path = container(resource, "readiness_probe.0.http_get.0.path")
        if path != role.health.ready:
            yield view.finding(
                "health-gate-differs",
                resource,
                f"readiness_probe asks {path or 'nothing'}: who cannot answer is asked, too",
                f"Let it ask {role.health.ready}, the contract's ready path.",
                role=name,
                variable="readiness_probe",
            )


def start(view: View) -> Iterator[Finding]:
    """Tries times their distance is the time to start."""
    for resource, name, role in view.services:
        probe = container(resource, "startup_probe.0") or {}
        seconds = _number(probe.get("period_seconds"), 10) * _number(
            probe.get("failure_threshold"), 3
        )
        if not role.start_seconds <= seconds <= LONGEST_START:
            yield view.finding(
                "start-too-short",
                resource,
                f"has {seconds} s to start, not {role.start_seconds} to {LONGEST_START}",
                "Derive failure_threshold from start_seconds in contract.json.",
                role=name,
                variable="startup_probe",
            )


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def jobs(view: View) -> Iterator[Finding]:
    """A migration runs once, for as long as the contract allows."""
    for resource, name, role in view.compute:
        if resource.type == KINDS["job"]:
            yield from _job(view, resource, name, role)


def _job(view: View, resource: Resource, name: str, role: Role) -> Iterator[Finding]:
    wanted, there = f"{role.timeout_seconds}s", template(resource, "timeout")
    if there != wanted:
        yield view.finding(
            "job-timeout-differs",
            resource,
            f"is stopped after {there}, the contract says {wanted}",
            "Take timeout from timeout_seconds in contract.json.",
            role=name,
            variable="timeout",
        )
    retries = template(resource, "max_retries")
    if retries != 0:
        yield view.finding(
            "job-retried",
            resource,
            f"is run again {3 if retries is None else retries} times on what a failure left",
            "Set max_retries = 0.",
            role=name,
            variable="max_retries",
        )


def egress(view: View) -> Iterator[Finding]:
    """Direct VPC egress, of private addresses alone: all else would need a NAT."""
    for resource, name, _ in view.compute:
        access: dict[str, Any] = template(resource, "vpc_access.0") or {}
        interface: dict[str, Any] = next(iter(access.get("network_interfaces") or []), {})
        there = address_in(interface.get("subnetwork"))
        if access.get("egress") != "PRIVATE_RANGES_ONLY" or not there:
            yield view.finding(
                "egress-not-private",
                resource,
                f"sends {access.get('egress') or 'nothing'} through {there or 'no subnet of ours'}",
                'Set egress = "PRIVATE_RANGES_ONLY", with the run subnet in network_interfaces.',
                role=name,
                variable="vpc_access",
            )


def order(view: View) -> Iterator[Finding]:
    """The first instance fails, and with it the apply, if its secrets cannot be read yet."""
    for resource, name, _ in view.compute:
        waits = " ".join(view.depends_on(resource))
        uses = any(gcp.secret_key(block) for block in gcp.env(resource))
        if uses and "google_secret_manager_secret_iam_member." not in waits:
            yield view.finding(
                "starts-before-grant",
                resource,
                "does not wait for the grants of its secrets: the first apply is a race",
                "Add google_secret_manager_secret_iam_member.made and .given to depends_on.",
                role=name,
                variable="depends_on",
            )


def images(view: View) -> Iterator[Finding]:
    """Cloud Run cannot log in to a registry, and an image by tag is another one tomorrow."""
    server = view.given("registry_server")
    for resource, name, _ in view.compute:
        image = str(container(resource, "image"))
        if server and image.startswith(f"{server}/"):
            yield view.finding(
                "registry-ignored",
                resource,
                f"pulls {image.partition('@')[0]} from a registry that Cloud Run cannot log in to",
                "Take the image from local.images, which leads through the remote repository.",
                role=name,
                variable="image",
            )
        if "@sha256:" not in image and "${" not in image:
            yield view.finding(
                "image-unpinned",
                resource,
                f"runs {image}, which may be another image tomorrow",
                "Name a digest: …@sha256:….",
                role=name,
                variable="image",
            )


RULES: tuple[Rule, ...] = (
    kind,
    reserved,
    command,
    port,
    size,
    cpu_between_requests,
    instances,
    most_instances,
    what_kills,
    what_gates,
    start,
    jobs,
    egress,
    order,
    images,
)
