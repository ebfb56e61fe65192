"""Bind certificates to names on Azure, which the provider cannot. Pure: the caller runs commands.

Terraform gives an app its name and has the certificate issued (edge.tf); the name serves it once
the two are bound, which is done here (hashicorp/terraform-provider-azurerm issue 27362). What is
bound already is left alone, so it may be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.cloud.azure import Place, answer, list_apps, place_of, role_of
from hostwright.cloud.model import Call
from hostwright.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.cloud.model import Ask, Say, Wait, Where

    Json = Any

#: Seconds between two looks at a certificate, and how many of them at most: half an hour.
PAUSE, LOOKS = 10.0, 180
#: A name that serves no certificate.
UNBOUND = "Disabled"
ISSUED, ISSUING = "Succeeded", "Pending"
#: How the id of a managed certificate differs from that of one that was uploaded.
MANAGED = "/managedcertificates/"


class Name(NamedTuple):
    """A name that an app has."""

    host: str
    app: str
    environment: str
    bound: bool


# --- command lines -----------------------------------------------------------------------------


def list_certificates(place: Place, environment: str) -> Call:
    """Every certificate of an environment."""
    words = ("az", "containerapp", "env", "certificate", "list", "--name", environment)
    return Call((*words, *place.words), f"lists the certificates of {environment}")


def bind_name(place: Place, name: Name, certificate: str) -> Call:
    """Bind a certificate by its id: by its name alone, one that is managed is not found."""
    words = ("az", "containerapp", "hostname", "bind", "--name", name.app, "--hostname", name.host)
    return Call(
        (*words, "--certificate", certificate, *place.words), f"binds {name.host} to {name.app}"
    )


# --- answers -----------------------------------------------------------------------------------


def names(apps: Sequence[Mapping[str, Json]]) -> Iterator[Name]:
    """The names that the apps of the roles have."""
    for app in apps:
        properties = app.get("properties") or {}
        ingress = (properties.get("configuration") or {}).get("ingress") or {}
        environment = properties.get("environmentId") or properties.get("managedEnvironmentId")
        for each in (ingress.get("customDomains") or ()) if role_of(app) else ():
            yield Name(
                host=str(each["name"]),
                app=str(app["name"]),
                environment=str(environment).rpartition("/")[2],
                bound=(each.get("bindingType") or UNBOUND) != UNBOUND,
            )


def certificate(listed: Sequence[Mapping[str, Json]], host: str) -> tuple[str, str]:
    """Id of the managed certificate for a host, and how far it is; both empty if there is none."""
    for each in listed:
        properties = each.get("properties") or {}
        called = str(properties.get("subjectName") or "").lower()
        if MANAGED in str(each.get("id")).lower() and called == host.lower():
            return str(each["id"]), str(properties.get("provisioningState") or "Unknown")
    return "", ""


# --- the operation -----------------------------------------------------------------------------


def bind(ask: Ask, where: Where, say: Say, wait: Wait) -> None:
    """Bind every name to its certificate, once that is issued.

    Raises:
        CloudError: No app has a name, or Azure has issued no certificate.
    """
    place = place_of(where.outputs)
    call = list_apps(place)
    found = list(names(answer(ask(call), call.what)))
    if not found:
        raise CloudError(
            "no app has a name of yours yet",
            where=place.group,
            remedy="Make the records that `invoke azure.outputs` tells (dns_records), then apply "
            "with dns_records_exist = true.",
        )
    for name in found:
        if name.bound:
            say(f"{name.host}: bound already")
            continue
        ask(bind_name(place, name, _issued(ask, place, name, say, wait)))
        say(f"{name.host}: bound to {name.app}")


def _issued(ask: Ask, place: Place, name: Name, say: Say, wait: Wait) -> str:
    """The id of a name's certificate, when it is there to serve."""
    call, state = list_certificates(place, name.environment), ""
    for look in range(LOOKS):
        id_, state = certificate(answer(ask(call), call.what), name.host)
        if state == ISSUED:
            return id_
        if state != ISSUING:
            break
        if not look:
            say(f"{name.host}: the certificate is being issued")
        wait(PAUSE)
    raise _unissued(state, name.host)


def _unissued(state: str, host: str) -> CloudError:
    if not state:
        what, remedy = "there is no certificate", "Apply with dns_records_exist = true first."
    elif state == ISSUING:
        what = f"the certificate is not issued after {LOOKS * PAUSE / 60:.0f} minutes"
        remedy = "See that the records of dns_records lead here, and run this again."
    else:
        what = f"Azure did not issue the certificate: {state}"
        remedy = "See that the records of dns_records lead here, delete it, and apply again."
    return CloudError(what, where=host, remedy=remedy)
