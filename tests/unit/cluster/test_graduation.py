"""From a server's installation to the values and the secrets of the same on Kubernetes."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hostwright import paths, toolchain
from hostwright.cluster import graduate
from hostwright.cluster.desired import Inputs, desired
from hostwright.cluster.graduation import Server, secrets_text, values_text
from hostwright.cluster.graduation import graduate as graduated
from hostwright.cluster.model import Where
from hostwright.contract import load
from hostwright.contract.envfile import Given
from hostwright.errors import ReleaseError, UserError, ValuesError
from hostwright.helm import cli
from hostwright.render.release import without
from hostwright.settings import Host

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.cluster.graduation import Graduation
    from hostwright.contract.models import Contract

CONTRACT = load()
SCHEMA = json.loads(paths.VALUES_SCHEMA.read_text())
PULLED = {role: {"ref": f"ghcr.io/acme/{role}@sha256:{'1' * 64}"} for role in ("api", "web")}
PULLED["worker"] = PULLED["api"]
SECRETS = ("SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER", "POSTGRES_PASSWORD")
GIVEN = {name: Given(f"hidden-{name}", f".env:{at}") for at, name in enumerate(SECRETS, 1)}


def server(
    given: dict[str, str] | None = None,
    images: dict[str, dict[str, str]] | None = None,
    **host: Any,  # noqa: ANN401 - fields of Host
) -> Server:
    stated = {"address": "203.0.113.7", "app_domain": "app.example.org", **host}
    plain = {name: Given(value, ".env:9") for name, value in (given or {}).items()}
    return Server(
        Host.model_validate(stated, strict=False),
        {**GIVEN, **plain},
        PULLED if images is None else images,
        "20261122t170301z-ab12cde",
    )


def made(contract: Contract = CONTRACT, **changes: Any) -> tuple[Graduation, dict[str, Any]]:  # noqa: ANN401
    there = server(**changes)
    found = graduated(contract, there, SCHEMA)
    return found, yaml.safe_load(values_text(found, there))


def todos(found: Graduation) -> list[str]:
    return [item.path for item in found.todos]


def test_what_only_a_server_has_is_left_to_be_chosen() -> None:
    found, values = made()
    assert todos(found) == [
        "secretsProvider",
        "storageProvider",
        "storageBucketName",
        "env.DATABASE_SSL_MODE",
        "secrets.external.storeName",
        "routing.gateway.name",
    ]
    assert values["secretsProvider"] == values["storageProvider"] == ""
    assert "env" not in found.todos[0].what.partition(" (")[0].split(", ")
    assert "authKeyStorageProvider" not in values


def test_what_kubernetes_can_do_as_well_is_carried_over() -> None:
    found, values = made(
        given={
            "SECRETS_PROVIDER": "vault_hcp",
            "VAULT_ADDR": "https://vault.example.org",
            "LOG_LEVEL": "debug",
            "VAULT_TOKEN": "hidden-token",
        },
        inputs={"storage_provider": "s3", "storage_bucket_name": "uploads", "api_memory_mib": 768},
        project_name="shop",
        api_domain="api.example.org",
        api_env={"CONTRACT_ENDPOINT_ENABLED": "true"},
    )
    assert values["projectName"] == "shop"
    assert values["appPublicUrl"] == "https://app.example.org"
    assert values["apiDomain"] == "api.example.org"
    assert values["secretsProvider"] == "vault_hcp"
    assert values["storageProvider"] == "s3"
    assert values["storageBucketName"] == "uploads"
    assert values["api"]["memoryMib"] == 768
    assert values["api"]["env"] == {"CONTRACT_ENDPOINT_ENABLED": "true"}
    assert values["env"]["LOG_LEVEL"] == "debug"
    assert values["env"]["VAULT_ADDR"] == "https://vault.example.org"
    assert values["secrets"]["references"]["VAULT_TOKEN"] == "shop-vault-token"
    assert "secretsProvider" not in todos(found)


def test_inputs_of_a_server_alone_are_left_behind_by_name() -> None:
    found, values = made(inputs={"db_name": "shop"})
    assert found.left == ["db_name: the chart has no such value"]
    assert "dbName" not in values


def test_images_that_were_never_in_a_registry_have_to_be_pushed() -> None:
    found, values = made(images={"api": {"ref": "shop-api:1"}, "web": PULLED["web"]})
    assert todos(found)[:1] == ["secretsProvider"]
    assert values["web"]["image"] == PULLED["web"]["ref"]
    assert values["api"]["image"] == ""
    assert "shop-api:1 was sent over SSH" in next(
        item.what for item in found.todos if item.path == "api.image"
    )


def test_a_worker_of_the_apis_image_is_not_written_twice() -> None:
    assert "worker" not in made()[1]
    other = {**PULLED, "worker": {"ref": f"ghcr.io/acme/jobs@sha256:{'2' * 64}"}}
    assert made(images=other)[1]["worker"] == {"image": other["worker"]["ref"]}


def test_the_list_of_secrets_says_who_reads_them_and_where_the_value_comes_from() -> None:
    there = server()
    found = graduated(CONTRACT, there, SCHEMA)
    listed = yaml.safe_load(secrets_text(found, there))
    assert [item["variable"] for item in listed] == ["DATABASE_URL", "REDIS_URL", *SECRETS[:3]]
    assert listed[0] == {
        "variable": "DATABASE_URL",
        "reference": "app-database-url",
        "roles": ["api", "worker", "migrate"],
        "value": listed[0]["value"],
    }
    assert listed[0]["value"].startswith("new: the whole URL of the Postgres")
    assert listed[2]["value"] == "the same value as on the server (.env:1)"


def test_no_value_of_a_secret_is_written() -> None:
    there = server({"VAULT_TOKEN": "hidden-token"})
    found = graduated(CONTRACT, there, SCHEMA)
    assert "hidden" not in values_text(found, there) + secrets_text(found, there)


@pytest.mark.parametrize("roles", [{"api", "worker", "migrate"}, {"web"}, {"worker"}])
def test_an_application_of_fewer_roles_has_only_their_values(roles: set[Any]) -> None:
    found, values = made(without(CONTRACT, frozenset(roles)))
    assert ("web" in values) is ("web" in roles)
    assert ("DATABASE_URL" in values.get("secrets", {}).get("references", {})) is (roles != {"web"})
    assert all(item.roles for item in found.secrets)


def test_awkward_values_survive_yaml() -> None:
    text = 'a: "b" # c\n\\u2028\u2028 é'
    assert made(given={"GCS_SIGNING_EMAIL": text})[1]["env"]["GCS_SIGNING_EMAIL"] == text


CHOSEN = {
    "secretsProvider": "vault_hcp",
    "storageProvider": "s3",
    "storageBucketName": "uploads",
    "env": {
        "DATABASE_SSL_MODE": "verify-full",
        "S3_REGION": "eu-central-1",
        "VAULT_ADDR": "https://vault.example.org",
        "VAULT_TRANSIT_KEY": "app",
    },
    "secrets": {"external": {"storeName": "s"}, "references": {"VAULT_TOKEN": "app-vault-token"}},
    "routing": {"gateway": {"name": "public"}},
}


def rendered(tmp_path: Path, *chosen: dict[str, Any]) -> str:
    there = server()
    files = [tmp_path / "values.yaml"]
    files[0].write_text(values_text(graduated(CONTRACT, there, SCHEMA), there))
    for at, values in enumerate(chosen):
        files.append(tmp_path / f"chosen{at}.yaml")
        files[-1].write_text(yaml.safe_dump(values))
    # Helm alone: who applies the file by hand is refused as well.
    return cli.template(paths.CHART, files, helm=toolchain.provide("helm"))


def test_the_values_render_once_everything_is_chosen(tmp_path: Path) -> None:
    assert "kind: Deployment" in rendered(tmp_path, CHOSEN)
    files = (tmp_path / "values.yaml", tmp_path / "chosen0.yaml")
    assert desired(Inputs(files), Where(), CONTRACT).objects


@pytest.mark.parametrize(
    "left",
    [
        "secretsProvider",
        "storageProvider",
        "storageBucketName",
        "env.DATABASE_SSL_MODE",
        "secrets.external.storeName",
        "routing.gateway.name",
    ],
)
def test_a_todo_that_is_left_is_refused(left: str, tmp_path: Path) -> None:
    chosen = json.loads(json.dumps(CHOSEN))
    *above, last = left.split(".")
    node = chosen
    for key in above:
        node = node[key]
    del node[last]
    with pytest.raises(ValuesError) as refused:
        rendered(tmp_path, chosen)
    assert left.rsplit(".", maxsplit=1)[-1] in str(refused.value)


# --- files ---------------------------------------------------------------------------------------


def status(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    releases = [
        {"id": "r1", "state": "good", "images": {}},
        {"id": "r2", "state": "serving", "images": PULLED},
    ]
    return {"event": "status", "serving": "r2", "releases": releases, **changes}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """hosts.yaml and values of a server that says what it runs."""
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=k3y-hidden\nLOG_LEVEL=debug\n")
    env.chmod(0o600)
    hosts = tmp_path / "hosts.yaml"
    hosts.write_text(
        "hosts: {shop: {address: 203.0.113.7, app_domain: app.example.org, "
        f"values: {{env_file: {env}}}}}}}\n"
    )
    monkeypatch.setattr(paths, "HOSTS", hosts)
    monkeypatch.setattr(graduate, "_status", lambda *_: status())
    return tmp_path


def test_two_files_are_written_for_their_owner_alone(shop: Path) -> None:
    out = shop / "prod.yaml"
    told = graduate.from_host("shop", "", out, force=False)
    for path in (out, shop / "prod.secrets.yaml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "hidden" not in path.read_text()
    assert told.release == "r2"
    assert 'LOG_LEVEL: "debug"' in out.read_text()
    assert "choose secretsProvider: one of " in told.text
    assert json.dumps(told.as_json())


def test_a_file_that_is_there_is_replaced_only_with_consent(shop: Path) -> None:
    listed = shop / "prod.secrets.yaml"
    listed.write_text("mine")
    with pytest.raises(UserError, match="exists already; nothing was written"):
        graduate.from_host("shop", "", shop / "prod.yaml", force=False)
    assert not (shop / "prod.yaml").exists()
    graduate.from_host("shop", "", shop / "prod.yaml", force=True)
    assert "mine" not in listed.read_text()
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600


def test_a_server_that_serves_nothing_is_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graduate, "_status", lambda *_: status(serving=None))
    with pytest.raises(ReleaseError, match="nothing serves there"):
        graduate.from_host("shop", "", shop / "prod.yaml", force=False)
