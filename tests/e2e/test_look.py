"""Look at a real server, hold it, switch its maintenance, prune and destroy."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from hostwright.errors import Busy, PreflightError, SettingsError, UserError
from hostwright.rig import Rig
from hostwright.rig.load import trust
from hostwright.rig.scene import API_DOMAIN, APP_DOMAIN, HOST, Scene
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

pytestmark = pytest.mark.server

ROOT = "/var/lib/hostwright/app"
#: Longer than the minute after which Caddy asks again for a certificate that it did not get.
LONG = 150.0
#: What stands beside the application, and is not its own.
STRANGERS = ("other_data", "other/app:1")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"look-{os.getpid()}") as rig:
        made = Scene.set_up(rig, keep_releases=2, warm_seconds=0)
        made.trust()
        made.invoke("vps.provision", "--host", HOST)
        made.invoke("vps.deploy", "--host", HOST, *made.version("1"))
        yield made


def told(scene: Scene, *words: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(scene.invoke(words[0], "--host", HOST, *words[1:], "--json").stdout)


def within(scene: Scene, *words: str, role: str = "api", stdin: bytes | None = None) -> Completed:
    """A command in a role's container."""
    argv = [
        sys.executable,
        "-m",
        "invoke",
        "vps.exec",
        "--host",
        HOST,
        "--role",
        role,
        "--",
        *words,
    ]
    return run(argv, cwd=scene.clone, env=scene.env, stdin=stdin, check=False)


def docker(scene: Scene, *words: str) -> list[str]:
    return scene.server.exec(["docker", *words]).stdout.split()


def until(happened: Any) -> None:  # noqa: ANN401 - anything that is true or not
    deadline = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def log(scene: Scene, text: str) -> None:
    """Let the api write a line, as its own process does."""
    done = within(scene, "sh", "-c", f"echo {text} > /proc/1/fd/1")
    assert done.exit_code == 0, done.stderr


# --- looking --------------------------------------------------------------------------------------


def test_releases_and_audit_tell_what_was_deployed_and_by_whom(scene: Scene) -> None:
    [release] = told(scene, "vps.releases")["releases"]
    shown = scene.invoke("vps.releases", "--host", HOST).stdout
    audit = told(scene, "vps.audit")["entries"]

    assert f"* {release['id']}" in " ".join(shown.split())
    assert shown.splitlines()[-1].endswith(f"Serving now: {release['id']}.")
    [line] = [entry for entry in audit if entry["op"] == "deploy"]
    assert (line["release"], line["outcome"], line["user"]) == (release["id"], "done", "deploy")
    assert release["id"] in scene.invoke("vps.audit", "--host", HOST).stdout


def test_a_command_has_its_input_its_outputs_and_its_exit_code(scene: Scene) -> None:
    done = within(scene, "sh", "-c", "cat; echo wrong >&2; exit 7", stdin=b"a\x00\xff\n" * 50_000)

    assert done.exit_code == 7
    assert len(done.stdout.splitlines()) == 50_000
    assert done.stderr == "wrong\n"
    last = told(scene, "vps.audit", "--lines", "1")["entries"][0]
    assert (last["op"], last["program"], last["exit_code"]) == ("exec", "sh", 7)
    assert "wrong" not in json.dumps(last)


def test_a_command_in_a_role_that_is_not_there_names_those_that_are(scene: Scene) -> None:
    done = within(scene, "true", role="mailer")

    assert done.exit_code == UserError.exit_code
    assert "api, caddy, postgres, redis, web, worker" in done.stderr
    assert within(scene, "psql", "-U", "app", "-c", "select 1", role="postgres").exit_code == 0


def test_on_a_terminal_the_command_gets_one_of_its_size(scene: Scene) -> None:
    shown = on_a_terminal(scene, "sh", "-c", "test -t 0 && test -t 1 && stty size && exit 5")

    assert shown == ("31 97", 5)


