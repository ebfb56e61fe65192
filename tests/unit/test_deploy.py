"""A deploy on this side of the connection: what is gathered, refused, decided and followed."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.unit.contract.given_values import SECRETS, with_roles
from tests.unit.contract.planted import real

from hostwright import deploy, image_pins, images, paths, registries, resting, runner_archive
from hostwright.backup import operate
from hostwright.contract.envfile import encode
from hostwright.deploy import (
    Local,
    base_change,
    decide_images,
    follow,
    gather,
    make,
    room_for_pulls,
    static_files,
    wanted_images,
)
from hostwright.errors import (
    Busy,
    PreflightError,
    RegistryLogin,
    SettingsError,
    ToolError,
    UserError,
    ValuesError,
)
from hostwright.images import RESERVE_BYTES, Decision, LocalImage, host_tag
from hostwright.registries import Login
from hostwright.release import build
from hostwright.rotation import push
from hostwright.runner import bundle as receiving
from hostwright.settings import Host, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIN = f"@sha256:{'ab' * 32}"
IMAGES = {"api": f"shop-api{PIN}", "web": f"shop-web{PIN}"}
BASE = {name: f"{name}{PIN}" for name in ("caddy", "postgres", "redis")}
COMPOSE = build.parsed(static_files()[build.COMPOSE])
HELLO: dict[str, Any] = {
    "runner": "x",
    "docker": "26.1.5",
    "compose": "2.26.1",
    "arch": "amd64",
    "disk_free": 1 << 40,
    "images": {},
    "layers": [],
    "releases": [],
    "serving": None,
    "base_applied": None,
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine here, and whoever opens a connection fails the test."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a connection was opened")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)


def host(directory: Path, values: dict[str, str] | None = None, **more: Any) -> Host:  # noqa: ANN401
    """Settings of a host with an env file of good values, changed by *values*."""
    path = directory / ".env.prod"
    path.write_text(encode({**SECRETS, **(values or {})}))
    path.chmod(0o600)
    stated: dict[str, Any] = {
        "address": "203.0.113.7",
        "app_domain": "app.example.com",
        "images": IMAGES,
        "base_images": BASE,
        "values": Values(env_file=str(path)),
    }
    return Host.model_validate({**stated, **more})


# --- gathering -----------------------------------------------------------------------------------


def test_everything_is_gathered_without_a_connection(tmp_path: Path) -> None:
    local = gather(host(tmp_path))
    assert local.app == "app"
    assert local.wanted == {
        **BASE,
        **IMAGES,
        "worker": IMAGES["api"],
        "migrate": IMAGES["api"],
    }
    assert local.here == {}
    assert local.given["SECRET_KEY"].value == SECRETS["SECRET_KEY"]


def test_the_hosts_own_project_name_is_the_applications(tmp_path: Path) -> None:
    assert gather(host(tmp_path, project_name="shop")).app == "shop"


REFUSED: dict[str, tuple[dict[str, str], dict[str, Any], type[UserError], str]] = {
    "a short secret": ({"SECRET_KEY": "short"}, {}, ValuesError, "SECRET_KEY is a secret of fewer"),
    "a blank secret": ({"REDIS_PASSWORD": " "}, {}, ValuesError, "REDIS_PASSWORD is blank"),
    "an undeclared name": ({"SECRET_KEYZ": "x"}, {}, ValuesError, "Did you mean SECRET_KEY?"),
    "a provider without its variables": (
        {},
        {"inputs": {"secrets_provider": "aws_sm"}},
        ValuesError,
        "AWS_REGION is missing; production requires it",
    ),
    "no domain for web": ({}, {"app_domain": None}, SettingsError, "no host name for the web role"),
    "no image": ({}, {"images": {"api": "a:1"}}, SettingsError, "no image for web"),
    "an unknown input": ({}, {"inputs": {"db_nam": "x"}}, SettingsError, "Did you mean db_name?"),
    "an input of the wrong type": (
        {},
        {"inputs": {"api_memory_mib": "2Gi"}},
        SettingsError,
        "is not a whole number",
    ),
    "a variable of other roles": (
        {},
        {"web_env": {"DATABASE_URL": "x"}},
        ValuesError,
        "hosts.yaml, web_env: DATABASE_URL does not belong to web",
    ),
    "no authority": (
        {},
        {"acme": {"root": "/nonexistent/root.pem"}},
        SettingsError,
        "/nonexistent/root.pem: cannot be read: No such file",
    ),
}


@pytest.mark.parametrize(
    ("values", "settings", "kind", "said"), REFUSED.values(), ids=list(REFUSED)
)
def test_what_would_break_a_release_is_refused_before_a_host_is_asked(
    values: dict[str, str],
    settings: dict[str, Any],
    kind: type[UserError],
    said: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(kind) as refused:
        gather(host(tmp_path, values, **settings))
    assert said in str(refused.value)
    assert not [secret for secret in SECRETS.values() if secret in str(refused.value)]


def test_a_missing_value_is_refused_and_counted(tmp_path: Path) -> None:
    stated = host(tmp_path)
    path = tmp_path / ".env.prod"
    path.write_text(encode({name: SECRETS[name] for name in ("SECRET_KEY", "POSTGRES_PASSWORD")}))
    with pytest.raises(ValuesError) as refused:
        gather(stated)
    head, *lines = str(refused.value).splitlines()
    assert head == "3 problems with the values; nothing was touched"
    assert [line.split()[1] for line in lines] == [
        "AUTH_PASSWORD_PEPPER",
        "AUTH_SESSION_ENCRYPTION_KEY",
        "REDIS_PASSWORD",
    ]


# --- images --------------------------------------------------------------------------------------


def test_the_base_images_are_those_of_images_yaml_unless_the_host_says_otherwise() -> None:
    pins = {pin.name: pin for pin in image_pins.read(paths.IMAGES)}
    stated = {"address": "a", "images": IMAGES, "base_images": {"redis": "valkey:8"}}
    found = wanted_images(real(), Host.model_validate(stated), COMPOSE)
    assert found["caddy"].startswith(pins["caddy"].ref.partition(":")[0])
    assert found["redis"] == "valkey:8"


@pytest.mark.parametrize(
    ("given", "worker", "migrate"),
    [
        ({"api": "a:1", "web": "w:1"}, "a:1", "a:1"),
        ({"api": "a:1", "web": "w:1", "worker": "k:1"}, "k:1", "k:1"),
        ({"api": "a:1", "web": "w:1", "worker": "k:1", "migrate": "m:1"}, "k:1", "m:1"),
    ],
)
def test_worker_and_migrate_fall_back(given: dict[Any, str], worker: str, migrate: str) -> None:
    found = wanted_images(real(), Host(address="a", images=given), COMPOSE)
    assert (found["worker"], found["migrate"]) == (worker, migrate)


@pytest.mark.parametrize(
    ("roles", "needed"),
    [
        (("web",), {"web", "caddy"}),
        (("api",), {"api", *BASE}),
        (("web", "worker"), {"web", "worker", *BASE}),
    ],
)
def test_an_absent_role_needs_no_image_nor_does_a_store_that_no_role_uses(
    roles: tuple[Any, ...], needed: set[str]
) -> None:
    images: dict[Any, str] = dict.fromkeys(("api", "web", "worker"), "w:1")
    found = wanted_images(with_roles(*roles), Host(address="a", images=images), COMPOSE)
    assert set(found) == needed


def test_a_tag_that_the_host_will_pull_becomes_the_digest_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_pins, "resolve", lambda *_, **__: "sha256:" + "cd" * 32)
    tagged = {"api": "localhost:5000/shop:1", "web": f"shop-web{PIN}"}
    local = gather(host(tmp_path, images=tagged))
    assert local.wanted["api"] == f"localhost:5000/shop@sha256:{'cd' * 32}"
    assert local.wanted["web"] == f"shop-web{PIN}"


def test_a_registry_is_asked_once_for_each_reference_and_for_latest_without_a_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag may move between two questions: the roles of one release have one image."""
    asked: list[str] = []

    def answer(reference: str, *, login: object) -> str:
        assert login is None
        asked.append(reference)
        return f"sha256:{len(asked):064}"

    monkeypatch.setattr(image_pins, "resolve", answer)
    tagged = {"api": "localhost:5000/shop", "web": "localhost:5000/web:1"}
    wanted = gather(host(tmp_path, images=tagged)).wanted
    assert asked == ["localhost:5000/shop:latest", "localhost:5000/web:1"]
    assert wanted["api"] == wanted["worker"] == wanted["migrate"]
    assert wanted["api"] == f"localhost:5000/shop@sha256:{1:064}"


