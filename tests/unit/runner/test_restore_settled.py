"""What the next command makes of a restore that was cut off, whatever state the host is in."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
from tests.unit.runner import fake_host as fake

from hostwright.runner import base, cooling, durable, journal, operate, recovery, reverting, room
from hostwright.runner.backup import (
    drill,
    make,
    point_in_time,
    postgres,
    restore,
    scratch,
    swap,
    way_back,
    work,
)
from hostwright.runner.backup.restic import Snapshot, Store
from hostwright.runner.backup.settings import Repository
from hostwright.runner.engine import EngineError
from hostwright.runner.fault import Code, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.runner.backup.settings import Settings
    from hostwright.runner.operation import Host

ONE, MARK = "20260101t000000z-aaaaaaa", "20260102t000000z-bbbbbbb"
PHASES = (restore.SWAPPING, restore.SWAPPED)


class Server(fake.Docker):
    """The base's services by name, and their directories: none starts whose directory is away."""

    def __init__(self, **places: Path) -> None:
        super().__init__()
        self.places = places
        self.runs = dict.fromkeys(places, True)
        self.restarts = 0
        self.spoiled: set[str] = set()
        self.fills: list[Path] = []
        #: Who runs by Docker's word alone.
        self.believed: set[str] = set()

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        found = super().containers(project)
        if project in {None, "app-base"}:
            found += [
                {
                    "Id": name,
                    "Names": [f"/{name}"],
                    "Labels": {"com.docker.compose.service": name},
                    "State": "running" if runs and name not in self.spoiled else "exited",
                }
                for name, runs in self.runs.items()
            ]
        return found

    def container(self, name: str) -> dict[str, Any] | None:
        if name in self.spoiled:
            raise EngineError(500, "readlink: invalid argument")
        if name not in self.runs:
            return super().container(name)
        believed = name in self.believed
        runs = self.runs[name] or believed
        pid = 2**22 + 1 if believed else 1
        state = {"Running": runs, "Status": "running" if runs else "exited", "Pid": pid}
        labels = {"com.docker.compose.service": name}
        config = {"Labels": labels, "Env": ["POSTGRES_DB=app", "POSTGRES_USER=app"]}
        found = {"Id": name, "Image": "", "State": state, "Config": config}
        return {**found, "RestartCount": self.restarts}

    def start(self, name: str) -> None:
        if name not in self.runs:
            super().start(name)
            return
        if not self.places[name].is_dir():
            raise EngineError(500, f"failed to mount {self.places[name]}: no such file")
        if any(place.exists() for place in self.fills):
            raise EngineError(500, "no space left on device")
        self.calls.append(f"start {name}")
        self.runs[name] = True

    def stop(self, name: str, seconds: int) -> None:
        if name in self.spoiled:
            raise EngineError(500, "readlink: invalid argument")
        super().stop(name, seconds)
        if name in self.runs:
            self.runs[name] = False

    def remove(self, name: str) -> None:
        self.spoiled.discard(name)
        self.runs.pop(name, None)
        super().remove(name)


def volume(tmp_path: Path, name: str) -> Path:
    """A volume's directory with data of today, and beside it what is to take its place."""
    for part in ("_data", f"incoming-{MARK}"):
        (tmp_path / name / part).mkdir(parents=True)
        (tmp_path / name / part / "file").write_text(part)
    return tmp_path / name / "_data"


def swap_in(place: Path, plan: swap.Plan, name: str) -> None:
    """What an exchange does to a volume whose service is stopped."""
    place.rename(plan.kept(name))
    plan.incoming(name).rename(place)


def cut_off(host: Host, phase: str, plan: swap.Plan, goal: str | None = None) -> None:
    """A restore that was killed in a phase."""
    durable.write_json(
        restore.journal(host.layout), {"phase": phase, "plan": plan._asdict(), "goal": goal}
    )


def exchanged(
    tmp_path: Path, name: str = "redis", *, phase: str = restore.SWAPPED
) -> tuple[Host, Server, swap.Plan]:
    """A host whose restore died when the files of a service were in place."""
    place = volume(tmp_path, name)
    host = fake.host(tmp_path, docker := Server(**{name: place}))
    plan = swap.Plan(ONE, MARK, "", {name: str(place)})
    swap_in(place, plan, name)
    cut_off(host, phase, plan)
    return host, docker, plan


