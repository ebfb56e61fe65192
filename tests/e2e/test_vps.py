"""From a bare server to a running application and back, by the commands that people type."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from hostwright.rig import Rig, processes
from hostwright.rig.load import LoadGenerator, Report
from hostwright.rig.scene import API_DOMAIN, APP_DOMAIN, HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server

#: Every character that an env file, a shell or Compose might read as something else.
AWKWARD = (
    "a$HOME ${PATH} $$ \"double\" 'single' \\back\\n `tick` # hash = ünïcode ☃ %41 \t tab-0123"
)

ARRIVING = "/var/lib/hostwright/app/arriving.json"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"e2e-{os.getpid()}") as rig:
        made = Scene.set_up(rig)
        made.trust()
        yield made


def under_load(scene: Scene, *words: str) -> Report:
    with LoadGenerator(scene.stream(websocket=f"wss://{API_DOMAIN}/ws")) as load:
        time.sleep(1)
        scene.invoke(*words)
        time.sleep(2)
        return load.stop()


def wait_until_ready(scene: Scene, seconds: float = 60) -> bool:
    """Whether the api says in time that everything it needs is there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if scene.request("GET", f"https://{API_DOMAIN}/health/ready").status_code == 200:
                return True
        time.sleep(0.2)
    return False


def env_of(scene: Scene, role: str) -> dict[str, str]:
    """The variables of a role's live container."""
    found = scene.server.exec(
        ["docker", "ps", "-q", "--filter", f"label=dev.hostwright.role={role}"]
    ).stdout.split()
    state = scene.server.exec(["docker", "inspect", found[0]]).stdout
    pairs = (item.partition("=") for item in json.loads(state)[0]["Config"]["Env"])
    return {name: value for name, _, value in pairs}


def test_a_bare_server_becomes_a_host_and_a_second_run_changes_nothing(scene: Scene) -> None:
    planned = scene.invoke("vps.provision", "--host", HOST, "--dry-run")
    assert "nothing was changed" in planned.stdout
    assert "docker" not in scene.server.exec(["ls", "/usr/bin"]).stdout.split()

    first = json.loads(scene.invoke("vps.provision", "--host", HOST, "--json").stdout)
    assert first["changes"]

    second = json.loads(scene.invoke("vps.provision", "--host", HOST, "--json").stdout)
    assert second["changes"] == []


def test_the_first_deploy_serves_https_and_its_worker_works(scene: Scene) -> None:
    done = scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"))

    assert f"serves https://{APP_DOMAIN}" in done.stdout
    assert scene.seen(done) == []
    assert scene.serving() == "1"
    ready = scene.request("GET", f"https://{API_DOMAIN}/health/ready")
    assert ready.status_code == 200, ready.text
    assert scene.do_job()["state"] == "done"


def test_every_variable_of_the_contract_arrived_and_is_valid(scene: Scene) -> None:
    told = scene.request("GET", f"https://{API_DOMAIN}/contract").json()

    wrong = {
        name: item
        for name, item in told["variables"].items()
        if item["present"] and not item["valid"]
    }
    assert wrong == {}
    assert told["variables"]["DATABASE_URL"]["present"]
    assert not [item for item in scene.secrets() if item in json.dumps(told)]


def test_web_gets_no_secret(scene: Scene) -> None:
    values = env_of(scene, "web").values()

    assert not [secret for secret in scene.secrets() for value in values if secret in value]


def test_a_second_version_under_load_fails_no_request(scene: Scene) -> None:
    report = under_load(scene, "vps.deploy", "--host", HOST, *scene.version("2"))

    assert (report.failed, report.failures) == (0, {})
    assert set(report.versions) >= {"1", "2"}
    assert scene.serving() == "2"


def test_rollback_under_load_fails_no_request(scene: Scene) -> None:
    report = under_load(scene, "vps.rollback", "--host", HOST)

    assert (report.failed, report.failures) == (0, {})
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_awkward_values_arrive_unchanged(scene: Scene) -> None:
    value = f"{AWKWARD}\nsecond line"
    scene.write_hosts(values={"env_file": str(scene.env_file), "environment": True})
    scene.variables["SECRET_KEY"] = value

    scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"))

    assert {env_of(scene, role)["SECRET_KEY"] for role in ("api", "worker")} == {value}
    del scene.variables["SECRET_KEY"]
    scene.write_hosts()


