"""What a VPS makes itself: addresses and URLs, with any password and any roles."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.contract.given_values import HOSTS, INPUTS, SECRETS, with_roles
from tests.unit.contract.planted import real

from hostwright.contract.values import complete
from hostwright.release.composed import composed

if TYPE_CHECKING:
    from collections.abc import Mapping


def made(
    inputs: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] = SECRETS,
    *roles: str,
) -> dict[str, object]:
    contract = with_roles(*roles) if roles else real()
    hosts = {name: HOSTS[name] for name in map(str, contract.roles) if name in HOSTS}
    full = complete(contract, "vps", {**INPUTS, **(inputs or {})})
    return {**composed(contract, full, secrets, hosts=hosts)}


def test_everything_that_a_vps_composes() -> None:
    assert made(secrets={"POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}) == {
        "port": {"api": "8000", "web": "3000"},
        "pool_size": {"api": "5", "worker": "2"},
        "api_base_url": "http://app-r1-api:8000",
        "allowed_hosts": "api.example.com,app.example.com,app-r1-api",
        "allowed_origins": "https://app.example.com",
        "database_url": "postgresql://app:p@postgres:5432/app",
        "redis_url": "redis://:r@redis:6379/0",
        "auth_key_storage_backend": "file",
    }


def test_everything_the_contract_wants_composed_on_a_vps_is() -> None:
    sources = [item.source("vps") for item in real().variables.values()]
    assert {source.text for source in sources if source.kind == "composed"} <= set(made())


passwords = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(passwords, passwords)
@settings(deadline=None, max_examples=60)
def test_any_password_comes_back_from_its_url(postgres: str, redis: str) -> None:
    found = made(None, {"POSTGRES_PASSWORD": postgres, "REDIS_PASSWORD": redis})
    for name, password, host in (
        ("database_url", postgres, "postgres"),
        ("redis_url", redis, "redis"),
    ):
        url = urlsplit(str(found[name]))
        assert unquote(url.password or "") == password
        assert url.hostname == host
        assert str(found[name]).isascii()


@pytest.mark.parametrize("awkward", ["p@ss:w/rd?#[]%", "a b", "$HOME", "ü", "%40", "'\"\\", "\n"])
def test_awkward_names_and_passwords_of_the_database_come_back(awkward: str) -> None:
    found = made({"db_name": awkward, "db_admin_username": awkward}, {"POSTGRES_PASSWORD": awkward})
    url = urlsplit(str(found["database_url"]))
    parts = (url.username or "", url.password or "", url.path[1:])
    assert [unquote(part) for part in parts] == [awkward] * 3
    assert url.port == 5432


def test_what_is_made_of_a_missing_password_is_left_out() -> None:
    assert not {"database_url", "redis_url"} & set(made(secrets={}))


def test_without_an_api_there_is_no_address_of_one() -> None:
    assert "api_base_url" not in made(None, SECRETS, "web", "worker")


def test_an_address_of_the_api_that_was_stated_is_kept() -> None:
    found = made({"api_base_url": "https://api.example.com"}, SECRETS, "web")
    assert found["api_base_url"] == "https://api.example.com"


def test_the_api_answers_to_its_names_and_to_each_once() -> None:
    assert made({"api_domain": "app.example.com"})["allowed_hosts"] == "app.example.com,app-r1-api"


@pytest.mark.parametrize(
    ("provider", "backend"), [("env", "file"), ("vault_hcp", "secret-manager")]
)
def test_signing_keys_lie_in_a_file_only_without_a_provider(provider: str, backend: str) -> None:
    found = made({"secrets_provider": provider})
    assert found["auth_key_storage_backend"] == backend
