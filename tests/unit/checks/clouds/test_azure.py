"""Rules that no planted fault reaches, and limits at their edges; the rest is in blueprints/."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hostwright.checks.clouds import (
    azure,
    azure_network,
    azure_rights,
    azure_roles,
    azure_stores,
)
from hostwright.checks.clouds.azure_planned import Planned
from hostwright.checks.clouds.source import Source
from hostwright.contract import load
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

SOURCE = Source("ops/infra/azure", Sources((), {}))


def resource(address: str, **values: Any) -> Resource:  # noqa: ANN401 - values are JSON
    kind, _, rest = address.partition(".")
    return Resource(address, kind, rest.partition("[")[0], None, "managed", values)


def planned(*resources: Resource, **inputs: Any) -> Planned:  # noqa: ANN401 - inputs are JSON
    document = {"variables": {name: {"value": value} for name, value in inputs.items()}}
    found = Plan(resources, {}, {}, {}, Sources((), {}), (), document)
    return Planned(load(), found, SOURCE)


def test_a_retired_service_is_told_by_its_successor() -> None:
    [finding] = azure_stores.retired(planned(resource("azurerm_redis_cache.main")))
    assert (finding.check, finding.role) == ("redis-retired", "redis")
    assert "azurerm_managed_redis" in finding.remedy


@pytest.mark.parametrize(
    ("cpu", "memory", "fine"),
    [
        (0.25, "0.5Gi", True),
        (0.5, "1Gi", True),
        (4, "8Gi", True),
        (0.2, "0.4Gi", False),
        (4.25, "8.5Gi", False),
        (0.3, "0.6Gi", False),
        (0.5, "512Mi", False),
        (1, "1Gi", False),
    ],
)
def test_pairs_of_cpu_and_memory(cpu: float, memory: str, *, fine: bool) -> None:
    app = resource(
        "azurerm_container_app.x",
        tags={"role": "api"},
        template=[{"container": [{"cpu": cpu, "memory": memory}]}],
    )
    assert (list(azure_roles.sizes(planned(app))) == []) is fine


@pytest.mark.parametrize(
    ("kind", "longest", "refused"),
    [
        ("azurerm_storage_account", "a" * 24, ["a" * 25, "aa", "with-dash", "Upper"]),
        ("azurerm_key_vault", "a" * 24, ["a" * 25, "1abc", "a--b", "abc-"]),
        ("azurerm_container_app", "a" * 32, ["a" * 33, "a--b", "a-", "Api"]),
        ("azurerm_container_app_job", "a" * 31, ["a" * 32, "1job"]),
        ("azurerm_postgresql_flexible_server", "a" * 63, ["a" * 64, "ab", "a_b"]),
        ("azurerm_storage_container", "a" * 63, ["a" * 64, "a--b", "ab"]),
    ],
)
def test_grammars_of_names(kind: str, longest: str, refused: list[str]) -> None:
    grammar = re.compile(azure_network.NAMES[kind])
    assert grammar.fullmatch(longest)
    assert [name for name in refused if grammar.fullmatch(name)] == []


def test_a_name_that_is_decided_later_is_not_judged() -> None:
    later = resource("azurerm_key_vault.main", name="${azurerm_resource_group.main.name}-vault")
    assert list(azure_network.names(planned(later))) == []


def test_a_vault_that_was_asked_to_be_open_is_not_told() -> None:
    vault = resource(
        "azurerm_key_vault.main",
        rbac_authorization_enabled=True,
        purge_protection_enabled=True,
        public_network_access_enabled=True,
        network_acls=[{"default_action": "Allow"}],
    )
    asked = planned(vault, operator_ranges=["0.0.0.0/0"])
    narrow = planned(vault, operator_ranges=["203.0.113.7/32"])
    assert list(azure_stores.vaults(asked)) == []
    assert [item.check for item in azure_stores.vaults(narrow)] == ["vault-open"]


@pytest.mark.parametrize(("asked", "kept"), [(30, 30), (731, 730)])
def test_logs_are_kept_as_long_as_azure_can(asked: int, kept: int) -> None:
    workspace = resource("azurerm_log_analytics_workspace.main", retention_in_days=kept)
    assert list(azure_stores.logs(planned(workspace, log_retention_days=asked))) == []


def test_profiles_below_production_may_run_once_and_be_deleted() -> None:
    app = resource("azurerm_container_app.x", tags={"role": "api"}, template=[{"min_replicas": 1}])
    server = resource("azurerm_postgresql_flexible_server.main", sku_name="B_Standard_B2s")
    staging = planned(app, server, environment="staging")
    assert list(azure_roles.instances(staging)) == []
    assert list(azure_stores.standby(staging)) == []
    assert list(azure_stores.protection(staging)) == []


def test_every_check_has_a_name_of_its_own_and_says_what_holds() -> None:
    parts = (azure_roles, azure_rights, azure_stores, azure_network)
    assert len(azure.CHECKS) == sum(len(part.CHECKS) for part in parts)
    assert all(len(holds) > 10 and not holds.endswith(".") for holds in azure.CHECKS.values())


def test_an_empty_plan_has_no_resource_to_blame() -> None:
    nothing = Plan((), {}, {}, {}, Sources((), {}))
    found = azure.check(load(), nothing, SOURCE).findings
    assert {item.check for item in found} == {"provider-features", "provider-version"}
