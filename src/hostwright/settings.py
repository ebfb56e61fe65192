"""``hosts.yaml``: what an operator says about each server, in the contract's canonical words.

A host named on the command line is a name from that file, or a bare address; then flags and the
environment say the rest. Nothing secret belongs here: values come from ``values``.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from hostwright import paths
from hostwright.backup.settings import Backup  # noqa: TC001 - pydantic reads it
from hostwright.contract.located import Located, dotted, parse, read
from hostwright.contract.models import (
    ApplicationName,
    Contract,
    Identifier,
    Model,
    PortNumber,
    Profile,
    RoleName,
    Seconds,
    VariableName,
)
from hostwright.contract.rules import near
from hostwright.contract.typed import listed, typed
from hostwright.errors import SettingsError
from hostwright.fleet.shared import once
from hostwright.forms import like as _like
from hostwright.runner.layout import DATABASE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_IP = r"[0-9a-fA-F:.]+"


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"is not an address range: {error}") from None
    return text


def _reachable(text: str) -> str:
    """A host name, or an address that is one: ``1..2`` has the characters of both."""
    if not re.fullmatch(_HOST_NAME, text):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError("is not a host name or an address") from None
    return text


def _carried(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL byte, which no environment can carry")
    return text


HostName = Annotated[str, *_like(_HOST_NAME, "a host name", 253)]
HostAddress = Annotated[
    str,
    *_like(f"{_HOST_NAME}|{_IP}", "a host name or an address", 253),
    AfterValidator(_reachable),
]
AccountName = Annotated[str, *_like(r"[a-z_][a-z0-9_-]{0,31}", "the name of an account", 32)]
#: An image reference with a tag or a digest; nothing that a shell or Compose would read otherwise.
ImageReference = Annotated[
    str,
    *_like(r"[a-z0-9][A-Za-z0-9_.:/-]*(?:@sha256:[0-9a-f]{64})?", "an image reference", 255),
]
#: What Docker reads as a registry in front of an image's name; small letters, as there.
RegistryServer = Annotated[
    str,
    *_like(
        r"localhost(?::[0-9]{1,5})?|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5}",
        "a registry: ghcr.io, docker.io or registry.example.com:5000",
        260,
    ),
]
#: A colon would end it in the header that carries it.
UserName = Annotated[str, *_like(r"[^\s:\x00-\x1f\x7f]+", "a user name without a colon", 255)]
EmailAddress = Annotated[str, *_like(r"[^\s@{}\"'`]+@[^\s@{}\"'`]+", "an email address", 254)]
WebAddress = Annotated[str, *_like(r"https?://[^\s{}\"'`]+", "an http(s) address", 2000)]
TimeOfDay = Annotated[
    str, *_like(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day, quoted: "04:00"', 5)
]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Ranges = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Ports = Annotated[tuple[PortNumber, ...], BeforeValidator(_listed)]
Plain = Annotated[str, AfterValidator(_carried)]


class Values(Model):
    """Where the operator's values come from; later sources win over earlier ones.

    ``env_file`` is read with python-dotenv, ``environment`` takes the contract's names from the
    process's own variables, and ``command`` runs a program that prints an env file.
    """

    env_file: str | None = None
    environment: bool = False
    command: Words = ()


class Registry(Model):
    """The login of a registry; its password is the value of that name, and no role gets it."""

    username: UserName
    password_from: VariableName


class Acme(Model):
    """Which certificate authority is asked, and who answers for the account."""

    email: EmailAddress | None = None
    directory: WebAddress | None = None
    root: str | None = None


class Host(Model):
    """One server: an installation of its own."""

    address: HostAddress
    port: PortNumber = 22
    bootstrap_user: AccountName = "root"
    deploy_user: AccountName = "deploy"
    administrator: AccountName | Literal[""] = ""
    identity_file: str | None = None
    deploy_keys: Words = ()
    admin_keys: Words = ()
    root_login: Literal["no", "keys"] = "no"
    tcp_ports: Ports = ()
    udp_ports: Ports = ()
    revert_seconds: Annotated[int, Field(ge=30, le=600)] = 60
    swap_mib: Annotated[int, Field(ge=0, le=65_536)] = 1024
    reboot_time: TimeOfDay | None = "04:00"
    profile: Profile = "production"
    project_name: ApplicationName | None = None
    app_domain: HostName | None = None
    api_domain: HostName | None = None
    app_public_url: WebAddress | None = None
    images: dict[RoleName, ImageReference] = Field(default_factory=dict)
    base_images: dict[Literal["caddy", "postgres", "redis"], ImageReference] = Field(
        default_factory=dict
    )
    transport: Literal["auto", "registry", "ssh"] = "auto"
    registries: dict[RegistryServer, Registry] = Field(default_factory=dict)
    values: Values = Values()
    acme: Acme = Acme()
    inputs: dict[Identifier, str | int | float | bool] = Field(default_factory=dict)
    api_env: dict[VariableName, Plain] = Field(default_factory=dict)
    web_env: dict[VariableName, Plain] = Field(default_factory=dict)
    worker_env: dict[VariableName, Plain] = Field(default_factory=dict)
    trusted_proxies: Ranges = ()
    keep_releases: Annotated[int, Field(ge=2, le=50)] = 5
    warm_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    health_seconds: Seconds | None = None
    backup: Backup | None = None

    def canonical(self) -> dict[str, str]:
        """The contract's inputs that this host gives, by canonical name."""
        domain = self.app_domain
        named: dict[str, Any] = {
            "environment": self.profile,
            "project_name": self.project_name,
            "app_domain": self.app_domain,
            "api_domain": self.api_domain,
            "app_public_url": self.app_public_url or (domain and f"https://{domain}"),
            **{f"{role}_image": image for role, image in self.images.items()},
            **self.inputs,
        }
        return {name: _text(value) for name, value in named.items() if value is not None}


