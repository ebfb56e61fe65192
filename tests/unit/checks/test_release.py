from __future__ import annotations

import pytest

from hostwright.checks import release
from hostwright.contract import Contract, load
from hostwright.contract.located import Located
from hostwright.release.bundle import File

SECRETS = {"SECRET_KEY": "mark-secret-key", "POSTGRES_PASSWORD": "mark-postgres"}
LINES = Located("contract.yaml", {}, {("variables", "PORT"): 12})


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.mark.parametrize("path", ["env/api.env", "env/migrate.env", "secrets/postgres_password"])
def test_a_secret_in_a_file_made_for_it_is_no_leak(contract: Contract, path: str) -> None:
    files = {path: File(b'A="mark-postgres"', 0o600)}
    assert list(release.leaks(contract, "compose.yml", files, SECRETS)) == []


@pytest.mark.parametrize(
    ("path", "role"), [("compose.yaml", ""), ("manifest.json", ""), ("env/web.env", "web")]
)
def test_a_secret_anywhere_else_is_a_leak(contract: Contract, path: str, role: str) -> None:
    files = {path: File(b"x mark-secret-key y", 0o600)}
    [finding] = release.leaks(contract, "compose.yml", files, SECRETS)
    assert (finding.check, finding.role, finding.variable) == ("secret-leak", role, "SECRET_KEY")
    assert path in finding.message


def test_a_file_of_secrets_that_others_can_read_is_found() -> None:
    files = {"env/api.env": File(b"", 0o644), "secrets/a": File(b"", 0o600)}
    [finding] = release.modes("compose.yml", files)
    assert (finding.check, finding.role) == ("secret-readable", "api")
    assert "0644" in finding.message


def test_what_is_missing_and_what_is_extra_are_told_at_the_contracts_line() -> None:
    wanted = {"api": (frozenset({"PORT"}), frozenset({"LOG_LEVEL"}))}
    got = {"api": frozenset({"LOG_LEVEL", "DEBUG"})}
    found = release.delivered(LINES, "defaults", wanted, got)  # type: ignore[arg-type]
    assert [(item.check, item.variable, item.line) for item in found] == [
        ("release-missing", "PORT", 12),
        ("release-extra", "DEBUG", 1),
    ]


def test_the_names_of_an_env_file_are_those_before_its_values() -> None:
    files = {"env/api.env": File(b'A="x\\$y C=\\n"\nB="1"\n')}
    assert release.names_in(files, "api") == {"A", "B"}
    assert release.names_in(files, "web") == frozenset()
