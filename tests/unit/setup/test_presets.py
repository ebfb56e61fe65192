"""The tables name what there is, and the contract agrees with what they give."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest
from tests.unit.setup.setups import CONTRACT, NAMES, SCHEMA, example

from hostwright import paths
from hostwright.contract.models import PROFILES, TARGETS
from hostwright.render.release import without
from hostwright.setup import known, pages
from hostwright.setup.known import Choice, Judge, Question
from hostwright.setup.presets import CHART, CLOUDS, GIVES, NEEDS, NEEDS_BY_HAND, PRESETS, TABLE
from hostwright.setup.settle import settle, still_open

if TYPE_CHECKING:
    from hostwright.contract.models import Profile, RoleName

CHOICES = [
    choice
    for name in PRESETS
    for one in pages._choices(name)  # noqa: SLF001 - every choice there is
    for choice in (one._replace(profile=profile) for profile in PROFILES)
]


def test_every_key_of_the_tables_can_be_answered() -> None:
    for target in TARGETS:
        choice = Choice("enterprise_custom", target, "production")
        keys = known.catalogue(CONTRACT, choice, SCHEMA).keys()
        assert set(NEEDS[target]) <= keys, target
        assert {row.key for row in GIVES if target in row.targets} <= keys, target
    chart = Choice("kubernetes", "kubernetes", "production")
    assert {ask.name for ask in CHART} <= known.catalogue(CONTRACT, chart, SCHEMA).keys()
    local = Choice("local_docker", "vps", "development")
    assert set(NEEDS_BY_HAND) <= known.catalogue(CONTRACT, local, SCHEMA).keys()
    anywhere = {
        key
        for target in TARGETS
        for key in known.catalogue(
            CONTRACT, Choice("enterprise_custom", target, "production"), SCHEMA
        )
    }
    assert {key for preset in TABLE.values() for key in preset.asks} <= anywhere


@pytest.mark.parametrize("name", ["aws", "azure", "gcp"])
def test_a_cloud_maps_to_the_providers_that_its_blueprint_has_by_default(name: str) -> None:
    cloud = CLOUDS[name]  # type: ignore[index]
    inputs = CONTRACT.inputs
    assert cloud.target == name
    assert inputs["secrets_provider"].default_on(cloud.target) == cloud.secrets_provider
    assert inputs["storage_provider"].default_on(cloud.target) == cloud.storage_provider


def test_another_cloud_has_the_mapping_of_aws_unless_other_answers_are_given() -> None:
    other, aws = CLOUDS["other"], CLOUDS["aws"]
    assert other[1:3] == aws[1:3] == ("aws_sm", "s3")
    choice = Choice("cloud_managed", "kubernetes", "production", "other")
    catalogue = known.catalogue(CONTRACT, choice, SCHEMA)
    assert settle(CONTRACT, choice, catalogue, {}).inputs["secrets_provider"] == "aws_sm"
    given = {"secrets_provider": "vault_hcp"}
    assert settle(CONTRACT, choice, catalogue, given).inputs["secrets_provider"] == "vault_hcp"


@pytest.mark.parametrize("choice", CHOICES, ids=lambda item: "-".join(map(str, item)))
def test_every_preset_and_profile_comes_to_an_end_and_asks_nothing_twice(choice: Choice) -> None:
    catalogue = known.catalogue(CONTRACT, choice, SCHEMA)
    judge = Judge(CONTRACT, choice, SCHEMA)
    asked = list(pages.answered(CONTRACT, choice, catalogue, short=False))
    keys = [question.key for question, _ in asked]
    assert len(keys) == len(set(keys))
    answers = {item.key: known.read(item, value, SCHEMA) for item, value in asked}
    assert still_open(CONTRACT, choice, catalogue, answers) == []
    wrong = {item.key: judge.fault(item, answers[item.key]) for item, _ in asked if not item.secret}
    assert not {key: fault for key, fault in wrong.items() if fault}


@pytest.mark.parametrize(
    ("profile", "made"),
    [
        ("development", {"DB_ADMIN_PASSWORD"}),
        ("staging", {"DB_ADMIN_PASSWORD", "SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY",
                     "AUTH_PASSWORD_PEPPER"}),
        ("production", {"DB_ADMIN_PASSWORD", "SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY",
                        "AUTH_PASSWORD_PEPPER"}),
    ],
)  # fmt: skip
def test_secrets_are_made_that_the_profile_requires(profile: Profile, made: set[str]) -> None:
    choice = Choice("cloud_managed", "gcp", profile, "gcp")
    catalogue = known.catalogue(CONTRACT, choice, SCHEMA)
    assert settle(CONTRACT, choice, catalogue, {}).made.keys() == made


def test_what_somebody_else_gives_is_asked_for_and_never_made() -> None:
    choice = Choice("enterprise_custom", "vps", "production")
    catalogue = known.catalogue(CONTRACT, choice, SCHEMA)
    given = {"secrets_provider": "vault_hcp"}
    asked = {item.key: item for item in still_open(CONTRACT, choice, catalogue, given)}
    assert asked["VAULT_TOKEN"].secret
    assert asked["VAULT_TOKEN"].needed
    assert "VAULT_TOKEN" not in settle(CONTRACT, choice, catalogue, given).made
    assert "VAULT_TOKEN" not in {item.key for item in still_open(CONTRACT, choice, catalogue, {})}


def test_roles_that_the_application_lacks_are_not_asked_about() -> None:
    roles = {name: role for name, role in CONTRACT.roles.items() if name != "web"}
    contract = CONTRACT.model_copy(update={"roles": roles})
    choice = Choice("vps", "vps", "production")
    catalogue = known.catalogue(contract, choice, SCHEMA)
    asked = [item.key for item in still_open(contract, choice, catalogue, {})]
    assert "web_image" not in asked
    assert "app_domain" not in asked
    assert "api_image" in asked


# --- what is generated -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_example_fits_the_schema_that_editors_read(name: str) -> None:
    schema = json.loads(pages.SCHEMA.read_text())
    jsonschema.validate(example(name), schema)
    with pytest.raises(jsonschema.ValidationError, match="regoin"):
        jsonschema.validate({**example(name), "regoin": "x"}, schema)


def test_what_is_generated_is_current_and_the_page_has_every_table() -> None:
    made = pages.files(CONTRACT, SCHEMA)
    assert {path: path.read_text() for path in made} == made
    page = pages.PAGE.read_text()
    marks = set(re.findall(r"<!-- setup: (\w+) -->", page))
    assert marks == pages.regions(CONTRACT, SCHEMA).keys()
    assert all(f"`{name}`" in page for name in PRESETS)


@pytest.mark.parametrize("roles", [("api",), ("web", "worker"), ("worker",)], ids="+".join)
def test_another_application_gets_examples_too(roles: tuple[RoleName, ...]) -> None:
    made = pages.files(without(CONTRACT, frozenset(roles)), SCHEMA)
    assert made.keys() == pages.files(CONTRACT, SCHEMA).keys()


def test_what_no_example_knows_is_answered_by_its_type() -> None:
    choice = Choice("vps", "vps", "production")
    url = Question("MADE_UP_URL", "variable", "url", "Somewhere")
    secret = Question("MADE_UP_TOKEN", "secret", "string", "Something")
    mode = Question("MADE_UP_MODE", "variable", "enum", "Some way", allowed=("fast", "slow"))
    answers = [pages._answer(item, choice) for item in (url, secret, mode)]  # noqa: SLF001 - what examples say
    assert answers == ["https://example.com", {"env": "MADE_UP_TOKEN"}, "fast"]


def test_a_stale_table_is_found() -> None:
    page = pages.PAGE.read_text().replace("| `local_docker` |", "| `remote_docker` |")
    assert pages.filled(page, pages.regions(CONTRACT, SCHEMA)) != page


def test_no_example_answers_what_is_never_asked() -> None:
    asked = {
        question.key
        for choice in CHOICES
        for question, _ in pages.answered(
            CONTRACT, choice, known.catalogue(CONTRACT, choice, SCHEMA), short=False
        )
    }
    assert pages.ANSWERS.keys() <= asked


def test_every_exit_code_that_the_page_names_is_one_of_ours() -> None:
    page = pages.PAGE.read_text()
    assert "end with 4" in page
    assert "with 8" in page
    assert (
        "│   └── NoConsent                      8"
        in (paths.ROOT / "src" / "hostwright" / "errors.py").read_text()
    )
