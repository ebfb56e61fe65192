"""Bundles for the runner's unit tests: small, complete and easy to spoil."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

ID = "20260101t000000z-abcdef0"

FILES = {
    "compose.yaml": b'{"services": {}}\n',
    "base.yaml": b'{"services": {}}\n',
    "env/api.env": b'PASSWORD="correct-horse"\n',
    "secrets/postgres_password": b"correct-horse",
    "caddy/Caddyfile": b":80\n",
    "caddy/apps/app/web.caddy": b"# web\n",
    "entrypoints/health.sh": b"#!/bin/sh\n",
    "live/api": b"app-20260101t000000z-abcdef0-api\n",
}
MODES = {"env": "0600", "secrets": "0600", "entrypoints": "0755"}


def described(files: dict[str, bytes]) -> dict[str, dict[str, str]]:
    return {
        name: {
            "sha256": hashlib.sha256(content).hexdigest(),
            "mode": MODES.get(name.split("/")[0], "0644"),
        }
        for name, content in files.items()
    }


def manifest(files: dict[str, bytes] | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "manifest": 1,
        "runner": "1",
        "id": ID,
        "app": "app",
        "created": "2026-01-01T00:00:00Z",
        "contract": {"version": 1, "sha256": "c" * 64},
        "images": {"api": {"ref": "app/api:1", "id": None, "pull": False}},
        "roles": {
            "api": {"kind": "service", "port": 8000, "live": "/health", "ready": "/health/ready"},
            "worker": {"kind": "worker", "health": ["true"]},
            "migrate": {"kind": "job", "up": ["up"], "status": ["status"]},
        },
        "files": described(FILES if files is None else files),
        "env": {"api": {"PASSWORD": "0" * 16}},
        "salt": "salt",
        "base_sha256": "b" * 64,
        "caddy_sha256": "d" * 64,
        **changes,
    }


def member(name: str, content: bytes = b"", **changes: Any) -> tuple[tarfile.TarInfo, bytes]:  # noqa: ANN401 - a TarInfo's fields
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry, content


def archive(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def members(
    files: dict[str, bytes] | None = None, document: dict[str, Any] | None = None
) -> list[tuple[tarfile.TarInfo, bytes]]:
    given = FILES if files is None else files
    text = json.dumps(document or manifest(given)).encode()
    return [member("manifest.json", text), *(member(n, c) for n, c in given.items())]


def bundle(files: dict[str, bytes] | None = None, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    return archive(members(files, manifest(files, **changes)))
