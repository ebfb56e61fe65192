from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.cloud.azure import (
    LOOKS,
    OPERATIONS,
    PAUSE,
    Place,
    list_apps,
    list_jobs,
    list_revisions,
    place_of,
    previous_of,
    show_account,
    show_execution,
    show_log,
    start_job,
)
from hostwright.cloud.model import Live, Where
from hostwright.errors import CloudError, NotLoggedIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.cloud.model import Call

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-production"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-api"
PLACE = Place(SUBSCRIPTION, "shop-production")
WHERE = Where({"identities": {"api": IDENTITY}, "migrate_job": "shop-migrate"}, {})
IN = f"--resource-group shop-production --subscription {SUBSCRIPTION}"
NEW, OLD = (f"ghcr.io/acme/api@sha256:{digit * 64}" for digit in "10")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (show_account(""), "az account show --output json"),
        (
            show_account(SUBSCRIPTION),
            f"az account show --subscription {SUBSCRIPTION} --output json",
        ),
        (list_apps(PLACE), f"az containerapp list {IN} --output json"),
        (list_jobs(PLACE), f"az containerapp job list {IN} --output json"),
        (
            list_revisions(PLACE, "shop-api"),
            f"az containerapp revision list --name shop-api --all {IN} --output json",
        ),
        (
            start_job(PLACE, "shop-migrate"),
            f"az containerapp job start --name shop-migrate {IN} --output json",
        ),
        (
            show_execution(PLACE, "shop-migrate", "shop-migrate-x1"),
            (
                "az containerapp job execution show --name shop-migrate "
                f"--job-execution-name shop-migrate-x1 {IN} --output json"
            ),
        ),
        (
            show_log(PLACE, "shop-migrate", "shop-migrate-x1", "migrate"),
            (
                "az containerapp job logs show --name shop-migrate --execution shop-migrate-x1 "
                f"--container migrate --format text --tail 50 {IN}"
            ),
        ),
    ],
)
def test_the_whole_line(call: Call, line: str) -> None:
    assert " ".join(call.argv) == line
    assert call.what


class Azure:
    """Answers by what a line begins with, in the shapes of the CLI's documentation."""

    def __init__(self, answers: Mapping[str, list[Any]]) -> None:
        self._answers = {key: list(found) for key, found in answers.items()}
        self.asked: list[str] = []
        self.waited: list[float] = []
        self.said: list[str] = []

    def ask(self, call: Call) -> str:
        line = " ".join(call.argv)
        self.asked.append(line)
        key = max((key for key in self._answers if line.startswith(key)), key=len)
        found = self._answers[key]
        each = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(each, CloudError):
            raise each
        return each if isinstance(each, str) else json.dumps(each)


def template(image: str, *names: str) -> dict[str, Any]:
    env = [{"name": name, "value": "x"} for name in names[:1]]
    env += [{"name": name, "secretRef": name.lower()} for name in names[1:]]
    return {"template": {"containers": [{"name": "api", "image": image, "env": env}]}}


def revision(image: str, created: str) -> dict[str, Any]:
    return {
        "name": f"shop-api--{created}",
        "properties": {**template(image), "createdTime": created},
    }


def execution(status: str) -> dict[str, Any]:
    return {"name": "shop-migrate-x1", "properties": {"status": status}}


def test_what_runs_is_found_by_its_tag() -> None:
    azure = Azure(
        {
            "az containerapp list": [
                [
                    {
                        "name": "shop-api",
                        "tags": {"role": "api"},
                        "properties": template(NEW, "A", "B"),
                    },
                    {"name": "another", "tags": None, "properties": template(NEW, "C")},
                ]
            ],
            "az containerapp job list": [
                [
                    {
                        "name": "shop-migrate",
                        "tags": {"role": "migrate"},
                        "properties": template(OLD, "A"),
                    }
                ]
            ],
            "az containerapp revision list": [
                [
                    revision(OLD, "2026-08-01T10:00:00+00:00"),
                    revision(NEW, "2026-08-02T10:00:00+00:00"),
                    revision("older", "2026-07-01T10:00:00+00:00"),
                ]
            ],
        }
    )

    live = OPERATIONS.live(azure.ask, WHERE)

    assert live == {
        "api": Live(NEW, frozenset({"A", "B"}), OLD),
        "migrate": Live(OLD, frozenset({"A"})),
    }


