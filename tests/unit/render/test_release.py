from __future__ import annotations

import pytest

from hostwright.contract import Contract, load
from hostwright.render import release
from hostwright.render.blueprint import Blueprint


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def test_every_value_of_a_deciding_input_is_a_choice(contract: Contract) -> None:
    shown = [str(choice) for choice in release.choices(contract)]
    assert shown[0] == "defaults"
    for name in ("SECRETS_PROVIDER", "STORAGE_PROVIDER"):
        for value in contract.variables[name].allowed_on("vps"):
            assert f"{name.lower()}={value}" in shown


def test_values_are_given_for_everything_whatever_is_chosen(contract: Contract) -> None:
    for choice in release.choices(contract):
        planned = release.plan(Blueprint(), contract, choice)
        assert release.resolved(planned).errors == [], choice


def test_a_secrets_value_can_be_recognised_and_is_long_enough() -> None:
    values = {release.secret(name, 64) for name in ("A", "B")}
    assert len(values) == 2
    assert all(len(value) >= 64 for value in values)


def test_a_contract_without_roles_keeps_the_others(contract: Contract) -> None:
    smaller = release.without(contract, frozenset({"web", "worker"}))
    assert smaller.roles.keys() == {"web", "worker"}
    assert smaller.variables == contract.variables
