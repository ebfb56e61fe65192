from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hostwright.checks import exemptions
from hostwright.checks.finding import Finding
from hostwright.contract.located import parse
from hostwright.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.date(2026, 11, 22)
FAULT = Finding("backup-missing", "vps", "ops/a.yml", 7, "redis", "", "is lost", "Save it.")

LEDGER = """
version: 1
exemptions:
  - check: {check}
    object: {object}
    reason: Accepted for this test and for no longer.
    until: {until}
"""


def applied(
    check: str = "backup-missing",
    object_: str = "vps/redis",
    until: str = "2027-01-01",
    *,
    found: tuple[Finding, ...] = (FAULT,),
    judged: tuple[str, ...] = ("vps/redis", "vps/web"),
) -> exemptions.Applied:
    text = LEDGER.format(check=check, object=object_, until=until)
    document = parse(text, "ledger.yaml", UserError)
    ledger, checked = exemptions.read(document)
    assert not checked.findings
    return exemptions.apply(found, ledger, document, judged=judged, today=TODAY)


def test_an_exemption_hides_the_findings_of_its_check_and_object() -> None:
    assert applied() == exemptions.Applied(frozenset({FAULT}), [])


def test_it_hides_no_other_object_and_no_other_check() -> None:
    assert applied(object_="vps/postgres").hidden == frozenset()
    assert applied(check="image-unpinned").hidden == frozenset()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"until": "2026-11-21"}, "ended on 2026-11-21"),
        ({"until": "2028-01-01"}, "more than a year"),
        ({"check": "no-such-check"}, "names a check that does not exist"),
        ({"found": ()}, "hides nothing any more"),
    ],
)
def test_an_exemption_that_no_longer_holds_is_a_finding_with_its_line(
    given: dict[str, object], expected: str
) -> None:
    [fault] = applied(**given).faults  # type: ignore[arg-type]
    assert expected in fault.message
    assert (fault.check, fault.file, fault.line) == ("exemption", "ledger.yaml", 4)


def test_on_its_last_day_an_exemption_still_holds() -> None:
    assert applied(until=TODAY.isoformat()).hidden == {FAULT}


def test_an_expired_exemption_hides_nothing() -> None:
    assert applied(until="2026-01-01").hidden == frozenset()


def test_exemptions_of_what_was_not_looked_at_are_not_judged() -> None:
    assert applied(object_="aws/api", found=()).faults == []
    assert applied(object_="vps/redis-two", found=()).faults == []


def test_a_code_of_a_linter_is_a_known_check() -> None:
    assert applied(check="hadolint-dl3008", object_="aws/api").faults == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exemptions: [{check: a}]", "object"),
        ("exemptions: []\nversion: 2", "version"),
        ("exemption: []", "exemption"),
        ("exemptions: [{check: a, object: b, reason: short, until: 2027-01-01}]", "reason"),
    ],
)
def test_a_ledger_that_is_none_is_a_finding(text: str, expected: str) -> None:
    ledger, checked = exemptions.read(parse(text, "ledger.yaml", UserError))
    assert ledger.exemptions == ()
    assert any(expected in finding.message for finding in checked.findings)


def test_without_a_ledger_nothing_is_exempted(tmp_path: Path) -> None:
    document = exemptions.document(tmp_path / "absent.yaml", "absent.yaml")
    assert exemptions.read(document)[0].exemptions == ()
