from __future__ import annotations

import dataclasses
import errno
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner import releases_of as made

from hostwright.runner import base, bundle, durable, releases
from hostwright.runner.engine import EngineError
from hostwright.runner.fault import RunnerError
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host, Operation

THIRD = "20260103t000000z-ccccccc"
ANOTHER = b'{"name": "other", "services": {}}'


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
    ("running", "pid", "believed"),
    [(True, 1, False), (True, 0, True), (True, 2**22 + 1, True), (False, 0, False)],
)
def test_a_container_without_its_process_is_only_believed_to_run(
    *, running: bool, pid: int, believed: bool
) -> None:
    assert base.only_believed({"State": {"Running": running, "Pid": pid}}) is believed


class Base(fake.Docker):
    """The base's containers by their service: whether each is said to run, and its process."""

    def __init__(self, **services: tuple[bool, int]) -> None:
        super().__init__()
        self.services = services

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        assert project == "app-base"
        label = "com.docker.compose.service"
        return [{"Id": name, "State": "running", "Labels": {label: name}} for name in self.services]

    def container(self, name: str) -> dict[str, Any]:
        running, pid = self.services[name]
        status = "running" if running else "exited"
        state = {"Running": running, "Status": status, "Pid": pid}
        labels = {"com.docker.compose.service": name}
        return {"Id": name, "State": state, "Config": {"Labels": labels}, "RestartCount": 0}

    def stop(self, name: str, seconds: int) -> None:
        super().stop(name, seconds)
        self.services[name] = (False, 0)

    def start(self, name: str) -> None:
        self.calls.append(f"start {name}")
        self.services[name] = (True, 1)


@pytest.mark.parametrize(
    ("redis", "calls"),
    [
        ((True, 1), []),
        ((False, 0), ["start redis"]),
        ((True, 2**22 + 1), ["stop redis 0", "start redis"]),
    ],
)
def test_what_does_not_run_of_the_base_is_started(
    tmp_path: Path, redis: tuple[bool, int], calls: list[str]
) -> None:
    """Docker's list says that all of it runs, as it may after a disk was full."""
    docker = Base(postgres=(True, 1), redis=redis)

    base.mend(fake.host(tmp_path, docker))

    assert docker.calls == calls
    assert docker.services["redis"] == (True, 1)


def test_one_that_docker_cannot_start_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    class Stubborn(Base):
        def start(self, name: str) -> None:
            if name == "redis":
                raise EngineError(500, "address already in use")
            super().start(name)

    docker = Stubborn(redis=(False, 0), caddy=(False, 0))

    with pytest.raises(EngineError, match="address already in use"):
        base.mend(fake.host(tmp_path, docker))

    assert docker.calls == ["start caddy"]


@pytest.mark.parametrize(("restarts", "mends"), [(0, True), (7, False)])
def test_a_boot_only_starts_and_mending_waits_until_it_is_well(
    tmp_path: Path, restarts: int, *, mends: bool
) -> None:
    class Restarted(Base):
        def container(self, name: str) -> dict[str, Any]:
            return {**super().container(name), "RestartCount": restarts}

    host = fake.host(tmp_path, docker := Restarted(redis=(False, 0)))

    base.stand(host, frozenset({"redis"}))

    assert docker.services["redis"] == (True, 1)
    docker.services["redis"] = (False, 0)
    with nullcontext() if mends else pytest.raises(RunnerError, match="does not get well"):
        base.mend(host)


class Spoiled(Base):
    """Docker knows that there is a Redis, and can neither describe nor start it."""

    words = "readlink /var/lib/docker/overlay2: invalid argument"

    def container(self, name: str) -> dict[str, Any]:
        if name == "redis":
            raise EngineError(500, self.words)
        return super().container(name)

    def remove(self, name: str) -> None:
        del self.services[name]


def test_what_a_power_loss_spoiled_of_the_base_is_made_anew_by_compose(tmp_path: Path) -> None:
    docker = Spoiled(redis=(False, 0), caddy=(False, 0))
    host = fake.host(tmp_path, docker)

    base.stand(host, frozenset({"redis", "caddy"}))

    assert docker.services == {"caddy": (True, 1)}  # Redis is Compose's to make
    assert host.shell.said[-1][-4:] == ["--detach", "--pull", "never", "--no-build"]  # type: ignore[attr-defined]
    assert "redis of the base: not there, and made anew" in fake.notes(host)


def test_what_a_full_disk_keeps_from_starting_is_not_removed(tmp_path: Path) -> None:
    docker = Spoiled(redis=(False, 0), caddy=(False, 0))
    docker.words = "no space left on device"
    host = fake.host(tmp_path, docker)

    with pytest.raises(EngineError, match="no space left"):
        base.stand(host, frozenset({"redis", "caddy"}))

    assert docker.services == {"redis": (False, 0), "caddy": (True, 1)}
    assert host.shell.said == []  # type: ignore[attr-defined]


def test_what_only_releases_before_need_is_not_removed_as_nothing_would_make_it_anew(
    tmp_path: Path,
) -> None:
    docker = Spoiled(redis=(False, 0), caddy=(False, 0))
    host = fake.host(tmp_path, docker)

    with pytest.raises(EngineError, match="invalid argument"):
        base.stand(host, frozenset({"caddy"}))

    assert docker.services == {"redis": (False, 0), "caddy": (True, 1)}
    assert host.shell.said == []  # type: ignore[attr-defined]


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
    files = {**made.FILES, "base.yaml": ANOTHER}
    newer = "20260102t000000z-abcdef1"
    base.write(layout, bundle.unpack(layout, made.bundle(files, id=newer, **whose)))

    base.restore(layout, before)

    assert {n: c for n, (c, _) in base.files_of_project(layout).items()} == {
        n: c for n, (c, _) in before.items()
    }


