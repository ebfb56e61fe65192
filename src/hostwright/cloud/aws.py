"""What AWS's command line is asked, and what its answers mean. Pure: the caller runs commands.

Services have the names of their roles, in a cluster named after the installation. The migrate job
is a task definition whose tags say where it runs, so nothing about the network is guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hostwright.cloud.model import Call, Live, Migrated
from hostwright.contract.models import ROLES
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.cloud.model import Ask, Operations, Say, Wait, Where
    from hostwright.contract.models import RoleName

    Json = Any

TOOL = "aws"
LOGIN = "aws sso login"
JOB: RoleName = "migrate"
#: Seconds between two looks at a running migration.
PAUSE = 5.0
#: Seconds that Fargate takes at most to fetch an image and start, on top of the job's own time.
START = 300.0
#: Lines of a migration's log that are shown.
LINES = 50
#: How many older revisions are looked at for another image.
REVISIONS = 10
#: What a migration that ended without an exit code of its own counts as: it never started.
ENDED_OTHERWISE = 1
STOPPED = "STOPPED"


class Job(NamedTuple):
    """Where the migrate job runs and logs, as its task definition says."""

    definition: str
    cluster: str
    subnets: tuple[str, ...]
    security_group: str
    seconds: float
    container: str
    log_group: str
    log_prefix: str

    @property
    def network(self) -> str:
        """The network in the shorthand of AWS's command line."""
        subnets = ",".join(self.subnets)
        return (
            f"awsvpcConfiguration={{subnets=[{subnets}],"
            f"securityGroups=[{self.security_group}],assignPublicIp=DISABLED}}"
        )

    def stream(self, task: str) -> str:
        """The log stream of one run."""
        return f"{self.log_prefix}/{self.container}/{task.rpartition('/')[2]}"


# --- command lines -----------------------------------------------------------------------------


def identity(region: str) -> Call:
    """Who is logged in."""
    return _aws(region, "asks who is logged in", "sts", "get-caller-identity")


def services(roles: Sequence[RoleName], where: Where) -> Call:
    """What keeps the roles running."""
    words = ("describe-services", "--cluster", cluster(where), "--services", *roles)
    return _ecs(where, "asks what runs", *words)


def definition(called: str, where: Where) -> Call:
    """A task definition by ARN, or the newest of a family; with its tags."""
    words = ("describe-task-definition", "--task-definition", called, "--include", "TAGS")
    return _ecs(where, f"describes {called.rpartition('/')[2]}", *words)


def revisions(role: RoleName, where: Where) -> Call:
    """The revisions of a role's task definition, the newest first."""
    family = f"{cluster(where)}-{role}"
    order = ("--sort", "DESC", "--max-items", str(REVISIONS))
    words = ("list-task-definitions", "--family-prefix", family, *order)
    return _ecs(where, f"asks for the revisions of {role}", *words)


def run_job(job: Job, where: Where) -> Call:
    """Start the migrate job once."""
    words = (
        "run-task",
        "--cluster",
        job.cluster,
        "--task-definition",
        job.definition,
        "--launch-type",
        "FARGATE",
        "--count",
        "1",
        "--network-configuration",
        job.network,
        "--propagate-tags",
        "TASK_DEFINITION",
    )
    return _ecs(where, "starts the migration", *words)


def task(job: Job, arn: str, where: Where) -> Call:
    """How a run of the job is doing."""
    words = ("describe-tasks", "--cluster", job.cluster, "--tasks", arn)
    return _ecs(where, "asks how the migration is doing", *words)


def stop_job(job: Job, arn: str, where: Where) -> Call:
    """End a run that takes longer than it may: Fargate itself sets no limit."""
    reason = "longer than timeout_seconds of the contract"
    words = ("stop-task", "--cluster", job.cluster, "--task", arn, "--reason", reason)
    return _ecs(where, "stops the migration", *words)


def log(job: Job, arn: str, where: Where) -> Call:
    """The last lines of a run."""
    named = ("--log-group-name", job.log_group, "--log-stream-name", job.stream(arn))
    words = ("logs", "get-log-events", *named, "--limit", str(LINES))
    return _aws(where.inputs["region"], "reads the migration's log", *words)


def restart(role: RoleName, where: Where) -> Call:
    """Start a service anew: after ECS gave it up, or for secrets that were changed elsewhere."""
    words = ("update-service", "--cluster", cluster(where), "--service", role)
    return _ecs(where, f"starts {role} anew", *words, "--force-new-deployment")


