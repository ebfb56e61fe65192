"""Tasks on one server: provision, deploy, roll back, look."""

from __future__ import annotations

import json as json_
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from hostwright.tasks.command import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from invoke.context import Context

    from hostwright.settings import Host
    from hostwright.transport import Address, Session

_HOST = "A name from hosts.yaml, or [user@]address[:port]."
_JSON = "Print one JSON document; progress goes to standard error."
_KEY = "Private key to log in with; else ~/.ssh and the agent."


@command(
    help={
        "host": _HOST,
        "fingerprint": "What the provider's console shows (SHA256:…); else you are asked.",
    }
)
def trust(_: Context, host: str = "", fingerprint: str = "") -> None:
    """Pin a host's key, once, after comparing its fingerprint.

    Example: `invoke vps.trust --host root@203.0.113.7`.
    """
    from hostwright import paths, transport

    address = _address(_settings(host))
    key = transport.scan_host_key(address)
    _confirm(address, key.fingerprint, fingerprint)
    transport.pin(paths.KNOWN_HOSTS, address, key)
    print(f"{address.pinned_name} is pinned: {key.kind} {key.fingerprint}")


def _confirm(address: Address, shown: str, expected: str) -> None:
    import sys

    from hostwright.errors import HostKeyError

    if expected:
        if expected != shown:
            raise HostKeyError(
                f"it presents {shown}, not {expected}",
                where=str(address),
                remedy="Something else answers at this address. Nothing was pinned.",
            )
        return
    if not sys.stdin.isatty():
        raise HostKeyError(
            f"it presents {shown}", where=str(address), remedy="Give it as --fingerprint."
        )
    if input(f"{address} presents {shown}. Is that its key? [yes/no] ") != "yes":
        raise HostKeyError("not confirmed; nothing was pinned", where=str(address))


@command(
    help={
        "host": _HOST,
        "dry-run": "Print the plan and change nothing.",
        "identity": _KEY,
        "json": _JSON,
    }
)
def provision(
    _: Context, host: str = "", dry_run: bool = False, identity: str = "", json: bool = False
) -> None:
    """Make a bare Debian or Ubuntu server a hardened host; a second run changes nothing.

    Example: `invoke vps.provision --host root@203.0.113.7 --dry-run`.
    """
    from hostwright import provisioning

    settings = _settings(host, identity_file=identity)
    outcome = provisioning.run(_address(settings), settings, key=_key(settings), dry_run=dry_run)
    if json:
        print(json_.dumps(outcome.as_json(), indent=2))
    else:
        print(outcome.last_line)


