"""Backups on a real server: made, listed, proven, restored; and everything that can go wrong."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.e2e.on_server import (
    APP,
    PLACE,
    TOLD,
    asked,
    beside,
    checksum,
    databases,
    ear,
    heard,
    killed_at,
    kinds_heard,
    own_sftp,
    root,
    serving_release,
    sql,
    until,
)

from hostwright.errors import (
    BackupFailed,
    DrillFailed,
    PreflightError,
    RestoreFailed,
    StoreUnusable,
    UserError,
    WrongKey,
)
from hostwright.rig import Rig
from hostwright.rig.images import Probe
from hostwright.rig.scene import HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.server

DATA = "/var/lib/docker/volumes"
#: The migration of version 3 has no way back.
VERSIONS = ("1", Probe("2", migrations=1), Probe("3", migrations=2))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"backups-{os.getpid()}") as rig:
        made = Scene.set_up(rig, versions=VERSIONS)  # type: ignore[arg-type]
        made.trust()
        backed_up(made)
        made.invoke("vps.backup-key", "--host", HOST)
        with made.env_file.open("a") as file:
            file.write(f'BACKUP_S3_ACCESS_KEY_ID="{rig.s3.key}"\n')
            file.write(f'BACKUP_S3_SECRET_ACCESS_KEY="{rig.s3.secret}"\n')
        made.invoke("vps.provision", "--host", HOST)
        made.invoke("vps.deploy", "--host", HOST, *made.version("1"))
        yield made


@pytest.fixture(autouse=True)
def usual(scene: Scene) -> None:
    """Every test begins with the usual repositories, whatever became of the one before."""
    backed_up(scene)


def away(scene: Scene, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
    store = scene.rig.s3
    return {"s3": {"endpoint": store.endpoint, "bucket": store.bucket, "prefix": "shop", **more}}


def backed_up(scene: Scene, repositories: dict[str, Any] | None = None, **more: Any) -> None:  # noqa: ANN401 - YAML
    """Write hosts.yaml with backups."""
    places = repositories or {
        "here": {"path": "/var/backups/shop"},
        "away": away(scene),
        "box": {"sftp": own_sftp(scene, "backups/shop")},
    }
    key = str(scene.home / "backup.key")
    given = {"key_file": key, "repositories": places, "schedule": "03:15", **more}
    scene.write_hosts(backup=given)


def keys(scene: Scene, *words: str) -> str:
    script = 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli --no-auth-warning "$@"'
    argv = ("docker", "exec", "app-redis", "sh", "-c", f"export REDISCLI_AUTH; {script}", "sh")
    return root(scene, *argv, *words).stdout.strip()


def no_scratch(scene: Scene) -> bool:
    """Nothing of a container that lives for one restore or drill is on the server."""
    return "scratch" not in root(scene, "docker", "ps", "-a").stdout


def test_a_backup_is_in_every_repository_and_is_listed(scene: Scene) -> None:
    scene.do_job()

    made = asked(scene, "vps.backup")

    assert set(made["stored"]) == {"here", "away", "box"}
    assert made["postgres"]["rows"] == {"items": 1}
    listed = asked(scene, "vps.backups")
    assert [entry["id"] for entry in listed["backups"]] == [made["id"]]


def test_nothing_that_is_written_down_holds_the_key(scene: Scene) -> None:
    key = (scene.home / "backup.key").read_text().strip()
    secret = scene.rig.s3.secret
    holders = root(scene, "grep", "-rlF", "-e", key, "-e", secret, "/var/lib/hostwright").stdout
    assert sorted(holders.split()) == [f"{PLACE}/run/key", f"{PLACE}/settings.json"]
    modes = root(scene, "stat", "-c", "%a %U", PLACE, f"{PLACE}/settings.json").stdout
    assert modes.split() == ["700", "root", "600", "root"]
    assert key not in root(scene, "journalctl", "--no-pager", "-q").stdout


def test_timers_are_set_and_their_units_work(scene: Scene) -> None:
    timers = root(scene, "systemctl", "list-timers", "--all", "--no-legend").stdout
    for kind in ("backup", "drill", "watch"):
        assert f"hostwright-{kind}@app.timer" in timers
    root(scene, "systemctl", "start", "hostwright-backup@app.service")
    last = asked(scene, "vps.backups")["backups"][-1]
    assert (last["reason"], last["outcome"]) == ("timer", "ok")
    again = json.loads(scene.invoke("vps.provision", "--host", HOST, "--json").stdout)
    assert again["changes"] == []


def test_a_drill_restores_the_newest_backup_and_says_how_long_it_took(scene: Scene) -> None:
    scene.do_job()
    count = int(sql(scene, "select count(*) from items"))
    made = asked(scene, "vps.backup")
    scene.do_job()

    for name in ("away", "here", "box"):
        done = asked(scene, "vps.drill", "--repository", name)
        assert (done["outcome"], done["backup"]) == ("ok", made["id"])
        assert done["rows"] == {"items": count}
        assert 0 <= done["data_age"] < 600
        assert done["seconds"] > 0
        assert asked(scene, "vps.backups")["drills"][-1].items() <= done.items()
    assert no_scratch(scene)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"fingerprint": "', '"fingerprint": "0', "its schema is another one"),
        ('"all": ', '"all": 9', "the restored Redis has"),
    ],
    ids=["the schema", "the keys"],
)
def test_what_is_not_what_was_backed_up_fails_a_drill_and_is_not_restored(
    scene: Scene, old: str, new: str, said: str
) -> None:
    """A backup that lost something looks like one whose record says that there was more."""
    scene.do_job()
    keys(scene, "set", "precious", "value")
    backed_up(scene, alerts=ear(scene))
    made = asked(scene, "vps.backup")
    doctored(scene, made["id"], old, new)
    before, serving = checksum(scene), serving_release(scene)

    drilled = asked(scene, "vps.drill", "--repository", "here", code=DrillFailed.exit_code)
    last = asked(scene, "vps.backups")["drills"][-1]
    restored = asked(
        scene, "vps.restore", "--repository", "here", "--yes", code=RestoreFailed.exit_code
    )

    assert said in drilled["said"]
    assert (last["outcome"], last["backup"]) == ("failed", made["id"])
    until(lambda: "drill-failed" in kinds_heard(scene))
    [told] = [one for one in heard(scene) if one["kind"] == "drill-failed"]
    assert said in told["what"]
    assert said in restored["said"]
    assert checksum(scene) == before
    assert keys(scene, "get", "precious") == "value"
    assert (scene.serving(), serving_release(scene)) == ("1", serving)
    assert no_scratch(scene)
    assert "app_restoring" not in databases(scene)
    asked(scene, "vps.backup")


@pytest.mark.long
def test_what_a_drill_that_is_killed_leaves_is_swept_away_by_the_next_command(
    scene: Scene,
) -> None:
    asked(scene, "vps.backup")
    volumes = root(scene, "docker", "volume", "ls", "-q").stdout

    killed_at(scene, "docker inspect app-scratch-postgres >/dev/null 2>&1", "vps.drill")
    assert not no_scratch(scene)
    assert root(scene, "docker", "volume", "ls", "-q").stdout != volumes
    assert root(scene, "test", "-d", f"{PLACE}/drill").exit_code == 0
    made = asked(scene, "vps.backup")

    assert no_scratch(scene)
    assert root(scene, "docker", "volume", "ls", "-q").stdout == volumes
    assert root(scene, "test", "-e", f"{PLACE}/drill", check=False).exit_code == 1
    assert asked(scene, "vps.drill")["backup"] == made["id"]


def test_what_was_lost_comes_back_row_for_row_and_what_was_there_is_kept(scene: Scene) -> None:
    scene.do_job()
    keys(scene, "set", "precious", "value")
    root(scene, "sh", "-c", f"echo kept > {DATA}/app_storage/_data/file")
    before = checksum(scene)
    made = asked(scene, "vps.backup")
    sql(scene, "delete from items")
    keys(scene, "del", "precious")
    root(scene, "rm", f"{DATA}/app_storage/_data/file")

    loaded = asked(scene, "vps.restore", "--beside")
    assert sql(scene, "select count(*) from items") == "0"
    assert loaded["beside"] in databases(scene)
    done = asked(scene, "vps.restore", "--yes")

    assert done["backup"] == made["id"]
    assert checksum(scene) == before
    assert keys(scene, "get", "precious") == "value"
    assert root(scene, "cat", f"{DATA}/app_storage/_data/file").stdout == "kept\n"
    assert done["kept"] in databases(scene)
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_an_unknown_backup_is_refused_before_anything_is_touched(scene: Scene) -> None:
    before, serving, known = checksum(scene), serving_release(scene), databases(scene)

    words = ("--backup", "20200101t000000z-abcdef0", "--yes")
    said = asked(scene, "vps.restore", *words, code=UserError.exit_code)["said"]

    assert "no backup 20200101t000000z-abcdef0" in said
    assert (checksum(scene), databases(scene)) == (before, known)
    assert (scene.serving(), serving_release(scene)) == ("1", serving)


@pytest.mark.parametrize("phase", ["FETCHED", "LOADED", "SWAPPING", "SWAPPED"])
def test_a_restore_that_is_killed_is_put_back_by_the_next_command(scene: Scene, phase: str) -> None:
    keys(scene, "set", "now", phase)
    before = checksum(scene)

    killed_at(scene, f"grep -qs {phase} {PLACE}/restore.json", "vps.restore", "--yes")
    asked(scene, "vps.backup")

    assert checksum(scene) == before
    assert keys(scene, "get", "now") == phase
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"
    assert root(scene, "test", "-e", f"{PLACE}/restore.json", check=False).exit_code == 1
    assert "app_restoring" not in databases(scene)


@pytest.mark.long
def test_a_restore_over_data_that_is_not_well_can_be_killed_and_tried_again(scene: Scene) -> None:
    """What is put back is as bad as it was; that must not keep the restore from the next try."""
    before, serving = checksum(scene), scene.serving()
    asked(scene, "vps.backup")
    sql(scene, "alter table items rename to lost")
    try:
        killed_at(scene, f"grep -qs SWAPPED {PLACE}/restore.json", "vps.restore", "--yes")
        done = scene.invoke("vps.restore", "--host", HOST, "--yes")
    finally:
        sql(scene, "alter table if exists lost rename to items")

    assert "goes on serving, and is not whole" in done.stdout + done.stderr
    assert checksum(scene) == before
    assert scene.serving() == serving
    assert scene.do_job()["state"] == "done"


def test_a_restore_that_is_killed_while_nothing_serves_is_settled_by_the_host(
    scene: Scene,
) -> None:
    """Nobody may be there to type the next command."""
    before = checksum(scene)

    killed_at(scene, f"grep -qs SWAPPED {PLACE}/restore.json", "vps.restore", "--yes")
    gone = f"until ! test -e {PLACE}/restore.json; do sleep 0.2; done"
    root(scene, "timeout", "90", "sh", "-c", gone)

    assert checksum(scene) == before
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"
    left = root(scene, "systemctl", "list-units", "--all", "--plain", "hostwright-settle*").stdout
    assert "hostwright-settle" not in left


def test_a_restore_that_died_between_two_renames_is_put_back(scene: Scene) -> None:
    """No kill from outside hits that gap; Docker starts no container whose directory is away."""
    keys(scene, "set", "now", "between")
    killed_at(scene, f"grep -qs SWAPPING {PLACE}/restore.json", "vps.restore", "--yes")
    plan = json.loads(root(scene, "cat", f"{PLACE}/restore.json").stdout)["plan"]
    place, mark = plan["volumes"]["redis"], plan["mark"]
    script = f"docker stop app-redis && cd {place}/.. && [ -d kept-{mark} ] || mv _data kept-{mark}"
    root(scene, "sh", "-c", f"{script}; rm -rf _data")

    asked(scene, "vps.backup")

    assert keys(scene, "get", "now") == "between"
    assert scene.do_job()["state"] == "done"


def test_no_release_is_stopped_that_could_not_be_started_again(scene: Scene) -> None:
    link = root(scene, "readlink", "/var/lib/hostwright/app/live/current").stdout.strip()
    release = link.rpartition("/")[2]
    manifest = f"/var/lib/hostwright/app/releases/{release}/manifest.json"
    text = root(scene, "cat", manifest).stdout
    root(scene, "sh", "-c", f"head -c 40 {manifest} > /tmp/half && cat /tmp/half > {manifest}")
    try:
        said = asked(scene, "vps.restore", "--yes", code=PreflightError.exit_code)["said"]
        assert "manifest of the release that serves is damaged" in said
        assert scene.serving() == "1"
    finally:
        scene.server.exec(["tee", manifest], stdin=text.encode())
    assert scene.do_job()["state"] == "done"


def test_a_repository_whose_disk_is_not_mounted_is_not_made_anew(scene: Scene) -> None:
    root(scene, "mv", "/var/backups/shop", "/var/backups/elsewhere")
    try:
        said = asked(scene, "vps.backup", code=StoreUnusable.exit_code)["said"]
        assert "the repository here holds none of the backups that it had" in said
        assert root(scene, "ls", "/var/backups").stdout.split().count("shop") == 0
    finally:
        root(scene, "mv", "/var/backups/elsewhere", "/var/backups/shop")
    assert set(asked(scene, "vps.backup")["stored"]) == {"here", "away", "box"}


@pytest.mark.parametrize("place", ["stage/postgres.dump", "stage/record.json"])
def test_a_backup_that_is_killed_leaves_nothing_the_next_one_minds(
    scene: Scene, place: str
) -> None:
    killed_at(scene, f"test -e {PLACE}/{place}", "vps.backup")

    made = asked(scene, "vps.backup")

    listed = asked(scene, "vps.backups")["backups"]
    assert [entry["outcome"] for entry in listed[-2:]] == ["failed", "ok"]
    assert set(made["stored"]) == {"here", "away", "box"}
    assert root(scene, "ls", PLACE).stdout.split().count("stage") == 0


def test_the_lock_of_a_backup_that_was_killed_while_it_tidied_is_lifted(scene: Scene) -> None:
    tidies = "pgrep -f '[r]estic .*forget' >/dev/null && ls /var/backups/shop/locks | grep -q ."
    killed_at(scene, f"{{ {tidies} && pkill -KILL -f '[r]estic .*forget'; }}", "vps.backup")
    assert root(scene, "ls", "/var/backups/shop/locks").stdout.strip()

    made = asked(scene, "vps.backup")

    assert set(made["stored"]) == {"here", "away", "box"}
    assert root(scene, "ls", "/var/backups/shop/locks").stdout.strip() == ""


def test_a_wrong_key_opens_nothing_and_changes_nothing(scene: Scene) -> None:
    other = scene.home / "other.key"
    scene.invoke("vps.backup-key", "--host", HOST, "--out", str(other))
    backed_up(scene, key_file=str(other))

    before, serving = checksum(scene), serving_release(scene)

    said = asked(scene, "vps.backup", code=WrongKey.exit_code)["said"]
    assert "does not open the repository" in said
    asked(scene, "vps.restore", "--yes", code=WrongKey.exit_code)

    assert checksum(scene) == before
    assert (scene.serving(), serving_release(scene)) == ("1", serving)
    backed_up(scene)
    assert asked(scene, "vps.drill")["outcome"] == "ok"


def test_a_store_that_is_away_fails_the_backup_and_names_where_it_is(scene: Scene) -> None:
    places = {"here": {"path": "/var/backups/shop"}}
    backed_up(scene, {**places, "away": away(scene, endpoint=f"http://{scene.server.address}:9")})

    said = asked(scene, "vps.backup", code=StoreUnusable.exit_code)["said"]

    assert "repository away cannot be reached" in said
    assert "it is in here" in said
    backed_up(scene)


@pytest.mark.long
def test_a_store_that_takes_requests_and_never_answers_is_too_slow(scene: Scene) -> None:
    address = urlsplit(scene.rig.s3.endpoint).hostname
    with socket.create_server((str(address), 0)) as silent:
        endpoint = f"http://{address}:{silent.getsockname()[1]}"
        places = {"here": {"path": "/var/backups/shop"}, "away": away(scene, endpoint=endpoint)}
        backed_up(scene, places)

        said = asked(scene, "vps.backup", code=StoreUnusable.exit_code)["said"]

    assert "repository away is too slow" in said
    assert "it is in here" in said


@pytest.mark.parametrize(
    ("options", "said"), [("size=40k,mode=700", "is full"), ("ro", "is read-only")]
)
def test_a_store_that_is_full_or_read_only_says_so(scene: Scene, options: str, said: str) -> None:
    root(scene, "mkdir", "-p", "/srv/small")
    root(scene, "mount", "-t", "tmpfs", "-o", options, "tmpfs", "/srv/small")
    backed_up(
        scene,
        {"here": {"path": "/var/backups/shop"}, "small": {"path": f"/srv/small/{options[:2]}"}},
    )
    try:
        told = asked(scene, "vps.backup", code=StoreUnusable.exit_code)["said"]
        assert f"the repository small {said}" in told
        assert "it is in here" in told
    finally:
        root(scene, "umount", "/srv/small")
        backed_up(scene)


@pytest.mark.long
def test_credentials_that_a_store_refuses_are_named(scene: Scene) -> None:
    text = scene.env_file.read_text()
    scene.env_file.write_text(text.replace(scene.rig.s3.secret, "not-this-one"))
    backed_up(scene, {"away": away(scene)})

    try:
        said = asked(scene, "vps.backup", code=StoreUnusable.exit_code)["said"]
        assert "refuses the credentials" in said
    finally:
        scene.env_file.write_text(text)
        backed_up(scene)


def test_a_dump_that_dies_half_way_is_no_backup(scene: Scene) -> None:
    before = asked(scene, "vps.backups")["backups"]
    end = (
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg_dump'"
    )
    exec_ = "docker exec app-postgres psql -XAtq -U app -d app -c"
    script = (
        f"until [ -s {PLACE}/stage/postgres.dump ]; do sleep 0.01; done; "
        f'until {exec_} "{end}" | grep -q t; do sleep 0.05; done'
    )
    try:
        sql(
            scene,
            "create table bulk as select i, md5(i::text) || md5((i+1)::text) as text "
            "from generate_series(1, 1500000) i",
        )
        with beside(scene, script):
            said = asked(scene, "vps.backup", code=BackupFailed.exit_code)["said"]
    finally:
        sql(scene, "drop table if exists bulk")

    assert "the dump of the database is not whole" in said
    after = asked(scene, "vps.backups")["backups"]
    assert len(after) == len(before) + 1
    assert "stored" not in after[-1]


def test_a_newer_dump_is_refused_before_anything_is_touched(scene: Scene) -> None:
    """What the backup says of its server is edited in the repository's place: the key is ours."""
    made = asked(scene, "vps.backup")
    doctored(scene, made["id"], '"version": 17', '"version": 99')
    before = checksum(scene)

    words = ("--repository", "here", "--yes")
    said = asked(scene, "vps.restore", *words, code=RestoreFailed.exit_code)["said"]

    assert "is of Postgres 99" in said
    assert checksum(scene) == before
    assert scene.serving() == "1"
    asked(scene, "vps.backup")


