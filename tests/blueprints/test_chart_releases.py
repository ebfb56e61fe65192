"""The chart as releases use it: below another chart, packaged, upgraded, and taken back.

Nothing is installed here. What is shown is what Helm's own rules then make of it: an upgrade
changes no field that cannot be changed, ``--atomic`` (``--rollback-on-failure`` in Helm 4) finds
what it restores, and nothing stays behind that a second try would stumble over.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.blueprints import complaints
from tests.blueprints.charts import ENOUGH, MAJORS, PRESETS, Chart, jobs, laid, pod_of

from hostwright import paths, toolchain
from hostwright.helm import cli, manifest
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.helm.manifest import Manifest, Object

    Json = dict[str, Any]


@pytest.fixture(params=MAJORS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return Chart(major=request.param)


def bodies(found: Manifest) -> dict[str, object]:
    """Every object by kind and name."""
    return {str(each): each.body for each in found.objects}


# --- below another chart -------------------------------------------------------------------------


def umbrella(to: Path, **dependency: str) -> Path:
    """A chart that has ours below it."""
    own = yaml.safe_load((paths.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    wanted = {"name": "app", "version": own["version"], "repository": "", **dependency}
    about = {"apiVersion": "v2", "name": "all", "version": "2.0.0", "dependencies": [wanted]}
    to.mkdir()
    (to / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    shutil.copytree(paths.CHART, to / "charts" / "app")
    return to


def below(root: Path, major: str, values: Json) -> Manifest:
    return manifest.parse(Chart(root, major).bare(values), "ops/charts/app")


def test_a_subchart_renders_what_the_chart_does(chart: Chart, tmp_path: Path) -> None:
    root = umbrella(tmp_path / "all")
    found = below(root, chart.major, {"app": ENOUGH})
    assert bodies(found) == bodies(chart.manifest())


def test_global_and_enabled_change_nothing(chart: Chart, tmp_path: Path) -> None:
    root = umbrella(tmp_path / "all", condition="app.enabled")
    shared = {"global": {"imageRegistry": "x", "list": [1, {"a": None}]}, "tags": {"a": True}}
    found = below(root, chart.major, {**shared, "app": {**ENOUGH, "enabled": True}})
    assert bodies(found) == bodies(chart.manifest())
    assert bodies(chart.manifest({"global": {"a": 1}, "enabled": True})) == bodies(found)
    assert not below(root, chart.major, {**shared, "app": {"enabled": False}}).objects


def test_an_alias_is_another_application(chart: Chart, tmp_path: Path) -> None:
    root = umbrella(tmp_path / "all", alias="shop")
    found = below(root, chart.major, {"shop": ENOUGH})
    names = {each.labels["app.kubernetes.io/name"] for each in found.objects}
    assert names == {"shop"}
    assert len(found.objects) == len(chart.manifest().objects)


def test_a_subchart_is_refused_in_our_words(chart: Chart, tmp_path: Path) -> None:
    root = umbrella(tmp_path / "all")
    values = laid({"app": ENOUGH}, {"app": {"api": {"image": ""}}})
    with pytest.raises(cli.Refused) as refused:
        Chart(root, chart.major).bare(values)
    assert [each.id for each in refused.value.problems] == ["image-missing"]


# --- packaged ------------------------------------------------------------------------------------


def test_a_package_renders_what_the_directory_does(chart: Chart, tmp_path: Path) -> None:
    helm = toolchain.provide(chart.major)
    run([*helm.argv, "package", str(paths.CHART), "--destination", str(tmp_path)], timeout=60)
    (package,) = tmp_path.glob("*.tgz")
    values = tmp_path / "values.json"
    values.write_text(json.dumps(ENOUGH), encoding="utf-8")
    words = ["template", "app", str(package), "--namespace", "app", "--values", str(values)]
    assert run([*helm.argv, *words], timeout=60).stdout == chart.text()


# --- upgraded and taken back ---------------------------------------------------------------------

NEW = {role: {"image": f"registry.example.org/{role}:2"} for role in ("api", "web", "worker")}


def test_what_cannot_be_changed_never_changes(chart: Chart) -> None:
    """A Deployment's selector: an upgrade that changes it fails, and so does the way back."""
    first = {str(each): each for each in chart.manifest().of("Deployment", "Service")}
    for way, found in complaints.every_way(chart):
        for each in found.of("Deployment", "Service"):
            assert _selector(each) == _selector(first[str(each)]), f"{way}: {each}"
    assert {each.kind for _, found in complaints.every_way(chart) for each in found.objects} <= {
        *("Deployment", "ExternalSecret", "HTTPRoute", "HorizontalPodAutoscaler", "Ingress"),
        *("Job", "NetworkPolicy", "Pod", "PodDisruptionBudget", "ScaledObject"),
        *("SecretProviderClass", "Service", "ServiceAccount"),
    }


