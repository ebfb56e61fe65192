"""Backups by command: tell the host what is in force, ask for the work, follow it to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostwright import images, registries, remote, resting, secrets
from hostwright.backup import delivery
from hostwright.contract import load
from hostwright.deploy import same_version, send_images
from hostwright.errors import SettingsError, UserError
from hostwright.fleet.shared import once
from hostwright.remote import Runner, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.images import LocalImage
    from hostwright.progress import Progress
    from hostwright.remote import Event
    from hostwright.settings import Host
    from hostwright.transport import Session


def content(host: Host) -> bytes:
    """The document that the host is to have.

    Raises:
        UserError: No backups are set, or a key or a value is missing; nothing was touched.
    """
    if host.backup is None:
        raise SettingsError(
            "no backups are set for this host",
            where=host.address,
            remedy="Set `backup` of the host in hosts.yaml; hosts.example.yaml shows all of it.",
        )
    contract = once("contract", load)
    wanted = any(one.s3 for one in host.backup.repositories.values())
    names = delivery.CREDENTIALS if wanted else ()
    credentials = secrets.of_no_role(host.values, contract, "vps", names) if names else {}
    return delivery.document(host.backup, contract, credentials)


def deliver(runner: Runner, document: bytes) -> bool:
    """Give the host the document where it has another one; whether it was sent.

    Raises:
        HostError: The host refused it.
    """
    told: Mapping[str, Any] = runner.hello.get("backup") or {}
    if told.get("sha256") == delivery.digest(document):
        return False
    runner.send({"do": "backup-settings", "actor": remote.actor()}, document)
    list(runner.events("backup-settings"))
    return True


def tell(runner: Runner, document: bytes | None, progress: Progress) -> None:
    """Deliver the document where there is one, and say so where the host had another.

    Raises:
        HostError: The host refused it.
    """
    if document and deliver(runner, document):
        progress.note("the host was told the settings of its backups")


def ask(
    session: Session, host: Host, app: str, request: Event, progress: Progress
) -> tuple[Event, Event]:
    """Have the host do something about backups, and follow until it is done.

    Returns:
        What was done, and how the operation ended.

    Raises:
        HostError: Of the family of what went wrong; what serves is told.
    """
    document = content(host)
    with resting.at_rest(session, app, progress) as runner:
        same_version(runner)
        tell(runner, document, progress)
        login = registries.for_return(host, runner.hello, progress.note)
        runner.send({**request, "actor": remote.actor(), **login})
        return follow(runner, progress)


def follow(runner: Runner, progress: Progress) -> tuple[Event, Event]:
    """Show the steps until the operation is done."""
    event: Event = {}
    done: Event = {}
    for event in runner.events("done"):
        show(event, progress)
        if event["event"] in {"backup", "restored", "drill", "recover"}:
            done = event
    return done, event


def recover(
    session: Session, host: Host, app: str, request: Event, progress: Progress
) -> tuple[Event, Event]:
    """Make the provisioned, empty host behind *session* the one that a backup is of.

    Returns:
        What was restored, and how the operation ended.

    Raises:
        HostError: Of the family of what went wrong; the next try begins anew.
        UserError: An image that no registry has is not here either.
    """
    document, logins = content(host), registries.logins(host, once("contract", load))
    with resting.at_rest(session, app, progress) as runner:
        same_version(runner)
        deliver(runner, document)
        runner.send({**request, "look": True, "actor": remote.actor()})
        found, _ = follow(runner, progress)
        wanted = missing(found["images"], runner.hello["images"])
        if wanted:
            here = images.inspect(set(wanted.values()))
            decision = images.Decision({}, to_send(wanted, here))
            send_images(runner, decision, int(runner.hello["disk_free"]), progress)
        gone = registries.lacking((one["ref"] for one in found["images"].values()), runner.hello)
        login = registries.going_along(logins, gone)
        runner.send({**request, "backup": found["backup"], "actor": remote.actor(), **login})
        return follow(runner, progress)


def missing(needed: Mapping[str, Mapping[str, Any]], on_host: Mapping[str, str]) -> dict[str, str]:
    """The images that have to be sent: name on the host to id. What has a digest is pulled."""
    return {
        entry["ref"]: str(entry["id"])
        for entry in needed.values()
        if "@sha256:" not in entry["ref"] and on_host.get(entry["ref"]) != entry["id"]
    }


def to_send(wanted: Mapping[str, str], here: Mapping[str, LocalImage]) -> dict[str, LocalImage]:
    """The operator's own images under the names that the release has for them.

    Raises:
        UserError: One is not here.
    """
    for ref, identity in wanted.items():
        if identity not in here:
            raise UserError(
                f"the local Docker engine has no image {identity[:19]}…",
                where=ref,
                remedy="Build or load that very image here: the release names it by its id, and no "
                "registry has it.",
            )
    return {ref: here[identity] for ref, identity in wanted.items()}


def way_back(session: Session, app: str, to: str | None) -> Event:
    """What a rollback with data would restore."""
    with Runner(session, app) as runner:
        same_version(runner)
        runner.send({"do": "way-back", "to": to})
        return list(runner.events("way-back"))[-1]


def listing(session: Session, app: str) -> Event:
    """Every backup and drill that the host has written down."""
    with Runner(session, app) as runner:
        runner.send({"do": "backups"})
        return list(runner.events("backups"))[-1]