def cluster(where: Where) -> str:
    """What the blueprint calls the cluster; families and log groups begin with it."""
    return f"{where.inputs['project_name']}-{where.inputs['environment']}"


def _ecs(where: Where, what: str, *words: str) -> Call:
    return _aws(where.inputs["region"], what, "ecs", *words)


def _aws(region: str, what: str, *words: str) -> Call:
    return Call((TOOL, *words, "--region", region, "--output", "json"), what)


# --- answers -----------------------------------------------------------------------------------


def parsed(answer: str, call: Call) -> Json:
    """An answer as JSON.

    Raises:
        CloudError: It is something else.
    """
    try:
        return json.loads(answer)
    except ValueError as error:
        raise CloudError(
            f"{call.what}: the answer is no JSON", where=" ".join(call.argv[:3])
        ) from error


def container(described: Mapping[str, Json]) -> Mapping[str, Json]:
    """The one container of a described task definition."""
    found = (described.get("taskDefinition") or {}).get("containerDefinitions") or [{}]
    first: Mapping[str, Json] = found[0]
    return first


def image(described: Mapping[str, Json]) -> str:
    """The image of a described task definition."""
    return str(container(described).get("image") or "")


def env_names(described: Mapping[str, Json]) -> frozenset[str]:
    """Names of its variables, secrets included."""
    listed = container(described)
    pairs = [*(listed.get("environment") or ()), *(listed.get("secrets") or ())]
    return frozenset(str(pair["name"]) for pair in pairs)


def tags(described: Mapping[str, Json]) -> dict[str, str]:
    """Its tags."""
    return {str(tag["key"]): str(tag["value"]) for tag in described.get("tags") or ()}


def job(described: Mapping[str, Json]) -> Job:
    """Where the migrate job runs, from its described task definition.

    Raises:
        CloudError: Its tags do not say.
    """
    told = tags(described)
    options = (container(described).get("logConfiguration") or {}).get("options") or {}
    arn = str((described.get("taskDefinition") or {}).get("taskDefinitionArn"))
    lacking = [key for key in ("cluster", "subnets", "security_group") if not told.get(key)]
    if lacking:
        raise CloudError(
            f"the migrate job does not say where it runs: no tag {', '.join(lacking)}",
            where=arn,
            remedy="Register it with the tags of the revision that Terraform made.",
        )
    return Job(
        definition=arn,
        cluster=told["cluster"],
        subnets=tuple(told["subnets"].split()),
        security_group=told["security_group"],
        seconds=float(told.get("timeout_seconds") or 600),
        container=str(container(described).get("name")),
        log_group=str(options.get("awslogs-group")),
        log_prefix=str(options.get("awslogs-stream-prefix")),
    )


def started(answer: Mapping[str, Json]) -> str:
    """The ARN of the task that was started.

    Raises:
        CloudError: None was.
    """
    for each in answer.get("tasks") or ():
        return str(each["taskArn"])
    failures = answer.get("failures") or ()
    why = "; ".join(str(each.get("reason") or each) for each in failures) or "ECS does not say why"
    raise CloudError(f"the migrate job was not started: {why}", where="aws ecs run-task")


def state(answer: Mapping[str, Json]) -> Mapping[str, Json]:
    """The one task that was asked for.

    Raises:
        CloudError: There is no such task.
    """
    for each in answer.get("tasks") or ():
        found: Mapping[str, Json] = each
        return found
    raise CloudError("the migration's task is gone", where="aws ecs describe-tasks")


def exit_code(stopped: Mapping[str, Json]) -> int:
    """How a stopped task ended: its container's own exit code, where it came to have one."""
    for each in stopped.get("containers") or ():
        code = each.get("exitCode")
        if code is not None:
            return int(code)
    return ENDED_OTHERWISE


def reasons(stopped: Mapping[str, Json]) -> tuple[str, ...]:
    """Why a task that has no exit code stopped, in ECS's words."""
    told = [stopped.get("stoppedReason")]
    told += [each.get("reason") for each in stopped.get("containers") or ()]
    return tuple(str(each) for each in dict.fromkeys(told) if each)


def lines(answer: Mapping[str, Json]) -> tuple[str, ...]:
    """What a run wrote last, the oldest first."""
    return tuple(str(event.get("message")) for event in answer.get("events") or ())


# --- operations --------------------------------------------------------------------------------


