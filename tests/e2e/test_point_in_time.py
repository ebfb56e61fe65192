"""Back to any moment on a real server: rows are written while Postgres, its log and stores die."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e import on_server
from tests.e2e.on_server import (
    PLACE,
    checksum,
    databases,
    ear,
    killed_at,
    kinds_heard,
    own_sftp,
    root,
    serving_release,
    sql,
    until,
)

from hostwright.errors import UserError
from hostwright.rig import Rig
from hostwright.rig.scene import HOST, Scene
from hostwright.rig.server import enter_command

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.server, pytest.mark.long]

VOLUME = "/var/lib/docker/volumes/app_postgres"
#: What brings the log away; its timer starts it every few seconds.
WAL = "hostwright-wal@app.service"
LOST_SECONDS = 60


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"moments-{os.getpid()}") as rig:
        made = Scene.set_up(rig, versions=("1",))
        made.trust()
        kept(made)
        made.invoke("vps.backup-key", "--host", HOST)
        with made.env_file.open("a") as file:
            file.write(f'BACKUP_S3_ACCESS_KEY_ID="{rig.s3.key}"\n')
            file.write(f'BACKUP_S3_SECRET_ACCESS_KEY="{rig.s3.secret}"\n')
        made.invoke("vps.provision", "--host", HOST)
        made.invoke("vps.deploy", "--host", HOST, *made.version("1"))
        sql(made, "create table written (id bigserial primary key, at timestamptz not null)")
        asked(made, "vps.backup")
        yield made


@pytest.fixture(autouse=True)
def usual(scene: Scene) -> None:
    """Every test begins with the usual settings, whatever became of the one before."""
    kept(scene)


def kept(
    scene: Scene,
    endpoint: str = "",
    *,
    box: bool = True,
    alerts: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 - YAML
) -> None:
    """Write hosts.yaml with moments kept: in a directory of the server, in a bucket, over SFTP."""
    store = scene.rig.s3
    bucket = {"endpoint": endpoint or store.endpoint, "bucket": store.bucket, "prefix": "moments"}
    places: dict[str, Any] = {"here": {"path": "/var/backups/shop"}, "away": {"s3": bucket}}
    if box:
        places["box"] = {"sftp": own_sftp(scene, "backups/moments")}
    scene.write_hosts(
        backup={
            "key_file": str(scene.home / "backup.key"),
            "repositories": places,
            "alerts": alerts or {},
            "point_in_time": {"enabled": True, **more},
        }
    )


def asked(scene: Scene, *words: str, code: int = 0) -> dict[str, Any]:
    """The same; a backup that began by itself, as the log went on from no base, is waited for."""
    return on_server.asked(scene, *words, code=code, patience=120)


def now(scene: Scene) -> str:
    return sql(scene, "select clock_timestamp()")


def rows(scene: Scene, database: str = "app") -> list[str]:
    return sql(scene, "select id || ' ' || at from written order by id", database).splitlines()


def epoch(scene: Scene, of: str = "clock_timestamp()") -> float:
    return float(sql(scene, f"select extract(epoch from {of})"))  # noqa: S608 - our own words


@contextmanager
def writing(scene: Scene) -> Iterator[None]:
    """A row is written every tenth of a second meanwhile, each in a transaction of its own."""
    script = (
        "printf '%s\\n' 'insert into written (at) values (clock_timestamp()) \\watch 0.1' | "
        "timeout 300 docker exec -i -e PGAPPNAME=writer app-postgres psql -XAtq -U app -d app"
    )
    writer = subprocess.Popen(  # noqa: S603 - a list of words
        enter_command(scene.server.leader, ["sh", "-c", script]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if scene.server.running:
            end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name ="
            psql = ("docker", "exec", "app-postgres", "psql", "-XAtq", "-U", "app", "-c")
            root(scene, *psql, f"{end} 'writer'", check=False)
        try:
            writer.wait(60)
        except subprocess.TimeoutExpired:
            writer.kill()
            writer.wait()


@contextmanager
def no_timer(scene: Scene) -> Iterator[None]:
    """The log is not brought away meanwhile, unless a test does it."""
    root(scene, "systemctl", "stop", "hostwright-wal@app.timer")
    try:
        until(lambda: state_of(scene, WAL, "ActiveState") in {"inactive", "failed"})
        yield
    finally:
        root(scene, "systemctl", "start", "hostwright-wal@app.timer")


def state_of(scene: Scene, unit: str, name: str) -> str:
    return root(scene, "systemctl", "show", "-p", name, "--value", unit).stdout.strip()


def state(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root(scene, "cat", f"{PLACE}/wal/state.json").stdout)
    return found


def brought_away(scene: Scene, seconds: float = 90) -> None:
    """Wait until each of the three repositories has what is written by now."""
    moment = epoch(scene)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reached = state(scene).get("reached") or {}
        if len(reached) == 3 and min(reached.values()) >= moment:
            return
        time.sleep(0.5)
    raise AssertionError(state(scene))


def lose_the_volume(scene: Scene) -> None:
    root(scene, "docker", "kill", "app-postgres")
    root(scene, "sh", "-c", f"rm -rf {VOLUME}/_data && mkdir -m 700 {VOLUME}/_data")


def test_every_moment_before_and_after_a_restore_comes_back_row_for_row(scene: Scene) -> None:
    with writing(scene):
        time.sleep(4)
    early, early_rows = now(scene), rows(scene)
    assert len(early_rows) > 10
    with writing(scene):
        time.sleep(10)
        sure = rows(scene)
        brought_away(scene)
        time.sleep(10)
        written = rows(scene)
        lost_at = epoch(scene)
        lose_the_volume(scene)

    # Without a moment: all that was brought away, and so all but the last seconds.
    assert len(sure) > len(early_rows)
    done = asked(scene, "vps.restore", "--to", "latest", "--yes")
    found = rows(scene)
    assert found == written[: len(found)] or written == found[: len(written)]
    assert found[: len(sure)] == sure
    assert lost_at - done["moment"] < LOST_SECONDS
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"

    # After a restore there is a new timeline, and moments of it.
    with writing(scene):
        time.sleep(3)
    second, second_rows = now(scene), rows(scene)
    with writing(scene):
        time.sleep(3)
    asked(scene, "vps.restore", "--to", second, "--yes")
    assert rows(scene) == second_rows

    # And those of before are still there, on the timeline of then.
    done = asked(scene, "vps.restore", "--to", early, "--yes")
    assert rows(scene) == early_rows
    assert root(scene, "test", "-d", done["kept_files"][0]).exit_code == 0
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_a_moment_comes_beside_what_serves(scene: Scene) -> None:
    moment, then = now(scene), rows(scene)
    sql(scene, "insert into written (at) values (clock_timestamp())")

    done = asked(scene, "vps.restore", "--to", moment, "--beside")

    assert rows(scene, done["beside"]) == then
    assert len(rows(scene)) == len(then) + 1
    sql(scene, f'drop database "{done["beside"]}"')


@pytest.mark.parametrize("repository", ["here", "away", "box"])
def test_a_moment_comes_back_from_every_kind_of_repository(scene: Scene, repository: str) -> None:
    sql(scene, "insert into written (at) values (clock_timestamp())")
    moment, then = now(scene), rows(scene)
    brought_away(scene)

    words = ("--to", moment, "--beside", "--repository", repository)
    done = asked(scene, "vps.restore", *words)

    assert rows(scene, done["beside"]) == then
    sql(scene, f'drop database "{done["beside"]}"')


def test_a_moment_that_cannot_be_reached_is_refused_before_anything_is_touched(
    scene: Scene,
) -> None:
    before, serving, known = checksum(scene), serving_release(scene), databases(scene)
    for moment in ("2020-01-01 00:00", "2099-01-01 00:00"):
        words = ("--to", moment, "--yes")
        said = asked(scene, "vps.restore", *words, code=UserError.exit_code)["said"]
        assert "cannot be reached: what can is 20" in said
    said = asked(scene, "vps.restore", "--to", "soon", "--yes", code=UserError.exit_code)["said"]
    assert "is no moment" in said
    assert (checksum(scene), databases(scene)) == (before, known)
    assert (scene.serving(), serving_release(scene)) == ("1", serving)
    shown = scene.invoke("vps.backups", "--host", HOST).stdout
    assert "Moments: 20" in shown


def test_a_drill_replays_to_the_newest_moment(scene: Scene) -> None:
    sql(scene, "insert into written (at) values (clock_timestamp())")
    brought_away(scene)
    done = asked(scene, "vps.drill")
    assert done["outcome"] == "ok"
    assert done["point_in_time"]["data_age"] < LOST_SECONDS
    assert "scratch" not in root(scene, "docker", "ps", "-a").stdout


@pytest.mark.parametrize("phase", ["FETCHED", "LOADED", "SWAPPING", "SWAPPED"])
def test_a_restore_to_a_moment_that_is_killed_leaves_one_cluster(scene: Scene, phase: str) -> None:
    moment = now(scene)
    sql(scene, "insert into written (at) values (clock_timestamp())")
    today = rows(scene)

    words = ("vps.restore", "--to", moment, "--yes")
    killed_at(scene, f"grep -qs {phase} {PLACE}/restore.json", *words)
    asked(scene, "vps.backup")

    assert rows(scene) == today
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"
    assert root(scene, "test", "-e", f"{PLACE}/restore.json", check=False).exit_code == 1
    assert "scratch" not in root(scene, "docker", "ps", "-a").stdout
    assert "incoming" not in root(scene, "ls", VOLUME).stdout


@pytest.mark.parametrize("found", ["incoming", "chunk/0*", "state.json"])
def test_a_call_that_is_killed_while_it_brings_the_log_away_is_done_again(
    scene: Scene, found: str
) -> None:
    script = f"""
