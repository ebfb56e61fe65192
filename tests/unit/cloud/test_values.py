from __future__ import annotations

import pytest

from hostwright.cloud import values
from hostwright.contract import load
from hostwright.contract.envfile import Given
from hostwright.contract.example import fresh

CONTRACT = load()
GOOD = {
    "DB_ADMIN_PASSWORD": fresh(),
    "REDIS_AUTH_TOKEN": fresh(),
    "SECRET_KEY": fresh(),
    "AUTH_SESSION_ENCRYPTION_KEY": fresh(),
    "AUTH_PASSWORD_PEPPER": fresh(),
}


def given(**changed: str | None) -> dict[str, Given]:
    """A good env file with changes; None takes a name out."""
    every = {**GOOD, **changed}
    names = [name for name, value in every.items() if value is not None]
    return {
        name: Given(every[name] or "", f".env.prod:{line}") for line, name in enumerate(names, 1)
    }


def test_secrets_become_the_ephemeral_variables() -> None:
    found = values.variables(CONTRACT, "aws", given())
    assert found == {
        "db_admin_password": GOOD["DB_ADMIN_PASSWORD"],
        "redis_auth_token": GOOD["REDIS_AUTH_TOKEN"],
        "secret_values": {
            name: GOOD[name]
            for name in ("SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER")
        },
    }
    assert all(CONTRACT.inputs[name].ephemeral or CONTRACT.inputs[name].sensitive for name in found)


def test_a_good_file_has_no_problems() -> None:
    assert values.problems(CONTRACT, "aws", given(), ".env.prod") == []


@pytest.mark.parametrize(
    ("changed", "name", "says", "remedy"),
    [
        ({"DB_ADMIN_PASSWORD": None}, "DB_ADMIN_PASSWORD", "is missing", "Set it in .env.prod"),
        ({"DB_ADMIN_PASSWORD": "short"}, "DB_ADMIN_PASSWORD", "fewer than 20", "Make one"),
        ({"SECRET_KEY": " "}, "SECRET_KEY", "is blank", "Make one"),
        ({"SECRET_KEY": GOOD["DB_ADMIN_PASSWORD"]}, "SECRET_KEY", "the same value", "Make one"),
        ({"SECRET_KEI": "x" * 40}, "SECRET_KEI", "not in the contract", "mean SECRET_KEY?"),
        (
            {"LOG_LEVEL": "info"},
            "LOG_LEVEL",
            "is no secret",
            "Move it to api_env and web_env and worker_env",
        ),
        ({"DATABASE_URL": "postgresql://x"}, "DATABASE_URL", "composed", "Remove the line"),
    ],
)
def test_a_bad_value_is_told_with_its_line_and_never_shown(
    changed: dict[str, str | None], name: str, says: str, remedy: str
) -> None:
    lines = given(**changed)
    found = values.problems(CONTRACT, "aws", lines, ".env.prod")
    told = [item for item in found if item.name == name]
    assert told, found
    assert any(says in item.what and remedy in item.remedy for item in told), told
    assert all(item.where.startswith(".env.prod") for item in told)
    shown = "\n".join(map(str, found))
    assert not [secret for secret in GOOD.values() if secret in shown]


def test_a_token_that_only_aws_needs_is_not_known_elsewhere() -> None:
    [found] = values.problems(CONTRACT, "gcp", given(), ".env.prod")
    assert (found.name, found.what) == ("REDIS_AUTH_TOKEN", "is not in the contract")


MADE = ["AUTH_PASSWORD_PEPPER", "AUTH_SESSION_ENCRYPTION_KEY", "SECRET_KEY"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SECRET_KEI", "is not in the contract. Did you mean SECRET_KEY?"),
        ("LOG_LEVEL", "is no secret. Move it to api_env and web_env and worker_env in the tfvars"),
        ("DATABASE_URL", "is composed by the stack. Remove it."),
        ("S3_SECRET_ACCESS_KEY", "has no use on aws. Remove it."),
        (
            "VAULT_TOKEN",
            "is not made by this stack. Remove it; it is made where SECRETS_PROVIDER is vault_hcp",
        ),
    ],
)
def test_a_secret_that_would_be_passed_over_is_told(name: str, told: str) -> None:
    given = {"SECRET_KEY": ".env:1", name: ".env:2"}
    [found] = values.unmade(CONTRACT, "aws", given, MADE)
    assert str(found).startswith(f".env:2: secret_values.{name} {told}")


def test_a_secret_that_a_profile_does_not_require_is_made_once_it_is_named() -> None:
    [found] = values.unmade(CONTRACT, "aws", {"SECRET_KEY": ".env:1"}, [])
    assert found.remedy == (
        "Remove it; it is made once secret_names names it, unless a reference gives it already."
    )
