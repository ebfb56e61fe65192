"""What `docker compose up` by hand reads: written for its readers alone, or not at all."""

from __future__ import annotations

import os
import stat
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from tests.unit.contract.given_values import SECRETS

from hostwright.by_hand import render
from hostwright.contract.envfile import encode
from hostwright.errors import ValuesError

if TYPE_CHECKING:
    from pathlib import Path

UID = 999


def env_file(directory: Path, **values: str) -> str:
    path = directory / ".env.prod"
    path.write_text(encode({**SECRETS, **values}))
    path.chmod(0o600)
    return str(path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_role_gets_its_env_file_and_the_base_its_passwords(tmp_path: Path) -> None:
    root = tmp_path / "compose"
    written = render(env_file(tmp_path), "app.example.com", root)
    assert {str(path.relative_to(root)) for path in written} == {
        "env/api.env",
        "env/web.env",
        "env/worker.env",
        "env/migrate.env",
        "secrets/postgres_password",
        "secrets/redis_password",
    }
    password = (root / "secrets/postgres_password").read_text()
    assert password == SECRETS["POSTGRES_PASSWORD"] + "\n"
    web = dotenv_values(stream=StringIO((root / "env/web.env").read_text()), interpolate=False)
    assert web["APP_PUBLIC_URL"] == "https://app.example.com"
    assert web["API_BASE_URL"] == "http://api:8000"
    assert not [secret for secret in SECRETS.values() if secret in str(web)]


def test_the_credentials_of_backups_and_registries_are_no_roles_business(tmp_path: Path) -> None:
    backup = {
        "BACKUP_S3_ACCESS_KEY_ID": "away",
        "BACKUP_S3_SECRET_ACCESS_KEY": "far-away-secret",
        "REGISTRY_PASSWORD_SHOP": "far-away-secret",
    }
    written = render(env_file(tmp_path, **backup), "localhost", tmp_path / "compose")
    assert not [path for path in written if "far-away-secret" in path.read_text()]


def test_everything_is_its_owners_alone_and_secrets_are_their_containers(tmp_path: Path) -> None:
    written = render(env_file(tmp_path), "localhost", tmp_path / "compose")
    for path in written:
        secret = path.parent.name == "secrets"
        assert mode(path) == (0o400 if secret else 0o600)
        assert mode(path.parent) == 0o700
        if os.geteuid() == 0:
            assert path.stat().st_uid == (UID if secret else 0)


def test_a_second_run_replaces_the_first_even_where_one_was_left_half_way(tmp_path: Path) -> None:
    root = tmp_path / "compose"
    render(env_file(tmp_path), "localhost", root)
    (root / "env" / ".api.env.new").write_text("half")
    (root / "env" / ".api.env.new").chmod(0o666)
    render(env_file(tmp_path, LOG_LEVEL="debug"), "localhost", root)
    assert 'LOG_LEVEL="debug"' in (root / "env/api.env").read_text()
    assert mode(root / "env/api.env") == 0o600
    assert sorted(path.name for path in (root / "env").iterdir()) == [
        "api.env",
        "migrate.env",
        "web.env",
        "worker.env",
    ]


@pytest.mark.parametrize(
    ("values", "domain", "said"),
    [
        ({"SECRET_KEY": "short"}, "localhost", "SECRET_KEY is a secret of fewer than 32"),
        ({"SECRET_KEYS": "x"}, "localhost", "Did you mean SECRET_KEY?"),
        ({}, "a b;c", "APP_PUBLIC_URL is not a URL"),
    ],
)
def test_values_with_problems_leave_nothing_behind(
    values: dict[str, str], domain: str, said: str, tmp_path: Path
) -> None:
    root = tmp_path / "compose"
    with pytest.raises(ValuesError) as refused:
        render(env_file(tmp_path, **values), domain, root)
    assert str(refused.value).startswith("the values have problems; nothing was written\n  ")
    assert said in str(refused.value)
    assert not root.exists()
