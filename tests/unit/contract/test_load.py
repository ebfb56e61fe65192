"""A contract that cannot be read, or is of the wrong shape: every fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.unit.contract.planted import FILE, TEXT, edited, line_of, loaded, of_variable, real

from hostwright.contract import load
from hostwright.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path


class Planted(NamedTuple):
    """A misshapen contract, a text on the line at fault, and the error's line behind the place."""

    text: str
    mark: str
    said: str


SHAPES = {
    "an unknown key at the top": Planted(
        TEXT + "variable: {}\n",
        "\nvariable: {}",
        "variable: unknown key variable. Did you mean variables?",
    ),
    "an unknown key of a role": Planted(
        edited("    port: 3000", "    prot: 3000"),
        "prot: 3000",
        "roles.web.prot: unknown key prot. Did you mean port?",
    ),
    "an unknown key of a role's health": Planted(
        edited("ready: /api/health/ready", "raedy: /api/health/ready"),
        "raedy:",
        "roles.web.health.raedy: unknown key raedy. Did you mean ready?",
    ),
    "an unknown key of a target's connection": Planted(
        edited("{port: 10000, tls: verify, ca: public}", "{port: 10000, tsl: verify, ca: public}"),
        "tsl:",
        "targets.azure.connections.redis.tsl: unknown key tsl. Did you mean tls?",
    ),
    "an unknown key of a variable": Planted(
        of_variable("SECRET_KEY", "min_length: 32", "min_lenght: 32"),
        "min_lenght",
        "variables.SECRET_KEY.min_lenght: unknown key min_lenght. Did you mean min_length?",
    ),
    "an unknown role": Planted(
        edited("\n  web:\n", "\n  wbe:\n"),
        "\n  wbe:",
        "roles.wbe: unknown key wbe. Use one of 'api', 'web', 'worker' or 'migrate'.",
    ),
    "an unknown target of a source": Planted(
        of_variable("DATABASE_SSL_MODE", "      vps:", "      vsp:"),
        "      vsp:",
        "variables.DATABASE_SSL_MODE.sources.vsp: unknown key vsp. "
        "Use one of 'aws', 'azure', 'gcp', 'kubernetes', 'vps' or 'default'.",
    ),
    "a variable in small letters": Planted(
        edited("\n  LOG_LEVEL:\n", "\n  log_level:\n"),
        "log_level",
        "variables.log_level: unknown key log_level. "
        "String should match pattern '^[A-Z][A-Z0-9_]{0,62}$'.",
    ),
    "a missing key at the top": Planted(
        edited("\napplication: app\n", "\n"),
        "\nversion: 1",
        "application: application is missing. Add it.",
    ),
    "a missing key of a variable": Planted(
        of_variable("LOG_LEVEL", "    meaning: Least severity that is logged\n", ""),
        "  LOG_LEVEL:",
        "variables.LOG_LEVEL.meaning: meaning is missing. Add it.",
    ),
    "a missing kind": Planted(
        edited("  web:\n    kind: service\n", "  web:\n"),
        "\n  web:",
        "roles.web.kind: kind is missing. Add it.",
    ),
    "a number that is a text": Planted(
        edited("port: 3000", 'port: "3000"'),
        'port: "3000"',
        "roles.web.port: Input should be a valid integer. Correct it.",
    ),
    "a number out of range": Planted(
        edited("port: 3000", "port: 70000"),
        "port: 70000",
        "roles.web.port: Input should be less than or equal to 65535. Correct it.",
    ),
    "a text that is YAML's truth": Planted(
        of_variable("MINIO_SECURE", 'default: "true"', "default: true"),
        "    default: true",
        "variables.MINIO_SECURE.default: Input should be a valid string. Correct it.",
    ),
    "a kind that is none": Planted(
        edited("  web:\n    kind: service", "  web:\n    kind: servce"),
        "servce",
        "roles.web.kind: Input should be 'service', 'worker' or 'job'. Correct it.",
    ),
    "a type that is none": Planted(
        of_variable("PORT", "type: port", "type: prt"),
        "type: prt",
        "variables.PORT.type: Input should be 'string', 'int', 'bool', 'url', 'host_list', "
        "'url_list', 'pem', 'path', 'enum' or 'port'. Correct it.",
    ),
    "a requirement that is none": Planted(
        of_variable("LOG_LEVEL", "default: info", "default: info\n    required: sometimes"),
        "required: sometimes",
        "variables.LOG_LEVEL.required: Input should be a valid tuple. Correct it.",
    ),
    "a profile that is none": Planted(
        of_variable("SECRET_KEY", "[staging, production]", "[staging, live]"),
        "[staging, live]",
        "variables.SECRET_KEY.required[1]: Input should be 'development', 'staging' or "
        "'production'. Correct it.",
    ),
    "a source of two words": Planted(
        of_variable("LOG_LEVEL", "default: operator", "default: {input: region, literal: x}"),
        "{input: region, literal: x}",
        "variables.LOG_LEVEL.sources.default: a source is one word or one pair, such as operator "
        "or input: NAME. Correct it.",
    ),
    "a source as a list": Planted(
        of_variable("LOG_LEVEL", "default: operator", "default: [operator]"),
        "default: [operator]",
        "variables.LOG_LEVEL.sources.default: a source is one word or one pair, such as operator "
        "or input: NAME. Correct it.",
    ),
    "a source that is none": Planted(
        of_variable("LOG_LEVEL", "default: operator", "default: operater"),
        "operater",
        "variables.LOG_LEVEL.sources.default: Input should be 'operator', 'input', 'literal', "
        "'composed', 'platform' or 'none'. Correct it.",
    ),
    "a literal for a role that is none": Planted(
        of_variable("ENABLE_BILLING_STREAM_REPLAY", "worker:", "worked:"),
        'worked: "true"',
        "variables.ENABLE_BILLING_STREAM_REPLAY.sources.default: unknown key worked. "
        "Use one of 'api', 'web', 'worker' or 'migrate'.",
    ),
    "a default of no type": Planted(
        edited(
            "default: small, meaning: Size of the d",
            "default: [s], meaning: Size of the d",
        ),
        "default: [s]",
        "inputs.db_size.default: Input should be a valid string, or: Input should be a valid "
        "integer, or: Input should be a valid number, or: Input should be a valid boolean, or: "
        "Input should be a valid dictionary. Correct it.",
    ),
    "an application that no container can be called": Planted(
        edited("application: app", "application: My App"),
        "My App",
        "application: String should match pattern '^[a-z][a-z0-9-]{0,18}[a-z0-9]$'. Correct it.",
    ),
}


