"""What every task on a server begins with: the host's settings, and a connection to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.settings import Host
    from hostwright.transport import Address, Session


def settings(name: str, **given: Any) -> Host:  # noqa: ANN401 - fields of Host
    """The host's settings with the flags that were given.

    Raises:
        SettingsError: No host was named, or what hosts.yaml says of it does not hold.
    """
    from hostwright import settings as read
    from hostwright.errors import SettingsError

    if not name:
        raise SettingsError("no host was named", remedy="Give --host: a name or an address.")
    env_file, email = given.pop("env_file", ""), given.pop("acme_email", "")
    overrides = {key: value for key, value in given.items() if value}
    if env_file:
        overrides["values"] = {"env_file": env_file}
    if email:
        overrides["acme"] = {"email": email}
    return read.host(name, overrides=overrides)


def images(words: list[str]) -> dict[str, str]:
    """The images by role, of words such as ``api=ghcr.io/acme/shop:1``.

    Raises:
        UserError: A word is something else.
    """
    from hostwright.errors import UserError

    pairs = [word.partition("=") for word in words]
    for role, _, reference in pairs:
        if not role or not reference:
            raise UserError(f"{role!r} is not ROLE=REFERENCE", where="--image")
    return {role: reference for role, _, reference in pairs}


def address(settings: Host) -> Address:
    """Where its SSH is."""
    from hostwright import login

    return login.address(settings)


def key(settings: Host) -> Path | None:
    """The private key to log in with, where one is named."""
    from hostwright import login

    return login.key(settings)


@contextmanager
def session(settings: Host) -> Iterator[Session]:
    """A connection to it, as the first of its users that is let in."""
    from hostwright import login

    with login.connect(settings) as opened:
        yield opened


def app(settings: Host) -> str:
    """What the application is called there."""
    from hostwright.contract import load
    from hostwright.fleet.shared import once

    return settings.project_name or once("contract", load).application
