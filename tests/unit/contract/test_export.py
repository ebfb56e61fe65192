"""What blueprints and editors read: the exports and the two JSON Schemas."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.unit.contract.planted import TEXT, edited, of_variable, real

from hostwright import paths, settings
from hostwright.contract import chart, export
from hostwright.contract.envfile import parse
from hostwright.contract.models import TARGETS, Contract, Model

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.contract.models import TargetName

EXAMPLE = (paths.ROOT / "hosts.example.yaml").read_text()


@cache
def exported(target: TargetName) -> dict[str, Any]:
    return export.exported(real(), target)


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_is_plain_json_with_everything_a_blueprint_needs(target: TargetName) -> None:
    made = exported(target)
    assert json.loads(json.dumps(made)) == made
    assert list(made["roles"]) == ["api", "web", "worker", "migrate"]
    assert made["connections"]["postgres"]["port"] == 5432
    assert made["secret_name"].startswith("^")
    assert made["target"] == target


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_holds_what_the_target_emits_and_nothing_that_it_reserves(
    target: TargetName,
) -> None:
    made = exported(target)
    emitted = {name for name, item in real().variables.items() if item.source(target).emitted}
    assert set(made["variables"]) == emitted
    assert not emitted & set(made["reserved"])


def test_an_export_says_of_each_variable_where_it_comes_from() -> None:
    variables = exported("vps")["variables"]
    assert variables["DATABASE_URL"] == {
        "type": "url",
        "roles": ["api", "worker", "migrate"],
        "secret": True,
        "required": ["development", "staging", "production"],
        "source": "composed",
        "composed": "database_url",
    }
    assert variables["ENABLE_BILLING_STREAM_REPLAY"]["literal"] == {
        "api": "false",
        "worker": "true",
    }
    assert variables["DATABASE_SSL_MODE"]["literal"] == "disable"
    assert variables["ENVIRONMENT"]["input"] == "environment"
    assert variables["LOG_LEVEL"]["default"] == "info"
    assert variables["VAULT_ADDR"]["when"] == [{"SECRETS_PROVIDER": ["vault_hcp", "vault_dev"]}]
    assert "env" in variables["SECRETS_PROVIDER"]["allowed"]
    assert "env" not in exported("aws")["variables"]["SECRETS_PROVIDER"]["allowed"]


def test_an_export_leaves_out_absent_roles() -> None:
    kept = {name: role for name, role in real().roles.items() if name in {"web", "worker"}}
    made = export.exported(real().model_copy(update={"roles": kept}), "vps")
    assert list(made["roles"]) == ["web", "worker"]
    assert made["variables"]["LOG_LEVEL"]["roles"] == ["web", "worker"]
    assert made["variables"]["ENABLE_BILLING_STREAM_REPLAY"]["literal"] == {"worker": "true"}


def test_the_committed_files_are_current() -> None:
    assert export.stale(real()) == [], "run `invoke contract.export`"


def test_only_what_is_stale_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, hosts = tmp_path / "contract.schema.json", tmp_path / "hosts.schema.json"
    monkeypatch.setattr(export, "EXPORTS", {"vps": tmp_path / "vps.json", "aws": tmp_path / "no/a"})
    monkeypatch.setattr(paths, "ENV_EXAMPLE", tmp_path / "no" / "example")
    monkeypatch.setattr(paths, "CONTRACT_SCHEMA", schema)
    monkeypatch.setattr(paths, "HOSTS_SCHEMA", hosts)
    monkeypatch.setattr(chart, "VALUES", tmp_path / "no" / "values.yaml")
    assert export.write(export.files(real())) == [tmp_path / "vps.json", schema, hosts]
    assert export.write(export.files(real())) == []
    schema.write_text("{}\n")
    assert export.stale(real()) == [schema]
    assert export.write(export.files(real())) == [schema]
    assert json.loads((tmp_path / "vps.json").read_text()) == exported("vps")


def test_the_committed_example_of_an_env_file_asks_for_everything_and_holds_no_secret() -> None:
    read = parse(paths.ENV_EXAMPLE.read_text(), ".env")
    blank = {name for name, item in read.values.items() if not item.value}
    assert blank >= {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY"}
    assert blank == set(read.values)
    assert not read.unread


# --- schemas -------------------------------------------------------------------------------------


@cache
def validator(which: str) -> Draft202012Validator:
    models: dict[str, type[Model]] = {"contract": Contract, "hosts": settings.HostsFile}
    schema = export.schema(models[which], which)
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == which
    return Draft202012Validator(schema)


def complaints(which: str, text: str) -> list[str]:
    """Paths of what an editor would underline in *text*."""
    loaded = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    found = validator(which).iter_errors(loaded)
    return sorted("/".join(str(key) for key in error.absolute_path) for error in found)


def test_editors_accept_the_contract_as_it_is_written() -> None:
    assert complaints("contract", TEXT) == []


def test_editors_accept_the_example_of_hosts_yaml() -> None:
    assert complaints("hosts", EXAMPLE) == []


PLANTED = {
    "an unknown key": (TEXT + "extra: 1\n", ""),
    "an unknown role": (edited("\n  web:\n", "\n  wbe:\n"), "roles"),
    "an unknown key of a variable": (
        of_variable("SECRET_KEY", "min_length", "min_lenght"),
        "variables/SECRET_KEY",
    ),
    "a missing meaning": (
        of_variable("LOG_LEVEL", "    meaning: Least severity that is logged\n", ""),
        "variables/LOG_LEVEL",
    ),
    "a type that is none": (of_variable("PORT", "type: port", "type: prt"), "variables/PORT/type"),
    "a requirement that is none": (
        of_variable("PORT", "required: always", "required: sometimes"),
        "variables/PORT/required",
    ),
    "a profile that is none": (
        of_variable("SECRET_KEY", "[staging, production]", "[staging, live]"),
        "variables/SECRET_KEY/required",
    ),
    "a source that is none": (
        of_variable("LOG_LEVEL", "default: operator", "default: operater"),
        "variables/LOG_LEVEL/sources/default",
    ),
    "a source of two words": (
        of_variable("LOG_LEVEL", "default: operator", "default: {input: a, literal: b}"),
        "variables/LOG_LEVEL/sources/default",
    ),
    "a source of an unknown target": (
        of_variable("DATABASE_SSL_MODE", "      vps:", "      vsp:"),
        "variables/DATABASE_SSL_MODE/sources",
    ),
    "a condition that is no list": (
        of_variable("VAULT_NAMESPACE", "[vault_hcp]", "vault_hcp"),
        "variables/VAULT_NAMESPACE/when",
    ),
    "a port out of range": (edited("port: 3000", "port: 70000"), "roles/web/port"),
    "a text for a number": (edited("port: 3000", 'port: "3000"'), "roles/web/port"),
    "a variable in small letters": (edited("\n  LOG_LEVEL:\n", "\n  log_level:\n"), "variables"),
}


@pytest.mark.parametrize(("text", "path"), PLANTED.values(), ids=list(PLANTED))
def test_editors_underline_a_planted_mistake(text: str, path: str) -> None:
    assert path in complaints("contract", text)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("address: 203.0.113.7", "adress: 203.0.113.7", "hosts/shop"),
        ("address: 203.0.113.7", "address: a;b", "hosts/shop/address"),
        ("port: 22 ", 'port: "22" ', "hosts/shop/port"),
        ("profile: production", "profile: live", "hosts/shop/profile"),
        ("api: ghcr.io/example", "api: $(id)/example", "hosts/shop/images/api"),
        ('"04:00"', '"4 am"', "hosts/shop/reboot_time"),
        ("transport: auto", "transport: pigeon", "hosts/shop/transport"),
    ],
)
def test_editors_underline_a_mistake_in_hosts_yaml(old: str, new: str, path: str) -> None:
    assert path in complaints("hosts", edited(old, new, EXAMPLE))
