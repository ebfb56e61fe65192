"""Every message of the chart's own: told by both majors, and explained in the docs.

The examples in ``docs/reference/chart-messages.md`` are the cases: each is laid over values that
are right, and what the page shows below it is what Helm then says. After a change of words::

    HOSTWRIGHT_GOLDEN=write pytest tests/blueprints/test_chart_messages.py
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from tests.blueprints.charts import ENOUGH, MAJORS, WRITING, Chart, copied, laid
from tests.blueprints.drawn_values import LEAVES, at

from hostwright import paths
from hostwright.helm import messages
from hostwright.helm.cli import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hostwright.helm.messages import Problem

    Json = dict[str, Any]

PAGE = paths.ROOT / messages.DOCS
#: A section of the page, and an example in it with what is said of it.
_SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"```yaml\n(?P<values>.*?)```\n(?:\n```text\n(?P<told>.*?)```\n)?", re.DOTALL)
#: Sections that no values lead to.
OF_THE_CONTRACT = {"not-made"}
#: Sections of what the schema refuses in its own words, where it is asked.
OF_THE_SCHEMA = {"not-allowed"}
_UNASKED = ("--skip-schema-validation=true",)


class Example(NamedTuple):
    """Values that are wrong, and what the page says of them."""

    id: str
    values: Json
    told: list[str]


def sections() -> dict[str, str]:
    """The page's sections by the ids of messages."""
    return dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))


def examples() -> dict[str, Example]:
    """Every example of the page, by a name for the test."""
    return {
        f"{name}-{index}": Example(
            name, yaml.safe_load(found["values"]), (found["told"] or "").splitlines()
        )
        for name, text in sections().items()
        for index, found in enumerate(_EXAMPLE.finditer(text), 1)
    }


def in_templates() -> set[str]:
    """The ids in the templates."""
    calls = r'include "hostwright\.problem" \(list\s+"([\w-]+)"'
    return {found for text in _templates().values() for found in re.findall(calls, text)}


def _templates() -> dict[str, str]:
    """The templates by name, their comments left out."""
    return {
        file.name: re.sub(
            r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", "", file.read_text("utf-8"), flags=re.DOTALL
        )
        for file in sorted((paths.CHART / "templates").rglob("*.*"))
    }


