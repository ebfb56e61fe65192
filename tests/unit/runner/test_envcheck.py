from __future__ import annotations

import hashlib

from hostwright.runner import envcheck

SALT = "grain"
DECLARED = {
    name: envcheck.salted(SALT, name, value)[:16] for name, value in (("A", "1"), ("B", "2"))
}


def test_the_hash_is_the_one_that_the_protocol_says() -> None:
    assert envcheck.salted("s", "N", "v\n") == hashlib.sha256(b"s\0N\0v\n").hexdigest()


def test_an_environment_as_declared_has_no_differences() -> None:
    actual = {"A": "1", "B": "2", "PATH": "/bin"}

    assert envcheck.differences(DECLARED, SALT, actual, {"PATH": "/usr/bin"}) == []


def test_what_is_missing_blank_changed_or_extra_is_named_without_its_value() -> None:
    declared = {**DECLARED, "C": "0" * 16, "D": "0" * 16}
    actual = {"A": "other-value", "C": "", "X": "extra-value", "B": "2"}

    assert envcheck.differences(declared, SALT, actual, {}) == [
        "A has another value",
        "C is blank",
        "D is missing",
        "X is not declared",
    ]


def test_a_blank_value_that_is_meant_to_be_blank_is_right() -> None:
    declared = {"A": envcheck.salted(SALT, "A", "")}

    assert envcheck.differences(declared, SALT, {"A": ""}, {}) == []


def test_dockers_list_becomes_names_and_values() -> None:
    assert envcheck.variables(["A=1=2", "B=", "C"]) == {"A": "1=2", "B": "", "C": ""}
    assert envcheck.variables(None) == {}