def doctored(scene: Scene, identity: str, old: str, new: str) -> None:
    """Store the newest backup of a repository once more, with another text in its record."""
    script = f"""
cd /tmp && rm -rf doctored && restic restore latest --tag {identity} --target doctored -q
grep -qF '{old}' doctored{PLACE}/stage/record.json
sed -i 's/{old}/{new}/' doctored{PLACE}/stage/record.json
mkdir -p {PLACE}/stage && cp -a doctored{PLACE}/stage/. {PLACE}/stage/
restic backup -q --host hostwright-app --tag hostwright --tag {identity} {PLACE}/stage
rm -rf {PLACE}/stage doctored
"""
    in_repository(scene, script)


def in_repository(scene: Scene, script: str) -> str:
    """What restic says of the repository that is on the server: the key is ours."""
    env = f"RESTIC_REPOSITORY=/var/backups/shop RESTIC_PASSWORD_FILE={PLACE}/run/key"
    return root(scene, "sh", "-euc", f"export {env} RESTIC_CACHE_DIR=/tmp/cache\n{script}").stdout


def snapshots(scene: Scene) -> set[str]:
    """The backups that the repository on the server has."""
    found = json.loads(in_repository(scene, "restic snapshots --json --no-lock"))
    return {tag for one in found for tag in one["tags"] if tag not in {"hostwright", "keep"}}


