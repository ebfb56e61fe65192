"""The contract as people read it: one thing in full, the matrix, an env file's problems."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.unit.contract.planted import real

from hostwright.contract import example, matrix
from hostwright.contract.models import PROFILES, TARGETS
from hostwright.contract.show import print_matrix, problems_of, show
from hostwright.errors import UserError, ValuesError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.contract.models import Profile, TargetName


def test_a_variable_is_shown_with_its_sources() -> None:
    text = show(real(), "DATABASE_URL")
    assert text.startswith("DATABASE_URL:\n")
    assert "secret: true" in text
    assert text.endswith("sources:\n    default: composed database_url\n    kubernetes: operator")


@pytest.mark.parametrize("name", ["api", "vps", "app_domain", "secret_ids", "VAULT_ADDR"])
def test_every_kind_of_thing_can_be_shown(name: str) -> None:
    assert show(real(), name).startswith(f"{name}:")


def test_everything_is_shown_in_short_without_a_name() -> None:
    text = show(real(), "")
    assert text.startswith("app, contract version 1\n")
    assert re.search(r"\n  web +service +port 3000, \d+ variables\n", text)


def test_what_the_contract_does_not_know_is_refused_with_a_near_miss() -> None:
    with pytest.raises(UserError, match="says nothing of 'database_url'") as refused:
        show(real(), "database_url")
    assert refused.value.remedy == "Did you mean DATABASE_URL?"


def test_the_matrix_has_a_row_a_variable_and_a_source_a_target() -> None:
    rows = matrix.rows(real())
    assert [row.name for row in rows] == list(real().variables)
    assert all(list(row.sources) == list(TARGETS) for row in rows)
    assert json.loads(json.dumps([row._asdict() for row in rows]))


def test_the_matrix_can_be_of_one_target_and_role() -> None:
    rows = matrix.rows(real(), target="vps", role="migrate")
    assert {row.name for row in rows} == set(real().of_role("migrate"))
    assert {tuple(row.sources) for row in rows} == {("vps",)}


def test_a_row_says_when_a_variable_is_required() -> None:
    rows = {row.name: row for row in matrix.rows(real(), target="vps")}
    assert rows["PORT"].required == "always"
    assert rows["SECRET_KEY"].required == "staging, production"
    assert rows["LOG_LEVEL"].required == "-"
    identity = rows["AZURE_MANAGED_IDENTITY_CLIENT_ID"]
    assert identity.when == "SECRETS_PROVIDER=azure_kv or STORAGE_PROVIDER=azure_blob"
    assert rows["DATABASE_SSL_MODE"].sources == {"vps": "literal disable"}


def test_the_table_marks_secrets_and_roles(capsys: pytest.CaptureFixture[str]) -> None:
    print_matrix(matrix.rows(real(), target="vps"))
    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if line.startswith("SECRET_KEY*")]
    assert line.split()[1] == "a-k-"
    assert "* secret" in lines[-1]


# --- a first env file ----------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_a_fresh_env_file_is_complete_and_its_owners_alone(
    profile: Profile, tmp_path: Path
) -> None:
    path = tmp_path / ".env.prod"
    example.write(real(), "vps", profile, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert problems_of(real(), str(path), "vps", profile) == []


@pytest.mark.parametrize(
    ("target", "found"), [("vps", []), ("kubernetes", ["BACKUP_S3_ACCESS_KEY_ID"])]
)
def test_the_credentials_of_backups_belong_to_a_servers_values_alone(
    tmp_path: Path, target: TargetName, found: list[str]
) -> None:
    path = tmp_path / ".env"
    example.write(real(), "vps", "development", path)
    with path.open("a") as file:
        file.write("BACKUP_S3_ACCESS_KEY_ID=away\n")
    names = {item.name for item in problems_of(real(), str(path), target, "development")}
    assert sorted(name for name in names if name.startswith("BACKUP")) == found


def test_a_fresh_env_file_never_overwrites_another(tmp_path: Path) -> None:
    path = tmp_path / ".env.prod"
    path.write_text("the only copy")
    with pytest.raises(UserError, match="exists already"):
        example.write(real(), "vps", "production", path)
    assert path.read_text() == "the only copy"


def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no/\.env: cannot be written: No such file"):
        example.write(real(), "vps", "production", tmp_path / "no" / ".env")


def test_secrets_of_a_fresh_env_file_are_all_different() -> None:
    made = iter(f"s3cr3t-number-{at:02}-of-the-test" for at in range(20))
    text = example.text(real(), "vps", "production", lambda: next(made))
    secrets = re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE)
    assert len(secrets) == len({value for _, value in secrets}) == 5
    assert "# LOG_LEVEL=info" in text


def test_a_secret_that_is_a_url_is_asked_for_and_not_made_up() -> None:
    text = example.text(real(), "kubernetes", "production", lambda: "made")
    assert "\nDATABASE_URL=\n" in text
    assert '\nSECRET_KEY="made"\n' in text


def test_problems_of_a_file_that_others_can_read_are_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=x\n")
    path.chmod(0o644)
    with pytest.raises(ValuesError, match="others can read it"):
        problems_of(real(), str(path), "vps", "production")
