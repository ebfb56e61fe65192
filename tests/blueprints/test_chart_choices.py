"""Choices whose rendering nothing else looks at line by line, found by changing single lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.blueprints.charts import ENOUGH, MAJORS, Chart, copied, pod_of, secret_names

from hostwright.helm import manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hostwright.helm.manifest import Manifest

    Json = dict[str, Any]

LABEL = "azure.workload.identity/use"
CLIENT = "00000000-0000-0000-0000-00000000000"
#: Cloud to the annotation of an account, and the identities of three roles.
CLOUDS = {
    "aws": (
        "eks.amazonaws.com/role-arn",
        {role: f"arn:aws:iam::111122223333:role/{role}" for role in ("api", "worker", "migrate")},
    ),
    "azure": (
        "azure.workload.identity/client-id",
        {role: f"{CLIENT}{at}" for at, role in enumerate(("api", "worker", "migrate"))},
    ),
    "gcp": (
        "iam.gke.io/gcp-service-account",
        {role: f"{role}@acme.iam.gserviceaccount.com" for role in ("api", "worker", "migrate")},
    ),
}
#: References that share a secret, and one that has its own.
SHARED = {
    "DATABASE_URL": "app#url",
    "REDIS_URL": "app#redis",
    "SECRET_KEY": "app#key",
    "AUTH_SESSION_ENCRYPTION_KEY": "app#key",
    "AUTH_PASSWORD_PEPPER": "pepper",
}
WHOLE = {name: name.lower().replace("_", "-") for name in SHARED}


@pytest.fixture(params=MAJORS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return Chart(major=request.param)


# --- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cloud", CLOUDS)
def test_each_role_has_its_own_identity(chart: Chart, cloud: str) -> None:
    annotation, identities = CLOUDS[cloud]
    roles = {role: {"identity": identity} for role, identity in identities.items()}
    found = chart.manifest({"identity": {"type": cloud}, **roles})
    accounts = {each.role: each.annotations for each in found.of("ServiceAccount")}
    assert {role: dict(accounts[role]) for role in identities} == {
        role: {annotation: identity} for role, identity in identities.items()
    }
    assert not accounts["web"]
    assert not accounts["test"]
    labelled = {pod.role for pod in found.pods if pod.labels.get(LABEL) == "true"}
    assert labelled == (set(identities) if cloud == "azure" else set())


def test_nobody_has_an_identity_that_nobody_gave(chart: Chart) -> None:
    found = chart.manifest()
    assert not any(each.annotations for each in found.of("ServiceAccount"))
    assert not any(LABEL in pod.labels for pod in found.pods)


def test_google_is_asked_for_tokens_where_there_is_an_identity_of_its(chart: Chart) -> None:
    roles = {role: {"identity": each} for role, each in CLOUDS["gcp"][1].items()}
    found = chart.manifest({"identity": {"type": "gcp"}, **roles})
    for policy in found.of("NetworkPolicy"):
        reached = "169.254.169.254/32" in str(policy.at("spec", "egress"))
        assert reached == (policy.role in roles), str(policy)


# --- the CSI driver's providers ------------------------------------------------------------------


def mounted(chart: Chart, provider: str, parameters: Json, references: dict[str, str]) -> Json:
    """Parameters of the class of the api's secrets."""
    csi = {"provider": provider, "parameters": parameters}
    secrets = {"type": "csi", "csi": csi, "references": references}
    found = chart.manifest({"secrets": secrets})
    item = found.find("SecretProviderClass", "app-api")
    assert item is not None
    assert item.at("spec", "provider") == provider
    _reads_what_is_mounted(found)
    told = item.at("spec", "parameters")
    assert isinstance(told, dict)
    return told


def _reads_what_is_mounted(found: Manifest) -> None:
    """Every variable that comes from a Secret is a key of one that its pod's class makes."""
    for item in found.of("SecretProviderClass"):
        (made,) = item.at("spec", "secretObjects")
        keys = {each["key"] for each in made["data"]}
        for container in pod_of(found, item.role).containers:
            assert secret_names(container).keys() == keys
            assert set(secret_names(container).values()) == {made["secretName"]}


