"""What values give each role, by the contract alone."""

from __future__ import annotations

from typing import Any

import pytest

from hostwright.contract import load
from hostwright.render.helm import Expected, expected
from hostwright.render.helm.expected import text
from hostwright.render.release import without

CONTRACT = load()
LEAST: dict[str, Any] = {
    "appPublicUrl": "https://app.example.org",
    "secretsProvider": "aws_sm",
    "storageProvider": "s3",
    "storageBucketName": "files",
    "env": {"DATABASE_SSL_MODE": "require", "AWS_REGION": "eu-west-1", "S3_REGION": "eu-west-1"},
    "secrets": {"references": {"DATABASE_URL": "db#url", "REDIS_URL": "redis"}},
}


def plain(values: dict[str, Any], role: str = "api", release: str = "app") -> dict[str, str]:
    found = expected(CONTRACT, values, release)
    return {name: own.text for name, own in found[role].items()}  # type: ignore[index] # a role


def test_every_role_gets_its_own_from_every_kind_of_source() -> None:
    found = expected(CONTRACT, LEAST)
    api = found["api"]
    assert api["ENVIRONMENT"] == Expected("production", secret=False)  # an input's default
    assert api["S3_BUCKET"] == Expected("files", secret=False)  # an input
    assert api["REDIS_CLUSTER_MODE"] == Expected("disabled", secret=False)  # a literal
    assert api["PORT"] == Expected("8000", secret=False)  # composed
    assert api["LOG_LEVEL"] == Expected("info", secret=False)  # an operator's default
    assert api["DATABASE_URL"] == Expected("db#url", secret=True)
    assert found["web"]["PORT"].text == "3000"
    assert found["worker"]["ENABLE_BILLING_RETRY_WORKER"].text == "true"
    assert set(found["migrate"]) == {
        "ENVIRONMENT",
        "LOG_LEVEL",
        "DATABASE_URL",
        "DATABASE_SSL_MODE",
    }


def test_what_is_not_given_and_has_no_default_is_not_expected() -> None:
    names = plain(LEAST).keys()
    assert not {"DATABASE_CA_CERT", "S3_ENDPOINT_URL", "SECRET_KEY", "VAULT_ADDR"} & names


def test_what_other_choices_have_is_not_expected() -> None:
    values = {**LEAST, "env": {**LEAST["env"], "VAULT_ADDR": "https://v.example.org"}}
    assert "VAULT_ADDR" not in plain(values)
    assert "VAULT_ADDR" in plain({**values, "secretsProvider": "vault_hcp"})
    assert "AWS_REGION" not in plain({**values, "secretsProvider": "vault_hcp"})


def test_a_roles_own_value_wins_and_migrate_has_the_workers() -> None:
    values = {
        **LEAST,
        "env": {**LEAST["env"], "LOG_LEVEL": "warning"},
        "worker": {"env": {"LOG_LEVEL": "debug"}, "secrets": {"DATABASE_URL": "theirs"}},
    }
    assert plain(values)["LOG_LEVEL"] == "warning"
    assert plain(values, "worker")["LOG_LEVEL"] == plain(values, "migrate")["LOG_LEVEL"] == "debug"
    assert plain(values, "migrate")["DATABASE_URL"] == "theirs"
    assert plain(values)["DATABASE_URL"] == "db#url"


@pytest.mark.parametrize("unset", ["", None])
def test_an_empty_value_counts_as_none(unset: object) -> None:
    values = {**LEAST, "environment": unset, "api": {"env": {"LOG_LEVEL": unset}}}
    assert plain(values)["ENVIRONMENT"] == "production"
    assert plain(values)["LOG_LEVEL"] == "info"


def test_signing_keys_lie_where_secrets_do_unless_it_is_said() -> None:
    assert plain(LEAST)["AUTH_KEY_STORAGE_PROVIDER"] == "aws_sm"
    values = {**LEAST, "authKeyStorageProvider": "vault_hcp"}
    assert plain(values)["AUTH_KEY_STORAGE_PROVIDER"] == "vault_hcp"


@pytest.mark.parametrize(
    ("given", "base", "hosts", "origins"),
    [
        ({}, "http://app-api:8000", "app-api", "https://app.example.org"),
        (
            {"apiDomain": "api.example.org", "appPublicUrl": "https://app.example.org:8443/x?y#z"},
            "http://app-api:8000",
            "api.example.org,app-api",
            "https://app.example.org:8443",
        ),
        (
            {"apiBaseUrl": "https://inside.example.org:9443/v1", "projectName": "mine"},
            "https://inside.example.org:9443/v1",
            "inside.example.org,mine-api",
            "https://app.example.org",
        ),
    ],
)
def test_addresses_are_composed(given: dict[str, str], base: str, hosts: str, origins: str) -> None:
    values = {**LEAST, **given}
    assert plain(values, "web")["API_BASE_URL"] == base
    assert plain(values)["ALLOWED_HOSTS"] == hosts
    assert plain(values)["ALLOWED_ORIGINS"] == origins


def test_services_are_called_after_the_release_where_no_project_is_named() -> None:
    assert plain(LEAST, "web", "mine")["API_BASE_URL"] == "http://mine-api:8000"


@pytest.mark.parametrize("base", ["", "https://api.example.org"])
def test_without_an_api_nobody_is_told_where_it_is(base: str) -> None:
    smaller = without(CONTRACT, frozenset({"web"}))
    assert "API_BASE_URL" not in expected(smaller, {**LEAST, "apiBaseUrl": base})["web"]


def test_a_secret_of_ones_own_has_a_key_always() -> None:
    own = {**LEAST, "secrets": {**LEAST["secrets"], "type": "existing"}}
    assert plain(own)["DATABASE_URL"] == "db#url"
    assert plain(own)["REDIS_URL"] == "redis#REDIS_URL"
    assert plain(LEAST)["REDIS_URL"] == "redis"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (10_000_000, "10000000"),
        (1e7, "10000000"),
        (0.5, "0.5"),
        (0, "0"),
        ("1e7", "1e7"),
        (None, ""),
    ],
)
def test_scalars_are_texts_as_processes_see_them(value: object, shown: str) -> None:
    assert text(value) == shown
