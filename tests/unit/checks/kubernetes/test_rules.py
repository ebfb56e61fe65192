"""What no planted fault shows: selectors, quantities, budgets, policies, and pods at the edges.

That each rule finds its fault in the chart is shown by tests/blueprints/test_kubernetes_faults.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hostwright import paths
from hostwright.checks import kubernetes as rules
from hostwright.checks.kubernetes import (
    containers,
    environment,
    network,
    objects,
    pod_security,
    relations,
    view,
)
from hostwright.contract.load import load
from hostwright.helm import manifest

CONTRACT = load(paths.CONTRACT)
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "app-api", "labels": {"app.kubernetes.io/component": "api", "a": "b"}},
    "spec": {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "api",
                "image": "a:1",
                "ports": [{"name": "http", "containerPort": 8000}],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    },
}


def looked_at(*bodies: dict[str, Any], **settings: Any) -> view.View:  # noqa: ANN401 - any
    """A view of these objects."""
    text = "\n---\n".join(yaml.safe_dump(body) for body in bodies)
    found = manifest.parse(text, "ops/charts/app")
    return view.View(CONTRACT, found, view.Settings(**settings))


def policy(**spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {}, **spec},
    }


# --- selectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ({}, True),
        ({"matchLabels": {"a": "b"}}, True),
        ({"matchLabels": {"a": "c"}}, False),
        ({"matchLabels": {"b": "b"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Like"}]}, False),
    ],
)
def test_a_selector_chooses_as_kubernetes_does(selector: dict[str, Any], holds: bool) -> None:  # noqa: FBT001
    assert view.chosen(selector, {"a": "b"}) is holds


def test_no_selector_chooses_nothing_and_an_empty_one_everything() -> None:
    there = looked_at(POD)
    assert there.selected(None) == []
    assert len(there.selected({})) == 1


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("500m", 0.5), ("512Mi", 512 * 2**20), ("1G", 10**9), ("1e3", 1000), (2, 2)],
)
def test_a_quantity_is_read(text: object, number: float) -> None:
    assert containers.quantity(text) == number


@pytest.mark.parametrize("text", ["", "Mi", "1 Gi", None, "much"])
def test_what_is_no_quantity_is_none(text: object) -> None:
    assert containers.quantity(text) is None


@pytest.mark.parametrize(
    ("spec", "count", "away"),
    [
        ({"maxUnavailable": 1}, 1, 1),
        ({"maxUnavailable": 0}, 3, 0),
        ({"maxUnavailable": "0%"}, 3, 0),
        ({"maxUnavailable": "25%"}, 2, 1),
        ({"minAvailable": 1}, 1, 0),
        ({"minAvailable": 1}, 2, 1),
        ({"minAvailable": "50%"}, 3, 1),
        ({"minAvailable": "100%"}, 3, 0),
        ({}, 3, 3),
    ],
)
def test_a_budget_lets_so_many_pods_go(spec: dict[str, Any], count: int, away: int) -> None:
    body = {"apiVersion": "v1", "kind": "B", "metadata": {"name": "b"}, "spec": spec}
    [budget] = looked_at(body).manifest.objects
    assert relations._away(budget, count) == away  # noqa: SLF001


# --- variables ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("$(PORT)", True),
        ("a$(B)c", True),
        ("$$$(PORT)", True),
        ("$$(PORT)", False),
        ("$$$$(PORT)", False),
        ("$PORT", False),
        ("cost: $5 (approx.)", False),
    ],
)
def test_a_value_is_expanded_as_the_kubelet_does(value: str, expanded: bool) -> None:  # noqa: FBT001
    assert environment.expands(value) is expanded


# --- the restricted standard -------------------------------------------------------------------


def test_the_restricted_standard_takes_a_pod_that_says_everything() -> None:
    there = looked_at(POD)
    assert [finding for rule in pod_security.RULES for finding in rule(there)] == []


@pytest.mark.parametrize("kind", ["initContainers", "containers"])
def test_every_container_counts(kind: str) -> None:
    late = {"name": "late", "image": "a:1"}
    spec = {**POD["spec"], kind: [*POD["spec"].get(kind, ()), late]}
    there = looked_at({**POD, "spec": spec})
    found = {finding.check for rule in pod_security.RESTRICTED for finding in rule(there)}
    assert found == {"new-privileges", "capabilities-kept"}


@pytest.mark.parametrize(
    ("context", "check"),
    [
        ({"runAsNonRoot": False}, "runs-as-root"),
        ({"seccompProfile": {"type": "Unconfined"}}, "unconfined"),
        ({"appArmorProfile": {"type": "Unconfined"}}, "unconfined"),
        ({"seLinuxOptions": {"type": "spc_t"}}, "unconfined"),
        ({"seLinuxOptions": {"user": "system_u"}}, "unconfined"),
        ({"capabilities": {"drop": ["NET_RAW"]}}, "capabilities-kept"),
    ],
)
def test_a_container_overrides_what_its_pod_says(context: dict[str, Any], check: str) -> None:
    spec: Any = POD["spec"]
    [container] = spec["containers"]
    changed = {**container, "securityContext": {**container["securityContext"], **context}}
    there = looked_at({**POD, "spec": {**spec, "containers": [changed]}})
    assert {finding.check for rule in pod_security.RULES for finding in rule(there)} == {check}


# --- network policies --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("egress", "lets"),
    [
        ([], False),
        ([{}], True),
        ([{"ports": [{"port": 443}]}], True),
        ([{"ports": [{"port": 443, "protocol": "UDP"}]}], False),
        ([{"ports": [{"port": 400, "endPort": 500}]}], True),
        ([{"ports": [{"port": 80}]}], False),
        ([{"ports": [{"port": 443}], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}], True),
        ([{"ports": [{"port": 443}], "to": [{"podSelector": {}}]}], False),
        ([{"ports": [{"port": 443}], "to": [{"namespaceSelector": {}}]}], False),
    ],
)
def test_a_policy_lets_out_as_kubernetes_does(egress: list[Any], lets: bool) -> None:  # noqa: FBT001
    there = looked_at(POD, policy(policyTypes=["Egress"], egress=egress))
    [pod] = there.manifest.pods
    assert network.of(there, pod, "Egress").lets(443) is lets


def test_a_port_by_name_is_the_receivers() -> None:
    there = looked_at(POD, policy(ingress=[{"ports": [{"port": "http"}]}]))
    [pod] = there.manifest.pods
    inward = network.of(there, pod, "Ingress")
    assert inward.isolated
    assert inward.lets(8000)
    assert not inward.lets(8001)
    assert not network.of(there, pod, "Egress").isolated


def test_without_policies_nothing_is_asked_of_them() -> None:
    there = looked_at(POD, policies=False)
    made = rules.check(CONTRACT, there.manifest, there.settings)
    assert not [item for item in made.findings if item.check.startswith("policy-")]


# --- settings ----------------------------------------------------------------------------------


def test_settings_are_what_the_values_chose() -> None:
    chosen = view.Settings.of(
        {
            "environment": "staging",
            "apiDomain": "api.example.org",
            "appDomain": "",
            "secrets": {"type": "csi"},
            "api": {"identity": ""},
            "migrate": {"identity": "somebody"},
            "networkPolicy": {"enabled": False, "redisPort": 6380, "databasePort": 0},
        }
    )
    assert chosen == view.Settings(
        profile="staging",
        secrets="csi",
        migrate="",
        routing="",
        identity="",
        identities={"migrate": "somebody"},
        hosts={"api": "api.example.org"},
        ports={"REDIS_URL": 6380},
        policies=False,
    )
    assert looked_at(POD, ports={"REDIS_URL": 6380}).port("REDIS_URL") == 6380
    assert looked_at(POD).port("DATABASE_URL") == 5432


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1app", "app-", "App", "a.b", "a" * 64])
def test_a_name_that_a_service_cannot_have_is_refused(name: str) -> None:
    body = {**POD, "metadata": {"name": name, "labels": {}}}
    assert "name-refused" in {item.check for item in objects.names(looked_at(body))}


def test_nulls_are_found_however_deep() -> None:
    body = {**POD, "spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": None}]}]}}
    told = [item.message for item in objects.nulls(looked_at(body))]
    assert told == ["Pod: spec.containers[0].env[0].value is null"]
