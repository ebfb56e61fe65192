from __future__ import annotations

from typing import Any

import pytest

from hostwright.terraform.provider.values import UNKNOWN, decode, encode


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"text": "ü", "number": 1, "half": 0.5, "large": "123456789012345678901234567890"},
        {"nested": [{"yes": True, "no": None}], "none": []},
        [b'"string"', "a value of dynamic type"],
        UNKNOWN,
        {"within": [UNKNOWN]},
    ],
)
def test_values_come_back_as_they_were(value: Any) -> None:  # noqa: ANN401 - any value
    assert decode(encode(value)) == value


@pytest.mark.parametrize("octets", [b"\xd4\x00\x00", b"\xc7\x03\x0c\x81\x01\xc2"])
def test_what_is_unknown_is_so_whatever_else_terraform_says_of_it(octets: bytes) -> None:
    """The second one is 'not null' as well."""
    assert decode(octets) is UNKNOWN


def test_unknown_is_written_as_terraform_reads_it() -> None:
    assert encode(UNKNOWN) == b"\xd4\x00\x00"
