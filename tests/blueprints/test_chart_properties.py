"""Whatever the values are: the chart renders what is right, or says in a sentence why it does not.

Hypothesis draws values (``tests/blueprints/drawn_values.py``), and both majors of Helm are asked. A
hundred cases in ``nox -s tests``, always the same ones; two thousand, and others each time, in
``nox -s properties``; or as many as one likes, with ``HOSTWRIGHT_EXAMPLES`` set to that.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.blueprints.charts import MAJORS, defaults, laid, literals
from tests.blueprints.drawn_values import CONTRACT, LEAVES, RENAMED, Case, cases

from hostwright import paths, toolchain
from hostwright.checks import kubernetes
from hostwright.checks.kubernetes import schemas
from hostwright.contract.load import load
from hostwright.helm import cli, manifest
from hostwright.helm.schemas import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.helm.manifest import Manifest
    from hostwright.helm.messages import Problem

    Json = dict[str, Any]

LONG = "HOSTWRIGHT_EXAMPLES" in os.environ
settings.register_profile(
    "chart",
    max_examples=int(os.environ.get("HOSTWRIGHT_EXAMPLES", "100")),
    deadline=None,
    # The same cases each time, unless somebody looks for others.
    derandomize=not LONG,
    suppress_health_check=[HealthCheck.too_slow],
)

#: Cases that were wrong once, in the chart or in what judges it, and cases that nearly were.
FOUND: dict[str, Case] = {
    "a zero with a fraction is a zero": Case("minimal", ({"api": {"env": {"MINIO_REGION": 0.0}}},)),
    "a million is no 1e+06": Case("enough", ({"env": {"S3_ACCESS_KEY_ID": 1_000_000.0}},)),
    "a user of nine digits is no 1e+09": Case(
        "enough", ({"pods": {"user": 1_000_000_000, "group": 1_000_000_000}},)
    ),
    "a name that YAML takes for a truth": Case("aws", ({"projectName": "yes"},)),
    "a name of as many letters as fit": Case("production", ({"projectName": "x" * 44},)),
    "a release of a longer name": Case("enough", name="x" * 53),
    "a text that looks like host and port": Case("enough", ({"env": {"S3_REGION": "1:30"}},)),
    "a date": Case("enough", ({"secrets": {"revision": "2026-01-31"}},)),
    "what the kubelet would expand": Case(
        "enough", ({"env": {"S3_ACCESS_KEY_ID": "$(HOME) $$(HOME) $"}},)
    ),
    "lines, quotes and a template": Case(
        "enough", ({"env": {"S3_ACCESS_KEY_ID": "{{ .Values }}\n'a': \"b\" # c\\\n"}},)
    ),
    "a key that is no word": Case("enough", ({"env": {"key: value": "x", "ключ": None}},)),
    "blocks that are gone": Case(
        "enough", ({"api": None, "pods": None, "secrets": None, "networkPolicy": None},)
    ),
    "a value that imitates a message": Case(
        "enough",
        ({"env": {"values.yaml a: b. c [docs: docs/reference/chart-messages.md#x]": "d"}},),
    ),
}

#: Checks that speak of what values may choose, each with when it was chosen.
CHOSEN: dict[str, Callable[[Json], bool]] = {
    # Which classes there are only the cluster knows.
    "priority-unset": lambda values: not values["pods"]["priorityClassName"],
    "user-low": lambda values: min(values["pods"]["user"], values["pods"]["group"]) <= 10_000,
    "instances-too-few": lambda values: any(
        values[role].get("minInstances") == 1 for role in ("api", "web")
    ),
    "drain-missing": lambda values: any(
        values[role]["preStopSeconds"] == 0 for role in ("api", "web")
    ),
    "ingress-class": lambda values: not values["routing"]["ingress"]["className"],
}


@settings(settings.get_profile("chart"))
@given(case=cases())
def drawn(case: Case) -> None:
    OUTCOMES[judged(case)] += 1


OUTCOMES: Counter[str] = Counter()


def test_values_render_rightly_or_are_refused_with_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    OUTCOMES.clear()
    drawn()
    total = OUTCOMES.total()
    with capsys.disabled():
        print(f"\nvalues drawn: {dict(OUTCOMES)}")  # noqa: T201 - what the run was worth
    assert OUTCOMES["rendered"] > total / 4, "most values are refused: nothing else is shown"
    assert OUTCOMES["refused by the chart"] > total / 20
    assert OUTCOMES["refused by the schema"] > total / 20


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once(name: str) -> None:
    judged(FOUND[name])


def test_every_value_is_drawn() -> None:
    def keys(values: Mapping[str, Any], path: str = "") -> set[str]:
        found = set()
        for key, value in values.items():
            below = f"{path}.{key}".lstrip(".")
            found |= keys(value, below) if isinstance(value, dict) and value else {below}
        return found

    assert keys(defaults()) <= LEAVES.keys()
    assert RENAMED


# --- what holds of every case --------------------------------------------------------------------


def judged(case: Case) -> str:
    """How a case ends; on both majors alike, and as it should."""
    with ThreadPoolExecutor(len(MAJORS)) as pool:
        three, four = pool.map(lambda major: outcome(case, major), MAJORS)
    if isinstance(three, str) and isinstance(four, str):
        assert three == four, "the two majors render different things"
        is_right(case, manifest.parse(four, "ops/charts/app"))
        return "rendered"
    assert not isinstance(three, str), f"Helm 3 alone renders it: {four}"
    assert not isinstance(four, str), f"Helm 4 alone renders it: {three}"
    assert _ids(three) == _ids(four), f"{three} and {four}"
    for problem in (*three, *four):
        is_told(problem)
    return f"refused by the {'chart' if four[0].id else 'schema'}"


def outcome(case: Case, major: str) -> str | tuple[Problem, ...]:
    """What is rendered, or why it is refused; whatever else happens is a fault."""
    helm = toolchain.provide(major)
    try:
        return cli.template(paths.CHART, [case.values], helm=helm, name=case.name)
    except cli.Refused as refused:
        return refused.problems


def _ids(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """What both majors must agree on: our messages whole, and that the schema refuses."""
    return sorted({(each.id, each.path if each.id else "") for each in problems})


def is_told(problem: Problem) -> None:
    """A refusal names its value, and one of ours says what to do."""
    if not problem.id:
        return
    assert problem.path, str(problem)
    assert re.search(r"[.?]$", problem.what), f"no whole sentence: {problem}"
    assert ". " in problem.what, f"no remedy: {problem}"
    assert "%!" not in problem.what, f"Go's own complaint: {problem}"


def is_right(case: Case, found: Manifest) -> None:
    """What is rendered passes every check of ours and every schema of Kubernetes's."""
    values = laid(defaults(), case.values)
    choices = kubernetes.Settings.of(values)
    outcomes = (
        kubernetes.check(load(), found, choices),
        schemas.check(found, newest(1)),
    )
    told = [
        str(each)
        for checked in outcomes
        for each in checked.findings
        if not (each.check in CHOSEN and CHOSEN[each.check](values))
    ]
    assert not told, "\n".join(told)
    arrives(values, found)


def arrives(values: Json, found: Manifest) -> None:
    """Every variable that an operator set reaches the process as it was written."""
    for container in found.containers:
        for name, text in literals(container).items():
            if CONTRACT["variables"][name]["source"] != "operator":
                continue
            block = "worker" if container.role == "migrate" else container.role
            given = values[block]["env"].get(name, values["env"].get(name))
            if given is not None:
                assert _is(text, given), f"{container} gets another {name}: {text!r}"


def _is(text: str, given: object) -> bool:
    """Whether a text says what was given; Go writes a number in its own way."""
    if isinstance(given, float):
        return float(text) == given
    return text == (given if isinstance(given, str) else json.dumps(given))
