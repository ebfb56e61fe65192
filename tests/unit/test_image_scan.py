"""The gate, with the real Trivy: what it needs a database for is not run here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.archives import tarball

from hostwright import toolchain
from hostwright.errors import FindingsError, ToolError, UserError
from hostwright.image_scan import scan, words
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping


def image(place: Path, files: Mapping[str, bytes]) -> Path:
    """An archive as `docker save` makes it, of one layer."""
    layer = tarball(files, compressed=False)
    history = {
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    }
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, **history}).encode()
    listed = [{"Config": "config.json", "RepoTags": ["shop:1"], "Layers": ["layer.tar"]}]
    content = {
        "config.json": config,
        "layer.tar": layer,
        "manifest.json": json.dumps(listed).encode(),
    }
    path = place / "image.tar"
    path.write_bytes(tarball(content, compressed=False))
    return path


def private_key() -> bytes:
    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(tmp_path / "cache"))


def test_an_image_with_nothing_to_find_passes(tmp_path: Path) -> None:
    scan("", archive=image(tmp_path, {"etc/motd": b"hello\n"}), scanners=["secret"])


def test_an_image_with_a_secret_is_refused(tmp_path: Path) -> None:
    spoilt = image(tmp_path, {"app/id_rsa": private_key()})
    with pytest.raises(FindingsError, match="HIGH or CRITICAL") as refused:
        scan("", archive=spoilt, scanners=["secret"])
    assert refused.value.where == str(spoilt)


def test_a_scan_that_fails_is_no_pass_and_no_finding(tmp_path: Path) -> None:
    broken = tmp_path / "image.tar"
    broken.write_bytes(b"no archive")
    with pytest.raises(ToolError, match="exit code 1"):
        scan("", archive=broken, scanners=["secret"])


@pytest.mark.parametrize("reference", ["", "--input=/etc/passwd"])
def test_an_image_must_be_named(reference: str) -> None:
    with pytest.raises(UserError, match="no image was named"):
        scan(reference)


def test_the_registry_is_asked_and_vulnerabilities_are_looked_for() -> None:
    told = words("ghcr.io/acme/shop@sha256:1", None, ["vuln", "secret"])
    assert told[-3:] == ["--image-src", "remote", "ghcr.io/acme/shop@sha256:1"]
    assert "--scanners=vuln,secret" in told
    assert "--severity=HIGH,CRITICAL" in told


@pytest.mark.parametrize("source", [None, Path("image.tar")])
def test_trivy_knows_every_flag(source: Path | None) -> None:
    listed = run([*toolchain.find("trivy").argv, "image", "--help"]).stdout
    flags = [word.partition("=")[0] for word in words("x", source, ["vuln"]) if word[:2] == "--"]
    assert [flag for flag in flags if f"{flag} " not in listed] == []
