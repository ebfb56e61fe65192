"""The runner on a real Docker engine with a real Caddy: deploys, rollbacks, faults and deaths."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.runner_host import ASK, BASE, PASSWORD, App, Engine, Release

from hostwright.rig import Rig
from hostwright.run import run
from hostwright.runner.phases import (
    BACKED_UP,
    COMMITTED,
    DRAINED,
    HEALTHY,
    MIGRATED,
    PHASES,
    PREPARED,
    PRUNED,
    STARTED,
    SWITCHED,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.server

#: Bounds, never measurements.
LONG = 60.0


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Rig(f"runner-{os.getpid()}") as rig:
        made = Engine(rig)
        made.start()
        made.images()
        (made.home / "state").mkdir()
        yield made


@pytest.fixture(scope="module")
def new_app(engine: Engine) -> Iterator[Callable[[], App]]:
    apps: list[App] = []

    def make() -> App:
        name = f"app{len(apps)}"
        apps.append(App(engine, name, engine.home / "state" / name))
        return apps[-1]

    yield make
    for app in apps:
        app.remove()


@pytest.fixture(scope="module")
def steady(new_app: Callable[[], App]) -> App:
    """An application with one release that serves; tests leave it as they found it."""
    app = new_app()
    assert app.deploy(Release("1")).done
    return app


@pytest.fixture
def app(new_app: Callable[[], App]) -> Iterator[App]:
    made = new_app()
    assert made.deploy(Release("1")).done
    yield made
    made.remove()


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def roles(release: str, *names: str) -> set[str]:
    return {f"{release}-{name}" for name in names}


def assert_whole(app: App, version: str) -> None:
    """The release of a version serves, its worker alone takes jobs, and no work is left open."""
    serving = app.serving
    assert serving is not None
    assert app.answers() == {version}
    running = app.running()
    assert roles(serving, "api", "web", "worker") <= running
    assert [name for name in running if name.endswith("worker")] == [f"{serving}-worker"]
    assert not (app.root / "journal.json").exists()
    assert_jobs_taken(app, version)
    assert_jobs_in_turn(app)


def assert_jobs_taken(app: App, version: str) -> None:
    """The worker of a version takes jobs now; by the third, any other had its turn as well."""
    before = len(app.shared("jobs"))
    until(lambda: app.shared("jobs")[before:].count(f" job {version}\n") > 2)


def assert_jobs_in_turn(app: App) -> None:
    """Two versions never took jobs: whoever works is who began last, and the old one had ended."""
    current = None
    for line in app.shared("jobs").splitlines():
        _, verb, version = line.split()
        if verb == "start":
            current = version
        elif verb in {"job", "end"}:
            assert version == current


def two_versions(app: App) -> tuple[str, str]:
    """The version that serves, and another one."""
    [serving] = app.answers()
    return serving, "2" if serving == "1" else "1"


# --- a release serves -----------------------------------------------------------------------------


def test_the_first_deploy_brings_the_base_up_migrates_and_serves(
    new_app: Callable[[], App],
) -> None:
    app = new_app()

    outcome = app.deploy(Release("1"))

    assert outcome.phases == list(PHASES)
    assert outcome.last["serving"] == outcome.release == app.serving
    assert app.answers() == {"1"}
    assert app.shared("database") == "1"
    assert "no backup is configured" in outcome.notes
    assert_whole(app, "1")
    secret = app.root / "base" / "secrets" / "postgres_password"
    stat = secret.stat()
    assert (stat.st_uid, stat.st_gid, stat.st_mode & 0o777) == (999, 999, 0o400)
    env = app.root / "releases" / outcome.release / "env" / "api.env"
    assert (env.stat().st_uid, env.stat().st_mode & 0o777) == (0, 0o600)


def test_a_deploy_and_its_rollback_lose_no_request(app: App) -> None:
    first = app.serving

    with app.load() as load:
        second = app.deploy(Release("2", env={"BOOT": "0.3"}))
        back = app.rollback()
        time.sleep(0.3)

    assert second.done
    assert back.done
    assert load.failed == []
    assert {version for count in load.counts for version in count["versions"]} == {"1", "2"}
    assert app.serving == first
    assert app.state(second.release)["withdrawn"]
    assert roles(second.release, "api", "web") <= app.running()  # warm, to go forward again
    assert_whole(app, "1")


def test_every_value_arrives_as_it_was_written(app: App) -> None:
    text = app.engine.docker("inspect", f"{app.name}-{app.serving}-api")

    env = dict(pair.split("=", 1) for pair in json.loads(text)[0]["Config"]["Env"])

    assert env["ODD"] == app.env_of(Release())["ODD"]


def test_a_migration_runs_once_and_before_the_new_roles_start(app: App) -> None:
    outcome = app.deploy(Release("2", env={"HEAD": "3"}))

    assert outcome.last["migration"] == {
        "before": 1,
        "after": 3,
        "applied": ["2", "3"],
        "irreversible": [],
    }
    lines = [line.split(maxsplit=1)[1] for line in app.shared("jobs").splitlines()]
    assert lines.count("migrate 3") == 1
    assert lines.index("migrate 3") < lines.index("start 2")


def test_workers_that_overlap_start_before_the_switch_and_the_old_one_ends_after_it(
    app: App,
) -> None:
    first = app.serving

    outcome = app.deploy(Release("2", handover="overlap"))

    assert outcome.done
    lines = [line.split(maxsplit=1)[1] for line in app.shared("jobs").splitlines()]
    assert lines.index("start 2") < lines.index("end 1")
    assert f"{first}-worker" not in app.running()


def test_the_base_is_touched_only_when_it_differs(app: App) -> None:
    def started(service: str) -> str:
        name = f"{app.name}-{service}"
        return app.engine.docker("inspect", "--format", "{{.State.StartedAt}}", name)

    before = started("postgres"), started("caddy")
    assert "base project" not in app.deploy(Release("2")).notes
    assert (started("postgres"), started("caddy")) == before

    changed = app.deploy(Release("3", base="2"))
    assert "the base project was changed" in changed.notes
    assert started("postgres") != before[0]
    assert started("caddy") == before[1]

    back = app.rollback()
    assert "a rollback does not change it" in back.notes


def test_a_new_caddyfile_is_validated_then_taken_before_the_switch_and_goes_back_with_it(
    app: App,
) -> None:
    def header() -> str:
        code = ASK.replace(".read().decode()", ".headers['X-New']")
        return run(app.engine.inside("python3", "-c", code, app.addresses()[0])).stdout.strip()

    outcome = app.deploy(Release("2", extra="header X-New yes"))
    assert "the switch will reload it" in outcome.notes
    assert header() == "yes"

    assert app.rollback().done
    assert header() == "None"


def test_the_warm_release_ends_when_its_time_is_over(app: App) -> None:
    first = str(app.serving)
    second = app.deploy(Release("2", warm_seconds=1))
    assert second.done

    until(lambda: not (roles(first, "api", "web") & app.existing()))

    assert app.state(first)["warm_until"] is None
    assert_whole(app, "2")


def test_a_request_that_does_not_end_keeps_the_old_release_up_to_its_bound_only(app: App) -> None:
    first = str(app.serving)

    with app.endless_request():
        outcome = app.deploy(Release("2", warm_seconds=0))

    assert outcome.done
    assert "1 requests were still open after 4 s" in outcome.notes
    assert not [name for name in app.existing() if name.startswith(first)]
    assert_whole(app, "2")


def test_a_cold_release_comes_back_with_its_own_environment(app: App) -> None:
    first = app.serving
    assert app.deploy(Release("2", warm_seconds=0, env={"EXTRA": "of-the-second"})).done
    assert not [name for name in app.existing() if name.startswith(str(first))]

    outcome = app.rollback()

    assert outcome.done
    assert app.serving == first
    assert app.answers() == {"1"}
    text = app.engine.docker("inspect", f"{app.name}-{first}-web")
    assert "EXTRA" not in text
    assert_whole(app, "1")


def test_old_releases_go_and_their_images_with_them(app: App) -> None:
    app.engine.docker("tag", f"{BASE}:1", f"{BASE}:{app.name}")
    gone = app.deploy(Release(app.name, warm_seconds=0)).release
    for version in ("1", "2", "3"):
        assert app.deploy(Release(version, warm_seconds=0)).done

    releases = {path.name for path in (app.root / "releases").iterdir()}

    assert gone not in releases
    assert len(releases) == 3
    assert f"{BASE}:{app.name}" not in app.engine.docker(
        "images", "--format", "{{.Repository}}:{{.Tag}}"
    )
    assert not (app.root / "live" / gone).exists()
    assert (app.root / "live" / str(app.serving)).is_dir()


# --- a release fails ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "seconds", "phase", "words"),
    [
        ("unready", 3, HEALTHY, "GET /ready answered 503"),
        ("crash", 40, HEALTHY, "was restarted"),
        ("worker", 3, HEALTHY, "its health command ended with 1"),
        ("status", 3, MIGRATED, "the migration status ended with exit code 3"),
        ("migrate", 3, MIGRATED, "the migration ended with exit code 4"),
    ],
)
def test_a_release_that_fails_leaves_traffic_untouched(
    steady: App, fault: str, seconds: int, phase: str, words: str
) -> None:
    serving = steady.serving
    head = "2" if fault == "migrate" else "1"

    with steady.load() as load:
        outcome = steady.deploy(
            Release(
                "2",
                env={"FAULT": fault, "HEAD": head},
                start_seconds=seconds,
                turn="before-switch",
            )
        )

    assert outcome.last["event"] == "failed"
    assert (outcome.last["phase"], outcome.last["code"]) == (phase, 18)
    assert words in outcome.last["what"]
    assert outcome.last["serving"] == serving == steady.serving
    assert load.failed == []
    assert {version for count in load.counts for version in count["versions"]} == {"1"}
    assert not [name for name in steady.existing() if name.startswith(outcome.release)]
    assert steady.state(outcome.release)["outcome"] == "failed"
    assert steady.shared("database") == "1"
    assert_whole(steady, "1")


@pytest.mark.parametrize("fault", ["crash", "migrate"])
def test_the_last_lines_of_the_role_that_failed_are_shown_without_any_secret(
    steady: App, fault: str
) -> None:
    env = {"FAULT": fault, "HEAD": "2" if fault == "migrate" else "1"}

    outcome = steady.deploy(Release("2", env=env, start_seconds=3))

    assert any("***" in line for line in outcome.last["log"])
    release = f"releases/{outcome.release}"
    for name in ("audit.jsonl", "lock", f"{release}/events.jsonl", f"{release}/runner.log"):
        assert PASSWORD not in (steady.root / name).read_text(errors="replace")
    assert PASSWORD not in json.dumps(outcome.events)


def test_a_caddyfile_that_does_not_parse_is_refused_and_the_live_one_stays(steady: App) -> None:
    live = (steady.root / "caddy" / "Caddyfile").read_bytes()

    outcome = steady.deploy(Release("2", extra="no_such_directive"))

    assert outcome.last["phase"] == PREPARED
    assert any("no_such_directive" in line for line in outcome.last["log"])
    assert (steady.root / "caddy" / "Caddyfile").read_bytes() == live
    assert_whole(steady, "1")


def test_an_environment_that_is_not_the_declared_one_is_refused(steady: App) -> None:
    declared = {"api": {"PASSWORD": "0" * 16, "MISSING": "0" * 16}}

    outcome = steady.deploy(Release("2", manifest={"env": declared}))

    assert outcome.last["phase"] == HEALTHY
    for words in ("MISSING is missing", "PASSWORD has another value", "ODD is not declared"):
        assert words in outcome.last["what"]
    assert_whole(steady, "1")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"architecture": "arm64"}, "this machine is amd64"),
        ({"disk_bytes": 1 << 49}, "MiB of disk left"),
        ({"memory_bytes": 1 << 49}, "MiB of memory left"),
    ],
)
def test_what_the_host_cannot_take_is_refused_before_anything_is_touched(
    steady: App, changed: dict[str, Any], words: str
) -> None:
    outcome = steady.deploy(Release("2", manifest=changed))

    assert (outcome.last["phase"], outcome.last["code"]) == (PREPARED, 15)
    assert words in outcome.last["what"]
    assert_whole(steady, "1")


def test_an_image_that_is_not_on_the_host_is_named(steady: App) -> None:
    images = {"api": {"ref": "hostwright/none:1", "id": None, "pull": False}}

    outcome = steady.deploy(Release("2", manifest={"images": images}))

    assert outcome.last["code"] == 15
    assert outcome.last["where"] == "api: hostwright/none:1"


def test_a_first_deploy_that_fails_serves_nothing_and_can_be_tried_again(
    new_app: Callable[[], App],
) -> None:
    app = new_app()

    failed = app.deploy(Release("1", env={"FAULT": "unready"}, start_seconds=1))

    assert failed.last["serving"] is None
    assert app.serving is None
    assert app.existing() == set()
    assert app.deploy(Release("1")).done
    assert_whole(app, "1")


def test_a_first_deploy_whose_caddyfile_is_broken_can_be_mended_by_the_next(
    new_app: Callable[[], App],
) -> None:
    app = new_app()

    failed = app.deploy(Release("1", extra="no_such_directive"))
    assert failed.last["phase"] == PREPARED
    assert any("no_such_directive" in line for line in failed.last["log"])

    assert app.deploy(Release("1")).done
    assert_whole(app, "1")


def test_a_worker_that_fails_after_the_switch_brings_the_whole_release_back(app: App) -> None:
    first = app.serving

    with app.load() as load:
        outcome = app.deploy(Release("2", env={"FAULT": "worker"}, start_seconds=2))

    assert outcome.last["phase"] == DRAINED
    assert "its health command ended with 1" in outcome.last["what"]
    assert load.failed == []
    assert app.serving == first
    assert not [name for name in app.existing() if name.startswith(outcome.release)]
    assert_whole(app, "1")


def test_a_release_that_cannot_be_taken_back_does_not_keep_the_next_one_out(app: App) -> None:
    tag = f"{BASE}:{app.name}-lost"
    app.engine.docker("tag", f"{BASE}:1", tag)
    lost = app.deploy(Release(f"{app.name}-lost")).release
    app.engine.docker("rm", "--force", f"{app.name}-{lost}-api")
    app.engine.docker("rmi", tag)  # its api cannot be made again

    failed = app.deploy(Release("2", env={"FAULT": "worker"}, start_seconds=2))
    assert (failed.last["phase"], app.serving) == (DRAINED, failed.release)
    assert "taking it back failed as well" in failed.notes

    outcome = app.deploy(Release("3"))

    assert [e["action"] for e in outcome.events if e["event"] == "reconciled"] == ["left"]
    assert outcome.done
    assert app.state(failed.release)["outcome"] == "failed"
    assert not [name for name in app.existing() if name.startswith(lost)]
    assert_whole(app, "3")


def lose(app: App, release: str, what: str) -> None:
    """Lose something of a release that only a person or a broken disk takes away."""
    directory = app.root / "releases" / release
    if what == "its directory":
        shutil.rmtree(directory)
    elif what == "its manifest":
        (directory / "manifest.json").unlink()
    else:
        os.truncate(directory / "manifest.json", 100)


@pytest.mark.parametrize("lost", ["half its manifest", "its manifest", "its directory"])
def test_a_release_that_cannot_be_read_gets_its_worker_back_from_one_that_failed(
    app: App, lost: str
) -> None:
    first = str(app.serving)
    lose(app, first, lost)

    with app.load() as load:
        outcome = app.deploy(
            Release("2", env={"FAULT": "worker"}, start_seconds=2, turn="before-switch")
        )

    assert outcome.last["phase"] == HEALTHY
    assert f"{first}-worker" in app.running()
    assert load.failed == []
    assert outcome.last["serving"] == first == app.serving
    assert not [name for name in app.existing() if name.startswith(outcome.release)]
    assert_whole(app, "1")


def test_what_fails_after_the_switch_serves_on_where_what_was_before_cannot_be_read(
    app: App,
) -> None:
    first = str(app.serving)
    lose(app, first, "its manifest")

    failed = app.deploy(Release("2", env={"FAULT": "worker"}, start_seconds=2))

    assert failed.last["phase"] == DRAINED
    assert "there is no release to go back to: this one goes on serving" in failed.notes
    assert app.serving == failed.release
    assert app.answers() == {"2"}

    assert app.deploy(Release("3")).done
    assert not [name for name in app.running() if name.startswith(first)]
    assert_whole(app, "3")


def test_a_live_link_that_dangles_is_mended_by_the_next_deploy(app: App) -> None:
    first = str(app.serving)
    shutil.rmtree(app.root / "live" / first)

    assert app.deploy(Release("2")).done

    assert app.state(first)["warm_until"] is not None
    assert_whole(app, "2")


def test_a_live_link_that_is_gone_is_made_by_the_next_deploy(app: App) -> None:
    first = str(app.serving)
    (app.root / "live" / "current").unlink()

    assert app.deploy(Release("2")).done

    assert app.state(first)["warm_until"] is not None
    assert_whole(app, "2")


def test_a_warm_release_whose_worker_is_gone_does_not_stay(app: App) -> None:
    first = str(app.serving)
    second = app.deploy(Release("2")).release
    app.engine.docker("rm", "--force", f"{app.name}-{first}-worker")

    outcome = app.rollback()  # warm, but its worker is gone: it cannot start

    assert outcome.last["phase"] == DRAINED
    assert "switched back" in outcome.notes
    assert app.serving == second
    assert_whole(app, "2")


def test_a_rollback_over_an_irreversible_migration_is_refused_with_its_name(app: App) -> None:
    second = app.deploy(Release("2", env={"HEAD": "2", "IRREVERSIBLE": "2"})).release

    outcome = app.rollback()

    assert outcome.last["code"] == 15
    assert "irreversible: 2" in outcome.last["what"]
    assert app.serving == second


@pytest.mark.parametrize(
    ("to", "code"), [("20250101t000000z-0000000", 2), ("../../etc", 2), (None, 15)]
)
def test_a_rollback_to_what_is_not_there_is_refused(steady: App, to: str | None, code: int) -> None:
    outcome = steady.rollback(to)

    assert outcome.last["event"] == "failed"
    assert outcome.last["code"] == code
    assert_whole(steady, "1")


def test_a_release_that_was_changed_on_the_host_is_not_rolled_back_to(app: App) -> None:
    first = str(app.serving)
    second = app.deploy(Release("2", warm_seconds=0)).release
    with (app.root / "releases" / first / "compose.yaml").open("a") as file:
        file.write("\n")

    outcome = app.rollback()

    assert "not what its manifest says" in outcome.last["what"]
    assert outcome.last["where"] == f"releases/{first}/compose.yaml"
    assert app.serving == second
    assert_whole(app, "2")


# --- the runner dies ------------------------------------------------------------------------------

#: Where the runner is killed, and which release the next command leaves serving.
DEATHS = [
    ("after", PREPARED, "old"),
    ("after", BACKED_UP, "old"),
    ("after", MIGRATED, "old"),
    ("after", STARTED, "old"),
    ("after", HEALTHY, "old"),
    ("before", SWITCHED, "new"),
    ("after", SWITCHED, "new"),
    ("after", DRAINED, "new"),
    ("after", COMMITTED, "new"),
    ("after", PRUNED, "new"),
]


@pytest.fixture(scope="module")
def mortal(new_app: Callable[[], App]) -> App:
    app = new_app()
    assert app.deploy(Release("1")).done
    return app


@pytest.mark.parametrize(("when", "phase", "serves"), DEATHS)
def test_a_killed_runner_is_settled_by_the_next_command_and_no_request_is_lost(
    mortal: App, when: str, phase: str, serves: str
) -> None:
    old = mortal.serving
    before, version = two_versions(mortal)
    identity, content = mortal.bundle(Release(version))

    with mortal.load() as load:
        with mortal.open(killed_at=f"{when}:{phase}") as session:
            session.deploy(content)
            died = session.until_end()[-1]
        between = mortal.serving
        settled = mortal.resume()

    assert "died in the middle" in died["what"]
    assert settled.done
    assert load.failed == []
    assert mortal.serving == (identity if serves == "new" else old)
    assert between == mortal.serving
    assert_whole(mortal, version if serves == "new" else before)


@pytest.mark.parametrize(("turn", "serves"), [("before-switch", "old"), ("after-switch", "new")])
def test_a_runner_killed_between_two_workers_leaves_one_that_works(
    mortal: App, turn: str, serves: str
) -> None:
    old = mortal.serving
    before, version = two_versions(mortal)

    with mortal.load() as load:
        assert mortal.deploy(Release(version, turn=turn), killed_at="worker:stopped").died
        assert not [name for name in mortal.running() if name.endswith("worker")]
        assert mortal.resume().done

    assert load.failed == []
    assert (mortal.serving == old) == (serves == "old")
    assert_whole(mortal, version if serves == "new" else before)


def test_the_next_deploy_settles_a_dead_one_by_itself(mortal: App) -> None:
    assert mortal.deploy(Release("2"), killed_at=f"after:{STARTED}").died
    with mortal.open() as session:
        assert session.hello["pending"]["phase"] == STARTED

    outcome = mortal.deploy(Release("3"))

    assert [e["action"] for e in outcome.events if e["event"] == "reconciled"] == ["reverted"]
    assert outcome.done
    assert mortal.answers() == {"3"}
    assert_whole(mortal, "3")


def test_a_runner_killed_while_it_takes_a_failed_release_back_is_settled_as_well(
    mortal: App,
) -> None:
    serving = mortal.serving
    before, version = two_versions(mortal)
    unready = Release(version, env={"FAULT": "unready"}, start_seconds=1)

    assert mortal.deploy(unready, killed_at="reverting:").died
    settled = mortal.resume()

    assert settled.done
    assert mortal.serving == serving
    assert_whole(mortal, before)


def test_a_migration_outlives_its_runner_and_the_next_command_waits_for_it(app: App) -> None:
    identity, content = app.bundle(Release("2", env={"HEAD": "2", "MIGRATION_SECONDS": "2"}))
    with app.open() as session:
        session.deploy(content)
        pid = session.read()["pid"]
        until(lambda: f"{identity}-migrate" in app.running())
        os.kill(pid, signal.SIGKILL)
        session.until_end()

    outcome = app.resume()

    assert "waiting for its end" in outcome.notes
    assert app.shared("database") == "2"
    assert app.shared("jobs").count("migrate 2") == 1
    assert_whole(app, "1")


def test_a_rollback_that_dies_after_its_switch_is_carried_on(app: App) -> None:
    first = app.serving
    assert app.deploy(Release("2")).done

    assert app.rollback(killed_at=f"after:{SWITCHED}").died
    assert app.resume().done

    assert app.serving == first
    assert_whole(app, "1")


def test_a_journal_that_cannot_be_read_is_kept_and_what_serves_goes_on(app: App) -> None:
    serving = app.serving
    (app.root / "journal.json").write_text('{"op": "depl')
    app.engine.docker("stop", f"{app.name}-{serving}-worker")

    outcome = app.resume()

    assert outcome.done
    assert "cannot be read" in outcome.notes
    assert [path for path in app.root.iterdir() if path.name.startswith("journal.json.unreadable")]
    assert app.serving == serving
    assert_whole(app, "1")


# --- sessions -------------------------------------------------------------------------------------


def test_a_second_command_is_told_who_is_at_work_and_since_when(steady: App) -> None:
    waiting = Release("2", env={"FAULT": "unready"}, start_seconds=300)
    identity, content = steady.bundle(waiting)
    with steady.open() as first:
        first.deploy(content)
        first.until(STARTED)
        with steady.open() as second:
            assert second.hello["busy"]["actor"] == "test"
            second.deploy(steady.bundle(Release("3"))[1])
            refused = second.until_end()[-1]
        steady.engine.docker("rm", "--force", f"{steady.name}-{identity}-api")
        ended = first.until_end()[-1]  # there is nothing left that it could wait for

    assert refused["code"] == 16
    assert "test has been running deploy since 20" in refused["what"]
    assert "its container is gone" in ended["what"]
    assert_whole(steady, "1")


def test_work_goes_on_when_the_session_is_lost_and_can_be_followed_again(app: App) -> None:
    identity, content = app.bundle(Release("2", env={"BOOT": "1"}))
    session = app.open()
    session.deploy(content)
    session.until(MIGRATED)
    session.cut()

    with app.open() as again:
        again.send({"do": "follow", "release": identity, "from": 3})
        events = again.until_end()

    assert events[0]["n"] == 4
    assert events[-1]["event"] == "done"
    assert app.serving == identity
    assert_whole(app, "2")


def test_an_upload_that_breaks_off_leaves_nothing_and_no_lock(steady: App) -> None:
    identity, content = steady.bundle(Release("2"))
    session = steady.open()
    session.send({"do": "deploy", "bytes": len(content), "actor": "test"}, content[:1000])
    session.cut()

    with steady.open() as again:
        assert again.hello["busy"] is None
    assert not (steady.root / "releases" / identity).exists()


def test_images_arrive_over_the_session_and_a_deploy_can_follow_in_the_same_breath(
    app: App,
) -> None:
    engine, tag = app.engine, f"{BASE}:{app.name}"
    engine.docker("tag", f"{BASE}:2", tag)
    release = Release(app.name)
    _, bundle = app.bundle(release)
    archive = engine.home / "saved.tar"
    engine.docker("save", "--output", archive, tag)
    saved = archive.read_bytes()
    engine.docker("rmi", tag)

    with app.open() as session:
        assert tag not in session.hello["images"]
        session.send({"do": "images", "bytes": len(saved)}, saved)
        session.deploy(bundle)
        loaded = session.read()
        events = session.until_end()

    assert loaded == {"event": "images", "images": {tag: engine.image_id(tag)}}
    assert events[-1]["event"] == "done"
    assert app.answers() == {"2"}


def test_after_a_refused_upload_the_deploy_sent_with_it_is_refused_too(steady: App) -> None:
    _, bundle = steady.bundle(Release("2"))
    with steady.open() as session:
        session.send({"do": "images", "bytes": 5}, b"junk!")
        session.deploy(bundle)
        answers = session.until_end(), session.until_end()
        session.send({"do": "status"})
        status = session.read()

    assert [answer[-1]["event"] for answer in answers] == ["failed", "failed"]
    assert status["serving"] == steady.serving
    assert {c["service"] for c in status["containers"]} >= {"caddy", "postgres"}


def test_every_command_is_in_the_audit_log(steady: App) -> None:
    steady.rollback()

    lines = [json.loads(line) for line in (steady.root / "audit.jsonl").read_text().splitlines()]

    assert (lines[0]["op"], lines[0]["outcome"], lines[0]["actor"]) == ("deploy", "done", "test")
    assert (lines[-1]["op"], lines[-1]["outcome"]) == ("rollback", "failed")
