"""Parity of a manifest that is right, and of the same with one thing wrong."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.render.helm.manifests import (
    containers,
    entries,
    entry,
    external,
    item,
    manifest,
    objects,
)

from hostwright.contract import load
from hostwright.render.helm import Choice, check, choices, gates, rendered
from hostwright.render.helm.reading import expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    Json = dict[str, Any]

CONTRACT = load()
CHOICE = choices(CONTRACT)[0]
RIGHT = objects(CHOICE)


def findings(change: Callable[[list[Json]], object], choice: Choice = CHOICE) -> list[str]:
    """Check, role and variable of what is found once *change* was made."""
    listed = deepcopy(RIGHT) if choice is CHOICE else objects(choice)
    change(listed)
    checked, _ = check(manifest(listed), choice)
    assert checked.count > 50
    return [f"{each.check} {each.role} {each.variable}".strip() for each in checked.findings]


@pytest.mark.parametrize("choice", choices(CONTRACT), ids=str)
def test_a_manifest_with_all_that_is_expected_has_no_findings(choice: Choice) -> None:
    if choice.values["secrets"]["type"] != "existing":
        assert findings(lambda _: None, choice) == []


def value(role: str, name: str, text: str) -> Callable[[list[Json]], object]:
    return lambda listed: entry(listed, role, name).update(value=text)


def dropped(role: str, name: str, kind: str = "containers") -> Callable[[list[Json]], object]:
    def change(listed: list[Json]) -> None:
        env = containers(listed, role, kind)[0]["env"]
        env.remove(entry(listed, role, name, kind))

    return change


def added(role: str, **given: object) -> Callable[[list[Json]], object]:
    return lambda listed: containers(listed, role)[0]["env"].append(given)


def swapped(listed: list[Json]) -> None:
    one, two = entry(listed, "api", "AWS_REGION"), entry(listed, "api", "S3_REGION")
    one["value"], two["value"] = two["value"], one["value"]


def with_env_of(role: str, other: str) -> Callable[[list[Json]], object]:
    def change(listed: list[Json]) -> None:
        containers(listed, role)[0]["env"] = entries(other, CHOICE.expected[other])  # type: ignore[index]

    return change


def data(listed: list[Json], role: str) -> list[Json]:
    [found] = [
        each
        for each in listed
        if each["kind"] == "ExternalSecret" and each["metadata"]["name"] == f"app-{role}"
    ]
    held: list[Json] = found["spec"]["data"]
    return held


def remote(listed: list[Json]) -> None:
    held = data(listed, "api")
    held[0]["remoteRef"], held[1]["remoteRef"] = held[1]["remoteRef"], held[0]["remoteRef"]


SECRET = {"valueFrom": {"secretKeyRef": {"name": "app-api", "key": "SECRET_KEY"}}}
PLANTED: dict[str, tuple[Callable[[list[Json]], object], list[str]]] = {
    "a variable that is missing": (dropped("web", "PORT"), ["variable-missing web PORT"]),
    "a literal of the chart's own": (
        value("api", "PORT", "8080"),
        ["wrong-source api PORT"],
    ),
    "another role's composed value": (
        value("worker", "DATABASE_POOL_SIZE", "5"),
        ["wrong-source worker DATABASE_POOL_SIZE"],
    ),
    "an input that was not taken": (
        value("api", "ENVIRONMENT", "development"),
        ["wrong-source api ENVIRONMENT"],
    ),
    "the value that all roles share where the role has its own": (
        value("api", "AWS_REGION", CHOICE.values["env"]["AWS_REGION"]),
        ["wrong-source api AWS_REGION"],
    ),
    "two variables in each other's place": (
        swapped,
        ["wrong-source api AWS_REGION", "wrong-source api S3_REGION"],
    ),
    "a dollar sign that the kubelet reads": (
        lambda listed: entry(listed, "api", "S3_REGION").update(
            value=CHOICE.expected["api"]["S3_REGION"].text
        ),
        ["wrong-source api S3_REGION"],
    ),
    "a variable that the contract does not have": (
        added("api", name="EXTRA", value="x"),
        ["variable-extra api EXTRA"],
    ),
    "a variable of another role": (
        added("web", name="S3_BUCKET", value="x"),
        ["variable-extra web S3_BUCKET"],
    ),
    "a data store's address in web": (
        added("web", name="DATABASE_URL", **SECRET),
        ["data-store-in-web web DATABASE_URL"],
    ),
    "a variable whose condition does not hold": (
        added("api", name="VAULT_ADDR", value="x"),
        ["variable-not-emitted api VAULT_ADDR"],
    ),
    "no env at all": (
        lambda listed: containers(listed, "migrate")[0].update(env=[]),
        ["env-missing migrate"],
    ),
    "a secret as a plain value": (
        lambda listed: entry(listed, "api", "SECRET_KEY").update(value="oh", valueFrom=None),
        ["secret-in-plain-slot api SECRET_KEY", "wrong-source api SECRET_KEY"],
    ),
    "the reference itself as a plain value": (
        lambda listed: entry(listed, "api", "SECRET_KEY").update(
            value=CHOICE.expected["api"]["SECRET_KEY"].text, valueFrom=None
        ),
        ["secret-in-plain-slot api SECRET_KEY"],
    ),
    "two references in each other's place": (
        remote,
        [
            f"wrong-source api {name}"
            for name in ("AUTH_PASSWORD_PEPPER", "AUTH_SESSION_ENCRYPTION_KEY")
        ],
    ),
    "a key that nothing fills": (
        lambda listed: data(listed, "worker").pop(),
        ["wrong-source worker SECRET_KEY"],
    ),
    "another role's Secret": (
        lambda listed: entry(listed, "worker", "SECRET_KEY").update(SECRET),
        ["wrong-source worker SECRET_KEY"],
    ),
    "a variable from the pod's own fields": (
        lambda listed: entry(listed, "api", "PORT").update(
            value=None, valueFrom={"fieldRef": {"fieldPath": "status.podIP"}}
        ),
        ["wrong-source api PORT"],
    ),
    "a role that nothing runs": (
        lambda listed: listed.remove(next(i for i in listed if i["metadata"]["name"] == "app-web")),
        ["role-missing web"],
    ),
    "a role that the contract does not have": (
        lambda listed: listed.append(
            item("Deployment", "app-beat", "beat", {"template": {"spec": {"containers": [{}]}}})
        ),
        ["role-extra beat"],
    ),
    "a gate without a variable": (
        dropped("api", "DATABASE_SSL_MODE", "initContainers"),
        ["variable-missing api DATABASE_SSL_MODE"],
    ),
}


@pytest.mark.parametrize(("change", "told"), PLANTED.values(), ids=list(PLANTED))
def test_a_planted_fault_is_told(change: Callable[[list[Json]], object], told: list[str]) -> None:
    # The gate has the same env: whatever is wrong with the secrets is wrong in it, too.
    assert list(dict.fromkeys(findings(change))) == told


def test_another_roles_env_is_told_variable_by_variable() -> None:
    found = findings(with_env_of("worker", "web"))
    assert "variable-missing worker DATABASE_URL" in found
    assert "variable-extra worker API_BASE_URL" in found
    assert "wrong-source worker LOG_LEVEL" in found


def test_a_finding_says_which_container_and_which_template() -> None:
    listed = deepcopy(RIGHT)
    dropped("api", "DATABASE_SSL_MODE", "initContainers")(listed)
    checked, _ = check(manifest(listed), CHOICE)
    [found] = checked.findings
    assert found.file == "ops/charts/app/templates/app-api.yaml"
    assert found.message.endswith("(in the init container migrated)")
    assert "`operator`" in found.remedy


def test_what_is_planted_is_told_by_its_owner() -> None:
    listed = deepcopy(RIGHT)
    swapped(listed)
    found = rendered(manifest(listed), CHOICE).roles["api"]
    assert found["AWS_REGION"].text == "api/S3_REGION"
    value("api", "S3_REGION", CHOICE.values["env"]["S3_REGION"].replace("$", "$$"))(listed)
    found = rendered(manifest(listed), CHOICE).roles["api"]
    assert (found["S3_REGION"].kind, found["S3_REGION"].text) == ("mark", "env/S3_REGION")
    with_env_of("worker", "api")(listed)
    found = rendered(manifest(listed), CHOICE).roles["worker"]
    assert found["AUTH_PASSWORD_PEPPER"].text == "api/AUTH_PASSWORD_PEPPER"


def test_whoever_has_a_database_waits_and_a_test_is_no_role() -> None:
    listed = deepcopy(RIGHT)
    test = item("Pod", "app-test-ready", "test", {"containers": [{"name": "test"}]})
    test["metadata"]["annotations"] = {"helm.sh/hook": "test"}
    listed.append(test)
    found = manifest(listed)
    assert set(rendered(found, CHOICE).roles) == {"api", "web", "worker", "migrate"}
    assert set(gates(found, CHOICE).roles) == CHOICE.gated == {"api", "worker"}
    assert check(found, CHOICE)[0].findings == ()


def test_the_count_says_that_both_containers_were_looked_at() -> None:
    listed = deepcopy(RIGHT)
    whole = check(manifest(listed), CHOICE)[0].count
    for role in ("api", "worker"):
        containers(listed, role, "initContainers").clear()
    assert check(manifest(listed), CHOICE)[0].count < whole - 40


def test_somebody_elses_migration_is_not_missed() -> None:
    [choice] = [each for each in choices(CONTRACT) if each.values["migrate"]["type"] == "none"]
    assert "migrate" not in choice.running.roles
    assert choice.gated
    assert findings(lambda _: None, choice) == []


def test_of_doubles_the_last_counts_as_it_does_for_the_kubelet() -> None:
    change = added("api", name="PORT", value="1")
    assert findings(change) == ["wrong-source api PORT"]


@pytest.mark.parametrize(
    ("value_", "seen"),
    [
        ("$(A)", "a"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$a"),
        ("$(B)", "$(B)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$$$$", "$$"),
    ],
)
def test_dollars_are_read_as_the_kubelet_reads_them(value_: str, seen: str) -> None:
    assert expanded(value_, {"A": "a"}) == seen


def test_references_of_the_helper_are_complete() -> None:
    assert external(CHOICE.expected["api"])["data"]
