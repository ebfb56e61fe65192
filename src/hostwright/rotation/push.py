"""Compare values with what serves, and push them: a release with the same images, as a deploy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hostwright import deploy as deploying
from hostwright import registries, remote, resting
from hostwright.errors import PreflightError
from hostwright.images import Decision, Placed
from hostwright.release.blueprint import ROLES
from hostwright.remote import Runner
from hostwright.rotation import difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.deploy import Local, Outcome
    from hostwright.progress import Progress
    from hostwright.release.build import Release
    from hostwright.remote import Event
    from hostwright.rotation.difference import Change
    from hostwright.transport import Session


@dataclass(frozen=True)
class Pushed:
    """What was pushed, and how the deploy of it ended; None where nothing differed."""

    changes: list[Change]
    serving: str
    outcome: Outcome | None


def compare(session: Session, local: Local) -> tuple[str, list[Change]]:
    """The serving release, and what of *local*'s values differs from it.

    Raises:
        PreflightError: Nothing serves.
        HostError: The host does not tell.
    """
    with Runner(session, local.app) as runner:
        deploying.same_version(runner)
        told = ask(runner)
        return str(told["serving"]), changes(local, told)


def ask(runner: Runner) -> Event:
    """What serves, by salted hashes.

    Raises:
        PreflightError: Nothing serves.
    """
    runner.send({"do": "planned"})
    told = list(runner.events("planned"))[-1]
    if not told["serving"]:
        raise PreflightError(
            "nothing serves there yet", where=runner.where, remedy="`invoke vps.deploy` first."
        )
    return told


def changes(local: Local, told: Event) -> list[Change]:
    """What of the operator's values differs from what serves."""
    roles = deploying.values_in(local, str(told["serving"]))
    given = {name: item.value for name, item in local.given.items()}
    return difference.compare(told, roles, given)


def push(session: Session, local: Local, progress: Progress) -> Pushed:
    """Bring a release with the images that serve and the values of *local*, and follow it.

    Passwords of the base are changed in the running services as well.

    Raises:
        PreflightError: Nothing serves, or more than values would change; nothing was touched.
        HostError: Of the family of what went wrong; what served before serves.
    """
    from hostwright.backup import operate as backups

    with resting.at_rest(session, local.app, progress) as runner:
        deploying.same_version(runner)
        deploying.announce(runner, progress)
        deploying.refuse_busy(runner)
        told = ask(runner)
        found = changes(local, told)
        if not found:
            backups.tell(runner, local.backup, progress)  # credentials are values of no role
            return Pushed(found, str(told["serving"]), None)
        turning = difference.passwords(found)
        if turning:
            # Nobody goes back to a release that does not know the new password: none stays warm.
            local = replace(local, host=local.host.model_copy(update={"warm_seconds": 0}))
        staying = kept(runner.hello)
        release = deploying.make(local, staying, runner.hello["arch"])
        refuse_more(release, told, runner)
        backups.tell(runner, local.backup, progress)
        for line in difference.shown(found):
            progress.note(line)
        request = {"do": "deploy", "actor": remote.actor(), "passwords": bool(turning)}
        gone = registries.lacking((image.ref for image in staying.placed.values()), runner.hello)
        runner.send({**request, **registries.going_along(local.logins, gone)}, release.pack())
        outcome = deploying.follow(runner, session, progress)
        return Pushed(found, outcome.serving, outcome)


def kept(hello: Mapping[str, Any]) -> Decision:
    """The images that serve, and those of the base that runs, under their very names."""
    serving = next(one for one in hello["releases"] if one["id"] == hello["serving"])
    base = {name: item for name, item in deploying.base_images(hello).items() if name not in ROLES}
    entries = {name: base.get(name, item) for name, item in serving["images"].items()}
    placed = {
        name: Placed(item["ref"], item["id"], pull=False, asked=item.get("asked") or "")
        for name, item in entries.items()
    }
    return Decision(placed, {})


def refuse_more(release: Release, told: Event, runner: Runner) -> None:
    """Refuse to bring what is more than values.

    Raises:
        PreflightError: This clone's blueprint or contract is not the serving release's.
    """
    more = beyond(release, told, str(runner.hello["contract_sha256"]))
    if more:
        raise PreflightError(
            f"more than values would change: {', '.join(more)}",
            where=runner.where,
            remedy="Run `invoke vps.deploy`, which brings all of it. Nothing was touched.",
        )


def beyond(release: Release, told: Event, contract: str) -> list[str]:
    """What of a release differs from what is there, beside its values. Pure."""
    texts = {name: file.content.decode() for name, file in release.files.items()}
    roles = str(told["compose"]).replace(str(told["serving"]), release.id)
    base = told["base"]["files"]
    mine = {
        name.removeprefix("base/"): release.manifest["files"][name]["sha256"]
        for name in texts
        if name.startswith(("entrypoints/", "base/"))
    }
    found = {
        "the contract": release.manifest["contract"]["sha256"] != contract,
        "the roles' containers": texts["compose.yaml"] != roles,
        "the base's containers": texts["base.yaml"] != told["base"]["compose"],
        "the base's files": any(base.get(name) != digest for name, digest in mine.items()),
        "Caddy's configuration": release.manifest["caddy_sha256"] != told["caddy"]["sha256"],
    }
    return [name for name, differs in found.items() if differs]
