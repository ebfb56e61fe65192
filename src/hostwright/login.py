"""Log in to a host for its everyday work: whoever may start the runner there will do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, provisioning, transport
from hostwright.errors import LoginError
from hostwright.host.guard import opens

if TYPE_CHECKING:
    from hostwright.settings import Host
    from hostwright.transport import Address, Session


def address(settings: Host) -> Address:
    """Where its SSH is."""
    return transport.Address(settings.address, settings.port)


def key(settings: Host) -> Path | None:
    """The private key to log in with, where one is named."""
    return Path(settings.identity_file).expanduser() if settings.identity_file else None


def users(settings: Host) -> tuple[str, ...]:
    """Who to log in as: deploy, whom a release needs, else one of those who change the host.

    Those may run the runner by sudo as well, and a person's key may be theirs alone. Where that is
    known of the key that is named, they come first: sshd counts refused logins.
    """
    changing = provisioning.logins(settings)
    order = (settings.deploy_user, *changing)
    if _administrators_alone(settings):
        order = (*changing, settings.deploy_user)
    return tuple(dict.fromkeys(order))


def _administrators_alone(settings: Host) -> bool:
    private = key(settings)
    try:
        mine = Path(f"{private}.pub").read_text(encoding="utf-8") if private else ""
    except (OSError, ValueError):
        return False
    words = " ".join(mine.split(" ", 2)[:2]).strip()
    named = opens(words, settings.admin_keys)
    return named and bool(settings.deploy_keys) and not opens(words, settings.deploy_keys)


def connect(settings: Host) -> Session:
    """A connection to the host, as the first of its users that is let in.

    Raises:
        HostError: Nobody answers as was pinned, or none of the users was let in.
        UserError: The key that is named cannot be used.
    """
    try:
        return transport.connect(
            address(settings),
            key=key(settings),
            known_hosts=paths.KNOWN_HOSTS,
            users=users(settings),
        )
    except LoginError as error:
        raise LoginError(
            error.what, where=error.where, remedy=f"{error.remedy}{_listed(settings)}"
        ) from error


def _listed(settings: Host) -> str:
    """Whose keys provisioning has let in: where hosts.yaml names some, no others."""
    administrator = provisioning.logins(settings)[0]
    found = {settings.deploy_user: "deploy_keys"} if settings.deploy_keys else {}
    if settings.admin_keys and administrator not in {"root", settings.bootstrap_user}:
        found[administrator] = "admin_keys"
    if not found:
        return ""
    told = " and ".join(f"only {keys} as {user}" for user, keys in found.items())
    return (
        f" A provisioned host lets in {told} (hosts.yaml): list the key there, and have somebody "
        "who gets in run `invoke vps.provision`."
    )