def test_a_pending_migration_is_preceded_by_a_backup(scene: Scene) -> None:
    done = scene.invoke("vps.deploy", "--host", HOST, *scene.version("2"))

    assert "1 migration pending" in done.stderr
    last = asked(scene, "vps.backups")["backups"][-1]
    assert (last["reason"], last["outcome"]) == ("deploy", "ok")
    assert scene.serving() == "2"


def test_a_deploy_whose_backup_fails_changes_nothing(scene: Scene) -> None:
    """Version 1 has nothing pending; the last backup is made to look old."""
    root(scene, "rm", f"{PLACE}/backups.jsonl")
    backed_up(scene, {"away": away(scene, endpoint=f"http://{scene.server.address}:9")})

    done = scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"), check=False)

    assert done.exit_code == StoreUnusable.exit_code, done.stderr
    assert "BACKED_UP" in done.stderr
    assert scene.serving() == "2"
    backed_up(scene)


def test_a_failed_backup_and_what_goes_wrong_are_told(scene: Scene) -> None:
    alerts = {**ear(scene), "disk_percent": 1, "certificate_days": 90}
    backed_up(scene, {"away": away(scene)}, alerts=alerts)
    root(scene, "rm", "-f", f"{PLACE}/drills.jsonl")
    asked(scene, "vps.backup")
    root(scene, "docker", "stop", "app-redis")
    try:
        done = root(scene, "systemctl", "start", "hostwright-backup@app.service", check=False)
        root(scene, "systemctl", "start", "hostwright-watch@app.service")
    finally:
        root(scene, "docker", "start", "app-redis")

    assert done.exit_code != 0
    until(lambda: {"backup-failed", "drill-stale", "disk", "unhealthy"} <= kinds_heard(scene), 10)
    assert root(scene, "stat", "-c", "%U", TOLD).stdout.strip() == "nobody"