NEWER = {"secrets/postgres_password": b"another-horse"}


def changing(host: Host, files: dict[str, bytes], *, serving: bool = True) -> Operation:
    """OLD's base runs; NEW brings another one."""
    fake.unpacked(host, fake.OLD, base_sha256="0" * 64)
    described = releases.load(host.layout, fake.OLD)
    assert described is not None
    base.write(host.layout, described)
    durable.write_json(host.layout.base_state, {"sha256": "0" * 64, "release": fake.OLD})
    if serving:
        fake.serve(host, fake.OLD)
    fake.unpacked(host, fake.NEW, files, base_sha256="1" * 64)
    return fake.operation(host)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(base, "await_well", lambda *_: None)
    return fake.host(tmp_path)


def test_another_password_is_refused_by_its_name_while_somebody_serves(host: Host) -> None:
    op = changing(host, NEWER)
    before = base.files_of_project(host.layout)

    with pytest.raises(RunnerError) as refused:
        base.bring(op)

    assert (refused.value.code, refused.value.where) == (15, "secrets/postgres_password")
    told = f"{refused.value.what} {refused.value.remedy}"
    assert "horse" not in told
    assert "vps.secrets.push" in told
    after = base.files_of_project(host.layout)
    assert {n: c for n, (c, _) in after.items()} == {n: c for n, (c, _) in before.items()}
    assert releases.base_applied(host.layout) == "0" * 64


def test_another_password_is_taken_where_nobody_serves(host: Host) -> None:
    assert base.bring(changing(host, NEWER, serving=False)) == "the base project was changed"
    assert releases.base_applied(host.layout) == "1" * 64


def test_a_base_with_the_same_passwords_is_brought_up(host: Host) -> None:
    op = changing(host, {"base.yaml": ANOTHER, "secrets/postgres_password": b"correct-horse\n"})

    assert base.bring(op) == "the base project was changed"
    assert (host.layout.base / "compose.yaml").read_bytes() == ANOTHER


def test_a_disk_that_fills_up_while_the_base_is_written_leaves_it_as_it_was(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = changing(host, {"base.yaml": ANOTHER, "entrypoints/health.sh": b"new"})
    before = base.files_of_project(host.layout)
    copy = base._copy  # noqa: SLF001 - to fail at the second file

    def full(source: Path, target: Path, *more: Any) -> None:  # noqa: ANN401 - as it takes them
        if source.name == "health.sh":
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target, *more)

    monkeypatch.setattr(base, "_copy", full)

    with pytest.raises(OSError, match="No space"):
        base.bring(op)

    after = base.files_of_project(host.layout)
    assert {n: c for n, (c, _) in after.items()} == {n: c for n, (c, _) in before.items()}
    assert releases.base_applied(host.layout) == "0" * 64
    assert host.shell.said == []  # type: ignore[attr-defined] # nothing of it was started


def test_a_base_that_was_being_written_when_the_runner_died_is_brought_up_by_the_next(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = changing(host, {"base.yaml": ANOTHER})
    copy = base._copy  # noqa: SLF001 - to die after the first file

    def die(source: Path, target: Path, *more: Any) -> None:  # noqa: ANN401 - as it takes them
        copy(source, target, *more)
        raise KeyboardInterrupt

    monkeypatch.setattr(base, "_copy", die)
    with pytest.raises(KeyboardInterrupt):
        base.bring(op)
    assert releases.base_applied(host.layout) is None

    monkeypatch.setattr(base, "_copy", copy)
    fake.unpacked(host, THIRD, base_sha256="0" * 64)  # the very base that had been there
    described = releases.load(host.layout, THIRD)
    assert described is not None
    assert base.bring(dataclasses.replace(op, goal=described)) == "the base project was changed"
    assert (host.layout.base / "compose.yaml").read_bytes() == made.FILES["base.yaml"]


@pytest.mark.parametrize(
    ("services", "calls", "said"),
    [
        ({"redis": (True, 1)}, [], None),
        ({"redis": (False, 0)}, ["start redis"], "the base project was started"),
        ({}, [], "the base project was started"),
        ({"caddy": (True, 1)}, [], "the base project was started"),  # Docker has forgotten Redis
    ],
)
def test_the_same_base_is_started_where_it_stopped(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    services: dict[str, tuple[bool, int]],
    calls: list[str],
    said: str | None,
) -> None:
    monkeypatch.setattr(base, "await_well", lambda *_: None)
    docker = Base(**services)
    host = fake.host(tmp_path, docker)
    changing(host, {})
    images = {name: {"ref": f"{name}:1", "id": None, "pull": False} for name in ("api", "redis")}
    fake.unpacked(host, THIRD, base_sha256="0" * 64, images=images)
    goal = releases.load(host.layout, THIRD)
    assert goal is not None
    monkeypatch.setattr(base, "strangers", lambda *_: [])

    assert base.bring(dataclasses.replace(fake.operation(host), goal=goal)) == said
    assert docker.calls == calls
