"""The Azure blueprint as people use it: its examples, what it refuses and why, fewer roles.

And with both Terraforms that it is written for.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hostwright import paths, toolchain
from hostwright.checks.clouds.azure import check
from hostwright.checks.clouds.source import Source
from hostwright.contract.export import exported
from hostwright.contract.load import load
from hostwright.render.clouds.azure import CLOUD, containers
from hostwright.render.clouds.choices import chosen
from hostwright.render.release import without
from hostwright.terraform.cli import workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.contract.models import RoleName
    from hostwright.terraform.cli import Workbench

HERE = paths.INFRA / "azure"
REFERENCE = "https://acme.vault.azure.net/secrets/secret-key"
#: Given so that inputs of the examples are complete; never the examples' own.
SECRETS: dict[str, Any] = {
    "db_admin_password": "A-password-that-nobody-uses-0",
    "registry_password": "a-token-that-nobody-uses",
    "secret_values": dict.fromkeys(
        ("SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER"),
        "a-value-that-nobody-uses-anywhere",
    ),
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with workbench(HERE) as found:
        yield found


def inputs(**more: object) -> dict[str, object]:
    return {**chosen(load(), CLOUD, {}).variables, **more}


@pytest.mark.parametrize("profile", ["development", "staging", "production"])
def test_an_example_is_complete_but_for_secrets(bench: Workbench, profile: str) -> None:
    plan, said = bench.plan(SECRETS, var_files=[HERE / "examples" / f"{profile}.tfvars"])
    assert said == ()
    assert plan is not None
    assert len(containers(plan)) == 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"api_memory_mib": 512}, "0.25 to 4 CPUs in steps of 0.25, with 2048 MiB for each"),
        ({"web_min_instances": 9}, "max_instances must be from min_instances to 300 for web"),
        (
            {"db_instance_type": "B_Standard_B1ms", "db_high_availability": False},
            "The roles may open 44 connections",
        ),
        ({"db_instance_type": "B_Standard_B2s"}, "is burstable and can have no standby"),
        ({"redis_instance_type": "Balanced_B50"}, "larger ones are clusters"),
        ({"auth_key_secret_name": "database-url"}, "must not be the name of another secret"),
        ({"dns_zone": "example.org"}, "must be the zone that app_domain and api_domain lie in"),
        ({"api_secrets": {"SECRET_KEY": "key"}}, "must hold ids of Key Vault secrets"),
        ({"api_env": {"DATABASE_URL": "x"}}, "must not hold DATABASE_URL"),
        (
            {
                "secrets_provider": "vault_hcp",
                "secret_values": {**SECRETS["secret_values"], "VAULT_TOKEN": "a-token-of-nobodys"},
                "api_env": {},
                "worker_env": {},
            },
            "api lacks VAULT_ADDR, VAULT_TRANSIT_KEY",
        ),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_a_refusal_says_what_and_what_to_do(
    bench: Workbench, more: dict[str, Any], message: str
) -> None:
    plan, said = bench.plan(inputs(**more))
    assert plan is None
    assert message in " ".join(" ".join(map(str, said)).split())


def test_an_operators_own_reference_is_taken_as_it_is(bench: Workbench) -> None:
    plan, said = bench.plan(inputs(api_secrets={"SECRET_KEY": REFERENCE}))
    assert plan is not None, said

    env = {
        item.role: item.env["SECRET_KEY"] for item in containers(plan) if "SECRET_KEY" in item.env
    }
    granted = [item.index for item in plan.of_type("azurerm_role_assignment")]

    assert (env["api"].text, env["api"].secret, env["api"].written) == (REFERENCE, True, "")
    assert env["worker"].written
    assert "api/SECRET_KEY" not in granted
    assert "worker/SECRET_KEY" in granted


def test_images_that_run_are_kept_where_ci_deploys(bench: Workbench) -> None:
    plan, said = bench.plan(inputs(manage_image=False))
    assert plan is not None, said
    running = "${data.azurerm_container_app.running[%s].template[0].container[0].image}"
    image = {
        item.get("tags.role"): item.get("template.0.container.0.image")
        for item in plan.of_type("azurerm_container_app", "azurerm_container_app_job")
    }
    assert image["web"] == running % '"web"'
    assert image["migrate"] == image["worker"] == running % '"worker"'


@contextmanager
def smaller(tmp_path: Path, *roles: RoleName) -> Iterator[Workbench]:
    """The blueprint of an application that lacks roles."""
    root = tmp_path / "azure"
    shutil.copytree(HERE, root)
    contract = exported(without(load(), frozenset(roles)), "azure")
    (root / "contract.json").write_text(json.dumps(contract))
    with workbench(root) as found:
        yield found


@pytest.mark.parametrize("roles", [("web",), ("worker", "migrate")])
def test_any_role_may_be_absent(tmp_path: Path, roles: tuple[RoleName, ...]) -> None:
    given = chosen(without(load(), frozenset(roles)), CLOUD, {}).variables
    with smaller(tmp_path, *roles) as bench:
        plan, said = bench.plan(given, mode="unknown")
    assert said == ()
    assert plan is not None
    assert {item.role for item in containers(plan)} == set(roles)


def test_the_packaged_terraform_takes_it_too() -> None:
    with workbench(HERE, tool=toolchain.pinned("terraform")) as bench:
        assert bench.validate() == ()
        plan, said = bench.plan(inputs(), mode="unknown")
    assert said == ()
    assert plan is not None


def test_trust_names_the_subject_that_github_gives_with_ids(bench: Workbench) -> None:
    """Repositories that were made since June 2026 have one."""
    plan, said = bench.plan(inputs(github_subject="repo:acme-1/shop-2"))
    assert said == ()
    assert plan is not None
    [trust] = plan.of_type("azurerm_federated_identity_credential")
    assert trust.get("subject") == "repo:acme-1/shop-2:environment:production"
    source = Source("ops/infra/azure", plan.sources)
    assert [
        item for item in check(load(), plan, source).findings if item.check == "ci-subject"
    ] == []
