"""Back to any moment on a real server: rows are written while Postgres, its log and stores die."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.errors import Busy, UserError
from hostwright.rig import Rig
from hostwright.rig.scene import HOST, Scene
from hostwright.rig.server import enter_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

pytestmark = [pytest.mark.server, pytest.mark.long]

PLACE = "/var/lib/hostwright/app/backup"
VOLUME = "/var/lib/docker/volumes/app_postgres"
LOST_SECONDS = 60


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"e2e-{os.getpid()}") as rig:
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


def kept(
    scene: Scene,
    endpoint: str = "",
    *,
    box: bool = True,
    **more: Any,  # noqa: ANN401 - YAML
) -> None:
    """Write hosts.yaml with moments kept: in a directory of the server, in a bucket, over SFTP."""
    store = scene.rig.s3
    bucket = {"endpoint": endpoint or store.endpoint, "bucket": store.bucket, "prefix": "moments"}
    places: dict[str, Any] = {"here": {"path": "/var/backups/shop"}, "away": {"s3": bucket}}
    if box:
        places["box"] = {"sftp": own_sftp(scene)}
    scene.write_hosts(
        backup={
            "key_file": str(scene.home / "backup.key"),
            "repositories": places,
            "point_in_time": {"enabled": True, **more},
        }
    )


def own_sftp(scene: Scene) -> dict[str, str]:
    """The server's own sshd: to restic it is a server like any other."""
    lines = (line.split() for line in scene.server.known_hosts.read_text().splitlines())
    return {
        "address": f"admin@{scene.server.address}",
        "path": "backups/moments",
        "identity_file": str(scene.server.key),
        "host_key": next(f"{w[1]} {w[2]}" for w in lines if w[1] == "ssh-ed25519"),
    }


def asked(scene: Scene, *words: str, code: int = 0) -> dict[str, Any]:
    """A command's JSON, or what it said where it is to fail with *code*.

    A backup that was begun by itself, because the log went on from no base, is waited for.
    """
    until = time.monotonic() + 120
    done = scene.invoke(words[0], "--host", HOST, *words[1:], "--json", check=False)
    while done.exit_code == Busy.exit_code and time.monotonic() < until:
        time.sleep(1)
        done = scene.invoke(words[0], "--host", HOST, *words[1:], "--json", check=False)
    assert done.exit_code == code, done.stderr
    assert scene.seen(done) == []
    found: dict[str, Any] = json.loads(done.stdout) if code == 0 else {"said": done.stderr}
    return found


def root(scene: Scene, *words: str, check: bool = True) -> Completed:
    return scene.server.exec(list(words), check=check)


def sql(scene: Scene, text: str, database: str = "app") -> str:
    words = ("docker", "exec", "app-postgres", "psql", "-XAtq", "-U", "app", "-d", database, "-c")
    return root(scene, *words, text).stdout.strip()


def now(scene: Scene) -> str:
    return sql(scene, "select clock_timestamp()")


def rows(scene: Scene, database: str = "app") -> list[str]:
    return sql(scene, "select id || ' ' || at from written order by id", database).splitlines()


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
        end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name ="
        here = scene.server.running
        if here and root(scene, "docker", "top", "app-postgres", check=False).exit_code == 0:
            sql(scene, f"{end} 'writer'")
    finally:
        writer.wait(60)


def state(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root(scene, "cat", f"{PLACE}/wal/state.json").stdout)
    return found


def brought_away(scene: Scene, seconds: float = 90) -> None:
    """Wait until each of the three repositories has what is written by now."""
    moment = float(sql(scene, "select extract(epoch from clock_timestamp())"))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        reached = state(scene).get("reached") or {}
        if len(reached) == 3 and min(reached.values()) >= moment:
            return
        time.sleep(0.5)
    raise AssertionError(state(scene))


def lose_the_volume(scene: Scene) -> None:
    root(scene, "docker", "kill", "app-postgres")
    root(scene, "sh", "-c", f"rm -rf {VOLUME}/_data && mkdir -m 700 {VOLUME}/_data")


def killed_at(scene: Scene, found: str, lock: str, *words: str) -> None:
    """Run a command, and kill who holds *lock* the moment that *found* (a shell test) holds."""
    script = (
        f"until {found}; do sleep 0.01; done; "
        f"kill -9 $(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' {lock})"
    )
    shot = subprocess.Popen(  # noqa: S603 - a list of words
        enter_command(scene.server.leader, ["timeout", "120", "sh", "-c", script])
    )
    done = scene.invoke(words[0], "--host", HOST, *words[1:], check=False)
    assert shot.wait(130) == 0
    assert done.exit_code != 0


