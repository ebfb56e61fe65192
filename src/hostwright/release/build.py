"""Build a release: contract, settings, values, images and blueprint in; a bundle out. Pure.

The bundle and its manifest are what the host-side runner reads; ``runner.protocol`` says what it
makes of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from hostwright.contract import envfile
from hostwright.contract.envfile import Given
from hostwright.contract.values import Request, Resolved, complete, resolve
from hostwright.release import blueprint, bundle
from hostwright.release.bundle import File
from hostwright.release.composed import composed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hostwright.contract.models import Contract, Role, RoleName
    from hostwright.images import Placed
    from hostwright.settings import Host

#: The runner's protocol that the manifest is written for.
PROTOCOL = "1"
#: The blueprint's compose file, below ``ops/compose``.
COMPOSE = "docker-compose.prod.yml"
#: Who reads the base project's file secrets: the users of the Postgres and Redis images.
FILE_SECRETS = {
    "postgres_password": ("POSTGRES_PASSWORD", 999),
    "redis_password": ("REDIS_PASSWORD", 999),
}
BASE_PREFIXES = ("base.yaml", "secrets/", "entrypoints/", "base/")
CADDY_PREFIXES = ("caddy/",)
ACME_ROOT = "caddy/acme-root.pem"
ID_DIGITS = 7


@dataclass(frozen=True)
class Plan:
    """What a release is made of.

    Args:
        contract: Which variables each role gets.
        host: The operator's settings.
        given: The operator's values.
        images: Role (and ``caddy``, ``postgres``, ``redis``) to the image on the host.
        static: The blueprint's files by path below ``ops/compose``.
        acme_root: PEM of a private authority, where the settings name one.
        created: When, in UTC.
        salt: Random text that keeps the manifest's hashes from being guessed.
        architecture: Docker's word for the host's processor.
    """

    contract: Contract
    host: Host
    given: Mapping[str, Given]
    images: Mapping[str, Placed]
    static: Mapping[str, File]
    acme_root: bytes | None
    created: datetime
    salt: str
    architecture: str

    @property
    def app(self) -> str:
        """The name that everything on the host carries."""
        return self.host.project_name or self.contract.application


@dataclass(frozen=True)
class Release:
    """A release, ready to travel."""

    id: str
    manifest: dict[str, Any]
    files: dict[str, File]

    def pack(self) -> bytes:
        """The bundle's bytes."""
        return bundle.pack(self.files)


def resolved(plan: Plan, release_id: str) -> Resolved:
    """What each role gets in this release, and every problem with it."""
    return resolve(plan.contract, request(plan, release_id))


def request(plan: Plan, release_id: str) -> Request:
    """What the contract is asked for this release."""
    inputs = complete(plan.contract, "vps", plan.host.canonical())
    secrets = {name: given.value for name, given in plan.given.items()}
    hosts = blueprint.live_files(plan.app, release_id, frozenset(plan.contract.roles))
    return Request(
        target="vps",
        profile=plan.host.profile,
        given=plan.given,
        inputs=plan.host.canonical(),
        composed=composed(plan.contract, inputs, secrets, hosts=hosts),
        where=plan.host.values.env_file or "",
        by_role=_by_role(plan.host),
    )


def build(plan: Plan) -> Release:
    """The release of *plan*, whose values have no problems (``resolved`` names them)."""
    release_id = identify(plan)
    roles = resolved(plan, release_id).roles
    files = _files(plan, release_id, roles)
    manifest = _manifest(plan, release_id, roles, files)
    files[bundle.MANIFEST] = bundle.text(json.dumps(manifest, indent=1, sort_keys=True))
    return Release(release_id, manifest, files)


def identify(plan: Plan) -> str:
    """A name that sorts by time and is unique: ``20261122t170301z-ab12cde``."""
    stamp = plan.created.strftime("%Y%m%dt%H%M%Sz")
    parts = [plan.app, plan.salt, *(f"{role}={item.ref}" for role, item in plan.images.items())]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{stamp}-{digest[:ID_DIGITS]}"


def _by_role(host: Host) -> dict[RoleName, dict[str, Given]]:
    """The host's values for one role alone."""
    maps: dict[RoleName, Mapping[str, str]] = {
        "api": host.api_env,
        "web": host.web_env,
        "worker": host.worker_env,
    }
    return {
        role: {name: Given(value, f"hosts.yaml, {role}_env") for name, value in values.items()}
        for role, values in maps.items()
    }


def _files(
    plan: Plan, release_id: str, roles: Mapping[RoleName, Mapping[str, str]]
) -> dict[str, File]:
    projects = blueprint.split(
        _compose(plan),
        app=plan.app,
        release_id=release_id,
        roles=frozenset(plan.contract.roles),
        images={role: item.ref for role, item in plan.images.items()},
        settings=settings(plan),
    )
    hosts = blueprint.live_files(plan.app, release_id, frozenset(plan.contract.roles))
    return {
        "compose.yaml": bundle.text(_dump(projects.release)),
        "base.yaml": bundle.text(_dump(projects.base)),
        **{f"env/{role}.env": _env(values) for role, values in roles.items()},
        **{f"secrets/{name}": _secret(plan, name) for name in projects.base.get("secrets", {})},
        **{f"live/{role}": bundle.text(host) for role, host in hosts.items()},
        **_entrypoints(plan),
        **_caddy(plan),
    }


def _compose(plan: Plan) -> Mapping[str, Any]:
    return parsed(plan.static[COMPOSE])


def parsed(file: File) -> Mapping[str, Any]:
    """The compose file as a document, not interpolated."""
    return _parsed(file.content)


