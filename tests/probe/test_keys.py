from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from tests import engines

from probe import keys
from probe.config import Config, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.probe.roles import Surroundings

pytestmark = pytest.mark.engines
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def secrets() -> Iterator[dict[str, str]]:
    """Secrets Manager with three secrets, told to boto3 as a platform would; name to ARN."""
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with engines.aws() as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, "AWS_ENDPOINT_URL": endpoint}.items():
            patch.setenv(name, value)
        client = boto3.client("secretsmanager", region_name=REGION)
        texts = {"signing": "the-signing-secret", "auth-signing-keys": "keys", "blank": " "}
        yield {
            name: client.create_secret(Name=name, SecretString=text)["ARN"]
            for name, text in texts.items()
        }


def config(around: Surroundings, arn: str, **changes: str) -> Config:
    aws = {
        "SECRETS_PROVIDER": "aws_sm",
        "AUTH_KEY_STORAGE_BACKEND": "secret-manager",
        "AUTH_KEY_STORAGE_PROVIDER": "aws_sm",
        "AWS_REGION": REGION,
        "AWS_SM_SIGNING_SECRET_ARN": arn,
    }
    return Config(around.env(**{**aws, **changes}))


def test_both_secrets_are_read_from_secrets_manager(
    secrets: dict[str, str], around: Surroundings
) -> None:
    keys.check(config(around, secrets["signing"]))


@pytest.mark.parametrize(
    ("arn", "change"), [("nothing", {}), ("signing", {"AUTH_KEY_SECRET_NAME": "nothing"})]
)
def test_a_secret_that_is_not_there_fails(
    secrets: dict[str, str], around: Surroundings, arn: str, change: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        keys.check(config(around, secrets.get(arn, arn), **change))


def test_a_blank_secret_fails(secrets: dict[str, str], around: Surroundings) -> None:
    with pytest.raises(ConfigError, match="is blank"):
        keys.check(config(around, secrets["blank"]))


def test_the_storage_provider_of_the_keys_defaults_to_the_secrets_provider(
    secrets: dict[str, str], around: Surroundings
) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        keys.check(
            config(
                around,
                secrets["signing"],
                AUTH_KEY_STORAGE_PROVIDER="",
                AUTH_KEY_SECRET_NAME="nothing",
            )
        )
