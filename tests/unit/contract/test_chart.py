"""The schemas of the chart's values: against values.yaml, jsonschema, and Helm itself."""

from __future__ import annotations

import json
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from tests.unit.contract.planted import real

from hostwright import paths, toolchain
from hostwright.contract import chart, commented
from hostwright.docs.contract_tables import inputs_on
from hostwright.errors import UserError
from hostwright.helm import cli
from hostwright.helm.cli import Refused
from hostwright.helm.manifest import read
from hostwright.render.release import without

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = chart.VALUES.read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load(TEXT)
KEYS = commented.read(TEXT, "values.yaml")
PRESETS = sorted((paths.CHART / "ci").glob("*.yaml"))
MAJORS = ("helm-3", "helm-4")


@cache
def schema(*, whole: bool) -> dict[str, Any]:
    made = chart.schema(real(), KEYS, {"image.tag": "api.image"}, whole=whole)
    Draft7Validator.check_schema(made)
    return made


def complaints(values: object, *, whole: bool = False) -> list[str]:
    """Paths at which the schema refuses *values*."""
    found = Draft7Validator(schema(whole=whole)).iter_errors(values)
    return sorted({".".join(map(str, error.absolute_path)) for error in found})


def laid_over(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Values over defaults, as Helm does it."""
    made = dict(defaults)
    for key, value in values.items():
        under = made.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        made[key] = laid_over(value, under) if both else value  # type: ignore[arg-type]
    return {key: value for key, value in made.items() if value is not None or key not in values}


# --- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("api_memory_mib", "api.memoryMib"),
        ("worker_secrets", "worker.secrets"),
        ("web_min_instances", "web.minInstances"),
        ("environment", "environment"),
        ("app_public_url", "appPublicUrl"),
        # Begin like a role, and are nothing of its alone.
        ("api_base_url", "apiBaseUrl"),
        ("api_domain", "apiDomain"),
    ],
)
def test_an_input_has_one_path(name: str, path: str) -> None:
    assert chart.value_path(name) == path


def test_every_input_of_kubernetes_is_a_value_with_the_same_default() -> None:
    values = {each.dotted: each.value for each in KEYS}
    inputs = {
        chart.value_path(name): item.default_on("kubernetes")
        for name, item in real().inputs.items()
        if "kubernetes" in item.targets
    }
    assert sorted(inputs.keys() - values.keys()) == []
    told = {path: values[path] for path in inputs}
    assert {path: str(value) for path, value in told.items() if value not in ("", None, {})} == {
        path: default for path, default in inputs.items() if default is not None
    }


def test_the_page_of_inputs_names_each_path() -> None:
    page = "\n".join(inputs_on(real(), "kubernetes"))
    assert "| `api.memoryMib` | int | `512` |" in page
    assert "| `worker.image` | image | as `api_image` |" in page
    assert "| `projectName` |" in page


# --- keys ----------------------------------------------------------------------------------------


def described(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema's keys that are values, by path; not what maps of any names may hold."""
    for key, value in node.get("properties", {}).items():
        yield f"{path}{key}", value
        if value.get("additionalProperties") is False:
            yield from described(value, f"{path}{key}.")


@pytest.mark.parametrize("whole", [True, False])
def test_schema_and_values_have_the_same_keys(whole: bool) -> None:  # noqa: FBT001 - table
    told = dict(described(schema(whole=whole)))
    of_umbrellas = {"global", "enabled"}
    old = {path for path, node in told.items() if node.get("deprecated")}
    assert set(told) - of_umbrellas - old == {each.dotted for each in KEYS}
    assert old == {"image", "image.tag"}


def test_every_key_is_described_and_takes_no_other_key_beside_it() -> None:
    for path, node in described(schema(whole=True)):
        assert len(node["description"]) > 5, path
        if node.get("type") == "object" and "additionalProperties" not in node:
            assert path == "global"


def test_every_row_of_the_tables_is_needed() -> None:
    rows = {chart._row(each.path): each for each in KEYS}  # noqa: SLF001
    assert not chart._TABLE.keys() - rows.keys()  # noqa: SLF001


def test_the_committed_schemas_are_current() -> None:
    for path, text in chart.files(real()).items():
        assert path.read_text() == text, "run `invoke contract.export`"


def test_without_a_chart_there_is_nothing_to_generate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart, "VALUES", tmp_path / "values.yaml")
    assert chart.files(real()) == {}


