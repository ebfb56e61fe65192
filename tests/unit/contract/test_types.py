"""What a value of each type looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.contract import Variable
from hostwright.contract.types import MAX_BYTES, fault_of

if TYPE_CHECKING:
    from hostwright.contract.models import VariableType

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

GOOD: dict[VariableType, list[str]] = {
    "string": ["x", "two words", "äöü", "a\nb", "$HOME", "😀"],
    "int": ["0", "-7", "+7", "123456789012345678"],
    "port": ["1", "80", "65535"],
    "bool": ["true", "false"],
    "url": [
        "https://app.example.com",
        "postgresql://app:p%40ss@postgres:5432/app?sslmode=verify-full",
        "redis://:x@redis:6379/0",
        "http://[::1]:8000/",
        "http://app-20261122t170301z-ab12cde-api:8000",
    ],
    "host_list": ["*", "a", "a.example.com, *.b.example.com", "10.0.0.1", "app-x-api"],
    "url_list": ["https://a.example.com", "https://a.example.com, http://localhost:3000"],
    "pem": [PEM, PEM + PEM],
    "path": ["/", "/var/lib/app"],
}
BAD: dict[VariableType, list[str]] = {
    "int": ["", "1.5", "1e3", "seven", "٣", "1 ", "1_000", "9" * 19],
    "port": ["", "0", "65536", "080", "-1", "8000000", "٨٠", "80\n"],
    "bool": ["", "True", "yes", "1", "on"],
    "url": [
        "",
        "app.example.com",
        "https://",
        "//app.example.com",
        "https://a b.example.com",
        "https://a\nb",
        "https://a:port",
        "https://a:99999",
        "http://[::1",
    ],
    "host_list": ["", "a,,b", "a;b", "https://a", "a:80", "-a.example.com", "a/b", "**", "a b"],
    "url_list": ["", "https://a,", "a.example.com"],
    "pem": ["", "MIIB", "-----BEGIN CERTIFICATE-----\nMIIB", PEM.replace("CERTIFICATE", "KEY")],
    "path": ["", "var/lib", "~/x", "C:\\x"],
}


def of_type(kind: VariableType, **more: object) -> Variable:
    return Variable.model_validate(
        {"meaning": "A value", "type": kind, "roles": ["api"], "sources": {}, **more}
    )


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values]
)
def test_a_value_of_its_type_has_no_fault(kind: VariableType, value: str) -> None:
    assert fault_of(of_type(kind), value) is None


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values]
)
def test_a_value_of_another_type_is_a_phrase_that_never_repeats_it(
    kind: VariableType, value: str
) -> None:
    fault = fault_of(of_type(kind), value)
    assert fault
    assert fault.startswith("is not ")
    assert len(value) < 4 or value not in fault


def test_every_type_with_a_form_is_in_both_tables() -> None:
    assert set(GOOD) == {*BAD, "string"}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x" * MAX_BYTES, None),
        ("x" * (MAX_BYTES + 1), "is 131,009 bytes long; Linux passes at most 131,008 to a process"),
        (
            "é" * (MAX_BYTES // 2 + 1),
            "is 131,010 bytes long; Linux passes at most 131,008 to a process",
        ),
        ("a\0b", "holds a NUL byte, which no environment can carry"),
        ("\udce9", "is not UTF-8 text"),
    ],
)
def test_what_no_environment_can_carry_is_a_fault(value: str, fault: str | None) -> None:
    assert fault_of(of_type("string"), value) == fault


def test_a_value_that_is_not_allowed_names_the_allowed_ones() -> None:
    level = of_type("enum", allowed=["info", "error"])
    assert fault_of(level, "info") is None
    assert fault_of(level, "INFO") == "is not one of info, error"
