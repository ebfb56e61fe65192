"""Plans and drift on a real server: what a deploy would change, and what somebody changed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hostwright.errors import Busy, Drifted, StalePlan, UserError
from hostwright.rig import Rig
from hostwright.rig.images import Probe
from hostwright.rig.scene import HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

pytestmark = pytest.mark.server

VERSIONS = ("1", Probe("2", migrations=1))
APP = "/var/lib/hostwright/app"
DATA = "/var/lib/docker/volumes"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"e2e-{os.getpid()}") as rig:
        made = Scene.set_up(rig, versions=VERSIONS)  # type: ignore[arg-type]
        made.trust()
        made.invoke("vps.provision", "--host", HOST)
        yield made


@pytest.fixture(autouse=True)
def usual(scene: Scene) -> None:
    """Every test begins with the usual settings, whatever became of the one before."""
    scene.variables.clear()
    scene.write_hosts()


def planned(scene: Scene, *words: str) -> dict[str, Any]:
    done = scene.invoke("vps.plan", "--host", HOST, *words, "--json")
    assert scene.seen(done) == []
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def saved(scene: Scene, name: str, *words: str) -> str:
    file = scene.home / name
    scene.invoke("vps.plan", "--host", HOST, "--out", str(file), *words)
    return str(file)


def deployed(scene: Scene, *words: str, code: int = 0) -> Completed:
    done = scene.invoke("vps.deploy", *words, check=False)
    assert done.exit_code == code, done.stderr
    assert scene.seen(done) == []
    return done


def drifted(scene: Scene) -> list[dict[str, str]]:
    done = scene.invoke("vps.drift", "--host", HOST, "--json", check=False)
    assert done.exit_code in {0, Drifted.exit_code}, done.stderr
    assert scene.seen(done) == []
    found: list[dict[str, str]] = json.loads(done.stdout)["findings"]
    assert bool(found) == (done.exit_code == Drifted.exit_code)
    return found


def shell(scene: Scene, script: str) -> str:
    return scene.server.exec(["sh", "-euc", script]).stdout.strip()


def sql(scene: Scene, text: str) -> str:
    return shell(scene, f'docker exec app-postgres psql -XAtq -U app -d app -c "{text}"')


# --- plans ---------------------------------------------------------------------------------------


def test_the_first_plan_says_what_is_sent_and_touches_nothing(scene: Scene) -> None:
    found = planned(scene, *scene.version("1"))

    assert (found["serving"], found["changes"]) == (None, True)
    assert {image["way"] for image in found["images"]} == {"sent"}
    assert 1e6 < found["room"]["sent"] < found["room"]["needed"] < found["room"]["free"]
    assert found["migration"]["why"] == "known when the database is there"
    assert (found["downtime"], found["refusals"]) == ([], [])
    assert shell(scene, f"ls {APP}/releases; docker images -q; docker ps -aq") == ""
    assert drifted(scene) == []


def test_a_saved_plan_is_deployed_to_the_letter_and_only_once(scene: Scene) -> None:
    file = saved(scene, "first.plan", *scene.version("1"))
    agreed = json.loads((scene.home / "first.plan").read_text())
    assert (scene.home / "first.plan").stat().st_mode & 0o077 == 0

    done = deployed(scene, "--plan", file)

    assert f"{agreed['manifest']['id']} serves" in done.stdout
    assert scene.serving() == "1"
    told = json.loads(shell(scene, f"cat {APP}/releases/*/manifest.json"))
    assert told == agreed["manifest"]
    again = deployed(scene, "--plan", file, code=StalePlan.exit_code)
    assert "serving was nothing" in again.stderr


def test_a_plan_of_the_same_says_that_nothing_changes(scene: Scene) -> None:
    found = planned(scene, *scene.version("1"))

    assert found["changes"] is False
    assert (found["env"], found["compose"], found["caddy"]) == ([], [], [])
    assert found["room"]["sent"] == 0
    assert (found["migration"]["known"], found["migration"]["pending"]) == (True, [])
    assert found["backup"] == {"due": False, "why": "no backup is configured"}
    done = scene.invoke("vps.plan", "--host", HOST, *scene.version("1"))
    assert "nothing changes but the release's name" in done.stdout
    assert "none expected" in done.stdout
    assert shell(scene, "docker ps -a --format '{{.Names}}' | grep -c plan || true") == "0"


def test_a_plan_names_what_changes_and_shows_no_value(scene: Scene) -> None:
    scene.write_hosts(
        values={"env_file": str(scene.env_file), "environment": True},
        worker_env={"LOG_LEVEL": "debug"},
        inputs={"api_memory_mib": 300},
        trusted_proxies=["10.0.0.0/8"],
    )
    scene.variables["SECRET_KEY"] = os.urandom(24).hex()

    done = scene.invoke("vps.plan", "--host", HOST, *scene.version("1"), "--json")
    found = json.loads(done.stdout)

    assert scene.variables["SECRET_KEY"] not in done.stdout + done.stderr
    names = {(one["role"], one["name"], one["how"]) for one in found["env"]}
    assert ("worker", "LOG_LEVEL", "changed") in names
    assert ("api", "SECRET_KEY", "changed") in names
    assert {name for _, name, _ in names} == {"LOG_LEVEL", "SECRET_KEY"}
    fields = {(one["service"], one["path"], one["after"]) for one in found["compose"]}
    assert fields == {("api", "deploy.resources.limits.memory", "300m")}
    [caddy] = found["caddy"]
    assert caddy["name"] == "Caddyfile"
    assert any("10.0.0.0/8" in line for line in caddy["lines"])
    assert [line.split()[0] for line in found["downtime"]] == ["Caddy"]
    assert found["base"]["changes"] is False


def test_a_plan_says_what_would_be_refused(scene: Scene) -> None:
    scene.write_hosts(values={"env_file": str(scene.env_file), "environment": True})
    scene.variables["REDIS_PASSWORD"] = os.urandom(24).hex()

    found = planned(scene, *scene.version("1"))

    assert found["base"]["secrets"] == ["redis_password"]
    assert "redis_password differs" in found["refusals"][0]


def test_a_plan_names_the_base_services_that_are_recreated(scene: Scene) -> None:
    scene.write_hosts(inputs={"db_name": "other"})

    found = planned(scene, *scene.version("1"))

    assert found["base"]["recreated"] == ["postgres"]
    assert any("postgres" in line for line in found["downtime"])


def test_a_plan_asks_the_image_that_is_there_what_it_would_migrate(scene: Scene) -> None:
    """A container that a killed plan left behind is in nobody's way."""
    image = "$(docker inspect -f '{{.Image}}' $W)"
    on_host(scene, f"docker run -d --name app-plan --entrypoint sleep {image} 600")
    head = sql(scene, "select version_num from alembic_version")
    sql(scene, "update alembic_version set version_num = '0001'")
    try:
        found = planned(scene, *scene.version("1"))
    finally:
        sql(scene, f"update alembic_version set version_num = '{head}'")  # noqa: S608 - our own

    assert found["migration"]["pending"] == [head]
    assert found["migration"]["current"] == "0001"
    assert found["changes"] is True
    assert shell(scene, "docker ps -a --format '{{.Names}}' | grep -c plan || true") == "0"


