from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import releases_of as made

from hostwright.runner import base, bundle
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


def container(status: str, health: str | None = None, restarts: int = 0) -> dict[str, Any]:
    state: dict[str, Any] = {"Status": status}
    if health:
        state["Health"] = {"Status": health}
    return {"State": state, "RestartCount": restarts}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (container("running", "healthy"), True),
        (container("running"), True),
        (container("running", "none"), True),
        (container("running", "starting"), None),
        (container("running", "unhealthy"), None),
        (container("created"), None),
        (container("restarting"), None),
        (container("exited"), False),
        (container("running", "healthy", restarts=3), False),
    ],
)
def test_the_verdict_on_a_base_service(found: dict[str, Any], *, verdict: bool | None) -> None:
    assert base.verdict(found) is verdict


@pytest.mark.parametrize(
    ("test", "argv"),
    [
        (["CMD", "pg_isready", "-q"], ["pg_isready", "-q"]),
        (["CMD-SHELL", "redis-cli ping"], ["/bin/sh", "-c", "redis-cli ping"]),
        (["NONE"], None),
        ([], None),
    ],
)
def test_a_health_check_can_be_run_before_docker_runs_it(
    test: list[str], argv: list[str] | None
) -> None:
    assert base.check_argv({"Config": {"Healthcheck": {"Test": test}}}) == argv
    assert base.check_argv({"Config": {}}) is None


def test_the_base_directory_gets_what_the_bundle_brings_and_secrets_their_owner(
    tmp_path: Path,
) -> None:
    layout = Layout("app", tmp_path / "app")
    layout.ensure()
    mine = {"uid": os.getuid(), "gid": os.getgid()}
    content = made.bundle(secrets={"postgres_password": mine}, caddy=mine)

    base.write(layout, bundle.unpack(layout, content))

    secret = layout.base / "secrets" / "postgres_password"
    assert (layout.base / "compose.yaml").read_bytes() == made.FILES["base.yaml"]
    assert secret.read_bytes() == made.FILES["secrets/postgres_password"]
    assert secret.stat().st_mode & 0o777 == 0o400
    assert (layout.base / "entrypoints" / "health.sh").stat().st_mode & 0o777 == 0o755
    assert layout.run.stat().st_mode & 0o777 == 0o700


def test_a_base_that_fails_can_be_put_back_byte_for_byte(tmp_path: Path) -> None:
    layout = Layout("app", tmp_path / "app")
    layout.ensure()
    mine = {"uid": os.getuid(), "gid": os.getgid()}
    whose: dict[str, Any] = {"secrets": {"postgres_password": mine}, "caddy": mine}
    base.write(layout, bundle.unpack(layout, made.bundle(**whose)))
    before = base.files_of_project(layout)
    files = {**made.FILES, "base.yaml": b"broken"}
    newer = "20260102t000000z-abcdef1"
    base.write(layout, bundle.unpack(layout, made.bundle(files, id=newer, **whose)))

    base.restore(layout, before)

    assert {n: c for n, (c, _) in base.files_of_project(layout).items()} == {
        n: c for n, (c, _) in before.items()
    }
