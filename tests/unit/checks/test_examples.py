from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.checks import examples
from hostwright.contract import load
from hostwright.contract.example import text

if TYPE_CHECKING:
    from hostwright.contract import Contract


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def test_the_example_that_hostwright_writes_has_no_finding(contract: Contract) -> None:
    written = text(contract, "vps", "production", lambda: "made")
    checked = examples.check(contract, "vps", ".env.example", written, ())
    assert checked.findings == ()
    assert checked.count > len(contract.targets["vps"].secrets)


def test_what_is_required_and_not_shown_is_found(contract: Contract) -> None:
    written = text(contract, "vps", "production", lambda: "made").replace("SECRET_KEY=", "# ")
    [finding] = examples.check(contract, "vps", ".env.example", written, ()).findings
    assert (finding.check, finding.variable) == ("example-missing", "SECRET_KEY")


def test_a_name_that_no_operator_gives_is_found_with_its_line(contract: Contract) -> None:
    written = text(contract, "vps", "production", lambda: "made") + "\nDATABASE_URL=x\n"
    [finding] = examples.check(contract, "vps", ".env.example", written, ()).findings
    assert (finding.check, finding.variable) == ("example-unknown", "DATABASE_URL")
    assert finding.line == len(written.splitlines())


def test_a_setting_of_the_blueprint_is_known(contract: Contract) -> None:
    written = text(contract, "vps", "production", lambda: "made") + "\nAPP_NAME=shop\n"
    assert examples.check(contract, "vps", ".env", written, {"APP_NAME"}).findings == ()
