"""What is generated from presets and contract: example answers, their schema, tables. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import yaml

from hostwright import paths
from hostwright.contract.models import PROFILES, TARGETS
from hostwright.setup import known
from hostwright.setup.known import Choice, chosen
from hostwright.setup.presets import CLOUD_KINDS, CLOUDS, GIVES, PRESETS, TABLE
from hostwright.setup.settle import still_open

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hostwright.contract.models import Contract, Profile
    from hostwright.setup.known import Question
    from hostwright.setup.presets import PresetName

EXAMPLES = paths.OPS / "contract" / "answers"
SCHEMA = paths.OPS / "contract" / "answers.schema.json"
PAGE = paths.ROOT / "docs" / "ops" / "setup-wizard-presets.md"

_DIGEST = f"@sha256:{'0' * 64}"
#: What examples answer; a key that no example asks for has no place here (a test holds that).
ANSWERS: dict[str, object] = {
    "address": "203.0.113.7",
    "acme_email": "ops@example.com",
    "api_domain": "api.example.com",
    "api_image": f"ghcr.io/acme/shop-api{_DIGEST}",
    "app_domain": "app.example.com",
    "auth_key_secret_name": "shop-auth-keys",
    "auth_key_storage_provider": "vault_hcp",
    "db_backup_retention_days": 14,
    "db_high_availability": True,
    "db_size": "medium",
    "deletion_protection": True,
    "dns_zone": "example.com",
    "github_repository": "acme/shop",
    "log_retention_days": 90,
    "network_cidr": "10.30.0.0/16",
    "operator_ranges": ["203.0.113.7/32"],
    "project_id": "acme-shop",
    "project_name": "shop",
    "redis_high_availability": True,
    "redis_size": "medium",
    "region": "eu-central-1",
    "registry_server": "ghcr.io",
    "registry_username": "acme-reader",
    "secrets_provider": "vault_hcp",
    "storage_bucket_name": "shop",
    "storage_provider": "minio",
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "web_image": f"ghcr.io/acme/shop-web{_DIGEST}",
    "AWS_REGION": "eu-central-1",
    "AWS_SM_SIGNING_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop",
    "DATABASE_SSL_MODE": "verify-full",
    "MINIO_ACCESS_KEY": "shop",
    "MINIO_ENDPOINT": "minio.example.com:9000",
    "MINIO_SECRET_KEY": {"env": "SHOP_MINIO_SECRET_KEY"},
    "S3_REGION": "eu-central-1",
    "VAULT_ADDR": "https://vault.example.com:8200",
    "VAULT_TOKEN": {"env": "SHOP_VAULT_TOKEN"},
    "VAULT_TRANSIT_KEY": "shop",
    "secrets.type": "external",
    "secrets.external.storeName": "shop-store",
    "routing.type": "gateway",
    "routing.gateway.name": "public",
}
_END_OF_SCALAR = "\n...\n"
#: Where a cloud has words of its own.
_OWN: dict[tuple[str, str], object] = {
    ("aws", "storage_provider"): "s3",
    ("azure", "region"): "westeurope",
    ("gcp", "region"): "europe-west3",
    ("gcp", "dns_zone"): "example-com",
}
#: What an example answers to a question that only another contract asks, by the question's type.
_BY_TYPE: dict[str, object] = {
    "bool": False,
    "host": "example.com",
    "host_list": "example.com",
    "image": f"ghcr.io/acme/example{_DIGEST}",
    "int": 1,
    "list": [],
    "map": {},
    "number": 1,
    "path": "/example",
    "port": 8000,
    "url": "https://example.com",
    "url_list": "https://example.com",
}


class Example(NamedTuple):
    """An example by its file's name, with the choices that it makes."""

    name: str
    given: dict[str, str]
    #: Whether it answers only what must be.
    short: bool = True


#: One for each preset and each cloud.
SHOWN = (
    Example("local_docker", {"preset": "local_docker"}),
    *(
        Example(f"cloud_managed-{cloud}", {"preset": "cloud_managed", "cloud": cloud})
        for cloud in CLOUD_KINDS
    ),
    Example("enterprise_custom", {"preset": "enterprise_custom", "target": "aws"}, short=False),
    Example("kubernetes", {"preset": "kubernetes"}),
    Example("vps", {"preset": "vps"}),
)


def files(contract: Contract, schema: Mapping[str, Any]) -> dict[Path, str]:
    """Every generated file by its path.

    Args:
        contract: The contract.
        schema: Of the chart's values.
    """
    found = {SCHEMA: _json(answers_schema(contract, schema))}
    if PAGE.is_file():
        page = PAGE.read_text(encoding="utf-8")
        found[PAGE] = filled(page, regions(contract, schema))
    return found | {EXAMPLES / f"{item.name}.yaml": text(contract, item, schema) for item in SHOWN}


# --- examples ------------------------------------------------------------------------------------


def text(contract: Contract, example: Example, schema: Mapping[str, Any]) -> str:
    """An answers file."""
    choice = chosen({"profile": TABLE[_preset(example)].profile, **example.given})
    catalogue = known.catalogue(contract, choice, schema)
    lines = [
        "# yaml-language-server: $schema=../answers.schema.json",
        "# Answers for `invoke setup`, generated by `invoke contract.export`: copy, and edit.",
        "# Keys that are not here have defaults; docs/ops/setup-wizard-presets.md says which.",
        "",
        *(f"{key}: {value}" for key, value in example.given.items()),
        f"profile: {choice.profile}",
    ]
    for question, value in answered(contract, choice, catalogue, short=example.short):
        lines += ["", f"# {question.meaning.rstrip('.')}", _line(question.key, value)]
    return "\n".join([*lines, ""])