def test_aws_takes_each_secret_once_with_its_keys(chart: Chart) -> None:
    told = mounted(chart, "aws", {"region": "eu-central-1"}, SHARED)
    assert told["region"] == "eu-central-1"
    keys = [
        {"path": '"key"', "objectAlias": "env.AUTH_SESSION_ENCRYPTION_KEY"},
        {"path": '"redis"', "objectAlias": "env.REDIS_URL"},
        {"path": '"url"', "objectAlias": "env.DATABASE_URL"},
    ]
    assert _sorted(yaml.safe_load(told["objects"])) == [
        {"objectName": "app", "objectType": "secretsmanager", "jmesPath": keys},
        {
            "objectName": "pepper",
            "objectType": "secretsmanager",
            "objectAlias": "env.AUTH_PASSWORD_PEPPER",
        },
    ]


def _sorted(objects: list[Json]) -> list[Json]:
    """The same in an order of its own: neither that of secrets nor that of keys matters."""
    for each in objects:
        if "jmesPath" in each:
            each["jmesPath"] = sorted(each["jmesPath"], key=lambda item: str(item["path"]))
    return sorted(objects, key=lambda item: str(item["objectName"]))


def test_azure_takes_texts_that_are_yaml_again(chart: Chart) -> None:
    given = {"keyvaultName": "vault", "tenantId": "tenant"}
    told = mounted(chart, "azure", given, WHOLE)
    assert {key: told[key] for key in given} == given
    objects = [yaml.safe_load(each) for each in yaml.safe_load(told["objects"])["array"]]
    assert sorted(objects, key=lambda item: str(item["objectName"])) == [
        {"objectName": text, "objectType": "secret", "objectAlias": f"env.{name}"}
        for name, text in sorted(WHOLE.items(), key=lambda item: item[1])
    ]


def test_azure_reads_as_the_role_does(chart: Chart) -> None:
    csi = {"provider": "azure", "parameters": {"keyvaultName": "vault", "tenantId": "tenant"}}
    secrets = {"secrets": {"type": "csi", "csi": csi, "references": WHOLE}}
    identity = {"identity": {"type": "azure"}, "api": {"identity": f"{CLIENT}7"}}
    found = chart.manifest(secrets, identity)
    told = {each.role: each.at("spec", "parameters") for each in found.of("SecretProviderClass")}
    assert told["api"]["clientID"] == f"{CLIENT}7"
    assert "clientID" not in told["worker"], "the worker has no identity of Azure's"
    elsewhere = {"identity": {"type": "aws"}, "api": {"identity": CLOUDS["aws"][1]["api"]}}
    item = chart.manifest(secrets, elsewhere).find("SecretProviderClass", "app-api")
    assert item is not None
    assert "clientID" not in item.at("spec", "parameters")


def test_google_takes_whole_names_of_versions(chart: Chart) -> None:
    pinned = "projects/other/secrets/key/versions/7"
    told = mounted(chart, "gcp", {"project": "acme"}, {**WHOLE, "SECRET_KEY": pinned})
    assert "project" not in told, "the provider knows no such parameter"
    names = {each["path"]: each["resourceName"] for each in yaml.safe_load(told["secrets"])}
    assert names == {
        f"env.{name}": f"projects/acme/secrets/{text}/versions/latest"
        for name, text in WHOLE.items()
    } | {"env.SECRET_KEY": pinned}


def test_vault_takes_a_path_and_a_key(chart: Chart) -> None:
    references = {name: f"secret/data/app#{text}" for name, text in WHOLE.items()}
    told = mounted(chart, "vault", {"roleName": "app"}, references)
    objects = yaml.safe_load(told["objects"])
    assert {each["objectName"]: (each["secretPath"], each["secretKey"]) for each in objects} == {
        f"env.{name}": ("secret/data/app", text) for name, text in WHOLE.items()
    }


# --- another contract ----------------------------------------------------------------------------