def test_a_value_for_one_role_reaches_it_alone(scene: Scene) -> None:
    scene.write_hosts(worker_env={"LOG_LEVEL": "debug"})

    scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"))

    levels = {role: env_of(scene, role)["LOG_LEVEL"] for role in ("api", "web", "worker")}
    assert levels == {"api": "info", "web": "info", "worker": "debug"}
    scene.write_hosts()


def test_status_names_what_serves_and_what_is_kept(scene: Scene) -> None:
    told = json.loads(scene.invoke("vps.status", "--host", HOST, "--json").stdout)

    assert told["serving"] in [release["id"] for release in told["releases"]]
    assert len(told["releases"]) >= 2


def test_the_server_comes_back_by_itself_after_a_power_cycle(scene: Scene) -> None:
    half_way = image_on_its_way(scene)
    scene.server.power_off()
    scene.server.boot()

    assert wait_until_ready(scene)
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"
    # What every boot resumes may still be at work.
    assert processes.wait(lambda: half_way not in images(scene), 60)
    assert scene.server.exec(["test", "-e", ARRIVING], check=False).exit_code != 0


@pytest.mark.parametrize("names", [("redis",), ("postgres", "api"), ("web", "worker")])
def test_what_docker_did_not_start_at_boot_is_started_all_the_same(
    scene: Scene, names: tuple[str, ...]
) -> None:
    left = [container(scene, name) for name in names]
    assert all(runs(scene, name) for name in left)
    # As if each had failed to start: Docker tries once at boot, and never again.
    scene.server.exec(["docker", "update", "--restart=no", *left])
    scene.server.power_off()
    scene.server.boot()

    assert wait_until_ready(scene)
    # What every boot resumes may still be at work.
    assert processes.wait(lambda: all(runs(scene, name) for name in left), 60)
    assert scene.do_job()["state"] == "done"
    scene.server.exec(["docker", "update", "--restart=unless-stopped", *left])


@pytest.mark.parametrize(
    ("name", "spoiled"),
    [("worker", "lower"), ("worker", "config.v2.json"), ("redis", "lower"), ("redis", "mount-id")],
)
def test_what_a_power_loss_spoiled_of_a_container_is_made_anew_at_boot(
    scene: Scene, name: str, spoiled: str
) -> None:
    """Docker flushes not all that it writes of a new container: what is left may be empty."""
    described = json.loads(scene.server.exec(["docker", "inspect", container(scene, name)]).stdout)
    files = [scene.server.root / file for file in docker_files(described[0])]
    scene.server.power_off()
    [found] = [file for file in files if file.name == spoiled]
    assert found.stat().st_size > 0
    found.write_bytes(b"")
    scene.server.boot()

    assert wait_until_ready(scene)
    assert processes.wait(lambda: runs(scene, container(scene, name)), 60)
    assert scene.do_job()["state"] == "done"


def docker_files(described: dict[str, Any]) -> list[str]:
    """What Docker notes of a container, below the root of its server."""
    identity, layer = described["Id"], described["GraphDriver"]["Data"]["UpperDir"]
    return [
        f"var/lib/docker/containers/{identity}/config.v2.json",
        f"var/lib/docker/image/overlay2/layerdb/mounts/{identity}/mount-id",
        f"{layer}/../lower".lstrip("/"),
    ]


def container(scene: Scene, name: str) -> str:
    """The container of a service of the base, or of a role of the release that serves."""
    told = json.loads(scene.invoke("vps.status", "--host", HOST, "--json").stdout)
    owner = "base" if name in {"postgres", "redis"} else told["serving"]
    [found] = [
        one["name"]
        for one in told["containers"]
        if one["release"] == owner and one["service"] in {name, f"app-{owner}-{name}"}
    ]
    return str(found)


def runs(scene: Scene, name: str) -> bool:
    words = ("docker", "inspect", "--format", "{{.State.Running}}", name)
    return scene.server.exec(list(words)).stdout.strip() == "true"


def image_on_its_way(scene: Scene) -> str:
    """An image that Docker believes to have, and whose files a power loss might have taken."""
    had = scene.server.exec(["docker", "images", "--all", "--quiet", "--no-trunc"]).stdout.split()
    boot = scene.server.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()
    scene.server.exec(["sh", "-c", "tar -c --files-from /dev/null | docker import - lost:1"])
    record = json.dumps({"boot_id": boot, "had": had})
    scene.server.exec(["tee", ARRIVING], stdin=record.encode())
    return "lost:1"


def images(scene: Scene) -> list[str]:
    words = ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}")
    return scene.server.exec(list(words)).stdout.split()