def test_every_moment_before_and_after_a_restore_comes_back_row_for_row(scene: Scene) -> None:
    with writing(scene):
        time.sleep(4)
    early, early_rows = now(scene), rows(scene)
    assert len(early_rows) > 10
    with writing(scene):
        time.sleep(25)
        written = rows(scene)
        lost_at = float(sql(scene, "select extract(epoch from clock_timestamp())"))
        lose_the_volume(scene)

    # Without a moment: all but the last seconds.
    done = asked(scene, "vps.restore", "--to", "latest", "--yes")
    found = rows(scene)
    assert found == written[: len(found)] or written == found[: len(written)]
    assert lost_at - done["moment"] < LOST_SECONDS
    assert len(found) > len(early_rows)
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
    before = rows(scene)
    for moment in ("2020-01-01 00:00", "2099-01-01 00:00"):
        words = ("--to", moment, "--yes")
        said = asked(scene, "vps.restore", *words, code=UserError.exit_code)["said"]
        assert "cannot be reached: what can is 20" in said
    said = asked(scene, "vps.restore", "--to", "soon", "--yes", code=UserError.exit_code)["said"]
    assert "is no moment" in said
    assert rows(scene) == before
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
    killed_at(
        scene,
        f"grep -qs {phase} {PLACE}/restore.json",
        "/var/lib/hostwright/app/lock",
        *words,
    )
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
    sql(scene, "insert into written (at) values (clock_timestamp())")
    root(scene, "systemctl", "stop", "hostwright-wal@app.timer")
    time.sleep(3)
    script = f"""
sleep 1; touch /tmp/before
systemctl start --no-block hostwright-wal@app.service
until [ -n "$(find {PLACE}/wal/{found} -newer /tmp/before 2>/dev/null)" ]; do sleep 0.01; done
systemctl kill -s KILL hostwright-wal@app.service
"""
    sql(scene, "insert into written (at) values (clock_timestamp())")
    root(scene, "timeout", "60", "sh", "-c", script)
    root(scene, "systemctl", "start", "hostwright-wal@app.timer")

    brought_away(scene)

    moment, then = now(scene), rows(scene)
    done = asked(scene, "vps.restore", "--to", moment, "--beside")
    assert rows(scene, done["beside"]) == then
    sql(scene, f'drop database "{done["beside"]}"')


def test_a_log_that_cannot_be_brought_away_is_bounded_told_and_mended(scene: Scene) -> None:
    """The bucket is gone: Postgres keeps its log up to a bound, and the disk stays free."""
    asked(scene, "vps.backup")
    nowhere = f"http://{scene.server.address}:9"
    kept(scene, nowhere, unsent_mib=64, max_age_seconds=30)
    asked(scene, "vps.drill", "--repository", "here")
    for _ in range(8):
        sql(
            scene,
            "create table bulk as select repeat(md5(i::text), 8) from generate_series(1, 60000) i",
        )
        sql(scene, "drop table bulk; select pg_switch_wal()")
        sql(scene, "checkpoint")
    time.sleep(40)

    kept_mib = sql(scene, "select sum(size)::bigint >> 20 from pg_ls_waldir()")
    assert int(kept_mib) < 64 + 200
    root(scene, "systemctl", "start", "hostwright-watch@app.service")
    told = root(scene, "journalctl", "-u", "hostwright-watch@app", "--no-pager", "-q").stdout
    assert "has not reached" in told or "is not in away" in told

    kept(scene)
    asked(scene, "vps.backup")
    brought_away(scene)
    moment, then = now(scene), rows(scene)
    done = asked(scene, "vps.restore", "--to", moment, "--beside")
    assert rows(scene, done["beside"]) == then


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
    with writing(scene):
        time.sleep(25)
        written = rows(scene)
        lost_at = float(sql(scene, "select extract(epoch from clock_timestamp())"))
        scene.server.kill()
    scene.server = scene.rig.server()
    kept(scene, box=False)  # it was on the server that is lost
    scene.trust()

    asked(scene, "vps.recover")
    done = asked(scene, "vps.restore", "--to", "latest", "--yes")

    assert rows(scene)[: len(written)] == written[: len(rows(scene))]
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