@pytest.mark.parametrize("planted", SHAPES.values(), ids=list(SHAPES))
def test_a_wrong_shape_is_named_with_its_line_key_path_and_remedy(planted: Planted) -> None:
    with pytest.raises(ContractError) as refused:
        loaded(planted.text)
    at = line_of(planted.mark, planted.text) + planted.mark.startswith("\n")
    assert f"  {FILE}:{at}: {planted.said}" in str(refused.value).splitlines()


BROKEN = {
    "": ": is not a mapping",
    "- a\n- b\n": ": is not a mapping",
    "just words": ": is not a mapping",
    "version: 1\n  x: {\n": ":2: not valid YAML: mapping values are not allowed",
    "version: 1\nroles: [\n": ":3: not valid YAML: ",
    "version: 1\nversion: 2\n": ":2: version is given twice, first on line 1",
    "roles: {api: {port: 1,\n  port: 2}}\n": ":2: roles.api.port is given twice, first on line 1",
    "version: 1\nroles: \x07\n": ":2: not valid YAML: the character U+0007 is not allowed",
    "version: !!python/name:os.system x\n": ":1: not valid YAML: could not determine a construct",
    "roles: &again [*again]\n": ":1: roles[0] contains itself",
    "version: 2026-02-31\n": ": not valid YAML: day ",
    "version: 1\n---\nversion: 2\n": ":2: not valid YAML: but found another document",
}


@pytest.mark.parametrize(("text", "said"), BROKEN.items())
def test_a_file_that_is_no_mapping_of_yaml_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ContractError) as refused:
        loaded(text)
    assert str(refused.value).startswith(FILE + said)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"gone\.yaml: cannot be read: .*No such file"):
        load(tmp_path / "gone.yaml")


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"application: caf\xe9\n")
    with pytest.raises(ContractError, match=r"latin\.yaml: cannot be read: .*utf-8"):
        load(path)


def test_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"cannot be read: .*directory"):
        load(tmp_path)


def test_the_real_contract_has_no_faults() -> None:
    assert load() == real()


def test_the_real_contract_has_every_role_target_and_profile() -> None:
    contract = real()
    assert list(contract.roles) == ["api", "web", "worker", "migrate"]
    assert list(contract.targets) == ["aws", "azure", "gcp", "kubernetes", "vps"]
    assert contract.profiles == ("development", "staging", "production")


def test_a_contract_cannot_be_changed_by_mistake() -> None:
    with pytest.raises(ValueError, match="frozen"):
        real().roles["api"].port = 1  # type: ignore[misc]
