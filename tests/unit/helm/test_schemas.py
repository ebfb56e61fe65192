from __future__ import annotations

import sys
from typing import Any

import pytest
import yaml

from hostwright.checks.kubernetes import schemas as check
from hostwright.errors import ToolError
from hostwright.helm import manifest
from hostwright.helm.schemas import newest

SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "a", "labels": {"a": "b"}},
    "spec": {"ports": [{"port": 80, "targetPort": "http"}]},
}
ROUTE: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "a"},
    "spec": {"hostnames": ["a.example.org"]},
}


def faults(body: dict[str, Any]) -> list[str] | None:
    [newest_version] = newest(1)
    found = newest_version.faults(body)
    return None if found is None else [f"{list(item.path)} {item.what}" for item in found]


def test_the_newest_versions_come_first_and_once() -> None:
    minors = [item.minor for item in newest(3)]
    assert minors == sorted(set(minors), key=lambda text: int(text.split(".")[1]), reverse=True)
    assert len(minors) == 3


def test_where_the_schemas_are_not_installed_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes_validate", None)
    with pytest.raises(ToolError) as missing:
        newest(1)
    assert str(missing.value).startswith("the package kubernetes_validate is missing")
    assert "`pip install --group kubernetes`" in missing.value.remedy


@pytest.mark.parametrize("body", [SERVICE, ROUTE])
def test_what_kubernetes_takes_has_no_fault(body: dict[str, Any]) -> None:
    assert faults(body) == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({**SERVICE, "spec": {"portz": []}}, "['spec'] Additional properties are not allowed"),
        ({**SERVICE, "spec": {"ports": [{"port": "80"}]}}, "['spec', 'ports', 0, 'port'] '80'"),
        ({**SERVICE, "metadata": {"name": "a", "label": {}}}, "['metadata'] Additional"),
        ({**ROUTE, "metadata": {"name": "a", "labels": {"a": 1}}}, "['metadata', 'labels', 'a'] 1"),
        ({**ROUTE, "spec": {"hostnames": [1]}}, "['spec', 'hostnames', 0] 1 is not of type"),
        ({**ROUTE, "status": {}}, "[] Additional properties are not allowed ('status'"),
    ],
)
def test_what_kubernetes_refuses_or_drops_is_a_fault(body: dict[str, Any], what: str) -> None:
    [found] = faults(body) or [""]
    assert found.startswith(what)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v2", "Service"),
        ("example.org/v1", "Thing"),
        # Kinds of other groups that a file name of the package would fit.
        ("apps.example.org/v1", "Deployment"),
        ("apps.k8s.io/v1", "Deployment"),
        ("external-secrets.io/v1beta1", "ExternalSecret"),
    ],
)
def test_a_kind_that_is_not_known_is_none(api_version: str, kind: str) -> None:
    assert faults({**SERVICE, "apiVersion": api_version, "kind": kind}) is None


def test_what_every_version_refuses_is_told_once() -> None:
    text = yaml.safe_dump({**SERVICE, "spec": {"portz": []}})
    checked = check.check(manifest.parse(text, "ops/charts/app"), newest(3))
    [found] = checked.findings
    versions = ", ".join(item.minor for item in newest(3))
    assert found.message.startswith(f"Service/a: Kubernetes {versions} refuses spec: ")
    assert checked.count == 3


def test_a_part_that_was_judged_before_is_refused_again_in_its_own_place() -> None:
    body = {**SERVICE, "spec": {"ports": [{"port": 80}, {"port": "80"}, {"port": "80"}]}}
    for _ in range(2):
        told = faults(body) or []
        assert [line.partition(" '80'")[0] for line in told] == [
            "['spec', 'ports', 1, 'port']",
            "['spec', 'ports', 2, 'port']",
        ]
    assert faults({**SERVICE, "spec": {"ports": [{"port": 80}], "selector": {"port": 80}}})
