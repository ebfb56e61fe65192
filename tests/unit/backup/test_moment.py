"""Moments as people write them."""

from __future__ import annotations

import pytest

from hostwright.backup import moment
from hostwright.errors import UserError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("latest", "latest"),
        (" Latest ", "latest"),
        ("2026-11-23 03:00", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-23T03:00:01Z", "2026-11-23T03:00:01.000000Z"),
        ("2026-11-23 03:00:01.5", "2026-11-23T03:00:01.500000Z"),
        ("2026-11-23 04:00:00+01:00", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-23 04:30:00 +0130", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-22 22:00:00-05", "2026-11-23T03:00:00.000000Z"),
    ],
)
def test_a_moment_becomes_utc(text: str, told: str) -> None:
    assert moment.canonical(text) == told


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30 03:00", "2026-11-23", "2026-11-23 25:00", "03:00"]
)
def test_what_is_no_moment_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UserError, match="is no moment") as caught:
        moment.canonical(text)
    assert "latest" in caught.value.remedy


def test_a_moment_is_shown_in_utc() -> None:
    assert moment.shown(1795402800.9) == "2026-11-23 03:00:00 UTC"