# --- values --------------------------------------------------------------------------------------


def test_the_defaults_fit_both_schemas() -> None:
    assert complaints(DEFAULTS, whole=True) == complaints(DEFAULTS) == []


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_fit_alone_and_laid_over_the_defaults(preset: Path) -> None:
    values = read(preset.read_text(), preset.name)
    assert complaints(values) == []
    assert complaints(laid_over(values, DEFAULTS), whole=True) == []


def nested(path: str, value: object) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


NULLABLE = [each.dotted for each in KEYS if each.value is None]


@pytest.mark.parametrize("path", [each.dotted for each in KEYS])
def test_null_is_taken_exactly_where_it_is_the_default(path: str) -> None:
    expected = [] if path in NULLABLE else [path]
    assert complaints(nested(path, None)) == expected
    # Helm drops it: what is left must miss it, or not.
    left = complaints(laid_over(nested(path, None), DEFAULTS), whole=True)
    assert left == ([] if path in NULLABLE else [path.rpartition(".")[0]])


@pytest.mark.parametrize("path", [each.dotted for each in KEYS])
@pytest.mark.parametrize("wrong", [["?"], {"?": []}, {"?": {"?": "?"}}], ids=str)
def test_what_cannot_be_meant_is_refused_everywhere(path: str, wrong: object) -> None:
    assert complaints(nested(path, wrong)) or (
        # The lists of texts, whose items another test looks at.
        path == "pods.imagePullSecrets" and wrong == ["?"]
    )


