from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hostwright.contract import load
from hostwright.render.clouds import provenance
from hostwright.render.clouds.choices import PASSWORD, chosen
from hostwright.render.clouds.model import Cloud, Container, Endpoints, EnvValue

if TYPE_CHECKING:
    from hostwright.render.model import Source

CONTRACT = load()
CLOUD = Cloud(
    target="gcp",
    provider="google",
    containers=lambda _: [],
    composed={"storage_bucket": r"\$\{bucket\.main\.name\}", "signing_email": r"\$\{sa\.{role}\}"},
    endpoints=Endpoints(r"\$\{db\.host\}", r"\$\{redis\.host\}", r"\$\{redis\.port\}", r"[^@]+"),
    inputs={"app_public_url": "https://app.example.org", "region": "europe-west3"},
)
CHOSEN = chosen(CONTRACT, CLOUD, {})
URL = f"postgresql://app:{CHOSEN.encoded_password}@${{db.host}}:5432/app"


def source(name: str, value: EnvValue, role: str = "api") -> Source:
    container = Container(role, "run.api", {name: value})
    found = provenance.sources(CONTRACT, CLOUD, CHOSEN, [container])
    return found["api" if role == "api" else "worker"][name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", EnvValue("production", secret=False)),
        ("DATABASE_SSL_MODE", EnvValue("verify-ca", secret=False)),
        ("ENABLE_BILLING_RETRY_WORKER", EnvValue("false", secret=False)),
        ("GCS_BUCKET", EnvValue("${bucket.main.name}", secret=False)),
        ("GCS_SIGNING_EMAIL", EnvValue("${sa.api}", secret=False)),
        ("DATABASE_POOL_SIZE", EnvValue("5", secret=False)),
        ("DATABASE_URL", EnvValue("${secret.url}", secret=True, written=URL)),
        ("SECRET_KEY", EnvValue("${secret.key}", secret=True, written=CHOSEN.given["SECRET_KEY"])),
    ],
)
def test_a_value_that_is_what_the_contract_says_is_the_variables_own(
    name: str, value: EnvValue
) -> None:
    found = source(name, value)
    assert (found.kind, found.text) == ("mark", f"api/{name}")
    assert found.secret_slot is value.secret


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", EnvValue("staging", secret=False)),
        ("ENABLE_BILLING_RETRY_WORKER", EnvValue("true", secret=False)),
        ("GCS_BUCKET", EnvValue("${bucket.other.name}", secret=False)),
        ("GCS_SIGNING_EMAIL", EnvValue("${sa.worker}", secret=False)),
        ("DATABASE_URL", EnvValue("${s}", secret=True, written=URL.replace("db.host", "x.y"))),
        ("DATABASE_URL", EnvValue("${s}", secret=True, written=URL.replace("5432", "5433"))),
    ],
)
def test_any_other_value_is_the_blueprints_own(name: str, value: EnvValue) -> None:
    assert source(name, value).kind == "literal"


def test_a_password_that_was_not_percent_encoded_is_found() -> None:
    plain = URL.replace(CHOSEN.encoded_password, PASSWORD)
    assert plain != URL
    assert source("DATABASE_URL", EnvValue("${s}", secret=True, written=plain)).kind == "literal"


def test_the_value_of_another_variable_is_told_apart() -> None:
    other = CHOSEN.given["AUTH_PASSWORD_PEPPER"]
    found = source("SECRET_KEY", EnvValue("${secret.pepper}", secret=True, written=other))
    assert (found.kind, found.text) == ("mark", "api/AUTH_PASSWORD_PEPPER")


def test_a_secret_in_a_plain_slot_is_still_recognised() -> None:
    found = source("SECRET_KEY", EnvValue(CHOSEN.given["SECRET_KEY"], secret=False))
    assert (found.kind, found.text, found.secret_slot) == ("mark", "api/SECRET_KEY", False)


def test_everything_that_an_operator_may_give_is_given_and_expected() -> None:
    names = CHOSEN.expected["api"]
    assert {"LOG_LEVEL", "SECRET_KEY", "GCS_BUCKET", "DATABASE_URL"} <= names
    assert not {"PORT", "VAULT_ADDR", "AWS_REGION", "S3_BUCKET"} & names
    assert re.fullmatch(r"[A-Z_]+", "".join(CHOSEN.given))
