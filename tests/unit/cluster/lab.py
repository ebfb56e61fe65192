"""Values that hold, and a stand-in for a cluster that real Helm installs them on."""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from tests.unit.cluster import api

from hostwright import toolchain
from hostwright.cluster import watch
from hostwright.cluster.client import Cluster, connect
from hostwright.cluster.deploy import Outcome, deploy, plan
from hostwright.cluster.desired import Desired, Inputs, desired
from hostwright.cluster.model import Where
from hostwright.contract import load
from hostwright.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

CONTRACT = load()
WHERE = Where()
HELMS = ("helm-3", "helm-4")
DIGEST = {number: f"@sha256:{number * 64}" for number in "12345"}

VALUES: dict[str, Any] = {
    "environment": "production",
    "appPublicUrl": "https://app.example.org",
    "appDomain": "app.example.org",
    "secretsProvider": "vault_hcp",
    "storageProvider": "s3",
    "storageBucketName": "uploads",
    "env": {
        "DATABASE_SSL_MODE": "verify-full",
        "S3_REGION": "eu-central-1",
        "VAULT_ADDR": "https://vault.example.org:8200",
        "VAULT_TRANSIT_KEY": "app",
    },
    "secrets": {
        "external": {"storeName": "vault"},
        "references": {
            name: f"app-{name.lower().replace('_', '-')}"
            for name in (
                "DATABASE_URL",
                "REDIS_URL",
                "SECRET_KEY",
                "AUTH_SESSION_ENCRYPTION_KEY",
                "AUTH_PASSWORD_PEPPER",
                "VAULT_TOKEN",
            )
        },
    },
    "routing": {"type": "gateway", "gateway": {"name": "public"}},
    "api": {"image": f"ghcr.io/acme/api{DIGEST['1']}"},
    "web": {"image": f"ghcr.io/acme/web{DIGEST['1']}"},
}


def write(path: Path, values: Mapping[str, Any]) -> Path:
    """A values file."""
    path.write_text(yaml.safe_dump(dict(values), sort_keys=False))
    return path


def version(number: str) -> dict[str, str]:
    """The images of a version, as flags give them."""
    return {role: f"ghcr.io/acme/{role}{DIGEST[number]}" for role in ("api", "web")}


def wanted(directory: Path, number: str = "1", **values: object) -> Desired:
    """A version of the application, rendered by real Helm."""
    whole = {**VALUES, **values}
    file = write(directory / "prod.yaml", whole)
    inputs = Inputs((file,), version(number))
    helm = toolchain.provide("helm").version
    key = (helm, number, json.dumps(values))
    if key not in _RENDERED:
        _RENDERED[key] = desired(inputs, WHERE, CONTRACT)
    return replace(_RENDERED[key], inputs=inputs)


#: What was rendered, and what was installed: making either takes seconds.
_RENDERED: dict[tuple[str, str, str], Desired] = {}
_INSTALLED: dict[tuple[str, str], dict[tuple[str, str, str], api.Json]] = {}


def bring(cluster: Cluster, directory: Path, number: str = "1", *, seconds: int = 60) -> Outcome:
    """Deploy a version; it comes up at once, or never: then so many seconds are waited."""
    target = wanted(directory, number)
    with Progress() as progress:
        return deploy(cluster, target, plan(cluster, target), progress, seconds=seconds)


@contextmanager
def installation(
    helm: str, versions: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Cluster, api.Cluster]]:
    """A stand-in on which these versions were deployed, and what speaks to it with that Helm."""
    provide = toolchain.provide
    monkeypatch.setattr(
        toolchain, "provide", lambda name: provide(helm if name == "helm" else name)
    )
    for kind in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"HELM_{kind}_HOME", str(directory / kind))
    config = directory / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setattr(watch, "PAUSE", 1.0)
    store = api.Cluster()
    with api.serving(store, config):
        cluster = connect(WHERE, echo=False, say=lambda _: None)
        done = max(
            (n for n in range(len(versions) + 1) if (helm, versions[:n]) in _INSTALLED), default=0
        )
        if done:
            store.objects = deepcopy(_INSTALLED[helm, versions[:done]])
            store.versions = itertools.count(10_000 * (done + 1))
        for at in range(done, len(versions)):
            bring(cluster, directory, versions[at])
            _INSTALLED[helm, versions[: at + 1]] = deepcopy(store.objects)
        store.asked.clear()
        yield cluster, store
