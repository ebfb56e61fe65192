from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from hostwright.errors import ToolError, UserError
from hostwright.helm import crds, vendoring
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.org",
        "names": {"kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "A thing.",
                        "required": ["spec"],
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0},
                                    "half": {
                                        "type": "number",
                                        "maximum": 1,
                                        "exclusiveMaximum": True,
                                    },
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "mode": {"type": "string", "enum": ["a"], "nullable": True},
                                    "free": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                    "texts": {
                                        "type": "object",
                                        "additionalProperties": {"type": "string"},
                                    },
                                    "parts": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {"a": {"type": "string"}},
                                        },
                                    },
                                    "empty": {"type": "object"},
                                },
                                "anyOf": [{"required": ["port"]}, {"required": ["mode"]}],
                                "not": {"properties": {"size": {"minimum": 100}}},
                            },
                            "status": {"type": "object"},
                        },
                    }
                },
            },
            {"name": "v1beta1", "served": False, "schema": {"openAPIV3Schema": {}}},
        ],
    },
}
THING: dict[str, Any] = {
    "apiVersion": "example.org/v1",
    "kind": "Thing",
    "metadata": {"name": "a"},
    "spec": {
        "size": 1,
        "half": 0.5,
        "port": "http",
        "mode": None,
        "free": {"any": {"thing": 1}},
        "texts": {"any": "text"},
        "parts": [{"a": "b"}],
        "empty": {},
    },
}


def judged(**spec: object) -> list[str]:
    """What the schema says of a thing whose spec was changed; None takes a field out."""
    [custom] = crds.served(DEFINITION)
    thing = copy.deepcopy(THING)
    thing["spec"] |= spec
    return [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in jsonschema.Draft202012Validator(custom.schema).iter_errors(thing)
    ]


def test_only_a_version_that_is_served_has_a_schema() -> None:
    assert [item.api_version for item in crds.served(DEFINITION)] == ["example.org/v1"]


def test_what_a_definition_allows_is_allowed() -> None:
    assert judged() == []
    assert judged(port=80, mode="a") == []


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("unknown", 1, "spec"),
        ("size", "1", "spec.size"),
        ("size", -1, "spec.size"),
        ("size", None, "spec.size"),
        ("size", 100, "spec"),
        ("half", 1, "spec.half"),
        ("port", 1.5, "spec.port"),
        ("mode", "b", "spec.mode"),
        ("texts", {"a": 1}, "spec.texts.a"),
        ("parts", [{"b": "a"}], "spec.parts.0"),
        ("empty", {"a": 1}, "spec.empty"),
    ],
)
def test_what_a_definition_refuses_or_prunes_is_refused(
    field: str, value: object, path: str
) -> None:
    found = judged(**{field: value})
    assert found
    assert found[0].partition(":")[0] == path


@pytest.mark.parametrize("field", ["apiVersion", "kind", "metadata", "spec"])
def test_an_object_names_itself(field: str) -> None:
    [custom] = crds.served(DEFINITION)
    thing = {name: value for name, value in THING.items() if name != field}
    with pytest.raises(jsonschema.ValidationError, match=f"'{field}' is a required property"):
        jsonschema.validate(thing, custom.schema)


def test_a_chart_writes_no_status() -> None:
    [custom] = crds.served(DEFINITION)
    with pytest.raises(jsonschema.ValidationError, match="status"):
        jsonschema.validate({**THING, "status": {}}, custom.schema)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: [", "is not YAML"),
        ("kind: Secret", "has no CustomResourceDefinition"),
        ("kind: CustomResourceDefinition\nspec: {group: a}", "lacks 'names'"),
    ],
)
def test_what_is_no_definition_is_refused(text: str, what: str) -> None:
    with pytest.raises(ToolError, match=what):
        crds.parse(text)


# --- what lies in ops/charts/vendor ------------------------------------------------------------


VENDORED = crds.load(vendoring.VENDOR)


def test_every_kind_that_is_wanted_lies_there_and_no_other() -> None:
    wanted = {(item.api_version, item.kind) for item in vendoring.WANTED}
    assert {(item.api_version, item.kind) for item in VENDORED} == wanted


