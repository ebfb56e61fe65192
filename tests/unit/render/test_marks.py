from __future__ import annotations

import pytest

from hostwright.contract import load
from hostwright.render import marks


def test_a_mark_says_whose_it_is() -> None:
    assert marks.owner(marks.mark("api", "PORT")) == marks.Owner("api", "PORT")
    assert str(marks.owner(marks.mark("api", "PORT"))) == "api/PORT"


@pytest.mark.parametrize("value", ["", "8000", "mark", marks.mark("api", "PORT")[:-1]])
def test_anything_else_and_an_altered_mark_have_no_owner(value: str) -> None:
    assert marks.owner(value) is None


@pytest.mark.parametrize("char", list("$\"'\\#"))
def test_a_mark_holds_every_character_that_env_files_treat_specially(char: str) -> None:
    assert char in marks.mark("api", "PORT")


def test_marks_are_made_for_what_the_target_emits_and_nothing_else() -> None:
    contract = load()
    made = marks.of_roles(contract, "vps")
    assert made.keys() == contract.roles.keys()
    assert "DATABASE_URL" in made["api"]
    assert "DATABASE_CA_CERT" not in made["api"]
    assert "DATABASE_URL" not in made["web"]
