from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.ci import files
from hostwright.contract.models import TARGETS
from hostwright.errors import UserError, ValuesError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.contract.models import TargetName

#: The one of hosts.example.yaml.
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIDbX3hDhShVcN2Qpcg/20BAJ4cS+IQKrdVQhNZjPcqLT"
PIN = f"203.0.113.7 ssh-ed25519 {KEY}"
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----"
BACKEND = 'terraform {\n  backend "s3" {\n  }\n}\n'
GIVEN = {
    "HOSTWRIGHT_HOSTS_YAML": "version: 1\n",
    "HOSTWRIGHT_KNOWN_HOSTS": PIN,
    "HOSTWRIGHT_SSH_KEY": PRIVATE,
    "HOSTWRIGHT_ENV_FILE": 'SECRET_KEY="s3cret"\n',
    "HOSTWRIGHT_TFVARS": 'region = "eu"\n',
    "HOSTWRIGHT_BACKEND_TF": BACKEND,
    "HOSTWRIGHT_KUBECONFIG": "apiVersion: v1\n",
}


@pytest.fixture(name="home", autouse=True)
def home_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    operator = tmp_path / ".hostwright"
    for name, path in {
        "HOME": tmp_path,
        "OPERATOR": operator,
        "HOSTS": tmp_path / "hosts.yaml",
        "KNOWN_HOSTS": operator / "known_hosts",
        "INFRA": tmp_path / "infra",
    }.items():
        monkeypatch.setattr(paths, name, path)
    monkeypatch.setattr(files, "WRITTEN", operator / "ci-files.json")
    return tmp_path


def there(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


def test_files_are_written_for_their_owner_alone_and_removed_again(home: Path) -> None:
    lines = files.write("vps", GIVEN)
    written = {"hosts.yaml", ".hostwright/known_hosts", ".hostwright/ssh_key", ".env.prod"}
    assert there(home) == {*written, ".hostwright/ci-files.json"}
    for name in written:
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert (home / ".hostwright" / "ssh_key").read_text() == f"{PRIVATE}\n"
    assert "s3cret" not in "".join(lines)
    assert any("HOSTWRIGHT_SSH_KEY" in line for line in lines)
    assert len(files.remove()) == len(written)
    assert there(home) == set()
    assert files.remove() == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_what_its_workflow_gives(target: TargetName, home: Path) -> None:
    assert files.write(target, GIVEN)
    required = {file.path for file in files.wanted(target) if file.required}
    assert required <= {home / name for name in there(home)}


def test_a_person_s_own_file_is_neither_replaced_nor_removed(home: Path) -> None:
    (home / "hosts.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"there already, and not replaced: .*hosts\.yaml"):
        files.write("vps", GIVEN)
    assert there(home) == {"hosts.yaml"}
    files.remove()
    assert (home / "hosts.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("HOSTS_YAML", "", "is missing"),
        ("HOSTS_YAML", " \n", "is blank"),
        ("SSH_KEY", f"ssh-ed25519 {KEY}", "does not begin as a private key"),
        ("SSH_KEY", PRIVATE[:60], "was cut off"),
        ("SSH_KEY", PRIVATE.replace("\n", "\r\n"), "line ends of Windows"),
        ("KNOWN_HOSTS", "# nothing\n", "pins no host"),
        ("KNOWN_HOSTS", f"ssh-ed25519 {KEY}", "not `name type key`"),
        ("KNOWN_HOSTS", f"@cert-authority * ssh-ed25519 {KEY}", "no marker"),
        ("KNOWN_HOSTS", f"|1|a=|b= ssh-ed25519 {KEY}", "not `name type key`"),
        ("KNOWN_HOSTS", f"host ssh-ed25519 {KEY[:30]}!", "cut off"),
        ("KNOWN_HOSTS", f"host ssh-rsa {KEY}", "not ssh-rsa"),
        ("KNOWN_HOSTS", f"host SHA256:abc {KEY}", "type of key that is none"),
        ("BACKUP_KEY", "two words", "not one line"),
    ],
)
def test_what_will_not_do_is_named_and_nothing_is_written(
    name: str, text: str, said: str, home: Path
) -> None:
    with pytest.raises(ValuesError) as refused:
        files.write("vps", {**GIVEN, f"HOSTWRIGHT_{name}": text})
    assert f"  HOSTWRIGHT_{name} " in str(refused.value)
    assert said in str(refused.value)
    assert KEY not in str(refused.value)
    assert there(home) == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("terraform {}", "names no backend"),
        ('terraform {\n  backend "local" {}\n}', "thrown away"),
        ('# backend "s3" {}', "names no backend"),
    ],
)
def test_a_state_that_the_runner_would_take_with_it_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValuesError, match=said):
        files.write("aws", {**GIVEN, "HOSTWRIGHT_BACKEND_TF": text})


def test_one_file_alone_can_be_written(home: Path) -> None:
    files.write("vps", {"HOSTWRIGHT_ENV_FILE": "A=1"}, only=["ENV_FILE"])
    assert ".env.prod" in there(home)
    with pytest.raises(UserError, match="no such file"):
        files.write("vps", GIVEN, only=["ENV_FIL"])


def test_the_kind_of_pin_that_trust_writes_is_taken() -> None:
    assert files.pinned_fault(f"[203.0.113.7]:2222 ssh-ed25519 {KEY}\n") == ""
