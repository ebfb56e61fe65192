"""The AWS blueprint as people use it: its examples, what it refuses and why, fewer roles.

And with both Terraforms that it is written for.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hostwright import paths, toolchain
from hostwright.checks.clouds.aws import check
from hostwright.checks.clouds.source import Source
from hostwright.contract.export import exported
from hostwright.contract.load import load
from hostwright.render.clouds.aws import CLOUD, containers
from hostwright.render.clouds.choices import chosen
from hostwright.render.release import without
from hostwright.terraform.cli import workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.contract.models import RoleName
    from hostwright.terraform.cli import Workbench
    from hostwright.terraform.plan import Plan

HERE = paths.INFRA / "aws"
REFERENCE = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:theirs-AbCdEf:key::"
DIGEST = "@sha256:" + "0" * 64
#: Given so that inputs of the examples are complete; never the examples' own.
SECRETS: dict[str, Any] = {
    "db_admin_password": "A-password-that-nobody-uses-0",
    "redis_auth_token": "a-token-that-nobody-uses-anywhere",
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


def planned(bench: Workbench, **more: object) -> Plan:
    plan, said = bench.plan(inputs(**more))
    assert plan is not None, said
    return plan


@pytest.mark.parametrize("profile", ["development", "staging", "production"])
def test_an_example_is_complete_but_for_secrets(bench: Workbench, profile: str) -> None:
    plan, said = bench.plan(SECRETS, var_files=[HERE / "examples" / f"{profile}.tfvars"])

    assert said == ()
    assert plan is not None
    assert len(containers(plan)) == 4


#: Inputs that are refused together, and what is said of each.
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "variables": (
        {
            "project_name": "shop--two",
            "dns_zone": "example.org",
            "trusted_proxies": ["10.0.0.0/8"] * 31,
            "auth_key_secret_name": "keys of api",
            "api_secrets": {"SECRET_KEY": REFERENCE.removesuffix("::")},
            "worker_secrets": {"SECRET_KEY": "theirs"},
            "api_env": {"DATABASE_URL": "postgresql://elsewhere"},
            "db_name": "postgres",
            "db_admin_username": "rds_owner",
            "db_instance_type": "m7g.large",
            "db_storage_gib": 10,
            "redis_instance_type": "m7g.large",
        },
        (
            "project_name must not have two dashes in a row, which RDS refuses",
            "dns_zone must be the name of the Route 53 zone that app_domain and api_domain lie in",
            "trusted_proxies may have 30 ranges",
            "auth_key_secret_name must be letters, digits and / _ + = . @ -",
            "api_secrets must hold ARNs of Secrets Manager or of Parameter Store",
            "with all three colons",
            "worker_secrets must hold ARNs",
            "api_env must not hold DATABASE_URL or REDIS_URL",
            "db_name must be lower-case letters, digits and underscores",
            "db_admin_username must be",
            "db_instance_type must be a class of RDS, such as db.m7g.xlarge",
            "db_storage_gib must be 20 to 32768",
            "redis_instance_type must be a node type of ElastiCache",
        ),
    ),
    "preconditions": (
        {
            "region": "mx-central-1",
            "api_memory_mib": 512,
            "web_min_instances": 5,
            "api_max_instances": 20,
            "db_instance_type": "db.t4g.micro",
            "registry_server": "registry.example.com",
        },
        (
            "There is no rds-ca/mx-central-1.pem",
            "Fargate has no such size: api (0.5 CPUs, 512 MiB).",
            "The fewest instances are more than the most for web",
            "The roles may open 203 connections, and db.t4g.micro allows about 78",
            "registry_server is registry.example.com, but no image begins with it",
        ),
    ),
    "elsewhere": (
        {
            "secrets_provider": "vault_hcp",
            "secret_values": {**SECRETS["secret_values"], "VAULT_TOKEN": "a-token-of-nobodys-own"},
            "api_env": {},
            "worker_env": {},
        },
        (
            "Required variables have no value: api: VAULT_ADDR, VAULT_TRANSIT_KEY; worker:",
            "Set them in api_env, web_env or worker_env",
        ),
    ),
}
SENTENCES = [(name, sentence) for name, (_, told) in REFUSED.items() for sentence in told]


@pytest.fixture(scope="module")
def told(bench: Workbench) -> dict[str, str]:
    """Everything that Terraform says of each set of inputs, on one line."""
    done = {}
    for name, (more, _) in REFUSED.items():
        plan, said = bench.plan(inputs(**more))
        assert plan is None
        done[name] = " ".join(" ".join(map(str, said)).split())
    return done


@pytest.mark.parametrize(("name", "sentence"), SENTENCES)
def test_a_refusal_says_what_and_what_to_do(told: dict[str, str], name: str, sentence: str) -> None:
    assert sentence in told[name]


def test_an_operators_own_reference_is_taken_as_it_is(bench: Workbench) -> None:
    plan = planned(bench, api_secrets={"SECRET_KEY": REFERENCE})
    env = {
        item.role: item.env["SECRET_KEY"] for item in containers(plan) if "SECRET_KEY" in item.env
    }
    policy = str(plan.at('aws_iam_role_policy.execution["api"]').get("policy"))

    assert (env["api"].text, env["api"].secret, env["api"].written) == (REFERENCE, True, "")
    assert env["worker"].written
    assert json.dumps(REFERENCE.removesuffix(":key::")) in policy


def test_images_that_run_are_kept_where_ci_deploys(bench: Workbench) -> None:
    plan = planned(bench, manage_image=False)
    image = {
        item.get("tags.role"): json.loads(str(item.get("container_definitions")))[0]["image"]
        for item in plan.of_type("aws_ecs_task_definition")
    }

    assert image["web"] == '${data.aws_ecs_container_definition.running["web"].image}'
    assert image["migrate"] == image["worker"]
    assert all(item.get("track_latest") for item in plan.of_type("aws_ecs_task_definition"))


def test_only_trusted_proxies_reach_the_load_balancer(bench: Workbench) -> None:
    plan = planned(bench, trusted_proxies=["203.0.113.0/24", "2001:db8::/32"])
    rules = [
        (item.get("from_port"), item.get("cidr_ipv4") or item.get("cidr_ipv6"))
        for item in plan.of_type("aws_vpc_security_group_ingress_rule")
        if item.name == "edge"
    ]

    assert sorted(rules) == [
        (80, "2001:db8::/32"),
        (80, "203.0.113.0/24"),
        (443, "2001:db8::/32"),
        (443, "203.0.113.0/24"),
    ]


def test_images_in_ecr_are_pulled_inside_by_their_roles_alone(bench: Workbench) -> None:
    registry = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
    plan = planned(bench, web_image=f"{registry}/shop/web{DIGEST}")
    endpoints = {item.index for item in plan.of_type("aws_vpc_endpoint") if item.index}
    policies = {
        str(item.index): str(item.get("policy"))
        for item in plan.of_type("aws_iam_role_policy")
        if item.name in {"execution", "ci"}
    }

    assert endpoints == {"ecr.api", "ecr.dkr", "logs", "secretsmanager"}
    assert [name for name, text in policies.items() if "BatchGetImage" in text] == ["0", "web"]
    assert ":ecr:eu-central-1:111122223333:repository/shop/web" in policies["web"]


def test_each_profile_makes_the_same_things(bench: Workbench) -> None:
    plans = [planned(bench, environment=name) for name in ("staging", "production")]
    # The production's second way out of its second zone.
    doubled = {"aws_eip", "aws_nat_gateway"}
    made = [{item.address for item in plan.resources if item.type not in doubled} for plan in plans]

    assert made[0] == made[1]


@contextmanager
def smaller(tmp_path: Path, *roles: RoleName) -> Iterator[Workbench]:
    """The blueprint of an application with these roles alone."""
    root = tmp_path / "aws"
    shutil.copytree(HERE, root)
    contract = exported(without(load(), frozenset(roles)), "aws")
    (root / "contract.json").write_text(json.dumps(contract))
    with workbench(root) as found:
        yield found


@pytest.mark.parametrize(
    "roles", [("web",), ("api", "web"), ("worker", "migrate"), ("api", "worker", "migrate")]
)
def test_any_role_may_be_absent(tmp_path: Path, roles: tuple[RoleName, ...]) -> None:
    given = chosen(without(load(), frozenset(roles)), CLOUD, {}).variables

    with smaller(tmp_path, *roles) as bench:
        plan, said = bench.plan(given, mode="unknown")

    assert said == ()
    assert plan is not None
    made = {item.get("tags.role") for item in plan.of_type("aws_ecs_task_definition")}
    assert made == set(roles)


def test_the_packaged_terraform_takes_it_too() -> None:
    with workbench(HERE, tool=toolchain.pinned("terraform")) as bench:
        assert bench.validate() == ()
        plan, said = bench.plan(inputs(), mode="unknown")

    assert said == ()
    assert plan is not None


def test_trust_names_the_subject_that_github_gives_with_ids(bench: Workbench) -> None:
    """Repositories that were made since June 2026 have one."""
    plan = planned(bench, github_subject="repo:acme-1/shop-2")
    [ci] = [item for item in plan.of_type("aws_iam_role") if item.name == "ci"]
    assert "repo:acme-1/shop-2:environment:production" in ci.get("assume_role_policy")
    source = Source("ops/infra/aws", plan.sources)
    assert check(load(), plan, source).findings == ()
