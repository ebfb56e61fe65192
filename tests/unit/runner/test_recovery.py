"""An operation that nobody can carry on or take back must not refuse every later command."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD, Docker

from hostwright.runner import base, carry, recovery, releases, reverting
from hostwright.runner.backup import work
from hostwright.runner.engine import EngineError
from hostwright.runner.fault import RunnerError, broken
from hostwright.runner.operation import Host
from hostwright.runner.phases import DRAINED, SWITCHED

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.manifest import Manifest
    from hostwright.runner.operation import Operation


def never_well(*_: object) -> NoReturn:
    raise broken("api was not well after 60 s")


@pytest.fixture
def torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """NEW serves, its worker failed, and OLD does not get well again."""
    host = fake.host(tmp_path)
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
    releases.change(host.layout, OLD, outcome="good")
    fake.serve(host, NEW)
    fake.operation(host, phase=SWITCHED, reverting=True)
    monkeypatch.setattr(reverting, "run_services", never_well)
    return host


def test_a_revert_that_cannot_succeed_ends_and_leaves_what_serves(torn: Host) -> None:
    assert recovery.reconcile(torn) == "left"

    assert not torn.layout.journal.exists()
    assert torn.serving == NEW
    assert releases.state(torn.layout, NEW).outcome == "failed"
    assert releases.state(torn.layout, OLD).outcome == "good"
    assert releases.state(torn.layout, OLD).warm_until is not None  # to be ended
    assert "cannot be taken back, and is left: api was not well" in fake.notes(torn)
    assert f"{NEW} goes on serving, and is not whole" in fake.notes(torn)
    assert recovery.reconcile(torn) == "nothing"


def test_it_stays_open_while_docker_does_not_answer(torn: Host) -> None:
    assert isinstance(torn.engine, Docker)
    torn.engine.down = True

    with pytest.raises(RunnerError, match="Docker does not answer"):
        recovery.reconcile(torn)

    assert torn.layout.journal.exists()


def test_what_could_not_be_carried_on_and_not_be_taken_back_is_not_called_reverted(
    torn: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.operation(torn, phase=SWITCHED)

    def fail(op: Operation, *_: object) -> NoReturn:
        raise carry._taken_back(op, DRAINED, never_well_error())  # noqa: SLF001 - as carry does it

    monkeypatch.setattr(carry, "carry", fail)

    assert recovery.reconcile(torn) == "left"
    assert [e["action"] for e in fake.told(torn) if e["event"] == "reconciled"] == ["left"]


def never_well_error() -> RunnerError:
    return broken("its health command ended with 1")


def test_a_first_release_that_is_not_well_goes_on_serving_and_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = fake.host(tmp_path)
    fake.unpacked(host, NEW)
    fake.serve(host, NEW)
    fake.operation(host, phase=SWITCHED, reverting=True)
    monkeypatch.setattr(reverting, "run_services", never_well)

    assert recovery.reconcile(host) == "left"

    assert not host.layout.journal.exists()
    assert releases.state(host.layout, NEW).outcome == "failed"


def test_a_rollback_that_is_left_does_not_make_its_good_goal_a_failed_one(torn: Host) -> None:
    releases.change(torn.layout, NEW, outcome="good")
    fake.operation(torn, "rollback", phase=SWITCHED, reverting=True)

    assert recovery.reconcile(torn) == "left"
    assert releases.state(torn.layout, NEW).outcome == "good"


def test_a_release_that_is_left_keeps_what_its_migration_did(torn: Host) -> None:
    """Nobody reckoned since the runner died in the middle: it came all the way."""
    third = "20260103t000000z-ccccccc"
    fake.unpacked(torn, third)
    begun = {"before": 1, "after": 1, "applied": [], "irreversible": []}
    fake.operation(torn, migration={**begun, "pending": ["2", "3"], "never": ["3"]})
    fake.serve(torn, third)

    assert recovery.reconcile(torn) == "left"

    assert releases.state(torn.layout, NEW).migration == {
        "before": 1,
        "after": None,
        "applied": ["2", "3"],
        "irreversible": ["3"],
    }


def test_a_migration_whose_runner_died_is_stopped_when_its_time_is_over(tmp_path: Path) -> None:
    docker = Docker()
    docker.known = {f"app-{NEW}-migrate": True}
    host = fake.host(tmp_path, docker)
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
    fake.serve(host, OLD)
    op = fake.operation(host, migration={"before": 1, "pending": ["2"], "never": []})

    reverting.take_back(op)

    assert docker.calls[:2] == [f"wait app-{NEW}-migrate 600", f"stop app-{NEW}-migrate 10"]
    assert not host.layout.journal.exists()


def test_a_status_job_that_docker_no_longer_knows_counts_as_migrated(tmp_path: Path) -> None:
    host = fake.host(tmp_path)  # its containers were pruned: starting one is refused with 404
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
    fake.serve(host, OLD)
    fake.operation(host, migration={"before": 1, "pending": ["2"], "never": ["2"]})
    with pytest.raises(EngineError):
        host.engine.start(f"app-{NEW}-migrate-status")

    assert recovery.reconcile(host) == "reverted"

    migration = releases.state(host.layout, NEW).migration
    assert migration is not None
    assert migration["irreversible"] == ["2"]


def test_a_worker_is_brought_up_though_the_services_are_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may get well by themselves; who was stopped for a restore is started by nobody else."""
    host = fake.host(tmp_path)
    fake.unpacked(host, NEW)
    fake.serve(host, NEW)
    tried: list[str] = []
    monkeypatch.setattr(reverting, "run_services", never_well)
    monkeypatch.setattr(reverting, "run_worker", lambda _, release: tried.append(release.id))

    recovery.whole_or_said(host)

    assert tried == [NEW]
    assert f"{NEW} goes on serving, and is not whole" in fake.notes(host)


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """NEW serves; of its roles, Docker has started the api."""
    names = {f"app-{NEW}-{role}": role == "api" for role in ("api", "worker")}
    host = fake.host(tmp_path, Docker(**names))
    fake.unpacked(host, NEW)
    fake.serve(host, NEW)
    monkeypatch.setattr(base, "stand", lambda *_: None)
    return host