def serving(host: Host) -> None:
    """A release that serves, both of whose roles Docker knows."""
    fake.unpacked(host, ONE)
    fake.serve(host, ONE)
    assert isinstance(host.engine, fake.Docker)
    for role in ("api", "worker"):
        host.engine.known[host.layout.container(ONE, role)] = True


def unwell(*_: object) -> NoReturn:
    raise RunnerError(Code.RELEASE, "api does not get well")


@pytest.fixture(autouse=True)
def no_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "sweep", lambda _: None)


# --- the former data may not have been well ------------------------------------------------------


@pytest.mark.parametrize("phase", PHASES)
def test_who_was_not_well_with_the_former_data_keeps_no_command_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """An empty database is what a restore is for; killed once, the next one has to get its turn."""
    place = volume(tmp_path, "storage")
    host = fake.host(tmp_path, Server())
    serving(host)
    plan = swap.Plan(ONE, MARK, "", {"storage": str(place)})
    swap.exchange(host, plan)
    cut_off(host, phase, plan)
    monkeypatch.setattr(recovery, "whole", unwell)

    work.settle(host)

    assert (place / "file").read_text() == "_data"
    assert not restore.journal(host.layout).exists()
    assert f"{ONE} goes on serving, and is not whole: api does not get well" in fake.notes(host)


def test_a_former_cluster_that_does_not_get_well_ends_it(tmp_path: Path) -> None:
    host, docker, plan = exchanged(tmp_path, "postgres")
    docker.restarts = 7

    work.settle(host)

    assert Path(plan.volumes["postgres"], "file").read_text() == "_data"
    assert docker.runs["postgres"]
    assert not restore.journal(host.layout).exists()
    assert "the former data is in place, and the base is not well" in fake.notes(host)


@pytest.mark.parametrize("answers", [True, False])
def test_of_a_database_s_renames_postgres_alone_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, answers: bool
) -> None:
    """A Redis that does not get well is what one restores for."""
    place = volume(tmp_path, "redis")
    host = fake.host(tmp_path, docker := Server(redis=place, postgres=tmp_path))
    plan = swap.Plan(ONE, MARK, "app", {"redis": str(place)})
    swap_in(place, plan, "redis")
    cut_off(host, restore.SWAPPED, plan)
    docker.restarts = 7  # of both
    asked: list[str] = []

    def exists(_host: Host, _database: object, name: str) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(postgres, "await_ready", lambda *_: answers)
    monkeypatch.setattr(postgres, "exists", exists)
    monkeypatch.setattr(postgres, "drop", lambda *_: None)

    if answers:
        work.settle(host)
    else:
        with pytest.raises(RunnerError, match="does not take connections"):
            work.settle(host)

    assert (place / "file").read_text() == "_data"
    assert asked == ([plan.aside] if answers else [])
    assert restore.journal(host.layout).exists() is not answers


def test_a_service_that_is_no_part_of_it_does_not_keep_it_open(tmp_path: Path) -> None:
    """One that only releases before need is not made anew, and Docker cannot describe it."""
    place = volume(tmp_path, "redis")
    host = fake.host(tmp_path, docker := Server(redis=place, caddy=tmp_path))
    plan = swap.Plan(ONE, MARK, "", {"redis": str(place)})
    swap_in(place, plan, "redis")
    cut_off(host, restore.SWAPPED, plan)
    docker.spoiled.add("caddy")

    work.settle(host)

    assert docker.runs["redis"]
    assert not restore.journal(host.layout).exists()
    assert "invalid argument" in fake.notes(host)


# --- cut off between two renames -----------------------------------------------------------------


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("phase", PHASES)
def test_a_directory_comes_back_before_its_service_is_started(
    tmp_path: Path, phase: str, *, runs: bool
) -> None:
    place = volume(tmp_path, "redis")
    host = fake.host(tmp_path, docker := Server(redis=place))
    plan = swap.Plan(ONE, MARK, "", {"redis": str(place)})
    place.rename(plan.kept("redis"))  # and here it died
    docker.runs["redis"] = runs
    cut_off(host, phase, plan)

    work.settle(host)

    assert docker.calls[-2:] == ["stop redis 30", "start redis"]
    assert docker.runs["redis"]
    assert (place / "file").read_text() == "_data"
    assert not restore.journal(host.layout).exists()


