"""Render the chart with real Helm: as it is, or as a copy with something planted in it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import paths, toolchain
from hostwright.helm import cli, manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hostwright.helm.manifest import Container, Manifest, Object, Pod
    from hostwright.helm.messages import Problem

    Plant = Callable[[Path], None]

MAJORS = ("helm-3", "helm-4")
#: Whether what the repository shows of the chart is to be written anew, and not compared.
WRITING = os.environ.get("HOSTWRIGHT_GOLDEN") == "write"
#: Where each preset's values are, by its name.
PRESETS = {
    file.name.removesuffix("-values.yaml"): file
    for file in sorted((paths.CHART / "ci").glob("*-values.yaml"))
}
IMAGES = {
    role: f"registry.example.org/{role}@sha256:{'0' * 64}" for role in ("api", "web", "worker")
}
#: Values that are enough in production, with no choice made beyond those that have no default.
ENOUGH: dict[str, Any] = {
    "appPublicUrl": "https://app.example.org",
    "appDomain": "app.example.org",
    "secretsProvider": "aws_sm",
    "storageProvider": "s3",
    "storageBucketName": "files",
    "env": {
        "AWS_REGION": "eu-central-1",
        "AWS_SM_SIGNING_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:s",
        "DATABASE_SSL_MODE": "verify-full",
        "S3_REGION": "eu-central-1",
    },
    "secrets": {
        "references": {
            "AUTH_PASSWORD_PEPPER": "app-keys#pepper",
            "AUTH_SESSION_ENCRYPTION_KEY": "app-keys#session",
            "DATABASE_URL": "app-database#url",
            "REDIS_URL": "app-redis",
            "SECRET_KEY": "app-keys#secret",
        },
        "external": {"storeName": "store"},
    },
    **{role: {"image": image} for role, image in IMAGES.items()},
}

Values = Path | dict[str, Any]


def laid(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over each other as Helm does it: a null takes away what lies below."""
    whole: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            if isinstance(value, dict):
                below = whole.get(key)
                whole[key] = laid(below if isinstance(below, dict) else {}, value)
            elif value is None:
                whole.pop(key, None)
            else:
                whole[key] = value
    return whole


def read(file: Path) -> dict[str, Any]:
    """The values in a file, as Helm reads them."""
    found = manifest.read(file.read_text(encoding="utf-8"), paths.shown(file))
    assert isinstance(found, dict)
    return found


def defaults() -> dict[str, Any]:
    """The chart's own values."""
    return read(paths.CHART / "values.yaml")


@dataclass(frozen=True)
class Chart:
    """A chart as one Helm renders it; each render is made once.

    Args:
        root: Its directory.
        major: Which Helm.
        flags: Further ones, ``--name=value``.
    """

    root: Path = paths.CHART
    major: str = "helm-4"
    flags: tuple[str, ...] = ()

    def text(self, *values: Values, name: str = "app", namespace: str = "app") -> str:
        """What Helm prints for values laid over ENOUGH."""
        return self.bare(ENOUGH, *values, name=name, namespace=namespace)

    def bare(self, *values: Values, name: str = "app", namespace: str = "app") -> str:
        """What Helm prints for these values alone."""
        given = tuple(json.dumps(v) if isinstance(v, dict) else v for v in values)
        found = _rendered(self, given, name, namespace)
        if isinstance(found, cli.Refused):
            raise found
        return found

    def manifest(self, *values: Values, name: str = "app", namespace: str = "app") -> Manifest:
        """The objects for values laid over ENOUGH."""
        return _parsed(self.text(*values, name=name, namespace=namespace))

    def preset(self, name: str) -> Manifest:
        """The objects of a preset."""
        return _parsed(self.bare(PRESETS[name]))

    def refusal(
        self, *values: Values, name: str = "app", namespace: str = "app"
    ) -> tuple[Problem, ...]:
        """Why values laid over ENOUGH are refused; nothing where they are not."""
        try:
            self.text(*values, name=name, namespace=namespace)
        except cli.Refused as refused:
            return refused.problems
        return ()

    @property
    def contract(self) -> dict[str, Any]:
        """What the chart knows of the contract."""
        found = json.loads((self.root / "contract.json").read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found


@cache
def _rendered(
    chart: Chart, values: Sequence[str | Path], name: str, namespace: str
) -> str | cli.Refused:
    tool = toolchain.provide(chart.major)
    given = [json.loads(v) if isinstance(v, str) else v for v in values]
    helm = tool._replace(argv=(*tool.argv, *chart.flags))
    try:
        return cli.template(chart.root, given, helm=helm, name=name, namespace=namespace)
    except cli.Refused as refused:
        return refused


@cache
def _parsed(text: str) -> Manifest:
    return manifest.parse(text, "ops/charts/app")


def copied(to: Path, *plants: Plant) -> Path:
    """A copy of the chart in *to* with something planted in it."""
    shutil.copytree(paths.CHART, to)
    for plant in plants:
        plant(to)
    return to


# --- what tests ask of objects -------------------------------------------------------------------


def pod_of(found: Manifest, role: str) -> Pod:
    """The one pod of a role."""
    (pod,) = (pod for pod in found.pods if pod.role == role)
    return pod


def main_of(found: Manifest, role: str) -> Container:
    """The container that is the role."""
    (container,) = (each for each in pod_of(found, role).containers if each.name == role)
    return container


def jobs(found: Manifest) -> list[Object]:
    """The Jobs."""
    return found.of("Job")


def secret_names(container: Container) -> dict[str, str]:
    """Variables that come from a Secret, by which."""
    return {
        str(item["name"]): str(item["valueFrom"]["secretKeyRef"]["name"])
        for item in container.env
        if "valueFrom" in item
    }


def literals(container: Container) -> dict[str, str]:
    """Variables that stand in the manifest, as the process gets them."""
    return {
        str(item["name"]): str(item["value"]).replace("$$", "$")
        for item in container.env
        if "value" in item
    }