def test_a_tag_beside_a_digest_means_nothing_and_goes(tmp_path: Path) -> None:
    local = gather(host(tmp_path, images={**IMAGES, "api": f"localhost:5000/shop:1{PIN}"}))
    assert local.wanted["api"] == f"localhost:5000/shop{PIN}"


def test_no_registry_is_asked_where_images_only_travel_over_ssh(tmp_path: Path) -> None:
    tagged = {"api": "localhost:5000/shop:1", "web": "localhost:5000/web:1"}
    local = gather(host(tmp_path, images=tagged, transport="ssh"))
    assert local.wanted["api"] == "localhost:5000/shop:1"


def test_a_registry_that_does_not_answer_is_a_tools_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    words = r"localhost:1/shop:1: the registry localhost:1 does not answer: refused"
    with pytest.raises(ToolError, match=words) as refused:
        gather(host(tmp_path, images={"api": "localhost:1/shop:1", "web": f"shop-web{PIN}"}))
    assert "Give localhost:1/shop@sha256:" in refused.value.remedy


def test_images_are_decided_by_what_the_host_says(tmp_path: Path) -> None:
    local = gather(host(tmp_path))
    shop = LocalImage("shop:1", f"sha256:{'1' * 64}", "amd64", 1, ())
    here = Local(**{**vars(local), "here": {"shop:1": shop}, "wanted": {"api": "shop:1"}})
    decision = decide_images(here, HELLO)
    assert decision.to_send == {host_tag("app", "api", shop.id): shop}
    with pytest.raises(UserError, match="is built for amd64, the host is arm64"):
        decide_images(here, {**HELLO, "arch": "arm64"})
    with pytest.raises(PreflightError, match="the host has"):
        decide_images(here, {**HELLO, "disk_free": 1})
    held = {host_tag("app", "api", shop.id): shop.id}
    assert decide_images(here, {**HELLO, "disk_free": 1, "images": held}).to_send == {}


