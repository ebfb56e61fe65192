"""Tasks on one server: provision, deploy, roll back, look."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from hostwright.tasks import (
    flags,
    hosts,
    named,
    question,
    vps_backup,
    vps_look,
    vps_plan,
    vps_secrets,
)
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.settings import Host
    from hostwright.transport import Address


@command(
    help={
        "host": flags.HOST,
        "fingerprint": "What the provider's console shows (SHA256:…); else you are asked.",
    }
)
def trust(_: Context, host: str = "", fingerprint: str = "") -> None:
    """Pin a host's key, once, after comparing its fingerprint.

    Example: `invoke vps.trust --host root@203.0.113.7`.
    """
    from hostwright import paths, transport

    address = hosts.address(hosts.settings(host))
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
    if question.answer(f"{address} presents {shown}. Is that its key? [yes/no] ") != "yes":
        raise HostKeyError("not confirmed; nothing was pinned", where=str(address))


@command(
    several=True,
    help={
        "host": flags.HOST,
        "dry-run": "Print the plan and change nothing.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def provision(
    _: Context, host: str = "", dry_run: bool = False, identity: str = "", json: bool = False
) -> None:
    """Make a bare Debian or Ubuntu server a hardened host; a second run changes nothing.

    Example: `invoke vps.provision --host root@203.0.113.7 --dry-run`.
    """
    from hostwright import provisioning

    settings = hosts.settings(host, identity_file=identity)
    outcome = provisioning.run(
        hosts.address(settings), settings, key=hosts.key(settings), dry_run=dry_run
    )
    if json:
        print(json_.dumps(outcome.as_json(), indent=2))
        return
    if outcome.plan:
        print(outcome.plan)
    print(outcome.last_line)


@command(
    several=True,
    iterable=["image"],
    help={
        "host": flags.HOST,
        **flags.RELEASE,
        "identity": flags.KEY,
        "plan": "A file that `vps.plan --out` saved: do exactly that, or refuse.",
        "dry-run": "Check everything on this side and stop before the host is changed.",
        "json": flags.JSON,
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
    plan: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Bring a new release to the host: all of it, or nothing.

    Example: `invoke vps.deploy --host shop --image api=ghcr.io/acme/shop@sha256:…`.
    """
    from hostwright import deploy as deploying
    from hostwright.fleet.shared import checked
    from hostwright.progress import Progress

    given: dict[str, Any] = {
        "app_domain": app_domain,
        "api_domain": api_domain,
        "images": hosts.images(image or []),
        "env_file": env_file,
        "acme_email": acme_email,
    }
    agreed = None
    if plan:
        agreed, given = vps_plan.saved_plan(plan, host, **given)
        host = agreed.host
    settings = hosts.settings(host, identity_file=identity, **given)
    with Progress() as progress:
        local = deploying.gather(settings)
        if dry_run:
            _print_intent(local, json)
            return
        checked()
        with hosts.session(settings) as session:
            outcome = deploying.deploy(session, local, progress, agreed)
        _print_outcome(outcome, settings, json)


@command(
    several=True,
    help={
        "host": flags.HOST,
        "to": "A release id; the previous good one without it.",
        "with-data": "Over an irreversible migration: bring the data of before it as well.",
        "yes": "Do not ask before data is replaced.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def rollback(
    _: Context,
    host: str = "",
    to: str = "",
    with_data: bool = False,
    yes: bool = False,
    identity: str = "",
    json: bool = False,
) -> None:
    """Return to the previous good release, with its own images, env and configuration.

    Example: `invoke vps.rollback --host shop`.
    """
    from hostwright import deploy as deploying
    from hostwright.progress import Progress

    if with_data:
        vps_backup.rollback_with_data(host, to, yes=yes, identity=identity, json=json)
        return
    settings = hosts.settings(host, identity_file=identity)
    with Progress() as progress, hosts.session(settings) as session:
        outcome = deploying.rollback(session, settings, hosts.app(settings), to or None, progress)
    _print_outcome(outcome, settings, json)


@command(several=True, help={"host": flags.HOST, "identity": flags.KEY, "json": flags.JSON})
def status(_: Context, host: str = "", identity: str = "", json: bool = False) -> None:
    """Say what serves now, and which releases the host keeps."""
    from hostwright import deploy as deploying
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    with Progress(), hosts.session(settings) as session:
        found = deploying.status(session, hosts.app(settings))
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
        "profile": flags.PROFILE,
        "out": "Where to write env/ and secrets/; ops/compose without it.",
    }
)
def render(
    _: Context,
    env_file: str = ".env.prod",
    app_domain: str = "localhost",
    profile: str = "production",
    out: str = "",
) -> None:
    """Write the env files and secrets that `docker compose up` by hand reads.

    Example: `invoke vps.render --env-file .env.prod --app-domain app.example.com`.
    """
    from pathlib import Path

    from hostwright import by_hand, paths

    root = Path(out) if out else paths.COMPOSE
    for path in by_hand.render(env_file, app_domain, root, named.profile(profile)):
        print(f"{paths.shown(path)} written")


@command(help={"json": "Also write the report as JSON to this file."})
def validate(_: Context, json: str = "") -> int:
    """Prove the VPS blueprint: what `nox -s validate_vps` runs."""
    from hostwright.validate import run

    return run(["vps"], json)


def _print_intent(local: Any, json: bool) -> None:  # noqa: ANN401 - deploy.Local, imported lazily
    if json:
        intent = {"host": local.host.address, "dry_run": True, "images": local.wanted}
        print(json_.dumps(intent, indent=2, sort_keys=True))
        return
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
for _task in vps_backup.TASKS:
    namespace.add_task(_task)
for _task in vps_plan.TASKS:
    namespace.add_task(_task)
for _task in vps_look.TASKS:
    namespace.add_task(_task)
namespace.add_collection(vps_secrets.namespace)