def test_a_service_that_a_power_loss_spoiled_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, docker, plan = exchanged(tmp_path)
    docker.spoiled.add("redis")

    def compose(_: Host) -> None:
        docker.runs["redis"] = True

    monkeypatch.setattr(base, "_compose_up", compose)
    monkeypatch.setattr(base, "services", lambda *_: frozenset({"redis"}))

    work.settle(host)

    assert docker.runs["redis"]
    assert Path(plan.volumes["redis"], "file").read_text() == "_data"
    assert not restore.journal(host.layout).exists()
    assert "redis of the base: not there, and made anew" in fake.notes(host)


def test_the_host_settles_by_itself_what_would_be_left_while_nothing_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cooling, "_SYSTEMD", tmp_path)
    place = volume(tmp_path, "storage")
    host = fake.host(tmp_path, Server())
    plan = swap.Plan(ONE, MARK, "", {"storage": str(place)})
    said = cast("fake.Told", host.shell).said
    stopped: list[list[str]] = []
    monkeypatch.setattr(swap, "stop_roles", lambda *_, **__: stopped.append(said[-1]))

    restore.bring(host, plan, goal=None)
    [timer] = stopped
    assert timer[0] == "systemd-run"
    assert timer[-3:] == ["cool", "--app", "app"]
    assert any(word.startswith("--unit=hostwright-settle-app_") for word in timer)

    restore.close(host)
    assert said[-1] == ["systemctl", "stop", "hostwright-settle-app_*.timer"]


# --- a disk that is full -------------------------------------------------------------------------


@pytest.mark.parametrize("phase", PHASES)
def test_what_fills_the_disk_goes_before_a_service_is_started(tmp_path: Path, phase: str) -> None:
    host, docker, plan = exchanged(tmp_path, phase=phase)
    fetched = restore.work_place(host.layout)
    fetched.mkdir()
    docker.fills = [fetched, plan.incoming("redis")]

    work.settle(host)

    assert docker.runs["redis"]
    assert not restore.journal(host.layout).exists()


def test_while_a_service_of_it_cannot_be_started_the_next_command_tries_again(
    tmp_path: Path,
) -> None:
    """Closed, it would leave Redis stopped: no command starts what it does not know to be down."""
    host, docker, _ = exchanged(tmp_path)
    docker.fills = [tmp_path]  # something else

    with pytest.raises(EngineError, match="no space left"):
        work.settle(host)
    assert restore.journal(host.layout).exists()

    docker.fills = []
    work.settle(host)
    assert docker.runs["redis"]
    assert not restore.journal(host.layout).exists()


def test_what_docker_only_believes_to_run_after_a_full_disk_keeps_it_open(tmp_path: Path) -> None:
    """It could not write down that Redis has ended, nor start it: its list says that it runs."""
    host, docker, _ = exchanged(tmp_path)
    docker.fills, docker.believed = [tmp_path], {"redis"}

    with pytest.raises(EngineError, match="no space left"):
        work.settle(host)
    assert restore.journal(host.layout).exists()


def test_roles_that_a_full_disk_keeps_from_starting_are_started_by_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = volume(tmp_path, "storage")
    host = fake.host(tmp_path, Server())
    serving(host)
    plan = swap.Plan(ONE, MARK, "", {"storage": str(place)})
    swap.exchange(host, plan)
    cut_off(host, restore.SWAPPED, plan)
    full: list[bool] = [True]
    tried: list[str] = []

    def worker(*_: object) -> None:
        tried.append("worker")
        if full:
            raise EngineError(500, "mkdir /var/lib/docker: no space left on device")

    monkeypatch.setattr(reverting, "run_services", unwell)
    monkeypatch.setattr(reverting, "run_worker", worker)

    with pytest.raises(EngineError, match="no space left"):
        work.settle(host)
    assert restore.journal(host.layout).exists()

    full.clear()
    work.settle(host)
    assert tried == ["worker", "worker"]
    assert not restore.journal(host.layout).exists()


def test_what_fills_the_disk_goes_though_postgres_has_no_room_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = volume(tmp_path, "storage")
    host = fake.host(tmp_path, Server())
    plan = swap.Plan(ONE, MARK, "app", {"storage": str(place)})
    cut_off(host, restore.LOADED, plan)
    fetched = restore.work_place(host.layout)
    fetched.mkdir()
    seen: list[bool] = []

    def no_room(_: Host) -> NoReturn:
        seen.append(fetched.exists() or plan.incoming("storage").exists())
        raise RunnerError(Code.RESTORE, "Postgres does not take connections")

    monkeypatch.setattr(swap, "ready", no_room)

    work.settle(host)

    assert seen == [False]
    assert not restore.journal(host.layout).exists()
    assert "removing what was loaded: Postgres does not take connections" in fake.notes(host)


