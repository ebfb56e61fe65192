from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests import engines

from probe import readiness
from probe.config import Config
from probe.dependencies import Dependencies

if TYPE_CHECKING:
    from pathlib import Path

    from tests.probe.roles import Surroundings

    from probe.readiness import Outcome

pytestmark = pytest.mark.engines


def report(values: dict[str, str]) -> dict[str, Outcome]:
    async def ask() -> dict[str, Outcome]:
        needs = Dependencies(Config(values), "api")
        try:
            return await needs.readiness.report()
        finally:
            await needs.close()

    return asyncio.run(ask())


def failed(values: dict[str, str]) -> dict[str, str]:
    return {
        name: f"{o.status}: {o.reason}" for name, o in report(values).items() if o.status != "ok"
    }


def test_with_everything_in_place_every_check_is_ok(around: Surroundings) -> None:
    found = report(around.env())
    assert {name: outcome.status for name, outcome in found.items()} == dict.fromkeys(
        ("database", "redis", "secrets", "storage"), "ok"
    )
    assert readiness.answer(found, "api", "1")[1] == 200


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"DATABASE_URL": None}, "database", "DATABASE_URL is not set"),
        ({"DATABASE_URL": "nonsense"}, "database", "DATABASE_URL is not a database URL"),
        ({"DATABASE_URL": "postgresql://app@127.0.0.1:1/x"}, "database", "Connection refused"),
        ({"DATABASE_SSL_MODE": "verify-full"}, "database", "certificate verify failed"),
        ({"DATABASE_CA_CERT": "x", "DATABASE_SSL_MODE": "verify-ca"}, "database", "is not a PEM"),
        ({"DATABASE_POOL_SIZE": "none"}, "database", "DATABASE_POOL_SIZE is not a whole number"),
        ({"REDIS_URL": " "}, "redis", "REDIS_URL is not set"),
        ({"REDIS_URL": "http://127.0.0.1"}, "redis", "REDIS_URL is not a Redis URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "redis", "Error 111 connecting"),
        ({"REDIS_URL": "wrong"}, "redis", "invalid username-password pair"),
        ({"REDIS_CLUSTER_MODE": "enabled"}, "redis", "REDIS_CLUSTER_MODE is not disabled"),
        ({"REDIS_CA_CERT": "x"}, "redis", "REDIS_URL is not a rediss: URL"),
        ({"SECRET_KEY": None}, "secrets", "SECRET_KEY is not set"),
        ({"AUTH_PASSWORD_PEPPER": "  "}, "secrets", "AUTH_PASSWORD_PEPPER is not set"),
        ({"SECRETS_PROVIDER": "keychain"}, "secrets", "SECRETS_PROVIDER is not a provider"),
        ({"AUTH_KEY_STORAGE_BACKEND": "secret-manager"}, "secrets", "cannot use the provider env"),
        ({"AUTH_KEY_STORAGE_BACKEND": "paper"}, "secrets", "neither secret-manager nor file"),
        ({"STORAGE_PROVIDER": "ftp"}, "storage", "STORAGE_PROVIDER is not one of"),
        ({"STORAGE_PROVIDER": "s3"}, "storage", "S3_REGION is not set"),
    ],
)
def test_what_fails_is_named_alone_with_its_reason(
    around: Surroundings, change: dict[str, str | None], name: str, words: str
) -> None:
    if change.get("REDIS_URL") == "wrong":
        change = {"REDIS_URL": around.redis_url.replace("p%40ss", "hidden-word")}
    found = failed(around.env(**change))
    assert list(found) == [name]
    assert found[name].startswith("failed: ")
    assert words in found[name]
    assert "hidden-word" not in found[name]


@pytest.mark.parametrize(
    ("variable", "check"),
    [("STORAGE_LOCAL_PATH", "storage"), ("AUTH_KEY_STORAGE_PATH", "secrets")],
)
def test_a_directory_that_is_not_there_fails_the_check_that_needs_it(
    around: Surroundings, tmp_path: Path, variable: str, check: str
) -> None:
    found = failed(around.env(**{variable: str(tmp_path / "nowhere")}))
    assert list(found) == [check]
    assert f"{variable} is not a directory" in found[check]


def test_a_schema_that_was_not_migrated_is_told_apart(empty: Surroundings) -> None:
    reason = failed(empty.env())["database"]
    assert reason == "failed: there is no table items: run `migrate up` first"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"SECRETS_PROVIDER": provider, "AUTH_KEY_STORAGE_PROVIDER": provider}, "secrets")
        for provider in ("azure_kv", "gcp_sm", "vault_hcp", "vault_dev", "infisical_cloud")
    ]
    + [({"STORAGE_PROVIDER": provider}, "storage") for provider in ("gcs", "azure_blob")],
)
def test_a_provider_without_a_client_is_shown_as_not_run_and_never_as_ok(
    around: Surroundings, change: dict[str, str | None], name: str
) -> None:
    found = report(around.env(**change))
    assert found[name].status == "not run"
    assert "no client for" in found[name].reason
    assert readiness.answer(found, "api", "1")[1] == 503


def test_a_check_that_hangs_is_cut_off_and_named(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LIMIT", 0.3)
    with engines.silent() as port:
        found = failed(around.env(REDIS_URL=f"redis://127.0.0.1:{port}/0"))
    assert found == {"redis": "failed: no answer within 0.3 s"}


def test_requests_that_come_together_share_one_run() -> None:
    runs = 0

    async def check() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)

    async def ask() -> None:
        shared = readiness.Readiness({"one": check}, Config({}))
        await asyncio.gather(*(shared.report() for _ in range(5)))
        await shared.report()

    asyncio.run(ask())
    assert runs == 2


def test_the_keys_are_optional_in_development_only(around: Surroundings) -> None:
    keys = dict.fromkeys(around.secrets)
    assert list(failed(around.env(**keys))) == ["secrets"]
    assert failed(around.env(ENVIRONMENT="development", **keys)) == {}
