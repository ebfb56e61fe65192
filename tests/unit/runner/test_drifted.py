from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import (
    caddy,
    drifted,
    drifted_caddy,
    drifted_containers,
    drifted_files,
    durable,
    releases,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host

SERVICE: dict[str, Any] = {
    "container_name": "app-1-api",
    "image": "x",
    "read_only": True,
    "cap_drop": ["ALL"],
    "cap_add": ["NET_BIND_SERVICE"],
    "command": ["python", "$HOME"],
    "networks": ["edge", "data"],
    "ports": ["80:80", "443:443/udp"],
    "secrets": ["password"],
    "volumes": [
        {"type": "bind", "source": "/var/lib/x", "target": "/hostwright", "read_only": True},
        {"type": "volume", "source": "storage", "target": "/var/lib/app"},
    ],
}
DOCUMENT: dict[str, Any] = {
    "networks": {"edge": {"name": "app_edge"}, "data": {"name": "app_data"}},
    "volumes": {"storage": {"name": "app_storage"}},
}
FOUND: dict[str, Any] = {
    "State": {"Status": "running", "Health": {"Status": "healthy"}},
    "Config": {"Cmd": ["python", "$HOME"], "Labels": {}},
    "HostConfig": {
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "CapAdd": ["CAP_NET_BIND_SERVICE"],
        "PortBindings": {"80/tcp": [{"HostPort": "80"}], "443/udp": [{"HostPort": "443"}]},
    },
    "NetworkSettings": {"Networks": {"app_edge": {}, "app_data": {}}},
    "Mounts": [
        {"Type": "bind", "Source": "/var/lib/x", "Destination": "/hostwright"},
        {"Type": "volume", "Name": "app_storage", "Destination": "/var/lib/app"},
        {"Type": "bind", "Source": "/s", "Destination": "/run/secrets/password"},
        {"Type": "volume", "Name": "0a" * 32, "Destination": "/data"},
    ],
}


def test_a_container_as_its_service_says_has_nothing_wrong() -> None:
    assert drifted_containers.unlike(SERVICE, DOCUMENT, FOUND) == []


CONTAINERS: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "ended": (("State", "Status"), "exited", "it is exited"),
    "unwell": (("State", "Health"), {"Status": "unhealthy"}, "it is unhealthy"),
    "privileged": (("HostConfig", "Privileged"), True, "it is privileged"),
    "writable": (("HostConfig", "ReadonlyRootfs"), False, "its root can be written"),
    "undropped": (("HostConfig", "CapDrop"), None, "it keeps capabilities"),
    "capable": (("HostConfig", "CapAdd"), ["SYS_ADMIN"], "it has more capabilities: SYS_ADMIN"),
    "another command": (("Config", "Cmd"), ["sh"], "its command is another one"),
    "off a network": (("NetworkSettings", "Networks"), {"app_edge": 1}, "it is not on app_data"),
    "on a network more": (
        ("NetworkSettings", "Networks"),
        {"app_edge": 1, "app_data": 1, "bridge": 1},
        "it is on bridge as well",
    ),
    "a port more": (
        ("HostConfig", "PortBindings"),
        {**FOUND["HostConfig"]["PortBindings"], "5432/tcp": [{"HostPort": "5432"}]},
        "it publishes 5432/tcp",
    ),
    "a port less": (
        ("HostConfig", "PortBindings"),
        {"80/tcp": [{"HostPort": "80"}]},
        "it does not publish 443/udp",
    ),
    "a mount less": (("Mounts",), FOUND["Mounts"][1:], "nothing is mounted at /hostwright"),
    "a mount more": (
        ("Mounts",),
        [*FOUND["Mounts"], {"Type": "bind", "Source": "/", "Destination": "/host"}],
        "something is mounted at /host",
    ),
    "another mount": (
        ("Mounts",),
        [{**FOUND["Mounts"][0], "Source": "/etc"}, *FOUND["Mounts"][1:]],
        "something else is mounted at /hostwright",
    ),
}


@pytest.mark.parametrize(("path", "value", "what"), CONTAINERS.values(), ids=CONTAINERS)
def test_a_container_that_is_not_as_its_service_says_is_told(
    path: tuple[str, ...], value: object, what: str
) -> None:
    found = copy.deepcopy(FOUND)
    place = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert drifted_containers.unlike(SERVICE, DOCUMENT, found) == [what]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("80:80", ("80", "80/tcp")),
        ("127.0.0.1:5000:80/udp", ("5000", "80/udp")),
        ({"published": "443", "target": 8443, "protocol": "tcp"}, ("443", "8443/tcp")),
    ],
)
def test_a_port_is_read_in_every_form(written: object, read: tuple[str, str]) -> None:
    assert drifted_containers._port(written) == read  # noqa: SLF001 - a table of one function


