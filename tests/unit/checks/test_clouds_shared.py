from __future__ import annotations

import pytest

from hostwright.checks.clouds import shared
from hostwright.terraform import results
from hostwright.terraform.diagnostics import Diagnostic

FILE = "tests/roles.tftest.hcl"
WHY = Diagnostic("error", "Test assertion failed", "api has no PORT", FILE, 12, "run.roles")
WARNS = Diagnostic("warning", "Deprecated", "soon")


def run(status: str, *said: Diagnostic) -> results.Run:
    return results.Run(FILE, "roles", status, said)  # type: ignore[arg-type] # the table's words are statuses


def test_runs_that_pass_find_nothing() -> None:
    checked = shared.tests(
        "gcp", "ops/infra/gcp", results.Tested((run("pass"), run("pass", WARNS)), ())
    )
    assert (checked.count, checked.findings) == (2, ())


def test_a_failed_run_says_why_with_file_and_line() -> None:
    [found] = shared.tests("gcp", "ops/infra/gcp", results.Tested((run("fail", WHY),), ())).findings
    assert (found.check, found.where) == ("terraform-test", f"ops/infra/gcp/{FILE}:12")
    assert found.message == "Test assertion failed: api has no PORT"


@pytest.mark.parametrize("status", ["fail", "error", "skip"])
def test_a_run_that_did_not_pass_is_found_even_if_it_does_not_say_why(status: str) -> None:
    [found] = shared.tests("gcp", "ops/infra/gcp", results.Tested((run(status),), ())).findings
    assert found.message == f"the run 'roles' ended with {status}"
    assert f"-filter={FILE}" in found.remedy


def test_a_blueprint_without_tests_is_found() -> None:
    [found] = shared.tests("gcp", "ops/infra/gcp", results.Tested((), ())).findings
    assert found.message == "no test was run"


def test_what_belongs_to_no_run_is_found() -> None:
    checked = shared.tests("gcp", "ops/infra/gcp", results.Tested((run("pass"),), (WHY, WARNS)))
    assert [item.message for item in checked.findings] == ["Test assertion failed: api has no PORT"]
