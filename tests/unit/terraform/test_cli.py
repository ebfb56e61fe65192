"""Real Terraform, from its package, against the lab's schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform.lab import LAB, REQUIRES, bench, write

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.terraform.cli import settings, unformatted, workbench
from hostwright.terraform.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.terraform.diagnostics import Diagnostic

TERRAFORM = toolchain.pinned("terraform")

FINE = """
variable "name" {
  type = string
}
resource "lab_database" "main" {
  name = var.name
}
"""

#: One file for each kind of fault; the faulty line says what Terraform is to say of it.
FAULTS = {file.name: file for file in Path(__file__).with_name("faults").glob("*.tf")}
EXPECTED = re.compile(r" # (?P<summary>[^:]+): (?P<detail>.+)$")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Diagnostic, ...]:
    """What validating all the faults at once gives."""
    directory = tmp_path_factory.mktemp("faults")
    files = {file.stem: file.read_text() for file in FAULTS.values()}
    with bench(directory, "", **files) as it:
        return it.validate()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_found_with_its_file_and_line_in_terraforms_words(
    name: str, complaints: tuple[Diagnostic, ...]
) -> None:
    lines = FAULTS[name].read_text().splitlines()
    [(line, expected)] = [
        (number, found) for number, text in enumerate(lines, 1) if (found := EXPECTED.search(text))
    ]
    [said] = [each for each in complaints if each.file == name]
    assert (said.severity, said.line, said.summary) == ("error", line, expected["summary"])
    assert expected["detail"] in " ".join(said.detail.split())


def test_a_fault_names_the_block_that_it_is_in(complaints: tuple[Diagnostic, ...]) -> None:
    addresses = {each.file: each.address for each in complaints}
    assert addresses["wrong_type.tf"] == "lab_database.g"
    assert addresses["unknown_data_source.tf"] == "data.lab_zone.l"
    assert addresses["unknown_reference.tf"] == "output.n"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Path]:
    """A directory without faults, with what an operator may have left in it."""
    module = write(tmp_path / "module", FINE)
    (module / "terraform.tfvars").write_text('name = "theirs"\n')
    (module / "terraform.tfstate").write_text("not a state")
    (module / ".terraform.lock.hcl").write_text("not a lock file")
    yield module
    names = {"main.tf", "versions.tf", "terraform.tfvars", "terraform.tfstate"}
    assert {each.name for each in module.iterdir()} == {*names, ".terraform.lock.hcl"}


@pytest.mark.parametrize("which", [toolchain.find, toolchain.pinned])
def test_a_directory_is_validated_and_planned_and_nothing_is_left_in_it(
    opened: Path, which: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the operator's own settings of Terraform are; with the tool of PATH, too."""
    monkeypatch.setenv("TF_CLI_ARGS", "-no-such-option")
    monkeypatch.setenv("TF_VAR_name", "from the environment")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/nowhere/terraformrc")
    tool = toolchain.find("terraform") if which is toolchain.find else TERRAFORM
    with workbench(opened, [LAB], tool=tool) as it:
        assert it.validate() == ()
        plan, said = it.plan({"name": "ours"})
    assert said == ()
    assert plan
    assert plan.at("lab_database.main").get("name") == "ours"


def test_a_missing_value_is_told_with_its_variable(opened: Path) -> None:
    with workbench(opened, [LAB], tool=TERRAFORM) as it:
        plan, [said] = it.plan()
    assert plan is None
    assert (said.summary, said.file, said.line) == ("No value for required variable", "main.tf", 2)


