"""What the wizard writes for a cloud and for Kubernetes is taken by the real engines."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.unit.setup.setups import CONTRACT, ENVIRON, NAMES, example

from hostwright import paths, toolchain
from hostwright.contract.models import PROFILES
from hostwright.errors import SettingsError, ValuesError
from hostwright.run import run
from hostwright.secrets import from_file
from hostwright.setup import proof
from hostwright.setup.files import File

if TYPE_CHECKING:
    from tests.unit.setup.setups import Setup

CLOUDS = ("aws", "azure", "gcp")
ON_CLOUDS = [f"cloud_managed-{name}" for name in CLOUDS]
ON_KUBERNETES = ["kubernetes", "cloud_managed-other"]


def ran(setup: Setup, answers: dict[str, Any], *words: str) -> dict[str, Any]:
    """What a run tells programs; its check ran."""
    found: dict[str, Any] = json.loads(setup.run(answers, *words, json=True))
    assert [item["ran"] for item in found["checks"]] == [True], found["checks"]
    return found


def test_there_is_an_example_for_every_engine() -> None:
    assert {*ON_CLOUDS, *ON_KUBERNETES, "vps", "local_docker", "enterprise_custom"} == set(NAMES)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ON_CLOUDS)
def test_a_clouds_own_plan_takes_the_inputs_of_every_profile(
    name: str, profile: str, setup: Setup
) -> None:
    found = ran(setup, {**example(name), "profile": profile})
    assert found["written"]
    terraform = toolchain.find("terraform")
    tfvars = setup.out / f"{profile}.tfvars"
    done = run([*terraform.argv, "fmt", "-check", "-diff", str(tfvars)], check=False)
    assert (done.stdout, done.exit_code) == ("", 0)


@pytest.mark.parametrize("target", CLOUDS)
def test_everything_chosen_by_hand_is_taken_by_a_cloud(target: str, setup: Setup) -> None:
    known = example(f"cloud_managed-{target}")
    region = {key: known[key] for key in known.keys() - {"cloud", "preset"}}
    storage = {"storage_provider": {"aws": "s3", "azure": "azure_blob", "gcp": "gcs"}[target]}
    answers = {**example("enterprise_custom"), **region, **storage, "target": target}
    if target == "gcp":
        answers["dns_zone"] = "example-com"
    if target == "azure":
        answers["db_backup_retention_days"] = 14
    gone = {"MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}
    found = ran(setup, {key: item for key, item in answers.items() if key not in gone})
    assert "export TF_VAR_registry_password=…" in found["next"]
    written = from_file(setup.out / f".env.{target}")
    assert written["VAULT_TOKEN"].value == ENVIRON["SHOP_VAULT_TOKEN"]


def test_an_optional_secret_is_named_so_that_the_stack_makes_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "k3y-aGVsbG8gd29ybGQgYW5kIG1vcmUgb2Y")
    answers = {**example("cloud_managed-gcp"), "profile": "development"}
    ran(setup, {**answers, "SECRET_KEY": {"env": "KEY"}})
    text = setup.files()["development.tfvars"]
    assert re.search(r'(?m)^secret_names +=\s\["SECRET_KEY"\]$', text)


def test_texts_that_terraform_would_expand_arrive_as_they_are(setup: Setup) -> None:
    answers = {**example("cloud_managed-gcp"), "api_env": {"ALLOWED": "x"}}
    with pytest.raises(SettingsError, match=r"api_env\.ALLOWED is not in the contract"):
        ran(setup, answers)
    odd = {
        "secrets_provider": "vault_hcp",
        "VAULT_ADDR": "https://vault.example.com",
        "VAULT_TRANSIT_KEY": 'a "${b}" %{c} \\d',
        "VAULT_TOKEN": {"env": "SHOP_VAULT_TOKEN"},
    }
    ran(setup, {**example("cloud_managed-gcp"), **odd})
    text = setup.files()["production.tfvars"]
    assert r'VAULT_TRANSIT_KEY = "a \"$${b}\" %%{c} \\d"' in text


def test_what_a_blueprint_refuses_is_told_and_nothing_is_written(setup: Setup) -> None:
    answers = {**example("cloud_managed-gcp"), "region": "Europe West"}
    with pytest.raises(SettingsError, match=r"production\.tfvars:\d+: region must") as refused:
        setup.run(answers)
    assert "Nothing was written." in str(refused.value)
    assert "hostwright-setup" not in str(refused.value)
    assert setup.files() == {}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ON_KUBERNETES)
def test_helm_renders_the_values_of_every_profile(name: str, profile: str, setup: Setup) -> None:
    ran(setup, {**example(name), "profile": profile})
    there = setup.files()
    values = yaml.safe_load(there[f"{profile}-values.yaml"])
    listed = yaml.safe_load(there[f"{profile}-values.secrets.yaml"])
    references = {item["variable"]: item["reference"] for item in listed}
    assert values["secrets"]["references"] == references
    required = {"DATABASE_URL", "REDIS_URL"}
    required |= {"SECRET_KEY"} if profile != "development" else set()
    assert required <= references.keys()


@pytest.mark.parametrize(
    "given",
    [
        {"secrets.type": "existing", "routing.type": "none"},
        {"secrets.type": "existing", "routing.type": "ingress", "routing.ingress.className": "x"},
        {"secrets.references.SECRET_KEY": "shop#KEY", "api_max_instances": 8},
        {"networkPolicy.databaseRanges": ["10.0.0.0/8"], "pods.labels": {"team": "shop"}},
    ],
)
def test_helm_renders_other_choices(given: dict[str, Any], setup: Setup) -> None:
    ran(setup, {**example("kubernetes"), **given})


def test_what_the_chart_refuses_is_told_and_nothing_is_written(setup: Setup) -> None:
    with pytest.raises(ValuesError, match=r"(?s)production-values\.yaml:\d+: .*Nothing was writ"):
        setup.run({**example("kubernetes"), "api_image": "ghcr.io/acme/api:latest"})
    assert setup.files() == {}


def test_a_flag_of_the_charts_has_the_charts_type(setup: Setup) -> None:
    ran(setup, example("kubernetes"), "pods.user=20001", "networkPolicy.enabled=false")
    values = yaml.safe_load(setup.files()["production-values.yaml"])
    assert values["pods"]["user"] == 20001
    assert values["networkPolicy"]["enabled"] is False


def test_an_engine_that_is_not_there_is_told_as_not_run(setup: Setup) -> None:
    """A person's own environment has no Terraform: the files are written all the same."""
    answers = setup.write(example("cloud_managed-gcp"))
    code = (
        "import dataclasses, sys\n"
        "from hostwright import toolchain\n"
        "wanted = toolchain.TOOLS['terraform']\n"
        "toolchain.TOOLS['terraform'] = dataclasses.replace(wanted, package=None)\n"
        "from hostwright.setup.wizard import Request, run\n"
        "sys.exit(run(Request(sys.argv[1], (), sys.argv[2])))"
    )
    env = {"PATH": str(setup.root), "HOME": os.environ.get("HOME", "/")}
    done = run([sys.executable, "-c", code, str(answers), str(setup.out)], env=env, check=False)
    assert done.exit_code == 0, done.stderr
    assert "not run (" in done.stdout
    assert (setup.out / "production.tfvars").is_file()


def test_the_contracts_check_is_asked_of_the_file_as_it_is_to_be(setup: Setup) -> None:
    from hostwright.setup.known import Choice, catalogue
    from hostwright.setup.settle import settle

    choice = Choice("vps", "vps", "production")
    schema = json.loads(paths.VALUES_SCHEMA.read_text())
    settled = settle(CONTRACT, choice, catalogue(CONTRACT, choice, schema), {})
    with pytest.raises(ValuesError, match=r"\.env\.production:1: SECRET_KEY is a secret of fewer"):
        proof.prove(settled, [File(".env.production", "SECRET_KEY=x\n", "values")])
    assert not list(Path(setup.root).glob("*"))
