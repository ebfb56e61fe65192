"""AWS's whole command lines, and what its answers are taken to mean."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.cloud import aws
from hostwright.cloud.model import Live, Where
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from hostwright.cloud.model import Call, Operations

INPUTS = {"project_name": "shop", "environment": "production", "region": "eu-central-1"}
OUTPUTS = {
    "env_names": {"api": [], "web": [], "worker": [], "migrate": []},
    "migrate_job": "shop-production-migrate",
}
WHERE = Where(OUTPUTS, INPUTS)
PLACE = "--region eu-central-1 --output json"
ARN = "arn:aws:ecs:eu-central-1:111122223333"
DEFINITION = f"{ARN}:task-definition/shop-production"
TASK = f"{ARN}:task/shop-production/0123abcd"
NEW, OLD = "acme/api@sha256:" + "1" * 64, "acme/api@sha256:" + "0" * 64
JOB = aws.Job(
    f"{DEFINITION}-migrate:7",
    "shop-production",
    ("subnet-1", "subnet-2"),
    "sg-1",
    600,
    "migrate",
    "/shop-production/migrate",
    "migrate",
)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (aws.identity("eu-central-1"), f"aws sts get-caller-identity {PLACE}"),
        (
            aws.services(("api", "web"), WHERE),
            f"aws ecs describe-services --cluster shop-production --services api web {PLACE}",
        ),
        (
            aws.definition("shop-production-migrate", WHERE),
            (
                "aws ecs describe-task-definition --task-definition shop-production-migrate "
                f"--include TAGS {PLACE}"
            ),
        ),
        (
            aws.revisions("api", WHERE),
            (
                "aws ecs list-task-definitions --family-prefix shop-production-api --sort DESC "
                f"--max-items 10 {PLACE}"
            ),
        ),
        (
            aws.run_job(JOB, WHERE),
            (
                "aws ecs run-task --cluster shop-production "
                f"--task-definition {DEFINITION}-migrate:7 "
                "--launch-type FARGATE --count 1 --network-configuration "
                "'awsvpcConfiguration={subnets=[subnet-1,subnet-2],securityGroups=[sg-1],"
                f"assignPublicIp=DISABLED}}' --propagate-tags TASK_DEFINITION {PLACE}"
            ),
        ),
        (
            aws.task(JOB, TASK, WHERE),
            f"aws ecs describe-tasks --cluster shop-production --tasks {TASK} {PLACE}",
        ),
        (
            aws.stop_job(JOB, TASK, WHERE),
            (
                f"aws ecs stop-task --cluster shop-production --task {TASK} "
                f"--reason 'longer than timeout_seconds of the contract' {PLACE}"
            ),
        ),
        (
            aws.log(JOB, TASK, WHERE),
            (
                "aws logs get-log-events --log-group-name /shop-production/migrate "
                f"--log-stream-name migrate/migrate/0123abcd --limit 50 {PLACE}"
            ),
        ),
        (
            aws.restart("worker", WHERE),
            (
                "aws ecs update-service --cluster shop-production --service worker "
                f"{PLACE} --force-new-deployment"
            ),
        ),
    ],
)
def test_a_command_line_is(call: Call, line: str) -> None:
    assert sorted(call.argv) == sorted(shlex.split(line))
    assert call.argv[:3] == tuple(shlex.split(line)[:3])
    assert call.what


# --- answers -----------------------------------------------------------------------------------


def definition(number: int, image: str = NEW, role: str = "api", **tags: str) -> dict[str, Any]:
    return {
        "taskDefinition": {
            "taskDefinitionArn": f"{DEFINITION}-{role}:{number}",
            "containerDefinitions": [
                {
                    "name": role,
                    "image": image,
                    "environment": [{"name": "PORT", "value": "8000"}],
                    "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn"}],
                    "logConfiguration": {
                        "options": {
                            "awslogs-group": f"/shop-production/{role}",
                            "awslogs-stream-prefix": role,
                        }
                    },
                }
            ],
        },
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }


PLACED = {"cluster": "shop-production", "subnets": "subnet-1 subnet-2", "security_group": "sg-1"}


class Answers:
    """Plays AWS: the answers to a command, one after the other, the last one for ever."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = {name.replace("_", "-"): found for name, found in answers.items()}
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, call: Call) -> str:
        self.asked.append(call.argv)
        left = self.answers[call.argv[2]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, str) else json.dumps(answer)