def test_a_way_back_over_an_irreversible_migration_takes_the_data_of_before(scene: Scene) -> None:
    before = over_the_migration(scene)
    backup = asked(scene, "vps.backups")["backups"][-1]

    refused = scene.invoke("vps.rollback", "--host", HOST, check=False)
    assert refused.exit_code == PreflightError.exit_code
    assert "irreversible" in refused.stderr
    assert "--with-data" in refused.stderr
    assert scene.serving() == "3"
    today = sql(scene, "select count(*) from items")
    done = scene.invoke("vps.rollback", "--host", HOST, "--with-data", "--yes", "--json")

    assert "are not in it" in done.stderr
    went = json.loads(done.stdout)
    assert went["backup"] == backup["id"]
    assert scene.serving() == "2"
    assert checksum(scene) == before
    assert sql(scene, "select count(*) from items", went["kept"]) == today
    assert scene.do_job()["state"] == "done"


def over_the_migration(scene: Scene) -> str:
    """Let version 2 work, then version 3, over a migration without a way back.

    Returns:
        The checksum of what version 2 left.
    """
    scene.invoke("vps.deploy", "--host", HOST, *scene.version("2"))
    scene.do_job()
    before = checksum(scene)
    scene.invoke("vps.deploy", "--host", HOST, *scene.version("3"))
    scene.do_job()
    return before


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (f"grep -qs SWAPPED {PLACE}/restore.json", "3"),
        (f"""grep -qs '"phase": "SWITCHED"' {APP}/journal.json""", "2"),
    ],
    ids=["with the data exchanged", "after the switch"],
)
def test_a_way_back_that_is_killed_ends_with_the_release_and_the_data_of_one_moment(
    scene: Scene, found: str, ends: str
) -> None:
    data = {"2": over_the_migration(scene), "3": checksum(scene)}

    killed_at(scene, found, "vps.rollback", "--with-data", "--yes")
    asked(scene, "vps.backup")

    assert scene.serving() == ends
    assert checksum(scene) == data[ends]
    assert root(scene, "test", "-e", f"{PLACE}/restore.json", check=False).exit_code == 1
    assert "app_restoring" not in databases(scene)
    assert scene.do_job()["state"] == "done"
    if ends == "3":  # nothing is in the way of the next try
        scene.invoke("vps.rollback", "--host", HOST, "--with-data", "--yes")
        assert (scene.serving(), checksum(scene)) == ("2", data["2"])


