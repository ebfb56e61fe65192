"""Real Helm (both majors) and real kubectl against a stand-in for an API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.cluster import api
from tests.unit.cluster.lab import CONTRACT, DIGEST, HELMS, bring, installation, wanted

from hostwright.cluster import deploy, installed, look, migrate, rollback
from hostwright.cluster import smoke as smoking
from hostwright.cluster.history import serving
from hostwright.errors import (
    KubernetesError,
    MigrationError,
    NoRelease,
    NoWayBack,
    RolloutError,
    Unfinished,
)
from hostwright.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.cluster.client import Cluster

PENDING = {
    "current": "0002",
    "head": "0003",
    "pending": ["0003"],
    "irreversible": [],
    "ahead": False,
}
FINAL = {**PENDING, "head": "0004", "pending": ["0004"], "irreversible": ["0004"]}


def there_with(*params: tuple[str, str]) -> pytest.MarkDecorator:
    """On which Helm, and after which versions were deployed."""
    ids = [f"{helm} after {versions or 'nothing'}" for helm, versions in params]
    return pytest.mark.parametrize("there", params, indirect=True, ids=ids)


def on_both(versions: str) -> pytest.MarkDecorator:
    return there_with(*((helm, versions) for helm in HELMS))


@pytest.fixture
def there(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Cluster, api.Cluster]]:
    helm, versions = request.param
    with installation(helm, versions, tmp_path, monkeypatch) as found:
        yield found


def digest(number: str) -> str:
    return DIGEST[number]


def speaks(of: str) -> Any:  # noqa: ANN401 - a predicate
    return lambda body: of in json.dumps(body)


@on_both("")
def test_a_release_is_installed_then_nothing_is_left_to_change(
    there: tuple[Cluster, api.Cluster], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, store = there
    target = wanted(tmp_path)
    first = deploy.plan(cluster, target)
    assert first.text.startswith("installed: nothing yet\n+ ")
    assert not first.settled
    outcome = bring(cluster, tmp_path)
    assert outcome.revision == 1
    assert outcome.images["worker"] == f"ghcr.io/acme/api{digest('1')}"
    assert "api: 2 of 2 ready" in capsys.readouterr().err
    again = deploy.plan(cluster, target)
    assert again.settled
    assert again.text == "installed: revision 1\nnothing differs"
    assert any(key[0] == "HTTPRoute" for key in store.objects)


@there_with(("helm-4", "1"))
def test_a_diff_names_image_and_variable_by_their_places(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, _ = there
    changed = wanted(tmp_path, "2", worker={"env": {"LOG_LEVEL": "debug"}})
    text = deploy.plan(cluster, changed).text
    assert f"containers[api].image: ghcr.io/acme/api{digest('1')} -> ghcr.io" in text
    assert "containers[worker].env[LOG_LEVEL].value: info -> debug" in text
    assert "+ Job app-migrate-" in text
    assert "- Job app-migrate-" in text
    assert "~ Service" not in text


@on_both("1")
def test_what_does_not_come_up_is_taken_back_with_its_log_and_what_serves(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    store.stuck, store.keeps = speaks(f"web{digest('2')}"), 30
    with pytest.raises(RolloutError) as failed:
        bring(cluster, tmp_path, "2", seconds=5)
    told = str(failed.value)
    assert "web: app-web-g" in told
    assert "CrashLoopBackOff: back-off; it ended with exit code 7" in told
    assert "    a line of app-web-g" in told
    assert f"Serving now: revision 3 (api ghcr.io/acme/api{digest('1')}" in told
    assert [item.status for item in installed.revisions(cluster)] == [
        "superseded",
        "failed",
        "deployed",
    ]


@on_both("1")
def test_a_migration_that_fails_is_told_with_its_log_and_runs_anew_the_next_time(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    store.failing, store.keeps = speaks(digest("2")), 30
    with pytest.raises(MigrationError) as failed:
        # Helm 3 asks a Job that has failed again and again, for a minute if it is let.
        bring(cluster, tmp_path, "2", seconds=5)
    told = str(failed.value)
    assert "the migration failed (app-migrate-" in told
    assert "BackoffLimitExceeded it failed too often" in told
    assert "    a line of app-migrate-" in told
    assert "Serving now: revision 3" in told
    store.failing = api.never
    assert bring(cluster, tmp_path, "2").revision == 4


@there_with(("helm-4", "1"))
def test_a_log_that_could_not_be_read_is_asked_for_again(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    store.stuck, store.keeps = speaks(f"web{digest('2')}"), 30
    asked: list[str] = []

    def once(_: str, path: str) -> tuple[int, str] | None:
        # Not gone, but not there yet either: a kubelet that does not answer.
        asked.extend([path] if "/log?" in path else [])
        return (500, "InternalError") if "/log?" in path and len(asked) == 1 else None

    store.refuse = once
    with pytest.raises(RolloutError) as failed:
        bring(cluster, tmp_path, "2", seconds=8)
    assert len(asked) > 1
    assert "    a line of app-web-g" in str(failed.value)


@there_with(("helm-3", ""))
def test_a_failed_job_of_the_same_name_is_removed_before_a_retry(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    target = wanted(tmp_path)
    name = next(key.name for key in target.objects if key.kind == "Job")
    job = dict(target.objects[next(key for key in target.objects if key.kind == "Job")])
    store.failing = speaks(name)
    meta = {**job["metadata"], "annotations": {"meta.helm.sh/release-name": "app"}}
    store.put(api.BY_PATH["batch/v1", "jobs"], "app", {**job, "metadata": meta})
    store.failing = api.never
    bring(cluster, tmp_path)
    assert any(
        line.startswith(f"DELETE /apis/batch/v1/namespaces/app/jobs/{name}") for line in store.asked
    )


@there_with(("helm-3", "1"))
def test_a_release_that_was_cut_off_is_not_run_over_and_a_rollback_settles_it(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    # Helm begins, and can write down nothing more: as if its machine had been switched off.
    store.refuse = lambda verb, _: (500, "no") if verb in {"PATCH", "PUT"} else None
    with pytest.raises(KubernetesError):
        bring(cluster, tmp_path, "2")
    store.refuse = lambda *_: None
    with pytest.raises(Unfinished, match=r"revision \d is pending-") as cut:
        deploy.plan(cluster, wanted(tmp_path, "2"))
    assert "`invoke kubernetes.rollback` settles it" in str(cut.value)
    back = rollback.way(cluster, CONTRACT)
    assert back.target == 1
    with Progress() as progress:
        rollback.rollback(cluster, CONTRACT, back, progress, seconds=60)
    assert bring(cluster, tmp_path, "2").images["api"].endswith(digest("2"))


@on_both("123")
def test_a_rollback_goes_to_the_revision_before_and_past_what_was_left(
    there: tuple[Cluster, api.Cluster],
) -> None:
    cluster, store = there
    for target, number in ((2, "2"), (1, "1")):
        back = rollback.way(cluster, CONTRACT)
        assert back.target == target
        assert f"-> ghcr.io/acme/api{digest(number)}" in back.text
        with Progress() as progress:
            outcome = rollback.rollback(cluster, CONTRACT, back, progress, seconds=60)
        assert outcome.images["api"].endswith(digest(number))
    body = store.objects["Deployment", "app", "app-api"]
    assert digest("1") in json.dumps(body["spec"])
    with pytest.raises(NoWayBack, match="no earlier good revision that is another"):
        rollback.way(cluster, CONTRACT)
    now = serving(installed.release(cluster))
    assert now is not None
    assert now.number == 5


@there_with(("helm-4", "1"))
def test_a_rollback_to_a_failed_or_missing_revision_is_refused(
    there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, store = there
    store.stuck = speaks(digest("2"))
    with pytest.raises(RolloutError):
        bring(cluster, tmp_path, "2", seconds=5)
    with pytest.raises(NoWayBack, match="revision 2 is failed\n  Good ones: 1, 3"):
        rollback.way(cluster, CONTRACT, 2)
    with pytest.raises(NoWayBack, match="there is no revision 9"):
        rollback.way(cluster, CONTRACT, 9)


@there_with(("helm-4", "1"))
@pytest.mark.parametrize("status", [PENDING, FINAL], ids=["reversible", "irreversible"])
def test_what_a_migration_did_is_remembered_and_asked_by_a_rollback(
    there: tuple[Cluster, api.Cluster], tmp_path: Path, status: dict[str, Any]
) -> None:
    cluster, store = there
    target = wanted(tmp_path, "2")
    job = next(key.name for key in target.objects if key.kind == "Job")
    store.logs[f"{job}-pod1"] = f"2026 INFO migrating {json.dumps(status)}\ndone\n"
    bring(cluster, tmp_path, "2")
    [(number, did)] = installed.memory(cluster).items()
    assert (number, did.pending) == (2, tuple(status["pending"]))
    if status["irreversible"]:
        with pytest.raises(NoWayBack, match="declared irreversible: 0004"):
            rollback.way(cluster, CONTRACT)
    else:
        assert "migrations since then stay: 0003" in rollback.way(cluster, CONTRACT).text


@there_with(("helm-4", "12"))
def test_the_running_image_is_asked_how_far_the_database_is(
    there: tuple[Cluster, api.Cluster],
) -> None:
    cluster, store = there
    store.answers = {"status": json.dumps({**PENDING, "current": "0003", "pending": []})}
    assert "the database is at 0003 and stays there" in rollback.way(cluster, CONTRACT).text
    store.answers = {}
    assert "the database could not be asked: " in rollback.way(cluster, CONTRACT).text


@there_with(("helm-4", "1"))
def test_the_migrate_job_runs_anew_under_a_new_name(
    there: tuple[Cluster, api.Cluster],
) -> None:
    cluster, store = there
    with Progress() as progress:
        ended = migrate.migrate(cluster, CONTRACT, progress, pause=lambda _: None)
    assert ended.exit_code == 0
    assert ended.log == (f"a line of {ended.job}-pod1",)
    made = store.objects["Job", "app", ended.job]
    assert "app.kubernetes.io/managed-by" not in made["metadata"]["labels"]
    assert made["metadata"]["labels"]["app.kubernetes.io/component"] == "migrate"
    store.failing = lambda _: True
    with Progress() as progress, pytest.raises(MigrationError) as failed:
        migrate.migrate(cluster, CONTRACT, progress, pause=lambda _: None)
    assert "failed (exit code 1: BackoffLimitExceeded" in str(failed.value)
    assert "    a line of app-migrate-" in str(failed.value)


@there_with(("helm-4", "1"))
def test_drift_is_nothing_then_every_change_by_hand(
    there: tuple[Cluster, api.Cluster],
) -> None:
    cluster, store = there
    secret = store.objects["ExternalSecret", "app", "app-api"]
    for key, body in store.objects.items():
        if key[0] == "ExternalSecret":
            body["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert look.drift(cluster, CONTRACT) == ([], ["api", "web", "worker"])
    deployment = store.objects["Deployment", "app", "app-api"]
    deployment["spec"]["replicas"] = 5
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "ghcr.io/acme/api:hotfix"
    container["env"] = [
        {**item, "value": "debug"} if item["name"] == "LOG_LEVEL" else item
        for item in container["env"]
        if item["name"] != "SECRET_KEY"
    ] + [{"name": "DEBUG", "value": "1"}]
    secret["status"] = {
        "conditions": [{"type": "Ready", "status": "False", "message": "no access"}]
    }
    del store.objects["Deployment", "app", "app-web"]
    found = [str(item) for item in look.drift(cluster, CONTRACT)[0]]
    for line in (
        "api: 5 replicas instead of 2",
        f"api: the image is ghcr.io/acme/api:hotfix instead of ghcr.io/acme/api{digest('1')}",
        "api: SECRET_KEY is missing",
        "api: DEBUG is not in what was installed",
        "api: LOG_LEVEL was changed",
        "api: SECRET_KEY is missing: the contract requires it",
        "api: DEBUG is not in the contract",
        "api: ExternalSecret app-api is not ready: no access",
        "web: Deployment app-web is gone",
        "web: nothing runs",
    ):
        assert line in found, line
    assert "debug" not in "\n".join(found)


@on_both("")
def test_nothing_installed_is_one_sentence(there: tuple[Cluster, api.Cluster]) -> None:
    cluster, _ = there
    with Progress() as progress:
        for ask in (
            lambda: rollback.way(cluster, CONTRACT),
            lambda: look.drift(cluster, CONTRACT),
            lambda: migrate.migrate(cluster, CONTRACT, progress),
            lambda: smoking.smoke(cluster, CONTRACT, progress, seconds=1, forward=True),
        ):
            with pytest.raises(NoRelease, match="nothing is installed there under that name"):
                ask()
