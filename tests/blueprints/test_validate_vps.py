"""The whole of validation as people start it, on good input and on bad."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hostwright import paths, validate
from hostwright.checks import exemptions
from hostwright.contract.located import read
from hostwright.errors import ContractError, FindingsError, ToolError, UserError
from hostwright.render.blueprint import Blueprint
from hostwright.run import Completed, run
from hostwright.toolchain import find
from hostwright.validate.job import Watch

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = "ops/compose/docker-compose.prod.yml"
LEDGER = "ops/contract/exemptions.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns(
        "src", "__pycache__", "env", "secrets", "run", ".env", ".env.prod"
    )
    shutil.copytree(paths.OPS, root / "ops", ignore=ignored)
    shutil.copy(paths.ROOT / ".yamllint.yaml", root)
    return root


def command(*words: str, env: dict[str, str] | None = None) -> Completed:
    """``python -m hostwright validate`` as nox starts it."""
    here = {"GITHUB_ACTIONS": "", **(env or {})}
    return run([sys.executable, "-m", "hostwright", "validate", *words], env=here, check=False)


def told(root: Path, *targets: str) -> tuple[int, str]:
    """Exit code and text of a validation of *root*."""
    said: list[str] = []
    return validate.run(targets, say=said.append, root=root), "\n".join(said)


def exempt(root: Path, **item: Any) -> None:  # noqa: ANN401 - YAML is anything
    document = yaml.safe_load((root / LEDGER).read_text())
    document["exemptions"].append({"reason": "Planted by a test, for this test.", **item})
    (root / LEDGER).write_text(yaml.safe_dump(document, sort_keys=False))


def test_the_command_proves_the_blueprint_and_writes_its_reports(tmp_path: Path) -> None:
    done = command("--target", "vps", "--json", str(tmp_path / "r.json"))

    report = json.loads((tmp_path / "r.json").read_text())
    assert done.exit_code == report["exit_code"] == 0, done.stdout
    assert done.stdout.splitlines()[-1] == report["verdict"]
    contract, vps = report["parts"]
    assert contract["checks"] > 100
    assert vps["checks"] > 1000
    secret = next(row for row in vps["matrix"] if row["variable"] == "DATABASE_URL")
    assert secret["roles"] == dict.fromkeys(("api", "worker", "migrate"), "composed*")


def test_the_operators_own_files_and_environment_change_nothing(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = copy / "ops" / "compose"
    (compose / ".env").write_text("APP_DOMAIN=operator.test\n")
    (compose / "env").mkdir(exist_ok=True)
    (compose / "env" / "api.env").write_text('UNDECLARED="1"\n')
    (compose / "secrets").mkdir(exist_ok=True)
    (compose / "secrets" / "redis_password").write_text("theirs")
    monkeypatch.setenv("API_IMAGE", "operator/api:latest")
    monkeypatch.setenv("REDIS_MAXMEMORY", "0")
    code, text = told(copy, "vps")
    assert code == 0, text


@pytest.mark.parametrize("roles", [("api",), ("web", "worker")], ids="+".join)
def test_an_application_with_fewer_roles_edits_the_contract_and_nothing_else(
    copy: Path, roles: tuple[str, ...]
) -> None:
    path = copy / "ops/contract/contract.yaml"
    document = yaml.safe_load(path.read_text())
    document["roles"] = {role: document["roles"][role] for role in roles}
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=100))
    report = validate.examine(Blueprint(copy), ["vps"], Watch())
    # The exports are made by a command of their own, and the dump has another layout.
    found = [
        item for item in report.findings if not item.check.startswith(("export-", "yamllint-"))
    ]
    assert not found, "\n".join(map(str, found))
    [_, part] = report.parts
    assert part.rendered is not None
    assert sorted(part.rendered.roles) == sorted(roles)


def test_plain_config_passes_as_it_is_with_nothing_set(copy: Path) -> None:
    """The line of the milestone's own plan."""
    done = run([*find("docker-compose").argv, "-f", copy / COMPOSE, "config"], cwd=copy)
    assert yaml.safe_load(done.stdout)["services"].keys() >= {"caddy", "api", "web", "worker"}


