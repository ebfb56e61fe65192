"""What runs: task definitions and services against the contract's roles and Fargate's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostwright.checks.clouds.aws_view import View, block
from hostwright.render.clouds.aws import addressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.clouds.aws_view import Rule, Task
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "role-kind-differs": "each kind of role is run by what fits it",
    "role-untagged": "what runs a role says which",
    "launch-differs": "tasks run on Fargate, in the network",
    "cpu-memory-pair": "CPU and memory are a pair that the platform has",
    "definition-too-large": "a task definition fits into what ECS takes",
    "image-differs": "each role runs the image that was given for it",
    "registry-ignored": "images of the private registry are pulled with its login",
    "port-differs": "services listen on the contract's ports",
    "instances-too-few": "every role that stays up has as many instances as its profile asks for",
    "instances-fixed": "the number of instances follows the load, as bounded by the inputs",
    "health-kills-on-ready": "what kills looks at the live path",
    "start-too-short": "a role gets the time it needs to start",
    "rollback-off": "a release that does not come up is taken back",
    "revision-lost": "the revision before stays, for services that fall back to it",
    "handover-differs": "two versions of the worker overlap only where the contract lets them",
    "gap-in-service": "what answers requests is replaced without a gap",
    "rotation-unseen": "a secret that is written anew reaches the roles",
    "writable-place-missing": "a read-only container has one place to write",
    "task-public": "tasks have no public address",
    "logs-not-kept": "logs are kept as long as asked for",
    "api-unreachable": "web's server reaches the api where it is told to",
}

#: CPU units to the memory in MiB that Fargate takes with them.
PAIRS: Mapping[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
#: ECS takes 64 KiB; the rest of a definition is small.
LARGEST = 60_000
#: Seconds that Fargate lets a task take to stop.
LONGEST_STOP = 120
#: Role to the inputs that name its image, the first that is given.
IMAGES = {
    "api": ("api_image",),
    "web": ("web_image",),
    "worker": ("worker_image", "api_image"),
    "migrate": ("worker_image", "api_image"),
}


# --- definitions -------------------------------------------------------------------------------


def kinds(view: View) -> Iterator[Finding]:
    """What stays up has a service, and what ends has none; only what answers is balanced."""
    for definition in view.plan.of_type("aws_ecs_task_definition"):
        if not (definition.get("tags") or {}).get("role"):
            yield view.finding(
                "role-untagged",
                definition,
                "has no tag that says which role it runs",
                'Give it tags = { role = "…" }.',
            )
    for task in view.tasks:
        service = view.services.get(task.name)
        if task.role.kind != "job" and service is None:
            yield _wrong_kind(view, task, "is kept running by nothing", "Add its aws_ecs_service.")
        if task.role.kind == "job" and service is not None:
            remedy = "Remove its aws_ecs_service: a release runs the job."
            yield _wrong_kind(view, task, "is a job, and a service restarts it for ever", remedy)
        if task.role.kind == "worker" and service is not None and service.get("load_balancer"):
            remedy = "Remove the block load_balancer."
            yield _wrong_kind(view, task, "answers no requests, but is balanced", remedy)


def _wrong_kind(view: View, task: Task, message: str, remedy: str) -> Finding:
    return view.finding("role-kind-differs", task.definition, message, remedy, role=task.name)


def launch(view: View) -> Iterator[Finding]:
    """Fargate, in the network, with a size that it has."""
    for task in view.tasks:
        definition = task.definition
        wanted = {"network_mode": "awsvpc", "requires_compatibilities": ["FARGATE"]}
        for argument, value in wanted.items():
            if definition.get(argument) != value:
                yield view.finding(
                    "launch-differs",
                    definition,
                    f"has {argument} = {definition.get(argument)!r}, which Fargate does not run",
                    f"Set {argument} to {value!r}.",
                    role=task.name,
                    variable=argument,
                )
        cpu, memory = str(definition.get("cpu")), str(definition.get("memory"))
        if not (cpu.isdigit() and memory.isdigit() and int(memory) in PAIRS.get(int(cpu), ())):
            yield view.finding(
                "cpu-memory-pair",
                definition,
                f"has {cpu} CPU units and {memory} MiB, which Fargate does not sell together",
                "Choose a pair of Fargate's, such as 512 with 1024 to 4096.",
                role=task.name,
                variable=f"{task.name}_memory_mib",
            )
        if len(str(definition.get("container_definitions"))) > LARGEST:
            yield view.finding(
                "definition-too-large",
                definition,
                "is larger than the 64 KiB that ECS takes",
                "Shorten its longest variable; a bundle of every region's authorities is too long.",
                role=task.name,
            )


def images(view: View) -> Iterator[Finding]:
    """Each role runs the image that was given for it, pulled with the login of its registry."""
    registry = str(view.given("registry_server") or "")
    for task in view.tasks:
        image = str(task.container.get("image"))
        given = next((text for name in IMAGES[task.name] if (text := view.given(name))), None)
        if given and image != given:
            yield view.finding(
                "image-differs",
                task.definition,
                f"runs {image}, and {IMAGES[task.name][0]} is {given}",
                "Take the image from local.images.",
                role=task.name,
                variable=IMAGES[task.name][0],
            )
        if registry and image.startswith(f"{registry}/") and not _logs_in(task):
            yield view.finding(
                "registry-ignored",
                task.definition,
                f"is pulled from {registry} without its login",
                "Name the login's secret in repositoryCredentials.",
                role=task.name,
                variable="registry_server",
            )


def _logs_in(task: Task) -> bool:
    return bool((task.container.get("repositoryCredentials") or {}).get("credentialsParameter"))


def containers(view: View) -> Iterator[Finding]:
    """The command and port of the contract, and nothing to write on but a place made for it."""
    for task in view.tasks:
        told = [*_commands(task), *_confinement(task)]
        ports = {mapping.get("containerPort") for mapping in _maps(task, "portMappings")}
        if task.role.port and ports != {task.role.port}:
            has = ", ".join(map(str, sorted(ports, key=str))) or "none"
            what = f"opens the ports {has}, and the contract says {task.role.port}"
            told.append(("port-differs", "PORT", what, "Take the port from the contract."))
        for check, variable, message, remedy in told:
            yield view.finding(
                check, task.definition, message, remedy, role=task.name, variable=variable
            )


def _commands(task: Task) -> Iterator[tuple[str, str, str, str]]:
    command = list(task.container.get("command") or ())
    if command != list(task.role.command):
        what = f"runs {' '.join(command) or 'whatever the image does'}"
        yield "command-differs", "command", what, f"Run {' '.join(task.role.command)}."
    stop = task.container.get("stopTimeout") or 30
    if stop < min(task.role.stop_seconds, LONGEST_STOP):
        what = f"is killed {stop} s after it is told to stop, and needs {task.role.stop_seconds}"
        yield "stop-too-short", "stopTimeout", what, "Take stopTimeout from stop_seconds."


def _confinement(task: Task) -> Iterator[tuple[str, str, str, str]]:
    container = task.container
    linux = container.get("linuxParameters") or {}
    dropped = (linux.get("capabilities") or {}).get("drop") or []
    if not container.get("readonlyRootFilesystem"):
        what = "has a root file system that it can write on"
        yield "writable-root", "readonlyRootFilesystem", what, "Set readonlyRootFilesystem = true."
    elif not linux.get("tmpfs") and not container.get("mountPoints"):
        what = "has no place to write at all: a heartbeat, an authority's file"
        yield "writable-place-missing", "tmpfs", what, "Give it a tmpfs at /tmp."
    if "ALL" not in dropped:
        what = "keeps capabilities that it does not need"
        yield "capabilities-kept", "capabilities", what, 'Set capabilities = { drop = ["ALL"] }.'
    for added in (linux.get("capabilities") or {}).get("add") or ():
        what = f"is given the capability {added}"
        yield "capability-added", "capabilities", what, "Remove it."
    if container.get("privileged"):
        yield "privileged", "privileged", "is privileged", "Remove it: Fargate refuses it, too."


def _maps(task: Task, key: str) -> list[Mapping[str, Any]]:
    return list(task.container.get(key) or ())


# --- health ------------------------------------------------------------------------------------


def health(view: View) -> Iterator[Finding]:
    """ECS ends what fails a check, wherever the check is made: none may ask for dependencies."""
    for task, service in view.running:
        check = task.container.get("healthCheck") or {}
        command = " ".join(map(str, check.get("command") or ()))
        groups = list(_groups(view, service))
        if not command and not groups:
            yield view.finding(
                "healthcheck-missing",
                task.definition,
                "is asked by nobody whether it lives: what hangs stays",
                "Give it a healthCheck with the contract's command or live path.",
                role=task.name,
            )
        for group in groups:
            yield from _balancer(view, task, group)
        if command:
            yield from _command(view, task, check, command)


def _groups(view: View, service: Resource) -> Iterator[Resource]:
    for balanced in service.get("load_balancer") or ():
        group = view.target_groups.get(addressed(balanced.get("target_group_arn")))
        if group:
            yield group


def _balancer(view: View, task: Task, group: Resource) -> Iterator[Finding]:
    path, health = group.get("health_check.0.path"), task.role.health
    if path == health.ready:
        yield _kills(view, task, group, f"the load balancer asks {path}")
    elif path != health.live:
        yield view.finding(
            "healthcheck-differs",
            group,
            f"is asked at {path}, and the contract says {health.live}",
            f"Ask {health.live}.",
            role=task.name,
            variable="health_check",
        )


def _command(view: View, task: Task, check: Mapping[str, Any], command: str) -> Iterator[Finding]:
    health = task.role.health
    if health.ready and health.ready in command:
        yield _kills(view, task, task.definition, f"the container's check asks {health.ready}")
        return
    wanted = " ".join(health.command) or str(health.live)
    if wanted not in command:
        yield view.finding(
            "healthcheck-differs",
            task.definition,
            "has a health check that does not ask what the contract says",
            f"Ask {wanted}.",
            role=task.name,
            variable="healthCheck",
        )
    given = int(check.get("startPeriod") or 0)
    if given < min(task.role.start_seconds, 300):
        yield view.finding(
            "start-too-short",
            task.definition,
            f"has {given} s to start, and needs {task.role.start_seconds}",
            "Take startPeriod from start_seconds.",
            role=task.name,
            variable="startPeriod",
        )


def _kills(view: View, task: Task, at: Resource, how: str) -> Finding:
    return view.finding(
        "health-kills-on-ready",
        at,
        f"{how}, and ECS ends what fails it: an outage of Redis would end every task",
        f"Ask {task.role.health.live}, which asks for no dependency.",
        role=task.name,
        variable="health_check",
    )


# --- services ----------------------------------------------------------------------------------


def services(view: View) -> Iterator[Finding]:
    """How a release replaces what runs."""
    for task, service in view.running:
        for check, variable, message, remedy in [*_release(task, service), *_places(view, service)]:
            yield view.finding(check, service, message, remedy, role=task.name, variable=variable)
        if service.get("load_balancer"):
            grace = service.get("health_check_grace_period_seconds") or 0
            if grace < task.role.start_seconds:
                yield view.finding(
                    "start-too-short",
                    service,
                    f"has {grace} s to start, and needs {task.role.start_seconds}",
                    "Take health_check_grace_period_seconds from start_seconds.",
                    role=task.name,
                    variable="health_check_grace_period_seconds",
                )


def _release(task: Task, service: Resource) -> Iterator[tuple[str, str, str, str]]:
    breaker = service.get("deployment_circuit_breaker.0") or {}
    if not (breaker.get("enable") and breaker.get("rollback")):
        what = "keeps starting a release that does not come up, instead of taking it back"
        remedy = "Set deployment_circuit_breaker { enable = true, rollback = true }."
        yield "rollback-off", "deployment_circuit_breaker", what, remedy
    if not (service.get("triggers") or {}).get("secrets_version"):
        what = "does not start anew when secrets are written anew: tasks read them once"
        remedy = "Set force_new_deployment, and triggers with secrets_version."
        yield "rotation-unseen", "secrets_version", what, remedy
    least = service.get("deployment_minimum_healthy_percent")
    most = service.get("deployment_maximum_percent")
    overlaps = task.role.kind == "service" or task.role.handover == "overlap"
    if overlaps and (least is None or least < 100):  # noqa: PLR2004 - per cent
        what = f"may have {least} % of its tasks while a release replaces them"
        yield "gap-in-service", "deployment_minimum_healthy_percent", what, "Set it to 100."
    if not overlaps and (most is None or most > 100):  # noqa: PLR2004 - per cent
        what = f"may have {most} % of its tasks: two versions take jobs at once"
        yield "handover-differs", "deployment_maximum_percent", what, "Set it to 100, least to 0."
    if not overlaps and service.get("availability_zone_rebalancing") == "ENABLED":
        what = "is moved between zones by starting first, which ECS refuses at 100 %"
        yield "handover-differs", "availability_zone_rebalancing", what, 'Set it to "DISABLED".'


def _places(view: View, service: Resource) -> Iterator[tuple[str, str, str, str]]:
    network = service.get("network_configuration.0") or {}
    if network.get("assign_public_ip"):
        what = "gives its tasks public addresses"
        yield "task-public", "assign_public_ip", what, "Set assign_public_ip = false."
    public = {
        item.address
        for item in view.plan.of_type("aws_subnet")
        if block(item.address) == "aws_subnet.public"
    }
    if public & {addressed(subnet) for subnet in network.get("subnets") or ()}:
        what = "puts its tasks beside the load balancer, in public subnets"
        yield "task-public", "subnets", what, "Use the private subnets."


def revisions(view: View) -> Iterator[Finding]:
    """Without the old revision there is nothing to fall back to."""
    for task in view.tasks:
        if task.definition.get("skip_destroy") is not True:
            yield view.finding(
                "revision-lost",
                task.definition,
                "is deregistered when the next one is made: a service cannot fall back to it",
                "Set skip_destroy = true.",
                role=task.name,
                variable="skip_destroy",
            )


def instances(view: View) -> Iterator[Finding]:
    """As many as the profile asks for, and a way to more."""
    targets = {
        str(item.get("resource_id")).rpartition("/")[2]: item
        for item in view.plan.of_type("aws_appautoscaling_target")
    }
    for task, service in view.running:
        least = 2 if view.production and task.role.kind == "service" else 1
        target = targets.get(str(service.get("name")))
        if target is None:
            yield view.finding(
                "instances-fixed",
                service,
                "has as many tasks as it begins with, whatever happens",
                "Add its aws_appautoscaling_target.",
                role=task.name,
                variable=f"{task.name}_max_instances",
            )
        for at, argument in ((target, "min_capacity"), (service, "desired_count")):
            count = at.get(argument) if at else least
            if isinstance(count, int) and count < least:
                yield view.finding(
                    "instances-too-few",
                    at or service,
                    f"has {argument} = {count}, and this profile asks for {least}",
                    f"Set {task.name}_min_instances to {least} at least.",
                    role=task.name,
                    variable=f"{task.name}_min_instances",
                )


# --- logs, and names inside ----------------------------------------------------------------------


def logs(view: View) -> Iterator[Finding]:
    """Every container writes into a group of ours, and every group forgets in time."""
    days = view.given("log_retention_days")
    groups = {str(item.get("name")): item for item in view.plan.of_type("aws_cloudwatch_log_group")}
    for group in groups.values():
        if group.get("retention_in_days") != days:
            yield view.finding(
                "logs-not-kept",
                group,
                f"keeps logs for {group.get('retention_in_days') or 'ever and a day, not so many'}"
                f" days, and log_retention_days is {days}",
                "Set retention_in_days = var.log_retention_days.",
                variable="log_retention_days",
            )
    for task in view.tasks:
        options = (task.container.get("logConfiguration") or {}).get("options") or {}
        if str(options.get("awslogs-group")) not in groups:
            yield view.finding(
                "logs-not-kept",
                task.definition,
                f"writes its log to {options.get('awslogs-group') or 'nowhere'}, which is not made",
                "Write to the role's aws_cloudwatch_log_group.",
                role=task.name,
                variable="logConfiguration",
            )


def inside(view: View) -> Iterator[Finding]:
    """The name that web is told is one that the api answers to, and is there before web starts."""
    web, api = (view.services.get(role) for role in ("web", "api"))
    told = {task.name: task for task in view.tasks}.get("web")
    url = told.plain.get("API_BASE_URL", "") if told else ""
    if web is None or api is None or not url.startswith("http://"):
        return
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    aliases = api.get("service_connect_configuration.0.service.0.client_alias") or ()
    names = {(str(each.get("dns_name")), str(each.get("port"))) for each in aliases}
    problems = []
    if (host, port or "80") not in names:
        problems.append((api, f"does not answer to {host}:{port}, which web is told"))
    if not web.get("service_connect_configuration.0.enabled"):
        problems.append((web, f"does not know {host}: it is not connected to the namespace"))
    if block(api.address) not in view.waits_for(web):
        problems.append((web, "may start before api: a task knows only the names that were there"))
    for at, message in problems:
        yield view.finding(
            "api-unreachable",
            at,
            message,
            "Connect both to one namespace (service_connect_configuration), web after api.",
            variable="API_BASE_URL",
        )


RULES: tuple[Rule, ...] = (
    kinds,
    launch,
    images,
    containers,
    health,
    services,
    revisions,
    instances,
    logs,
    inside,
)
