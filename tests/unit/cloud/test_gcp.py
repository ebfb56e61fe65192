"""gcloud's whole command lines, and what its answers are taken to mean."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.cloud import gcp
from hostwright.cloud.model import Live, Where
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.cloud.model import Call, Operations

INPUTS = {
    "project_name": "shop",
    "environment": "production",
    "project_id": "acme-shop-prod",
    "region": "europe-west3",
    "registry_server": "ghcr.io",
}
WHERE = Where({"env_names": {"api": [], "worker": [], "migrate": []}}, INPUTS)
PLACE = "--project=acme-shop-prod --region=europe-west3 --format=json --quiet"
UPSTREAM = "europe-west3-docker.pkg.dev/acme-shop-prod/shop-prod-upstream"
LOG_OF_A_RUN = (
    """'resource.type="cloud_run_job" AND labels."run.googleapis.com/execution_name"="""
    """"shop-prod-migrate-x7k2p" AND NOT logName:"cloudaudit.googleapis.com"' """
    "--project=acme-shop-prod --limit=30 --order=desc"
)
NEW, OLD = "acme/api@sha256:" + "1" * 64, "acme/api@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (gcp.accounts(), "gcloud auth list --filter=status:ACTIVE --format=json"),
        (
            gcp.project("acme-shop-prod"),
            "gcloud projects describe acme-shop-prod --format=json --quiet",
        ),
        (gcp.describe("api", WHERE), f"gcloud run services describe shop-prod-api {PLACE}"),
        (gcp.describe("web", WHERE), f"gcloud run services describe shop-prod-web {PLACE}"),
        (
            gcp.describe("worker", WHERE),
            f"gcloud run worker-pools describe shop-prod-worker {PLACE}",
        ),
        (gcp.describe("migrate", WHERE), f"gcloud run jobs describe shop-prod-migrate {PLACE}"),
        (
            gcp.revisions("api", WHERE),
            f"gcloud run revisions list --service=shop-prod-api {PLACE}",
        ),
        (
            gcp.revisions("worker", WHERE),
            f"gcloud run worker-pools revisions list --worker-pool=shop-prod-worker {PLACE}",
        ),
        (gcp.execute(WHERE), f"gcloud run jobs execute shop-prod-migrate --async {PLACE}"),
        (
            gcp.execution("shop-prod-migrate-x7k2p", WHERE),
            f"gcloud run jobs executions describe shop-prod-migrate-x7k2p {PLACE}",
        ),
        (
            gcp.tasks("shop-prod-migrate-x7k2p", WHERE),
            f"gcloud run jobs executions tasks list --execution=shop-prod-migrate-x7k2p {PLACE}",
        ),
        (
            gcp.log("shop-prod-migrate-x7k2p", WHERE),
            f"gcloud logging read {LOG_OF_A_RUN} --format=json --quiet",
        ),
    ],
)
def test_a_command_line_is(call: Call, line: str) -> None:
    assert list(call.argv) == shlex.split(line)
    assert call.what


def test_another_profile_has_other_names() -> None:
    staging = Where({}, {**INPUTS, "environment": "staging"})

    assert gcp.name("migrate", staging) == "shop-stg-migrate"


def test_operations_are_what_every_cloud_offers() -> None:
    operations: Operations = gcp.OPERATIONS

    assert (operations.tool, operations.login) == ("gcloud", "gcloud auth login")


# --- answers -----------------------------------------------------------------------------------


def described(image: str, *names: str, deep: bool = False) -> dict[str, Any]:
    """A service, or a job, as gcloud describes it."""
    env = [{"name": name, "value": "never looked at"} for name in names]
    spec: dict[str, Any] = {"containers": [{"image": image, "env": env}]}
    if deep:
        spec = {"template": {"spec": spec}}
    return {"spec": {"template": {"spec": spec}}}


def revision(image: str, made: str = "") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": made},
        "spec": {"containers": [{"image": image}]},
    }


@pytest.mark.parametrize("deep", [False, True])
def test_names_are_found_in_services_and_jobs(*, deep: bool) -> None:
    there = described("image", "LOG_LEVEL", "DATABASE_URL", deep=deep)

    assert gcp.env_names(there) == {"LOG_LEVEL", "DATABASE_URL"}


def test_nothing_deployed_has_no_names() -> None:
    assert gcp.env_names({}) == frozenset()


@pytest.mark.parametrize(
    ("image", "given"),
    [
        (f"{UPSTREAM}/{NEW}", f"ghcr.io/{NEW}"),
        (f"public.example.com/{NEW}", f"public.example.com/{NEW}"),
        ("", ""),
    ],
)
def test_an_image_is_told_as_it_was_given(image: str, given: str) -> None:
    assert gcp.given_image(image, WHERE) == given


def test_without_a_private_registry_an_image_stays_as_it_is() -> None:
    where = Where({}, {**INPUTS, "registry_server": ""})

    assert gcp.given_image(f"{UPSTREAM}/{NEW}", where) == f"{UPSTREAM}/{NEW}"


@pytest.mark.parametrize(
    ("images", "before"),
    [
        ({"2026-03-01": NEW, "2026-01-01": "older", "2026-02-01": OLD}, OLD),
        ({"2026-01-01": NEW, "2026-02-01": NEW}, ""),
        ({}, ""),
    ],
)
def test_the_previous_image_is_the_newest_other_one(images: dict[str, str], before: str) -> None:
    listed = [revision(image, f"{day}T00:00:00Z") for day, image in images.items()]

    assert gcp.previous(NEW, listed) == before


