from __future__ import annotations

import json

from hostwright.cluster import migration, pods
from hostwright.cluster.model import Key, Where

HERE = Where("shop", "web", "prod")
DID = migration.Status("0002", "0004", ("0003", "0004"), ("0004",), False)  # noqa: FBT003
TEXT = json.dumps(DID._asdict())
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "shop-migrate-0123456789",
        "namespace": "web",
        "labels": {
            "app.kubernetes.io/component": "migrate",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "app-0.1.0",
        },
        "annotations": {"helm.sh/hook": "pre-upgrade"},
    },
    "spec": {"template": {"spec": {"containers": [{"name": "migrate"}]}}},
}


def test_a_status_is_the_last_json_with_pending_wherever_it_stands() -> None:
    assert migration.status(f"starting\nmigrate: {TEXT}\n") == DID
    assert migration.status(json.dumps(json.loads(TEXT), indent=1)) == DID
    assert migration.status('{"other": 1}\nnothing {here}') is None


def test_what_a_migration_set_out_to_do_is_the_first_status_with_something_pending() -> None:
    after = json.dumps({"current": "0004", "head": "0004", "pending": []})
    assert migration.applied(f'{TEXT}\n{{"level": "info"}}\n{after}') == DID
    assert migration.applied(after) is None


def test_a_second_try_does_not_hide_what_the_first_one_did() -> None:
    again = json.dumps({**DID._asdict(), "pending": DID.pending[1:], "irreversible": []})
    assert migration.applied(again, TEXT) == migration.applied(TEXT, again) == DID


def test_the_job_anew_has_another_name_and_is_out_of_helms_hands() -> None:
    made = migration.again(JOB, "261122170301")
    assert made["metadata"] == {
        "name": "shop-migrate-0123456789-261122170301",
        "namespace": "web",
        "labels": {"app.kubernetes.io/component": "migrate"},
    }
    assert made["spec"] == JOB["spec"]


def test_the_name_of_a_job_anew_fits() -> None:
    long = {**JOB, "metadata": {"name": "a" * 63}}
    name = migration.again(long, "261122170301")["metadata"]["name"]
    assert len(name) == 63
    assert name.endswith("-261122170301")


def test_only_a_failed_job_of_the_very_name_is_removed() -> None:
    rendered = {Key("Job", "shop-migrate-0123456789"): JOB}
    same, other = "shop-migrate-0123456789", "shop-migrate-9876543210"
    for jobs, name in (
        ([pods.Job(same, "migrate", "failed")], same),
        ([pods.Job(same, "migrate", "complete")], ""),
        ([pods.Job(same, "migrate", "running")], ""),
        ([pods.Job(other, "migrate", "failed")], ""),
        ([], ""),
    ):
        assert migration.to_remove(rendered, jobs) == name
    assert migration.to_remove({}, [pods.Job(same, "migrate", "failed")]) == ""


def test_memory_grows_by_revision_and_is_read_back() -> None:
    first = migration.with_memory(None, HERE, 3, DID)
    assert first["metadata"]["name"] == "shop-migrations"
    assert "resourceVersion" not in first["metadata"]
    kept = {**first, "metadata": {**first["metadata"], "resourceVersion": "7"}}
    second = migration.with_memory(kept, HERE, 5, DID._replace(irreversible=()))
    assert second["metadata"]["resourceVersion"] == "7"
    known = migration.remembered(second)
    assert sorted(known) == [3, 5]
    assert migration.irreversible(known, [3, 4, 5]) == ["0004"]
    assert migration.irreversible(known, [4, 5]) == []
    assert migration.remembered({"data": {"3": "spoilt", "x": TEXT}}) == {}
