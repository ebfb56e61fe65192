"""What a person is told whose inputs the GCP blueprint cannot take: cause and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.contract.load import load
from hostwright.render.clouds.choices import chosen
from hostwright.render.clouds.gcp import CLOUD
from hostwright.terraform.cli import workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Told = Callable[[str], str]

HERE = paths.INFRA / "gcp"
DIGEST = "@sha256:" + "0" * 64

#: Inputs that are refused together, and what is said of each.
REFUSED: dict[str, tuple[Mapping[str, object], tuple[str, ...]]] = {
    "variables": (
        {
            "project_id": "Acme Shop",
            "trusted_proxies": ["203.0.113.0/24"],
            "api_secrets": {"SECRET_KEY": "projects/acme/secrets/key/versions/latest"},
            "worker_secrets": {"SECRET_KEY": "key"},
            "auth_key_secret_name": "keys/of/api",
            "db_instance_type": "db-perf-optimized-N-2",
            "redis_instance_type": "M1",
            "dns_zone": "example.com",
        },
        (
            "project_id must be the id of a project, such as acme-shop-prod",
            "trusted_proxies has no effect here",
            "api_secrets must hold references such as projects/",
            "worker_secrets must hold references such as projects/",
            "auth_key_secret_name must be letters, digits, dashes and underscores",
            "db_instance_type must be db-custom-CPUS-MIB",
            "redis_instance_type must be a number of GiB from 1 to 300",
            "dns_zone must be the name of a managed zone",
        ),
    ),
    "preconditions": (
        {
            "api_cpu": 4,
            "api_memory_mib": 1024,
            "api_image": f"public.example.com/api{DIGEST}",
            "web_image": f"public.example.com/web{DIGEST}",
            "worker_image": f"public.example.com/worker{DIGEST}",
            "web_min_instances": 5,
            "worker_max_instances": 3,
            "api_max_instances": 150,
            "network_cidr": "10.20.0.0/20",
        },
        (
            "Cloud Run has no such size: api has 4 CPU and 1024 MiB.",
            "web_max_instances is 4, web_min_instances 5. Raise the one or lower the other.",
            "worker_max_instances must equal worker_min_instances here",
            "could open 756 connections at once, but db-custom-1-3840 takes fewer than 100.",
            "may need 316 addresses, but its subnet 10.20.0.0/24 has 252.",
            "registry_server is set, but no image comes from there.",
        ),
    ),
    "elsewhere": (
        {"api_env": {}, "worker_env": {}},
        (
            "The role api lacks variables that the profile production requires: VAULT_ADDR,",
            "The role worker lacks variables that the profile production requires: VAULT_ADDR,",
            "Set them in worker_env",
        ),
    ),
}


@pytest.fixture(scope="module")
def told() -> Told:
    """Everything that Terraform says of a set of inputs, on one line."""
    done: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in done:
            elsewhere = {"secrets_provider": "vault_hcp"} if name == "elsewhere" else {}
            usual = chosen(load(), CLOUD, elsewhere).variables
            with workbench(HERE) as bench:
                plan, said = bench.plan({**usual, **REFUSED[name][0]})
            assert plan is None
            done[name] = " ".join(" ".join(str(item).split()) for item in said)
        return done[name]

    return of


@pytest.mark.parametrize(
    ("name", "sentence"),
    [(name, sentence) for name, (_, sentences) in REFUSED.items() for sentence in sentences],
)
def test_what_cannot_work_is_refused_with_a_reason(name: str, sentence: str, told: Told) -> None:
    assert sentence in told(name)


@pytest.mark.parametrize("file", sorted(HERE.glob("examples/*.tfvars")), ids=lambda file: file.stem)
def test_an_example_is_complete_but_for_the_secrets(file: object) -> None:
    usual = chosen(load(), CLOUD, {}).variables
    secrets = ("db_admin_password", "registry_password", "secret_values")

    with workbench(HERE) as bench:
        plan, said = bench.plan(
            {name: usual[name] for name in secrets}, var_files=[HERE / str(file)]
        )

    assert not said
    assert plan is not None
    assert plan.document["variables"]["environment"]["value"] in str(file)
