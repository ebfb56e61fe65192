"""Whose login a registry is asked with, where its password comes from, and what travels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.contract.planted import real

from hostwright import registries, secrets
from hostwright.errors import SettingsError, ValuesError
from hostwright.registries import Login
from hostwright.runner.registries import LONGEST
from hostwright.settings import Host

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t-of-the-test"
PIN = f"@sha256:{'ab' * 32}"
MINE = Login("me", "REGISTRY_PASSWORD", SECRET)
LOGINS = {"ghcr.io": MINE, "docker.io": Login("hub", "HUB_PASSWORD", "another")}


def host(directory: Path, values: str, **registries_: str) -> Host:
    """A host whose registries (with _ for a dot) have their passwords from these names."""
    path = directory / "values.env"
    path.write_text(values)
    path.chmod(0o600)
    asked = {
        server.replace("_", "."): {"username": "me", "password_from": name}
        for server, name in registries_.items()
    }
    stated = {"address": "a", "values": {"env_file": str(path)}, "registries": asked}
    return Host.model_validate(stated)


def test_a_password_is_a_value_that_no_role_gets(tmp_path: Path) -> None:
    given = host(tmp_path, f"LOG_LEVEL=info\nREGISTRY_PASSWORD={SECRET}\n", ghcr_io=MINE.variable)

    assert registries.logins(given, real()) == {"ghcr.io": MINE}
    assert SECRET not in repr(registries.logins(given, real()))
    names = secrets.gather(given.values, real(), "vps", registries.variables(given))
    assert set(names) == {"LOG_LEVEL"}


def test_the_environment_gives_a_password_only_where_it_is_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", SECRET)
    given = host(tmp_path, "", ghcr_io="REGISTRY_PASSWORD")
    with pytest.raises(ValuesError, match="no value for REGISTRY_PASSWORD"):
        registries.logins(given, real())

    values = given.values.model_copy(update={"environment": True})
    asked = given.model_copy(update={"values": values})
    assert registries.logins(asked, real()) == {"ghcr.io": MINE}
    apart = registries.variables(asked)
    assert "REGISTRY_PASSWORD" not in secrets.gather(values, real(), "vps", apart)


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_one_name(tmp_path: Path, name: str) -> None:
    value = "REGISTRY_PASSWORD_HUB"
    given = host(tmp_path, f"{value}={SECRET}\n", **{name: value})
    assert set(registries.logins(given, real())) == {"docker.io"}


def test_without_registries_no_source_is_read() -> None:
    unreadable = {"address": "a", "values": {"env_file": "gone.env"}}
    assert registries.logins(Host.model_validate(unreadable), real()) == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("", "no value for REGISTRY_PASSWORD"),
        ("REGISTRY_PASSWORD=\n", "no value for REGISTRY_PASSWORD"),
        ('REGISTRY_PASSWORD="two\nlines"\n', "is no password"),
        (f"REGISTRY_PASSWORD={'x' * (LONGEST + 1)}\n", "is no password"),
    ],
)
def test_a_password_that_is_not_given_or_is_none_is_told_with_its_place(
    tmp_path: Path, values: str, said: str
) -> None:
    with pytest.raises(ValuesError, match=said) as refused:
        registries.logins(host(tmp_path, values, ghcr_io="REGISTRY_PASSWORD"), real())
    assert refused.value.where == "a: registries.ghcr.io.password_from"
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "LOG_LEVEL", "BACKUP_S3_SECRET_ACCESS_KEY", "TOKEN"]
)
def test_a_name_that_is_not_kept_for_registries_is_refused(tmp_path: Path, name: str) -> None:
    given = host(tmp_path, f"{name}={SECRET}\n", ghcr_io=name)
    with pytest.raises(SettingsError, match=f"{name} is no name for the password"):
        registries.logins(given, real())


@pytest.mark.parametrize(
    ("references", "named"),
    [
        ([], []),
        (["hostwright/app-api:0123456789ab"], []),  # it was sent
        ([f"quay.io/a/b{PIN}"], []),
        ([f"ghcr.io/a/b{PIN}"], ["ghcr.io"]),
        ([f"ghcr.io/a/b{PIN}", f"ghcr.io/a/c{PIN}", f"redis{PIN}"], ["docker.io", "ghcr.io"]),
    ],
)
def test_only_the_logins_that_a_pull_needs_go_along(
    references: list[str], named: list[str]
) -> None:
    told = registries.going_along(LOGINS, references)
    assert sorted(told.get("registries", {})) == named


def test_a_login_travels_without_the_name_of_its_variable() -> None:
    told = registries.going_along(LOGINS, [f"ghcr.io/a/b{PIN}"])
    assert told == {"registries": {"ghcr.io": {"username": "me", "password": SECRET}}}


def hello(*gone: str) -> dict[str, Any]:
    """A host that keeps two releases, one of them without images of this name."""
    kept = {"api": {"ref": f"ghcr.io/a/b{PIN}"}, "web": {"ref": f"redis{PIN}"}}
    held = {entry["ref"]: "sha256:1" for name, entry in kept.items() if name not in gone}
    return {"releases": [{"id": "x", "images": kept}, {"id": "damaged"}], "images": held}


def test_a_return_brings_a_login_only_for_what_was_removed(tmp_path: Path) -> None:
    given = host(tmp_path, f"REGISTRY_PASSWORD={SECRET}\n", ghcr_io="REGISTRY_PASSWORD")
    brought = registries.for_return(given, hello("api"), pytest.fail)
    assert set(brought["registries"]) == {"ghcr.io"}
    assert registries.for_return(given, hello("web"), pytest.fail) == {}

    missing = given.model_copy(update={"values": given.values.model_copy(update={"env_file": "-"})})
    assert registries.for_return(missing, hello(), pytest.fail) == {}


def test_a_return_is_tried_without_a_password_that_cannot_be_read(tmp_path: Path) -> None:
    told: list[str] = []
    given = host(tmp_path, "", ghcr_io="REGISTRY_PASSWORD")
    assert registries.for_return(given, hello("api"), told.append) == {}
    [note] = told
    assert "no value for REGISTRY_PASSWORD" in note