def test_a_plan_does_not_hold_when_what_is_here_changed(scene: Scene) -> None:
    file = saved(scene, "second.plan", *scene.version("2"))
    scene.write_hosts(worker_env={"LOG_LEVEL": "debug"})

    refused = deployed(scene, "--plan", file, code=StalePlan.exit_code)
    assert "values of worker (LOG_LEVEL)" in refused.stderr
    beside = deployed(scene, "--plan", file, *scene.version("1"), code=UserError.exit_code)
    assert "--image would say something else" in beside.stderr
    assert scene.serving() == "1"

    scene.write_hosts()
    shown = planned(scene, *scene.version("2"))
    assert shown["migration"]["why"] == "known after upload"
    assert {i["role"] for i in shown["images"] if i["changes"]} == {
        *("api", "migrate", "web", "worker")
    }
    deployed(scene, "--host", HOST, "--plan", file)
    assert scene.serving() == "2"


def test_a_plan_does_not_hold_when_the_host_changed(scene: Scene) -> None:
    file = saved(scene, "third.plan", *scene.version("1"))
    scene.invoke("vps.rollback", "--host", HOST)

    refused = deployed(scene, "--plan", file, code=StalePlan.exit_code)

    assert "the host changed since the plan was made" in refused.stderr
    assert "serving was" in refused.stderr
    assert scene.serving() == "1"
    ahead = planned(scene, *scene.version("1"))
    assert ahead["migration"]["ahead"] is True
    assert "the database is ahead of this release" in ahead["notes"]


