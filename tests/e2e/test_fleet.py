"""Several servers by one command, and secrets that change while the application serves."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.e2e.on_server import root

from hostwright.contract import envfile
from hostwright.errors import Drifted, PreflightError, ReleaseError, SettingsError, Unreachable
from hostwright.rig import Rig
from hostwright.rig.bench_fleet import fingerprint
from hostwright.rig.load import LoadGenerator, Report
from hostwright.rig.scene import API_DOMAIN, HOST, Scene
from hostwright.rig.server import enter_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

pytestmark = [pytest.mark.server, pytest.mark.long]

ROOT = "/var/lib/hostwright/app"
RECORD = f"{ROOT}/rotation/record.json"
PASSWORDS = {"POSTGRES_PASSWORD": "postgres_password", "REDIS_PASSWORD": "redis_password"}
#: What keeps a release from getting well: storage that nobody answers for.
NO_STORAGE = """
S3_REGION=x
S3_ENDPOINT_URL=http://127.0.0.1:1
S3_ACCESS_KEY_ID=somebody
S3_SECRET_ACCESS_KEY=whatever-it-would-be
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Two bare servers, ``one`` and ``two``, of one operator with one env file."""
    with Rig(f"fleet-{os.getpid()}") as rig:
        made = Scene.set_up(rig)
        second = rig.server()
        write_hosts(made)
        for name, server in (("one", made.server), ("two", second)):
            made.invoke("vps.trust", "--host", name, "--fingerprint", fingerprint(server))
        yield made


def write_hosts(scene: Scene, **settings: Any) -> None:  # noqa: ANN401 - YAML
    """hosts.yaml with both servers, and one that is not there."""
    scene.write_hosts(**settings)
    path = scene.home / "hosts.yaml"
    one = yaml.safe_load(path.read_text())["hosts"][HOST]
    second = scene.rig.servers[1]
    other = {"app_domain": "two.test", "api_domain": "api.two.test"}
    two = {**one, **other, "address": second.address, "identity_file": str(second.key)}
    hosts = {"one": one, "two": two}
    path.write_text(yaml.safe_dump({"version": 1, "hosts": hosts}, sort_keys=False))
    gone = {**two, "address": "127.0.0.1", "port": 1}
    (scene.home / "more.yaml").write_text(
        yaml.safe_dump({"version": 1, "hosts": {**hosts, "gone": gone}}, sort_keys=False)
    )


def asked(scene: Scene, *words: str, code: int = 0) -> Completed:
    done = scene.invoke(*words, check=False)
    assert done.exit_code == code, done.stderr
    assert "Traceback" not in done.stderr
    assert scene.seen(done) == []
    return done


def told(scene: Scene, *words: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
    return json.loads(asked(scene, *words, "--json", code=code).stdout)


def values(scene: Scene) -> dict[str, str]:
    found = envfile.parse(scene.env_file.read_text(), "x").values
    return {name: item.value for name, item in found.items()}


def logs_in(scene: Scene, password: str) -> bool:
    """Whether Postgres takes a password from the network."""
    env = ("docker", "exec", "--env", f"PGPASSWORD={password}", "app-postgres")
    words = ("psql", "-h", "127.0.0.1", "-U", "app", "-d", "app", "-c", "select 1")
    return root(scene, *env, *words, check=False).exit_code == 0


def takes(scene: Scene, password: str) -> bool:
    """Whether Redis does."""
    words = ("docker", "exec", "--env", f"REDISCLI_AUTH={password}", "app-redis", "redis-cli")
    return "PONG" in root(scene, *words, "ping", check=False).stdout


def is_settled(scene: Scene) -> None:
    """Nothing of a change is left, and the base has the passwords of the env file alone."""
    assert root(scene, "test", "-e", f"{ROOT}/rotation", check=False).exit_code == 1
    for name, file in PASSWORDS.items():
        assert (
            root(scene, "cat", f"{ROOT}/base/secrets/{file}").stdout.strip() == values(scene)[name]
        )
    rules = root(
        scene, "docker", "exec", "app-postgres", "cat", "/var/lib/postgresql/data/pg_hba.conf"
    )
    assert "hostwright" not in rules.stdout
    assert logs_in(scene, values(scene)["POSTGRES_PASSWORD"])
    assert takes(scene, values(scene)["REDIS_PASSWORD"])


def under_load(scene: Scene, *words: str) -> tuple[Completed, Report]:
    stream = scene.stream(websocket=f"wss://{API_DOMAIN}/ws")
    with LoadGenerator(stream) as load:
        time.sleep(1)
        done = asked(scene, *words)
        time.sleep(2)
        return done, load.stop()


# --- several hosts -------------------------------------------------------------------------------


def test_a_wrong_name_is_refused_before_any_host_is_touched(scene: Scene) -> None:
    for words in ("one,tow", "one,two,one", "one,"):
        done = asked(scene, "vps.provision", "--host", words, code=SettingsError.exit_code)
        assert done.stdout == ""
    for server in scene.rig.servers:
        assert "hostwright" not in server.exec(["ls", "/var/lib", "/etc"]).stdout.split()


def test_two_bare_servers_become_hosts_side_by_side(scene: Scene) -> None:
    first = told(scene, "vps.provision", "--host", "all")
    assert [(one["host"], one["exit_code"]) for one in first] == [("one", 0), ("two", 0)]
    assert all(one["result"]["changes"] for one in first)

    second = told(scene, "vps.provision", "--host", "one,two")
    assert [one["result"]["changes"] for one in second] == [[], []]


def test_values_that_are_wrong_for_one_host_keep_all_of_them_from_beginning(scene: Scene) -> None:
    path = scene.home / "hosts.yaml"
    document = yaml.safe_load(path.read_text())
    document["hosts"]["two"]["values"] = {"env_file": "/nonexistent"}
    path.write_text(yaml.safe_dump(document, sort_keys=False))

    done = asked(scene, "vps.deploy", "--host", "all", *scene.version("1"), code=5)

    assert "not begun: two was refused before any host was touched" in done.stderr
    write_hosts(scene)
    assert told(scene, "vps.status", "--host", "one")["serving"] is None


def test_one_deploy_reaches_both_and_each_has_its_own_release(scene: Scene) -> None:
    done = asked(scene, "vps.deploy", "--host", "one,two", *scene.version("1"))

    assert done.stdout.splitlines()[-1] == "2 of 2 hosts: done"
    assert {line.split()[0] for line in done.stderr.splitlines()} == {"one", "two"}
    serving = [one["result"]["serving"] for one in told(scene, "vps.status", "--host", "all")]
    assert len(set(serving)) == 2
    assert scene.serving() == "1"
    assert scene.do_job()["state"] == "done"


def test_a_host_that_is_gone_is_one_outcome_of_three(scene: Scene) -> None:
    file = str(scene.home / "more.yaml")
    found = told(scene, "vps.status", "--hosts-file", file, code=Unreachable.exit_code)

    assert [one["exit_code"] for one in found] == [0, 0, Unreachable.exit_code]
    assert "nothing listens" in found[2]["error"]["what"]
    alone = told(scene, "vps.status", "--hosts-file", file, "--host", "one")
    assert alone["serving"] == found[0]["result"]["serving"]


# --- secrets -------------------------------------------------------------------------------------


def test_a_difference_is_told_by_names_and_hashes(scene: Scene) -> None:
    before = scene.env_file.read_text()
    fresh = "another-key-of-thirty-two-letters-or-more"
    scene.env_file.write_text(before.replace(values(scene)["SECRET_KEY"], fresh))

    found = told(scene, "vps.secrets.diff", "--host", "one")
    assert [(one["name"], one["roles"], one["how"]) for one in found["differences"]] == [
        ("SECRET_KEY", ["api", "worker"], "changed")
    ]
    shown = asked(scene, "vps.secrets.diff", "--host", "one", "--check", code=Drifted.exit_code)
    assert "SECRET_KEY" in shown.stdout

    pushed = told(scene, "vps.secrets.push", "--host", "one")
    assert pushed["serving"] != found["serving"]
    container = f"app-{pushed['serving']}-worker"
    env = root(scene, "docker", "exec", container, "env").stdout.splitlines()
    assert f"SECRET_KEY={fresh}" in env
    asked(scene, "vps.secrets.diff", "--host", "one", "--check")
    again = asked(scene, "vps.secrets.push", "--host", "one")
    assert "nothing to push" in again.stdout
    assert asked(scene, "vps.rollback", "--host", "one").exit_code == 0  # it stayed warm
    asked(scene, "vps.secrets.push", "--host", "one")


def test_more_than_values_is_not_pushed(scene: Scene) -> None:
    write_hosts(scene, api_domain="other.test", api_env={"LOG_LEVEL": "debug"})
    code = PreflightError.exit_code
    done = asked(scene, "vps.secrets.push", "--host", "one", code=code)
    assert "more than values would change: Caddy's configuration" in done.stderr
    write_hosts(scene)


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_password_of_the_base_changes_under_load_and_no_request_fails(
    scene: Scene, name: str
) -> None:
    before = values(scene)
    done, report = under_load(scene, "vps.secrets.rotate", "--name", name, "--host", "one")

    assert (report.failed, report.failures) == (0, {})
    after = values(scene)
    assert {key for key in after if after[key] != before[key]} == {name}
    assert before[name] not in done.stdout + done.stderr
    is_settled(scene)
    assert not (logs_in if name == "POSTGRES_PASSWORD" else takes)(scene, before[name])
    assert scene.do_job()["state"] == "done"
    kept = max(scene.home.glob(".env.demo.before-*"))
    assert kept.stat().st_mode & 0o777 == 0o600
    assert before[name] in kept.read_text()
    assert "two has the same env file" in done.stderr


def test_nobody_goes_back_to_a_release_that_has_the_former_password(scene: Scene) -> None:
    done = asked(scene, "vps.rollback", "--host", "one", code=PreflightError.exit_code)
    assert "_password of the base was changed: this release has the former one" in done.stderr


def test_a_push_changes_both_passwords_of_a_second_host(scene: Scene) -> None:
    found = told(scene, "vps.secrets.diff", "--host", "all")
    assert [bool(one["result"]["differences"]) for one in found] == [False, True]

    told(scene, "vps.secrets.push", "--host", "all")

    asked(scene, "vps.secrets.diff", "--host", "all", "--check")


def test_a_deploy_with_a_former_password_is_refused(scene: Scene) -> None:
    now = scene.env_file.read_text()
    mine = values(scene)["REDIS_PASSWORD"]
    scene.env_file.write_text(now.replace(mine, mine[::-1]))
    code = PreflightError.exit_code
    done = asked(scene, "vps.deploy", "--host", "one", *scene.version("1"), code=code)
    assert "has another redis_password" in done.stderr
    scene.env_file.write_text(now)


@pytest.mark.parametrize("name", PASSWORDS)
def test_the_way_back_when_the_push_fails(scene: Scene, name: str) -> None:
    before, now = values(scene), scene.env_file.read_text()
    scene.env_file.write_text(now + NO_STORAGE)
    inputs = {"storage_provider": "s3", "storage_bucket_name": "none"}
    write_hosts(scene, inputs=inputs, health_seconds=5)
    serving = told(scene, "vps.status", "--host", "one")["serving"]

    words = ("vps.secrets.rotate", "--name", name, "--host", "one")
    done = scene.invoke(*words, check=False)
    scene.env_file.write_text(scene.env_file.read_text().removesuffix(NO_STORAGE))
    write_hosts(scene)

    assert done.exit_code == ReleaseError.exit_code, done.stderr

    assert "has the former value again" in done.stderr
    assert values(scene)[name] == before[name]
    assert told(scene, "vps.status", "--host", "one")["serving"] == serving
    is_settled(scene)
    assert scene.do_job()["state"] == "done"


@pytest.mark.parametrize(
    ("found", "end"),
    [
        (f"test -e {RECORD}", "former"),
        (f"""test -e {RECORD} && grep -qs '"phase": "SWITCHED"' {ROOT}/journal.json""", "new"),
    ],
    ids=["while both are taken", "after the switch"],
)
def test_a_runner_that_is_killed_meanwhile_leaves_what_the_next_command_settles(
    scene: Scene, found: str, end: str
) -> None:
    before = values(scene)
    killed_at(scene, found, "vps.secrets.rotate", "--name", "POSTGRES_PASSWORD", "--host", "one")
    is_new = values(scene)["POSTGRES_PASSWORD"] != before["POSTGRES_PASSWORD"]
    assert is_new == (end == "new")
    assert scene.serving() == "1"  # as it was left

    done = asked(scene, "vps.deploy", "--host", "one", *scene.version("1"))

    assert f"only the {end} one is taken now" in done.stderr
    is_settled(scene)
    assert scene.do_job()["state"] == "done"


def killed_at(scene: Scene, found: str, *words: str) -> None:
    """Run a command, and kill the runner the moment that *found* (a shell test) holds there."""
    script = (
        f"until {found}; do sleep 0.01; done; "
        f"kill -9 $(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' {ROOT}/lock)"
    )
    shot = subprocess.Popen(  # noqa: S603 - a list of words
        enter_command(scene.server.leader, ["timeout", "120", "sh", "-c", script])
    )
    asked(scene, *words, code=ReleaseError.exit_code)
    assert shot.wait(130) == 0


def test_nothing_that_is_written_down_holds_a_value(scene: Scene) -> None:
    named = ("-name", "*.jsonl", "-o", "-name", "*.log")
    files = root(scene, "find", ROOT, *named).stdout.split()
    kinds = {file.removeprefix(f"{ROOT}/").replace(serving(scene), "ID") for file in files}
    assert kinds >= {"audit.jsonl", "releases/ID/events.jsonl", "releases/ID/runner.log"}
    read = root(scene, "cat", *files).stdout + root(scene, "journalctl").stdout
    secrets = {name: value for name, value in values(scene).items() if len(value) > 30}
    assert secrets.keys() >= {*PASSWORDS, "SECRET_KEY"}
    assert [name for name, secret in secrets.items() if secret in read] == []


def serving(scene: Scene) -> str:
    return str(told(scene, "vps.status", "--host", "one")["serving"])
