"""What is chosen, and that the real chart takes it: with real Helm, both majors."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest
import yaml
from jsonschema import Draft7Validator

from hostwright import paths, toolchain
from hostwright.contract import load
from hostwright.contract.envfile import Given
from hostwright.contract.models import PROFILES
from hostwright.contract.values import Request, resolve
from hostwright.render.helm import Choice, check, choices, render
from hostwright.render.helm.choices import CARRIERS, SPREADS
from hostwright.render.helm.expected import canonical, composed, texts
from hostwright.render.release import without

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = load()
MADE = choices(CONTRACT)
SCHEMA = Draft7Validator(json.loads(paths.VALUES_SCHEMA.read_text()))


@cache
def titles() -> str:
    return "\n".join(map(str, MADE))


@pytest.mark.parametrize(
    "word",
    [
        *CONTRACT.variables["SECRETS_PROVIDER"].allowed_on("kubernetes"),
        *CONTRACT.variables["STORAGE_PROVIDER"].allowed_on("kubernetes"),
        *PROFILES,
        *SPREADS,
        *CARRIERS,
    ],
)
def test_every_value_that_decides_is_in_a_choice(word: str) -> None:
    assert word in titles()


def test_every_way_to_migrate_and_to_address_is_in_a_choice() -> None:
    assert {each.values["migrate"]["type"] for each in MADE} == {"job", "hook", "none"}
    assert {"apiBaseUrl" in each.values for each in MADE} == {True, False}
    assert {"authKeyStorageProvider" in each.values for each in MADE} == {True, False}


@pytest.mark.parametrize("choice", MADE, ids=str)
def test_a_choice_is_what_the_schema_takes(choice: Choice) -> None:
    assert [error.message for error in SCHEMA.iter_errors(choice.values)] == []


@pytest.mark.parametrize("choice", MADE, ids=str)
def test_a_choice_lacks_nothing_that_its_profile_requires(choice: Choice) -> None:
    inputs = canonical(CONTRACT, choice.values)
    given = {**texts(choice.values["env"]), **texts(choice.values["secrets"]["references"])}
    for role in ("api", "web", "worker"):
        given |= texts(choice.values[role].get("env"))
        given |= texts(choice.values[role].get("secrets"))
    request = Request(
        "kubernetes",
        choice.values["environment"],
        {name: Given(text, "") for name, text in given.items()},
        inputs,
        composed(CONTRACT, inputs, "app"),
    )
    missing = [each for each in resolve(CONTRACT, request).problems if "missing" in each.what]
    assert missing == []


def test_where_a_role_has_its_own_value_the_shared_one_differs() -> None:
    own = [each for each in MADE if "env" in each.values["api"]]
    assert own
    for choice in own:
        shared = choice.values["env"]
        for name, text in choice.values["api"]["env"].items():
            allowed = CONTRACT.variables[name].allowed_on("kubernetes")
            typed = CONTRACT.variables[name].type == "bool" or len(allowed) == 1
            assert typed or str(shared[name]) != str(text), name


def test_values_tell_the_role_they_were_given_to() -> None:
    found = [
        (role, name, own.text)
        for role, names in MADE[0].expected.items()
        for name, own in names.items()
        if name in {"AWS_REGION", "SECRET_KEY", "DATABASE_CA_CERT"} and role != "migrate"
    ]
    assert len({text for _, _, text in found}) == len(found)


def test_an_application_that_lacks_roles_has_choices_too() -> None:
    for roles in ({"web"}, {"api"}, {"web", "worker"}, {"api", "worker", "web"}):
        for choice in choices(without(CONTRACT, frozenset(roles))):  # type: ignore[arg-type]
            assert set(choice.expected) == roles
            assert choice.gated == frozenset()


def test_presets_are_choices(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    values = {"environment": "staging", "appPublicUrl": "https://a.example.org"}
    (tmp_path / "ci" / "one-values.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "ci" / "README.md").touch()
    first, *others = choices(CONTRACT, tmp_path)
    assert str(first) == "one-values"
    assert first.expected["api"]["ENVIRONMENT"].text == "staging"
    assert [str(each) for each in others] == [str(each) for each in MADE]


# --- the chart itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("major", ["helm-3", "helm-4"])
@pytest.mark.parametrize("choice", choices(CONTRACT, paths.CHART), ids=str)
def test_the_chart_gives_each_role_what_the_contract_says(choice: Choice, major: str) -> None:
    found = render(choice, paths.CHART, toolchain.provide(major))
    checked, rendered = check(found, choice)
    assert [str(each) for each in checked.findings] == []
    assert set(rendered.roles) == set(choice.running.roles)
    assert rendered.file == "ops/charts/app"