class Aws:
    """AWS, as the tasks use it; see :class:`hostwright.cloud.model.Operations`."""

    tool = TOOL
    title = "AWS's command line"
    login = LOGIN

    def account(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Who is logged in, and to which account.

        Raises:
            NotLoggedIn: Nobody is.
        """
        call = identity(inputs["region"])
        try:
            found = parsed(ask(call), call)
        except CloudError as error:
            raise NotLoggedIn(
                f"nobody is logged in: {error.what}",
                where=error.where or TOOL,
                remedy=f"Log in: `{LOGIN}`, or set AWS_PROFILE to who may.",
            ) from error
        return f"{found.get('Arn')} in account {found.get('Account')}, {inputs['region']}"

    def live(self, ask: Ask, where: Where) -> dict[RoleName, Live]:
        """What runs as each role that was deployed, and the newest definition of the job."""
        deployed = where.outputs.get("env_names") or {}
        kept = [role for role in ROLES if role in deployed and role != JOB]
        found = dict(_running(ask, where, kept))
        if name := where.outputs.get("migrate_job"):
            described = _described(ask, where, str(name))
            found[JOB] = Live(image(described), env_names(described))
        return found

    def migrate(self, ask: Ask, where: Where, say: Say, wait: Wait) -> Migrated:
        """Start the job and look at it until it has ended, or its time has.

        Raises:
            CloudError: There is no job, or it cannot be started.
        """
        name = str(where.outputs.get("migrate_job") or "")
        if not name:
            raise CloudError("the contract has no role migrate", remedy="Nothing is to be run.")
        found = job(_described(ask, where, name))
        call = run_job(found, where)
        arn = started(parsed(ask(call), call))
        say(f"started {arn.rpartition('/')[2]} of {found.definition.rpartition('/')[2]}")
        stopped = _end_of(ask, where, found, arn, say, wait)
        code = exit_code(stopped)
        written = _log(ask, where, found, arn)
        return Migrated(code, (*written, *reasons(stopped)) if code else written)


def _running(ask: Ask, where: Where, roles: Sequence[RoleName]) -> Iterator[tuple[RoleName, Live]]:
    if not roles:
        return
    call = services(roles, where)
    for service in parsed(ask(call), call).get("services") or ():
        role = service.get("serviceName")
        if role in roles and service.get("status") != "INACTIVE":
            described = _described(ask, where, str(service["taskDefinition"]))
            before = _previous(ask, where, cast("RoleName", role), described)
            yield role, Live(image(described), env_names(described), before)


def _described(ask: Ask, where: Where, called: str) -> Mapping[str, Json]:
    call = definition(called, where)
    found: Mapping[str, Json] = parsed(ask(call), call)
    return found


def _previous(ask: Ask, where: Where, role: RoleName, described: Mapping[str, Json]) -> str:
    """The image of the newest older revision that has another one."""
    now = str((described.get("taskDefinition") or {}).get("taskDefinitionArn"))
    call = revisions(role, where)
    listed = [str(arn) for arn in parsed(ask(call), call).get("taskDefinitionArns") or ()]
    older = [arn for arn in listed if _number(arn) < _number(now)]
    for arn in sorted(older, key=_number, reverse=True):
        before = image(_described(ask, where, arn))
        if before != image(described):
            return before
    return ""


def _number(arn: str) -> int:
    revision = arn.rpartition(":")[2]
    return int(revision) if revision.isdigit() else 0


def _end_of(  # noqa: PLR0913, PLR0917 - what runs, and whom to tell
    ask: Ask, where: Where, found: Job, arn: str, say: Say, wait: Wait
) -> Mapping[str, Json]:
    told, waited = "", 0.0
    call = task(found, arn, where)
    while True:
        current = state(parsed(ask(call), call))
        status = str(current.get("lastStatus"))
        if status != told:
            told = status
            say(f"migration: {status.lower()}")
        if status == STOPPED:
            return current
        if waited >= found.seconds + START:
            ask(stop_job(found, arn, where))
            say(f"stopped: not done after {waited:.0f} s")
            return {"stoppedReason": f"it was stopped after {waited:.0f} s"}
        wait(PAUSE)
        waited += PAUSE


def _log(ask: Ask, where: Where, found: Job, arn: str) -> tuple[str, ...]:
    """The last lines, if there are any: a task that never started has no stream."""
    call = log(found, arn, where)
    try:
        return lines(parsed(ask(call), call))
    except CloudError as error:
        return (f"the log could not be read: {error.what.splitlines()[0]}",)


OPERATIONS: Operations = Aws()
