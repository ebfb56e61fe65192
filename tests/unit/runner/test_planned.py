from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import caddy, envcheck, lock, planned, planned_migration, pruning
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.layout import Layout

SECRET = "a-password-of-the-database"
ASKED = {
    "image": "hostwright/app-migrate:1",
    "status": ["python", "-m", "app", "status"],
    "env": {"DATABASE_URL": f"postgresql://app:{SECRET}@postgres/app"},
    "networks": ["app_data", "app_out"],
}


def test_a_host_where_nothing_serves_says_so(tmp_path: Path) -> None:
    host = fake.host(tmp_path)
    told = planned.planned(host.layout, host.engine)
    assert (told["serving"], told["env"], told["compose"]) == (None, {}, None)
    assert told["base"] == {"compose": None, "files": {}, "secrets": {}, "up": False}
    assert told["backup"] is None


def test_what_serves_is_told_as_texts_names_and_hashes(tmp_path: Path) -> None:
    host = fake.host(tmp_path)
    fake.unpacked(host, fake.OLD)
    fake.serve(host, fake.OLD)
    base = host.layout.base
    (base / "secrets").mkdir()
    (base / "entrypoints").mkdir()
    (base / "secrets" / "postgres_password").write_text(f"{SECRET}\n")
    (base / "entrypoints" / "health.sh").write_text("#!/bin/sh\n")
    (base / "compose.yaml").write_text('{"services": {}}')
    caddy.settled(host.layout, fake.OLD, "d" * 64)

    told = planned.planned(host.layout, host.engine)

    assert SECRET not in json.dumps(told)
    assert told["salt"] == "salt"
    assert told["env"] == {"api": {"PASSWORD": "0" * 16}}
    hashed = envcheck.salted("salt", "secrets/postgres_password", SECRET)[:32]
    assert told["base"]["secrets"] == {"secrets/postgres_password": hashed}
    assert list(told["base"]["files"]) == ["entrypoints/health.sh"]
    assert told["caddy"]["files"] == {"Caddyfile": ":80\n", "apps/app/web.caddy": "# web\n"}
    assert told["caddy"]["sha256"] == "d" * 64


class Jobs(fake.Docker):
    """Docker with one job that ends as it is told."""

    def __init__(self, code: int | None = 0, lines: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.code, self.lines = code, lines
        self.made: list[dict[str, Any]] = []

    def call(self, method: str, path: str, query: Any = None, **more: Any) -> Any:  # noqa: ANN401
        self.calls.append(f"{method} {path} {(query or {}).get('name', '')}".strip())
        if path == "/containers/create":
            self.known[query["name"]] = False
            self.made.append(more["send"])

    def wait(self, name: str, seconds: float) -> int:
        del name, seconds
        if self.code is None:
            raise TimeoutError
        return self.code

    def logs(self, name: str, lines: int, *, errors: bool = True) -> list[str]:
        del name, lines, errors
        return list(self.lines)


def ask(layout: Layout, docker: Jobs) -> dict[str, Any]:
    return planned_migration.pending(layout, docker, json.dumps(ASKED).encode(), "me")


def test_a_status_is_asked_in_a_container_that_is_gone_afterwards(tmp_path: Path) -> None:
    layout = fake.layout(tmp_path)
    line = '{"current": "0001", "head": "0002", "pending": ["0002"], "irreversible": []}'
    docker = Jobs(lines=("starting", line))

    told = ask(layout, docker)

    assert (told["event"], told["known"], told["pending"]) == ("pending", True, ("0002",))
    assert docker.known == {}
    assert "POST /networks/app_out/connect" in docker.calls
    [made] = docker.made
    assert made["HostConfig"]["NetworkMode"] == "app_data"
    assert made["HostConfig"]["CapDrop"] == ["ALL"]
    assert not made["HostConfig"].keys() & {"Binds", "Mounts", "Privileged"}
    assert lock.held(layout.lock) is None


@pytest.mark.parametrize(
    ("code", "lines", "why"),
    [
        (1, (f"cannot connect as {SECRET}",), "ended with exit code 1"),
        (0, ("nothing",), "is not the JSON"),
        (None, (), "did not end within"),
    ],
)
def test_what_cannot_be_told_has_a_reason_and_shows_no_value(
    code: int | None, lines: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    docker = Jobs(code, lines)
    told = ask(fake.layout(tmp_path), docker)
    assert told["known"] is False
    assert why in told["why"]
    assert SECRET not in json.dumps(told)
    assert docker.known == {}


def test_nobody_is_asked_while_somebody_works(tmp_path: Path) -> None:
    layout = fake.layout(tmp_path)
    held = lock.acquire(layout.lock)
    held.sign("anna", "deploy")
    docker = Jobs()
    with pytest.raises(RunnerError) as refused:
        ask(layout, docker)
    assert refused.value.code == Code.BUSY
    assert docker.made == []
    held.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "--privileged"},
        {"image": None},
        {"status": []},
        {"status": "sh"},
        {"env": {"a b": "x"}},
        {"env": {"A": 1}},
        {"env": None},
        {"networks": ["host"]},
        {"networks": ["other_data"]},
        {"networks": []},
    ],
)
def test_what_would_reach_beyond_the_application_is_refused(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    content = json.dumps({**ASKED, **changed}).encode()
    with pytest.raises(RunnerError) as refused:
        planned_migration.parse(fake.layout(tmp_path), content)
    assert refused.value.code == Code.REQUEST
    with pytest.raises(RunnerError):
        planned_migration.parse(fake.layout(tmp_path), b"[")


def test_a_container_that_a_kill_left_is_removed_by_the_next_deploy(tmp_path: Path) -> None:
    host = fake.host(tmp_path, fake.Docker(app_plan=False))
    pruning.prune(host, 5)
    assert "app-plan" not in host.engine.known  # type: ignore[attr-defined] # a table