sleep 1; touch /tmp/before
systemctl start --no-block {WAL}
until [ -n "$(find {PLACE}/wal/{found} -newer /tmp/before 2>/dev/null)" ]; do sleep 0.01; done
systemctl kill -s KILL {WAL}
"""
    sql(scene, "insert into written (at) values (clock_timestamp())")
    with no_timer(scene):
        sql(scene, "insert into written (at) values (clock_timestamp())")
        root(scene, "timeout", "60", "sh", "-c", script)
        until(lambda: state_of(scene, WAL, "ActiveState") in {"inactive", "failed"})
        assert state_of(scene, WAL, "Result") == "signal"

    brought_away(scene)
    moment, then = now(scene), rows(scene)
    done = asked(scene, "vps.restore", "--to", moment, "--beside")
    assert rows(scene, done["beside"]) == then
    sql(scene, f'drop database "{done["beside"]}"')


def test_a_log_that_cannot_be_brought_away_is_bounded_told_and_mended(scene: Scene) -> None:
    """The bucket is gone: Postgres keeps its log up to a bound, and the disk stays free."""
    asked(scene, "vps.backup")
    brought_away(scene)
    watch = ("systemctl", "start", "hostwright-watch@app.service")
    root(scene, *watch)  # so that what begins now has not been told before
    nowhere = f"http://{scene.server.address}:9"
    kept(scene, nowhere, unsent_mib=64, max_age_seconds=30, alerts=ear(scene))
    asked(scene, "vps.drill", "--repository", "here")

    with no_timer(scene):
        more_log(scene, segments=2)
        root(scene, "systemctl", "start", WAL)
        assert 32 << 20 <= state(scene)["unsent"] < 64 << 20

        until(lambda: epoch(scene) - state(scene)["reached"]["away"] > 31)
        root(scene, *watch)
        assert {"log-stale", "log-unsent"} <= kinds_heard(scene)
        for _ in range(8):
            more_log(scene, segments=4)
            sql(scene, "checkpoint")

        slots = "select wal_status from pg_replication_slots where slot_name = 'hostwright'"
        assert sql(scene, slots) == "lost"
        kept_mib = int(sql(scene, "select sum(size)::bigint >> 20 from pg_ls_waldir()"))
        assert kept_mib < 64 + 200

    kept(scene)
    asked(scene, "vps.backup")
    brought_away(scene)
    moment, then = now(scene), rows(scene)
    done = asked(scene, "vps.restore", "--to", moment, "--beside")
    assert rows(scene, done["beside"]) == then


def more_log(scene: Scene, *, segments: int) -> None:
    """Let Postgres begin so many segments of its log, each of 16 MiB."""
    once = "perform pg_logical_emit_message(false, 'test', 'x'); perform pg_switch_wal();"
    sql(scene, f"do $$ begin for i in 1..{segments} loop {once} end loop; end $$")


def test_the_log_is_encrypted_and_nothing_secret_is_said(scene: Scene) -> None:
    sql(scene, "create table plain as select 'a-word-that-nobody-else-has' as text")
    brought_away(scene)
    found = root(scene, "grep", "-rlF", "a-word-that-nobody", "/var/backups/shop-wal", check=False)
    assert found.stdout == ""
    key = (scene.home / "backup.key").read_text().strip()
    assert key not in root(scene, "journalctl", "--no-pager", "-q").stdout
    holders = root(scene, "grep", "-rlF", "-e", key, "/var/lib/hostwright").stdout
    assert sorted(holders.split()) == [f"{PLACE}/run/key", f"{PLACE}/settings.json"]


def test_a_server_that_is_lost_loses_less_than_a_minute(scene: Scene) -> None:
    """A new one gets the last backup, then the log since; both from the bucket alone."""
    asked(scene, "vps.backup")
    based = rows(scene)
    with writing(scene):
        time.sleep(LOST_SECONDS + 35)
        written = rows(scene)
        lost_at = epoch(scene)
        scene.server.kill()
    scene.server = scene.rig.server()
    kept(scene, box=False)  # it was on the server that is lost
    scene.trust()

    asked(scene, "vps.recover")
    done = asked(scene, "vps.restore", "--to", "latest", "--yes")

    found = rows(scene)
    assert found == written[: len(found)] or written == found[: len(written)]
    assert len(found) > len(based)
    assert lost_at - epoch(scene, "(select max(at) from written)") < LOST_SECONDS
    assert lost_at - done["moment"] < LOST_SECONDS
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_without_the_setting_postgres_keeps_nothing_for_it(scene: Scene) -> None:
    kept(scene, box=False, enabled=False)
    scene.invoke("vps.provision", "--host", HOST)
    asked(scene, "vps.backup")

    assert sql(scene, "select count(*) from pg_replication_slots") == "0"
    assert root(scene, "test", "-e", f"{PLACE}/wal/chunk", check=False).exit_code == 1
    timers = root(scene, "systemctl", "list-timers", "--all", "--no-legend").stdout
    assert "hostwright-wal" not in timers
