"""Log in to registries: where the passwords come from, and which of them travel with a request.

A password is a value of the operator's that no role gets. It answers a registry's challenge here,
and goes to the host in the request that needs it (:mod:`hostwright.runner.registries`), which keeps
it in memory alone: neither side ever writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hostwright import secrets
from hostwright.backup.delivery import CREDENTIALS
from hostwright.contract import load
from hostwright.errors import SettingsError, UserError, ValuesError
from hostwright.fleet.shared import once
from hostwright.runner.registries import LONGEST, canonical, server
from hostwright.secrets import REGISTRY_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hostwright.contract.models import Contract
    from hostwright.settings import Host


@dataclass(frozen=True)
class Login:
    """A login as the operator has it; ``variable`` is where its password comes from."""

    username: str
    variable: str
    password: str = field(repr=False)


def variables(host: Host) -> frozenset[str]:
    """The names of values that are passwords of registries, and so no role's."""
    return frozenset(one.password_from for one in host.registries.values())


def logins(host: Host, contract: Contract) -> dict[str, Login]:
    """The login of each registry of a host, by the registry's name as Docker has it.

    Raises:
        SettingsError: A password has the name of a value that is something else.
        ValuesError: A password is not given, or is none; or a source is unreadable.
    """
    if not host.registries:
        return {}
    given = secrets.of_no_role(host.values, contract, "vps", variables(host))
    taken = {*contract.variables, *contract.targets["vps"].secrets, *CREDENTIALS}
    found: dict[str, Login] = {}
    for name, one in host.registries.items():
        where = f"{host.address}: registries.{name}.password_from"
        if one.password_from in taken or not one.password_from.startswith(REGISTRY_PASSWORD):
            raise SettingsError(
                f"{one.password_from} is no name for the password of a registry",
                where=where,
                remedy=f"Choose one that begins with {REGISTRY_PASSWORD}, and that is free.",
            )
        password = _checked(given.get(one.password_from, ""), one.password_from, where)
        found[canonical(name)] = Login(one.username, one.password_from, password)
    return found


def _checked(password: str, name: str, where: str) -> str:
    if not password.strip():
        raise ValuesError(
            f"no value for {name}",
            where=where,
            remedy="Give it where the host's other values come from.",
        )
    if len(password) > LONGEST or not password.isprintable():
        raise ValuesError(
            f"the value of {name} is no password: longer than {LONGEST} characters, or with "
            "characters that cannot be printed",
            where=where,
            remedy="Correct the value.",
        )
    return password


def login_for(reference: str, known: Mapping[str, Login]) -> Login | None:
    """The login of the registry that an image is in, if there is one."""
    return known.get(server(reference))


def going_along(known: Mapping[str, Login], references: Iterable[str]) -> dict[str, Any]:
    """What a request says of registries for the host to pull *references*; empty without need."""
    needed = {server(reference) for reference in references if "@sha256:" in reference}
    told = {
        name: {"username": one.username, "password": one.password}
        for name, one in sorted(known.items())
        if name in needed
    }
    return {"registries": told} if told else {}


def lacking(references: Iterable[str], hello: Mapping[str, Any]) -> set[str]:
    """Those of *references* that a host would have to pull."""
    return {reference for reference in references if reference not in hello["images"]}


def for_return(
    host: Host, hello: Mapping[str, Any], note: Callable[[str], object]
) -> dict[str, Any]:
    """What a request says of registries where an older release is to return.

    The host has its images, but for those that somebody removed there. Only then is a password
    read; where that fails *note* is told and the host tries without, since a way back is urgent.
    """
    named = {
        image["ref"] for one in hello["releases"] for image in (one.get("images") or {}).values()
    }
    gone = lacking(named, hello)
    if not host.registries or not gone:
        return {}
    try:
        return going_along(logins(host, once("contract", load)), gone)
    except UserError as error:
        note(f"an image is missing on the host, and no login to its registry goes along: {error}")
        return {}
