"""What the tasks ask of AWS: of the emulator with the real command line, and of answers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostwright import toolchain
from hostwright.cloud import aws_operated
from hostwright.cloud.aws import OPERATIONS
from hostwright.cloud.aws_emulator import client, emulator
from hostwright.cloud.aws_local import Terraform
from hostwright.cloud.model import Call, Live, Migrated, Where
from hostwright.errors import ApplyError, Drifted
from hostwright.progress import Progress
from hostwright.run import Completed
from hostwright.toolchain import Tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.contract.models import RoleName

REGION = "eu-central-1"
INPUTS = {"project_name": "shop", "environment": "production", "region": REGION}
GROUP = "/shop-production/migrate"
OLD, NEW = (f"ghcr.io/acme/api@sha256:{digit * 64}" for digit in "01")

# --- the migrate job, on the emulator ----------------------------------------------------------


@pytest.fixture(name="endpoint", scope="module")
def endpoint_() -> Iterator[str]:
    """An emulator with a migrate job as the blueprint makes it."""
    with emulator() as endpoint:
        ec2, ecs = client("ec2", endpoint), client("ecs", endpoint)
        network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=network, EnableDnsHostnames={"Value": True})
        subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="x", Description="x", VpcId=network)
        client("logs", endpoint).create_log_group(logGroupName=GROUP)
        ecs.create_cluster(clusterName="shop-production")
        told = {"cluster": "shop-production", "subnets": subnet, "security_group": group["GroupId"]}
        ecs.register_task_definition(
            family="shop-production-migrate",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="512",
            memory="1024",
            containerDefinitions=[container(memory=1024)],
            tags=[{"key": key, "value": value} for key, value in told.items()],
        )
        yield endpoint


def container(**more: object) -> dict[str, object]:
    options = {"awslogs-group": GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "migrate"}
    log = {"logDriver": "awslogs", "options": options}
    return {"name": "migrate", "image": "acme/api", "logConfiguration": log, **more}


def test_the_migrate_job_runs_to_its_exit_code_and_log(endpoint: str) -> None:
    # Where AWS's command line is missing, this fails: nothing else runs what `aws.migrate` runs.
    ask = partial(Terraform(Path(), endpoint).ask, toolchain.find("aws").argv)
    where = Where({"migrate_job": "shop-production-migrate"}, INPUTS)
    said: list[str] = []

    told = aws_operated.migrated(endpoint, ask, where, said.append)

    assert told == "the migrate job ran to exit codes 0 and 3, with its log"
    assert said[0].endswith(" of shop-production-migrate:1")
    statuses = ("deactivating", "stopping", "deprovisioning", "stopped")
    assert said[1:5] == [f"migration: {status}" for status in statuses]


# --- everything else, of answers ---------------------------------------------------------------


class Operated(Terraform):
    """Has applied, and applies what it is told."""

    def __init__(self) -> None:
        super().__init__(Path(), "http://127.0.0.1:1", {"api_image": OLD})
        object.__setattr__(self, "applied", [])

    applied: list[dict[str, object]]

    def outputs(self) -> dict[str, object]:
        return {"env_names": {"api": ["A"]}, "migrate_job": "shop-production-migrate"}

    def apply(self, **more: object) -> int:
        self.applied.append(more)
        return 150


@pytest.fixture(name="terraform")
def terraform_(monkeypatch: pytest.MonkeyPatch) -> Operated:
    """One whose cloud answers as it must; tests change an answer."""
    terraform = Operated()
    tool = Tool("aws", ("aws",), "", "path", "on PATH")
    said = Completed(("aws",), 0, "aws-cli/1.45.11 Python/3.11 and more\n", "")
    monkeypatch.setattr("hostwright.toolchain.find", lambda _: tool)
    monkeypatch.setattr(aws_operated, "run", lambda *_, **__: said)
    codes = iter(aws_operated.ENDS)
    answers = {
        "account": lambda *_: "somebody",
        "live": lambda *_: live(terraform),
        "migrate": lambda *_: Migrated(next(codes), (aws_operated.WRITTEN,)),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(OPERATIONS, name, answer, raising=False)
    return terraform


def live(terraform: Operated, *names: str) -> dict[RoleName, Live]:
    found = frozenset(names or ("A",))
    return {"api": Live(OLD, found, NEW) if terraform.applied else Live(NEW, found, OLD)}


def test_everything_is_asked_and_named(terraform: Operated) -> None:
    told = aws_operated.operated(terraform, Progress())
    assert told.startswith("asked with aws-cli/1.45.11: account, live, drift, rollback, migrate (")
    assert terraform.applied == [{"api_image": OLD}]


def test_drift_ends_it(terraform: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OPERATIONS, "live", lambda *_: live(terraform, "A", "B"))
    with pytest.raises(Drifted, match="api: B is not in the contract"):
        aws_operated.operated(terraform, Progress())


def test_a_rollback_to_another_image_ends_it(
    terraform: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: dict[RoleName, Live] = {"api": Live(NEW, frozenset({"A"}), "another")}
    monkeypatch.setattr(OPERATIONS, "live", lambda *_: runs)
    with pytest.raises(ApplyError, match=r"would go back to .*another"):
        aws_operated.operated(terraform, Progress())


def test_a_rollback_that_changes_nothing_ends_it(
    terraform: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: dict[RoleName, Live] = {"api": Live(NEW, frozenset({"A"}), OLD)}
    monkeypatch.setattr(OPERATIONS, "live", lambda *_: runs)
    with pytest.raises(ApplyError, match=f"after a rollback api runs {NEW}"):
        aws_operated.operated(terraform, Progress())


def test_an_exit_code_that_is_lost_ends_it(
    terraform: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATIONS, "migrate", lambda *_: Migrated(0, (aws_operated.WRITTEN,)))
    with pytest.raises(ApplyError, match="a migration that ends with 3 is told as"):
        aws_operated.operated(terraform, Progress())


def test_only_a_task_that_was_started_has_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[object] = []
    monkeypatch.setattr(aws_operated, "run_container", lambda *given: played.append(given))
    ask = aws_operated.played(lambda _: json.dumps({"tasks": [{"taskArn": "a"}]}), "there", 3)
    ask(Call(("aws", "ecs", "describe-tasks"), "looks"))
    assert played == []
    ask(Call(("aws", "ecs", "run-task"), "starts"))
    assert played == [("there", {"taskArn": "a"}, aws_operated.WRITTEN, 3)]