def test_values_come_from_files_too_and_those_given_win(opened: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tfvars").write_text('name = "from a file"\n')
    with workbench(opened, [LAB], tool=TERRAFORM) as it:
        for given, name in (({}, "from a file"), ({"name": "given"}, "given")):
            plan, _ = it.plan(given, var_files=[tmp_path / "a.tfvars"])
            assert plan
            assert plan.at("lab_database.main").get("name") == name


def test_a_failed_condition_and_a_failed_check_are_told_with_their_messages(tmp_path: Path) -> None:
    text = """
    variable "size" {
      type = number
      validation {
        condition     = var.size < 10
        error_message = "The size is too large."
      }
    }
    check "small" {
      assert {
        condition     = var.size < 5
        error_message = "That is a lot."
      }
    }
    """
    with bench(tmp_path, text) as it:
        plan, [error] = it.plan({"size": 11})
        assert (plan, error.summary) == (None, "Invalid value for variable")
        assert "The size is too large." in error.detail
        plan, [warning] = it.plan({"size": 6})
        assert plan
        assert (warning.severity, warning.detail) == ("warning", "That is a lot.")


def test_for_each_over_what_only_a_cloud_knows_is_found_when_unknown(tmp_path: Path) -> None:
    """With marks for values nobody would notice before the first apply."""
    text = """
    resource "lab_database" "main" {
      name = "x"
    }
    resource "lab_file" "each" {
      for_each = toset(lab_database.main.addresses)
      content  = each.key
    }
    """
    with bench(tmp_path, text) as it:
        assert it.plan().plan
        plan, [said] = it.plan(mode="unknown")
    assert plan is None
    assert (said.summary, said.file, said.line) == ("Invalid for_each argument", "main.tf", 6)


def test_only_targets_are_planned_if_there_are_any(tmp_path: Path) -> None:
    text = 'resource "lab_file" "a" {}\nresource "lab_file" "b" {}\n'
    with bench(tmp_path, text) as it:
        plan, _ = it.plan(targets=["lab_file.b"])
    assert plan
    assert [each.address for each in plan.resources] == ["lab_file.b"]


def test_neither_a_backend_nor_a_module_of_the_users_stands_in_the_way(tmp_path: Path) -> None:
    write(tmp_path / "module" / "inner", 'resource "lab_file" "a" {}\n')
    text = """
    terraform {
      backend "s3" {
        bucket = "of-the-user"
      }
    }
    module "inner" {
      source = "./inner"
    }
    """
    with bench(tmp_path / "module", text) as it:
        assert it.validate() == ()
        plan, _ = it.plan()
    assert plan
    assert [each.address for each in plan.resources] == ["module.inner.lab_file.a"]


def test_a_version_of_the_schema_outside_the_range_is_an_error(tmp_path: Path) -> None:
    module = write(tmp_path / "module", "")
    (module / "versions.tf").write_text(REQUIRES.replace("< 2", "< 1.2.3"))
    with workbench(module, [LAB], tool=TERRAFORM) as it:
        [said] = it.validate()
        assert it.plan() == (None, (said,))
        assert it.test().diagnostics == (said,)
    assert said.summary == "Provider version out of range"
    assert "1.2.3 is not in the range >= 1.2, < 1.2.3" in said.detail


MOCKED = """
mock_provider "lab" {
  mock_resource "lab_database" {
    defaults = {
      address = "10.0.0.1"
    }
  }
}
variables {
  name = "x"
}
run "passes" {
  command = apply
  assert {
    condition     = lab_database.main.address == "10.0.0.1"
    error_message = "not mocked"
  }
}
run "fails" {
  command = plan
  assert {
    condition     = lab_database.main.name == "y"
    error_message = "That is no y."
  }
}
run "is_not_reached" {
  command = plan
  variables {
    name = lab_database.nowhere.name
  }
}
"""

APPLIED = """
variables {
  name = "x"
}
run "first" {
  command = apply
  assert {
    condition     = startswith(lab_database.main.address, "~~lab_database~")
    error_message = "no address"
  }
}
run "second" {
  command = apply
  variables {
    name = "y"
  }
  assert {
    condition     = lab_database.main.address == run.first.address
    error_message = "A second apply decided anew."
  }
}
"""


def test_tests_are_told_run_by_run_with_what_they_said(tmp_path: Path) -> None:
    with bench(tmp_path, FINE, tests__mocked=MOCKED) as it:
        tested = it.test()
    file = "tests/mocked.tftest.hcl"
    told = [(run.file, run.name, run.status) for run in tested.runs]
    assert told[:2] == [(file, "passes", "pass"), (file, "fails", "fail")]
    [said] = tested.runs[1].diagnostics
    assert (said.file, said.line, said.detail) == (file, 22, "That is no y.")
    assert not tested.passed


def test_what_is_applied_in_a_test_gets_values_and_keeps_them(tmp_path: Path) -> None:
    text = f'{FINE}\noutput "address" {{\n  value = lab_database.main.address\n}}\n'
    with bench(tmp_path, text, tests__applied=APPLIED, tests__other=MOCKED) as it:
        tested = it.test("tests/applied.tftest.hcl")
    assert [(run.name, run.status) for run in tested.runs] == [
        ("first", "pass"),
        ("second", "pass"),
    ]
    assert tested.passed


def test_without_tests_nothing_has_passed(tmp_path: Path) -> None:
    with bench(tmp_path, "") as it:
        assert not it.test().passed


def test_a_plan_with_marks_cannot_be_applied(tmp_path: Path) -> None:
    with bench(tmp_path, 'resource "lab_file" "a" {}\n') as it:
        assert it.plan().plan
        argv = [*TERRAFORM.argv, "apply", "-no-color", str(it.scratch / "plan")]
        env = {**settings(it.scratch), **it.provider("known").env}
        done = run(argv, cwd=it.root, env=env, check=False)
    assert done.exit_code == 1
    assert "inconsistent final plan" in done.stderr


def test_files_that_fmt_would_change_are_told_with_their_differences(tmp_path: Path) -> None:
    write(tmp_path, "a = 1\n", other="b   = 1\nlocals {\na = 1\n}\n", tests__x="c =  1\n")
    found = unformatted(tmp_path, tool=TERRAFORM)
    assert set(found) == {"other.tf", "tests/x.tftest.hcl"}
    assert "+  a = 1" in found["other.tf"]


def test_a_file_that_is_not_terraforms_is_an_error_of_fmt(tmp_path: Path) -> None:
    write(tmp_path, "{{{")
    with pytest.raises(ToolError, match="Argument or block definition required"):
        unformatted(tmp_path, tool=TERRAFORM)


def test_a_syntax_error_has_its_line_whatever_is_run(tmp_path: Path) -> None:
    with bench(tmp_path, "locals {\n  a = (\n}\n") as it:
        found = it.validate()
        assert (found[0].file, found[0].severity) == ("main.tf", "error")
        assert it.plan().plan is None
