from __future__ import annotations

import math

import pytest

from hostwright.helm.manifest import Unreadable, parse, read

TEXT = """\
---
# Source: app/templates/api/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-api
  labels: {app.kubernetes.io/component: api}
spec:
  template:
    metadata:
      labels: {app.kubernetes.io/component: api}
      annotations: {a: b}
    spec:
      initContainers:
        - name: migrated
          env:
            - {name: A, value: "1"}
      containers:
        - name: api
          image: x
          env:
            - name: A
              value: |
                # Source: app/templates/no.yaml
                text
---
# Source: app/templates/api/service.yaml
# a remark, and no object
---
# Source: app/templates/tests/ready.yaml
apiVersion: v1
kind: Pod
metadata:
  name: app-test
  annotations:
    "helm.sh/hook": pre-install, test
spec:
  containers: [{name: test}]
"""
OBJECT = "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n"


def value(text: str) -> object:
    return parse(f"{OBJECT}data: {text}\n", "c").objects[0].body["data"]


def test_objects_know_kind_name_role_and_where_they_come_from() -> None:
    found = parse(TEXT, "ops/charts/app")
    told = [(each.kind, each.name, each.role, each.file, each.line) for each in found.objects]
    assert told == [
        ("Deployment", "app-api", "api", "ops/charts/app/templates/api/deployment.yaml", 3),
        ("Pod", "app-test", "", "ops/charts/app/templates/tests/ready.yaml", 31),
    ]
    assert [str(each) for each in found.of("Deployment", "Pod")] == [
        "Deployment/app-api",
        "Pod/app-test",
    ]
    assert found.of_role("api") == [found.find("Deployment", "app-api")]
    assert found.find("Deployment", "nobody") is None
    assert found.objects[1].hooks == ("pre-install", "test")
    assert found.objects[0].hooks == ()
    assert found.objects[0].api_version == "apps/v1"


def test_pods_and_containers_are_found_wherever_they_stand() -> None:
    found = parse(TEXT, "c")
    assert [(pod.role, str(pod.object)) for pod in found.pods] == [
        ("api", "Deployment/app-api"),
        ("", "Pod/app-test"),
    ]
    told = [(each.name, each.init, each.role) for each in found.containers]
    assert told == [("migrated", True, "api"), ("api", False, "api"), ("test", False, "")]
    init = found.pods[0].containers[0]
    assert init.env == [{"name": "A", "value": "1"}]
    assert init.at("env", 0, "value") == "1"
    assert init.at("env", 1, "value") is None
    assert str(init) == "Deployment/app-api: migrated"
    assert found.pods[0].annotations == {"a": "b"}


def test_lines_are_those_of_what_was_rendered() -> None:
    [deployment, _] = parse(TEXT, "c").objects
    lines = TEXT.splitlines()
    container = deployment.line_of("spec", "template", "spec", "containers", 0, "image")
    assert lines[container - 1].strip() == "image: x"
    assert deployment.line_of("spec", "nothing") == deployment.line_of("spec")
    assert deployment.line_of("nothing", "at", "all") == deployment.line
    api = parse(TEXT, "c").pods[0].containers[1]
    assert lines[api.line - 1].strip() == "- name: api"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1e+06", 1e6),
        ("1E3", 1e3),
        (".5", 0.5),
        ("1_000", 1000),
        ("0755", 0o755),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("0", 0),
        ("08", 8.0),
        ("y", True),
        ("Off", False),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        # Texts, though PyYAML has other ideas.
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ('"y"', "y"),
        ("'1e3'", "1e3"),
        ("yesterday", "yesterday"),
        ("0xyz", "0xyz"),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them(text: str, read: object) -> None:
    found = value(text)
    assert found == read
    assert type(found) is type(read)


def test_a_key_given_twice_is_refused_with_its_template() -> None:
    text = f"---\n# Source: app/templates/x.yaml\n{OBJECT}data:\n  a: 1\n  b: 2\n  a: 3\n"
    with pytest.raises(Unreadable, match=r"data\.a is given twice") as caught:
        parse(text, "ops/charts/app")
    assert caught.value.where == "ops/charts/app/templates/x.yaml:10"


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (f"{OBJECT}data: [", "not valid YAML", 6),
        ("just words\n", "is no object", 1),
        ("- 1\n", "is no object", 1),
        ("kind: A\nmetadata: {name: a}\n", "lacks apiVersion", 1),
        (f"{OBJECT}---\nkind: A\n", "is no object", 6),
        (f"{OBJECT}data: \x01\n", "not valid YAML", 1),
    ],
)
def test_what_is_no_object_is_refused(text: str, what: str, line: int) -> None:
    with pytest.raises(Unreadable, match=what) as caught:
        parse(text, "c")
    assert caught.value.line == line


def test_nothing_rendered_is_an_empty_manifest() -> None:
    assert parse("", "c").objects == ()
    assert parse("---\n# Source: a/templates/b.yaml\n", "c").objects == ()


def test_a_file_of_values_is_read_with_the_same_scalars() -> None:
    assert read("a: 2026-01-31\nb: {c: off}\n", "values.yaml") == {
        "a": "2026-01-31",
        "b": {"c": False},
    }
    assert read("# nothing\n", "values.yaml") is None
    with pytest.raises(Unreadable, match="several documents") as caught:
        read("a: 1\n---\nb: 1\n", "values.yaml")
    assert caught.value.where == "values.yaml:3"
    with pytest.raises(Unreadable, match="given twice"):
        read("a: 1\na: 2\n", "values.yaml")