def test_a_compose_file_is_read_as_compose_reads_it() -> None:
    assert drifted_containers.compose(b'{"a": ["$$HOME", {"b": 1}]}') == {"a": ["$HOME", {"b": 1}]}
    assert drifted_containers.compose(b"services:") == {}


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host as a deploy leaves it."""
    made = fake.host(tmp_path)
    fake.unpacked(made, fake.OLD)
    fake.serve(made, fake.OLD)
    layout, source = made.layout, made.layout.release(fake.OLD).directory
    (layout.live / fake.OLD).mkdir()
    (layout.live / fake.OLD / "api").write_text(f"app-{fake.OLD}-api\n")
    durable.write_json(layout.base_state, {"sha256": "b" * 64, "release": fake.OLD})
    for name in ("secrets", "entrypoints"):
        (layout.base / name).mkdir()
    (layout.base / "compose.yaml").write_bytes((source / "base.yaml").read_bytes())
    for name in ("secrets/postgres_password", "entrypoints/health.sh"):
        (layout.base / name).write_bytes((source / name).read_bytes())
    caddy.install(layout, caddy.files_of(source / "caddy"))
    caddy.settled(layout, fake.OLD, "d" * 64)
    return made


def of_files(host: Host) -> list[tuple[str, str, str]]:
    manifest = releases.load(host.layout, fake.OLD)
    assert manifest is not None
    found = drifted_files.look(host.layout, manifest)
    return [(one.area, one.where, one.what) for one in found]


def test_files_that_nobody_touched_are_as_deployed(host: Host) -> None:
    assert of_files(host) == []


RELEASE = f"releases/{fake.OLD}"
FILES = {
    "the release's env": (f"{RELEASE}/env/api.env", "files", "another content than was deployed"),
    "the live name": (f"live/{fake.OLD}/api", "files", "requests go astray"),
    "the base's Compose file": ("base/compose.yaml", "base", "another content"),
    "a password": ("base/secrets/postgres_password", "base", "another content"),
    "an entrypoint": ("base/entrypoints/health.sh", "base", "another content"),
    "the Caddyfile": ("caddy/Caddyfile", "caddy", "another content than was deployed"),
}


@pytest.mark.parametrize(("place", "area", "what"), FILES.values(), ids=FILES)
def test_a_file_that_somebody_changed_is_named(
    place: str, area: str, what: str, host: Host
) -> None:
    path = host.layout.root / place
    path.write_text(f"{path.read_text()}# x\n")
    [(found, where, said)] = of_files(host)
    assert (found, where) == (area, place)
    assert what in said


@pytest.mark.parametrize("place", [place for place, _, _ in FILES.values()], ids=list(FILES))
def test_a_file_that_is_gone_is_named(place: str, host: Host) -> None:
    (host.layout.root / place).unlink()
    [(_, where, _)] = of_files(host)
    assert where == place


def test_what_others_can_read_and_what_nobody_brought_is_named(host: Host) -> None:
    (host.layout.root / RELEASE / "env" / "api.env").chmod(0o640)
    (host.layout.caddy / "apps" / "other.caddy").write_text("# mine\n")
    assert [(where, what) for _, where, what in of_files(host)] == [
        (f"{RELEASE}/env/api.env", "others may use it: its mode is 0640, not 0600"),
        ("caddy/apps/other.caddy", "no release brought it"),
    ]


def test_a_base_and_a_caddy_that_were_torn_are_named(host: Host) -> None:
    durable.write_json(host.layout.base_state, {"sha256": None, "release": None})
    durable.write_json(host.layout.caddy_state, {"sha256": None, "release": None})
    assert [(area, where) for area, where, _ in of_files(host)] == [
        ("base", "base"),
        ("caddy", "caddy"),
    ]


# --- all of it -----------------------------------------------------------------------------------


def test_a_docker_that_does_not_answer_is_a_finding_not_an_end(host: Host) -> None:
    from hostwright.runner.engine import Engine

    told = drifted.drifted(host.layout, Engine("/nonexistent/docker.sock"))
    areas = {one["area"] for one in told["findings"]}
    assert areas == {"containers", "images", "ports", "caddy"}
    assert all("Docker does not answer" in one["what"] for one in told["findings"])
    assert told["certificates"] == []
    json.dumps(told)


def test_a_manifest_that_cannot_be_read_is_the_one_finding(host: Host) -> None:
    host.layout.release(fake.OLD).manifest.write_text("{")
    [one] = drifted.look(host.layout, host.engine)
    assert (one.area, one.what) == ("release", "the manifest cannot be read")


def test_a_host_that_has_nothing_yet_has_no_drift(tmp_path: Path) -> None:
    empty = fake.host(tmp_path)
    assert drifted.look(empty.layout, empty.engine) == []


def test_a_live_link_that_is_gone_is_found(host: Host) -> None:
    releases.change(host.layout, fake.OLD, outcome="good")
    host.layout.link.unlink()
    [one] = drifted.look(host.layout, host.engine)
    assert one.what == "the live link names no release"


# --- Caddy ---------------------------------------------------------------------------------------


def test_the_configuration_is_found_among_warnings() -> None:
    warning = '{"level":"warn","msg":"Caddyfile input is not formatted"}'
    assert drifted_caddy.adapted(f'{warning}\n{{"apps":{{}}}}\n') == {"apps": {}}
    assert drifted_caddy.adapted(warning) is None


def test_what_differs_is_told_by_its_path_alone() -> None:
    wanted = {"apps": {"http": {"grace": 30, "servers": [{"a": 1}, {"b": "secret"}]}}}
    found = {"apps": {"http": {"grace": 31, "servers": [{"a": 1}, {"b": "other"}]}}}
    assert drifted_caddy.places(wanted, found) == ["/apps/http/grace", "/apps/http/servers/1/b"]
    assert drifted_caddy.places(wanted, wanted) == []
    assert drifted_caddy.places([1], [1, 2]) == ["/"]
