"""Terraform as the tasks run it: really, on a small module that needs no provider."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.cloud.operate import Inputs, Stack, from_environment
from hostwright.contract import load
from hostwright.contract.example import write
from hostwright.errors import ApplyError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = load()
MODULE = """
variable "db_admin_password" {
  type      = string
  ephemeral = true
}
variable "secret_values" {
  type      = map(string)
  ephemeral = true

  validation {
    condition     = length(var.secret_values["SECRET_KEY"]) == 44
    error_message = "secret_values did not arrive."
  }
}
variable "region" {
  type = string
}
variable "api_image" {
  type    = string
  default = ""
}
resource "terraform_data" "image" {
  input = var.api_image
}
output "api_url" {
  value = "https://${var.region}.example.org/${terraform_data.image.output}"
}
"""


@pytest.fixture(name="stack")
def stack_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    (tmp_path / "gcp").mkdir()
    (tmp_path / "gcp" / "main.tf").write_text(MODULE)
    (tmp_path / "prod.tfvars").write_text('region = "eu"\n')
    write(CONTRACT, "gcp", "production", tmp_path / ".env")
    monkeypatch.setattr(paths, "INFRA", tmp_path)
    files = (tmp_path / "prod.tfvars",)
    inputs = Inputs(files, str(tmp_path / ".env"), {"api": "ghcr.io/acme/api@sha256:1"})
    return Stack(CONTRACT, "gcp", inputs, echo=True)


def test_a_kept_plan_is_applied_and_its_outputs_are_read(
    stack: Stack, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept" / "plan"
    stack.plan(kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    stack.apply(kept)
    assert stack.outputs() == {"api_url": "https://eu.example.org/ghcr.io/acme/api@sha256:1"}

    shown = [line for line in capfd.readouterr().err.splitlines() if line.startswith("+ ")]
    # Behind Terraform's own program, or the packaged one where there is none.
    words = [re.split(r"/shim\.py |terraform ", line)[-1].partition(" ")[0] for line in shown]
    assert words == ["init", "plan", "apply", "output"]
    secrets = [str(stack.secrets()["db_admin_password"])]
    assert not [line for line in shown for secret in secrets if secret in line]


def test_a_plan_of_others_is_not_written_into(stack: Stack, tmp_path: Path) -> None:
    """A file that is there may be readable to everybody, and stays so while Terraform writes."""
    kept = tmp_path / "plan"
    kept.write_text("")
    kept.chmod(0o666)
    stack.plan(kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_plan_that_terraform_refuses_is_an_error_with_its_place(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "gcp" / "main.tf").write_text('resource "terraform_data" "x" {\n  nonsense = 1\n}')
    with pytest.raises(ApplyError, match="terraform plan ended with exit code 1") as refused:
        stack.plan(tmp_path / "plan")
    assert refused.value.where.endswith("gcp")


STATE = """{"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "a",
"outputs": {"api_url": {"value": "https://elsewhere.example.org", "type": "string"}},
"resources": []}
"""


def test_a_fresh_clone_reads_the_outputs_from_the_state_that_its_backend_names(
    stack: Stack, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text(STATE)
    backend = f'terraform {{\n  backend "local" {{\n    path = "{tmp_path}/state"\n  }}\n}}\n'
    (tmp_path / "gcp" / "backend.tf").write_text(backend)
    assert stack.outputs() == {"api_url": "https://elsewhere.example.org"}
    assert capfd.readouterr().out == ""  # `outputs --json` prints one document


def test_a_backend_that_cannot_be_reached_is_an_error_that_names_it(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "gcp" / "backend.tf").write_text('terraform {\n  backend "nonsense" {}\n}\n')
    with pytest.raises(ApplyError, match="Unsupported backend type") as refused:
        stack.outputs()
    assert "backend.tf" in refused.value.remedy


def test_where_nothing_was_applied_there_are_no_outputs(stack: Stack) -> None:
    with pytest.raises(ApplyError, match="there are no outputs") as refused:
        stack.outputs()
    assert "Apply first" in refused.value.remedy


def test_a_wrong_secret_is_placed_where_it_was_given_and_never_in_a_file_of_ours(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = MODULE.replace("== 44", "== 43").replace("did not arrive", "must be shorter")
    (tmp_path / "gcp" / "main.tf").write_text(wrong)
    with pytest.raises(SettingsError) as refused:
        stack.refuse()
    assert f"  {tmp_path}/.env: secret_values must be shorter" in str(refused.value)

    monkeypatch.setenv("TF_VAR_db_admin_password", "x")
    monkeypatch.setenv("TF_VAR_secret_values", '{"SECRET_KEY": "x"}')
    with pytest.raises(SettingsError) as refused:
        Stack(CONTRACT, "gcp", Inputs(stack.inputs.var_files)).refuse()
    assert "  TF_VAR_secret_values: secret_values must be shorter" in str(refused.value)


def test_a_wrong_image_of_the_command_line_is_placed_there(stack: Stack, tmp_path: Path) -> None:
    rule = """
  validation {
    condition     = strcontains(var.api_image, "sha256:2")
    error_message = "api_image must be another."
  }
"""
    module = MODULE.replace('default = ""', f'default = ""{rule}')
    (tmp_path / "gcp" / "main.tf").write_text(module)
    (tmp_path / "prod.tfvars").write_text('region = "eu"\napi_image = "sha256:2"\n')
    with pytest.raises(SettingsError) as refused:
        stack.refuse()
    assert "  --image: api_image must be another" in str(refused.value)


# --- the environment ---------------------------------------------------------------------------


def test_only_inputs_of_the_target_are_taken_from_the_environment() -> None:
    environ = {
        "TF_VAR_region": "eu",
        "TF_VAR_db_admin_password": "0123456789",
        "TF_VAR_api_env": '{"LOG_LEVEL": "debug"}',
        "TF_VAR_of_another_project": "x",
        "TF_VAR_redis_auth_token": "only aws has it",
        "REGION": "us",
    }
    assert from_environment(environ, CONTRACT, "gcp") == {
        "region": "eu",
        "db_admin_password": "0123456789",  # a text, though it looks like a number
        "api_env": {"LOG_LEVEL": "debug"},
    }


def test_a_map_that_is_no_json_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        from_environment({"TF_VAR_secret_values": '{SECRET_KEY="hush"}'}, CONTRACT, "gcp")
    assert str(refused.value).startswith("TF_VAR_secret_values: is not JSON")
    assert "hush" not in str(refused.value)
