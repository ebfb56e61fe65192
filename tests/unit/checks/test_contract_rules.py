from __future__ import annotations

from typing import Any

import pytest
import yaml

from hostwright import paths
from hostwright.checks import contract_rules
from hostwright.contract.load import check
from hostwright.contract.located import parse
from hostwright.errors import ContractError


def contract_text(change: Any = None) -> str:  # noqa: ANN401 - a function or nothing
    document = yaml.safe_load(paths.CONTRACT.read_text())
    if change:
        change(document)
    return yaml.safe_dump(document, sort_keys=False)


def test_the_contract_of_the_repository_keeps_the_rules() -> None:
    document = parse(paths.CONTRACT.read_text(), "contract.yaml", ContractError)
    checked = contract_rules.check(check(document), document)
    assert checked.findings == ()
    assert checked.count > 0


@pytest.mark.parametrize("name", ["VAULT_TOKEN", "AWS_REGION", "GCP_PROJECT_ID", "MINIO_ENDPOINT"])
def test_a_vendors_variable_without_a_condition_is_found_where_it_is_required(name: str) -> None:
    def change(document: dict[str, Any]) -> None:
        del document["variables"][name]["when"]

    document = parse(contract_text(change), "contract.yaml", ContractError)
    [finding] = contract_rules.check(check(document), document).findings
    assert (finding.check, finding.variable) == ("demanded-whatever-is-chosen", name)
    assert document.line(("variables", name, "required")) == finding.line


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("db_username", "db_admin_username"),
        ("database_user", "db_admin_username"),
        ("desired_count", "{api,web,worker}_min_instances"),
        ("api_min_replicas", "{api,web,worker}_min_instances"),
        ("web_memory", "{api,web,worker}_memory_mib"),
        ("worker_cpu_units", "{api,web,worker}_cpu"),
        ("bucket_name", "storage_bucket_name"),
    ],
)
def test_another_spelling_leads_to_the_canonical_input(name: str, canonical: str) -> None:
    assert contract_rules.canonical_for(name) == canonical


def test_no_canonical_input_is_another_spelling_of_one() -> None:
    document = parse(paths.CONTRACT.read_text(), "contract.yaml", ContractError)
    names = check(document).inputs
    assert [name for name in names if contract_rules.canonical_for(name)] == []


def test_a_blueprints_own_spelling_is_told_once_at_its_first_line() -> None:
    names = [("DB_USERNAME", 9), ("DB_USERNAME", 4), ("APP_DOMAIN", 5)]
    [finding] = contract_rules.interpolated(names, "ops/a.yml", "vps")
    assert (finding.line, finding.variable) == (4, "DB_USERNAME")
    assert finding.remedy == "Call it DB_ADMIN_USERNAME."


def test_each_fault_of_a_broken_contract_is_a_finding_with_its_line() -> None:
    def change(document: dict[str, Any]) -> None:
        document["roles"]["api"]["prot"] = 1
        document["variables"]["PORT"]["type"] = "prot"

    document = parse(contract_text(change), "ops/contract/contract.yaml", ContractError)
    with pytest.raises(ContractError) as caught:
        check(document)

    found = contract_rules.broken(caught.value, "ops/contract/contract.yaml")

    assert [(item.file, item.role, item.variable) for item in found] == [
        ("ops/contract/contract.yaml", "api", ""),
        ("ops/contract/contract.yaml", "", "PORT"),
    ]
    assert found[0].line == document.line(("roles", "api", "prot"))
    assert "prot" in found[0].message
    assert all(item.remedy for item in found)


def test_a_contract_that_is_not_yaml_is_one_finding_with_its_line() -> None:
    with pytest.raises(ContractError) as caught:
        parse("a: [1\nb: 2\n", "ops/contract/contract.yaml", ContractError)
    [finding] = contract_rules.broken(caught.value, "ops/contract/contract.yaml")
    assert (finding.file, finding.line) == ("ops/contract/contract.yaml", 2)
    assert "not valid YAML" in finding.message