@pytest.mark.parametrize(
    ("conditions", "over"),
    [
        ([], False),
        ([{"type": "Completed", "status": "Unknown"}], False),
        ([{"type": "Started", "status": "True"}], False),
        ([{"type": "Completed", "status": "True"}], True),
        ([{"type": "Completed", "status": "False"}], True),
    ],
)
def test_a_run_is_over_when_it_says_so(conditions: list[dict[str, str]], *, over: bool) -> None:
    assert gcp.ended({"status": {"conditions": conditions}}) is over


@pytest.mark.parametrize(
    ("status", "results", "code"),
    [
        ({"succeededCount": 1}, [{}], 0),
        ({"failedCount": 1}, [{"exitCode": 3}], 3),
        ({"failedCount": 1}, [{"exitCode": 0}, {"exitCode": 2}], 2),
        ({"cancelledCount": 1}, [{}], 1),
        ({}, [], 1),
    ],
)
def test_the_exit_code_is_the_containers(
    status: dict[str, int], results: list[dict[str, int]], code: int
) -> None:
    tasks = [{"status": {"lastAttemptResult": result}} for result in results]

    assert gcp.exit_code({"status": status}, tasks) == code


def test_the_log_is_read_from_the_oldest() -> None:
    entries: list[dict[str, object]] = [
        {"jsonPayload": {"event": "migrated", "head": "m0002"}},
        {"protoPayload": {}},
        {"textPayload": "starting"},
    ]

    assert gcp.lines(entries) == ("starting", '{"event": "migrated", "head": "m0002"}')


def test_an_answer_that_is_no_json_is_told_with_the_command() -> None:
    with pytest.raises(CloudError, match="something else than JSON") as caught:
        gcp.parsed("ERROR: (gcloud.run)", gcp.accounts())

    assert caught.value.where.startswith("gcloud auth list")


# --- tasks -------------------------------------------------------------------------------------


class Answers:
    """gcloud, as far as it was told what to say; remembers what it was asked."""

    def __init__(self, told: Mapping[str, object]) -> None:
        self.told = dict(told)
        self.asked: list[str] = []

    def __call__(self, call: Call) -> str:
        line = shlex.join(call.argv)
        self.asked.append(line)
        answer = next(value for words, value in self.told.items() if words in line)
        if isinstance(answer, CloudError):
            raise answer
        if isinstance(answer, list) and answer and isinstance(answer[0], tuple):
            answer = answer.pop(0)[0] if len(answer) > 1 else answer[0][0]
        return json.dumps(answer)


def test_who_is_logged_in_is_told_with_the_project() -> None:
    ask = Answers({"auth list": [{"account": "ops@example.com"}], "projects": {}})

    assert gcp.OPERATIONS.account(ask, INPUTS) == "ops@example.com, project acme-shop-prod"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"auth list": []}, "nobody is logged in"),
        (
            {"auth list": [{"account": "ops@example.com"}], "projects": CloudError("no session")},
            "ops@example.com does not see the project acme-shop-prod: no session",
        ),
    ],
)
def test_who_is_not_logged_in_is_told_how_to(told: dict[str, object], says: str) -> None:
    with pytest.raises(NotLoggedIn, match=says) as caught:
        gcp.OPERATIONS.account(Answers(told), INPUTS)

    assert "gcloud auth login" in caught.value.remedy


def test_what_runs_is_asked_of_the_roles_that_were_deployed() -> None:
    ask = Answers(
        {
            "services describe": described(f"{UPSTREAM}/{NEW}", "LOG_LEVEL"),
            "worker-pools describe": described("worker", "REDIS_URL"),
            "jobs describe": described("worker", "DATABASE_URL", deep=True),
            "worker-pools revisions": [],
            "revisions list": [revision(f"{UPSTREAM}/{NEW}"), revision(f"{UPSTREAM}/{OLD}")],
        }
    )

    assert gcp.OPERATIONS.live(ask, WHERE) == {
        "api": Live(f"ghcr.io/{NEW}", frozenset({"LOG_LEVEL"}), f"ghcr.io/{OLD}"),
        "worker": Live("worker", frozenset({"REDIS_URL"})),
        "migrate": Live("worker", frozenset({"DATABASE_URL"})),
    }
    assert len(ask.asked) == 5


@pytest.mark.parametrize(("succeeded", "code"), [(1, 0), (0, 4)])
def test_a_migration_is_waited_for(succeeded: int, code: int) -> None:
    status = {"conditions": [{"type": "Completed", "status": "True"}], "succeededCount": succeeded}
    ask = Answers(
        {
            "jobs execute": {"metadata": {"name": "shop-prod-migrate-x7k2p"}},
            "executions describe": [({"status": {}},), ({"status": {}},), ({"status": status},)],
            "tasks list": [{"status": {"lastAttemptResult": {"exitCode": code}}}],
            "logging read": [{"textPayload": "done"}],
        }
    )
    said: list[str] = []
    waited: list[float] = []

    done = gcp.OPERATIONS.migrate(ask, WHERE, said.append, waited.append)

    assert (done.exit_code, done.log) == (code, ("done",))
    assert said == ["shop-prod-migrate-x7k2p has started"]
    assert waited == [gcp.PAUSE, gcp.PAUSE]