class Watch:
    """Takes what is said, and how long was waited."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waited = 0.0

    def say(self, line: str) -> None:
        self.said.append(line)

    def wait(self, seconds: float) -> None:
        self.waited += seconds


def task(status: str, code: int | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    containers = [{"name": "migrate", **({} if code is None else {"exitCode": code})}]
    return {"tasks": [{"taskArn": TASK, "lastStatus": status, "containers": containers, **more}]}


def job(**answers: list[Any]) -> Answers:
    usual: dict[str, list[Any]] = {
        "describe_task_definition": [definition(7, role="migrate", timeout_seconds="60", **PLACED)],
        "run_task": [{"tasks": [{"taskArn": TASK}]}],
        "describe_tasks": [task("PENDING"), task("RUNNING"), task("STOPPED", 0)],
        "get_log_events": [{"events": [{"message": "first"}, {"message": "last"}]}],
        "stop_task": [{}],
    }
    return Answers(**{**usual, **answers})


def test_it_offers_what_the_tasks_ask_for() -> None:
    operations: Operations = aws.OPERATIONS
    assert (operations.tool, operations.login) == ("aws", "aws sso login")


def test_an_account_is_who_and_where() -> None:
    ask = Answers(get_caller_identity=[{"Arn": "arn:aws:iam::1:user/me", "Account": "1"}])
    assert (
        aws.OPERATIONS.account(ask, INPUTS) == "arn:aws:iam::1:user/me in account 1, eu-central-1"
    )


def test_without_a_session_nobody_is_logged_in() -> None:
    ask = Answers(get_caller_identity=[CloudError("exit code 254", where="aws sts")])
    with pytest.raises(NotLoggedIn, match="nobody is logged in: exit code 254") as refused:
        aws.OPERATIONS.account(ask, INPUTS)
    assert "aws sso login" in refused.value.remedy


def test_an_answer_that_is_no_json_is_told() -> None:
    with pytest.raises(CloudError, match="asks what runs: the answer is no JSON"):
        aws.OPERATIONS.live(Answers(describe_services=["<html>"]), WHERE)


def test_what_runs_is_told_with_the_image_before() -> None:
    service = {
        "serviceName": "api",
        "status": "ACTIVE",
        "taskDefinition": f"{DEFINITION}-api:3",
    }
    gone = {**service, "serviceName": "web", "status": "INACTIVE"}
    ask = Answers(
        describe_services=[{"services": [service, gone]}],
        list_task_definitions=[
            # A newer one that was taken back is not what ran before.
            {"taskDefinitionArns": [f"{DEFINITION}-api:{number}" for number in (4, 1, 3, 2)]}
        ],
        describe_task_definition=[
            definition(3),
            definition(2),
            definition(1, OLD),
            definition(7, role="migrate"),
        ],
    )

    found = aws.OPERATIONS.live(ask, WHERE)

    names = frozenset({"PORT", "DATABASE_URL"})
    assert found == {"api": Live(NEW, names, OLD), "migrate": Live(NEW, names)}


def test_an_application_without_services_has_only_its_job() -> None:
    ask = Answers(describe_task_definition=[definition(7, role="migrate")])
    where = Where({**OUTPUTS, "env_names": {"migrate": []}}, INPUTS)
    assert set(aws.OPERATIONS.live(ask, where)) == {"migrate"}


def test_a_first_release_has_nothing_before_it() -> None:
    service = {"serviceName": "api", "status": "ACTIVE", "taskDefinition": f"{DEFINITION}-api:1"}
    ask = Answers(
        describe_services=[{"services": [service]}],
        list_task_definitions=[{"taskDefinitionArns": [f"{DEFINITION}-api:1"]}],
        describe_task_definition=[definition(1)],
    )
    where = Where({"env_names": {"api": []}}, INPUTS)
    assert aws.OPERATIONS.live(ask, where)["api"].previous == ""


def test_a_migration_is_run_to_its_end() -> None:
    ask, watch = job(), Watch()

    done = aws.OPERATIONS.migrate(ask, WHERE, watch.say, watch.wait)

    assert (done.exit_code, done.log) == (0, ("first", "last"))
    assert watch.said == [
        "started 0123abcd of shop-production-migrate:7",
        "migration: pending",
        "migration: running",
        "migration: stopped",
    ]
    assert watch.waited == 2 * aws.PAUSE


@pytest.mark.parametrize(
    ("stopped", "code", "log"),
    [
        (task("STOPPED", 3), 3, ("first", "last")),
        # No exit code is a failure, never a success: the image could not be fetched.
        (
            task("STOPPED", stoppedReason="CannotPullContainerError: denied"),
            1,
            ("first", "last", "CannotPullContainerError: denied"),
        ),
    ],
)
def test_a_migration_that_fails_says_how(
    stopped: dict[str, Any], code: int, log: tuple[str, ...]
) -> None:
    watch = Watch()
    done = aws.OPERATIONS.migrate(job(describe_tasks=[stopped]), WHERE, watch.say, watch.wait)
    assert (done.exit_code, done.log) == (code, log)


def test_a_migration_that_hangs_is_stopped() -> None:
    ask, watch = job(describe_tasks=[task("RUNNING")]), Watch()

    done = aws.OPERATIONS.migrate(ask, WHERE, watch.say, watch.wait)

    assert done.exit_code == 1
    assert done.log[-1] == "it was stopped after 360 s"
    assert "stop-task" in [argv[2] for argv in ask.asked]


def test_a_log_that_cannot_be_read_does_not_hide_the_outcome() -> None:
    ask, watch = job(get_log_events=[CloudError("no such stream\nmore")]), Watch()
    done = aws.OPERATIONS.migrate(ask, WHERE, watch.say, watch.wait)
    assert (done.exit_code, done.log) == (0, ("the log could not be read: no such stream",))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            {"run_task": [{"tasks": [], "failures": [{"reason": "MISSING"}]}]},
            "not started: MISSING",
        ),
        ({"run_task": [{"tasks": []}]}, "ECS does not say why"),
        ({"describe_tasks": [{"tasks": []}]}, "the migration's task is gone"),
        ({"describe_task_definition": [definition(7, role="migrate")]}, "no tag cluster, subnets"),
    ],
)
def test_what_cannot_be_run_is_told(answers: dict[str, list[Any]], message: str) -> None:
    watch = Watch()
    with pytest.raises(CloudError, match=message):
        aws.OPERATIONS.migrate(job(**answers), WHERE, watch.say, watch.wait)


def test_an_application_without_a_job_has_nothing_to_run() -> None:
    watch = Watch()
    with pytest.raises(CloudError, match="no role migrate"):
        aws.OPERATIONS.migrate(job(), Where({}, INPUTS), watch.say, watch.wait)