def started(host: Host) -> list[str]:
    assert isinstance(host.engine, Docker)
    return [call for call in host.engine.calls if call.startswith("start ")]


def test_what_serves_is_left_alone_where_all_of_it_runs(booted: Host) -> None:
    assert isinstance(booted.engine, Docker)
    booted.engine.known = dict.fromkeys(booted.engine.known, True)

    recovery.stand(booted)

    assert started(booted) == []
    assert fake.notes(booted) == ""


def test_what_does_not_run_of_what_serves_is_named_and_started(booted: Host) -> None:
    recovery.stand(booted)

    assert started(booted) == [f"start app-{NEW}-worker"]
    assert f"app-{NEW}-worker did not run, and is started" in fake.notes(booted)


def test_a_role_that_was_restarted_often_is_started_at_a_boot_and_not_judged(
    booted: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power loss the roles are restarted while Postgres puts its data in order."""
    known = Docker.container

    def restarted(docker: Docker, name: str) -> dict[str, object] | None:
        found = known(docker, name)
        return found and {**found, "RestartCount": 7}

    monkeypatch.setattr(Docker, "container", restarted)

    recovery.stand(booted)

    assert started(booted) == [f"start app-{NEW}-worker"]


def test_a_role_that_is_gone_is_made_anew(booted: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(booted.engine, Docker)
    docker = booted.engine
    del docker.known[f"app-{NEW}-worker"]

    def create(host: Host, release: Manifest) -> None:
        assert host is booted
        docker.known[f"app-{release.id}-worker"] = False

    monkeypatch.setattr(Host, "create", create)

    recovery.stand(booted)

    assert all(docker.known.values())
    assert f"app-{NEW}-worker was gone, and is made anew" in fake.notes(booted)


@pytest.mark.parametrize(
    ("words", "anew"), [("readlink: invalid argument", True), ("no space left on device", False)]
)
def test_a_role_that_a_power_loss_spoiled_is_made_anew_and_no_other(
    booted: Host, monkeypatch: pytest.MonkeyPatch, words: str, *, anew: bool
) -> None:
    made: list[str] = []
    known = Docker.container

    def spoiled(docker: Docker, name: str) -> dict[str, object] | None:
        if name.endswith("worker") and not made:
            raise EngineError(500, words)
        return known(docker, name)

    def create(host: Host, release: Manifest) -> None:
        made.append(release.id)
        assert isinstance(host.engine, Docker)
        assert f"app-{release.id}-worker" not in host.engine.known  # or Compose would keep it
        host.engine.known[f"app-{release.id}-worker"] = False

    monkeypatch.setattr(Docker, "container", spoiled)
    monkeypatch.setattr(Host, "create", create)

    with nullcontext() if anew else pytest.raises(EngineError, match="no space"):
        recovery.stand(booted)

    assert bool(made) is anew
    assert started(booted) == ([f"start app-{NEW}-worker"] if anew else [])


def test_a_base_and_a_role_that_docker_cannot_start_keep_no_other_role_from_starting(
    booted: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise EngineError(500, "postgres: address already in use")

    start = Docker.start

    def stubborn(docker: Docker, name: str) -> None:
        if name.endswith("api"):
            raise EngineError(500, "api: permission denied")
        start(docker, name)

    assert isinstance(booted.engine, Docker)
    booted.engine.known = dict.fromkeys(booted.engine.known, False)
    monkeypatch.setattr(base, "stand", refuse)
    monkeypatch.setattr(Docker, "start", stubborn)

    with pytest.raises(EngineError, match="postgres: address already in use"):
        recovery.stand(booted)

    assert started(booted) == [f"start app-{NEW}-worker"]
    monkeypatch.setattr(base, "stand", lambda *_: None)
    with pytest.raises(EngineError, match="api: permission denied"):
        recovery.stand(booted)


@pytest.mark.parametrize(("verb", "stands"), [("resume", True), ("cool", False)])
def test_a_boot_starts_what_does_not_run_and_the_end_of_a_warm_release_does_not(
    booted: Host, monkeypatch: pytest.MonkeyPatch, verb: str, *, stands: bool
) -> None:
    monkeypatch.setattr(base, "stand", lambda *_: None)

    work.scheduled(booted, verb)

    assert bool(started(booted)) is stands
    assert fake.told(booted)[-1]["event"] == "done"