def _selector(each: Object) -> object:
    return each.at("spec", "selector")


def test_an_upgrade_changes_the_pods_and_the_job_alone(chart: Chart) -> None:
    old, new = bodies(chart.manifest()), bodies(chart.manifest(NEW))
    changed = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    assert changed == {
        *(f"Deployment/app-{role}" for role in ("api", "web", "worker")),
        "Pod/app-test-ready",
    }
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    assert [key.partition("/")[0] for key in (*gone, *come)] == ["Job", "Job"]


def test_the_way_back_is_what_was_there(chart: Chart) -> None:
    """`helm rollback` applies the old release: its Job has its old name, and its old pod."""
    again = Chart(chart.root, chart.major, ("--is-upgrade=true",))
    assert bodies(again.manifest()) == bodies(chart.manifest())


def test_nothing_outlives_its_release_by_itself(chart: Chart) -> None:
    for way, found in complaints.every_way(chart):
        for each in found.objects:
            assert "helm.sh/resource-policy" not in each.annotations, f"{way}: {each}"
            assert not each.at("metadata", "finalizers"), f"{way}: {each}"


def test_a_second_try_meets_no_hook_of_the_first(chart: Chart) -> None:
    """A hook that is there already fails the next try, unless it is deleted before."""
    for way, found in complaints.every_way(chart):
        for each in (each for each in found.objects if each.hooks):
            policy = each.annotations["helm.sh/hook-delete-policy"].split(",")
            assert "before-hook-creation" in policy, f"{way}: {each}"
            kept = each.kind in {"Job", "Pod"}
            assert ("hook-succeeded" in policy) != kept, f"{way}: {each}: its log goes with it"


def test_a_failed_migration_ends_the_wait(chart: Chart) -> None:
    """Job and gate give up in time for Helm's own `--timeout` to be set above them."""
    for way, found in complaints.every_way(chart):
        limits = [job.at("spec", "activeDeadlineSeconds") for job in jobs(found)]
        limits += [
            int(container.at("command")[4])
            for pod in found.pods
            for container in pod.containers
            if container.init
        ]
        assert set(limits) == {600}, f"{way}: {limits}"
        for job in jobs(found):
            assert job.at("spec", "backoffLimit") <= 3, f"{way}: tries for ever"
            assert job.at("spec", "ttlSecondsAfterFinished"), f"{way}: is kept for ever"


def test_a_worker_that_may_not_overlap_stops_first(chart: Chart) -> None:
    worker = pod_of(chart.manifest(), "worker").object
    assert worker.at("spec", "strategy") == {"type": "Recreate"}


def test_names_depend_on_one_value(chart: Chart) -> None:
    """Whatever else is set, an object keeps its name, so that an upgrade finds it."""
    hosted = set(bodies(chart.manifest()))
    other = set(bodies(chart.manifest({"projectName": "shop"}, name="other")))
    plain = {key.replace("/shop", "/app") for key in other if not key.startswith("Job/")}
    assert plain == {key for key in hosted if not key.startswith("Job/")}
    for preset in PRESETS:
        for each in chart.preset(preset).objects:
            assert each.name.startswith(("app", "shop")), f"{preset}: {each}"


# --- what is told --------------------------------------------------------------------------------


def test_notes_say_where_and_what_is_next() -> None:
    helm = toolchain.provide("helm-4")
    told = cli.notes(paths.CHART, [PRESETS["gcp"]], helm=helm)
    assert "https://app.example.org" in told
    assert "https://api.example.org" in told
    assert "helm test app --namespace app" in told
    assert "Nothing here migrates the database" in told
    private = cli.notes(paths.CHART, [ENOUGH, {"env": {"VAULT_NAMESPACE": "x"}}], helm=helm)
    assert "port-forward service/app-web 3000" in private
    assert "Pods begin when nothing is pending" in private
    assert "VAULT_NAMESPACE" in private.partition("not used")[2], "takes it without a word"
    assert "LOG_LEVEL" not in private


@pytest.mark.parametrize("major", MAJORS)
def test_a_kubernetes_that_is_too_old_is_refused(major: str) -> None:
    """1.29 has no ``preStop.sleep``: its pods would be refused one by one."""
    helm = toolchain.provide(major)
    with pytest.raises(cli.Broken, match="kubeVersion"):
        cli.template(paths.CHART, [ENOUGH], helm=helm, kube_version="1.29.9")
    assert cli.template(paths.CHART, [ENOUGH], helm=helm, kube_version="1.30.0-eks-1")
