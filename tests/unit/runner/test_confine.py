from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.release.plans import plan

from hostwright.release import build
from hostwright.runner import confine
from hostwright.runner.fault import Code, RunnerError
from hostwright.runner.layout import Layout

ID = "20260101t000000z-abcdef0"
LAYOUT = Layout("app", Path("/var/lib/hostwright/app"))
OWN = LAYOUT.release(ID).directory
EMPTY: dict[str, Any] = {"services": {}}


def check(release: Any, base: Any = EMPTY) -> None:  # noqa: ANN401 - JSON
    files = {"compose.yaml": json.dumps(release), "base.yaml": json.dumps(base)}
    confine.check(LAYOUT, ID, {name: text.encode() for name, text in files.items()})


def role(**body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"services": {"api": {"image": "x", **body}}}


def bind(source: object, *, read_only: bool = True, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    entry = {"type": "bind", "source": str(source), "target": "/x", "read_only": read_only}
    return {**entry, **more}


def test_what_the_blueprint_makes_is_allowed() -> None:
    release = build.build(plan())
    layout = Layout(release.manifest["app"], Path("/var/lib/hostwright") / release.manifest["app"])
    confine.check(layout, release.id, {name: f.content for name, f in release.files.items()})


@pytest.mark.parametrize(
    "body",
    [
        {"volumes": [bind(OWN / "entrypoints")]},
        {"volumes": ["./entrypoints:/x:ro", "storage:/data", "/scratch"]},
        {"volumes": [{"type": "volume", "source": "storage", "target": "/data"}]},
        {"env_file": ["./env/api.env", {"path": str(OWN / "env" / "api.env"), "required": True}]},
        {"security_opt": ["no-new-privileges:true"], "cap_drop": ["ALL"]},
        {"command": ["echo", "$$HOME"], "working_dir": "/srv", "hostname": "api"},
        {"deploy": {"resources": {"limits": {"cpus": "1", "memory": "1m", "pids": 5}}}},
    ],
)
def test_what_stays_inside_is_allowed(body: dict[str, Any]) -> None:
    check(role(**body))


REACHING: list[tuple[dict[str, Any], str]] = [
    ({"privileged": True}, "privileged"),
    ({"devices": ["/dev/sda:/dev/sda"]}, "devices"),
    ({"device_cgroup_rules": ["a *:* rwm"]}, "device_cgroup_rules"),
    ({"network_mode": "host"}, "network_mode"),
    ({"pid": "host"}, "pid"),
    ({"ipc": "host"}, "ipc"),
    ({"uts": "host"}, "uts"),
    ({"userns_mode": "host"}, "userns_mode"),
    ({"cgroup": "host"}, "cgroup"),
    ({"cgroup_parent": "/"}, "cgroup_parent"),
    ({"volumes_from": ["container:x"]}, "volumes_from"),
    ({"runtime": "other"}, "runtime"),
    ({"extends": {"file": "/etc/x", "service": "x"}}, "extends"),
    ({"provider": {"type": "/bin/sh"}}, "provider"),
    ({"use_api_socket": True}, "use_api_socket"),
    ({"post_start": [{"command": "x", "privileged": True}]}, "post_start"),
    ({"build": "."}, "build"),
    ({"gpus": "all"}, "gpus"),
    ({"cap_add": ["SYS_ADMIN"]}, "cap_add: SYS_ADMIN"),
    ({"cap_add": ["ALL"]}, "cap_add: ALL"),
    ({"security_opt": ["seccomp=unconfined"]}, "security_opt: seccomp=unconfined"),
    ({"logging": {"driver": "syslog"}}, "logging.driver"),
    ({"deploy": {"placement": {}}}, "deploy.placement"),
    (
        {"deploy": {"resources": {"reservations": {"devices": []}}}},
        "deploy.resources.reservations.devices",
    ),
    ({"container_name": "other-caddy"}, "container_name"),
    ({"env_file": ["/etc/shadow"]}, "env_file"),
    ({"env_file": [{"path": "./env/../../../x"}]}, "env_file"),
    ({"ports": ["22:22"]}, "ports"),
    ({"secrets": ["postgres_password"]}, "secrets"),
    ({"command": "echo ${HOME}"}, "command"),
    ({"command": ["$$$HOME"]}, "command"),
    ({"volumes": [bind("/")]}, "volumes: /"),
    ({"volumes": ["/:/host:ro"]}, "volumes: /"),
    ({"volumes": ["~/.ssh:/x:ro"]}, "volumes: ~/.ssh"),
    ({"volumes": [bind("~")]}, "volumes: ~"),
    ({"volumes": [bind("/var/run/docker.sock")]}, "volumes: /var/run/docker.sock"),
    ({"volumes": [bind(OWN)]}, f"volumes: {OWN}"),
    ({"volumes": [bind(f"{OWN}/../../journal.json")]}, f"volumes: {OWN}/../../journal.json"),
    ({"volumes": [bind(LAYOUT.releases)]}, f"volumes: {LAYOUT.releases}"),
    ({"volumes": [bind(LAYOUT.run)]}, f"volumes: {LAYOUT.run}"),
    ({"volumes": ["./entrypoints:/x"]}, "volumes: ./entrypoints"),
    ({"volumes": [bind(OWN / "x", bind={"propagation": "rshared"})]}, "volumes.bind.propagation"),
    ({"volumes": [bind("x", type="npipe")]}, "volumes: x"),
    ({"volumes": [bind("/etc", type="volume")]}, "volumes: /etc"),
]


@pytest.mark.parametrize(("body", "where"), REACHING, ids=[where for _, where in REACHING])
def test_a_role_that_may_reach_the_host_is_refused_by_its_key(
    body: dict[str, Any], where: str
) -> None:
    with pytest.raises(RunnerError) as refused:
        check(role(**body))

    assert refused.value.code is Code.REQUEST
    assert refused.value.where == f"compose.yaml: services.api.{where}"


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"include": ["/etc/x.yaml"]}, "include"),
        ({"configs": {"x": {"file": "/etc/shadow"}}}, "configs"),
        ({"networks": {"x": {"name": "host", "external": True}}}, "networks.x"),
        ({"networks": {"host": {"external": True}}}, "networks.host"),
        ({"networks": {"x": {"driver": "macvlan"}}}, "networks.x.driver"),
        ({"volumes": {"x": {"driver_opts": {"device": "/"}}}}, "volumes.x.driver_opts"),
        ({"volumes": {"x": {"name": "other_postgres", "external": True}}}, "volumes.x"),
        ({"secrets": {"x": {"file": "/etc/shadow"}}}, "secrets.x.file"),
        ({"secrets": {"x": {"environment": "HOME"}}}, "secrets.x.environment"),
    ],
)
def test_a_document_that_may_reach_the_host_is_refused_by_its_key(
    document: dict[str, Any], where: str
) -> None:
    with pytest.raises(RunnerError) as refused:
        check(EMPTY, {**EMPTY, **document})

    assert refused.value.where == f"base.yaml: {where}"


def test_the_base_may_mount_its_own_and_the_applications_directories() -> None:
    mounts = [bind(LAYOUT.caddy), bind(LAYOUT.live), bind(LAYOUT.run, read_only=False)]
    body = {"cap_add": ["NET_BIND_SERVICE"], "ports": ["80:80"], "volumes": mounts}
    check(EMPTY, role(**body))

    for place in (LAYOUT.caddy, LAYOUT.live):
        with pytest.raises(RunnerError, match="read_only"):
            check(EMPTY, role(volumes=[bind(place, read_only=False)]))
    with pytest.raises(RunnerError, match="place of the host"):  # a link may lie in there
        check(EMPTY, role(volumes=[bind(LAYOUT.run / "x")]))


@pytest.mark.parametrize(
    "text",
    [
        "services: {}",
        '{"services": {"api": {"image": "x"}, "api": {"privileged": true}}}',
        '{"services": {"<<": {"user": {"privileged": true}}}}',
    ],
)
def test_a_file_that_others_might_read_otherwise_is_refused(text: str) -> None:
    files = {"compose.yaml": text.encode(), "base.yaml": b"{}"}
    with pytest.raises(RunnerError, match="not JSON"):
        confine.check(LAYOUT, ID, files)
