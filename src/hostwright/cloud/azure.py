"""What Azure's command line is asked, and what its answers mean. Pure: the caller runs commands.

Apps and the job are found by their tag ``role`` in the group of the identities, so that no name
is guessed. The container app commands are part of Azure's command line, but for the logs of a job,
which an extension has: without it a migration is told to have failed, without its last lines.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hostwright.cloud.model import Call, Live, Migrated
from hostwright.contract.models import ROLES
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.cloud.model import Ask, Operations, Say, Wait, Where
    from hostwright.contract.models import RoleName

    Json = Any

#: Seconds between two looks at a job, and how many of them at most: an hour.
PAUSE, LOOKS = 5.0, 720
#: How many lines of a job's log are shown.
LINES = 50
#: Ways for an execution to end; the first is the good one.
SUCCEEDED = "Succeeded"
ENDED = frozenset({SUCCEEDED, "Failed", "Stopped", "Degraded"})

_ID = re.compile(r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/")


class Place(NamedTuple):
    """Where everything of one installation is."""

    subscription: str
    group: str

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that every command ends with."""
        return (
            "--resource-group",
            self.group,
            "--subscription",
            self.subscription,
            "--output",
            "json",
        )


# --- command lines -----------------------------------------------------------------------------


def show_account(subscription: str) -> Call:
    """Who is logged in; of one subscription where it is known."""
    chosen = ("--subscription", subscription) if subscription else ()
    words = ("az", "account", "show", *chosen, "--output", "json")
    return Call(words, "asks who is logged in")


def list_apps(place: Place) -> Call:
    """Every app, with its tags and its template."""
    return Call(("az", "containerapp", "list", *place.words), "lists the apps")


def list_jobs(place: Place) -> Call:
    """Every job, likewise."""
    return Call(("az", "containerapp", "job", "list", *place.words), "lists the jobs")


def list_revisions(place: Place, app: str) -> Call:
    """What an app ran before, inactive revisions included."""
    words = ("az", "containerapp", "revision", "list", "--name", app, "--all", *place.words)
    return Call(words, f"lists what {app} ran before")


def start_job(place: Place, job: str) -> Call:
    """Start a job once."""
    words = ("az", "containerapp", "job", "start", "--name", job, *place.words)
    return Call(words, f"starts {job}")


def show_execution(place: Place, job: str, execution: str) -> Call:
    """How far one execution of a job is."""
    named = ("--name", job, "--job-execution-name", execution)
    words = ("az", "containerapp", "job", "execution", "show", *named, *place.words)
    return Call(words, f"asks how far {execution} is")


def show_log(place: Place, job: str, execution: str, container: str) -> Call:
    """The last lines of one execution, as text."""
    named = ("--name", job, "--execution", execution, "--container", container)
    shown = ("--format", "text", "--tail", str(LINES), *place.words[:4])
    words = ("az", "containerapp", "job", "logs", "show", *named, *shown)
    return Call(words, f"reads the log of {execution}")


# --- answers -----------------------------------------------------------------------------------


def place_of(outputs: Mapping[str, Any]) -> Place:
    """Subscription and group, from the ids of the roles' identities.

    Raises:
        CloudError: The outputs hold none.
    """
    for id_ in (outputs.get("identities") or {}).values():
        match = _ID.match(str(id_))
        if match:
            return Place(match["subscription"], match["group"])
    raise CloudError(
        "the outputs name no identity on Azure",
        where="identities",
        remedy="Apply first; with a remote state, initialise its backend here.",
    )


