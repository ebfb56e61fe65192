"""Real Helm, both majors, on a chart that this test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.helm import cli, manifest
from hostwright.helm.cli import Broken, Refused
from hostwright.helm.messages import Problem
from hostwright.toolchain import Tool

MAJORS = ("helm-3", "helm-4")
#: A message of ours at 2, each kind of fault at the others.
TEMPLATE = """
{{- $case := int .Values.case }}
{{- if eq $case 2 }}{{ fail (printf "%s\\n%s" .Values.first .Values.second) }}{{ end }}
{{- if eq $case 3 }}{{ .Values.absent.deeper }}{{ end }}
{{- if eq $case 4 }}
broken: [
{{- end }}
{{- if eq $case 5 }}{{ required "it is needed" .Values.absent }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
data:
  text: {{ .Values.text | quote }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  keda: {{ .Capabilities.APIVersions.Has "keda.sh/v1alpha1" | quote }}
"""
FIRST = "values.yaml api.cpu: is nothing. Raise it. [docs: docs/reference/chart-messages.md#cpu]"
SECOND = "values.yaml env.X: is no: word. Ask. [docs: docs/reference/chart-messages.md#env-x]"
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "required": ["case", "pods"],
    "properties": {
        "case": {"type": "integer", "minimum": 0},
        "text": {"type": "string"},
        "first": {"type": "string"},
        "second": {"type": "string"},
        "pods": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "size": {"enum": ["small", "big"]},
                "list": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
}


@pytest.fixture(params=MAJORS)
def helm(request: pytest.FixtureRequest) -> Tool:
    return toolchain.provide(request.param)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    place = tmp_path / "chart"
    (place / "templates").mkdir(parents=True)
    (place / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    values = {"case": 1, "text": "", "first": FIRST, "second": SECOND, "pods": {}}
    (place / "values.yaml").write_text(json.dumps(values))
    (place / "values.schema.json").write_text(json.dumps(SCHEMA))
    (place / "templates" / "all.yaml").write_text(TEMPLATE)
    (place / "templates" / "NOTES.txt").write_text("It is {{ .Release.Name }}.")
    return place


def data(text: str) -> dict[str, str]:
    [found] = manifest.parse(text, "chart").of("ConfigMap")
    return {**found.body["data"], **found.body["metadata"]}


def test_files_and_mappings_are_laid_over_one_another(
    helm: Tool, chart: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("text: of the file\n")
    assert data(cli.template(chart, [{"text": "before"}, file], helm=helm))["text"] == "of the file"
    assert data(cli.template(chart, [file, {"text": "after"}], helm=helm))["text"] == "after"


def test_release_and_cluster_are_what_is_asked_for(helm: Tool, chart: Path) -> None:
    rendered = cli.template(
        chart,
        [],
        helm=helm,
        name="mine",
        namespace="there",
        kube_version="1.35.2",
        api_versions=["keda.sh/v1alpha1"],
    )
    found = data(rendered)
    assert (found["name"], found["namespace"]) == ("mine", "there")
    assert (found["kube"], found["keda"]) == ("v1.35.2", "true")


@pytest.mark.parametrize(
    "text",
    [
        "$(HOME) ${X} $$",
        'a"b\\n\\',
        "line\nline\n",
        "é 😀 \u2028 \xa0",
        "- {a: 1} # no",
        "0755",
    ],
)
def test_values_of_a_mapping_arrive_as_they_are(helm: Tool, chart: Path, text: str) -> None:
    assert data(cli.template(chart, [{"text": text}], helm=helm))["text"] == text


def test_helm_3_refuses_control_characters_and_that_is_no_fault_of_the_chart(chart: Path) -> None:
    values = {"text": "\x7f \ufeff"}
    assert data(cli.template(chart, [values], helm=toolchain.provide("helm-4")))
    with pytest.raises(Refused, match="control characters are not allowed"):
        cli.template(chart, [values], helm=toolchain.provide("helm-3"))


def test_every_message_of_ours_is_told_with_its_path_and_anchor(helm: Tool, chart: Path) -> None:
    with pytest.raises(Refused) as caught:
        cli.template(chart, [{"case": 2}], helm=helm)
    assert caught.value.problems == (
        Problem("api.cpu", "is nothing. Raise it.", "cpu"),
        Problem("env.X", "is no: word. Ask.", "env-x"),
    )
    assert str(caught.value).splitlines()[0] == "values.yaml api.cpu: is nothing. Raise it."


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        ({"casing": 1}, ["casing"]),
        ({"case": "two"}, ["case"]),
        ({"case": -1, "pods": {"size": "huge", "sort": 1}}, ["case", "pods.size", "pods.sort"]),
        ({"pods": {"list": ["a", 1]}}, ["pods.list[1]"]),
        ({"pods": None}, ["pods"]),
    ],
)
def test_what_the_schema_refuses_has_the_same_path_on_both_majors(
    helm: Tool, chart: Path, values: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(Refused) as caught:
        cli.template(chart, [values], helm=helm)
    assert sorted(each.path for each in caught.value.problems) == paths
    assert all(each.id == "" and each.what for each in caught.value.problems)


def test_templates_are_asked_alone_where_the_schema_is_left_out(helm: Tool, chart: Path) -> None:
    assert data(cli.template(chart, [{"casing": 1}], helm=helm, schema=False))
    with pytest.raises(Refused) as caught:
        cli.template(chart, [{"case": 2, "casing": 1}], helm=helm, schema=False)
    assert [each.id for each in caught.value.problems] == ["cpu", "env-x"]


def test_a_value_that_the_chart_has_not_is_called_unknown(helm: Tool, chart: Path) -> None:
    with pytest.raises(Refused) as caught:
        cli.template(chart, [{"casing": 1, "pods": {"size": "huge"}}], helm=helm)
    assert {each.path: each.unknown for each in caught.value.problems} == {
        "casing": True,
        "pods.size": False,
    }


@pytest.mark.parametrize(
    ("case", "what", "line"),
    [
        (3, "nil pointer", 4),
        (4, "YAML parse error", 0),
        (5, "it is needed", 8),
    ],
)
def test_a_fault_of_the_chart_is_never_taken_for_a_refusal(
    helm: Tool, chart: Path, case: int, what: str, line: int
) -> None:
    with pytest.raises(Broken, match=what) as caught:
        cli.template(chart, [{"case": case}], helm=helm)
    assert caught.value.place
    assert (caught.value.place.file, caught.value.place.line) == ("templates/all.yaml", line)
    assert caught.value.where.startswith(str(chart / "templates" / "all.yaml"))
    assert "--debug" not in str(caught.value)


@pytest.mark.parametrize("text", ["text: [", "text: a\ntext: [b"])
def test_values_that_are_no_yaml_are_told_with_their_file(
    helm: Tool, chart: Path, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(Broken, match=r"mine\.yaml"):
        cli.template(chart, [file], helm=helm)


def test_a_chart_that_is_not_there_is_told(helm: Tool, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        cli.template(tmp_path / "nowhere", [], helm=helm)


def test_nothing_of_the_users_own_settings_is_read(
    helm: Tool, chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "plugins" / "loud"
    plugin.mkdir(parents=True)
    (plugin / "plugin.yaml").write_text("name: [not even YAML")
    monkeypatch.setenv("HELM_PLUGINS", str(plugin.parent))
    monkeypatch.setenv("HELM_NAMESPACE", "theirs")
    monkeypatch.setenv("HELM_DEBUG", "true")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no.yaml"))
    found = data(cli.template(chart, [], helm=helm))
    assert found["namespace"] == "app"


def test_values_do_not_stand_in_the_arguments_and_are_gone_afterwards(
    chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spy = tmp_path / "spy"
    spy.write_text('#!/bin/sh\necho "$@" > "$0.args"\nls -ld "$(dirname "$7")" > "$0.mode"\n')
    spy.chmod(0o755)
    helm = Tool("helm", (str(spy),), "4", "path", "")
    cli.template(chart, [{"text": "between us"}], helm=helm)
    args = (tmp_path / "spy.args").read_text()
    assert "between us" not in args
    assert (tmp_path / "spy.mode").read_text().startswith("drwx------")
    assert not Path(args.split()[-1]).exists()


def test_lint_gives_its_lines_apart(helm: Tool, chart: Path) -> None:
    told = cli.lint(chart, [], helm=helm)
    assert [(each.severity, each.file) for each in told] == [("info", "Chart.yaml")]
    told = cli.lint(chart, [{"case": 4}], helm=helm)
    [error] = [each for each in told if each.severity == "error"]
    assert error.file == "templates/all.yaml"
    assert "unable to parse YAML" in error.what


def test_lint_that_cannot_even_begin_is_broken(helm: Tool, chart: Path, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        cli.lint(chart, [tmp_path / "no.yaml"], helm=helm)


def test_notes_are_rendered_without_a_cluster_by_helm_4(chart: Path) -> None:
    helm = toolchain.provide("helm-4")
    assert cli.notes(chart, [], helm=helm, name="mine").strip() == "It is mine."
    with pytest.raises(Refused):
        cli.notes(chart, [{"case": 2}], helm=helm)


def test_a_broken_chart_and_refused_values_have_exit_codes_of_their_own() -> None:
    assert (Refused.exit_code, Broken.exit_code) == (5, ToolError.exit_code)
