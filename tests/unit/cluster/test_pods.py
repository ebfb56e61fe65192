"""Answers as a cluster gives them, cut to what is read."""

from __future__ import annotations

from typing import Any

import pytest

from hostwright.cluster import rollout
from hostwright.cluster.pods import Deployment, Job, deployment, job, newest, parse, pod
from hostwright.contract import load

Json = dict[str, Any]


def a_pod(role: str = "api", name: str = "p", **status: Any) -> Json:  # noqa: ANN401 - JSON
    labels = {"app.kubernetes.io/component": role, "pod-template-hash": status.pop("hash", "h1")}
    made = status.pop("made", "2026-01-01T00:00:00Z")
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, "creationTimestamp": made},
        "status": status,
    }


def state(name: str = "api", **now: Any) -> Json:  # noqa: ANN401 - JSON
    more: Json = {key: now.pop(key) for key in ("lastState", "restartCount", "ready") if key in now}
    return {"name": name, "ready": False, "state": now, **more}


READY: Json = {"conditions": [{"type": "Ready", "status": "True"}]}
CRASHED: Json = {"terminated": {"exitCode": 7, "reason": "Error"}}
KILLED: Json = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}

TROUBLES: list[tuple[Json, str]] = [
    (
        {
            "containerStatuses": [
                state(waiting={"reason": "ImagePullBackOff", "message": "no such"})
            ]
        },
        "p, api: ImagePullBackOff: no such",
    ),
    (
        {
            "containerStatuses": [
                state(waiting={"reason": "CrashLoopBackOff", "message": "b"}, lastState=CRASHED)
            ]
        },
        "p, api: CrashLoopBackOff: b; it ended with exit code 7",
    ),
    (
        {"containerStatuses": [state(running={}, lastState=KILLED, restartCount=3)]},
        "p, api: started anew 3x, after exit code 137 (OOMKilled)",
    ),
    (
        {"initContainerStatuses": [state("migrated", **CRASHED)]},
        "p, migrated: ended with exit code 7",
    ),
    (
        {
            "containerStatuses": [
                state(
                    waiting={
                        "reason": "CreateContainerConfigError",
                        "message": 'secret "app-api" not found',
                    }
                )
            ]
        },
        'p, api: CreateContainerConfigError: secret "app-api" not found',
    ),
    (
        {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "message": "0/3 nodes\n available"}
            ]
        },
        "p: no node takes it: 0/3 nodes available",
    ),
    ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "p: Evicted: disk"),
]


@pytest.mark.parametrize(("status", "told"), TROUBLES, ids=[told for _, told in TROUBLES])
def test_trouble_is_told_as_the_cluster_says_it(status: Json, told: str) -> None:
    look = parse({"items": [a_pod(**status)]})
    assert f"api: {told}" in rollout.told(look).values()
    assert told in [str(item) for item in rollout.culprits(look)]


@pytest.mark.parametrize(
    "status",
    [
        {"containerStatuses": [state(waiting={"reason": "ContainerCreating"})]},
        {"containerStatuses": [state(running={}, ready=True)], **READY},
        {"containerStatuses": [state(running={}, lastState=CRASHED, ready=True)], **READY},
        {"containerStatuses": [state(terminated={"exitCode": 0})]},
    ],
)
def test_what_is_on_its_way_or_well_is_no_trouble(status: Json) -> None:
    assert pod(a_pod(**status)).troubles == ()


def test_the_gate_is_told_as_waiting_and_blamed_for_nothing() -> None:
    look = parse({"items": [a_pod(initContainerStatuses=[state("migrated", running={})])]})
    assert list(rollout.told(look).values()) == ["api: waits for the migration"]
    assert rollout.culprits(look) == []


def test_a_pod_that_runs_and_is_not_ready_is_blamed_last() -> None:
    items = [
        a_pod("web", "w", containerStatuses=[state("web", running={})]),
        a_pod("migrate", "m", hash="", containerStatuses=[state("migrate", **CRASHED)]),
    ]
    found = rollout.culprits(parse({"items": items}))
    assert [item.role for item in found] == ["migrate", "web"]
    assert str(found[1]) == "w, web: not ready yet"


def test_pods_of_an_older_template_are_not_blamed() -> None:
    old = a_pod(name="old", containerStatuses=[state(**CRASHED)])
    new = a_pod(name="new", hash="h2", made="2026-01-02T00:00:00Z", **READY)
    assert [item.name for item in newest(parse({"items": [old, new]}).pods)] == ["new"]


def test_of_a_jobs_tries_the_newest_is_looked_at() -> None:
    tries = [
        a_pod("migrate", f"m{day}", hash="", made=f"2026-01-0{day}T00:00:00Z") for day in (1, 3, 2)
    ]
    assert [item.name for item in newest(parse({"items": tries}).pods)] == ["m3"]


def a_deployment(**status: int) -> Json:
    meta = {"name": "d", "generation": 2, "labels": {"app.kubernetes.io/component": "api"}}
    return {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, **status},
    }


@pytest.mark.parametrize(
    ("status", "ready", "left", "settled"),
    [
        ({}, 0, 0, False),
        ({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2}, 0, 2, False),
        (
            {"replicas": 3, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2},
            1,
            1,
            False,
        ),
        (
            {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2},
            2,
            0,
            True,
        ),
        (
            {
                "replicas": 2,
                "updatedReplicas": 2,
                "readyReplicas": 2,
                "availableReplicas": 2,
                "observedGeneration": 1,
            },
            2,
            0,
            False,
        ),
    ],
)
def test_a_deployment_has_settled_when_only_its_newest_pods_are_left_and_available(
    status: dict[str, int],
    ready: int,
    left: int,
    settled: bool,  # noqa: FBT001 - a column
) -> None:
    found = deployment(a_deployment(**status))
    assert found == Deployment(
        "d", "api", 2, status.get("updatedReplicas", 0), ready, left, settled
    )


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ([], ("running", "")),
        ([{"type": "Complete", "status": "True"}], ("complete", "")),
        ([{"type": "Failed", "status": "False"}], ("running", "")),
        (
            [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "late"}],
            ("failed", "DeadlineExceeded late"),
        ),
    ],
)
def test_a_job_runs_until_a_condition_holds(conditions: list[Json], told: tuple[str, str]) -> None:
    body = {"metadata": {"name": "j"}, "status": {"conditions": conditions}}
    assert job(body) == Job("j", "", *told)


def test_an_empty_answer_shows_nothing() -> None:
    assert parse(None) == parse({"items": []})


def test_patience_is_the_migration_and_the_slowest_role() -> None:
    contract = load()
    body = a_deployment()
    body["spec"] = {
        "replicas": 3,
        "template": {"spec": {"terminationGracePeriodSeconds": 45}},
    }
    from hostwright.cluster.model import Key

    rendered = {Key("Deployment", "d"): body}
    start = contract.roles["api"].start_seconds
    assert rollout.patience(contract, rendered) == 600 + 3 * (start + 45) + rollout.PULLING
