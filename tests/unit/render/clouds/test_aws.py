"""Planned ECS containers, and what they are given."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hostwright.render.clouds import aws
from hostwright.render.clouds.model import EnvValue
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

SECRET = 'aws_secretsmanager_secret.made["SECRET_KEY"]'
REFERENCE = f"${{{SECRET}.arn}}"
THEIRS = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:theirs-AbCdEf"


def planned(*resources: Resource) -> Plan:
    return Plan(resources, {}, {}, {}, Sources((), {}), document={})


def resource(kind: str, **values: Any) -> Resource:  # noqa: ANN401 - whatever is planned
    return Resource(f"{kind}.it", kind, "it", None, "managed", values)


def definition(*parts: dict[str, Any], role: str | None = "api") -> Resource:
    tags = {"role": role} if role else None
    return resource("aws_ecs_task_definition", tags=tags, container_definitions=json.dumps(parts))


def version(**values: str) -> Resource:
    return resource("aws_secretsmanager_secret_version", secret_id=f"${{{SECRET}.id}}", **values)


def test_plain_values_and_secrets_are_told_apart() -> None:
    part = {
        "environment": [{"name": "PORT", "value": "8000"}, {"name": "EMPTY", "value": None}],
        "secrets": [
            {"name": "SECRET_KEY", "valueFrom": REFERENCE},
            {"name": "TOKEN", "valueFrom": f"{THEIRS}:key::"},
        ],
    }

    [found] = aws.containers(planned(definition(part), version(secret_string_wo="written")))

    assert (found.role, found.address) == ("api", "aws_ecs_task_definition.it")
    assert found.env == {
        "PORT": EnvValue("8000", secret=False),
        "EMPTY": EnvValue("", secret=False),
        "SECRET_KEY": EnvValue(REFERENCE, secret=True, written="written"),
        "TOKEN": EnvValue(f"{THEIRS}:key::", secret=True),
    }


def test_a_secret_that_the_state_keeps_is_read_too() -> None:
    part = {"secrets": [{"name": "SECRET_KEY", "valueFrom": REFERENCE}]}
    [found] = aws.containers(planned(definition(part), version(secret_string="kept")))
    assert found.env["SECRET_KEY"].written == "kept"


def test_a_name_that_is_given_twice_is_told() -> None:
    part = {
        "environment": [{"name": "A", "value": "x"}],
        "secrets": [{"name": "A", "valueFrom": REFERENCE}],
    }
    [found] = aws.containers(planned(definition(part)))
    assert found.duplicates == ("A",)


def test_what_has_no_role_or_is_not_known_yet_is_no_container() -> None:
    unknown = resource("aws_ecs_task_definition", tags={"role": "api"}, container_definitions=None)
    assert aws.containers(planned(definition({}, role=None), unknown)) == []


@pytest.mark.parametrize(
    ("reference", "secret"),
    [
        (REFERENCE, SECRET),
        (f"{REFERENCE}:key::", SECRET),
        (THEIRS, THEIRS),
        (f"{THEIRS}:key:AWSCURRENT:", THEIRS),
        ("arn:aws:ssm:eu-central-1:1:parameter/a", "arn:aws:ssm:eu-central-1:1:parameter/a"),
        ("*", "*"),
    ],
)
def test_a_reference_means_a_secret(reference: str, secret: str) -> None:
    assert aws.secret_of(reference) == secret


@pytest.mark.parametrize("role", ["api", "worker"])
def test_what_is_composed_is_recognised_whole(role: str) -> None:
    for pattern in aws.CLOUD.composed.values():
        re.compile(pattern.replace("{role}", role))
    bucket = aws.CLOUD.composed["storage_bucket"]
    assert re.fullmatch(bucket, "${aws_s3_bucket.storage[0].bucket}")
    assert not re.fullmatch(bucket, "${aws_s3_bucket.edge_log[0].bucket}")