# --- drift ---------------------------------------------------------------------------------------


class Plant(NamedTuple):
    """A change that somebody makes on the host, its undoing, and how it has to be named.

    In the scripts ``$ID`` is the serving release, ``$R`` its directory, ``$W`` its worker.
    """

    do: str
    undo: str
    area: str
    where: str
    what: str


PLANTS = {
    "the env of a container": Plant(
        'image=$(docker inspect -f "{{.Config.Image}}" $W); docker rm -f $W; '
        "docker run -d --name $W --network app_data --env-file $R/env/api.env -e LOG_LEVEL=debug "
        '--restart no --entrypoint sleep "$image" 600',
        "docker rm -f $W; cd $R; docker compose -p app-$ID --project-directory $R "
        "-f compose.yaml create --pull never $W; docker start $W; "
        'until [ "$(docker inspect -f "{{.State.Running}}" $W)" = true ]; do sleep 0.1; done',
        *("env", "worker", "LOG_LEVEL has another value"),
    ),
    "a container that ended": Plant(
        "docker stop -t 1 $W", "docker start $W", "containers", "worker", "it is exited"
    ),
    "the release's env file": Plant(
        'echo EXTRA="1" >> $R/env/api.env',
        "sed -i /^EXTRA=/d $R/env/api.env",
        *("files", "env/api.env", "another content"),
    ),
    "an env file that others can read": Plant(
        "chmod 644 $R/env/web.env",
        "chmod 600 $R/env/web.env",
        *("files", "env/web.env", "its mode is 0644"),
    ),
    "the name of an image": Plant(
        'i=$(docker inspect -f "{{.Config.Image}}" app-$ID-web); docker tag "$i" kept:1; '
        'docker rmi --no-prune "$i"; echo "$i" > /tmp/name',
        'docker tag kept:1 "$(cat /tmp/name)"; docker rmi --no-prune kept:1',
        *("images", "web: ", "no longer"),
    ),
    "a base service": Plant(
        "docker stop -t 5 app-redis", "docker start app-redis", "base", "redis", "it is exited"
    ),
    "a base file": Plant(
        "echo '# x' >> /var/lib/hostwright/app/base/entrypoints/redis.sh",
        "sed -i '$d' /var/lib/hostwright/app/base/entrypoints/redis.sh",
        *("base", "entrypoints/redis.sh", "another content"),
    ),
    "a stranger on a network, with a port": Plant(
        'image=$(docker inspect -f "{{.Config.Image}}" $W); docker run -d --name stranger '
        '-p 8099:80 --entrypoint sleep "$image" 600; docker network connect app_data stranger',
        "docker rm -f stranger",
        *("networks", "app_data", "stranger is attached"),
    ),
    "Caddy's file": Plant(
        "echo '# x' >> /var/lib/hostwright/app/caddy/Caddyfile",
        "sed -i '$d' /var/lib/hostwright/app/caddy/Caddyfile",
        *("caddy", "caddy/Caddyfile", "another content"),
    ),
    "what Caddy has loaded": Plant(
        "cd /var/lib/hostwright/app/caddy; cp -p Caddyfile /tmp/C; "
        "sed -i 's/grace_period 30s/grace_period 31s/' Caddyfile; "
        "docker exec app-caddy caddy reload --adapter caddyfile --config /etc/caddy/Caddyfile; "
        "cat /tmp/C > Caddyfile",
        "docker exec app-caddy caddy reload --adapter caddyfile --config /etc/caddy/Caddyfile",
        *("caddy", "loaded configuration", "/apps/http/grace_period"),
    ),
    "a certificate": Plant(
        f"mv {DATA}/app_caddy_data/_data/caddy/certificates /tmp/certificates",
        f"mv /tmp/certificates {DATA}/app_caddy_data/_data/caddy/certificates",
        *("certificates", "app.test", "there is no certificate"),
    ),
    "the firewall": Plant(
        "nft add rule inet hostwright input tcp dport 9999 accept",
        "systemctl restart hostwright-firewall.service",
        *("host", "firewall", "edited"),
    ),
    "a timer": Plant(
        "systemctl stop apt-daily.timer",
        "systemctl start apt-daily.timer",
        *("host", "timers", "apt-daily.timer does not run"),
    ),
    "sshd": Plant(
        "cp -p /etc/ssh/sshd_config.d/10-hostwright.conf /tmp/sshd; "
        "sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' "
        "/etc/ssh/sshd_config.d/10-hostwright.conf",
        "cp -p /tmp/sshd /etc/ssh/sshd_config.d/10-hostwright.conf",
        *("host", "sshd", "10-hostwright.conf has another content"),
    ),
    "a provisioned file": Plant(
        "chmod 777 /usr/local/sbin/hostwright-runner",
        "chmod 755 /usr/local/sbin/hostwright-runner",
        *("host", "runner", "has mode 0777"),
    ),
}


