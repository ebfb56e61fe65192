"""From the key of a Secret back to the reference, through whatever makes the Secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.render.helm.manifests import item, manifest

from hostwright.render.helm.references import follow

PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "aws": (
        {"objects": [{"objectName": "db", "objectType": "secretsmanager", "objectAlias": "f"}]},
        "db",
    ),
    "aws, a part": (
        {"objects": [{"objectName": "db", "jmesPath": [{"path": '"url"', "objectAlias": "f"}]}]},
        "db#url",
    ),
    "aws, without another name": ({"objects": [{"objectName": "f"}]}, "f"),
    "azure": (
        {"objects": {"array": ["objectName: db\nobjectType: secret\nobjectAlias: f\n"]}},
        "db",
    ),
    "gcp": (
        {"secrets": [{"resourceName": "projects/p/secrets/db/versions/latest", "path": "f"}]},
        "db",
    ),
    "vault": (
        {"objects": [{"objectName": "f", "secretPath": "kv/db", "secretKey": "u"}]},
        "kv/db#u",
    ),
    "vault, which has no such file": ({"objects": [{"objectName": "g", "secretPath": "db"}]}, ""),
    "nobody": ({"objects": [{"objectName": "f"}]}, ""),
    "azure, in another's form": ({"objects": [{"objectName": "f"}]}, ""),
    "gcp, without what it mounts": ({}, ""),
}


def pod(*, mounted: bool = True) -> dict[str, Any]:
    volume = {"name": "v", "csi": {"volumeAttributes": {"secretProviderClass": "c"}}}
    own: dict[str, Any] = {"name": "api"}
    if mounted:
        own["volumeMounts"] = [{"name": "v", "mountPath": "/secrets"}]
    made = item("Pod", "app", "api", {"containers": [own], "volumes": [volume]})
    return {**made, "kind": "Pod"}


def provided(
    provider: str, parameters: dict[str, Any], key: str = "DATABASE_URL"
) -> dict[str, Any]:
    texts = {name: json.dumps(value) for name, value in parameters.items()}
    data = [{"objectName": "f", "key": key}]
    made = [{"secretName": "app-api", "data": data}]
    return item(
        "SecretProviderClass",
        "c",
        "api",
        {"provider": provider.partition(",")[0], "parameters": texts, "secretObjects": made},
    )


def reference(*objects: dict[str, Any]) -> str:
    found = manifest(list(objects))
    return follow(found, found.pods[0], "app-api", "DATABASE_URL")


@pytest.mark.parametrize("provider", PARAMETERS)
def test_what_the_driver_mounts_is_read_in_each_providers_own_form(provider: str) -> None:
    parameters, told = PARAMETERS[provider]
    found = reference(pod(), provided(provider, parameters))
    assert found == (told or "app-api#DATABASE_URL")


@pytest.mark.parametrize(
    "objects",
    [
        (pod(mounted=False), provided("aws", PARAMETERS["aws"][0])),
        (pod(), provided("aws", PARAMETERS["aws"][0], key="REDIS_URL")),
        (pod(), {**provided("aws", PARAMETERS["aws"][0]), "kind": "Other"}),
    ],
    ids=["not mounted", "another key", "no class"],
)
def test_what_the_driver_does_not_make_leads_nowhere(objects: tuple[dict[str, Any], ...]) -> None:
    assert reference(*objects) == "app-api#DATABASE_URL"


def external(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    data = [{"secretKey": "DATABASE_URL", "remoteRef": {"key": "db", "property": "url"}}]
    return item("ExternalSecret", name, "api", {"data": data, **spec})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (external("any", {"target": {"name": "app-api"}}), "db#url"),
        (external("app-api", {}), "db#url"),
        (external("app-api", {"target": {"name": "app-web"}}), "app-api#DATABASE_URL"),
        (external("app-api", {"target": {"template": {"data": {}}}}), "app-api#DATABASE_URL"),
        (external("app-api", {"data": []}), "app-api#DATABASE_URL"),
        (external("app-api", {"data": [{"secretKey": "DATABASE_URL"}]}), "None"),
    ],
)
def test_an_external_secret_says_where_each_key_comes_from(
    found: dict[str, Any], told: str
) -> None:
    assert reference(pod(), found) == told
