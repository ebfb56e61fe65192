"""Rules of the AWS blueprint on plans made by hand: what no committed schema can plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hostwright.checks.clouds import aws_edge, aws_rights, aws_stores, aws_tasks
from hostwright.checks.clouds.aws_view import View, statements
from hostwright.checks.clouds.source import Source
from hostwright.contract.load import load
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

CONTRACT = load()
SECRET = "${aws_secretsmanager_secret.a.arn}"


def view(*resources: Resource, **given: object) -> View:
    document = {"variables": {name: {"value": value} for name, value in given.items()}}
    plan = Plan(resources, {}, {}, {}, Sources((), {}), document=document)
    return View(CONTRACT, plan, Source("ops/infra/aws", Sources((), {})))


def resource(kind: str, called: str = "it", /, **values: Any) -> Resource:  # noqa: ANN401 - planned
    return Resource(f"{kind}.{called}", kind, called, None, "managed", values)


def definition(role: str = "api", **container: Any) -> Resource:  # noqa: ANN401 - same
    return resource(
        "aws_ecs_task_definition",
        tags={"role": role},
        execution_role_arn="${aws_iam_role.starts.arn}",
        task_role_arn="${aws_iam_role.runs.arn}",
        container_definitions=json.dumps([container]),
    )


def iam(name: str, *said: dict[str, Any]) -> tuple[Resource, Resource]:
    """A role, and its one policy."""
    policy = json.dumps({"Statement": list(said)})
    return (
        resource("aws_iam_role", name, name=f"shop-{name}", tags={"role": "api"}),
        resource("aws_iam_role_policy", name, role=f"shop-{name}", policy=policy),
    )


def allow(action: object, on: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


@pytest.mark.parametrize("kind", ["aws_iam_user", "aws_iam_access_key"])
def test_a_login_that_does_not_expire_is_a_finding(kind: str) -> None:
    [finding] = aws_rights.keys_made(view(resource(kind)))
    assert (finding.check, finding.target) == ("static-key", "aws")


def test_rights_that_somebody_else_wrote_are_too_wide() -> None:
    attached = resource(
        "aws_iam_role_policy_attachment",
        role="shop-starts",
        policy_arn="arn:aws:iam::aws:policy/SecretsManagerReadWrite",
    )
    [finding] = aws_rights.width(view(*iam("starts"), attached))
    assert (finding.check, finding.role) == ("grant-too-wide", "api")
    assert "SecretsManagerReadWrite" in finding.message


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (allow("s3:*", "${aws_s3_bucket.a.arn}"), ["s3:*, which is more than is used"]),
        (allow("sqs:SendMessage"), ["sqs:SendMessage on everything in the account"]),
        (
            allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:r:1:secret:*"),
            ["secretsmanager:GetSecretValue on arn:aws:secretsmanager:r:1:secret:*"],
        ),
        (allow("ecr:GetAuthorizationToken"), []),
        ({**allow("s3:*"), "Effect": "Deny"}, []),
    ],
)
def test_a_wide_right_is_told_by_how_it_is_wide(statement: dict[str, Any], says: list[str]) -> None:
    found = [item.message for item in aws_rights.width(view(*iam("runs", statement)))]
    assert found == [f"allows {each}" for each in says]


def test_a_policy_that_is_not_known_yet_says_nothing() -> None:
    assert statements(resource("aws_iam_role_policy", policy="(known after apply)"), "policy") == ()
    assert statements(resource("aws_iam_role_policy", policy=None), "policy") == ()


def test_a_right_to_all_secrets_reads_each_of_them() -> None:
    rights = iam("starts", allow("secretsmanager:Get*"))
    secrets = [{"name": "SECRET_KEY", "valueFrom": SECRET}]
    found = view(definition(secrets=secrets), *rights, *iam("runs"))
    assert list(aws_rights.secrets_read(found)) == []


def test_a_login_that_cannot_be_read_is_told_by_its_input() -> None:
    login = {"credentialsParameter": SECRET}
    found = view(definition(repositoryCredentials=login), *iam("starts"), *iam("runs"))
    [finding] = aws_rights.secrets_read(found)
    assert (finding.check, finding.variable) == ("secret-grant-missing", "registry_password")


@pytest.mark.parametrize(
    ("reference", "refused"),
    [
        (SECRET, False),
        (f"{SECRET}:key::", False),
        (f"{SECRET}:key", True),
        ("arn:aws:secretsmanager:r:1:secret:a-AbCdEf", False),
        ("arn:aws:secretsmanager:r:1:secret:a-AbCdEf:key::", False),
        ("arn:aws:secretsmanager:r:1:secret:a-AbCdEf:key", True),
        ("arn:aws:ssm:r:1:parameter/a", False),
        ("a", True),
    ],
)
def test_a_reference_has_all_its_colons_or_none(reference: str, refused: bool) -> None:  # noqa: FBT001
    found = view(definition(secrets=[{"name": "SECRET_KEY", "valueFrom": reference}]))
    assert bool(list(aws_rights.references(found))) is refused


@pytest.mark.parametrize("kind", ["aws_elasticache_cluster", "aws_elasticache_serverless_cache"])
def test_another_kind_of_redis_is_a_finding(kind: str) -> None:
    [finding] = aws_stores.redis(view(resource(kind)))
    assert finding.check == "store-kind"


def test_a_bucket_that_a_policy_opens_is_a_finding() -> None:
    bucket = resource("aws_s3_bucket", "a", bucket="a")
    policy = resource(
        "aws_s3_bucket_policy",
        bucket="${aws_s3_bucket.a.id}",
        policy=json.dumps({"Statement": {**allow("s3:GetObject", "x"), "Principal": "*"}}),
    )
    found = {item.check: item for item in aws_stores.buckets(view(bucket, policy))}
    assert "lets everybody s3:GetObject" in {
        item.message for item in aws_stores.buckets(view(bucket, policy))
    }
    assert found.keys() == {"bucket-public", "store-plaintext", "store-unencrypted"}


def test_rules_within_a_security_group_are_seen() -> None:
    rules = [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 22}]
    [finding] = aws_edge.open_ports(view(resource("aws_security_group", ingress=rules)))
    assert (finding.check, finding.message) == ("port-open", "lets everybody in at 22")


def test_a_range_of_ports_is_told_whole() -> None:
    rule = resource(
        "aws_vpc_security_group_ingress_rule", cidr_ipv6="::/0", from_port=1, to_port=99
    )
    [finding] = aws_edge.open_ports(view(rule))
    assert finding.message == "lets everybody in at 1 to 99"


def test_a_job_that_a_service_restarts_for_ever_is_a_finding() -> None:
    service = resource("aws_ecs_service", tags={"role": "migrate"}, name="migrate")
    [finding] = aws_tasks.kinds(view(definition("migrate"), service))
    assert (finding.check, finding.role) == ("role-kind-differs", "migrate")


def test_a_worker_behind_a_load_balancer_is_a_finding() -> None:
    service = resource(
        "aws_ecs_service", tags={"role": "worker"}, load_balancer=[{"container_port": 80}]
    )
    [finding] = aws_tasks.kinds(view(definition("worker"), service))
    assert finding.message == "answers no requests, but is balanced"


@pytest.mark.parametrize(
    ("cpu", "memory", "sold"),
    [
        ("256", "512", True),
        ("256", "4096", False),
        ("512", "1024", True),
        ("512", "1500", False),
        ("8192", "20480", True),
        ("8192", "21504", False),
        ("300", "512", False),
        ("", "", False),
    ],
)
def test_fargate_sells_pairs(cpu: str, memory: str, sold: bool) -> None:  # noqa: FBT001
    task = resource(
        "aws_ecs_task_definition",
        tags={"role": "api"},
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu=cpu,
        memory=memory,
        container_definitions=json.dumps([{"name": "api"}]),
    )
    checks = [item.check for item in aws_tasks.launch(view(task))]
    assert checks == ([] if sold else ["cpu-memory-pair"])


def test_development_asks_for_less_than_production() -> None:
    database = resource("aws_db_instance", multi_az=False, deletion_protection=False)
    alone = {
        name: {item.check for item in aws_stores.table(view(database, environment=name))}
        for name in ("development", "production")
    }
    assert "store-alone" in alone["production"] - alone["development"]
    assert "store-unprotected" in alone["production"] - alone["development"]
    assert "store-unencrypted" in alone["development"]
