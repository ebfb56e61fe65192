from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.plan import plans

from hostwright.errors import StalePlan, UserError
from hostwright.plan import make, saved
from hostwright.plan.saved import Agreed

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.deploy import Local
    from hostwright.images import Decision

OTHER = "another-value-of-more-than-thirty-two-characters-0123456789"


def agreed(inputs: make.Inputs | None = None) -> Agreed:
    inputs = inputs or plans.inputs()
    return Agreed(
        host="shop",
        flags={"app_domain": "app.example.com"},
        created=plans.NOW,
        salt="2" * 32,
        manifest=inputs.release.manifest,
        state=saved.state(inputs.hello, inputs.release.manifest["images"]),
        backup=None,
        shown=make.plan(inputs).as_json(),
    )


@pytest.fixture
def read(tmp_path: Path) -> Agreed:
    """A plan that was written and read again, as every one that is deployed."""
    saved.write(tmp_path / "plan", agreed())
    return saved.read(tmp_path / "plan")


def test_a_plan_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("an older one")
    (tmp_path / "plan").chmod(0o644)
    saved.write(tmp_path / "plan", agreed())
    assert stat.S_IMODE((tmp_path / "plan").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


def test_what_is_unchanged_gives_the_planned_release_to_the_letter(read: Agreed) -> None:
    read.same_host(plans.inputs().hello, "shop")
    release = read.same_release(plans.local(), plans.decision(), "amd64")
    assert release.manifest == plans.inputs().release.manifest
    assert release.pack() == plans.inputs().release.pack()


HERE: dict[str, tuple[Local, Decision, str]] = {
    "a value": (
        *(plans.local({"SECRET_KEY": OTHER}), plans.decision()),
        "values of api (SECRET_KEY)",
    ),
    "a role's value": (
        *(plans.local(worker_env={"LOG_LEVEL": "debug"}), plans.decision()),
        "values of worker (LOG_LEVEL)",
    ),
    "an image": (plans.local(), plans.decision("2"), "the image of api, migrate, web, worker"),
    "a limit": (
        *(plans.local(inputs={"api_memory_mib": 300}), plans.decision()),
        "files (compose.yaml)",
    ),
    "Caddy": (
        *(plans.local(trusted_proxies=["10.0.0.0/8"]), plans.decision()),
        "files (caddy/Caddyfile)",
    ),
    "a setting": (
        *(plans.local(keep_releases=9), plans.decision()),
        "settings (keep_releases)",
    ),
    "a password of the base": (
        *(plans.local({"REDIS_PASSWORD": OTHER}), plans.decision()),
        "secrets/redis_password",
    ),
    "backups": (
        replace(plans.local(), backup=b"{}"),
        plans.decision(),
        "the settings of backups",
    ),
}


@pytest.mark.parametrize(("local", "decision", "said"), HERE.values(), ids=HERE)
def test_what_changed_here_is_refused_by_name(
    local: Local, decision: Decision, said: str, read: Agreed
) -> None:
    with pytest.raises(StalePlan) as refused:
        read.same_release(local, decision, "amd64")
    assert said in str(refused.value)
    assert OTHER not in str(refused.value)


def test_a_machine_of_another_kind_is_refused(read: Agreed) -> None:
    with pytest.raises(StalePlan, match="architecture"):
        read.same_release(plans.local(), plans.decision(), "arm64")


def other(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {**plans.inputs().hello, **changes}


OLDER = {"id": "20260101t000000z-aaaaaaa", "state": "failed", "withdrawn": False}
HOST: dict[str, tuple[dict[str, Any], str]] = {
    "another release": (other(serving=OLDER["id"]), f"is {OLDER['id']}"),
    "nothing": (other(serving=None), "is nothing"),
    "a release more": (
        other(releases=[*plans.inputs().hello["releases"], OLDER]),
        f"{OLDER['id']} is new",
    ),
    "a release less": (other(releases=[]), "is gone"),
    "a base": (other(base_applied="0" * 64), "base was"),
    "Caddy": (other(caddy_sha256="0" * 64), "caddy was"),
    "an image": (other(images={}), "images (caddy@"),
    "Docker": (other(docker="27.0"), "docker was 26.1.5, is 27.0"),
    "a runner": (other(runner="x"), "runner was"),
    "a dead owner": (other(pending={"op": "deploy"}), "cut off"),
    "backups": (other(backup={"sha256": "x"}), "backup settings was nothing, is x"),
}


@pytest.mark.parametrize(("hello", "said"), HOST.values(), ids=HOST)
def test_what_changed_on_the_host_is_refused_by_name(
    hello: dict[str, Any], said: str, read: Agreed
) -> None:
    with pytest.raises(StalePlan) as refused:
        read.same_host(hello, "shop")
    assert said in str(refused.value)


def test_what_passes_by_itself_is_no_change(read: Agreed) -> None:
    hello = plans.inputs().hello
    cooled = [{**hello["releases"][0], "state": "good", "warm_until": None}]
    passing = {"disk_free": 1, "time": 0, "memory_available": 5, "layers": ["x"], "boot_id": "y"}
    read.same_host({**hello, **passing, "releases": cooled}, "shop")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"plan": 2}', '{"plan": 1}', '{"plan": 1, "host": "a", "flags": []}'],
)
def test_what_is_no_plan_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text(text)
    with pytest.raises(UserError, match="is not a plan"):
        saved.read(tmp_path / "plan")


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        saved.read(tmp_path / "plan")
    with pytest.raises(UserError, match="cannot be written"):
        saved.write(tmp_path / "none" / "plan", agreed())


def test_a_truncated_plan_is_refused(tmp_path: Path) -> None:
    saved.write(tmp_path / "plan", agreed())
    text = (tmp_path / "plan").read_text()
    (tmp_path / "plan").write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match="is not a plan"):
        saved.read(tmp_path / "plan")
    document = json.loads(text)
    del document["manifest"]
    (tmp_path / "plan").write_text(json.dumps(document))
    with pytest.raises(UserError, match="is not a plan"):
        saved.read(tmp_path / "plan")