HostKey = Annotated[str, *_like(r"[a-z][a-z0-9-]{0,62}", "a name of small letters", 63)]


class HostsFile(Model):
    """The whole of ``hosts.yaml``."""

    version: Literal[1] = 1
    hosts: dict[HostKey, Host]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


#: The hosts file that the command named, instead of the operator's own.
_NAMED: ContextVar[Path | None] = ContextVar("hosts_file", default=None)


@contextmanager
def using(path: Path | None) -> Iterator[None]:
    """Read names from the hosts file *path* in this block; from the operator's own for None.

    Raises:
        SettingsError: There is no such file.
    """
    if path is not None and not path.is_file():
        raise SettingsError(
            "there is no such file", where=paths.shown(path), remedy="Correct --hosts-file."
        )
    token = _NAMED.set(path)
    try:
        yield
    finally:
        _NAMED.reset(token)


def known(path: Path | None = None) -> dict[str, Host]:
    """The hosts of the file that is in force, by name; none where there is no file.

    Raises:
        SettingsError: As for ``load``.
    """
    path = path or _NAMED.get() or paths.HOSTS
    return once(("hosts", path), lambda: load(path).hosts) if path.is_file() else {}


def load(path: Path | None = None) -> HostsFile:
    """The checked hosts file; the operator's own one without *path*.

    Raises:
        SettingsError: Unreadable, or a line per fault with ``file:line: key.path``.
    """
    path = path or paths.HOSTS
    return _checked(read(path, paths.shown(path), SettingsError))


def from_text(text: str, shown: str) -> HostsFile:
    """The same from text (for tests and the wizard)."""
    return _checked(parse(text, shown, SettingsError))


def host(
    name: str,
    *,
    overrides: Mapping[str, Any],
    path: Path | None = None,
) -> Host:
    """The settings of a host that was named on the command line.

    Args:
        name: A name from the file, or ``[user@]address[:port]``.
        overrides: Flags that were given, by field; they win over the file.
        path: The hosts file, instead of the operator's own; it may be missing when *name* is an
            address.

    Raises:
        SettingsError: The name is unknown and no address, or the settings do not hold together.
    """
    path = path or _NAMED.get() or paths.HOSTS
    hosts = known(path)
    given = {key: value for key, value in overrides.items() if value not in (None, "", {}, ())}
    if name in hosts:
        return _build(_merged(hosts[name].model_dump(exclude_unset=True), given), name)
    if not _looks_like_address(name):
        remedy = near(name, list(hosts)) if hosts else "There is no hosts.yaml; give an address."
        raise SettingsError(f"no host {name!r}", where=paths.shown(path), remedy=remedy)
    return _build({**_address(name), **given}, name)