def on_a_terminal(scene: Scene, *words: str) -> tuple[str, int]:
    """What `vps.exec` shows on a terminal of 31 rows and 97 columns, and its exit code."""
    import fcntl
    import struct
    import termios

    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    argv = [sys.executable, "-m", "invoke", "vps.exec", "--host", HOST, "--", *words]
    env = {**os.environ, **scene.env}
    for name in ("COLUMNS", "LINES"):
        env.pop(name, None)
    process = subprocess.Popen(  # noqa: S603 - the operator's own command
        argv, cwd=scene.clone, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while select.select([mine], [], [], LONG)[0]:
        try:
            shown += os.read(mine, 4096)
        except OSError:  # its other side was closed
            break
    os.close(mine)
    return shown.decode().strip(), process.wait(LONG)


def test_logs_are_blanked_and_followed_over_a_deploy(scene: Scene) -> None:
    log(scene, "'the key is '\"$SECRET_KEY\"' and that is it'")
    shown = scene.invoke("vps.logs", "--host", HOST, "--role", "api", "--lines", "20")
    assert "the key is *** and that is it" in shown.stdout
    assert scene.seen(shown) == []

    argv = [sys.executable, "-m", "invoke", "vps.logs", "--host", HOST, "--follow", "--json"]
    out = scene.home / "followed"
    with out.open("wb") as file:
        follower = subprocess.Popen(  # noqa: S603 - as above
            argv, cwd=scene.clone, env={**os.environ, **scene.env}, stdout=file
        )
    try:
        until(lambda: b"that is it" in out.read_bytes())
        log(scene, "before-the-deploy")
        until(lambda: b"before-the-deploy" in out.read_bytes())
        scene.invoke("vps.deploy", "--host", HOST, *scene.version("2"))
        log(scene, "after-the-deploy")
        until(lambda: b"after-the-deploy" in out.read_bytes())
    finally:
        follower.terminate()
        follower.wait(LONG)

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    texts = [line["text"] for line in lines]
    for once in ("before-the-deploy", "after-the-deploy", "the key is *** and that is it"):
        assert texts.count(once) == 1
    assert {line["role"] for line in lines} == {"api", "web", "worker"}
    assert not [item for item in scene.secrets() if item in out.read_text()]
    # Nobody follows any more: the runner there has noticed that the connection is gone.
    until(lambda: "session --app" not in scene.server.exec(["ps", "ax"]).stdout)


def test_logs_since_a_moment_hold_nothing_older(scene: Scene) -> None:
    time.sleep(2)
    log(scene, "the-newest")
    shown = scene.invoke(
        "vps.logs", "--host", HOST, "--role", "api", "--lines", "0", "--since", "1s"
    )

    assert "after-the-deploy" not in shown.stdout
    wrong = scene.invoke("vps.logs", "--host", HOST, "--since", "soon", check=False)
    assert wrong.exit_code == UserError.exit_code


# --- maintenance and a person's lock --------------------------------------------------------------


def statuses(client: httpx.Client, scene: Scene, *urls: str) -> list[tuple[int, Any]]:
    """The status of each answer, and the connection that it came over."""
    found = []
    for url in urls:
        parts = httpx.URL(url)
        answer = client.get(
            parts.copy_with(host=scene.server.address),
            headers={"Host": parts.host},
            extensions={"sni_hostname": parts.host},
        )
        stream = answer.extensions["network_stream"]
        found.append((answer.status_code, stream.get_extra_info("client_addr")))
    return found


def test_maintenance_is_switched_without_closing_a_connection(scene: Scene) -> None:
    web, api = f"https://{APP_DOMAIN}/api/version", f"https://{API_DOMAIN}/health/ready"
    verify, kept = trust(str(scene.acme.root_pem)), httpx.Limits(keepalive_expiry=LONG * 10)
    with httpx.Client(verify=verify, limits=kept, trust_env=False) as client:
        [(before, connection)] = statuses(client, scene, web)
        scene.invoke("vps.maintenance", "--host", HOST, "--on", "--reason", "a new disk")
        during = statuses(client, scene, web, f"https://{APP_DOMAIN}/api/health")
        scene.invoke("vps.maintenance", "--host", HOST, "--on", "--allow", "10.99.0.0/16")
        passing = statuses(client, scene, web)
        scene.invoke("vps.maintenance", "--host", HOST, "--on", "--allow", "203.0.113.0/24")
        shut = statuses(client, scene, web)
        scene.invoke("vps.maintenance", "--host", HOST, "--off")
        after = statuses(client, scene, web)

    assert before == 200
    assert during == [(503, connection), (200, connection)]
    assert (passing, shut, after) == ([(200, connection)], [(503, connection)], [(200, connection)])
    assert scene.request("GET", api).status_code == 200


def test_what_visitors_see_says_when_to_come_again(scene: Scene) -> None:
    scene.invoke("vps.maintenance", "--host", HOST, "--on")

    page = scene.request("GET", f"https://{APP_DOMAIN}/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "120")
    assert "Back in a moment" in page.text
    answer = scene.request("POST", f"https://{API_DOMAIN}/items", {"name": "x"})
    assert (answer.status_code, answer.json()) == (503, {"error": "maintenance"})
    assert answer.headers["Retry-After"] == "120"


def test_a_held_host_refuses_releases_and_says_who_holds_it(scene: Scene) -> None:
    scene.invoke("vps.lock", "--host", HOST, "--take", "--reason", "mending by hand")
    before = told(scene, "vps.status")["serving"]

    for words in (
        ["vps.deploy", *scene.version("1")],
        ["vps.rollback"],
        ["vps.prune", "--keep", "1"],
    ):
        done = scene.invoke(words[0], "--host", HOST, *words[1:], check=False)
        assert done.exit_code == Busy.exit_code, done.stdout
        assert "mending by hand" in done.stderr
    assert told(scene, "vps.status")["serving"] == before


def test_both_outlive_a_power_cycle_and_maintenance_a_rollback(scene: Scene) -> None:
    scene.server.power_off()
    scene.server.boot()

    health = f"https://{API_DOMAIN}/health/ready"

    def well() -> bool:
        try:
            return scene.request("GET", health).status_code == 200
        except httpx.HTTPError:
            return False

    until(well)
    assert scene.request("GET", f"https://{APP_DOMAIN}/").status_code == 503
    assert told(scene, "vps.lock")["hold"]["reason"] == "mending by hand"
    assert scene.invoke("vps.rollback", "--host", HOST, check=False).exit_code == Busy.exit_code

    scene.invoke("vps.lock", "--host", HOST, "--release")
    scene.invoke("vps.rollback", "--host", HOST)
    assert scene.request("GET", f"https://{APP_DOMAIN}/").status_code == 503
    scene.invoke("vps.maintenance", "--host", HOST, "--off")
    assert scene.serving() == "1"
    ops = [entry["op"] for entry in told(scene, "vps.audit")["entries"]]
    assert {"lock", "unlock", "maintenance-on", "maintenance-off", "rollback"} <= set(ops)


# --- prune and destroy ----------------------------------------------------------------------------


def strangers(scene: Scene) -> list[str]:
    volumes = docker(scene, "volume", "ls", "--format", "{{.Name}}")
    images = docker(scene, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    return [name for name in STRANGERS if name in {*volumes, *images}]


def test_prune_says_what_it_removes_and_leaves_what_is_not_ours(scene: Scene) -> None:
    docker(scene, "volume", "create", "other_data")
    ours = docker(scene, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "hostwright/app-*")
    docker(scene, "tag", ours[0], "other/app:1")
    docker(scene, "tag", ours[0], "hostwright/app-api:left0000left")
    scene.server.exec(["mkdir", "-p", f"{ROOT}/releases/.20260101t000000z-abcdef0"])
    serving, gone = told(scene, "vps.releases")["serving"], "hostwright/app-api:left0000left"

    looked = told(scene, "vps.prune", "--keep", "1", "--dry-run")
    assert gone in docker(scene, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    done = told(scene, "vps.prune", "--keep", "1")

    assert len(looked["releases"]) == 1
    for key in ("releases", "images", "leftovers"):
        assert done[key] == looked[key]
    assert gone in done["images"]
    assert done["leftovers"] == [f"{ROOT}/releases/.20260101t000000z-abcdef0"]
    assert [one["id"] for one in told(scene, "vps.releases")["releases"]] == [serving]
    assert strangers(scene) == list(STRANGERS)
    assert scene.serving() == "1"
    again = scene.invoke("vps.prune", "--host", HOST, "--keep", "1")
    assert "nothing to remove" in again.stdout


def test_a_destroy_wants_the_hosts_name(scene: Scene) -> None:
    for words in ([], ["--confirm", "shop"], ["--confirm", "app"]):
        done = scene.invoke("vps.destroy", "--host", HOST, *words, check=False)
        assert done.exit_code == SettingsError.exit_code
    assert scene.serving() == "1"


def test_a_destroy_that_is_killed_is_finished_and_the_host_takes_a_deploy_again(
    scene: Scene,
) -> None:
    argv = [sys.executable, "-m", "invoke", "vps.destroy", "--host", HOST, "--confirm", HOST]
    destroying = subprocess.Popen(  # noqa: S603 - as above
        argv, cwd=scene.clone, env={**os.environ, **scene.env}, stderr=subprocess.DEVNULL
    )
    marked = f"test -e {ROOT}/destroying.json"
    until(lambda: scene.server.exec(["sh", "-c", marked], check=False).exit_code == 0)
    owner = json.loads(scene.server.exec(["cat", f"{ROOT}/lock"]).stdout)
    scene.server.exec(["kill", "-9", str(owner["pid"])])
    assert destroying.wait(LONG) != 0

    refused = scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"), check=False)
    assert refused.exit_code == PreflightError.exit_code
    assert "a destroy of this application was begun" in refused.stderr

    done = scene.invoke("vps.destroy", "--host", HOST, "--confirm", HOST)
    assert "Serving now: nothing." in done.stdout
    assert_gone(scene)
    scene.invoke("vps.deploy", "--host", HOST, *scene.version("2"))
    assert scene.serving() == "2"
    assert scene.do_job()["state"] == "done"


def test_a_warm_release_ends_by_its_timer_when_nobody_commands_anything(scene: Scene) -> None:
    first = told(scene, "vps.releases")["serving"]
    scene.write_hosts(warm_seconds=30)

    scene.invoke("vps.deploy", "--host", HOST, *scene.version("1"))

    assert cooling(scene)
    assert {f"app-{first}-api", f"app-{first}-web"} <= names_of(scene, first)
    until(lambda: not names_of(scene, first))
    until(lambda: not cooling(scene))
    audit = told(scene, "vps.audit", "--lines", "5")["entries"]
    assert [one["outcome"] for one in audit if one["actor"] == "cool"] == ["done"]
    assert scene.serving() == "1"
    assert scene.do_job()["done_by"] == "1"


def cooling(scene: Scene) -> str:
    """The timer that ends what is warm, and its service."""
    argv = ["systemctl", "list-units", "--all", "--no-legend", "hostwright-cool-app_*"]
    return scene.server.exec(argv).stdout.strip()


def names_of(scene: Scene, release: str) -> set[str]:
    return set(
        docker(scene, "ps", "--all", "--format", "{{.Names}}", "--filter", f"name={release}")
    )


def assert_gone(scene: Scene) -> None:
    for kind, form in (
        ("ps -a", "{{.Names}}"),
        ("network ls", "{{.Name}}"),
        ("volume ls", "{{.Name}}"),
    ):
        names = docker(scene, *kind.split(), "--format", form)
        assert not [name for name in names if name.startswith(("app-", "app_"))]
    images = docker(scene, "image", "ls", "--format", "{{.Repository}}")
    assert not [name for name in images if name.startswith("hostwright/app-")]
    assert strangers(scene) == list(STRANGERS)
    there = set(scene.server.exec(["ls", "-A", ROOT]).stdout.split())
    assert "audit.jsonl" in there
    assert not there & {"destroying.json", "facts.json", "caddy.json", "hold.json", "journal.json"}
    assert scene.server.exec(["ls", "-A", f"{ROOT}/releases", f"{ROOT}/live"]).stdout.split() == [
        f"{ROOT}/live:",
        f"{ROOT}/releases:",
    ]
    assert told(scene, "vps.provision")["changes"] == []
