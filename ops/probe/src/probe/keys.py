"""The application's own keys, and the secrets provider that holds the signing keys."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from probe.config import Config, ConfigError
from probe.readiness import NotRun
from probe.storage import client

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_KEYS = ("SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER")
#: The contract's providers that the probe has no client for, since no engine here could prove one.
WITHOUT_CLIENT = frozenset(
    {"azure_kv", "gcp_sm", "vault_hcp", "vault_dev", "infisical_cloud", "infisical_self_host"}
)


def check(config: Config) -> None:
    """Find the application's keys and read what the provider is said to hold.

    Raises:
        ConfigError: A key is missing, or what holds the keys is not usable.
        NotRun: The probe has no client for the provider.
        botocore.exceptions.ClientError: What Secrets Manager said.
    """
    if config.text("ENVIRONMENT", "production") != "development":
        for name in OWN_KEYS:
            config.text(name)
    provider = config.text("SECRETS_PROVIDER")
    names = list(_signing_secrets(config, provider))
    if names:
        _read(config, names)


def _signing_secrets(config: Config, provider: str) -> Iterator[str]:
    """The names to be read from Secrets Manager, having refused what cannot work."""
    if _reads_aws(provider, "SECRETS_PROVIDER"):
        yield config.text("AWS_SM_SIGNING_SECRET_ARN")
    backend = config.text("AUTH_KEY_STORAGE_BACKEND", "secret-manager")
    if backend == "file":
        _check_directory(config)
    elif backend != "secret-manager":
        raise ConfigError("AUTH_KEY_STORAGE_BACKEND is neither secret-manager nor file")
    else:
        holder = config.text("AUTH_KEY_STORAGE_PROVIDER", provider)
        if not _reads_aws(holder, "AUTH_KEY_STORAGE_PROVIDER"):
            raise ConfigError("AUTH_KEY_STORAGE_BACKEND=secret-manager cannot use the provider env")
        yield config.text("AUTH_KEY_SECRET_NAME")


def _reads_aws(provider: str, variable: str) -> bool:
    """True for Secrets Manager, False for the environment; anything else raises."""
    if provider in WITHOUT_CLIENT:
        raise NotRun(f"no client for {provider} in the probe")
    if provider not in {"aws_sm", "env"}:
        raise ConfigError(f"{variable} is not a provider that the contract knows")
    return provider == "aws_sm"


def _check_directory(config: Config) -> None:
    """Write and remove a file where the keys lie."""
    root = Path(config.text("AUTH_KEY_STORAGE_PATH"))
    if not root.is_dir():
        raise ConfigError(
            "AUTH_KEY_STORAGE_PATH is not a directory, and AUTH_KEY_STORAGE_BACKEND is file"
        )
    handle, name = tempfile.mkstemp(prefix=".keys-", dir=root)
    os.close(handle)
    Path(name).unlink()


def _read(config: Config, names: list[str]) -> None:
    secrets = client("secretsmanager", {"region_name": config.text("AWS_REGION")})
    for name in names:
        if not secrets.get_secret_value(SecretId=name).get("SecretString", "").strip():
            raise ConfigError("a signing secret in Secrets Manager is blank")