@command(
    iterable=["image"],
    help={
        "host": _HOST,
        "image": "ROLE=REFERENCE; may be repeated; wins over hosts.yaml.",
        "env-file": "The operator's values; wins over hosts.yaml.",
        "app-domain": "Host name of the web role.",
        "api-domain": "Host name of the api role.",
        "acme-email": "Who the certificate authority writes to.",
        "identity": _KEY,
        "dry-run": "Check everything on this side and stop before the host is changed.",
        "json": _JSON,
    },
)
def deploy(
    _: Context,
    host: str = "",
    image: list[str] | None = None,
    env_file: str = "",
    app_domain: str = "",
    api_domain: str = "",
    acme_email: str = "",
    identity: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Bring a new release to the host: all of it, or nothing.

    Example: `invoke vps.deploy --host shop --image api=ghcr.io/acme/shop@sha256:…`.
    """
    from hostwright import deploy as deploying
    from hostwright.progress import Progress

    settings = _settings(
        host,
        identity_file=identity,
        app_domain=app_domain,
        api_domain=api_domain,
        images=_images(image or []),
        env_file=env_file,
        acme_email=acme_email,
    )
    with Progress() as progress:
        local = deploying.gather(settings)
        if dry_run:
            _print_intent(local)
            return
        with _session(settings) as session:
            outcome = deploying.deploy(session, local, progress)
        _print_outcome(outcome, settings, json)


@command(
    help={
        "host": _HOST,
        "to": "A release id; the previous good one without it.",
        "identity": _KEY,
        "json": _JSON,
    }
)
def rollback(
    _: Context, host: str = "", to: str = "", identity: str = "", json: bool = False
) -> None:
    """Return to the previous good release, with its own images, env and configuration.

    Example: `invoke vps.rollback --host shop`.
    """
    from hostwright import deploy as deploying
    from hostwright.progress import Progress

    settings = _settings(host, identity_file=identity)
    with Progress() as progress, _session(settings) as session:
        outcome = deploying.rollback(session, _app(settings), to or None, progress)
    _print_outcome(outcome, settings, json)


@command(help={"host": _HOST, "identity": _KEY, "json": _JSON})
def status(_: Context, host: str = "", identity: str = "", json: bool = False) -> None:
    """Say what serves now, and which releases the host keeps."""
    from hostwright import deploy as deploying
    from hostwright.progress import Progress

    settings = _settings(host, identity_file=identity)
    with Progress(), _session(settings) as session:
        found = deploying.status(session, _app(settings))
    if json:
        print(json_.dumps(found, indent=2))
        return
    for release in found["releases"]:
        mark = "*" if release["id"] == found["serving"] else " "
        print(f"{mark} {release['id']}  {release['state']}")
    print(f"Serving now: {found['serving'] or 'nothing'}")


@command(
    help={
        "env-file": "The operator's values.",
        "app-domain": "Host name of the web role.",
        "out": "Where to write env/ and secrets/; ops/compose without it.",
    }
)
def render(
    _: Context, env_file: str = ".env.prod", app_domain: str = "localhost", out: str = ""
) -> None:
    """Write the env files and secrets that `docker compose up` by hand reads.

    Example: `invoke vps.render --env-file .env.prod --app-domain app.example.com`.
    """
    from pathlib import Path

    from hostwright import by_hand, paths

    for path in by_hand.render(env_file, app_domain, Path(out) if out else paths.COMPOSE):
        print(f"{paths.shown(path)} written")


@command(help={"json": "Also write the report as JSON to this file."})
def validate(_: Context, json: str = "") -> int:
    """Prove the VPS blueprint: what `nox -s validate_vps` runs."""
    from hostwright.validate import run

    return run(["vps"], json)


def _settings(name: str, **given: Any) -> Host:  # noqa: ANN401 - fields of Host
    """The host's settings with the flags that were given."""
    from hostwright import settings
    from hostwright.errors import SettingsError

    if not name:
        raise SettingsError("no host was named", remedy="Give --host: a name or an address.")
    env_file, email = given.pop("env_file", ""), given.pop("acme_email", "")
    overrides = {key: value for key, value in given.items() if value}
    if env_file:
        overrides["values"] = {"env_file": env_file}
    if email:
        overrides["acme"] = {"email": email}
    return settings.host(name, overrides=overrides)


def _images(words: list[str]) -> dict[str, str]:
    from hostwright.errors import UserError

    pairs = [word.partition("=") for word in words]
    for role, _, reference in pairs:
        if not role or not reference:
            raise UserError(f"{role!r} is not ROLE=REFERENCE", where="--image")
    return {role: reference for role, _, reference in pairs}


def _address(settings: Host) -> Address:
    from hostwright.transport import Address

    return Address(settings.address, settings.port)


def _key(settings: Host) -> Path | None:
    from pathlib import Path

    return Path(settings.identity_file).expanduser() if settings.identity_file else None


@contextmanager
def _session(settings: Host) -> Iterator[Session]:
    from hostwright import paths, transport

    with transport.connect(
        _address(settings),
        key=_key(settings),
        known_hosts=paths.KNOWN_HOSTS,
        users=(settings.deploy_user, settings.bootstrap_user),
    ) as session:
        yield session


def _app(settings: Host) -> str:
    from hostwright.contract import load

    return settings.project_name or load().application


def _print_intent(local: Any) -> None:  # noqa: ANN401 - deploy.Local, imported lazily
    for role, reference in sorted(local.wanted.items()):
        print(f"{role:<10} {reference}")
    print(f"{local.host.address}: nothing was changed (--dry-run)")


def _print_outcome(outcome: Any, settings: Host, json: bool) -> None:  # noqa: ANN401 - as above
    from dataclasses import asdict

    if json:
        print(json_.dumps(asdict(outcome), indent=2))
        return
    domain = settings.app_domain or settings.api_domain
    print(
        f"{settings.address}: {outcome.serving} serves{f' https://{domain}' if domain else ''} "
        f"({outcome.seconds:.1f} s after {outcome.connect_seconds:.1f} s to connect)"
    )


namespace = Collection("vps", trust, provision, deploy, rollback, status, render, validate)
