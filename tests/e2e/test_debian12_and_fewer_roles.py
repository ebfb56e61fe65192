"""Debian 12 the whole way, then on the same server applications that lack roles."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING

import httpx
import pytest

from hostwright import paths
from hostwright.rig import Rig
from hostwright.rig.demo import Demo
from hostwright.rig.scene import API_DOMAIN, APP_DOMAIN, HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.rig.scene import Scene

pytestmark = [pytest.mark.server, pytest.mark.long]

#: What an application without an api does for itself: store an item, queue its job, await its end.
JOB = """
import asyncio
from probe import items, jobs
from probe.config import from_environment
from probe.dependencies import Dependencies

async def main():
    needs = Dependencies(from_environment(), "worker")
    pool, redis = await needs.pool(), await needs.redis()
    item = await items.insert(pool, "e2e", "e2e")
    await jobs.push(redis, jobs.Job(item))
    while (found := await items.find(pool, item))["state"] != "done":
        await asyncio.sleep(0.1)
    print(found["done_by"])

asyncio.run(asyncio.wait_for(main(), 30))
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"debian12-{os.getpid()}") as rig:
        yield Demo().play(rig, "bookworm")


@pytest.fixture(autouse=True)
def as_it_was(scene: Scene) -> Iterator[None]:
    yield
    scene.clone = paths.ROOT
    scene.write_hosts()


def work_in_a_clone(scene: Scene, place: Path, *absent: str, **changed: str) -> None:
    """Do as who hosts an application of fewer roles: take roles out of the contract, and export.

    *changed* are lines of the contract by their key, which is there once.
    """
    for name in ("src", "ops"):
        shutil.copytree(paths.ROOT / name, place / name, symlinks=True)
    shutil.copy(paths.ROOT / "tasks.py", place)
    contract = place / paths.CONTRACT.relative_to(paths.ROOT)
    text = contract.read_text()
    for role in absent:
        text, count = re.subn(rf"(?m)^  {role}:\n(?:    .*\n)+\n*", "", text, count=1)
        assert count == 1
    for key, line in changed.items():
        text, count = re.subn(rf"(?m)^( *){key}: .*$", rf"\1{key}: {line}", text)
        assert count == 1
    contract.write_text(text)
    scene.clone = place
    scene.invoke("contract.check")
    scene.invoke("contract.export")


def deploy(scene: Scene, **images: str) -> str:
    """Deploy versions by role; gives the release that serves."""
    words = [f"{role}={scene.images[f'probe:{number}']}" for role, number in images.items()]
    flags = [word for image in words for word in ("--image", image)]
    done = scene.invoke("vps.deploy", "--host", HOST, "--json", *flags)
    assert scene.seen(done) == []
    return str(json.loads(done.stdout)["serving"])


def rollback(scene: Scene, *words: str) -> str:
    done = scene.invoke("vps.rollback", "--host", HOST, "--json", *words)
    return str(json.loads(done.stdout)["serving"])


def running(scene: Scene, release: str) -> set[str]:
    """The roles of a release whose containers run."""
    form = '{{.Label "dev.hostwright.role"}}'
    label = f"label=dev.hostwright.release={release}"
    return set(
        scene.server.exec(["docker", "ps", "--filter", label, "--format", form]).stdout.split()
    )


def workers(scene: Scene) -> list[str]:
    """The containers that take jobs."""
    label = "label=dev.hostwright.role=worker"
    form = "{{.Names}}"
    return scene.server.exec(["docker", "ps", "--filter", label, "--format", form]).stdout.split()


def job_done_by(scene: Scene) -> str:
    """The version of the worker that does a job; it is given by a process beside the worker."""
    [worker] = workers(scene)
    return scene.server.exec(["docker", "exec", worker, "python3", "-c", JOB]).stdout.strip()


def version(scene: Scene, url: str) -> str:
    return str(scene.request("GET", url).json()["version"])


def test_debian_12_goes_the_whole_way(scene: Scene) -> None:
    system = scene.server.exec(["cat", "/etc/os-release"]).stdout
    assert 'VERSION_ID="12"' in system
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_an_application_that_becomes_an_api_alone_and_returns(scene: Scene, tmp_path: Path) -> None:
    [was_working] = workers(scene)
    whole = was_working.removeprefix("app-").removesuffix("-worker")
    work_in_a_clone(scene, tmp_path, "web", "worker", "migrate")
    scene.write_hosts(app_domain=None, app_public_url=f"https://{API_DOMAIN}", images={})

    first = deploy(scene, api="2")

    assert running(scene, first) == {"api"}
    assert workers(scene) == []
    assert version(scene, f"https://{API_DOMAIN}/version") == "2"
    with pytest.raises(httpx.HTTPError):
        scene.request("GET", f"https://{APP_DOMAIN}/")

    second = deploy(scene, api="1")
    assert version(scene, f"https://{API_DOMAIN}/version") == "1"
    assert rollback(scene) == first
    assert running(scene, second) == {"api"}  # warm
    assert version(scene, f"https://{API_DOMAIN}/version") == "2"

    assert rollback(scene, "--to", whole) == whole
    assert running(scene, whole) == {"api", "web", "worker"}
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_a_database_stays_as_long_as_a_release_that_uses_it(scene: Scene, tmp_path: Path) -> None:
    whole = workers(scene)[0].removeprefix("app-").removesuffix("-worker")
    work_in_a_clone(scene, tmp_path, "api", "worker", "migrate", ready="/")
    scene.write_hosts(api_domain=None, images={})

    deploy(scene, web="2")

    assert version(scene, f"https://{APP_DOMAIN}/api/health") == "2"
    assert rollback(scene) == whole
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"

    scene.write_hosts(api_domain=None, images={}, keep_releases=2)
    for number in ("2", "1"):
        deploy(scene, web=number)
    left = scene.server.exec(["docker", "ps", "--all", "--format", "{{.Names}}"]).stdout
    assert "app-caddy" in left
    assert "app-postgres" not in left
    assert "app_postgres" in scene.server.exec(["docker", "volume", "ls"]).stdout


def test_an_application_of_web_and_worker_from_its_first_deploy(
    scene: Scene, tmp_path: Path
) -> None:
    # One Caddy has the ports: the application that was there before makes way.
    scene.server.exec(["sh", "-c", "docker rm --force $(docker ps --all --quiet)"])
    # The probe's own ready path asks the api, and here is none; its page is there in any case.
    work_in_a_clone(scene, tmp_path, "api", ready="/")
    scene.write_hosts(project_name="duo", api_domain=None, images={})

    first = deploy(scene, web="1", worker="1")

    assert running(scene, first) == {"web", "worker"}
    assert version(scene, f"https://{APP_DOMAIN}/api/health") == "1"
    assert job_done_by(scene) == "1"
    with pytest.raises(httpx.HTTPError):
        scene.request("GET", f"https://{API_DOMAIN}/health")

    second = deploy(scene, web="2", worker="2")
    assert running(scene, second) == {"web", "worker"}
    assert running(scene, first) == {"web"}  # warm
    assert version(scene, f"https://{APP_DOMAIN}/api/health") == "2"
    assert job_done_by(scene) == "2"

    assert rollback(scene) == first
    assert workers(scene) == [f"duo-{first}-worker"]
    assert version(scene, f"https://{APP_DOMAIN}/api/health") == "1"
    assert job_done_by(scene) == "1"
