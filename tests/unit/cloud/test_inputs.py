"""A person's bad inputs for a cloud, through the task itself: real Terraform, no account."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.cloud.operate import Inputs, Stack
from hostwright.contract import load
from hostwright.contract.example import write
from hostwright.errors import SettingsError, ToolError, UserError, ValuesError
from hostwright.run import Completed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECRETS = ("SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER")
PASSWORD = "A-password-that-nobody-uses-0"
DIGEST = f"@sha256:{'0' * 64}"
GOOD = f"""\
region         = "europe-west3"
project_id     = "acme-shop-123"
app_public_url = "https://app.example.org"
app_domain     = "app.example.org"
api_image      = "ghcr.io/acme/api{DIGEST}"
web_image      = "ghcr.io/acme/web{DIGEST}"
api_env = {{
  LOG_LEVEL = "debug"
}}
"""
VAULT = """\
secrets_provider = "vault_hcp"
api_env          = { VAULT_ADDR = "https://vault.example.org", VAULT_TRANSIT_KEY = "key" }
worker_env       = { VAULT_ADDR = "https://vault.example.org", VAULT_TRANSIT_KEY = "key" }
"""


@pytest.fixture(name="plan")
def planner(tmp_path: Path) -> Callable[..., Completed]:
    """Runs ``gcp.plan`` on a file of inputs; no cloud's tool is on its path."""
    write(load(), "gcp", "production", tmp_path / ".env")

    def plan(
        text: str, *words: str, env_file: str = ".env", environ: Mapping[str, str] | None = None
    ) -> Completed:
        (tmp_path / "prod.tfvars").write_text(text)
        argv = [sys.executable, "-m", "invoke", "--search-root", str(paths.ROOT), "gcp.plan"]
        given = ["--var-file", "prod.tfvars", *(["--env-file", env_file] if env_file else [])]
        own = {name: value for name, value in os.environ.items() if name == "HOME"}
        gone = [name for name in os.environ if name not in own]
        env = {"PATH": str(tmp_path / "no-tools"), "HOSTWRIGHT_HOME": str(tmp_path)}
        env |= environ or {}
        return run([*argv, *given, *words], cwd=tmp_path, env=env, without=gone, check=False)

    return plan


@pytest.mark.parametrize(
    ("old", "new", "told", "code"),
    [
        (
            "region  ",
            "regoin  ",
            "prod.tfvars:1: regoin is no input on gcp. Did you mean region?",
            SettingsError.exit_code,
        ),
        (
            "LOG_LEVEL",
            "LOG_LEVLE",
            "prod.tfvars:8: api_env.LOG_LEVLE is not in the contract. Did you mean LOG_LEVEL?",
            SettingsError.exit_code,
        ),
        (
            "LOG_LEVEL",
            "DATABASE_URL",
            "prod.tfvars:8: api_env.DATABASE_URL is composed by the stack. Remove it.",
            SettingsError.exit_code,
        ),
        (
            "region  ",
            'secrets_provider = "vault"\nregion  ',
            "prod.tfvars:1: secrets_provider must be one of aws_sm, azure_kv, gcp_sm",
            SettingsError.exit_code,
        ),
        (f"api{DIGEST}", "api:latest", "api_image must name a digest", SettingsError.exit_code),
        ("{", "[", "prod.tfvars:", SettingsError.exit_code),
    ],
    ids=["unknown input", "near miss", "DATABASE_URL", "provider", "tag", "broken file"],
)
def test_bad_inputs_are_refused_with_file_line_and_key(
    plan: Callable[..., Completed], old: str, new: str, told: str, code: int
) -> None:
    assert old in GOOD
    done = plan(GOOD.replace(old, new))
    assert told in done.stderr
    assert "nothing was touched" in done.stderr
    assert done.exit_code == code
    assert "Traceback" not in done.stderr


def test_every_problem_is_told_at_once(plan: Callable[..., Completed]) -> None:
    done = plan(GOOD.replace("region  ", "regoin  ").replace("app_domain", "app_domian"))
    assert "4 problems with the inputs" in done.stderr


def test_a_weak_secret_is_refused_without_being_shown(
    plan: Callable[..., Completed], tmp_path: Path
) -> None:
    weak = tmp_path / "weak.env"
    weak.write_text("DB_ADMIN_PASSWORD=hunter2\n")
    weak.chmod(0o600)
    done = plan(GOOD, env_file="weak.env")
    assert "weak.env:1: DB_ADMIN_PASSWORD is a secret of fewer than 20 characters" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert done.exit_code == ValuesError.exit_code


def test_a_secret_that_would_be_passed_over_is_refused_with_its_line(
    plan: Callable[..., Completed], tmp_path: Path
) -> None:
    with (tmp_path / ".env").open("a") as file:
        file.write("MINIO_SECRET_KEY=a-value-that-nobody-uses-anywhere\n")
    lines = len((tmp_path / ".env").read_text().splitlines())
    done = plan(GOOD)
    assert (
        f".env:{lines}: secret_values.MINIO_SECRET_KEY is not made by this stack. "
        "Remove it; it is made where STORAGE_PROVIDER is minio"
    ) in done.stderr
    assert "nothing was touched" in done.stderr
    assert "a-value-that" not in done.stderr + done.stdout
    assert done.exit_code == SettingsError.exit_code


def test_so_is_a_near_miss_in_the_environment(plan: Callable[..., Completed]) -> None:
    given = json.dumps(dict.fromkeys([*SECRETS, "SECRET_KEI"], "a-value-that-nobody-uses-anywhere"))
    environ = {"TF_VAR_secret_values": given, "TF_VAR_db_admin_password": PASSWORD}
    done = plan(GOOD, env_file="", environ=environ)
    assert (
        "TF_VAR_secret_values: secret_values.SECRET_KEI is not in the contract. "
        "Did you mean SECRET_KEY?"
    ) in done.stderr
    assert done.exit_code == SettingsError.exit_code


@pytest.mark.parametrize("more", ['environment = "development"', VAULT], ids=["fewer", "others"])
def test_what_runs_already_is_asked_for_without_its_secrets(tmp_path: Path, more: str) -> None:
    """Which secrets there are depends on the inputs."""
    without_maps = GOOD.partition("api_env")[0]
    (tmp_path / "prod.tfvars").write_text(f"{without_maps}\n{more}\n")
    stack = Stack(load(), "gcp", Inputs((tmp_path / "prod.tfvars",)))
    assert stack.applied()["project_id"] == "acme-shop-123"


def test_a_missing_secrets_file_says_who_writes_it(plan: Callable[..., Completed]) -> None:
    done = plan(GOOD, env_file="none.env")
    assert "none.env: cannot be read: No such file or directory" in done.stderr
    assert done.exit_code == ValuesError.exit_code


def test_good_inputs_come_as_far_as_the_clouds_own_tool(plan: Callable[..., Completed]) -> None:
    done = plan(GOOD)
    assert "gcloud" in done.stderr
    assert "is needed and not there" in done.stderr
    assert done.exit_code == ToolError.exit_code
    assert "Traceback" not in done.stderr


def test_an_image_of_no_role_is_refused(plan: Callable[..., Completed]) -> None:
    done = plan(GOOD, "--image", f"job=ghcr.io/acme/job{DIGEST}")
    assert "there is no image of 'job'" in done.stderr
    assert done.exit_code == UserError.exit_code


def test_nothing_is_left_behind(plan: Callable[..., Completed], tmp_path: Path) -> None:
    plan(GOOD.replace("{", "["))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "prod.tfvars"]
    assert not (paths.INFRA / "gcp" / ".terraform").exists()