def on_host(scene: Scene, script: str) -> None:
    serving = shell(scene, f"readlink {APP}/live/current")
    shell(scene, f"ID={serving}; R={APP}/releases/$ID; W=app-$ID-worker\n{script}")


def test_a_host_that_nobody_touched_is_as_deployed(scene: Scene) -> None:
    assert drifted(scene) == []
    done = scene.invoke("vps.drift", "--host", HOST)
    assert "as deployed and provisioned; serving now: " in done.stdout


@pytest.mark.parametrize("name", PLANTS)
def test_what_somebody_changed_is_named(scene: Scene, name: str) -> None:
    plant = PLANTS[name]
    on_host(scene, plant.do)
    try:
        found = drifted(scene)
    finally:
        on_host(scene, plant.undo)

    named = [
        one
        for one in found
        if one["area"] == plant.area and plant.where in one["where"] and plant.what in one["what"]
    ]
    assert named, found
    assert all(one["remedy"] for one in found)


#: Holds the host's lock for so many seconds, signed as an operation.
HOLDER = """
import fcntl, json, os, sys, time
lock = os.open("/var/lib/hostwright/app/lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
text = json.dumps({"pid": os.getpid(), "actor": "timer", "op": sys.argv[1]}).encode()
os.pwrite(lock, text, 0)
os.ftruncate(lock, len(text))
time.sleep(float(sys.argv[2]))
"""


def test_what_the_host_ends_by_itself_is_waited_for_and_a_deploy_is_not(scene: Scene) -> None:
    shell(scene, f": > {APP}/lock")  # so that the first one seen to hold it is this one
    held = ["systemd-run", "--quiet", "--collect", "--unit=holder", "python3", "-c", HOLDER]
    is_held = f"until grep -q timer {APP}/lock; do sleep 0.1; done"
    scene.server.exec([*held, "cool", "15"])
    shell(scene, is_held)
    done = scene.invoke("vps.drift", "--host", HOST)
    assert "waiting for it" in done.stderr
    assert "as deployed and provisioned" in done.stdout

    shell(scene, f": > {APP}/lock")
    scene.server.exec([*held, "deploy", "300"])
    try:
        shell(scene, is_held)
        refused = scene.invoke("vps.drift", "--host", HOST, check=False)
    finally:
        shell(scene, "systemctl stop holder.service")
    assert refused.exit_code == Busy.exit_code
    assert "timer is running deploy there" in refused.stderr


def test_what_was_put_right_is_named_no_longer(scene: Scene) -> None:
    assert drifted(scene) == []
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"
