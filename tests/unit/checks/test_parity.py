from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostwright.checks import parity
from hostwright.contract import load
from hostwright.render.model import Rendered, Source

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding
    from hostwright.contract import Contract
    from hostwright.contract.models import RoleName


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def whole(contract: Contract) -> dict[RoleName, dict[str, Source]]:
    """Every role with a mark for everything that it is to get."""
    return {
        role: {
            name: Source("mark", f"{role}/{name}", secret_slot=True)
            for name, item in contract.of_role(role).items()
            if item.source("vps").emitted
        }
        for role in contract.roles
    }


def findings(contract: Contract, roles: dict[RoleName, dict[str, Source]]) -> list[Finding]:
    lines = dict.fromkeys(map(str, roles), 10)
    rendered = Rendered("vps", "ops/compose.yml", roles, lines)
    return list(parity.check(contract, "vps", rendered).findings)


def test_what_the_contract_says_is_no_finding(contract: Contract) -> None:
    assert findings(contract, whole(contract)) == []


def test_every_role_and_variable_counts_as_a_check(contract: Contract) -> None:
    roles = whole(contract)
    checked = parity.check(contract, "vps", Rendered("vps", "f", roles, {}))
    assert checked.count == sum(1 + len(names) for names in roles.values())


def test_a_missing_variable_names_its_role_and_source(contract: Contract) -> None:
    roles = whole(contract)
    del roles["worker"]["REDIS_URL"]

    [finding] = findings(contract, roles)

    assert (finding.check, finding.role, finding.variable, finding.line) == (
        "variable-missing",
        "worker",
        "REDIS_URL",
        10,
    )
    assert "composed redis_url" in finding.remedy


def test_a_secret_outside_its_slot_is_found_at_its_own_line(contract: Contract) -> None:
    roles = whole(contract)
    exposed = replace(roles["api"]["SECRET_KEY"], secret_slot=False, line=42)
    roles["api"]["SECRET_KEY"] = exposed

    [finding] = findings(contract, roles)

    assert (finding.check, finding.line) == ("secret-in-plain-slot", 42)


def test_a_database_address_in_web_has_a_check_of_its_own(contract: Contract) -> None:
    roles = whole(contract)
    roles["web"]["DATABASE_URL"] = Source("mark", "web/DATABASE_URL", secret_slot=True)

    [finding] = findings(contract, roles)

    assert (finding.check, finding.role) == ("data-store-in-web", "web")


def test_a_secret_of_the_target_is_extra_in_every_role(contract: Contract) -> None:
    roles = whole(contract)
    roles["api"]["POSTGRES_PASSWORD"] = Source("literal", "x", secret_slot=False)

    [finding] = findings(contract, roles)

    assert (finding.check, finding.variable) == ("variable-extra", "POSTGRES_PASSWORD")


def test_another_roles_value_is_a_wrong_source(contract: Contract) -> None:
    roles = whole(contract)
    roles["worker"]["LOG_LEVEL"] = Source("mark", "api/LOG_LEVEL", secret_slot=True)

    [finding] = findings(contract, roles)

    assert finding.check == "wrong-source"
    assert "api/LOG_LEVEL" in finding.message


def test_another_roles_env_file_is_one_finding_not_one_a_variable(contract: Contract) -> None:
    roles = whole(contract)
    roles["web"] = roles["api"]

    [finding] = findings(contract, roles)

    assert (finding.check, finding.role) == ("env-of-other-role", "web")


def test_a_role_without_variables_is_one_finding(contract: Contract) -> None:
    [finding] = findings(contract, {**whole(contract), "migrate": {}})
    assert (finding.check, finding.role) == ("env-missing", "migrate")


def test_a_role_that_nothing_runs_is_found(contract: Contract) -> None:
    roles = whole(contract)
    del roles["worker"]
    [finding] = findings(contract, roles)
    assert (finding.check, finding.role) == ("role-missing", "worker")


def test_a_role_that_the_contract_lacks_is_found(contract: Contract) -> None:
    kept = {name: role for name, role in contract.roles.items() if name != "worker"}
    smaller = contract.model_copy(update={"roles": kept})
    [finding] = findings(smaller, whole(contract))
    assert (finding.check, finding.role) == ("role-extra", "worker")
