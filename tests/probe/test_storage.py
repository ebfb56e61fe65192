from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests import engines

from probe import storage
from probe.config import Config, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def s3() -> Iterator[engines.S3]:
    with engines.s3() as service:
        yield service


def as_s3(s3: engines.S3, **changes: str) -> Config:
    return Config(
        {
            "STORAGE_PROVIDER": "s3",
            "S3_BUCKET": s3.bucket,
            "S3_REGION": "eu-central-1",
            "S3_ENDPOINT_URL": s3.endpoint,
            "S3_FORCE_PATH_STYLE": "true",
            "S3_ACCESS_KEY_ID": s3.key,
            "S3_SECRET_ACCESS_KEY": s3.secret,
            **changes,
        }
    )


def as_minio(s3: engines.S3, **changes: str) -> Config:
    return Config(
        {
            "STORAGE_PROVIDER": "minio",
            "MINIO_BUCKET": s3.bucket,
            "MINIO_ENDPOINT": s3.endpoint.removeprefix("http://"),
            "MINIO_SECURE": "false",
            "MINIO_ACCESS_KEY": s3.key,
            "MINIO_SECRET_KEY": s3.secret,
            **changes,
        }
    )


@pytest.mark.engines
@pytest.mark.parametrize("variables", [as_s3, as_minio])
def test_a_round_trip_through_a_real_s3_service(s3: engines.S3, variables: object) -> None:
    assert callable(variables)
    store = storage.open_store(variables(s3))
    storage.check(store)
    store.put("a/b", b"\0\xff")
    assert store.get("a/b") == b"\0\xff"
    store.delete("a/b")
    with pytest.raises(ClientError, match="NoSuchKey"):
        store.get("a/b")


@pytest.mark.engines
@pytest.mark.parametrize(
    "change", [{"S3_SECRET_ACCESS_KEY": "another-secret-key"}, {"S3_BUCKET": "another-bucket"}]
)
def test_a_wrong_key_or_bucket_fails(s3: engines.S3, change: dict[str, str]) -> None:
    with pytest.raises(ClientError) as raised:
        storage.check(storage.open_store(as_s3(s3, **change)))
    assert not [
        value for value in change.values() if "secret" in value and value in str(raised.value)
    ]


def test_a_service_that_is_not_there_fails_soon(s3: engines.S3) -> None:
    gone = as_s3(s3, S3_ENDPOINT_URL=f"http://127.0.0.1:{engines.free_port()}")
    with pytest.raises(BotoCoreError, match="Could not connect"):
        storage.check(storage.open_store(gone))


def test_a_local_store_writes_reads_and_leaves_nothing(tmp_path: Path) -> None:
    store = storage.open_store(
        Config({"STORAGE_PROVIDER": "local", "STORAGE_LOCAL_PATH": str(tmp_path)})
    )
    storage.check(store)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_that_gives_back_something_else_is_found() -> None:
    class Forgetful:
        def put(self, key: str, data: bytes) -> None: ...

        def get(self, key: str) -> bytes:
            return key.encode()

        def delete(self, key: str) -> None: ...

    with pytest.raises(ConfigError, match="something else than was written"):
        storage.check(Forgetful())