@pytest.fixture(params=MAJORS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return Chart(major=request.param)


@pytest.fixture(params=MAJORS)
def without_schema(request: pytest.FixtureRequest) -> Chart:
    return Chart(major=request.param, flags=_UNASKED)


def said(chart: Chart, values: Json) -> tuple[Problem, ...]:
    """What Helm says of values laid over those that are enough; a null leaves one out."""
    try:
        chart.bare(laid(ENOUGH, values))
    except Refused as refused:
        return refused.problems
    return ()


# --- the page ------------------------------------------------------------------------------------


def test_the_page_explains_every_message_and_no_other() -> None:
    assert list(sections()) == sorted(in_templates())


def test_every_message_goes_through_one_helper() -> None:
    texts = _templates()
    helper = texts.pop("_problems.tpl")
    assert "[docs: docs/reference/chart-messages.md#" in helper
    assert [name for name, text in texts.items() if re.search(r"\bfail\b", text)] == [
        "validations.yaml"
    ]
    for name, text in {**texts, "_problems.tpl": helper}.items():
        assert not re.search(r"\{\{-?[^}]*(?<![.\w])required\b", text), f"{name}: Helm's own words"


@pytest.fixture(scope="module", autouse=True)
def written() -> None:
    """The page as it should be from now on, where somebody wants that."""
    if not WRITING:
        return

    def shown(found: re.Match[str]) -> str:
        problems = said(Chart(), yaml.safe_load(found["values"]))
        problems = (
            said(Chart(flags=_UNASKED), yaml.safe_load(found["values"]))
            if not problems[0].id
            else problems
        )
        told = "".join(f"{each.path}: {each.what}\n" for each in problems)
        return f"```yaml\n{found['values']}```\n\n```text\n{told}```\n"

    PAGE.write_text(_EXAMPLE.sub(shown, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize("name", examples())
def test_an_example_is_told_as_the_page_shows_it(chart: Chart, name: str) -> None:
    example = examples()[name]
    if example.id in OF_THE_SCHEMA:
        assert {each.id for each in said(chart, example.values)} == {""}
        chart = replace(chart, flags=_UNASKED)
    problems = said(chart, example.values)
    assert [f"{each.path}: {each.what}" for each in problems] == example.told
    assert {each.id for each in problems} == {example.id}


def test_every_section_has_an_example() -> None:
    assert {each.id for each in examples().values()} == sections().keys() - OF_THE_CONTRACT


def test_no_line_repeats_what_a_map_holds() -> None:
    for name, example in examples().items():
        for value in _mapped(example.values):
            assert not any(str(value) in line for line in example.told), f"{name}: {value}"


def _mapped(values: Json) -> list[object]:
    """Values in maps of variables and references; choices and numbers may be repeated."""
    maps = [values.get("env"), values.get("secrets", {}).get("references")]
    for role in ("api", "web", "worker"):
        maps += [values.get(role, {}).get(key) for key in ("env", "secrets")]
    return [value for each in maps for value in (each or {}).values() if len(str(value)) > 4]


# --- what the page does not show -----------------------------------------------------------------


def _references(text: str) -> Json:
    """Every secret at one place."""
    return {"references": dict.fromkeys(ENOUGH["secrets"]["references"], text)}


def _references_but(changed: Json) -> Json:
    """The references that are enough, but for these."""
    return {"secrets": {"references": changed}}


#: Azure's and Google's providers read whole secrets alone.
_AZURE = {"provider": "azure", "parameters": {"keyvaultName": "v", "tenantId": "t"}}
_NO_URL = {"references": {"DATABASE_URL": "no reference"}}
#: Further wrong values: the message's id, the value's path, and the values themselves.
MORE: list[tuple[str, str, Json]] = [
    ("reference", "secrets.references.DATABASE_URL", {"secrets": _NO_URL}),
    (
        "reference",
        "secrets.references.DATABASE_URL",
        {"secrets": {"type": "csi", "csi": {"provider": "aws"}, **_NO_URL}},
    ),
    (
        "reference",
        "worker.secrets.REDIS_URL",
        {
            "secrets": {"type": "csi", "csi": _AZURE, **_references("app")},
            "worker": {"secrets": {"REDIS_URL": "under_score"}},
        },
    ),
    ("reference", "worker.secrets.REDIS_URL", {"worker": {"secrets": {"REDIS_URL": "app#"}}}),
    (
        "reference",
        "secrets.references.REDIS_URL",
        {"secrets": {"type": "existing", "references": {"REDIS_URL": "app#my key"}}},
    ),
    (
        "identity",
        "worker.identity",
        {"identity": {"type": "azure"}, "worker": {"identity": "arn:aws:iam::111122223333:role/w"}},
    ),
    ("identity", "migrate.identity", {"migrate": {"identity": "someone"}}),
    ("unknown-variable", "env.COLOUR", {"env": {"COLOUR": "red"}}),
    ("unknown-variable", "web.secrets.COLOUR", {"web": {"secrets": {"COLOUR": "red"}}}),
    ("not-of-role", "web.secrets.SECRET_KEY", {"web": {"secrets": {"SECRET_KEY": "app#key"}}}),
    ("not-yours", "env.ALLOWED_HOSTS", {"env": {"ALLOWED_HOSTS": "a.example.org"}}),
    ("not-yours", "env.ALLOWED_ORIGINS", {"env": {"ALLOWED_ORIGINS": "https://a.example.org"}}),
    ("not-yours", "web.env.API_BASE_URL", {"web": {"env": {"API_BASE_URL": "http://api:1"}}}),
    ("not-yours", "api.env.DATABASE_POOL_SIZE", {"api": {"env": {"DATABASE_POOL_SIZE": 50}}}),
    ("not-yours", "env.REDIS_CLUSTER_MODE", {"env": {"REDIS_CLUSTER_MODE": "enabled"}}),
    ("not-yours", "env.SECRETS_PROVIDER", {"env": {"SECRETS_PROVIDER": "aws_sm"}}),
    ("value-missing", "appPublicUrl", {"appPublicUrl": None}),
    ("variable-missing", "env.AWS_REGION", {"env": {"AWS_REGION": None}}),
    (
        "variable-missing",
        "env.DATABASE_SSL_MODE",
        {"env": {"DATABASE_SSL_MODE": None}, "worker": {"env": {"LOG_LEVEL": "info"}}},
    ),
    (
        "variable-missing",
        "worker.env.S3_REGION",
        {"env": {"S3_REGION": None}, "api": {"env": {"S3_REGION": "eu-central-1"}}},
    ),
    (
        "secret-missing",
        "worker.secrets.SECRET_KEY",
        {
            "secrets": {"references": {"SECRET_KEY": None}},
            "api": {"secrets": {"SECRET_KEY": "app-keys#secret"}},
        },
    ),
    ("label", "pods.nodeSelector.a b", {"pods": {"nodeSelector": {"a b": "c"}}}),
    ("reserved", "pods.annotations.helm.sh/hook", {"pods": {"annotations": {"helm.sh/hook": "x"}}}),
    ("image-moves", "api.image", {"api": {"image": "localhost:5000/app"}}),
    ("image-form", "api.image", {"api": {"image": "a b:1"}}),
    ("instances", "web.maxInstances", {"web": {"maxInstances": 1}}),
    ("host", "appDomain", {"appDomain": "App.example.org"}),
    ("url", "apiBaseUrl", {"apiBaseUrl": "ftp://api.example.org"}),
    ("gateway", "routing.gateway.name", {"routing": {"type": "gateway"}}),
    ("routing", "appDomain", {"routing": {"type": "ingress"}, "appDomain": None}),
]
#: The same, where the schema is not asked: it refuses these before.
UNASKED: list[tuple[str, str, Json]] = [
    ("choice", "migrate.type", {"migrate": {"type": "always"}}),
    ("not-allowed", "env.LOG_LEVEL", {"env": {"LOG_LEVEL": "trace"}}),
    ("triggers", "api.triggers", {"api": {"triggers": [{"type": "cpu", "metadata": {}}]}}),
    ("choice", "autoscaling.type", {"autoscaling": {"type": "both"}}),
    ("choice", "networkPolicy.enabled", {"networkPolicy": {"enabled": "perhaps"}}),
    ("number", "pods.user", {"pods": {"user": 0}}),
    ("number", "api.memoryMib", {"api": {"memoryMib": "512Mi"}}),
    ("number", "web.cpu", {"web": {"cpu": "500m"}}),
    ("number", "autoscaling.targetCpu", {"autoscaling": {"targetCpu": 101}}),
    ("number", "networkPolicy.egressPorts[1]", {"networkPolicy": {"egressPorts": [1, 65_536]}}),
    ("range", "networkPolicy.redisRanges[0]", {"networkPolicy": {"redisRanges": ["anywhere"]}}),
    (
        "store",
        "secrets.external.refreshInterval",
        {"secrets": {"external": {"refreshInterval": ""}}},
    ),
    (
        "not-of-type",
        "env.CONTRACT_ENDPOINT_ENABLED",
        {"env": {"CONTRACT_ENDPOINT_ENABLED": "maybe"}},
    ),
]
#: Values that are wrong in one way, from which others would follow; as the templates see them.
ONCE: list[tuple[str, str, Json]] = [
    ("url", "appPublicUrl", {"appPublicUrl": "app.example.org"}),
    ("url", "appPublicUrl", {"appPublicUrl": " "}),
    ("blank", "env.S3_ENDPOINT_URL", {"env": {"S3_ENDPOINT_URL": " "}}),
    ("blank", "env.AWS_REGION", {"env": {"AWS_REGION": ""}}),
    ("blank", "secrets.references.DATABASE_URL", _references_but({"DATABASE_URL": ""})),
    ("choice", "environment", {"environment": "prod"}),
    (
        "secret-in-env",
        "env.DATABASE_URL",
        {"env": {"DATABASE_URL": "x"}, **_references_but({"DATABASE_URL": None})},
    ),
    (
        "plain-in-secrets",
        "secrets.references.AWS_REGION",
        {"env": {"AWS_REGION": None}, **_references_but({"AWS_REGION": "x"})},
    ),
    ("choice", "identity.type", {"identity": {"type": "awss"}, "api": {"identity": "somebody"}}),
    ("choice", "secrets.type", {"migrate": {"type": "hook"}, "secrets": {"type": "exists"}}),
    (
        "choice",
        "autoscaling.type",
        {"autoscaling": {"type": "both"}, "worker": {"triggers": [{"type": "cpu"}]}},
    ),
    ("number", "web.maxInstances", {"web": {"maxInstances": "many"}}),
    ("number", "web.minInstances", {"web": {"minInstances": 2000}}),
    ("number", "migrate.ttlSeconds", {"migrate": {"ttlSeconds": 59}}),
]
#: A value that a variable of each type may not have, and one that it may.
TYPES: dict[str, tuple[object, object]] = {
    "int": ("many", 12),
    "port": (0, 8080),
    "bool": ("yes", True),
    "url": ("example.org", "https://example.org/a?b#c"),
    "url_list": ("https://a.example.org, b", "https://a.example.org,https://b.example.org"),
    "host_list": ("a.example.org b", "a.example.org, *.b.example.org"),
    "pem": ("MIIB", "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----"),
    "path": ("etc/ca.pem", "/etc/ca.pem"),
    "string": (None, "$(anything) {{ at }} all"),
}


@pytest.mark.parametrize(("name", "path", "values"), MORE)
def test_more_is_told(chart: Chart, name: str, path: str, values: Json) -> None:
    assert [(each.id, each.path) for each in said(chart, values)] == [(name, path)]


@pytest.mark.parametrize(("name", "path", "values"), ONCE)
def test_one_fault_is_told_once(name: str, path: str, values: Json) -> None:
    told = said(Chart(flags=_UNASKED), values)
    assert [(each.id, each.path) for each in told] == [(name, path)]


@pytest.mark.parametrize(("name", "path", "values"), UNASKED)
def test_the_templates_refuse_what_the_schema_does(
    without_schema: Chart, name: str, path: str, values: Json
) -> None:
    assert [(each.id, each.path) for each in said(without_schema, values)] == [(name, path)]
    assert said(Chart(major=without_schema.major), values)[0].id == ""


def _ranges() -> dict[str, tuple[int, int]]:
    """Every whole number among the values, with the least and the most of the schema."""
    schema = json.loads((paths.CHART / "values.schema.json").read_text(encoding="utf-8"))
    return dict(_bounded(schema, ()))


def _bounded(schema: Json, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    if {"minimum", "maximum"} <= schema.keys():
        yield ".".join(path), (schema["minimum"], schema["maximum"])
    for key, inner in schema.get("properties", {}).items():
        yield from _bounded(inner, (*path, key))


@pytest.mark.parametrize("beyond", [-1, 1], ids=["too little", "too much"])
def test_a_number_is_told_with_the_range_that_the_schema_has(
    without_schema: Chart, beyond: int
) -> None:
    ranges = {path: each for path, each in _ranges().items() if not path.endswith(".cpu")}
    assert len(ranges) > 18
    wrong = [at(path, each[beyond > 0] + beyond) for path, each in ranges.items()]
    told = {
        each.path: each.what for each in said(without_schema, laid(*wrong)) if each.id == "number"
    }
    assert told.keys() == ranges.keys()
    for path, (least, most) in ranges.items():
        assert f"is not a whole number from {least} to {most}. " in told[path]


def test_a_release_name_is_told_of_where_it_is_the_name(chart: Chart) -> None:
    for name, told in (("a.b", "name"), ("0app", "name"), ("x" * 45, "name-length")):
        (problem,) = chart.refusal(name=name)
        assert (problem.id, problem.path) == (told, "projectName")
    assert not chart.refusal(name="x" * 44)
    assert not chart.refusal({"projectName": "app"}, name="x" * 53)


def with_contract(to: Path, change: Callable[[Json], object]) -> Path:
    """A copy of the chart with another contract."""

    def plant(root: Path) -> None:
        contract = json.loads((root / "contract.json").read_text(encoding="utf-8"))
        change(contract)
        (root / "contract.json").write_text(json.dumps(contract), encoding="utf-8")

    return copied(to, plant)


def _nothing_makes(contract: Json) -> None:
    made = {"source": "composed", "composed": "nothing", "required": ["production"]}
    contract["variables"]["LOG_LEVEL"] |= made


def test_a_variable_that_nothing_makes(tmp_path: Path) -> None:
    root = with_contract(tmp_path / "app", _nothing_makes)
    for major in MAJORS:
        (problem,) = Chart(root, major).refusal()
        assert problem.id == "not-made"
        assert "LOG_LEVEL" in problem.path
        assert "The chart cannot make it: write `kubernetes: operator` in its" in problem.what


def _of_every_type(contract: Json) -> None:
    for kind in TYPES:
        contract["variables"][f"ODD_{kind.upper()}"] = {
            "type": kind,
            "roles": ["api"],
            "secret": False,
            "required": [],
            "source": "operator",
        }


def test_every_type_is_judged(tmp_path: Path) -> None:
    root = with_contract(tmp_path / "app", _of_every_type)
    wrong = {f"ODD_{kind.upper()}": each[0] for kind, each in TYPES.items() if each[0] is not None}
    right = {f"ODD_{kind.upper()}": each[1] for kind, each in TYPES.items()}
    for major in MAJORS:
        chart = Chart(root, major)
        told = said(chart, {"env": wrong})
        assert {(each.id, each.path) for each in told} == {
            ("not-of-type", f"env.{name}") for name in wrong
        }
        assert not said(chart, {"env": right})


def _nobody_answers(contract: Json) -> None:
    del contract["roles"]["api"], contract["roles"]["web"]


def _nobody_reads(contract: Json) -> None:
    contract["variables"]["CONTRACT_ENDPOINT_ENABLED"]["roles"] = []


def test_a_way_in_to_nobody(tmp_path: Path) -> None:
    root = with_contract(tmp_path / "app", _nobody_answers)
    values = {"routing": {"type": "ingress"}, "web": {"env": {"LOG_LEVEL": "info"}}}
    for major in MAJORS:
        told = {each.id: each for each in said(Chart(root, major), values)}
        assert told["routing"].path == "routing.type"
        assert "no role that answers requests" in told["routing"].what


def test_everything_is_told_at_once(chart: Chart) -> None:
    several = [each for name, each in examples().items() if name.endswith("-1")]
    compatible = [
        each
        for each in several
        if each.id in {"blank", "same-host", "unknown-variable", "renamed", "number", "url"}
    ]
    whole: Json = {}
    for each in compatible:
        whole = laid(whole, each.values)
    told = {each.id for each in said(chart, whole)}
    assert told >= {"same-host", "unknown-variable", "renamed", "number", "url"}


def test_nothing_set_is_told_value_by_value(chart: Chart) -> None:
    with pytest.raises(Refused) as refused:
        chart.bare({})
    told = {each.path for each in refused.value.problems}
    assert told >= {"api.image", "web.image", "appPublicUrl", "secretsProvider", "storageProvider"}
    assert told >= {"secrets.references.DATABASE_URL", "env.DATABASE_SSL_MODE"}
    assert all(each.id for each in refused.value.problems)


# --- names of other charts -----------------------------------------------------------------------


def renamed() -> dict[str, str]:
    """Names of other charts, by what to use instead."""
    found = yaml.safe_load((paths.CHART / "renamed.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_every_name_of_another_chart_is_told_with_ours(chart: Chart) -> None:
    whole: Json = {}
    for old in renamed():
        whole = laid(at(old, 1), whole) if "." not in old else laid(whole, at(old, 1))
    told = {each.path: each for each in said(chart, whole)}
    for old, new in renamed().items():
        assert old in told, f"{old} is taken"
        assert told[old].id == "renamed"
        assert new in told[old].what, told[old].what


def test_what_to_use_instead_is_there() -> None:
    known = {*LEAVES, *(path.rpartition(".")[0] for path in LEAVES), "migrate"}
    # `memoryMib of a role`
    known |= {path.rpartition(".")[2] for path in LEAVES}
    for old, new in renamed().items():
        named = re.findall(r"[a-z]+[A-Za-z]*(?:\.[a-zA-Z]+)+|\b[a-z]+[A-Z]\w*|^\w+", new)
        ours = [path for path in named if path in known or path.startswith("secrets.references.")]
        assert ours or "contract.yaml" in new, f"{old}: {new}"
        assert old not in LEAVES, f"{old} is a value here"


# --- every word ----------------------------------------------------------------------------------


def sentences() -> dict[str, str]:
    """Pieces of at least two words that the checks' templates can say, by where they stand."""
    found = {}
    for name, text in _templates().items():
        if not name.startswith("_check"):
            continue
        actions = re.findall(r"\{\{-?(.*?)-?\}\}", text, re.DOTALL)
        quoted = [each for action in actions for each in re.findall(r'"((?:[^"\\]|\\.)*)"', action)]
        between = re.findall(r"\}\}([^{}]+)\{\{", text)
        for each in (*quoted, *between):
            for piece in re.split(r"%[a-z]", each):
                if re.search(r"[a-z]{2,} [a-z]+ [a-z]+", piece) and "\\" not in piece:
                    found[piece.strip()] = name
    return found


#: Other contracts, with values that these do not take.
OTHERS: list[tuple[Callable[[Json], object], Json]] = [
    (_nothing_makes, {}),
    (_of_every_type, {"env": {f"ODD_{kind.upper()}": each[0] for kind, each in TYPES.items()}}),
    (_nobody_answers, {"routing": {"type": "ingress"}}),
    (_nobody_reads, {"env": {"CONTRACT_ENDPOINT_ENABLED": True}}),
]


def test_every_sentence_is_told_in_some_case(tmp_path: Path) -> None:
    cases = [example.values for example in examples().values()] + [each[2] for each in MORE]
    told = [each.what for values in cases for each in said(Chart(), values)]
    loose = Chart(flags=_UNASKED)
    told += [each.what for _, _, values in UNASKED for each in said(loose, values)]
    told += [each.what for name in ("a.b", "x" * 45) for each in Chart().refusal(name=name)]
    for index, (change, values) in enumerate(OTHERS):
        chart = Chart(with_contract(tmp_path / str(index), change))
        told += [each.what for each in said(chart, values)]
    every = "\n".join(told)
    silent = {piece: name for piece, name in sentences().items() if piece not in every}
    assert not silent, "no case leads to:\n" + "\n".join(f"{v}: {k}" for k, v in silent.items())