def of_contract(to: Path, major: str, change: Callable[[Json], None], *values: Json) -> Manifest:
    """What the chart renders for another contract."""

    def plant(root: Path) -> None:
        contract = json.loads((root / "contract.json").read_text(encoding="utf-8"))
        change(contract)
        (root / "contract.json").write_text(json.dumps(contract), encoding="utf-8")

    text = Chart(copied(to, plant), major).text(*values)
    return manifest.parse(text, "ops/charts/app")


@pytest.mark.parametrize("major", MAJORS)
def test_a_role_that_begins_to_have_secrets_is_brought_them(major: str, tmp_path: Path) -> None:
    def web_signs(contract: Json) -> None:
        contract["variables"]["SECRET_KEY"]["roles"].append("web")

    found = of_contract(tmp_path / "app", major, web_signs)
    item = found.find("ExternalSecret", "app-web")
    assert item is not None
    assert [each["secretKey"] for each in item.at("spec", "data")] == ["SECRET_KEY"]
    assert secret_names(pod_of(found, "web").containers[0]) == {"SECRET_KEY": "app-web"}


@pytest.mark.parametrize("major", MAJORS)
def test_a_worker_that_may_overlap_is_replaced_as_services_are(major: str, tmp_path: Path) -> None:
    def overlap(contract: Json) -> None:
        contract["roles"]["worker"]["handover"] = "overlap"

    found = of_contract(tmp_path / "app", major, overlap)
    assert pod_of(found, "worker").object.at("spec", "strategy") == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }


@pytest.mark.parametrize("major", MAJORS)
def test_ports_paths_and_times_are_the_contracts(major: str, tmp_path: Path) -> None:
    def moved(contract: Json) -> None:
        role = contract["roles"]["api"]
        role |= {"port": 9000, "start_seconds": 301, "stop_seconds": 7, "drain_seconds": 11}
        role["health"] |= {"live": "/l", "ready": "/r"}
        contract["roles"]["migrate"]["timeout_seconds"] = 1200

    found = of_contract(tmp_path / "app", major, moved)
    pod = pod_of(found, "api")
    gate, container = pod.containers
    assert container.at("ports", 0, "containerPort") == 9000
    assert container.at("startupProbe", "httpGet", "path") == "/l"
    assert container.at("livenessProbe", "httpGet", "path") == "/l"
    assert container.at("readinessProbe", "httpGet", "path") == "/r"
    startup = container.at("startupProbe")
    assert 301 <= startup["periodSeconds"] * startup["failureThreshold"] < 310
    assert pod.spec["terminationGracePeriodSeconds"] == 10 + 11 + 5
    assert gate.at("command")[4] == "1200"
    (job,) = found.of("Job")
    assert job.at("spec", "activeDeadlineSeconds") == 1200
    web = {item["name"]: item.get("value") for item in pod_of(found, "web").containers[0].env}
    assert web["API_BASE_URL"] == "http://app-api:9000"


@pytest.mark.parametrize("major", MAJORS)
def test_every_input_reaches_a_variable_that_asks_for_it(major: str, tmp_path: Path) -> None:
    """Whichever inputs the contract of today uses."""
    wanted = {
        "project_name": "app",
        "api_memory_mib": "512",
        "worker_max_instances": "1",
        "app_domain": "app.example.org",
        "api_base_url": "http://api.internal",
        "auth_key_storage_provider": "aws_sm",
    }

    def asks(contract: Json) -> None:
        for name in wanted:
            contract["variables"][f"ASKS_{name.upper()}"] = {
                "type": "string",
                "roles": ["web"],
                "secret": False,
                "required": ["production"],
                "source": "input",
                "input": name,
            }

    values = {"apiBaseUrl": "http://api.internal"}
    found = of_contract(tmp_path / "app", major, asks, values)
    env = {item["name"]: item.get("value") for item in pod_of(found, "web").containers[0].env}
    assert {name: env[f"ASKS_{name.upper()}"] for name in wanted} == wanted


def test_the_references_here_are_those_that_are_enough() -> None:
    assert SHARED.keys() == ENOUGH["secrets"]["references"].keys()
