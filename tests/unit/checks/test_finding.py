from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hostwright.checks.finding import Checked, Finding, merged, of_views

FAULT = Finding("a-check", "vps", "ops/a.yml", 7, "api", "PORT", "is wrong", "Correct it.")


def test_a_finding_names_place_subject_fault_remedy_and_check() -> None:
    assert str(FAULT) == "ops/a.yml:7: api.PORT: is wrong. Correct it. [a-check]"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "vps/api/PORT"),
        ({"variable": ""}, "vps/api"),
        ({"role": "", "variable": ""}, "vps/ops/a.yml"),
        ({"role": "", "target": ""}, "ops/a.yml/PORT"),
    ],
)
def test_the_object_of_an_exemption_says_target_role_and_variable(
    changes: dict[str, Any], expected: str
) -> None:
    assert replace(FAULT, **changes).object == expected


def test_a_finding_without_a_line_names_the_file_alone() -> None:
    assert replace(FAULT, line=0).where == "ops/a.yml"


def test_findings_sort_by_file_and_then_by_line_as_a_number() -> None:
    later = replace(FAULT, line=10)
    other = replace(FAULT, file="ops/b.yml", line=1)
    assert sorted([other, later, FAULT]) == [FAULT, later, other]


def test_merging_adds_counts_and_tells_each_finding_once() -> None:
    assert merged([Checked(2, (FAULT,)), Checked(3, (FAULT,))]) == Checked(5, (FAULT,))


def test_what_only_a_later_view_shows_says_so() -> None:
    other = replace(FAULT, role="web")
    views = [("", Checked(1, (FAULT,))), ("in a release", Checked(1, (FAULT, other)))]

    checked = of_views(views)

    assert checked.count == 2
    assert checked.findings == (FAULT, replace(other, message="is wrong (in a release)"))