@pytest.mark.long
def test_retention_never_takes_the_newest_and_what_a_way_back_needs(scene: Scene) -> None:
    """Of one day one stays; and a backup that was made while the clock was wrong is no newer."""
    places = {"here": {"path": "/var/backups/shop"}}
    backed_up(scene, places, keep={"daily": 1, "weekly": 0, "monthly": 0})
    over_the_migration(scene)
    kept = asked(scene, "vps.backups")["backups"][-1]
    assert kept["keep"] is True
    asked(scene, "vps.backup")
    ahead = "20990101t000000z-abcdef0"
    tags = f"--host hostwright-app --tag hostwright --tag {ahead}"
    in_repository(scene, f"restic backup -q --time '2099-01-01 00:00:00' {tags} /etc/hostname")
    try:
        newest = asked(scene, "vps.backup")
        left = snapshots(scene)
    finally:
        find = f"restic snapshots --json --no-lock --tag {ahead}"
        id_of = """sed -n 's/.*"short_id":"\\([0-9a-f]*\\)".*/\\1/p'"""
        in_repository(scene, f"restic forget -q $({find} | {id_of})")

    assert {kept["id"], newest["id"]} <= left
    others = {one["id"] for one in asked(scene, "vps.backups")["backups"] if not one.get("keep")}
    assert others & left == {newest["id"]}
    assert asked(scene, "vps.drill")["backup"] == newest["id"]


