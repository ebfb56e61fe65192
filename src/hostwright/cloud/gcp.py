"""What Google Cloud's own command line is asked, and what its answers mean.

Services, worker pools and jobs are described in the words of Cloud Run's first API, whichever made
them: ``spec.template.spec.containers``, one level deeper for a job.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hostwright.cloud.model import Call, Live, Migrated
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.cloud.model import Ask, Say, Wait, Where
    from hostwright.contract.models import RoleName

Json = Any
TOOL = "gcloud"
LOGIN = "gcloud auth login"
#: Role to what gcloud calls the kind of thing that runs it.
KINDS: dict[RoleName, str] = {
    "api": "services",
    "web": "services",
    "worker": "worker-pools",
    "migrate": "jobs",
}
#: The profile as it is part of every name (ops/infra/gcp/locals.tf).
STAGES = {"development": "dev", "staging": "stg", "production": "prod"}
#: Seconds between two looks at a running migration.
PAUSE = 5.0
#: Lines of a migration's log that are shown.
LINES = 30
#: What a migration that Google ended without an exit code of its own counts as.
ENDED_OTHERWISE = 1


# --- command lines -----------------------------------------------------------------------------


def accounts() -> Call:
    """Who is logged in; needs no network."""
    return Call(
        (TOOL, "auth", "list", "--filter=status:ACTIVE", "--format=json"), "asks who is logged in"
    )


def project(project_id: str) -> Call:
    """Whether that account's session is alive and sees the project."""
    return Call(
        (TOOL, "projects", "describe", project_id, "--format=json", "--quiet"),
        f"asks for the project {project_id}",
    )


def describe(role: RoleName, where: Where) -> Call:
    """What runs as a role."""
    return _run(where, f"describes {role}", KINDS[role], "describe", name(role, where))


def revisions(role: RoleName, where: Where) -> Call:
    """The revisions of a role that stays up, in no order."""
    words, option = {
        "services": (("revisions", "list"), "service"),
        "worker-pools": (("worker-pools", "revisions", "list"), "worker-pool"),
    }[KINDS[role]]
    return _run(
        where,
        f"asks for the revisions of {role}",
        *words,
        f"--{option}={name(role, where)}",
    )


def execute(where: Where) -> Call:
    """Start the migrate job; what it makes is then looked at until it ends."""
    return _run(where, "starts the migration", "jobs", "execute", name("migrate", where), "--async")


def execution(called: str, where: Where) -> Call:
    """How a run of the job is doing."""
    words = ("jobs", "executions", "describe", called)
    return _run(where, "asks how the migration is doing", *words)


def tasks(called: str, where: Where) -> Call:
    """How the containers of a run ended."""
    words = ("jobs", "executions", "tasks", "list", f"--execution={called}")
    return _run(where, "asks how the migration ended", *words)


def log(called: str, where: Where) -> Call:
    """The last lines of a run, the newest first."""
    condition = (
        'resource.type="cloud_run_job" '
        f'AND labels."run.googleapis.com/execution_name"="{called}" '
        'AND NOT logName:"cloudaudit.googleapis.com"'
    )
    return Call(
        (
            TOOL,
            "logging",
            "read",
            condition,
            f"--project={where.inputs['project_id']}",
            f"--limit={LINES}",
            "--order=desc",
            "--format=json",
            "--quiet",
        ),
        "reads the migration's log",
    )


def name(role: RoleName, where: Where) -> str:
    """What the blueprint calls what runs a role."""
    stage = STAGES[where.inputs["environment"]]
    return f"{where.inputs['project_name']}-{stage}-{role}"


def _run(where: Where, what: str, *words: str) -> Call:
    inputs = where.inputs
    place = (f"--project={inputs['project_id']}", f"--region={inputs['region']}")
    return Call((TOOL, "run", *words, *place, "--format=json", "--quiet"), what)


# --- answers -----------------------------------------------------------------------------------


def active(answer: str) -> str:
    """The account that is logged in; empty if none is."""
    found = parsed(answer, accounts())
    return str(found[0].get("account", "")) if found else ""


def container(described: Mapping[str, Json]) -> Mapping[str, Json]:
    """The one container of a service, worker pool, job or revision."""
    spec = described.get("spec", {})
    while "template" in spec:
        spec = spec["template"].get("spec", {})
    found: Mapping[str, Json] = next(iter(spec.get("containers", [])), {})
    return found


def env_names(described: Mapping[str, Json]) -> frozenset[str]:
    """The names of its variables, secrets included."""
    return frozenset(str(item["name"]) for item in container(described).get("env", []))