def test_what_is_pulled_is_counted_once_and_has_to_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mib = 1024**2
    sizes = {IMAGES["api"]: {"base": 60 * mib, "api": 10 * mib}, IMAGES["web"]: {"base": 60 * mib}}
    monkeypatch.setattr(image_pins, "downloads", lambda ref, *_: sizes[ref])
    local = gather(host(tmp_path))
    wanted = Local(**{**vars(local), "wanted": {"api": IMAGES["api"], "web": IMAGES["web"]}})
    needed = 4 * 70 * mib + RESERVE_BYTES

    enough = {**HELLO, "disk_free": needed}
    assert room_for_pulls(decide_images(wanted, enough), enough, pytest.fail, {}) == RESERVE_BYTES
    with pytest.raises(PreflightError, match="needs 280 MiB to load the images"):
        room_for_pulls(decide_images(wanted, HELLO), {**enough, "disk_free": needed - 1}, print, {})


@pytest.mark.parametrize("kind", [ToolError, RegistryLogin])
def test_a_registry_that_answers_only_the_host_leaves_the_size_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[UserError]
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise kind("the registry gives it only after a login")

    monkeypatch.setattr(image_pins, "downloads", refuse)
    told: list[str] = []
    decision = decide_images(gather(host(tmp_path)), HELLO)
    assert room_for_pulls(decision, {**HELLO, "disk_free": 7}, told.append, {}) == 7
    [note] = told
    assert "only after a login" in note


def test_a_login_that_the_registry_refuses_ends_it_before_the_host_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def refuse(*given: object) -> NoReturn:
        asked.append(given)
        raise RegistryLogin("the registry docker.io does not give it to me")

    monkeypatch.setattr(image_pins, "downloads", refuse)
    login = Login("me", "REGISTRY_PASSWORD", "s3cr3t")
    decision = decide_images(gather(host(tmp_path)), HELLO)
    with pytest.raises(RegistryLogin, match="does not give it to me"):
        room_for_pulls(decision, HELLO, pytest.fail, {"docker.io": login})
    assert asked[0][2] is login


def test_nothing_is_asked_about_what_is_not_pulled(tmp_path: Path) -> None:
    held = dict.fromkeys({*IMAGES.values(), *BASE.values()}, "sha256:1")
    hello = {**HELLO, "images": held, "disk_free": 7}
    decision = decide_images(gather(host(tmp_path)), hello)
    assert room_for_pulls(decision, hello, pytest.fail, {}) == 7


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"docker": None, "arch": None, "compose": None}, "Docker cannot be used on the host"),
        ({"compose": None}, "Docker Compose cannot be used on the host"),
    ],
)
def test_a_host_whose_docker_is_down_is_not_told_of_another_processor(
    tmp_path: Path, missing: dict[str, None], said: str
) -> None:
    with pytest.raises(PreflightError, match=said) as refused:
        decide_images(gather(host(tmp_path)), {**HELLO, **missing})
    assert "systemctl status docker" in refused.value.remedy