def _merged(stated: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The file's settings under the flags: mappings are merged, but for where values come from."""
    merged = {**stated, **given}
    for key in ("images", "acme"):
        if key in stated and key in given:
            merged[key] = {**stated[key], **given[key]}
    return merged


def _looks_like_address(name: str) -> bool:
    return any(mark in name for mark in ".:@")


def _address(name: str) -> dict[str, Any]:
    from hostwright.transport import Address

    parsed = Address.parse(name)
    user = {"bootstrap_user": parsed.user} if parsed.user else {}
    return {"address": parsed.host, "port": parsed.port, **user}


def _build(data: dict[str, Any], name: str) -> Host:
    try:
        return Host.model_validate(data, strict=False)
    except ValidationError as error:
        lines = [f"  {name}: {_told(item)}" for item in error.errors()]
        raise SettingsError("\n".join(["the settings do not hold together", *lines])) from None


def _told(item: Any) -> str:  # noqa: ANN401 - pydantic's own mapping
    key = dotted(tuple(step for step in item["loc"] if step != "[key]"))
    if item["type"] == "missing":
        return f"{key} is missing. Give --{key.replace('_', '-')}, or set it in hosts.yaml."
    return f"{key}: {str(item['msg']).removeprefix('Value error, ')}."


def _checked(document: Located) -> HostsFile:
    if not isinstance(document.data, dict):
        raise SettingsError(
            "is not a mapping", where=document.file, remedy="See hosts.example.yaml."
        )
    try:
        return HostsFile.model_validate(document.data)
    except ValidationError as error:
        lines = listed(document, typed(document, HostsFile, error))
        raise SettingsError("\n".join([f"{document.file} has faults", *lines])) from None


#: Inputs that a host says by a field of its own.
_FIELDS = {
    "environment": "profile",
    **{f"{role}_image": f"images.{role}" for role in ("api", "web", "worker")},
}
_INPUT_TYPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "int": ("a whole number", lambda text: bool(re.fullmatch(r"[0-9]{1,9}", text))),
    "number": ("a number", lambda text: bool(re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text))),
    "bool": ("true or false", lambda text: text in {"true", "false"}),
}


#: Inputs that name something of Postgres: backups insist on the form.
_DATABASE_NAMES = frozenset({"db_name", "db_admin_username"})


def input_fault(kind: str, text: str) -> str | None:
    """What is wrong with an input of such a type, as a phrase that follows its name, or None."""
    needed, fits = _INPUT_TYPES.get(kind, ("", bool))
    return f"is not {needed}" if needed and not fits(text) else None


def check_inputs(host: Host, contract: Contract) -> None:
    """Refuse inputs that the contract does not know, that a field says already, or of a wrong type.

    Raises:
        SettingsError: The first of them.
    """
    known = [name for name, item in contract.inputs.items() if "vps" in item.targets]
    for name, value in host.inputs.items():
        where = f"{host.address}: inputs.{name}"
        field = _FIELDS.get(name, name if name in Host.model_fields else "")
        if field:
            raise SettingsError(
                "has a field of its own", where=where, remedy=f"Write it as {field} of the host."
            )
        if name in contract.inputs and name not in known:
            raise SettingsError("has no use on a VPS", where=where, remedy="Remove it.")
        if name not in known:
            raise SettingsError(
                "there is no such input here", where=where, remedy=near(name, known)
            )
        fault = input_fault(contract.inputs[name].type, _text(value))
        if fault:
            raise SettingsError(fault, where=where, remedy="Correct it.")
        if name in _DATABASE_NAMES and not DATABASE_NAME.fullmatch(_text(value)):
            raise SettingsError(
                "is not a name that commands of Postgres can be given",
                where=where,
                remedy="Use letters, digits, - and _, and begin with a letter.",
            )