# --- a rollback with data, decided by who serves in the end --------------------------------------


@pytest.mark.parametrize("returned", [True, False])
def test_the_data_goes_with_who_serves_when_the_operation_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, returned: bool
) -> None:
    """Killed after the switch, and then the earlier release's worker may not get well any more."""
    place = volume(tmp_path, "storage")
    host = fake.host(tmp_path, Server())
    fake.unpacked(host, fake.OLD)
    fake.unpacked(host, fake.NEW)
    fake.serve(host, fake.OLD)  # it has switched back already
    plan = swap.Plan(ONE, MARK, "", {"storage": str(place)})
    swap.exchange(host, plan)
    cut_off(host, restore.SWAPPED, plan, goal=fake.OLD)
    journal.begin(
        host.layout.journal,
        op="rollback",
        release=fake.OLD,
        previous=fake.NEW,
        actor="me",
        warm=False,
    )
    at_reconcile: list[str] = []

    def reconcile(_: Host) -> None:
        at_reconcile.append((place / "file").read_text())
        if returned:
            fake.serve(host, fake.NEW)
        journal.end(host.layout.journal)

    monkeypatch.setattr(recovery, "reconcile", reconcile)
    monkeypatch.setattr(recovery, "whole", lambda _: None)
    monkeypatch.setattr(recovery, "stand", lambda _: None)

    operate.resume(host, "boot")

    assert at_reconcile == [f"incoming-{MARK}"]
    assert (place / "file").read_text() == ("_data" if returned else f"incoming-{MARK}")
    assert plan.kept("storage").exists() is not returned
    assert not restore.journal(host.layout).exists()


# --- a damaged manifest --------------------------------------------------------------------------


def damaged(tmp_path: Path) -> Host:
    host = fake.host(tmp_path, Server())
    serving(host)
    (host.layout.release(ONE).directory / "manifest.json").write_text("{")
    return host


def test_nothing_is_stopped_that_could_not_be_started_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = damaged(tmp_path)
    settings = cast("Settings", SimpleNamespace(repositories=(), repository=lambda _: None))
    way = way_back.WayBack(fake.OLD, ONE, (), 5, ())
    monkeypatch.setattr(way_back, "find", lambda *_: way)
    monkeypatch.setattr(restore, "fetch", unwell)

    anything = partial(restore.restore, host, settings, backup=None, repository=None)
    attempts: list[Callable[[], object]] = [
        partial(anything, beside=False),
        partial(point_in_time.go_back, host, settings, None, None, beside=False),
        partial(way_back.go, host, settings, "me", None),
    ]
    for attempt in attempts:
        with pytest.raises(RunnerError, match="manifest of the release that serves") as told:
            attempt()
        assert told.value.code == Code.PREFLIGHT
        assert told.value.where == f"releases/{ONE}/manifest.json"
    with pytest.raises(RunnerError, match="does not get well"):  # it stops nothing, and goes on
        anything(beside=True)


@pytest.mark.parametrize("bring_up", [recovery.whole, recovery.stand])
def test_the_containers_of_a_release_with_a_damaged_manifest_are_started(
    tmp_path: Path, bring_up: Callable[[Host], None]
) -> None:
    host = damaged(tmp_path)
    assert isinstance(host.engine, Server)
    names = {role: host.layout.container(ONE, role) for role in ("api", "worker", "migrate")}
    host.engine.known = dict.fromkeys(names.values(), False)

    bring_up(host)

    assert host.engine.known == {names["api"]: True, names["worker"]: True, names["migrate"]: False}
    assert "manifest is damaged" in fake.notes(host)


# --- which backup is the newest ------------------------------------------------------------------


def made(at: float) -> Snapshot:
    identity = make.identify("app", at)
    return Snapshot(identity, identity, "", ())


def test_the_newest_backup_is_not_one_that_a_wrong_clock_made() -> None:
    """Restored unseen, it would give up everything that was written since."""
    now = time.time()
    today, ahead = made(now), made(now + 86_400)

    with pytest.raises(RunnerError, match=r"ahead of this host's clock") as told:
        restore.choose([today, ahead], None, "away")

    assert told.value.code == Code.REQUEST
    assert f"{today.backup} is the last of the others" in told.value.remedy
    assert restore.choose([today, ahead], today.backup, "away") == today
    assert restore.choose([today, ahead], ahead.backup, "away") == ahead
    assert restore.choose([today, made(now + 60)], None, "away").backup > today.backup