def test_a_fault_fails_and_is_annotated_where_github_asks_for_it(copy: Path) -> None:
    path = copy / COMPOSE
    path.write_text(path.read_text().replace("caddy:2.11", "caddy:latest"))
    said: list[str] = []

    code = validate.run(["vps"], github=True, say=said.append, root=copy)

    assert code == FindingsError.exit_code
    line = path.read_text()[: path.read_text().index("caddy:latest")].count("\n") + 1
    assert f"::error file={COMPOSE},line={line},title=image-unpinned::caddy: " in said[0]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"check": "backup-missing", "object": "vps/web", "until": "2026-12-31"}, "hides nothing"),
        ({"check": "no-such-check", "object": "vps/web", "until": "2026-12-31"}, "does not exist"),
        ({"check": "backup-missing", "object": "vps/redis", "until": "2020-01-01"}, "ended on"),
    ],
    ids=["stale", "unknown", "expired"],
)
def test_an_exemption_that_does_not_hold_fails_the_validation(
    copy: Path, item: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hostwright.validate.ledger.today", lambda: dt.date(2026, 11, 22))
    exempt(copy, **item)
    code, text = told(copy, "vps")
    assert code == FindingsError.exit_code
    assert words in text
    assert LEDGER in text


def test_every_exemption_of_the_repository_hides_something(copy: Path) -> None:
    """Without the ledger, what it names is found: none is there for nothing."""
    document = read(copy / LEDGER, LEDGER, UserError)
    ledger, _ = exemptions.read(document)
    (copy / LEDGER).write_text("exemptions: []\n")
    report = validate.examine(Blueprint(copy), ["vps"], Watch())
    found = {(item.check, item.object) for item in report.findings}
    mine = {(item.check, item.object) for item in ledger.exemptions}
    assert {item for item in mine if item[1].startswith("vps/")} <= found


def test_labelled_volumes_count_as_backed_up(copy: Path) -> None:
    document = yaml.safe_load((copy / COMPOSE).read_text())
    for volume in document["volumes"].values():
        volume["labels"] = {"dev.hostwright.backup": "files"}
    (copy / COMPOSE).write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
    (copy / LEDGER).write_text("exemptions: []\n")
    report = validate.examine(Blueprint(copy), ["vps"], Watch())
    assert "backup-missing" not in {item.check for item in report.findings}


# --- bad input ---------------------------------------------------------------------------------


def test_a_broken_contract_is_told_line_by_line_with_its_own_exit_code(copy: Path) -> None:
    path = copy / "ops/contract/contract.yaml"
    path.write_text(path.read_text().replace("    port: 8000", "    prot: 8000"))
    code, text = told(copy)
    assert code == ContractError.exit_code
    assert "ops/contract/contract.yaml:" in text
    assert "prot" in text
    assert "Nothing else was checked" in text


def test_a_contract_that_is_not_there_is_told(copy: Path) -> None:
    (copy / "ops/contract/contract.yaml").unlink()
    code, text = told(copy)
    assert code == ContractError.exit_code
    assert "ops/contract/contract.yaml" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services:\n  api: [unclosed\n", "not valid YAML"),
        ("just a sentence\n", "has no services"),
        ("services: {}\nservices: {}\n", "given twice"),
    ],
)
def test_a_compose_file_that_cannot_be_read_is_one_message_with_its_line(
    copy: Path, text: str, words: str
) -> None:
    (copy / COMPOSE).write_text(text)
    code, shown = told(copy, "vps")
    lines = [line for line in shown.splitlines() if COMPOSE in line]
    assert code == FindingsError.exit_code
    assert len(lines) == 1, shown
    assert words in lines[0]
    assert "Traceback" not in shown


def test_a_ledger_that_is_not_yaml_is_told(copy: Path) -> None:
    (copy / LEDGER).write_text("exemptions: [\n")
    with pytest.raises(UserError, match="not valid YAML"):
        told(copy, "vps")


def test_a_missing_tool_is_named_with_its_remedy_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(name: str) -> None:
        raise ToolError("cannot be used: not on PATH", where=name, remedy="`nox -s dev` has it.")

    monkeypatch.setattr("hostwright.toolchain.find", none)
    with pytest.raises(ToolError) as caught:
        told(paths.ROOT, "vps")
    assert "docker-compose" in str(caught.value)
    assert caught.value.exit_code == 6
