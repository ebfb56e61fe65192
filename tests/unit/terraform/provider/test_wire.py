from __future__ import annotations

import pytest

from hostwright.terraform.provider.wire import data, element, field, fields, number, text


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        (field(1, "abc"), b"\x0a\x03abc"),
        (field(2, b"\xff"), b"\x12\x01\xff"),
        (field(3, 1), b"\x18\x01"),
        (field(3, 300), b"\x18\xac\x02"),
        (field(16, 1), b"\x80\x01\x01"),
        (field(4, int(True)), b"\x20\x01"),
        (field(1, ""), b""),
        (field(3, 0), b""),
        (number(3, 0), b"\x18\x00"),
        (element(1, ""), b"\x0a\x00"),
    ],
)
def test_fields_are_written_as_the_format_says(written: bytes, octets: bytes) -> None:
    assert written == octets


def test_what_was_written_is_read_back_repeated_fields_in_their_order() -> None:
    message = element(2, "a") + field(1, 2**40) + element(2, element(9, "inner"))
    found = fields(message)
    assert found == {2: [b"a", b"\x4a\x05inner"], 1: [2**40]}
    assert text(fields(data(found, 2)), 9) == "inner"


def test_fixed_width_fields_that_we_do_not_know_are_passed_over() -> None:
    message = b"\x0d\x00\x00\x80\x3f" + b"\x11" + bytes(8) + field(3, "on")
    assert text(fields(message), 3) == "on"


def test_a_field_that_is_not_there_is_empty() -> None:
    assert text({}, 1) == ""
    assert data({1: [7]}, 1) == b""


@pytest.mark.parametrize("message", [b"\x0a\x05ab", b"\x0a", b"\x80", b"\x0d\x00", b"\x0b"])
def test_a_message_that_is_cut_short_or_is_none_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"the message ends|there is no field"):
        fields(message)
