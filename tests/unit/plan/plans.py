"""Inputs of plans for tests: a release that serves, and one that would take its place."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.unit.contract.given_values import given
from tests.unit.contract.planted import real
from tests.unit.release.plans import host

from hostwright.deploy import Local, static_files
from hostwright.images import Decision, LocalImage, Placed
from hostwright.plan import make
from hostwright.plan.model import Migration
from hostwright.release import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.release.build import Release

BEFORE = datetime(2026, 11, 22, 17, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
SALT = "5a17" * 8
ROLES = ("api", "web", "worker", "migrate")
BASE = ("caddy", "postgres", "redis")
IDS = {"1": f"sha256:{'01' * 32}", "2": f"sha256:{'02' * 32}"}
NOTHING_PENDING = Migration(known=True, current="0002", head="0002")


def placed(version: str) -> dict[str, Placed]:
    """Every image: the roles' of a version, the base's always the same."""
    roles = {
        role: Placed(f"hostwright/app-{role}:{version}", IDS[version], pull=False, asked=version)
        for role in ROLES
    }
    return roles | {name: Placed(f"{name}@sha256:{'ab' * 32}", None, pull=True) for name in BASE}


def local(values: Mapping[str, str | None] | None = None, **settings: Any) -> Local:  # noqa: ANN401
    return Local(
        contract=real(),
        host=host(**settings),
        given=given(values),
        static=static_files(),
        acme_root=None,
        wanted={},
        here={},
    )


def decision(version: str = "1", *, send: bool = False) -> Decision:
    images = placed(version)
    local_image = LocalImage("probe", IDS[version], "amd64", 1000, ("sha256:a",))
    sent = {images[role].ref: local_image for role in ROLES} if send else {}
    return Decision(images, sent)


def built(at: datetime, here: Local, chosen: Decision, salt: str = SALT) -> Release:
    return build.build(make.ingredients(here, chosen.placed, at, salt, "amd64"))


def planned(release: Release | None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What a host answers that *release* serves on, with the base and the Caddyfile it brought."""
    if release is None:
        empty: dict[str, Any] = {"compose": None, "files": {}, "secrets": {}, "up": False}
        none: dict[str, Any] = {
            "serving": None,
            "salt": "",
            "env": {},
            "compose": None,
            "backup": None,
        }
        return {**none, "base": empty, "caddy": {"sha256": None, "files": {}}, **changes}
    files, manifest = release.files, release.manifest
    text = {name: file.content.decode() for name, file in files.items()}
    salt = manifest["salt"]
    return {
        "serving": release.id,
        "salt": salt,
        "env": manifest["env"],
        "compose": text["compose.yaml"],
        "base": {
            "compose": text["base.yaml"],
            "files": {n: f.sha256 for n, f in files.items() if n.startswith("entrypoints/")},
            "secrets": {
                name: build.salted(salt, name, content.rstrip("\n"))
                for name, content in text.items()
                if name.startswith("secrets/")
            },
            "up": True,
        },
        "caddy": {
            "sha256": manifest["caddy_sha256"],
            "files": {
                name.removeprefix("caddy/"): content
                for name, content in text.items()
                if name.startswith("caddy/")
            },
        },
        "backup": None,
        **changes,
    }


def hello(release: Release | None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The greeting of that host."""
    known: list[dict[str, Any]] = []
    images: dict[str, str] = {}
    if release is not None:
        manifest = release.manifest
        entries = {role: dict(item) for role, item in manifest["images"].items()}
        known = [{"id": release.id, "state": "serving", "withdrawn": False, "images": entries}]
        images = {item["ref"]: item["id"] or f"sha256:{'cc' * 32}" for item in entries.values()}
    base = release.manifest["base_sha256"] if release else None
    return {
        "runner": "0123456789ab",
        "arch": "amd64",
        "docker": "26.1.5",
        "compose": "2.26.1",
        "store": "layers",
        "time": NOW.timestamp(),
        "disk_free": 10 << 30,
        "serving": release.id if release else None,
        "releases": known,
        "images": images,
        "layers": [],
        "base_applied": base,
        "caddy_sha256": release.manifest["caddy_sha256"] if release else None,
        "pending": None,
        "backup": None,
        **json.loads(json.dumps(changes)),
    }


def inputs(
    here: Local | None = None,
    chosen: Decision | None = None,
    *,
    serving: Release | None = None,
    first: bool = False,
    **changes: Any,  # noqa: ANN401 - fields of Inputs
) -> make.Inputs:
    """What a plan is made of; version 1 with good values serves unless *first*."""
    here, chosen = here or local(), chosen or decision()
    before = None if first else serving or built(BEFORE, local(), decision())
    made = make.ingredients(here, chosen.placed, NOW, "2" * 32, "amd64")
    found = make.Inputs(
        local=here,
        decision=chosen,
        made=made,
        release=build.build(made),
        hello=hello(before),
        planned=planned(before),
        migration=NOTHING_PENDING,
    )
    return replace(found, **changes)