def test_a_lost_host_comes_back_on_an_empty_one(scene: Scene) -> None:
    """One command, the operator's key file, and the repository that was not on the host."""
    lost = Lost(scene)

    done = asked(scene, "vps.recover")

    lost.is_back(done)
    assert asked(scene, "vps.recover", code=PreflightError.exit_code)


@pytest.mark.long
@pytest.mark.parametrize("found", ["LOADED", "SWAPPED"])
def test_a_recovery_that_is_killed_half_way_is_tried_again(scene: Scene, found: str) -> None:
    lost = Lost(scene)

    killed_at(scene, f"grep -qs {found} {PLACE}/restore.json", "vps.recover", seconds=600)
    assert root(scene, "test", "-e", f"{APP}/live/current", check=False).exit_code == 1
    done = asked(scene, "vps.recover")  # the host settles it by itself as well: that is waited for

    lost.is_back(done)
    assert databases(scene).count("app_restoring") == 0


class Lost:
    """A server with data that is backed up off it, and that an empty one has taken the place of."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        backed_up(scene, {"away": away(scene)})
        scene.do_job()
        keys(scene, "set", "precious", "again")
        root(scene, "sh", "-c", f"echo kept > {DATA}/app_storage/_data/file")
        self.data, self.serving = checksum(scene), scene.serving()
        self.backup = asked(scene, "vps.backup")["id"]
        scene.server.power_off()
        scene.server = scene.rig.server()
        backed_up(scene, {"away": away(scene)})
        scene.trust()

    def is_back(self, done: dict[str, Any]) -> None:
        scene = self.scene
        assert done["backup"] == self.backup
        assert checksum(scene) == self.data
        assert keys(scene, "get", "precious") == "again"
        assert root(scene, "cat", f"{DATA}/app_storage/_data/file").stdout == "kept\n"
        assert scene.serving() == self.serving
        assert scene.do_job()["state"] == "done"