def test_a_host_that_is_at_work_is_left_alone_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = runner_archive.build().version
    busy = {"pid": 7, "actor": "me@laptop", "op": "deploy", "since": 1}

    class Channel:
        def __init__(self) -> None:
            self.sent: list[bytes] = []

        def read_line(self) -> str:
            hello = {**HELLO, "event": "hello", "runner": version, "busy": busy}
            return json.dumps(hello)

        def send(self, content: bytes, *_: object) -> None:
            self.sent.append(content)

        def close(self) -> None: ...

    channel = Channel()

    class Session:
        address = "203.0.113.7"

        def open(self, _: str) -> Channel:
            return channel

    local = gather(host(tmp_path))
    monkeypatch.setattr(images, "save", pytest.fail)
    with pytest.raises(Busy, match=r"me@laptop is running deploy there \(process 7\)"):
        deploy.deploy(Session(), local, Shown())  # type: ignore[arg-type] # they have what is used
    assert channel.sent == []


def test_every_command_that_changes_a_host_waits_for_its_own_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waits(Exception):
        pass

    def at_rest(*_: object) -> None:
        raise Waits

    monkeypatch.setattr(resting, "at_rest", at_rest)
    monkeypatch.setattr(operate, "content", lambda _: b"settings")
    monkeypatch.setattr(registries, "logins", lambda *_: {})
    session: Any = None
    told: Any = Shown()
    local = gather(host(tmp_path))
    for begin in (
        lambda: deploy.deploy(session, local, told),
        lambda: deploy.rollback(session, local.host, "app", None, told),
        lambda: push.push(session, local, told),
        lambda: operate.ask(session, local.host, "app", {}, told),
        lambda: operate.recover(session, local.host, "app", {}, told),
    ):
        with pytest.raises(Waits):
            begin()


# --- the base stays ------------------------------------------------------------------------------

CADDY = LocalImage("caddy:2.11", f"sha256:{'c' * 64}", "amd64", 1, ())
SENT = host_tag("app", "caddy", CADDY.id)


