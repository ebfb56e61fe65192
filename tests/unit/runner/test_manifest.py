from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.runner import releases_of as made

from hostwright.runner import manifest
from hostwright.runner.fault import Code, RunnerError


def parse(document: object) -> manifest.Manifest:
    return manifest.parse(json.dumps(document).encode())


def test_a_manifest_is_read_with_its_defaults() -> None:
    read = parse(made.manifest())

    assert read.roles == ("api", "worker")
    assert read.services["api"].ready == "/health/ready"
    assert read.services["api"].start_seconds == 60
    assert read.worker is not None
    assert not read.worker.overlaps
    assert not read.worker.before_switch
    assert (read.keep_releases, read.warm_seconds) == (5, 300)
    assert read.refs == {"app/api:1"}
    assert [read.stop_seconds(role) for role in ("api", "worker", "migrate")] == [30, 60, 10]


def test_the_base_services_are_those_that_it_has_images_for() -> None:
    image = {"ref": "x:1", "id": None, "pull": False}
    images = dict.fromkeys(("api", "migrate", "caddy", "redis"), image)

    assert parse(made.manifest(images=images)).base_services == {"caddy", "redis"}
    assert parse(made.manifest()).base_services == frozenset()


@pytest.mark.parametrize("absent", ["api", "worker", "migrate"])
def test_any_role_may_be_absent(absent: str) -> None:
    document = made.manifest()
    del document["roles"][absent]

    assert absent not in parse(document).roles


def test_the_names_are_those_of_roles_that_are_there_as_caddy_keeps_them() -> None:
    public = {"web": ["app.test"], "api": ["API.test"]}

    assert parse(made.manifest(public=public)).domains == ("api.test",)
    assert parse(made.manifest()).domains == ()


WRONG: list[tuple[tuple[str, ...], Any, str]] = [
    (("id",), "../x", "manifest.json: id"),
    (("app",), "App", "manifest.json: app"),
    (("images", "api", "ref"), "--privileged", "manifest.json: images.api: ref"),
    (("images", "api", "pull"), "yes", "manifest.json: images.api: pull"),
    (("roles", "api", "port"), 0, "manifest.json: roles.api: port"),
    (("roles", "api", "port"), True, "manifest.json: roles.api: port"),
    (("roles", "api", "port"), "8000", "manifest.json: roles.api: port"),
    (("roles", "api", "ready"), "ready", "manifest.json: roles.api: ready"),
    (("roles", "api", "ready"), "/x\r\nHost: y", "manifest.json: roles.api: ready"),
    (("roles", "api", "start_seconds"), -1, "manifest.json: roles.api: start_seconds"),
    (("roles", "worker", "health"), [], "manifest.json: roles.worker: health"),
    (("roles", "worker", "health"), "true", "manifest.json: roles.worker: health"),
    (("roles", "worker", "handover"), "both", "manifest.json: roles.worker: handover"),
    (("roles", "worker", "turn"), "never", "manifest.json: roles.worker: turn"),
    (("files", "compose.yaml", "mode"), "4755", "manifest.json: files.compose.yaml: mode"),
    (("files", "compose.yaml", "sha256"), "x", "manifest.json: files.compose.yaml: sha256"),
    (("env", "api", "PASSWORD"), "short", "manifest.json: env.api: PASSWORD"),
    (("env", "api"), [], "manifest.json: env.api"),
    (("keep_releases",), 0, "manifest.json: keep_releases"),
    (("warm_seconds",), 1.5, "manifest.json: warm_seconds"),
    (("shared",), {"volumes": ["../x"]}, "manifest.json: shared: volumes"),
    (("public",), {"api": ["../x"]}, "manifest.json: public: api"),
    (("public",), {"api": "app.test"}, "manifest.json: public: api"),
    (("secrets",), {"x": {"uid": -1, "gid": 0}}, "manifest.json: secrets.x: uid"),
    (("roles",), {"../../../../escaped": {}}, "manifest.json: roles: ../../../../escaped"),
    (("roles",), {"Api": {}}, "manifest.json: roles: Api"),
    (("images",), {"a/b": {}}, "manifest.json: images: a/b"),
    (("env",), {"..": {}}, "manifest.json: env: .."),
    (("secrets",), {"../x": {}}, "manifest.json: secrets: ../x"),
]


@pytest.mark.parametrize(("path", "value", "where"), WRONG)
def test_what_is_wrong_is_refused_by_its_key(
    path: tuple[str, ...], value: object, where: str
) -> None:
    document = made.manifest()
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    with pytest.raises(RunnerError) as error:
        parse(document)

    assert error.value.code is Code.REQUEST
    assert error.value.where == where


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"null"])
def test_what_is_no_manifest_at_all_is_refused(text: bytes) -> None:
    with pytest.raises(RunnerError):
        manifest.parse(text)


@pytest.mark.parametrize("spoken", ["0", "2", ""])
def test_another_protocol_is_refused_with_the_way_out(spoken: str) -> None:
    with pytest.raises(RunnerError) as error:
        parse(made.manifest(runner=spoken))

    assert error.value.code is Code.VERSION
    assert "vps.provision" in error.value.remedy
