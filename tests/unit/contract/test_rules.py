"""Every rule of the contract, each with a fault planted into a copy of the real file."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.unit.contract.planted import (
    FILE,
    TEXT,
    document,
    edited,
    line_of,
    loaded,
    of_variable,
    real,
)

from hostwright.contract import Contract, rules
from hostwright.contract.rules import near
from hostwright.errors import ContractError

EXTRA = """
  NEW_THING:  # planted
    meaning: Something planted
    type: string
    roles: [api]
"""


class Planted(NamedTuple):
    """A broken contract, a text on the line that is at fault, and the error's line behind it."""

    text: str
    mark: str
    said: str


def extra(*lines: str) -> str:
    """The contract with one more variable."""
    return TEXT + EXTRA + "".join(f"    {line}\n" for line in lines)


def without(start: str, end: str) -> str:
    """The contract without the text from *start* up to *end*."""
    first = TEXT.index(start)
    return TEXT[:first] + TEXT[TEXT.index(end, first) :]


WEB_HEALTH = "      live: /api/health\n      ready: /api/health/ready\n"

FAULTS = {
    "a target is not described": Planted(
        without("  azure:\n    meaning", "  gcp:\n    meaning"),
        "\ntargets:",
        "targets: azure is not described. Describe every target.",
    ),
    "nothing runs": Planted(
        without("  api:\n    kind: service", "  migrate:\n    kind: job"),
        "\nroles:",
        "roles: no role that runs. Keep at least one of api, web and worker.",
    ),
    "a role of the wrong kind": Planted(
        edited("  worker:\n    kind: worker", "  worker:\n    kind: service"),
        "kind: service\n    command: [python, -m, probe, worker]",
        "roles.worker.kind: worker is a worker. Correct the kind.",
    ),
    "a service without a ready path": Planted(
        edited(WEB_HEALTH, "      live: /api/health\n"),
        "web:\n    kind",
        "roles.web: a service needs port, health.live and health.ready. Add them.",
    ),
    "a service without a port": Planted(
        edited("    port: 3000\n", ""),
        "web:\n    kind",
        "roles.web: a service needs port, health.live and health.ready. Add them.",
    ),
    "a service whose live path asks the dependencies": Planted(
        edited(WEB_HEALTH, "      live: /same\n      ready: /same\n"),
        "live: /same",
        "roles.web.health.live: live and ready are the same path, so a failing dependency would "
        "kill the role. Give live a path without dependencies.",
    ),
    "a service without a command": Planted(
        edited("    command: [python, -m, probe, web]\n", ""),
        "web:\n    kind",
        "roles.web: a service needs a command. Add it.",
    ),
    "a worker without a health command": Planted(
        edited("    health:\n      command: [python, -m, probe, worker, --health]\n", ""),
        "worker:\n    kind",
        "roles.worker: a worker needs health.command. Name a command that exits 0.",
    ),
    "a job without a status command": Planted(
        edited("status: [python, -m, probe, migrate, status]", "status: []"),
        "migrate:\n    kind",
        "roles.migrate: a job needs commands.up and commands.status. Add them.",
    ),
    "an exposed worker": Planted(
        edited("    exposure: none\n    pool_size: 2", "    exposure: public\n    pool_size: 2"),
        "exposure: public\n    pool_size: 2",
        "roles.worker.exposure: a worker is not exposed. Write none.",
    ),
    "a variable without a source on one target": Planted(
        of_variable("DATABASE_SSL_MODE", "      azure: {literal: verify-full}\n", ""),
        "sources:\n      aws: {literal: verify-full}",
        "variables.DATABASE_SSL_MODE.sources: no source on azure. Name one there, or a default.",
    ),
    "an input that does not exist": Planted(
        of_variable("APP_PUBLIC_URL", "input: app_public_url", "input: app_publik_url"),
        "app_publik_url",
        "variables.APP_PUBLIC_URL.sources.default: there is no input app_publik_url. "
        "Did you mean app_public_url?",
    ),
    "composed of nothing": Planted(
        of_variable("PORT", "composed: port", 'composed: ""'),
        'composed: ""',
        "variables.PORT.sources.default: composed needs the name of what is composed. "
        "Write composed: NAME.",
    ),
    "a word with a text": Planted(
        of_variable("LOG_LEVEL", "default: operator", "default: {operator: LOG}"),
        "{operator: LOG}",
        "variables.LOG_LEVEL.sources.default: operator takes no text. Write the word alone.",
    ),
    "a secret as a literal": Planted(
        of_variable("SECRET_KEY", "default: operator", "default: {literal: s3cr3t}"),
        "{literal: s3cr3t}",
        "variables.SECRET_KEY.sources.default: a secret cannot come from literal: it would stand "
        "in plain text. Use operator or composed.",
    ),
    "a secret as an input": Planted(
        of_variable("SECRET_KEY", "default: operator", "default: {input: region}"),
        "default: {input: region}}\n  AUTH",
        "variables.SECRET_KEY.sources.default: a secret cannot come from input: it would stand "
        "in plain text. Use operator or composed.",
    ),
    "a literal of the wrong type": Planted(
        of_variable("REDIS_CLUSTER_MODE", "literal: disabled", "literal: off-ish"),
        "literal: off-ish",
        "variables.REDIS_CLUSTER_MODE.sources.default: the literal for api is not one of disabled. "
        "Correct it.",
    ),
    "a literal that forgets a role": Planted(
        of_variable(
            "ENABLE_BILLING_STREAM_REPLAY",
            'literal: {api: "false", worker: "true"}',
            'literal: {api: "false"}',
        ),
        'literal: {api: "false"}',
        "variables.ENABLE_BILLING_STREAM_REPLAY.sources.default: the literal for worker is blank. "
        "Correct it.",
    ),
    "a fallback that does not exist": Planted(
        edited("fallback: api_image", "fallback: api_imge"),
        "api_imge",
        "inputs.worker_image.fallback: there is no input api_imge. Did you mean api_image?",
    ),
    "a condition on nothing": Planted(
        of_variable("VAULT_ADDR", "SECRETS_PROVIDER", "SECRET_PROVIDER"),
        "SECRET_PROVIDER: [vault_hcp",
        "variables.VAULT_ADDR.when.SECRET_PROVIDER: no variable SECRET_PROVIDER. "
        "Did you mean SECRETS_PROVIDER?",
    ),
    "a condition that never holds, in a list": Planted(
        of_variable("AZURE_MANAGED_IDENTITY_CLIENT_ID", "[azure_blob]", "[azure_blobs]"),
        "[azure_blobs]",
        "variables.AZURE_MANAGED_IDENTITY_CLIENT_ID.when[1].STORAGE_PROVIDER: STORAGE_PROVIDER is "
        "never azure_blobs. Did you mean azure_blob?",
    ),
    "a condition on what the role does not get": Planted(
        of_variable("VAULT_ADDR", "roles: [api, worker]", "roles: [api, worker, migrate]"),
        "when: {SECRETS_PROVIDER: [vault_hcp, vault_dev]}\n    required: always\n    sources: "
        "{default: operator}\n  VAULT_TOKEN",
        "variables.VAULT_ADDR.when.SECRETS_PROVIDER: SECRETS_PROVIDER does not reach every role "
        "of VAULT_ADDR. Align the roles.",
    ),
    "an empty condition": Planted(
        of_variable("VAULT_NAMESPACE", "{SECRETS_PROVIDER: [vault_hcp]}", "{}"),
        "when: {}",
        "variables.VAULT_NAMESPACE.when: empty condition. Remove it.",
    ),
    "an enum without values": Planted(
        of_variable("LOG_LEVEL", "    allowed: [debug, info, warning, error]\n", ""),
        "  LOG_LEVEL:",
        "variables.LOG_LEVEL: allowed and type enum belong together. Give both or neither.",
    ),
    "values without an enum": Planted(
        of_variable("LOG_LEVEL", "type: enum", "type: string"),
        "  LOG_LEVEL:",
        "variables.LOG_LEVEL: allowed and type enum belong together. Give both or neither.",
    ),
    "a default of the wrong type": Planted(
        of_variable("MINIO_SECURE", 'default: "true"', 'default: "yes"'),
        'default: "yes"',
        "variables.MINIO_SECURE.default: the default is not true or false. Correct it.",
    ),
    "a target's exception for a value that is not allowed": Planted(
        of_variable("STORAGE_PROVIDER", "only_on: {local: [vps]}", "only_on: {locale: [vps]}"),
        "locale",
        "variables.STORAGE_PROVIDER.only_on.locale: locale is not allowed at all. Remove it.",
    ),
    "a secret with a default": Planted(
        of_variable("SECRET_KEY", "secret: true", "secret: true\n    default: planted-default"),
        "planted-default",
        "variables.SECRET_KEY.default: a secret has no default. Remove it.",
    ),
    "a secret of any length": Planted(
        of_variable("SECRET_KEY", "    min_length: 32\n", ""),
        "  SECRET_KEY:",
        "variables.SECRET_KEY: a secret of the operator needs min_length. Add it.",
    ),
    "a secret that is not called one": Planted(
        of_variable("VAULT_TOKEN", "    secret: true\n", ""),
        "  VAULT_TOKEN:",
        "variables.VAULT_TOKEN: named like a secret but not secret. Write secret: true.",
    ),
    "web with a database": Planted(
        of_variable("DATABASE_POOL_SIZE", "roles: [api, worker]", "roles: [api, worker, web]"),
        "roles: [api, worker, web]",
        "variables.DATABASE_POOL_SIZE.roles: web reaches no data store. Remove web.",
    ),
    "web with a secret": Planted(
        of_variable("AUTH_PASSWORD_PEPPER", "roles: [api, worker]", "roles: [api, worker, web]"),
        "roles: [api, worker, web]",
        "variables.AUTH_PASSWORD_PEPPER.roles: web gets no secret. Remove web.",
    ),
    "a build-time variable": Planted(
        extra("sources: {default: operator}").replace("NEW_THING", "NEXT_PUBLIC_API_URL"),
        "NEXT_PUBLIC_API_URL:",
        "variables.NEXT_PUBLIC_API_URL: NEXT_PUBLIC_ variables are baked in when the image is "
        "built. Remove it: nothing that is set at run time reaches the browser.",
    ),
    "a variable that the platform reserves": Planted(
        of_variable(
            "PORT",
            "sources: {default: {composed: port}, gcp: platform}",
            "sources: {default: {composed: port}}  # planted",
        ),
        "# planted",
        "variables.PORT.sources: gcp reserves PORT: a deployment that sets it is refused. "
        "Write gcp: platform.",
    ),
    "a variable from the future": Planted(
        extra("since: 9", "sources: {default: operator}"),
        "since: 9",
        "variables.NEW_THING.since: later than the contract. Raise version.",
    ),
    "required where the target has no use for it": Planted(
        extra("required: always", "sources: {default: operator, vps: none, aws: none}"),
        "vps: none, aws: none",
        "variables.NEW_THING.sources.aws: required without a condition, but aws, vps has no use "
        "for it. Name a source there, or make it optional.",
    ),
    "required, with no use for it by default": Planted(
        extra("required: always", "sources: {default: none, vps: operator}"),
        "default: none, vps: operator}",
        "variables.NEW_THING.sources.default: required without a condition, but aws, azure, gcp, "
        "kubernetes has no use for it. Name a source there, or make it optional.",
    ),
}