@cache
def _parsed(content: bytes) -> Mapping[str, Any]:
    """Read once, and by libyaml where there is one: a deploy waits for it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(content, loader)  # noqa: S506 - both are safe
    return document


def settings(plan: Plan) -> dict[str, str]:
    """The Compose file's interpolation variables that a release sets."""
    inputs = complete(plan.contract, "vps", plan.host.canonical())
    per_role = {
        f"{role.upper()}_{word}": inputs[f"{role}_{name}"]
        for role in ("api", "web", "worker")
        for word, name in (("CPU", "cpu"), ("MEMORY_MIB", "memory_mib"))
        if f"{role}_{name}" in inputs
    }
    return {
        **blueprint.settings_of(plan.contract.roles),
        **per_role,
        "APP_NAME": plan.app,
        "POSTGRES_USER": inputs["db_admin_username"],
        "POSTGRES_DB": inputs["db_name"],
        "APP_DOMAIN": plan.host.app_domain or "",
        "API_DOMAIN": plan.host.api_domain or "",
        "ACME_EMAIL": plan.host.acme.email or "",
        "ACME_CA": plan.host.acme.directory or "",
        "ACME_CA_ROOT": f"/etc/{ACME_ROOT}" if plan.acme_root else "",
        "TRUSTED_PROXIES": " ".join(plan.host.trusted_proxies),
    }


def _caddy(plan: Plan) -> dict[str, File]:
    rendered = blueprint.caddy_files(
        {path: file.content.decode() for path, file in plan.static.items() if _is_caddy(path)},
        app=plan.app,
        roles=frozenset(plan.contract.roles),
        values=blueprint.caddy_values(_compose(plan), settings(plan)),
    )
    files = {path: bundle.text(content) for path, content in rendered.items()}
    return {**files, ACME_ROOT: File(plan.acme_root)} if plan.acme_root else files


def _is_caddy(path: str) -> bool:
    return path.startswith(CADDY_PREFIXES)


def _entrypoints(plan: Plan) -> dict[str, File]:
    return {
        path: File(file.content, 0o755)
        for path, file in plan.static.items()
        if path.startswith("entrypoints/")
    }


def _env(values: Mapping[str, str]) -> File:
    return bundle.text(envfile.encode(values), 0o600)


def _secret(plan: Plan, name: str) -> File:
    variable, _ = FILE_SECRETS[name]
    return bundle.text(plan.given[variable].value + "\n", 0o600)


def _dump(document: Mapping[str, Any]) -> str:
    """JSON, which is YAML as well: the runner checks it, and has no other reader than Python's."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def salted(salt: str, name: str, value: str) -> str:
    """What the manifest says of a value: enough to compare, too little to guess."""
    return hashlib.sha256(f"{salt}\0{name}\0{value}".encode()).hexdigest()[:32]


def _manifest(
    plan: Plan,
    release_id: str,
    roles: Mapping[RoleName, Mapping[str, str]],
    files: Mapping[str, File],
) -> dict[str, Any]:
    host = plan.host
    contract_text = plan.contract.model_dump_json()
    return {
        "manifest": 1,
        "id": release_id,
        "app": plan.app,
        "created": plan.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "profile": host.profile,
        "runner": PROTOCOL,
        "architecture": plan.architecture,
        "contract": {
            "version": plan.contract.version,
            "sha256": hashlib.sha256(contract_text.encode()).hexdigest(),
        },
        "images": {role: item._asdict() for role, item in plan.images.items()},
        "roles": {name: _role(role, host) for name, role in plan.contract.roles.items()},
        "public": {
            role: [domain]
            for role, domain in (("web", host.app_domain), ("api", host.api_domain))
            if domain
        },
        "files": {
            path: {"sha256": file.sha256, "mode": f"{file.mode:04o}"}
            for path, file in sorted(files.items())
        },
        "env": {
            role: {name: salted(plan.salt, name, value) for name, value in sorted(values.items())}
            for role, values in roles.items()
        },
        "salt": plan.salt,
        "secrets": {name: {"uid": uid, "gid": uid} for name, (_, uid) in FILE_SECRETS.items()},
        "shared": blueprint.shared(plan.app),
        "memory_bytes": memory_bytes(plan),
        "keep_releases": host.keep_releases,
        "warm_seconds": host.warm_seconds,
        "base_sha256": bundle.digest(files, BASE_PREFIXES),
        "caddy_sha256": bundle.digest(files, CADDY_PREFIXES),
    }


def memory_bytes(plan: Plan) -> int:
    """What the new roles may take beside the old ones, as far as the operator said it.

    A default is a limit that nobody needs to have free: a small host could take no release. A
    worker that starts when the old one has ended needs no more than that one gave back.
    """
    mib = 0
    for name, role in plan.contract.roles.items():
        beside = role.kind == "service" or (role.kind == "worker" and role.handover == "overlap")
        if beside:
            mib += int(plan.host.inputs.get(f"{name}_memory_mib", 0))
    return mib * 1024**2


def _role(role: Role, host: Host) -> dict[str, Any]:
    start = host.health_seconds or role.start_seconds
    if role.kind == "service":
        return {
            "kind": role.kind,
            "port": role.port,
            "live": role.health.live,
            "ready": role.health.ready,
            "start_seconds": start,
            "stop_seconds": role.stop_seconds,
            "drain_seconds": role.drain_seconds,
        }
    if role.kind == "worker":
        return {
            "kind": role.kind,
            "health": list(role.health.command),
            "start_seconds": start,
            "stop_seconds": role.stop_seconds,
            "handover": role.handover,
        }
    commands = role.commands
    return {
        "kind": role.kind,
        "up": list(commands.up) if commands else [],
        "status": list(commands.status) if commands else [],
        "timeout_seconds": role.timeout_seconds,
    }
