"""The tasks as they are typed; Helm and kubectl are real, the cluster is a stand-in."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit
from tests.unit.cluster import api
from tests.unit.cluster.lab import VALUES, bring, installation, version, write

from hostwright.cluster.client import connect
from hostwright.cluster.model import Where
from hostwright.errors import NoCluster
from hostwright.tasks import kubernetes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hostwright.cluster.client import Cluster

    Told = Callable[..., tuple[int, str, str]]

IMAGES = [f"{role}={ref}" for role, ref in version("1").items()]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Calls a task here: its exit code, standard output and standard error."""

    def call(task: Any, echo: bool = False, **kwargs: Any) -> tuple[int, str, str]:  # noqa: ANN401, FBT001, FBT002
        code = 0
        context = Context()
        context.config.run.echo = echo
        takes = inspect.signature(task.body).parameters
        empty: dict[str, Any] = {name: [] for name in ("values", "image") if name in takes}
        try:
            task(context, **{**empty, **kwargs})
        except Exit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def values(tmp_path: Path) -> list[str]:
    return [str(write(tmp_path / "prod.yaml", VALUES))]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Cluster, api.Cluster]]:
    with installation("helm-4", "1", tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig that is not there."""
    config = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return config


# --- without a cluster ---------------------------------------------------------------------------


@pytest.mark.usefixtures("nowhere")
def test_values_are_rendered_without_a_cluster(
    told: Told, values: list[str], tmp_path: Path
) -> None:
    code, out, err = told(kubernetes.render, values=values)
    assert (code, err) == (0, "")
    assert out.startswith("---\n# Source: app/templates/")
    file = tmp_path / "objects.yaml"
    code, said, _ = told(kubernetes.render, values=values, out=str(file))
    assert code == 0
    assert said.startswith(f"{file} written: ")
    assert file.read_text() == out


@pytest.mark.parametrize("name", ["render", "diff", "deploy"])
@pytest.mark.usefixtures("nowhere")
def test_wrong_values_are_refused_before_a_cluster_is_asked(
    name: str, told: Told, values: list[str], tmp_path: Path
) -> None:
    wrong = write(tmp_path / "more.yaml", {"api": {"cpus": 1}})
    code, out, err = told(getattr(kubernetes, name), values=[*values, str(wrong)])
    assert (code, out) == (5, "")
    assert err == (
        "1 problem with the values; nothing was touched\n"
        f"  {wrong}:2: api.cpus is not a value of the chart. Did you mean cpu?\n"
    )


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"values": ["gone.yaml"]}, "--values gone.yaml: there is no such file\n"),
        ({"image": ["api"]}, "--image api: is no image reference\n"),
        ({"release": "My_App"}, "--release 'My_App': is no DNS label"),
        ({"release": "a" * 54}, "is no DNS label of at most 53 characters"),
        ({"namespace": "-n"}, "--namespace '-n': is no DNS label"),
        ({"context": "--server=x"}, "--context '--server=x': is no context"),
    ],
)
def test_a_wrong_flag_is_a_sentence_and_code_2(
    flags: dict[str, Any], said: str, told: Told
) -> None:
    code, out, err = told(kubernetes.diff, **flags)
    assert (code, out) == (2, "")
    assert said in err


ASKING = ("diff", "deploy", "rollback", "migrate", "smoke", "drift")


def ask(told: Told, name: str, values: list[str], **more: Any) -> tuple[int, str, str]:  # noqa: ANN401
    given = {"values": values} if name in {"diff", "deploy"} else {}
    return told(getattr(kubernetes, name), **given, **more)


@pytest.mark.parametrize("name", ASKING)
def test_no_kubeconfig_is_a_sentence_and_code_41(
    name: str, told: Told, values: list[str], nowhere: Path
) -> None:
    del nowhere
    code, out, err = ask(told, name, values)
    assert (code, out) == (41, "")
    assert err.startswith("no cluster was named, and the kubeconfig has no current context\n")


def test_a_context_that_is_nearly_one_is_suggested(
    told: Told, values: list[str], nowhere: Path
) -> None:
    nowhere.write_text(api.config("http://127.0.0.1:1", "production"))
    code, _, err = ask(told, "drift", values, context="prodution")
    assert code == 41
    assert err == "prodution: the kubeconfig has no such context\n  Did you mean production?\n"


@pytest.mark.parametrize("name", ASKING)
def test_a_cluster_that_does_not_answer_is_code_41(
    name: str, told: Told, values: list[str], nowhere: Path
) -> None:
    nowhere.write_text(api.config("http://127.0.0.1:1"))
    code, out, err = ask(told, name, values)
    assert (code, out) == (41, "")
    assert "release app in namespace app of stand-in: the cluster does not answer" in err


def test_in_a_pod_no_context_is_needed(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del nowhere
    with pytest.raises(NoCluster):
        connect(Where(), echo=False, say=print)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert connect(Where(), echo=False, say=print).where.context == ""


# --- with one ------------------------------------------------------------------------------------


def test_the_diff_is_nothing_then_something_as_text_or_json(
    told: Told, values: list[str], there: tuple[Cluster, api.Cluster]
) -> None:
    del there
    code, out, _ = told(kubernetes.diff, values=values)
    assert (code, out) == (0, "installed: revision 1\nnothing differs\n")
    changed = ["worker=ghcr.io/acme/jobs:2"]
    code, out, _ = told(kubernetes.diff, values=values, image=changed)
    assert code == 47
    assert "~ Deployment app-worker\n    initContainers[migrated].image: " in out
    assert "    containers[worker].image: " in out
    code, out, _ = told(kubernetes.diff, values=values, image=changed, json=True)
    found = json.loads(out)["changes"]
    assert code == 47
    assert {"kind", "name", "role", "how", "fields"} == found[0].keys()


def test_a_deploy_asks_first_and_changes_nothing_without_consent(
    told: Told, values: list[str], there: tuple[Cluster, api.Cluster]
) -> None:
    _, store = there
    code, out, err = told(kubernetes.deploy, values=values, image=["web=ghcr.io/acme/web:2"])
    assert (code, out) == (2, "")
    assert "containers[web].image: " in err
    assert err.endswith("nobody is there to be asked; nothing was changed\n  Give --yes.\n")
    assert not [line for line in store.asked if not line.startswith("GET ")]


def test_a_deploy_of_what_serves_says_so(
    told: Told, values: list[str], there: tuple[Cluster, api.Cluster]
) -> None:
    _, store = there
    code, out, _ = told(kubernetes.deploy, values=values)
    assert code == 0
    assert out.startswith("revision 1 serves api ghcr.io/acme/api@sha256:")
    assert out.endswith("already; nothing was changed\n")
    assert not [line for line in store.asked if not line.startswith("GET ")]


def test_a_deploy_and_a_rollback_end_with_what_serves(
    told: Told, values: list[str], there: tuple[Cluster, api.Cluster], tmp_path: Path
) -> None:
    cluster, _ = there
    image = ["web=ghcr.io/acme/web:2"]
    code, out, err = told(kubernetes.deploy, values=values, image=image, yes=True, echo=True)
    assert code == 0
    assert out.startswith("revision 2 serves ")
    assert "web ghcr.io/acme/web:2" in out
    assert "helm upgrade app " in err
    assert "--set-string web.image=ghcr.io/acme/web:2" in err
    code, out, _ = told(kubernetes.rollback, yes=True, json=True)
    assert code == 0
    outcome = json.loads(out)
    assert (outcome["revision"], outcome["changed"]) == (3, True)
    assert outcome["images"]["web"] == VALUES["web"]["image"]
    bring(cluster, tmp_path, "1")


def test_drift_is_code_35_and_names_what_differs(
    told: Told, there: tuple[Cluster, api.Cluster]
) -> None:
    _, store = there
    for key, body in store.objects.items():
        if key[0] == "ExternalSecret":
            body["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    code, out, err = told(kubernetes.drift)
    assert (code, err) == (0, "")
    assert out.startswith("no drift: api, web, worker run as they were installed")
    store.objects["Deployment", "app", "app-web"]["spec"]["replicas"] = 7
    code, out, err = told(kubernetes.drift, json=True)
    assert code == 35
    assert json.loads(out) == {"differences": [{"role": "web", "what": "7 replicas instead of 2"}]}
    assert "1 difference\n  web: 7 replicas instead of 2\n" in err


def test_the_migration_runs_anew_and_its_log_is_printed(
    told: Told, there: tuple[Cluster, api.Cluster]
) -> None:
    _, store = there
    code, out, _ = told(kubernetes.migrate)
    assert code == 0
    assert "a line of app-migrate-" in out
    assert " migrated (" in out
    store.failing = lambda _: True
    code, out, err = told(kubernetes.migrate)
    assert (code, out) == (33, "")
    assert "failed (exit code 1" in err


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("name", ["diff", "drift"])
def test_a_cluster_that_refuses_is_code_42(
    name: str, code: int, told: Told, values: list[str], there: tuple[Cluster, api.Cluster]
) -> None:
    _, store = there
    said = {401: "Unauthorized", 403: 'secrets is forbidden: User "a" cannot list them'}[code]
    store.refuse = lambda _, path: (code, said) if "secrets" in path else None
    found, out, err = ask(told, name, values)
    assert (found, out) == (42, "")
    assert "release app in namespace app of stand-in: " in err


@pytest.mark.parametrize("name", ["rollback", "migrate", "smoke", "drift"])
def test_another_release_is_not_there_and_code_43(
    name: str, told: Told, values: list[str], there: tuple[Cluster, api.Cluster]
) -> None:
    del there
    code, out, err = ask(told, name, values, release="other")
    assert (code, out) == (43, "")
    assert "release other in namespace app of stand-in: nothing is installed there" in err