@pytest.mark.parametrize(
    ("age", "said"), [(0, "0 minutes old"), (150, "2 minutes old"), (-7230, "120 minutes ahead")]
)
def test_an_age_is_said_by_a_clock_that_may_have_been_set_back(age: float, said: str) -> None:
    assert said in restore.old(time.time() - age - 0.5)


# --- room ----------------------------------------------------------------------------------------


def test_a_database_that_does_not_fit_is_refused_before_it_is_loaded() -> None:
    with pytest.raises(RunnerError, match="the restored data needs") as told:
        restore.demand_room({"postgres": {"size": 1 << 60}}, Code.RESTORE)
    assert told.value.code == Code.RESTORE
    restore.demand_room({"postgres": {"size": 1}}, Code.RESTORE)
    restore.demand_room({"postgres": None, "redis": None}, Code.RESTORE)


@pytest.mark.parametrize(
    ("record", "needed"),
    [
        ({"postgres": {"size": 1000}}, 2000),
        ({"postgres": {"size": 5 << 30}}, 6 << 30),  # the log has its limit
        ({"postgres": {"size": 1000}, "sizes": {"redis": 70}}, 2140),
    ],
)
def test_what_is_loaded_is_written_more_than_once(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], needed: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(room, "demand_disk", lambda size, *_: asked.append(size))
    restore.demand_room(record, Code.RESTORE)
    assert asked == [needed]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_files_that_are_copied_to_another_disk_need_room_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    stored = tmp_path / "files" / "volumes" / "storage"
    stored.mkdir(parents=True)
    (stored / "one").write_bytes(bytes(700))
    stage = tmp_path / "files" / "stage"
    stage.mkdir()
    record = {"id": ONE, "time": 5, "volumes": {"storage": "/volumes/storage"}}
    durable.write_json(stage / make.RECORD, record)
    place = volume(tmp_path, "storage")
    plan = swap.Plan(ONE, MARK, "", {"storage": str(place)})
    asked: list[tuple[int, Path]] = []
    monkeypatch.setattr(room, "demand_disk", lambda size, _by, _code, at: asked.append((size, at)))
    if elsewhere:
        plan = plan._replace(volumes={"storage": "/proc/self/_data"})

    restore.demand_room_for(restore.Fetched(tmp_path / "files"), plan)

    assert asked == ([(700, Path("/proc/self"))] if elsewhere else [])


@pytest.mark.parametrize("which", ["restore", "drill"])
@pytest.mark.parametrize("size", [1, 1 << 60])
def test_a_backup_that_does_not_fit_is_refused_before_any_of_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, size: int
) -> None:
    """A drill that filled the disk in the night would take the application with it."""
    host = fake.host(tmp_path)
    one = Repository("here", "local", "/var/backups/x")
    settings = cast("Settings", SimpleNamespace(key="k" * 40, repository=lambda _: one))
    came: list[str] = []

    def fetch(_: object, snapshot: str, target: Path) -> NoReturn:
        del target
        came.append(snapshot)
        raise RunnerError(Code.STORE, "and no more")

    snapshot = made(time.time())
    monkeypatch.setattr(Store, "open", lambda *_, **__: False)
    monkeypatch.setattr(Store, "snapshots", lambda _: [snapshot])
    monkeypatch.setattr(Store, "size", lambda *_: size)
    monkeypatch.setattr(Store, "fetch", fetch)

    attempts: dict[str, Callable[[], object]] = {
        "restore": partial(restore.fetch, host, settings, None, None),
        "drill": partial(drill.drill, host, settings, None),
    }

    with pytest.raises(RunnerError, match="and no more" if size == 1 else "of disk left") as told:
        attempts[which]()

    assert came == ([snapshot.id] if size == 1 else [])
    if size > 1:
        assert told.value.code == (Code.RESTORE if which == "restore" else Code.DRILL)


def test_the_server_is_asked_for_its_database(tmp_path: Path) -> None:
    """The stand-in above is one that the real look-up understands."""
    host = fake.host(tmp_path, Server(postgres=tmp_path))
    found = postgres.find(host)
    assert found is not None
    assert found.name == "app"
