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


def test_other_warnings_do_not_stop_anybody() -> None:
    said = Diagnostic("warning", "Deprecated Parameter", "It goes away.")
    assert refusals.of([said], CONTRACT, "gcp", place) == []