def given_image(image: str, where: Where) -> str:
    """An image as it was given: what came through the remote repository, by its own name."""
    inputs = where.inputs
    stage = STAGES[inputs["environment"]]
    repository = (
        f"{inputs['region']}-docker.pkg.dev/{inputs['project_id']}"
        f"/{inputs['project_name']}-{stage}-upstream/"
    )
    server = inputs.get("registry_server", "")
    if server and image.startswith(repository):
        return f"{server}/{image.removeprefix(repository)}"
    return image


def previous(image: str, listed: Sequence[Mapping[str, Json]]) -> str:
    """The image of the newest revision that has another one; empty if there is none."""
    ordered = sorted(listed, key=_made, reverse=True)
    images = [str(container(item).get("image", "")) for item in ordered]
    return next((each for each in images if each and each != image), "")


def _made(revision: Mapping[str, Json]) -> str:
    """When a revision was made, as a text that sorts like time."""
    return str(revision.get("metadata", {}).get("creationTimestamp", ""))


def ended(described: Mapping[str, Json]) -> bool:
    """Whether a run of the job is over, one way or the other."""
    return any(
        item.get("type") == "Completed" and item.get("status") in {"True", "False"}
        for item in described.get("status", {}).get("conditions", [])
    )


def exit_code(described: Mapping[str, Json], listed: Sequence[Mapping[str, Json]]) -> int:
    """How a run of the job ended: its container's exit code, where it has one."""
    if int(described.get("status", {}).get("succeededCount", 0)) > 0:
        return 0
    codes = [
        int(item.get("status", {}).get("lastAttemptResult", {}).get("exitCode", 0))
        for item in listed
    ]
    return next((code for code in codes if code), ENDED_OTHERWISE)


def lines(entries: Sequence[Mapping[str, Json]]) -> tuple[str, ...]:
    """What a run of the job wrote, the oldest first."""
    told = [
        str(item.get("textPayload") or json.dumps(item["jsonPayload"], sort_keys=True))
        for item in entries
        if item.get("textPayload") or item.get("jsonPayload")
    ]
    return tuple(reversed(told))


def parsed(answer: str, call: Call) -> Json:
    """An answer as JSON.

    Raises:
        CloudError: It is something else.
    """
    try:
        return json.loads(answer or "null")
    except ValueError as error:
        raise CloudError(
            f"{call.what}: {TOOL} answered something else than JSON",
            where=" ".join(call.argv),
            remedy="Run it by hand; `gcloud components update` brings a newer one.",
        ) from error


# --- what the tasks do -------------------------------------------------------------------------


class Gcp:
    """Google Cloud's part of every task; see :class:`hostwright.cloud.model.Operations`."""

    tool = TOOL
    title = "Google Cloud's CLI"
    login = LOGIN

    def account(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Who is logged in, and the project that the inputs name.

        Raises:
            NotLoggedIn: Nobody is, or not with an account that sees the project.
        """
        found = active(ask(accounts()))
        if not found:
            raise NotLoggedIn("nobody is logged in", where=TOOL, remedy=f"Run `{LOGIN}`.")
        try:
            ask(project(inputs["project_id"]))
        except CloudError as error:
            raise NotLoggedIn(
                f"{found} does not see the project {inputs['project_id']}: {error.what}",
                where=TOOL,
                remedy=f"Run `{LOGIN}` with an account that does, or correct project_id.",
            ) from error
        return f"{found}, project {inputs['project_id']}"

    def live(self, ask: Ask, where: Where) -> dict[RoleName, Live]:
        """What runs as each role that was deployed."""
        deployed = where.outputs.get("env_names", {})
        return {role: self._live(ask, where, role) for role in KINDS if role in deployed}

    def _live(self, ask: Ask, where: Where, role: RoleName) -> Live:
        call = describe(role, where)
        described = parsed(ask(call), call)
        image = str(container(described).get("image", ""))
        before = ""
        if KINDS[role] != "jobs":
            call = revisions(role, where)
            before = previous(image, parsed(ask(call), call) or [])
        return Live(given_image(image, where), env_names(described), given_image(before, where))

    def migrate(self, ask: Ask, where: Where, say: Say, wait: Wait) -> Migrated:
        """Run the migrate job to its end."""
        call = execute(where)
        called = str(parsed(ask(call), call)["metadata"]["name"])
        say(f"{called} has started")
        call = execution(called, where)
        while not ended(described := parsed(ask(call), call)):
            wait(PAUSE)
        call = tasks(called, where)
        code = exit_code(described, parsed(ask(call), call) or [])
        call = log(called, where)
        return Migrated(code, lines(parsed(ask(call), call) or []))


OPERATIONS = Gcp()
