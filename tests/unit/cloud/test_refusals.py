from __future__ import annotations

import pytest

from hostwright.cloud import refusals
from hostwright.contract import load
from hostwright.terraform.diagnostics import Diagnostic

CONTRACT = load()
RULE = "\n\nThis was checked by the validation rule at variables.tf:284,3-13."
PLACES = {"api_env": "prod.tfvars:7", "LOG_LEVLE": "prod.tfvars:8", "regoin": "prod.tfvars:2"}


def place(name: str, file: str) -> str:
    del file
    return PLACES.get(name, "")


def one(item: Diagnostic) -> str:
    [found] = refusals.of([item], CONTRACT, "gcp", place)
    return str(found)


def test_an_unknown_input_is_refused_with_the_nearest_name() -> None:
    said = Diagnostic(
        "warning",
        "Value for undeclared variable",
        'The root module does not declare a variable named "regoin" but a value was found in file '
        '"prod.tfvars". If you meant to use this value, add a "variable" block.',
    )
    assert one(said) == "prod.tfvars:2: regoin is no input on gcp. Did you mean region?"


def test_a_missing_input_is_told_with_its_meaning() -> None:
    said = Diagnostic(
        "error",
        "No value for required variable",
        'The root module input variable "region" is not set, and has no default value.',
        "variables.tf",
        29,
        "variable.region",
    )
    assert one(said) == "region is not set. Set it: Region of every resource."


def test_our_own_sentences_are_told_as_cause_and_remedy() -> None:
    said = Diagnostic(
        "error",
        "Invalid value for variable",
        "api_domain must differ from app_domain: the edge tells them apart. Choose another." + RULE,
        "variables.tf",
        5,
        "variable.api_domain",
    )
    assert one(said) == (
        "variables.tf:5: api_domain must differ from app_domain: "
        "the edge tells them apart. Choose another."
    )


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("LOG_LEVLE", "prod.tfvars:8: api_env.LOG_LEVLE is not in the contract. Did you mean LOG"),
        ("DATABASE_URL", "prod.tfvars:7: api_env.DATABASE_URL is composed by the stack. Remove it"),
        ("SECRET_KEY", "api_env.SECRET_KEY is a secret: it would stand in plain text. Remove it."),
        ("API_BASE_URL", "api_env.API_BASE_URL does not belong to api: the contract gives it to w"),
        ("REGION", "api_env.REGION is not in the contract."),
        ("ENVIRONMENT", "api_env.ENVIRONMENT comes from the input environment. Remove it."),
    ],
)
def test_each_key_that_a_map_may_not_hold_is_told_by_itself(key: str, told: str) -> None:
    said = Diagnostic(
        "error",
        "Invalid value for variable",
        "api_env may hold only what the contract leaves to you for api: LOG_LEVEL, VAULT_ADDR. "
        f"It also holds: {key}. Correct the names; secrets belong in secret_values." + RULE,
        "variables.tf",
        278,
        "variable.api_env",
    )
    assert told in one(said)


def test_a_file_that_is_no_terraform_keeps_terraforms_words_and_line() -> None:
    said = Diagnostic(
        "error",
        "Invalid expression",
        "Expected the start of an expression, but found an invalid expression token.",
        "prod.tfvars",
        3,
    )
    assert one(said).startswith(
        "prod.tfvars:3: Terraform refuses this: Invalid expression: Expected the"
    )


@pytest.mark.parametrize("kind", ["Module output value", "Resource"])
def test_a_broken_precondition_is_told_in_its_own_sentence_alone(kind: str) -> None:
    said = Diagnostic(
        "error",
        f"{kind} precondition failed",
        "Cloud Run has no such size: api has 0.3 CPU. Take 1 CPU.",
        "outputs.tf",
        120,
        "output.env_names",
    )
    assert one(said) == (
        "outputs.tf:120: Terraform refuses this: Cloud Run has no such size: api has 0.3 CPU. "
        "Take 1 CPU."
    )


def test_other_warnings_do_not_stop_anybody() -> None:
    said = Diagnostic("warning", "Deprecated Parameter", "It goes away.")
    assert refusals.of([said], CONTRACT, "gcp", place) == []


# --- secrets that are passed over --------------------------------------------------------------

LACKING = "secret_values must hold a value for each of: A, B. Give a secret that exists already."
ONLY = (
    "secret_values may hold only the secrets that this stack makes: {}. "
    "Correct or remove the others. An optional secret is made once secret_names names it."
)


def invalid(detail: str) -> Diagnostic:
    summary = "Invalid value for variable"
    return Diagnostic("error", summary, detail + RULE, "variables.tf", 5, "variable.secret_values")


def test_each_secret_that_is_not_made_is_told_by_itself() -> None:
    given = {"SECRET_KEY": ".env:1", "SECRET_KEI": ".env:2", "VAULT_TOKEN": ".env:3"}
    said = [invalid(ONLY.format("AUTH_PASSWORD_PEPPER, SECRET_KEY"))]
    found = [str(item) for item in refusals.of(said, CONTRACT, "gcp", place, given)]
    assert found[0] == (
        ".env:2: secret_values.SECRET_KEI is not in the contract. Did you mean SECRET_KEY?"
    )
    assert found[1].startswith(".env:3: secret_values.VAULT_TOKEN is not made by this stack.")
    assert len(found) == 2


def test_names_that_only_terraform_knows_are_told_in_its_words() -> None:
    told = one(invalid(ONLY.format("SECRET_KEY")))
    assert told.startswith("variables.tf:5: secret_values may hold only the secrets that this st")
    assert "Correct or remove the others." in told


def test_what_is_lacking_is_not_told_as_too_much() -> None:
    [found] = refusals.of([invalid(LACKING)], CONTRACT, "gcp", place, {"A": ".env:1"})
    assert str(found).startswith("variables.tf:5: secret_values.B is missing. Give it a value")


def test_what_is_lacking_is_told_in_terraforms_words_where_nobody_knows_what_is_there() -> None:
    assert one(invalid(LACKING)).startswith(
        "variables.tf:5: secret_values must hold a value for each of: A, B"
    )


def test_both_rules_say_what_is_made() -> None:
    other = Diagnostic("error", "Invalid value for variable", "region must be one." + RULE)
    assert refusals.made([other, invalid(LACKING)]) == ["A", "B"]
    assert refusals.made([invalid(ONLY.format("A"))]) == ["A"]
    assert refusals.made([invalid(ONLY.format(""))]) == []
    assert refusals.made([other]) is None
