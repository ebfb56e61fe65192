"""A deploy on this side of the connection: what is gathered, refused, decided and followed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.unit.contract.given_values import SECRETS, with_roles
from tests.unit.contract.planted import real

from hostwright import deploy, image_pins, paths
from hostwright.contract.envfile import encode
from hostwright.deploy import (
    Local,
    decide_images,
    follow,
    gather,
    make,
    static_files,
    wanted_images,
)
from hostwright.errors import PreflightError, SettingsError, ToolError, UserError, ValuesError
from hostwright.images import LocalImage, host_tag
from hostwright.runner import bundle as receiving
from hostwright.settings import Host, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIN = f"@sha256:{'ab' * 32}"
IMAGES = {"api": f"shop-api{PIN}", "web": f"shop-web{PIN}"}
BASE = {name: f"{name}{PIN}" for name in ("caddy", "postgres", "redis")}
HELLO = {"images": {}, "arch": "amd64", "disk_free": 1 << 40, "layers": [], "runner": "x"}


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
    "an extra that is the contract's": (
        {},
        {"web_env": {"DATABASE_URL": "x"}},
        SettingsError,
        "DATABASE_URL is a variable of the contract",
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
    found = wanted_images(real(), Host.model_validate(stated))
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
    found = wanted_images(real(), Host(address="a", images=given))
    assert (found["worker"], found["migrate"]) == (worker, migrate)


def test_an_absent_role_needs_no_image() -> None:
    found = wanted_images(with_roles("web"), Host(address="a", images={"web": "w:1"}))
    assert {name for name in found if name not in BASE} == {"web"}


def test_a_tag_that_the_host_will_pull_becomes_the_digest_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_pins, "resolve", lambda _: "sha256:" + "cd" * 32)
    tagged = {"api": "localhost:5000/shop:1", "web": f"shop-web{PIN}"}
    local = gather(host(tmp_path, images=tagged))
    assert local.wanted["api"] == f"localhost:5000/shop@sha256:{'cd' * 32}"
    assert local.wanted["web"] == f"shop-web{PIN}"


def test_a_registry_that_does_not_answer_is_a_tools_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ToolError, match=r"localhost:1/shop:1: the registry .* does not answer"):
        gather(host(tmp_path, images={"api": "localhost:1/shop:1", "web": f"shop-web{PIN}"}))


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
    ]
    assert outcome == deploy.Outcome(
        serving="r2",
        previous="r1",
        seconds=1.5,
        connect_seconds=0.5,
        phases={"PREPARED": 0.1, "MIGRATED": 0.7},
    )