def answer(text: str, what: str) -> Json:
    """What a command printed.

    Raises:
        CloudError: It is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise CloudError(f"{what}: the answer is no JSON", where="az") from error


def role_of(item: Mapping[str, Json]) -> RoleName | None:
    """The role that an app or a job is tagged with."""
    role = (item.get("tags") or {}).get("role")
    return cast("RoleName", role) if role in ROLES else None


def container_of(item: Mapping[str, Json]) -> Mapping[str, Json]:
    """The one container of an app, a job or a revision."""
    template = (item.get("properties") or {}).get("template") or {}
    containers = template.get("containers") or [{}]
    first: Mapping[str, Json] = containers[0]
    return first


def image_of(item: Mapping[str, Json]) -> str:
    """The image of an app, a job or a revision."""
    return str(container_of(item).get("image") or "")


def names_of(item: Mapping[str, Json]) -> frozenset[str]:
    """Names of the variables of an app or a job."""
    return frozenset(str(each["name"]) for each in container_of(item).get("env") or ())


def previous_of(revisions: Iterable[Mapping[str, Json]], image: str) -> str:
    """The image of the newest revision that had another one."""
    newest = sorted(revisions, key=_created, reverse=True)
    return next((found for each in newest if (found := image_of(each)) not in {"", image}), "")


def _created(revision: Mapping[str, Json]) -> str:
    return str((revision.get("properties") or {}).get("createdTime") or "")


def status_of(execution: Mapping[str, Json]) -> str:
    """How far an execution is: ``Running``, ``Succeeded``, ``Failed`` and others."""
    return str((execution.get("properties") or {}).get("status") or "Unknown")


# --- operations --------------------------------------------------------------------------------


class Azure:
    """Azure, as the tasks use it."""

    tool = "az"
    title = "Azure's command line"
    login = "az login"

    def account(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Who is logged in, and to which subscription.

        Raises:
            NotLoggedIn: Nobody is, or the subscription is not one of theirs.
        """
        subscription = inputs.get("subscription_id", "")
        call = show_account(subscription)
        try:
            found = answer(ask(call), call.what)
        except CloudError as error:
            raise NotLoggedIn(
                f"nobody is logged in to {subscription or 'Azure'}: {error.what}",
                where=error.where or self.tool,
                remedy=f"Log in: `{self.login}`.",
            ) from error
        user = (found.get("user") or {}).get("name") or "somebody"
        return f"{user} in {found.get('name')} ({found.get('id')})"

    def live(self, ask: Ask, where: Where) -> dict[RoleName, Live]:
        """What runs as each role: apps with what they ran before, and the job."""
        place = place_of(where.outputs)
        apps = {role: _app(ask, place, item) for role, item in _tagged(ask, list_apps(place))}
        jobs = {
            role: Live(image_of(item), names_of(item))
            for role, item in _tagged(ask, list_jobs(place))
        }
        return {**apps, **jobs}

    def migrate(self, ask: Ask, where: Where, say: Say, wait: Wait) -> Migrated:
        """Start the job and look at it until it has ended.

        Raises:
            CloudError: There is no job, it cannot be started, or it does not end.
        """
        place, job = place_of(where.outputs), str(where.outputs.get("migrate_job") or "")
        if not job:
            raise CloudError("the contract has no role migrate", remedy="Nothing is to be run.")
        call = start_job(place, job)
        execution = str(answer(ask(call), call.what)["name"])
        say(f"started {execution}")
        status = _end_of(ask, place, job, execution, say, wait)
        log = _log(ask, place, job, execution)
        return Migrated(0 if status == SUCCEEDED else 1, log)


def _tagged(ask: Ask, call: Call) -> Iterator[tuple[RoleName, Mapping[str, Json]]]:
    for item in answer(ask(call), call.what):
        role = role_of(item)
        if role:
            yield role, item


def _app(ask: Ask, place: Place, item: Mapping[str, Json]) -> Live:
    call = list_revisions(place, str(item["name"]))
    image = image_of(item)
    return Live(image, names_of(item), previous_of(answer(ask(call), call.what), image))


def _end_of(  # noqa: PLR0913, PLR0917 - what runs, and whom to tell
    ask: Ask, place: Place, job: str, execution: str, say: Say, wait: Wait
) -> str:
    told = ""
    for _ in range(LOOKS):
        call = show_execution(place, job, execution)
        status = status_of(answer(ask(call), call.what))
        if status != told:
            told = status
            say(f"{execution}: {status}")
        if status in ENDED:
            return status
        wait(PAUSE)
    raise CloudError(
        f"{execution} has not ended after {LOOKS * PAUSE / 60:.0f} minutes",
        where=job,
        remedy="Look at it in the portal; the job's own timeout should have ended it.",
    )


def _log(ask: Ask, place: Place, job: str, execution: str) -> tuple[str, ...]:
    """The last lines, if they can be had: the command is an extension's, and still in preview."""
    call = show_log(place, job, execution, "migrate")
    try:
        return tuple(ask(call).splitlines()[-LINES:])
    except CloudError as error:
        return (
            f"the log could not be read ({error.what.splitlines()[0]}): `{' '.join(call.argv)}`",
        )


OPERATIONS: Operations = Azure()