def test_revisions_of_the_same_image_are_no_way_back() -> None:
    revisions = [revision(NEW, "2026-08-02"), revision(NEW, "2026-08-01")]
    assert not previous_of(revisions, NEW)


def migrated(answers: Mapping[str, list[Any]]) -> tuple[Azure, Any]:
    azure = Azure(
        {
            "az containerapp job start": [{"id": "x", "name": "shop-migrate-x1"}],
            "az containerapp job logs": ["one\ntwo\n"],
            **answers,
        }
    )
    done = OPERATIONS.migrate(azure.ask, WHERE, azure.said.append, azure.waited.append)
    return azure, done


def test_a_migration_is_looked_at_until_it_has_ended() -> None:
    statuses = [execution(status) for status in ("Processing", "Running", "Running", "Succeeded")]

    azure, done = migrated({"az containerapp job execution show": statuses})

    assert (done.exit_code, done.log) == (0, ("one", "two"))
    assert azure.waited == [PAUSE] * 3
    assert azure.said == [
        "started shop-migrate-x1",
        "shop-migrate-x1: Processing",
        "shop-migrate-x1: Running",
        "shop-migrate-x1: Succeeded",
    ]


@pytest.mark.parametrize("status", ["Failed", "Stopped", "Degraded"])
def test_a_migration_that_did_not_succeed_has_failed(status: str) -> None:
    _, done = migrated({"az containerapp job execution show": [execution(status)]})
    assert done.exit_code == 1


def test_a_log_that_cannot_be_read_does_not_hide_the_outcome() -> None:
    _, done = migrated(
        {
            "az containerapp job execution show": [execution("Failed")],
            "az containerapp job logs": [CloudError("no extension containerapp\nmore")],
        }
    )
    assert done.exit_code == 1
    assert "no extension containerapp" in done.log[0]
    assert "az containerapp job logs show" in done.log[0]


def test_a_migration_that_never_ends_is_given_up() -> None:
    with pytest.raises(CloudError, match="has not ended after 60 minutes"):
        migrated({"az containerapp job execution show": [execution("Unknown")]})
    assert LOOKS * PAUSE == 3600


def test_without_a_job_there_is_nothing_to_migrate() -> None:
    azure = Azure({})
    where = Where({"identities": {"api": IDENTITY}, "migrate_job": None}, {})
    with pytest.raises(CloudError, match="no role migrate"):
        OPERATIONS.migrate(azure.ask, where, azure.said.append, azure.waited.append)
    assert azure.asked == []


def test_who_is_logged_in_is_told_with_the_subscription() -> None:
    account = {"id": SUBSCRIPTION, "name": "Shop", "user": {"name": "ada@example.com"}}
    azure = Azure({"az account show": [account]})
    told = OPERATIONS.account(azure.ask, {"subscription_id": SUBSCRIPTION})
    assert told == f"ada@example.com in Shop ({SUBSCRIPTION})"
    assert azure.asked == [f"az account show --subscription {SUBSCRIPTION} --output json"]


def test_nobody_logged_in_is_told_how_to() -> None:
    azure = Azure({"az account show": [CloudError("Please run 'az login'")]})
    with pytest.raises(NotLoggedIn) as told:
        OPERATIONS.account(azure.ask, {"subscription_id": SUBSCRIPTION})
    assert SUBSCRIPTION in told.value.what
    assert "az login" in told.value.remedy


def test_group_and_subscription_come_from_the_identities() -> None:
    assert place_of({"identities": {"web": IDENTITY}}) == PLACE
    with pytest.raises(CloudError, match="no identity"):
        place_of({"identities": {}})


def test_an_answer_that_is_no_json_is_told_with_its_command() -> None:
    azure = Azure({"az containerapp list": ["WARNING: upgrade"]})
    with pytest.raises(CloudError, match="lists the apps"):
        OPERATIONS.live(azure.ask, WHERE)
