"""What the tests against a stand-in do not show: identities, pods, contract."""

from __future__ import annotations

from typing import Any

from hostwright.cluster import drift
from hostwright.cluster.model import Key
from hostwright.contract import load

CONTRACT = load()
INPUTS = {"environment": "production", "secrets_provider": "vault_hcp", "storage_provider": "s3"}


def body(kind: str, name: str, *names: str, image: str = "i") -> dict[str, Any]:
    meta = {"name": name, "labels": {"app.kubernetes.io/component": "web"}}
    pod = {"containers": [{"name": "web", "image": image, "env": [{"name": n} for n in names]}]}
    spec = pod if kind == "Pod" else {"template": {"spec": pod}}
    return {"kind": kind, "metadata": meta, "spec": spec}


def told(installed: list[dict[str, Any]], running: list[dict[str, Any]]) -> list[str]:
    found = drift.differences(
        CONTRACT.model_copy(update={"roles": {"web": CONTRACT.roles["web"]}}),
        INPUTS,
        drift.live({"items": installed}),
        drift.live({"items": running}),
    )
    return [str(item) for item in found]


WEB = body("Deployment", "app-web", "PORT", "ENVIRONMENT", "APP_PUBLIC_URL")


def test_what_runs_as_it_was_installed_is_no_drift() -> None:
    pod = body("Pod", "p", "PORT", "ENVIRONMENT", "APP_PUBLIC_URL")
    assert told([WEB], [WEB, pod]) == []


def test_a_pod_that_lacks_a_name_is_told_once_however_many_there_are() -> None:
    pods = [body("Pod", name, "PORT", "ENVIRONMENT") for name in ("p1", "p2")]
    assert told([WEB], [WEB, *pods]) == ["web: APP_PUBLIC_URL is missing (pod p1)"]


def test_a_pod_that_leaves_is_not_asked() -> None:
    pod = body("Pod", "p", "PORT", image="old")
    pod["metadata"]["deletionTimestamp"] = "2026"
    assert told([WEB], [WEB, pod]) == []


def test_what_workload_identity_injects_is_no_drift() -> None:
    names = ("PORT", "ENVIRONMENT", "APP_PUBLIC_URL", "AWS_ROLE_ARN", "AZURE_CLIENT_ID")
    assert told([WEB], [WEB, body("Pod", "p", *names)]) == []
    assert told([WEB], [WEB, body("Pod", "p", *names, "DEBUG")]) == [
        "web: DEBUG is not in what was installed (pod p)"
    ]


def test_a_role_that_the_contract_lacks_is_told() -> None:
    other = body("Deployment", "app-cron")
    other["metadata"]["labels"]["app.kubernetes.io/component"] = "cron"
    assert "cron: runs, and the contract has no such role" in told([WEB], [WEB, other])


def test_replicas_that_an_autoscaler_owns_are_not_compared() -> None:
    live = {**WEB, "spec": {**WEB["spec"], "replicas": 7}}
    assert told([WEB], [live]) == []
    fixed = {**WEB, "spec": {**WEB["spec"], "replicas": 2}}
    assert told([fixed], [live]) == ["web: 7 replicas instead of 2"]


def test_a_secret_that_nobody_looked_at_is_not_ready() -> None:
    found = drift.unready_secrets(
        {"items": [{"kind": "ExternalSecret", "metadata": {"name": "s"}}]}
    )
    assert [str(item) for item in found] == [
        "ExternalSecret s is not ready: nobody has looked at it yet"
    ]
    assert Key("Pod", "p") not in drift.live(None)