REFUSED: dict[str, list[object]] = {
    "environment": ["live", "", 1],
    "secretsProvider": ["env", "AWS_SM"],
    "storageProvider": ["local", "s4"],
    "projectName": [1, True],
    "secrets.type": ["eso", ""],
    "secrets.external.refreshInterval": ["1 hour", "", "h", 60],
    "secrets.external.storeKind": ["Store", ""],
    "secrets.csi.provider": ["hashicorp"],
    "secrets.references": [{"DATABASE_URL": 1}, {"ANY": None}],
    "identity.type": ["irsa"],
    "routing.type": ["httproute"],
    "autoscaling.type": ["both", True],
    "autoscaling.targetCpu": [0, 101, 70.5, "70"],
    "migrate.type": ["argo"],
    "migrate.attempt": [0, 2**31],
    "migrate.ttlSeconds": [-1],
    "networkPolicy.enabled": ["yes", 1],
    "networkPolicy.ingressFrom": [[{}], [{"cidr": "10.0.0.0/8"}], ["10.0.0.0/8"]],
    "networkPolicy.databaseRanges": [["10.0.0.0"], ["db.example.org/32"], "10.0.0.0/8"],
    "networkPolicy.databasePort": [-1, 65_536, "5432"],
    "networkPolicy.egressPorts": [[0], [65_536], ["443"], [443, 443], 443],
    "databaseMaxConnections": [-1, 1.5],
    "pods.user": [0, -1],
    "pods.group": [0],
    "pods.imagePullSecrets": [[""], [{}], [{"nam": "x"}], "x"],
    "pods.tolerations": [[{"keyy": "x"}], ["x"], [{"effect": "NoRun"}]],
    "pods.labels": [{"a": None}, {"a": ["b"]}],
    "api.cpu": [0, -1, "500m", True],
    "api.memoryMib": [0, "512Mi", 1.5],
    "web.diskMib": [0],
    "web.minInstances": [0, "2"],
    "worker.maxInstances": [0, 1001],
    "api.preStopSeconds": [-1, 3601],
    "worker.triggers": [[{}], [{"type": "redis"}], [{"type": "r", "metadata": {"a": 1}}]],
    "api.env": [{"LOG_LEVEL": "loud"}, {"ANY": []}, {"CONTRACT_ENDPOINT_ENABLED": "yes"}],
    "worker.secrets": [{"DATABASE_URL": {"name": "a"}}],
    "global": [1],
    "enabled": ["true"],
    "apiImage": ["x"],
    "api.imag": ["x"],
    "api.triggers": [[]],
}
TAKEN: dict[str, list[object]] = {
    "secretsProvider": ["", "aws_sm", "infisical_self_host"],
    "secrets.revision": ["2026-01-01", 7],
    "secrets.external.refreshInterval": ["1h", "1h30m", "0.5h"],
    "secrets.csi.parameters": [{"tenantId": "x", "useVMManagedIdentity": False}],
    "networkPolicy.ingressFrom": [
        [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
        [{"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}],
    ],
    "networkPolicy.redisRanges": [["fd00::/8", "10.0.0.1/32"]],
    "pods.imagePullSecrets": [["one"], [{"name": "one"}]],
    "pods.tolerations": [[{"key": "spot", "operator": "Exists"}]],
    "api.cpu": [0.001, 0.5, 2],
    "api.minInstances": [1, None],
    # Names that the contract does not have reach the template, whose sentence names the nearest.
    "api.env": [{"LOG_LEVL": "x", "N": 1, "B": True}, {"CONTRACT_ENDPOINT_ENABLED": True}],
    "secrets.references": [{"DATABASE_URI": "x", "DATABASE_URL": ""}],
    "worker.triggers": [[{"type": "redis", "metadata": {"listLength": "5"}}]],
    "global": [{"anything": {"at": "all"}}],
    "enabled": [True, False],
    "image.tag": ["1", 1, None, {}],
}


@pytest.mark.parametrize("path", REFUSED)
def test_wrong_values_are_refused_at_their_path(path: str) -> None:
    for value in REFUSED[path]:
        found = complaints(nested(path, value))
        assert found, value
        at = found[0]
        assert f"{path}.".startswith(f"{at}.") or f"{at}.".startswith(f"{path}.") or at == ""


@pytest.mark.parametrize("path", TAKEN)
def test_right_values_are_taken(path: str) -> None:
    for value in TAKEN[path]:
        assert complaints(nested(path, value)) == [], value


def test_maps_list_what_an_operator_sets_and_nothing_else() -> None:
    told = dict(described(schema(whole=False)))
    assert "LOG_LEVEL" in told["env"]["properties"]
    assert "PORT" not in told["env"]["properties"]  # composed
    assert "DATABASE_URL" not in told["env"]["properties"]  # secret
    assert "CONTRACT_ENDPOINT_ENABLED" in told["api.env"]["properties"]
    assert "CONTRACT_ENDPOINT_ENABLED" not in told["worker.env"]["properties"]  # the api's
    assert "DATABASE_URL" in told["secrets.references"]["properties"]
    assert told["web.secrets"]["properties"] == {}
    level = told["env"]["properties"]["LOG_LEVEL"]
    assert level == {
        "description": "Least severity that is logged.",
        "enum": ["debug", "info", "warning", "error"],
    }


def test_an_application_without_a_role_has_none_of_its_variables() -> None:
    smaller = without(real(), frozenset({"web"}))
    told = dict(described(chart.schema(smaller, KEYS, {}, whole=False)))
    assert "DATABASE_URL" not in told["secrets.references"]["properties"]
    assert told["worker.secrets"]["properties"] == {}


# --- renamed values ------------------------------------------------------------------------------


def test_the_renamed_values_of_the_chart_lead_to_its_own() -> None:
    if chart.RENAMED.is_file():
        assert chart.renamed(chart.RENAMED.read_text())
    assert set(chart.files(real())) == {chart.SCHEMA, paths.VALUES_SCHEMA}


def test_a_renamed_value_beside_others_is_let_through_there() -> None:
    made = chart.schema(real(), KEYS, {"secrets.enabled": "secrets.type"}, whole=False)
    told = made["properties"]["secrets"]["properties"]["enabled"]
    assert told == {
        "description": "Not a value of this chart: use secrets.type.",
        "deprecated": True,
    }


@pytest.mark.parametrize(
    ("old", "what"),
    [
        ({"api.image": "web.image"}, "api.image is a value of the chart"),
        ({"replicaCount": "api.replicas"}, "replicaCount leads to api.replicas, which is no value"),
        ({"replicas": "api.cpu or web.replicas"}, "replicas leads to web.replicas"),
        ({"replicas": "something else"}, "replicas leads to no value"),
    ],
)
def test_a_renaming_that_makes_no_sense_is_told(old: dict[str, str], what: str) -> None:
    with pytest.raises(UserError, match=what):
        chart.schema(real(), KEYS, old, whole=False)


@pytest.mark.parametrize(
    "new",
    [
        "api.cpu, or web.cpu",
        "cpu of a role",
        "secrets.references.DATABASE_URL; this chart brings no database",
        "ops/contract/contract.yaml, which has the ports",
    ],
)
def test_a_renaming_leads_to_values_or_to_the_contract(new: str) -> None:
    made = chart.schema(real(), KEYS, {"old": new}, whole=True)
    assert made["properties"]["old"]["description"].endswith(f"use {new}.")


@pytest.mark.parametrize("text", ["- a\n", "a: 1\n", "a: [\n"])
def test_renamed_yaml_holds_paths_alone(text: str) -> None:
    with pytest.raises(UserError) as caught:
        chart.renamed(text)
    assert caught.value.where == "ops/charts/app/renamed.yaml"


@pytest.mark.parametrize(
    ("text", "what"),
    [("nobody: ''\n", "nobody has no description"), ("# -- A list.\nnew: []\n", "too little")],
)
def test_a_value_that_says_too_little_of_itself_is_told(text: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        chart.schema(real(), commented.read(text, "values.yaml"), {}, whole=False)


# --- Helm ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart with these values and this schema, and nothing to render."""
    place = tmp_path_factory.mktemp("bare")
    (place / "templates").mkdir()
    (place / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    shutil.copy(chart.VALUES, place)
    (place / "values.schema.json").write_text(json.dumps(schema(whole=True)))
    return place


@pytest.mark.parametrize("major", MAJORS)
def test_helm_takes_and_refuses_what_the_schema_does(bare: Path, major: str) -> None:
    helm = toolchain.provide(major)
    for path, value in _samples(TAKEN):
        assert not cli.template(bare, [nested(path, value)], helm=helm).strip(), path
    for path, value in _samples(REFUSED):
        with pytest.raises(Refused) as caught:
            cli.template(bare, [nested(path, value)], helm=helm)
        assert any(_touches(each.path, path) for each in caught.value.problems), path


def _samples(table: dict[str, list[object]]) -> Iterator[tuple[str, object]]:
    """The first of each row: a whole table is a minute of Helm."""
    yield from ((path, values[0]) for path, values in table.items())


def _touches(told: str, path: str) -> bool:
    return told.replace("[", ".").startswith(path) or path.startswith(told)


@pytest.mark.parametrize("major", MAJORS)
def test_helm_tells_every_default_that_was_nulled(bare: Path, major: str) -> None:
    helm = toolchain.provide(major)
    values = {"environment": None, "api": {"cpu": None, "minInstances": None}, "pods": None}
    with pytest.raises(Refused) as caught:
        cli.template(bare, [values], helm=helm)
    assert [each.path for each in caught.value.problems] == ["api.cpu", "environment", "pods"]


@pytest.mark.parametrize("major", MAJORS)
def test_an_umbrella_can_hold_the_chart(bare: Path, tmp_path: Path, major: str) -> None:
    umbrella = tmp_path / "umbrella"
    shutil.copytree(bare, umbrella / "charts" / "app")
    needs = {"name": "app", "version": "0.1.0", "condition": "app.enabled"}
    told = {"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": [needs]}
    (umbrella / "Chart.yaml").write_text(json.dumps(told))
    values = {"global": {"team": "x"}, "app": {"enabled": True, "api": {"cpu": 2}}}
    helm = toolchain.provide(major)
    assert not cli.template(umbrella, [values], helm=helm).strip()
    with pytest.raises(Refused, match="apii"):
        cli.template(umbrella, [{"app": {"apii": 1}}], helm=helm)