@pytest.mark.parametrize("custom", VENDORED, ids=[item.kind for item in VENDORED])
def test_a_vendored_schema_says_where_it_is_from_and_compiles(custom: crds.Custom) -> None:
    jsonschema.Draft202012Validator.check_schema(custom.schema)
    origin = custom.origin
    assert origin is not None
    [wanted] = [item for item in vendoring.WANTED if item.kind == custom.kind]
    assert (origin.repository, origin.file) == (wanted.repository, wanted.file)
    assert re.fullmatch(r"v\d+\.\d+\.\d+", origin.tag)
    assert re.fullmatch("[0-9a-f]{40}", origin.commit)
    assert re.fullmatch("[0-9a-f]{64}", origin.sha256)
    notice = (vendoring.VENDOR / "NOTICE").read_text()
    assert f"{custom.kind.lower()}.json" in notice
    assert origin.repository in notice
    assert (vendoring.VENDOR / f"{custom.kind.lower()}.json").read_text() == crds.dumped(custom)


def test_a_file_that_is_no_schema_is_named(tmp_path: Path) -> None:
    (tmp_path / "thing.json").write_text("{}")
    with pytest.raises(ToolError, match=r"thing\.json: no schema of a custom resource"):
        crds.load(tmp_path)


# --- taking one from a clone -------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository that defines one kind, released twice."""
    wanted = vendoring.WANTED[-1]
    definition = copy.deepcopy(DEFINITION)
    definition["spec"]["group"], version = wanted.api_version.split("/")
    definition["spec"]["names"]["kind"] = wanted.kind
    definition["spec"]["versions"][0]["name"] = version
    file = tmp_path / "clone" / wanted.file
    file.parent.mkdir(parents=True)
    place = tmp_path / "clone"
    run(["git", "init", "--quiet", place])
    for tag in ("v1.9.0", "v1.10.0"):
        file.write_text(yaml.safe_dump(definition) + f"# {tag}\n")
        run(["git", "-C", place, "add", "."])
        author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        run(["git", *author, "-C", place, "commit", "--quiet", "--message", tag])
        run(["git", "-C", place, "tag", tag])
    run(["git", "-C", place, "tag", "v2.0.0-rc.1"])
    return place


def test_the_newest_release_is_taken_with_its_origin(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendoring, "VENDOR", tmp_path)
    assert vendoring.main([str(clone)]) == 0
    [custom] = crds.load(tmp_path)
    head = run(["git", "-C", clone, "rev-parse", "HEAD"]).stdout.strip()
    assert custom.kind == "SecretProviderClass"
    assert custom.origin
    assert (custom.origin.tag, custom.origin.commit) == ("v1.10.0", head)


def test_another_release_can_be_named(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendoring, "VENDOR", tmp_path)
    vendoring.main([str(clone), "v1.9.0"])
    [custom] = crds.load(tmp_path)
    assert custom.origin
    assert custom.origin.tag == "v1.9.0"


def test_a_version_that_is_no_longer_served_is_refused(clone: Path) -> None:
    other = vendoring.WANTED[-1]._replace(api_version="secrets-store.csi.x-k8s.io/v1beta1")
    with pytest.raises(ToolError, match=r"v1\.9\.0 does not serve"):
        vendoring.taken(clone, "v1.9.0", other)


def test_another_repository_is_refused(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path])
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    run(["git", *author, "-C", tmp_path, "commit", "--quiet", "--allow-empty", "--message", "a"])
    run(["git", "-C", tmp_path, "tag", "v1.0.0"])
    with pytest.raises(ToolError, match="defines no kind that the chart makes"):
        vendoring.main([str(tmp_path)])


def test_words_are_a_clone_and_a_tag() -> None:
    with pytest.raises(UserError, match="give a git clone"):
        vendoring.main([])


def test_tags_without_a_release_are_refused() -> None:
    with pytest.raises(ToolError, match="no tag of a release"):
        vendoring.newest("v1-rc\nlatest\n")
