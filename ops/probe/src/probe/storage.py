"""Object storage: a directory, or any S3 service; others are told apart as not run."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from probe.config import Config, ConfigError
from probe.readiness import NotRun

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds for one connection and for one answer.
TIMEOUT = 2


class Store(Protocol):
    """What the probe asks of a bucket."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""

    def get(self, key: str) -> bytes:
        """Read an object."""

    def delete(self, key: str) -> None:
        """Delete an object."""


class LocalStore:
    """A directory on a volume."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigError("STORAGE_LOCAL_PATH is not a directory")
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        """Write an object; it appears whole or not at all."""
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(target.name + ".part")
        temporary.write_bytes(data)
        os.replace(temporary, target)  # noqa: PTH105

    def get(self, key: str) -> bytes:
        """Read an object."""
        return (self._root / key).read_bytes()

    def delete(self, key: str) -> None:
        """Delete an object."""
        (self._root / key).unlink()


class S3Store:
    """A bucket of an S3 service.

    Args:
        bucket: The bucket's name.
        options: Further options of boto3's client; credentials left out come from the platform.
    """

    def __init__(self, bucket: str, options: Mapping[str, Any], *, path_style: bool) -> None:
        self._bucket = bucket
        self._client = client(
            "s3", options, s3={"addressing_style": "path" if path_style else "auto"}
        )

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        """Read an object."""
        answer: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return answer

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket=self._bucket, Key=key)


def client(service: str, options: Mapping[str, Any], **settings: object) -> Any:  # noqa: ANN401 - boto3 has no types
    """A boto3 client that gives up soon and tries only once."""
    import boto3
    from botocore.config import Config as Settings

    bounds = Settings(
        connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1}, **settings
    )
    return boto3.client(service, config=bounds, **options)


def open_store(config: Config) -> Store:
    """The store that STORAGE_PROVIDER names.

    Raises:
        ConfigError: A variable is missing or malformed.
        NotRun: The probe has no client for the provider.
    """
    provider = config.text("STORAGE_PROVIDER")
    match provider:
        case "local":
            return LocalStore(Path(config.text("STORAGE_LOCAL_PATH")))
        case "s3":
            return _s3(config)
        case "minio":
            return _minio(config)
        case "gcs" | "azure_blob":
            raise NotRun(f"no client for {provider} in the probe")
    raise ConfigError("STORAGE_PROVIDER is not one of local, s3, minio, gcs, azure_blob")


def _s3(config: Config) -> Store:
    options: dict[str, Any] = {"region_name": config.text("S3_REGION")}
    if endpoint := config.text("S3_ENDPOINT_URL", ""):
        options["endpoint_url"] = endpoint
    if key := config.text("S3_ACCESS_KEY_ID", ""):
        options["aws_access_key_id"] = key
        options["aws_secret_access_key"] = config.text("S3_SECRET_ACCESS_KEY")
    path_style = config.flag("S3_FORCE_PATH_STYLE", default=False)
    return S3Store(config.text("S3_BUCKET"), options, path_style=path_style)


def _minio(config: Config) -> Store:
    scheme = "https" if config.flag("MINIO_SECURE", default=True) else "http"
    options = {
        "endpoint_url": f"{scheme}://{config.text('MINIO_ENDPOINT')}",
        "region_name": config.text("MINIO_REGION", "us-east-1"),
        "aws_access_key_id": config.text("MINIO_ACCESS_KEY"),
        "aws_secret_access_key": config.text("MINIO_SECRET_KEY"),
    }
    return S3Store(config.text("MINIO_BUCKET"), options, path_style=True)


def check(store: Store) -> None:
    """Write an object, read it back and delete it.

    Raises:
        ConfigError: What was read is not what was written.
    """
    key, data = f"probe/ready-{uuid.uuid4().hex}", os.urandom(32)
    store.put(key, data)
    same = store.get(key) == data
    store.delete(key)
    if not same:
        raise ConfigError("storage gave back something else than was written")