def based(local: Local, decision: Decision, **hello: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The greeting of a host on which what was decided there serves now."""
    release = make(local, decision, "amd64")
    applied = release.manifest["base_sha256"]
    images_of = release.manifest["images"]
    facts = {"id": release.id, "base_sha256": applied, "images": images_of}
    held = {entry["ref"]: f"sha256:{name}" for name, entry in images_of.items()}
    told = {"serving": release.id, "base_applied": applied, "releases": [facts], "images": held}
    return {**HELLO, **told, **hello}


def tagged(directory: Path, here: dict[str, LocalImage], caddy: str = "caddy:2.11") -> Local:
    """What is gathered where caddy has no digest, on a machine that has *here*."""
    local = gather(host(directory, base_images={**BASE, "caddy": f"caddy{PIN}"}))
    stated = local.host.model_copy(update={"base_images": {}})
    pinned = caddy if caddy in here else f"caddy@sha256:{'0' * 64}"
    wanted, asked = {**local.wanted, "caddy": pinned}, {**local.asked, "caddy": caddy}
    return Local(**{**vars(local), "host": stated, "here": here, "wanted": wanted, "asked": asked})


@pytest.mark.parametrize("laptop_first", [True, False])
def test_a_machine_with_the_image_and_one_without_it_leave_the_base_as_it_is(
    tmp_path: Path, *, laptop_first: bool
) -> None:
    machines = [tagged(tmp_path, {"caddy:2.11": CADDY}), tagged(tmp_path, {})]
    first, second = machines if laptop_first else machines[::-1]
    hello = based(first, decide_images(first, HELLO))

    decision = decide_images(second, hello)

    assert decision.to_send == {}
    release = make(second, decision, "amd64")
    assert release.manifest["base_sha256"] == hello["base_applied"]
    assert base_change(release, hello) is None


def test_a_newer_version_that_is_asked_for_is_brought_and_announced(tmp_path: Path) -> None:
    before = tagged(tmp_path, {})
    hello = based(before, decide_images(before, HELLO))
    newer = LocalImage("caddy:2.12", f"sha256:{'d' * 64}", "amd64", 1, ())
    after = tagged(tmp_path, {"caddy:2.12": newer}, "caddy:2.12")

    decision = decide_images(after, hello)

    assert list(decision.to_send) == [host_tag("app", "caddy", newer.id)]
    told = base_change(make(after, decision, "amd64"), hello)
    assert told is not None
    assert told.startswith("the base changes (image of caddy): ")


def test_an_image_that_the_host_lost_comes_again_and_the_change_is_announced(
    tmp_path: Path,
) -> None:
    laptop, pipeline = tagged(tmp_path, {"caddy:2.11": CADDY}), tagged(tmp_path, {})
    hello = based(laptop, decide_images(laptop, HELLO))
    del hello["images"][SENT]

    decision = decide_images(pipeline, hello)

    assert decision.placed["caddy"].pull
    assert base_change(make(pipeline, decision, "amd64"), hello) is not None


def test_a_first_deploy_announces_no_change(tmp_path: Path) -> None:
    local = tagged(tmp_path, {})
    assert base_change(make(local, decide_images(local, HELLO), "amd64"), HELLO) is None


# --- the release ---------------------------------------------------------------------------------


def test_a_release_is_one_that_the_runner_takes_and_each_has_its_own_salt(tmp_path: Path) -> None:
    local = gather(host(tmp_path))
    decision = decide_images(local, HELLO)
    one, two = (make(local, decision, "amd64") for _ in range(2))
    described, _, _ = receiving.read(one.pack())
    assert described.architecture == "amd64"
    assert described.images["api"].ref == IMAGES["api"]
    assert one.id != two.id
    assert one.manifest["salt"] != two.manifest["salt"]


def test_the_blueprints_files_are_found_and_nothing_of_the_operators(tmp_path: Path) -> None:
    names = set(static_files())
    assert {"docker-compose.prod.yml", "caddy/Caddyfile", "entrypoints/postgres.sh"} <= names
    assert not [name for name in names if name.startswith(("env/", "secrets/", "."))]
    assert tmp_path.exists()


# --- following -----------------------------------------------------------------------------------


class Shown:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begin(self, text: str) -> None:
        self.lines.append(f"begin {text}")

    def end(self, text: str, seconds: float) -> None:
        self.lines.append(f"end {text} {seconds}")

    def note(self, text: str) -> None:
        self.lines.append(f"note {text}")


class Told:
    """A runner with events to tell."""

    connect_seconds = 0.5
    since_connected = 0.9

    def __init__(self, *events: dict[str, Any]) -> None:
        self.told = events

    def events(self, *_: str) -> Iterator[dict[str, Any]]:
        yield from self.told


def test_an_operation_is_followed_phase_by_phase_to_its_outcome() -> None:
    told = Told(
        {"event": "accepted", "release": "r2"},
        {"event": "reconciled", "text": "r1 was finished"},
        {"event": "begin", "phase": "PREPARED"},
        {"event": "phase", "phase": "PREPARED", "seconds": 0.1},
        {"event": "begin", "phase": "MIGRATED"},
        {"event": "note", "text": "2 migrations"},
        {"event": "phase", "phase": "MIGRATED", "seconds": 0.7, "text": "to 0002"},
        {"event": "phase", "phase": "SWITCHED", "seconds": 0.01},
        {"event": "done", "serving": "r2", "previous": "r1", "seconds": 1.5},
    )
    shown = Shown()
    outcome = follow(told, told, shown)  # type: ignore[arg-type] # they have what is used
    assert shown.lines == [
        "note r1 was finished",
        "begin PREPARED",
        "end PREPARED 0.1",
        "begin MIGRATED",
        "note 2 migrations",
        "end MIGRATED   to 0002 0.7",
        "end SWITCHED 0.01",
    ]
    assert outcome == deploy.Outcome(
        serving="r2",
        previous="r1",
        seconds=1.5,
        connect_seconds=0.5,
        serving_seconds=0.9,
        phases={"PREPARED": 0.1, "MIGRATED": 0.7, "SWITCHED": 0.01},
    )


def test_what_served_already_has_no_time_of_its_own() -> None:
    told = Told({"event": "done", "serving": "r2", "previous": "r2", "seconds": 0.1})
    assert follow(told, told, Shown()).serving_seconds is None  # type: ignore[arg-type] # as above