def _preset(example: Example) -> PresetName:
    return cast("PresetName", example.given["preset"])


def answered(
    contract: Contract, choice: Choice, catalogue: Mapping[str, Question], *, short: bool = True
) -> Iterator[tuple[Question, object]]:
    """Questions with the examples' answers, in the order in which they are asked."""
    given: dict[str, Any] = {}
    while open_ := _left(still_open(contract, choice, catalogue, given), short=short):
        question = open_[0]
        value = _answer(question, choice)
        given[question.key] = known.read(question, value, {})
        yield question, value


def _left(questions: list[Question], *, short: bool) -> list[Question]:
    return [item for item in questions if item.needed or not short]


def _answer(question: Question, choice: Choice) -> object:
    """What examples answer; by its type where only another application's contract asks it."""
    known_ = {**ANSWERS, **{key: value for (at, key), value in _OWN.items() if at == choice.target}}
    if question.key in known_:
        return known_[question.key]
    if question.secret:
        return {"env": question.key}
    return question.allowed[0] if question.allowed else _BY_TYPE.get(question.type, "example")


def _line(key: str, value: object) -> str:
    dumped = str(yaml.safe_dump(value, default_flow_style=True, width=1000))
    return f"{key}: {dumped.removesuffix(_END_OF_SCALAR).rstrip()}"


# --- the schema that editors read ----------------------------------------------------------------


def answers_schema(contract: Contract, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Every key of every choice: what a preset refuses beyond it, the command says."""
    properties: dict[str, Any] = {
        "preset": {"enum": list(PRESETS)},
        "cloud": {"enum": list(CLOUD_KINDS)},
        "target": {"enum": list(TARGETS)},
        "profile": {"enum": list(PROFILES)},
    }
    for target in TARGETS:
        choice = Choice("enterprise_custom", target, "production")
        for key, question in known.catalogue(contract, choice, schema).items():
            properties.setdefault(key, _property(question))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hostwright answers for invoke setup",
        "type": "object",
        "required": ["preset"],
        "additionalProperties": False,
        "properties": properties,
    }


_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": ["integer", "string"]},
    "number": {"type": ["number", "string"]},
    "bool": {"type": ["boolean", "string"]},
    "list": {"type": ["array", "string"], "items": {"type": "string"}},
    "map": {"type": "object"},
    "chart": {},
}
_REFERENCE = {
    "type": "object",
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}


def _property(question: Question) -> dict[str, Any]:
    told = {"description": f"{question.meaning.rstrip('.')}."}
    if question.secret:
        return {**told, **_REFERENCE}
    return {**told, **_TYPES.get(question.type, {"type": ["string", "number", "boolean"]})}


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


# --- tables of the page --------------------------------------------------------------------------


def regions(contract: Contract, schema: Mapping[str, Any]) -> dict[str, str]:
    """What stands between the marks of the page, by the mark's name."""
    return {
        "presets": _table(
            ("preset", "for", "target", "must be answered"), _presets(contract, schema)
        ),
        "clouds": _table(("cloud", "target", "secrets", "storage", "what it is"), _clouds()),
        "profiles": _table(("target", "profile", "answer", "holds"), _given()),
        "example": f"```yaml\n{_shown(contract, schema)}```",
    }


_REGION = re.compile(r"(?s)(<!-- setup: (\w+) -->\n).*?(<!-- /setup -->)")


def filled(page: str, found: Mapping[str, str]) -> str:
    """The page with every region between ``<!-- setup: NAME -->`` and its end filled."""
    return _REGION.sub(lambda mark: f"{mark[1]}\n{found[mark[2]]}\n\n{mark[3]}", page)


def _shown(contract: Contract, schema: Mapping[str, Any]) -> str:
    example = next(item for item in SHOWN if item.name == "cloud_managed-gcp")
    return text(contract, example, schema)


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body))


def _presets(contract: Contract, schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in PRESETS:
        preset = TABLE[name]
        for choice in _choices(name):
            catalogue = known.catalogue(contract, choice, schema)
            found = answered(contract, choice, catalogue)
            asked = [item.key for item, _ in found if not item.default]
            label = f"`{name}`{f', {choice.cloud}' if choice.cloud else ''}"
            where = choice.target
            yield label, preset.meaning, where, ", ".join(f"`{key}`" for key in asked)


def _choices(name: PresetName) -> Iterator[Choice]:
    profile: Profile = "production"
    if name == "cloud_managed":
        for cloud in CLOUD_KINDS:
            yield Choice(name, CLOUDS[cloud].target, profile, cloud)
    for target in TABLE[name].targets:
        yield Choice(name, target, profile)


def _clouds() -> Iterator[tuple[str, ...]]:
    for name, cloud in CLOUDS.items():
        row = (name, cloud.target, f"`{cloud.secrets_provider}`", f"`{cloud.storage_provider}`")
        yield (*row, cloud.meaning)


def _given() -> Iterator[tuple[str, ...]]:
    for row in GIVES:
        targets = "every target" if row.targets == TARGETS else ", ".join(row.targets)
        profiles = "every profile" if row.profiles == PROFILES else ", ".join(row.profiles)
        yield targets, profiles, f"`{row.key}`", f"`{row.value}`"