@pytest.mark.parametrize("planted", FAULTS.values(), ids=list(FAULTS))
def test_a_planted_fault_is_named_with_its_line_key_path_and_remedy(planted: Planted) -> None:
    with pytest.raises(ContractError) as refused:
        loaded(planted.text)
    lines = str(refused.value).splitlines()[1:]
    at = line_of(planted.mark, planted.text) + planted.mark.startswith("\n")
    assert f"  {FILE}:{at}: {planted.said}" in lines


def test_every_rule_is_broken_by_some_planted_fault() -> None:
    broken = set()
    for planted in FAULTS.values():
        contract = Contract.model_validate(document(planted.text).data)
        broken |= {rule.__name__ for rule in rules.RULES if any(rule(contract))}
    assert broken == {rule.__name__ for rule in rules.RULES}


def test_the_real_contract_breaks_no_rule() -> None:
    assert rules.faults(real()) == []


def test_faults_are_counted_and_listed_in_the_order_of_the_file() -> None:
    text = edited("since: 1\n", "", TEXT + "# since: 1\n")
    text = text.replace("  LOG_LEVEL:\n", "  LOG_LEVEL:\n    since: 2\n")
    text = text.replace("  VAULT_ADDR:\n", "  VAULT_ADDR:\n    since: 2\n")
    with pytest.raises(ContractError) as refused:
        loaded(text)
    head, first, second = str(refused.value).splitlines()
    assert head == "2 faults in the contract"
    assert "LOG_LEVEL" in first
    assert "VAULT_ADDR" in second


def test_a_broken_contract_has_its_own_exit_code() -> None:
    assert ContractError.exit_code == 3


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("databse_url", ["DATABASE_URL", "REDIS_URL"], "Did you mean DATABASE_URL?"),
        ("pord", ["port", "command"], "Did you mean port?"),
        ("zzz", ["b", "a"], "Known: a, b."),
    ],
)
def test_a_near_miss_is_suggested_whatever_its_case(name: str, known: list[str], said: str) -> None:
    assert near(name, known) == said
